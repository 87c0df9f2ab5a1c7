/* verdictctl.c: the operator's command: finds the subcommand and does what all of them need. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/nearest.h"
#include "policy/diag.h"
#include "tools/term.h"

#define CONFIG_DEFAULT SYSCONFDIR "/unbound/verdict.conf"
#define WORD_MAX 32   /* of a word in a complaint */

static int cmd_help(const struct command *command, int argc, char **argv);

static const char help_help[] =
	"Usage: verdictctl help [COMMAND]\n"
	"\n"
	"Prints the list of commands, or the help of one.\n";

static const struct command commands[] = {
	{ "check", "read the configuration and every list, and report what is wrong", help_check, cmd_check },
	{ "compile", "make one file of all lists, which the resolver opens without reading them", help_compile,
		cmd_compile },
	{ "explain", "say what the policy does with a name, and which rule of which file decides", help_explain,
		cmd_explain },
	{ "replay", "say what a policy would have done with recorded traffic", help_replay, cmd_replay },
	{ "learn", "propose an allow list and thresholds for the detectors from recorded traffic", help_learn, cmd_learn },
	{ "inventory", "propose the name servers of zones, as recordings show them", help_inventory, cmd_inventory },
	{ "diff", "say what would change between two configurations or lists", help_diff, cmd_diff },
	{ "status", "say what is in force in the running resolver, and how its lists and frames are", help_status, cmd_status },
	{ "stats", "print the running resolver's counters", help_stats, cmd_stats },
	{ "metrics", "print them for Prometheus", help_metrics, cmd_metrics },
	{ "reload", "put changed lists and configuration into force, or go back", help_reload, cmd_reload },
	{ "allow", "let a name through for a while, whatever lists say", help_allow, cmd_override },
	{ "deny", "deny a name for a while", help_deny, cmd_override },
	{ "revoke", "take such a decision back", help_revoke, cmd_revoke },
	{ "overrides", "list those in force, with who, why and until when", help_overrides, cmd_overrides },
	{ "flagged", "list what the detectors have found, with why and until when", help_flagged, cmd_flagged },
	{ "recent", "print the distinct questions asked lately, as a recording", help_recent, cmd_recent },
	{ "flush", "forget what is cached of a name", help_flush, cmd_flush },
	{ "log-reopen", "open the denial log again, and begin new files of frames", help_log_reopen, cmd_log_reopen },
	{ "tap", "print dnstap frames from a file, standard input or a socket, one line each", help_tap, cmd_tap },
	{ "collect", "keep frames of resolvers in day files, to be asked later", help_collect, cmd_collect },
	{ "forget", "remove a client from what was collected", help_forget, cmd_forget },
	{ "hunt", "ask what was kept: who asked, what came back, what was decided", help_hunt, cmd_hunt },
	{ "report", "make an HTML page of what was collected", help_report, cmd_report },
	{ "import", "make a configuration of another system's policy", help_import, cmd_import },
	{ "help", "print the help of a command", help_help, cmd_help },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_overview(FILE *to)
{
	fputs("verdictctl " VERDICT_VERSION ": the operator's side of unbound-verdict\n"
		"\n"
		"Examples:\n"
		"  verdictctl check                                  is my configuration right?\n"
		"  verdictctl explain www.evil.example               what happens to this name, and why?\n"
		"  verdictctl status                                 is the resolver well, how old are its lists?\n"
		"  verdictctl allow portal.example --for 1h --why 'ticket 4711'\n"
		"  verdictctl tap /var/lib/unbound/verdict/frames.fs what was answered?\n"
		"  verdictctl tap --listen unix:/run/verdict.sock    what is being answered now?\n"
		"\n"
		"Commands:\n", to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
		"`verdictctl help COMMAND` shows examples and options; the manual is verdictctl(1).\n"
		"Exit: 0 fine; 1 the configuration is wrong, the name would be denied, or the resolver refuses; 2 wrong usage;\n"
		"3 something cannot be read or written, or no resolver answers.\n", to);
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *nearest = NULL;
	unsigned best = NEAREST_FAR;
	char safe[2 * WORD_MAX];

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (nearest_is(name, commands[i].name, &best))
			nearest = commands[i].name;
	term_escape(safe, sizeof(safe), name, strlen(name));
	fprintf(stderr, "verdictctl: there is no command '%s'", safe);
	if (nearest != NULL)
		fprintf(stderr, "; did you mean '%s'?\n", nearest);
	else
		fputs("; `verdictctl help` lists them\n", stderr);
	return EXIT_USAGE;
}

static int cmd_help(const struct command *command, int argc, char **argv)
{
	const struct command *about;

	if (argc > 2)
		return command_misuse(command, "one command at a time");
	if (argc < 2) {
		print_overview(stdout);
		return EXIT_FINE;
	}
	about = command_find(argv[1]);
	if (about == NULL)
		return unknown_command(argv[1]);
	fputs(about->help, stdout);
	return EXIT_FINE;
}

static const char *nearest_option(const char *word, const struct option *options)
{
	const char *nearest = NULL;
	unsigned best = NEAREST_FAR;

	for (; options->name != NULL; options++)
		if (nearest_is(word, options->name, &best))
			nearest = options->name;
	return nearest;
}

static void complain_option(const struct command *command, const char *word, const struct option *options)
{
	const char *nearest = strncmp(word, "--", 2) == 0 ? nearest_option(word + 2, options) : NULL;
	char safe[2 * WORD_MAX];

	term_escape(safe, sizeof(safe), word, strlen(word));
	if (nearest != NULL)
		command_misuse(command, "there is no option '%s'; did you mean '--%s'?", safe, nearest);
	else
		command_misuse(command, "there is no option '%s'", safe);
}

/* The leading ':' makes getopt_long tell a missing value (':') from an unknown option ('?'). */
int command_option(const struct command *command, int argc, char **argv, const char *letters,
	const struct option *options)
{
	int at = optind > 0 ? optind : 1;
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, letters, options, NULL);
	switch (option) {
	case 'h':
		fputs(command->help, stdout);
		break;
	case ':':
		command_misuse(command, "'%s' needs a value", argv[optind - 1]);
		return '?';
	case '?':
		complain_option(command, argv[optind > at ? optind - 1 : at], options);
		break;
	}
	return option;
}

