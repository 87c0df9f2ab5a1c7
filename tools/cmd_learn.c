/* cmd_learn.c: `verdictctl learn`: an allow list and thresholds for the detectors, out of recordings. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/json_out.h"
#include "tools/learn.h"
#include "tools/record_files.h"
#include "tools/term.h"

const char help_learn[] =
	"Usage: verdictctl learn [--policy FILE] [--days N] [--clients N] [--list FILE] [--json] FILE ...\n"
	"\n"
	"Examples:\n"
	"  verdictctl learn --list approved.txt /var/lib/unbound/verdict/frames.fs* > learned.conf\n"
	"                                               a week of frames; review both, then `include:` learned.conf\n"
	"  verdictctl check --config learned.conf       is it right?\n"
	"  verdictctl learn --json week.fstrm | jq .alarms_left\n"
	"                                               what would still be flagged?\n"
	"\n"
	"Runs the detectors over recordings (the inputs of `verdictctl replay`, oldest first) and prints a configuration to\n"
	"be reviewed: zones in common use that detectors spoke of, as a list with `enrich: approved`, and thresholds, each\n"
	"with its evidence. What an attacker could have made up is not proposed: verdictctl(1) says how.\n"
	"\n"
	"Options:\n"
	"  -p, --policy FILE   the configuration; default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"  -d, --days N        of observation; with fewer all stays a comment; a zone has to be seen on half of them;\n"
	"                      default: 7\n"
	"  -c, --clients N     that have to ask for a zone, and for ten others; default: 3, at least 2\n"
	"  -l, --list FILE     a new file for the list; without it the list is part of the comments\n"
	"  -j, --json          one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 fine; 1 the configuration is wrong; 2 wrong usage; 3 an input or the configuration cannot be read, or not\n"
	"to its end, or the list cannot be written.\n";

#define DAYS_DEFAULT 7
#define CLIENTS_DEFAULT 3
#define NUMBER_MOST 100000ul

struct learn_arguments {
	const char *policy, *list;
	uint32_t days, clients;
	bool json;
};

static bool number_in(const char *text, unsigned long least, uint32_t *number)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > NUMBER_MOST)
		return false;
	*number = (uint32_t)value;
	return true;
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct learn_arguments *given)
{
	static const struct option options[] = {
		{ "policy", required_argument, NULL, 'p' }, { "days", required_argument, NULL, 'd' },
		{ "clients", required_argument, NULL, 'c' }, { "list", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":p:d:c:l:jh", options)) != -1) {
		switch (option) {
		case 'p': given->policy = optarg; break;
		case 'l': given->list = optarg; break;
		case 'j': given->json = true; break;
		case 'd':
			if (!number_in(optarg, 0, &given->days))
				return command_misuse(command, "--days: a number of days");
			break;
		case 'c':
			if (!number_in(optarg, 2, &given->clients))
				return command_misuse(command, "--clients: a number from 2: what one client asks for proves nothing");
			break;
		case 'h': return -1;
		default: return EXIT_USAGE;
		}
	}
	if (given->list != NULL && (!term_is_clean(given->list, strlen(given->list)) || strchr(given->list, '"') != NULL))
		return command_misuse(command, "--list: a path without quotes and control characters");
	return optind < argc ? EXIT_FINE : command_misuse(command, "which recordings? Name files, or - for standard input");
}

static void take(void *arg, const struct recorded *recorded)
{
	learn_take(arg, recorded);
}

/* Standard input and pipes can be read once. */
static bool can_be_read_again(char **names)
{
	for (; *names != NULL; names++) {
		FILE *file = strcmp(*names, "-") == 0 ? NULL : fopen(*names, "re");
		const bool can = file != NULL && fseek(file, 0, SEEK_END) == 0;

		if (file != NULL)
			fclose(file);
		if (!can)
			return false;
	}
	return true;
}

static int write_list(const char *path, const json_t *report)
{
	FILE *to = fopen(path, "wxe");
	struct diag diag = { 0 };
	bool written;

	if (to == NULL) {
		diag_set(&diag, path, 0, 0, "cannot be made: %s", strerror(errno));
		return command_fail(EXIT_UNREADABLE, &diag);
	}
	learn_print_list(report, to);
	written = !ferror(to);
	if (fclose(to) == 0 && written)
		return EXIT_FINE;
	diag_set(&diag, path, 0, 0, "cannot be written: %s", strerror(errno));
	return command_fail(EXIT_UNREADABLE, &diag);
}

/* Takes the report. */
static int show(const struct learn_arguments *given, json_t *report)
{
	int code = given->list != NULL ? write_list(given->list, report) : EXIT_FINE;

	if (given->json) {
		(void)json_print_line(report, stdout, false);
		return code;
	}
	learn_print(report, given->list, stdout);
	json_decref(report);
	return code;
}

static int learn_from(const struct learn_arguments *given, struct learn *learn, char **names)
{
	json_t *inputs = json_array(), *report = NULL, *again = json_array();
	int code = record_files_read("learn", names, RECORD_RESPONSES, take, learn, inputs);
	struct diag diag = { 0 };

	if (learn_conclude(learn) == 0) {
		if (code == EXIT_FINE && can_be_read_again(names) && learn_again(learn, &diag) == 0)
			code = record_files_read("learn", names, RECORD_RESPONSES, take, learn, again);
		report = learn_report(learn);
	}
	json_decref(again);
	if (report == NULL) {
		json_decref(inputs);
		fputs("verdictctl learn: out of memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	json_object_set_new(report, "inputs", inputs);
	return show(given, report) == EXIT_FINE ? code : EXIT_UNREADABLE;
}

int cmd_learn(const struct command *command, int argc, char **argv)
{
	struct learn_arguments given = { .days = DAYS_DEFAULT, .clients = CLIENTS_DEFAULT };
	int code = parse(command, argc, argv, &given);
	struct learn *learn = NULL;
	struct diag diag = { 0 };

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;

	struct conf *conf = conf_load(command_config(given.policy), &diag);
	struct snapshot *snapshot = conf == NULL ? NULL : snapshot_build(conf, time(NULL), NULL, &diag);

	if (snapshot != NULL)
		learn = learn_create(&(struct learn_options){ conf, snapshot, given.days, given.clients }, &diag);
	if (learn == NULL)
		code = command_fail(command_config_code(given.policy), &diag);
	else
		code = learn_from(&given, learn, argv + optind);
	learn_destroy(&learn);
	snapshot_destroy(&snapshot);
	conf_destroy(&conf);
	return code;
}
