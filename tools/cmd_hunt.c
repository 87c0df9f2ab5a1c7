/* cmd_hunt.c: `verdictctl hunt`: options, and the table of pivots. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control/nearest.h"
#include "store/shelf.h"
#include "tools/hunt_remote.h"
#include "tools/pseudonym.h"

#define WORD_MAX 32
#define STORE_CLICKHOUSE "clickhouse:"

const char help_hunt[] =
	"Usage: verdictctl hunt PIVOT [ARGUMENT] [OPTION...]\n"
	"\n"
	"Examples:\n"
	"  verdictctl hunt domain evil.example                who asked for it, what came back, what was decided\n"
	"  verdictctl hunt domain '*.evil.example' --from 2h  all below it, in the last two hours\n"
	"  verdictctl hunt ip 192.0.2.0/24                    which names resolved there, and who asked for them\n"
	"  verdictctl hunt host 10.1.2.3 --from yesterday     what it asked for, new and rare names first\n"
	"  verdictctl hunt incident 3f2a9c1b7d40.1.17         what was that block page about?\n"
	"  verdictctl hunt coverage --from 7d                 what an auditor can quote\n"
	"\n"
	"Asks the day files of `verdictctl collect`, or ClickHouse. Times are UTC. Counts are of frames.\n"
	"\n"
	"Pivots:\n"
	"  domain NAME            clients, verdicts, records and name servers of a name\n"
	"  ip ADDRESS|NETWORK     names that resolved there, and the clients that asked for them\n"
	"  host CLIENT|NETWORK    names that it asked for\n"
	"  changes NAME           its record sets, from when to when; what appeared and vanished\n"
	"  rule LIST[:RULE]       what a list or rule decided, or would have in shadow\n"
	"  technique ID           what bears an ATT&CK id; T1568 has T1568.002 in it\n"
	"  incident NUMBER        the answer that an EDE text or denial log names, and its story\n"
	"  new                    domains and name servers that were not there before --from\n"
	"  top                    the most of everything\n"
	"  coverage               is the record complete? By resolver: received of expected, gaps, clock\n"
	"  export FORMAT          all of it: ecs, ocsf or csv, events; cof, passive DNS of whole days without clients;\n"
	"                         clickhouse-TABLE, rows for doc/scale: event, record, source, seen, note\n"
	"\n"
	"Options:\n"
	"  -f, --from TIME        2h, 7d (ago), yesterday, 2026-11-21, 2026-11-21T10:00:00Z (default: the beginning)\n"
	"  -t, --to TIME          the same, to its end (default: now)\n"
	"  -e, --events           each event, too\n"
	"  -l, --limit N          rows of a section (default 100; 0: all)\n"
	"  -D, --directory DIR    where day files are (default " HUNT_DIRECTORY ")\n"
	"  -k, --key FILE         of host: CLIENT is hidden by its pseudonym with this key (privacy.key)\n"
	"      --store clickhouse:URL  ask ClickHouse (doc/scale) instead, such as clickhouse:https://host:8443\n"
	"      --password-file FILE    one line, USER:PASSWORD (or CLICKHOUSE_USER and CLICKHOUSE_PASSWORD)\n"
	"      --ca FILE          certificates that sign the server's (default: the system's)\n"
	"  -j, --json             one JSON object\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine, also where nothing was found; 2 wrong usage; 3 something cannot be read (the rest is answered).\n";

static const struct option options[] = {
	{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' },
	{ "events", no_argument, NULL, 'e' }, { "limit", required_argument, NULL, 'l' },
	{ "directory", required_argument, NULL, 'D' }, { "state", required_argument, NULL, 'D' },
	{ "store", required_argument, NULL, 'S' }, { "password-file", required_argument, NULL, 'P' },
	{ "ca", required_argument, NULL, 'C' }, { "key", required_argument, NULL, 'k' },
	{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

static const struct pivot {
	const char *name;
	const char *argument;        /* NULL: it takes none */
	int (*run)(struct hunt *hunt);
} pivots[] = {
	{ "domain", "a name", hunt_domain },
	{ "ip", "an address or network", hunt_ip },
	{ "host", "a client's address or a network", hunt_host },
	{ "changes", "a name", hunt_changes },
	{ "rule", "LIST or LIST:RULE", hunt_rule },
	{ "technique", "an ATT&CK id", hunt_technique },
	{ "incident", "its number", hunt_incident },
	{ "new", NULL, hunt_new },
	{ "top", NULL, hunt_top },
	{ "coverage", NULL, hunt_coverage },
	{ "export", "a format: cof, ecs, ocsf, csv", hunt_export },
};
#define PIVOT_COUNT (sizeof(pivots) / sizeof(pivots[0]))

