/* cmd_diff.c: `verdictctl diff`: what would change between two configurations or lists? */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "control/json.h"
#include "tools/diff.h"
#include "tools/diff_side.h"
#include "tools/json_out.h"

const char help_diff[] =
	"Usage: verdictctl diff [--queries FILE] [--list NAME] [--limit N | --each] [--json] OLD NEW\n"
	"\n"
	"Examples:\n"
	"  verdictctl diff /etc/unbound/verdict.conf new.conf\n"
	"                                               which rules, lists and options differ?\n"
	"  verdictctl diff --list malware /etc/unbound/verdict.conf malware.new.rpz\n"
	"                                               what does the new edition of a list bring?\n"
	"  verdictctl diff hosts.txt domains.txt        do two lists say the same, whatever they look like?\n"
	"  verdictctl recent > asked.tsv && verdictctl diff --queries asked.tsv old.conf new.conf\n"
	"                                               which of the questions asked lately would end otherwise?\n"
	"\n"
	"OLD and NEW are configurations or plain lists. Rules are compared by what they mean and not by their text, list\n"
	"by list as their names pair them: + is a rule that is added, - one that is removed, ~ one that asks for something\n"
	"else. A list's own `action:` is an option of it and not of each rule.\n"
	"\n"
	"Options:\n"
	"  -q, --queries FILE   recorded questions, - for standard input: lines of time, client, name and type with tabs\n"
	"                       between, as `verdictctl recent` prints them, or of name and type; or dnstap or pcap, as\n"
	"                       verdictctl replay takes them; answers are judged where there are some\n"
	"  -L, --list NAME      which list of the configuration a plain list is compared with\n"
	"  -n, --limit N        examples of each kind and list; default: 5\n"
	"  -e, --each           all of them, one a line, before the summary\n"
	"  -j, --json           one JSON object; with --each one for each change before it\n"
	"  -h, --help           this text\n"
	"\n"
	"Exit: 0 nothing would change; 1 something would: a rule, list, group, target or option, or, with --queries, the\n"
	"answer to one of the questions, and then nothing else counts; 2 wrong usage, or something is wrong or cannot be\n"
	"read; 3 standard output cannot be written.\n";

#define LIMIT_DEFAULT 5
#define LIMIT_MAX 1000000
#define EXIT_SAME 0
#define EXIT_DIFFERS 1
#define EXIT_TROUBLE 2

struct diff_arguments {
	const char *queries;
	const char *list;
	struct diff_task task;
};

static bool take_limit(const char *text, size_t *limit)
{
	char *end;
	const unsigned long number = strtoul(text, &end, 10);

	*limit = number;
	return *text >= '0' && *text <= '9' && *end == '\0' && number <= LIMIT_MAX;
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct diff_arguments *given)
{
	static const struct option options[] = {
		{ "queries", required_argument, NULL, 'q' }, { "list", required_argument, NULL, 'L' },
		{ "limit", required_argument, NULL, 'n' }, { "each", no_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":q:L:n:ejh", options)) != -1) {
		switch (option) {
		case 'q':
			given->queries = optarg;
			break;
		case 'L':
			given->list = optarg;
			break;
		case 'n':
			if (!take_limit(optarg, &given->task.limit))
				return command_misuse(command, "--limit: a number from 0 to %d", LIMIT_MAX);
			break;
		case 'e':
			given->task.each = true;
			break;
		case 'j':
			given->task.json = true;
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	return argc - optind == 2 ? EXIT_FINE : command_misuse(command, "it takes two files: the old one and the new one");
}

/* Takes the report. */
static int show(const struct diff_task *task, json_t *report, bool changes)
{
	const int code = changes ? EXIT_DIFFERS : EXIT_SAME;
	struct term term;

	if (task->json)
		return json_print_line(report, task->to, false) ? code : EXIT_TROUBLE;
	term_init(&term, fileno(task->to));
	diff_print(report, &term, task->to);
	json_decref(report);
	return code;
}

static int compare(const struct diff_arguments *given, struct diag *diag)
{
	const struct diff_task *task = &given->task;
	json_t *report = json_object();
	bool policy = false, answers = false, changes;

	if (diff_policies(task, report, &policy, diag) != 0 || (given->queries != NULL &&
	    diff_questions(task, given->queries, report, &answers, diag) != 0)) {
		json_decref(report);
		return -1;
	}
	changes = given->queries != NULL ? answers : policy;
	json_set_flag(report, "policy_changes", policy);
	json_set_flag(report, "changes", changes);
	return show(task, report, changes);
}

int cmd_diff(const struct command *command, int argc, char **argv)
{
	struct diff_arguments given = { .task = { .limit = LIMIT_DEFAULT, .now = time(NULL), .to = stdout } };
	struct diff_sides sides = { NULL, NULL };
	struct diag diag = { 0 };
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	code = diff_sides_load(&sides, argv[optind], argv[optind + 1], given.list, &diag);
	if (code == 0) {
		given.task.before = sides.before;
		given.task.after = sides.after;
		code = compare(&given, &diag);
	}
	diff_sides_fini(&sides);
	return code >= 0 ? code : command_fail(EXIT_TROUBLE, &diag);
}
