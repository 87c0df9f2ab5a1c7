/* cmd_live_override.c: `verdictctl allow`, `deny`, `revoke`, `overrides`: what operators decide for a while. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/live.h"
#include "tools/live_print.h"
#include "tools/term.h"

#define HELP_ADD_OPTIONS \
	"Options:\n" \
	"  -f, --for DURATION     30m, 12h, 7d; at most 90d\n" \
	"  -w, --why TEXT         for those who come later, in the audit log and in `verdictctl overrides`\n" \
	"      --client NETWORK   for these clients only: an address, or a network such as 10.20.0.0/16\n" \
	LIVE_HELP_OPTIONS \
	"\n" \
	LIVE_HELP_EXIT

const char help_allow[] =
	"Usage: verdictctl allow NAME --for DURATION --why TEXT [--client NETWORK] [--socket PATH] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl allow portal.example --for 12h --why 'false positive, ticket 4711'\n"
	"  verdictctl allow portal.example --for 1h --why 'test' --client 192.0.2.7\n"
	"\n"
	"Lets a name and all below it through, whatever lists say, until the time has passed. It takes effect at once,\n"
	"stands before all lists, survives restarts, and shows in frames, `explain` and the audit log.\n"
	"\n"
	HELP_ADD_OPTIONS;

const char help_deny[] =
	"Usage: verdictctl deny NAME --for DURATION --why TEXT [--client NETWORK] [--socket PATH] [--json]\n"
	"\n"
	"Example:\n"
	"  verdictctl deny login.evil.example --for 7d --why 'phishing, ticket 4712'\n"
	"\n"
	"Denies a name and all below it (NXDOMAIN) until the time has passed. It takes effect at once, for answers in\n"
	"the caches too. A name that protected-name: holds is refused.\n"
	"\n"
	HELP_ADD_OPTIONS;

const char help_revoke[] =
	"Usage: verdictctl revoke ID|NAME [--why TEXT] [--socket PATH] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl revoke 17                 the override with that number\n"
	"  verdictctl revoke portal.example     all overrides of exactly that name\n"
	"\n"
	"Options:\n"
	"  -w, --why TEXT         for the audit log\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

const char help_overrides[] =
	"Usage: verdictctl overrides [--socket PATH] [--config FILE] [--json]\n"
	"\n"
	"Lists what operators have allowed and denied for a while, with who, why and until when.\n"
	"\n"
	"Options:\n"
	LIVE_HELP_OPTIONS
	"\n"
	LIVE_HELP_EXIT;

static const char *safe_text(const json_t *object, const char *key, char *to)
{
	const char *text = json_get_text(object, key);

	term_escape(to, LIVE_SAFE_MAX, text, strlen(text));
	return to;
}

/* --- allow and deny ---------------------------------------------------------------------------------------- */

struct override_arguments {
	struct live_options live;
	const char *duration, *why, *client;
};

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct override_arguments *given)
{
	static const struct option options[] = {
		LIVE_OPTIONS, { "for", required_argument, NULL, 'f' }, { "why", required_argument, NULL, 'w' },
		{ "client", required_argument, NULL, 'C' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, LIVE_LETTERS "f:w:", options)) != -1) {
		if (option == 'f')
			given->duration = optarg;
		else if (option == 'w')
			given->why = optarg;
		else if (option == 'C')
			given->client = optarg;
		else if (!live_option(&given->live, option))
			return option == 'h' ? -1 : EXIT_USAGE;
	}
	return EXIT_FINE;
}

static int make_request(const struct command *command, int argc, char **argv, const struct override_arguments *given,
	json_t **request)
{
	struct name name;
	uint32_t seconds;
	char text[NAME_TEXT_MAX];
	int code;

	if (optind + 1 != argc)
		return command_misuse(command, optind == argc ? "name a domain, such as www.example.com" :
			"one name at a time");
	code = live_name(command, argv[optind], &name);
	if (code != EXIT_FINE)
		return code;
	if (given->duration == NULL)
		return command_misuse(command, "say for how long: --for 1h");
	if (!live_duration(given->duration, &seconds))
		return command_misuse(command, "--for takes a time such as 30m, 12h or 7d, at most 90d");
	if (given->why == NULL)
		return command_misuse(command, "say why: --why 'false positive, ticket 4711'");
	*request = live_change_request(command->name);
	json_set_text(*request, "name", name_to_text(&name, text));
	json_set_number(*request, "seconds", seconds);
	json_set_text(*request, "why", given->why);
	json_set_text(*request, "client", given->client);
	return EXIT_FINE;
}