static const struct pivot *find_pivot(const struct command *command, const char *name)
{
	const char *nearest = NULL;
	unsigned best = NEAREST_FAR;
	char safe[2 * WORD_MAX];

	for (size_t i = 0; i < PIVOT_COUNT; i++)
		if (strcmp(pivots[i].name, name) == 0)
			return &pivots[i];
	for (size_t i = 0; i < PIVOT_COUNT; i++)
		if (nearest_is(name, pivots[i].name, &best))
			nearest = pivots[i].name;
	term_escape(safe, sizeof(safe), name, strlen(name));
	if (nearest != NULL)
		command_misuse(command, "there is no pivot '%s'; did you mean '%s'?", safe, nearest);
	else
		command_misuse(command, "there is no pivot '%s'", safe);
	return NULL;
}

/* --- progress ----------------------------------------------------------------------------------------------- */

struct watching {
	bool terminal, shown;
	time_t begun;
};

static void say(void *arg, const char *text)
{
	struct watching *watching = arg;

	fprintf(stderr, "%sverdictctl: %s\n", watching->shown ? "\r\033[K" : "", text);
	watching->shown = false;
}

/* Only of a scan that takes its time, and only to a terminal. */
static void progress(void *arg, unsigned done, unsigned of)
{
	struct watching *watching = arg;

	if (!watching->terminal || time(NULL) - watching->begun < 2)
		return;
	fprintf(stderr, "\r\033[Kreading day file %u of %u", done + 1, of);
	watching->shown = true;
}

static void unshow(struct watching *watching)
{
	if (watching->shown)
		fputs("\r\033[K", stderr);
	watching->shown = false;
}

/* --- running ------------------------------------------------------------------------------------------------ */

/* Where events are. */
struct place {
	const char *directory;
	struct clickhouse_options clickhouse;        /* url NULL: none */
	const char *key;                             /* of pseudonyms; NULL: none */
};

static int begin_remote(struct hunt *hunt, const struct place *place)
{
	if (place->clickhouse.url == NULL)
		return 0;
	hunt->remote = clickhouse_open(&place->clickhouse, &hunt->diag);
	return hunt->remote != NULL ? hunt_remote_begin(hunt) : -1;
}

static int run(struct hunt *hunt, const struct pivot *pivot, const struct place *place)
{
	struct watching watching = { .terminal = isatty(STDERR_FILENO) != 0, .begun = time(NULL) };
	const struct query_options query_options = { .directory = place->directory, .from_ms = hunt->from_ms,
		.to_ms = hunt->to_ms, .tell = say, .progress = progress, .arg = &watching };
	int code;

	hunt->query = query_open(&query_options, &hunt->diag);
	if (hunt->query == NULL)
		return command_fail(EXIT_UNREADABLE, &hunt->diag);
	term_init(&hunt->term, STDOUT_FILENO);
	code = hunt_functions(hunt) != 0 || begin_remote(hunt, place) != 0 ? -1 : pivot->run(hunt);
	unshow(&watching);
	if (code == 0) {
		if (hunt->remote == NULL)
			hunt->aside = shelf_tell_aside(place->directory, hunt->from_ms / 1000, hunt->to_ms / 1000, say, &watching);
		hunt_end(hunt);
		if (pivot->run == hunt_host && hunt->rows == 0 && hunt->remote == NULL && place->key == NULL)
			pseudonym_tell(place->directory, hunt->asked);
		code = query_passed_over(hunt->query) > 0 || hunt->aside > 0 ? EXIT_UNREADABLE : EXIT_FINE;
	} else if (code < 0) {
		code = command_fail(EXIT_UNREADABLE, &hunt->diag);
	}
	clickhouse_close(&hunt->remote);
	query_close(&hunt->query);
	return code;
}

