/* cmd_check.c: `verdictctl check`: would the module load this configuration, and what would it hold? */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "detect/suffix.h"
#include "policy/overlap.h"
#include "tools/check.h"
#include "tools/check_unbound.h"
#include "tools/json_out.h"
#include "tools/trial.h"

const char help_check[] =
	"Usage: verdictctl check [--config FILE] [--popular FILE] [--json]\n"
	"       verdictctl check --unbound PATH [--library FILE] [--snippet FILE] [--trial[=SECONDS] [--user NAME]]\n"
	"                        [--unbound-conf FILE] [--json]\n"
	"\n"
	"Examples:\n"
	"  verdictctl check                             the configuration that the resolver uses\n"
	"  verdictctl check --config new.conf && cp new.conf /etc/unbound/verdict.conf && unbound-control reload\n"
	"                                               put a configuration in place only if it is right\n"
	"  verdictctl check --json | jq '.lists[] | {name, rules, skipped: .skipped.total}'\n"
	"  verdictctl check --popular top-1m.csv        would it hit names that everybody asks for?\n"
	"  verdictctl check --unbound /usr/sbin/unbound would this Unbound load the library?\n"
	"  verdictctl check --unbound /usr/sbin/unbound --trial --user unbound\n"
	"                                               does it start with it? Nothing that runs is touched\n"
	"\n"
	"Reads the configuration and every policy list exactly as the module does, and prints for each list what was\n"
	"taken, what was skipped, why and what first, how old the file is, and how many rules others make needless.\n"
	"With --unbound it reads no configuration: it compares the library with that program, as Unbound would find out when\n"
	"it starts, and with --snippet switches the clause that loads it off or on again. With --trial it also starts the\n"
	"program, apart from everything, and ends it again: files alone do not show every difference.\n"
	"\n"
	"Options:\n"
	"  -c, --config FILE   default: $UNBOUND_VERDICT_CONF, else " SYSCONFDIR "/unbound/verdict.conf\n"
	"  -j, --json          one JSON object\n"
	"  -p, --popular FILE  names, one a line, or rank,name: which of them do rules decide about, how many are denied?\n"
	"  -u, --unbound PATH  the program that is to load the library\n"
	"  -l, --library FILE  default: what the snippet names, else " MODULEDIR "/unbound-verdict.so\n"
	"  -s, --snippet FILE  the file in unbound.conf.d that loads the library: made comments when it does not fit, and\n"
	"                      put back when it does\n"
	"  -t, --trial[=SECONDS]  start the program with the library and a configuration of the trial's own, and wait that\n"
	"                      long; default: 10\n"
	"  -U, --user NAME     whom the trial runs as, for root; default: the caller\n"
	"  -f, --unbound-conf FILE  what that Unbound reads: is dynlib the first in its module-config? Asks unbound-checkconf\n"
	"                      beside it\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 the module would load it, or the library fits; 1 it would not, and the message says why; 2 wrong usage;\n"
	"3 the configuration, a program or the snippet cannot be read or written; 4 the files fit, and the\n"
	"trial or unbound-checkconf says nothing.\n";

static double cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int count_subsumed(struct checked *checked, struct diag *diag)
{
	const struct conf *conf = checked->conf;

	checked->subsumed = calloc(conf->list_count + 1, sizeof(*checked->subsumed));
	if (checked->subsumed == NULL)
		return diag_set(diag, conf->path, 0, 0, "out of memory");
	for (size_t i = 0; i < conf->list_count; i++)
		if (overlap_count(&conf->lists[i], &checked->subsumed[i], diag) != 0)
			return -1;
	return 0;
}

/* What the module only finds out when it runs, and then does without detectors. */
static int try_suffixes(const struct conf *conf, struct diag *diag)
{
	const struct hash_key key = { 1, 2 };
	struct suffix_set *suffixes;

	if (!conf->detection.wanted)
		return 0;
	suffixes = suffix_load(conf->detection.suffixes, &key, diag);
	if (suffixes == NULL)
		return -1;
	suffix_destroy(&suffixes);
	return 0;
}

