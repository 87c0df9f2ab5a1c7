/* cmd_live_reload.c: `verdictctl reload`, `flush` and `log-reopen`: things that the running resolver is to do now. */
#include "tools/verdictctl.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/live.h"
#include "tools/live_print.h"
#include "tools/term.h"

#define LOOK_MS 500

const char help_reload[] =
	"Usage: verdictctl reload [--force] [--to N|previous] [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl reload                  load configuration and lists again, and print how long each step took\n"
	"  verdictctl reload --to previous    go back to the policy before\n"
	"  verdictctl reload --to 12          go back to policy 12 (`verdictctl status` lists the last loads)\n"
	"\n"
	"Queries are answered all the time. When something is wrong with the new policy, or it would newly deny too\n"
	"many of the questions asked lately or a protected name, the old one stays in force.\n"
	"\n"
	"Options:\n"
	"  -f, --force            pass over the share of newly denied questions, and the guards against shrunken lists\n"
	"  -t, --to N|previous    a policy that was in force before\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

const char help_flush[] =
	"Usage: verdictctl flush NAME [--below] [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl flush www.example           forget what is cached of that name\n"
	"  verdictctl flush example --below       and of all names below it\n"
	"\n"
	"Flushes the caches that all clients share, and the module's own for what only some may have, which\n"
	"unbound-control flush does not reach.\n"
	"\n"
	"Options:\n"
	"  -b, --below            all names below it, too\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

const char help_log_reopen[] =
	"Usage: verdictctl log-reopen [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Opens the denial log again, after it was rotated; a file that was moved is noticed within a second anyway. Ends\n"
	"the files that frames are written to and begins new ones: what was FILE is then FILE.1.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

/* --- progress ---------------------------------------------------------------------------------------------- */

/* Asks for the status again and again while the load runs, and shows its phase on a terminal. */
struct progress {
	const struct live_options *live;
	_Atomic bool done;
	pthread_t thread;
	bool started;
};

static void show_phase(const char *path)
{
	json_t *status = live_call(path, live_request("status"), NULL);
	const char *phase = json_get_text(status, "loading");
	char span[LIVE_TEXT_MAX], safe[64];

	term_escape(safe, sizeof(safe), phase, strlen(phase));
	if (*phase != '\0')
		fprintf(stderr, "\r\033[K%s, %s", safe,
			live_span(json_get_number(status, "time") - json_get_number(status, "loading_since"), span));
	json_decref(status);
}

static void *watch(void *arg)
{
	struct progress *progress = arg;
	char *path;

	if (live_socket(progress->live, &path) != EXIT_FINE)
		return NULL;
	for (unsigned waited = 0; !atomic_load(&progress->done); waited++) {
		poll(NULL, 0, LOOK_MS / 10);
		if (waited % 10 == 9)
			show_phase(path);
	}
	fputs("\r\033[K", stderr);
	free(path);
	return NULL;
}

static void progress_begin(struct progress *progress, const struct live_options *live)
{
	*progress = (struct progress){ .live = live };
	progress->started = isatty(STDERR_FILENO) && !live->json &&
		pthread_create(&progress->thread, NULL, watch, progress) == 0;
}

static void progress_end(struct progress *progress)
{
	atomic_store(&progress->done, true);
	if (progress->started)
		pthread_join(progress->thread, NULL);
}

/* --- reload ------------------------------------------------------------------------------------------------ */

static int take_to(const struct command *command, json_t *request, const char *to)
{
	if (strcmp(to, "previous") == 0)
		json_set_flag(request, "previous", true);
	else if (*to != '\0' && to[strspn(to, "0123456789")] == '\0' && strlen(to) <= 18 && strtoull(to, NULL, 10) > 0)
		json_set_number(request, "to", strtoull(to, NULL, 10));
	else
		return command_misuse(command, "--to takes the number of a policy, or previous");
	return EXIT_FINE;
}

static void print_reload(const json_t *answer)
{
	const json_t *load = json_object_get(answer, "load");
	struct term term;

	term_init(&term, STDOUT_FILENO);
	printf("policy %lld is in force: %lld lists, %lld rules, %lld entries skipped\n",
		(long long)json_get_number(load, "policy"), (long long)json_get_number(load, "lists"),
		(long long)json_get_number(load, "rules"), (long long)json_get_number(load, "skipped"));
	live_print_phases(load, &term, stdout);
}

static int reload(const struct live_options *live, json_t *request)
{
	struct progress progress;
	json_t *answer;
	int code;

	progress_begin(&progress, live);
	code = live_ask(live, request, &answer);
	progress_end(&progress);
	if (code != EXIT_FINE)
		return code;
	if (!live->json)
		print_reload(answer);
	return live_end(live, answer, EXIT_FINE);
}

int cmd_reload(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { LIVE_OPTIONS, { "force", no_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' }, { NULL, 0, NULL, 0 } };
	struct live_options live = { 0 };
	json_t *request = live_change_request("reload");
	int option, code = EXIT_FINE;

	while (code == EXIT_FINE && (option = command_option(command, argc, argv, LIVE_LETTERS "ft:", options)) != -1) {
		if (option == 'f')
			json_set_flag(request, "force", true);
		else if (option == 't')
			code = take_to(command, request, optarg);
		else if (!live_option(&live, option))
			code = option == 'h' ? -1 : EXIT_USAGE;
	}
	if (code == EXIT_FINE && optind < argc)
		code = command_misuse(command, "it takes no argument");
	if (code == EXIT_FINE)
		return reload(&live, request);
	json_decref(request);
	return code < 0 ? EXIT_FINE : code;
}

/* --- flush and log-reopen ---------------------------------------------------------------------------------- */

static int flush(const struct live_options *live, const struct name *name, bool below)
{
	json_t *request = live_change_request("flush"), *answer;
	char text[NAME_TEXT_MAX];
	int code;

	json_set_text(request, "name", name_to_text(name, text));
	json_set_flag(request, "below", below);
	code = live_ask(live, request, &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live->json)
		live_print_sweep(json_object_get(answer, "sweep"), stdout);
	return live_end(live, answer, EXIT_FINE);
}

int cmd_flush(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { LIVE_OPTIONS, { "below", no_argument, NULL, 'b' },
		{ NULL, 0, NULL, 0 } };
	struct live_options live = { 0 };
	struct name name;
	bool below = false;
	int option, code;

	while ((option = command_option(command, argc, argv, LIVE_LETTERS "b", options)) != -1) {
		if (option == 'b')
			below = true;
		else if (!live_option(&live, option))
			return option == 'h' ? EXIT_FINE : EXIT_USAGE;
	}
	if (optind + 1 != argc)
		return command_misuse(command, "name a domain, such as www.example.com");
	code = live_name(command, argv[optind], &name);
	return code == EXIT_FINE ? flush(&live, &name, below) : code;
}

int cmd_log_reopen(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_change_request("log-reopen"), &answer);
	return code == EXIT_FINE ? live_end(&live, answer, EXIT_FINE) : code;
}