static bool read_limit(const char *text, uint64_t *limit)
{
	char *end;

	*limit = strtoull(text, &end, 10);
	if (*limit > INT64_MAX)              /* as good as all, and a number for statements */
		*limit = INT64_MAX;
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* EXIT_FINE: taken. */
static int take_option(struct hunt *hunt, int option, struct place *place)
{
	switch (option) {
	case 'f':
		return hunt_time(optarg, now_ms(), false, &hunt->from_ms) ? EXIT_FINE :
			command_misuse(hunt->command, "--from is a time such as 2h, yesterday or 2026-11-21T10:00");
	case 't':
		return hunt_time(optarg, now_ms(), true, &hunt->to_ms) ? EXIT_FINE :
			command_misuse(hunt->command, "--to is a time such as 2h, yesterday or 2026-11-21T10:00");
	case 'l':
		hunt->limited = true;
		return read_limit(optarg, &hunt->limit) ? EXIT_FINE : command_misuse(hunt->command, "--limit is a number");
	case 'e':
		hunt->events = true;
		break;
	case 'D':
		place->directory = optarg;
		break;
	case 'S':
		if (strncmp(optarg, STORE_CLICKHOUSE, strlen(STORE_CLICKHOUSE)) != 0)
			return command_misuse(hunt->command, "--store is " STORE_CLICKHOUSE "URL, such as clickhouse:https://host:8443");
		place->clickhouse.url = optarg + strlen(STORE_CLICKHOUSE);
		break;
	case 'P':
		place->clickhouse.password_file = optarg;
		break;
	case 'C':
		place->clickhouse.ca = optarg;
		break;
	case 'k':
		place->key = optarg;
		break;
	case 'j':
		hunt->json = true;
		break;
	}
	return EXIT_FINE;
}

int cmd_hunt(const struct command *command, int argc, char **argv)
{
	struct hunt hunt = { .command = command, .from_ms = QUERY_BEGIN, .to_ms = QUERY_END, .limit = HUNT_LIMIT,
		.all = HUNT_COUNTED };
	struct place place = { .directory = HUNT_DIRECTORY };
	char pseudonym[PSEUDONYM_MAX];
	const struct pivot *pivot;
	int option;

	while ((option = command_option(command, argc, argv, ":f:t:l:D:k:ejh", options)) != -1) {
		if (option == 'h')
			return EXIT_FINE;
		if (option == '?' || take_option(&hunt, option, &place) != EXIT_FINE)
			return EXIT_USAGE;
	}
	if (optind == argc)
		return command_misuse(command, "say what to look for: domain, ip, host and so on");
	pivot = find_pivot(command, argv[optind]);
	if (pivot == NULL)
		return EXIT_USAGE;
	if (argc - optind != (pivot->argument != NULL ? 2 : 1))
		return pivot->argument != NULL ? command_misuse(command, "'%s' needs %s", pivot->name, pivot->argument) :
			command_misuse(command, "'%s' takes no argument", pivot->name);
	if (hunt.from_ms > hunt.to_ms)
		return command_misuse(command, "--from is later than --to");
	hunt.asked = pivot->argument != NULL ? argv[optind + 1] : NULL;
	if (place.key != NULL && pivot->run != hunt_host)
		return command_misuse(command, "--key goes with host");
	if (place.key != NULL && pseudonym_find(place.key, hunt.asked, pseudonym, &hunt.diag) != 0)
		return command_fail(EXIT_UNREADABLE, &hunt.diag);
	if (place.key != NULL)
		hunt.asked = pseudonym;
	return run(&hunt, pivot, &place);
}