static int load(struct checked *checked, const char *path, struct diag *diag)
{
	double begin = cpu_now();

	checked->now = time(NULL);
	checked->conf = conf_load(path, diag);
	if (checked->conf == NULL)
		return -1;
	checked->snapshot = snapshot_build(checked->conf, checked->now, &checked->report, diag);
	checked->cpu_seconds = cpu_now() - begin;
	if (checked->snapshot == NULL || count_subsumed(checked, diag) != 0 || try_suffixes(checked->conf, diag) != 0)
		return -1;
	return checked->popular_path == NULL ? 0 :
		popular_judge(&checked->popular, checked->popular_path, checked->snapshot, diag);
}

static void unload(struct checked *checked)
{
	popular_fini(&checked->popular);
	free(checked->subsumed);
	build_report_fini(&checked->report);
	snapshot_destroy(&checked->snapshot);
	conf_destroy(&checked->conf);
}

static void print_json_error(const struct diag *diag)
{
	json_t *object = json_object(), *error = json_object();

	json_set_text(error, "file", diag->file);
	json_set_number(error, "line", diag->line);
	json_set_number(error, "column", diag->column);
	json_set_text(error, "text", diag->text);
	json_object_set_new(object, "ok", json_false());
	json_object_set_new(object, "error", error);
	json_print_line(object, stdout, false);
}

struct check_arguments {
	const char *config;
	const char *popular;
	bool json;
	struct check_unbound unbound;
};

static bool take_seconds(const char *text, unsigned *seconds)
{
	char *end;
	unsigned long number;

	*seconds = TRIAL_SECONDS_DEFAULT;
	if (text == NULL)
		return true;
	number = strtoul(text, &end, 10);
	*seconds = (unsigned)number;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number >= 1 && number <= TRIAL_SECONDS_MAX;
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct check_arguments *given)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "json", no_argument, NULL, 'j' },
		{ "popular", required_argument, NULL, 'p' }, { "unbound", required_argument, NULL, 'u' },
		{ "library", required_argument, NULL, 'l' }, { "snippet", required_argument, NULL, 's' },
		{ "trial", optional_argument, NULL, 't' }, { "user", required_argument, NULL, 'U' },
		{ "unbound-conf", required_argument, NULL, 'f' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = command_option(command, argc, argv, ":c:jp:u:l:s:t::U:f:h", options)) != -1) {
		switch (option) {
		case 'c':
			given->config = optarg;
			break;
		case 'j':
			given->json = true;
			break;
		case 'p':
			given->popular = optarg;
			break;
		case 'u':
			given->unbound.unbound = optarg;
			break;
		case 'l':
			given->unbound.library = optarg;
			break;
		case 's':
			given->unbound.snippet = optarg;
			break;
		case 't':
			if (!take_seconds(optarg, &given->unbound.trial_seconds))
				return command_misuse(command, "--trial: a number of seconds from 1 to %d", TRIAL_SECONDS_MAX);
			break;
		case 'U':
			given->unbound.user = optarg;
			break;
		case 'f':
			given->unbound.conf = optarg;
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	return EXIT_FINE;
}

static int run_check_unbound(const struct command *command, struct check_arguments *given)
{
	if (given->unbound.unbound == NULL)
		return command_misuse(command, "--library, --snippet, --trial, --user and --unbound-conf need --unbound PATH");
	if (given->unbound.user != NULL && given->unbound.trial_seconds == 0)
		return command_misuse(command, "--user is for --trial");
	if (given->config != NULL || given->popular != NULL)
		return command_misuse(command, "--unbound reads no configuration: ask twice");
	given->unbound.json = given->json;
	return check_unbound(&given->unbound);
}

int cmd_check(const struct command *command, int argc, char **argv)
{
	struct check_arguments given = { 0 };
	struct checked checked = { 0 };
	struct diag diag = { 0 };
	struct term term;
	int code = parse(command, argc, argv, &given);

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	if (optind < argc)
		return command_misuse(command, "it takes no names; to ask about one: verdictctl explain NAME");
	if (given.unbound.unbound != NULL || given.unbound.library != NULL || given.unbound.snippet != NULL ||
	    given.unbound.trial_seconds > 0 || given.unbound.user != NULL || given.unbound.conf != NULL)
		return run_check_unbound(command, &given);
	checked.popular_path = given.popular;
	term_init(&term, STDOUT_FILENO);
	if (load(&checked, command_config(given.config), &diag) == 0) {
		if (given.json)
			check_print_json(&checked);
		else
			check_print(&checked, &term);
	} else {
		if (given.json)
			print_json_error(&diag);
		code = command_fail(command_config_code(given.config), &diag);
	}
	unload(&checked);
	return code;
}