int command_misuse(const struct command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "verdictctl %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry `verdictctl help %s`.\n", command->name);
	return EXIT_USAGE;
}

int command_fail(int code, const struct diag *diag)
{
	char text[sizeof(struct diag) + 32];

	fprintf(stderr, "verdictctl: %s\n", diag_format(diag, text, sizeof(text)));
	return code;
}

const char *command_config(const char *given)
{
	const char *from_environment = getenv("UNBOUND_VERDICT_CONF");

	if (given != NULL)
		return given;
	return from_environment != NULL && *from_environment != '\0' ? from_environment : CONFIG_DEFAULT;
}

int command_config_code(const char *given)
{
	return access(command_config(given), R_OK) == 0 ? EXIT_WRONG : EXIT_UNREADABLE;
}

/* errno may be long gone; the kernel still knows that nobody reads. */
static bool reader_is_gone(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

int command_end(int code)
{
	int failed = fflush(stdout);

	if ((failed == 0 && !ferror(stdout)) || reader_is_gone())
		return code;
	fprintf(stderr, "verdictctl: cannot write to standard output: %s\n", strerror(errno));
	return EXIT_UNREADABLE;
}

int main(int argc, char **argv)
{
	const struct command *command;
	const char *first = argc > 1 ? argv[1] : NULL;

	/* A reader that goes away shows as EPIPE, so that a listening socket is still removed. */
	signal(SIGPIPE, SIG_IGN);
	if (first == NULL) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
		print_overview(stdout);
		return command_end(EXIT_FINE);
	}
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
		puts("verdictctl " VERDICT_VERSION);
		return command_end(EXIT_FINE);
	}
	command = command_find(first);
	if (command == NULL)
		return unknown_command(first);
	return command_end(command->run(command, argc - 1, argv + 1));
}