static void print_override(const json_t *override, const struct term *term)
{
	char action[LIVE_SAFE_MAX], name[LIVE_SAFE_MAX], client[LIVE_SAFE_MAX], until[LIVE_TEXT_MAX], who[LIVE_SAFE_MAX];
	char why[LIVE_SAFE_MAX];
	const enum term_style style = strcmp(json_get_text(override, "action"), "allow") == 0 ? STYLE_GOOD : STYLE_BAD;

	printf("%4lld  %s%-6s%s  %-32s %-18s until %s  by %s: %s\n", (long long)json_get_number(override, "id"),
		term_on(term, style), safe_text(override, "action", action), term_off(term, style),
		safe_text(override, "name", name), *safe_text(override, "client", client) != '\0' ? client : "everybody",
		live_time(json_get_number(override, "until"), until), safe_text(override, "who", who),
		safe_text(override, "why", why));
}

static void print_change(const json_t *answer)
{
	const json_t *added = json_object_get(answer, "override"), *gone, *removed = json_object_get(answer, "removed");
	struct term term;
	size_t index;

	term_init(&term, STDOUT_FILENO);
	if (added != NULL)
		print_override(added, &term);
	json_array_foreach(removed, index, gone) {
		fputs(added != NULL ? "instead of " : "revoked ", stdout);
		print_override(gone, &term);
	}
	live_print_sweep(json_object_get(json_object_get(answer, "load"), "sweep"), stdout);
}

static int carry_out(const struct live_options *live, json_t *request)
{
	json_t *answer;
	int code = live_ask(live, request, &answer);

	if (code != EXIT_FINE)
		return code;
	if (!live->json)
		print_change(answer);
	return live_end(live, answer, EXIT_FINE);
}

int cmd_override(const struct command *command, int argc, char **argv)
{
	struct override_arguments given = { 0 };
	json_t *request = NULL;
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	code = make_request(command, argc, argv, &given, &request);
	return code == EXIT_FINE ? carry_out(&given.live, request) : code;
}

/* --- revoke ------------------------------------------------------------------------------------------------ */

int cmd_revoke(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { LIVE_OPTIONS, { "why", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 } };
	struct live_options live = { 0 };
	const char *why = NULL, *what;
	json_t *request;
	struct name name;
	char text[NAME_TEXT_MAX];
	int option;

	while ((option = command_option(command, argc, argv, LIVE_LETTERS "w:", options)) != -1) {
		if (option == 'w')
			why = optarg;
		else if (!live_option(&live, option))
			return option == 'h' ? EXIT_FINE : EXIT_USAGE;
	}
	if (optind + 1 != argc)
		return command_misuse(command, "give the number or the name of an override; `verdictctl overrides` lists "
			"them");
	what = argv[optind];
	if (what[0] != '\0' && what[strspn(what, "0123456789")] == '\0') {
		if (strlen(what) > 18 || strtoull(what, NULL, 10) == 0)
			return command_misuse(command, "no override has that number");
		request = live_change_request("revoke");
		json_set_number(request, "id", strtoull(what, NULL, 10));
	} else {
		const int code = live_name(command, what, &name);

		if (code != EXIT_FINE)
			return code;
		request = live_change_request("revoke");
		json_set_text(request, "name", name_to_text(&name, text));
	}
	json_set_text(request, "why", why);
	return carry_out(&live, request);
}

/* --- overrides --------------------------------------------------------------------------------------------- */

static void print_overrides(const json_t *answer)
{
	const json_t *overrides = json_object_get(answer, "overrides"), *override;
	struct term term;
	size_t index;

	term_init(&term, STDOUT_FILENO);
	if (json_array_size(overrides) == 0)
		puts("no override is in force");
	json_array_foreach(overrides, index, override)
		print_override(override, &term);
}

int cmd_overrides(const struct command *command, int argc, char **argv)
{
	struct live_options live = { 0 };
	json_t *answer;
	int code;

	if (!live_options_alone(command, argc, argv, &live, &code))
		return code;
	code = live_ask(&live, live_request("overrides"), &answer);
	if (code != EXIT_FINE)
		return code;
	if (!live.json)
		print_overrides(answer);
	return live_end(&live, answer, EXIT_FINE);
}
