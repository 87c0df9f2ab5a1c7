/* cmd_inventory.c: `verdictctl inventory learn`: approved-name-server: clauses out of recordings. */
#include "tools/verdictctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "tools/json_out.h"
#include "tools/record_files.h"
#include "tools/seen_servers.h"

const char help_inventory[] =
	"Usage: verdictctl inventory learn [--zone NAME ...] [--zones-from FILE] [--top N] [--json] FILE ...\n"
	"\n"
	"Examples:\n"
	"  unbound-control dump_cache | verdictctl inventory learn --seen 1 --zone bank.example - > bank.conf\n"
	"                                               the servers that the resolver knows now\n"
	"  verdictctl inventory learn --top 100 dnstap.fstrm > servers.conf && verdictctl check --config servers.conf\n"
	"                                               those of the zones that are asked for most\n"
	"  verdictctl replay --servers --policy servers.conf dnstap.fstrm\n"
	"                                               would any recorded server be an intruder?\n"
	"\n"
	"Prints a configuration of approved-name-server: clauses, each with its evidence as comments, to be reviewed. The\n"
	"inputs are those of `verdictctl replay`; of Unbound's own dnstap the resolver messages (dnstap-log-resolver-\n"
	"response-messages: yes), of packets the name servers' responses; and what `unbound-control dump_cache` prints.\n"
	"\n"
	"Options:\n"
	"  -z, --zone NAME     a zone to learn; as often as wanted\n"
	"  -f, --zones-from F  the zones in a file, one a line; # begins a comment\n"
	"  -t, --top N         and the N zones that are asked for most; at most 4096\n"
	"  -s, --seen N        what fewer than N answers show stays a comment; default: 2\n"
	"      --prefix-ipv4 N networks of that many bits instead of addresses; default: 32\n"
	"      --prefix-ipv6 N the same; default: 128\n"
	"  -a, --action ACTION of the clauses: observe, nxdomain, nodata, refuse or drop; default: observe\n"
	"  -j, --json          one JSON object\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit: 0 fine; 1 of a zone that was named no server was seen; 2 wrong usage; 3 an input cannot be read, or not to\n"
	"its end.\n";

#define SEEN_DEFAULT 2
#define SEEN_MOST 1000000000ul
#define LINE_OCTETS_MAX 2048

enum { OPTION_PREFIX4 = 256, OPTION_PREFIX6 };

struct inventory_arguments {
	struct seen_options seen;
	struct name *zones;          /* owned */
	bool json;
};

static bool number_in(const char *text, unsigned long most, unsigned long *number)
{
	char *end;

	*number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *number <= most;
}

/* NULL: it was added. */
static const char *add_zone(struct inventory_arguments *given, const char *text, size_t octets)
{
	const char *wrong;

	if (given->seen.zone_count == CONF_INVENTORIES_MAX)
		return "too many zones: there can be 4096 clauses";
	wrong = name_from_text(&given->zones[given->seen.zone_count], text, octets);
	if (wrong == NULL && given->zones[given->seen.zone_count].labels == 0)
		wrong = "the root: name a zone below it";
	given->seen.zone_count += wrong == NULL;
	return wrong;
}

static int read_zones(struct inventory_arguments *given, const char *path)
{
	FILE *file = fopen(path, "re");
	struct diag diag = { 0 };
	char line[LINE_OCTETS_MAX];
	const char *wrong = NULL;
	unsigned number = 0;

	if (file == NULL) {
		diag_set(&diag, path, 0, 0, "%m");
		return command_fail(EXIT_UNREADABLE, &diag);
	}
	while (wrong == NULL && fgets(line, sizeof(line), file) != NULL) {
		char *text = line + strspn(line, " \t\r\n");
		const size_t octets = strcspn(text, " \t\r\n#");

		number++;
		if (octets > 0)
			wrong = add_zone(given, text, octets);
	}
	if (wrong != NULL)
		diag_set(&diag, path, number, 0, "%s", wrong);
	else if (ferror(file))
		diag_set(&diag, path, 0, 0, "%m");
	fclose(file);
	return *diag.text != '\0' ? command_fail(EXIT_UNREADABLE, &diag) : EXIT_FINE;
}

static bool find_action(const char *text, enum action *found)
{
	static const enum action actions[] = { ACTION_OBSERVE, ACTION_NXDOMAIN, ACTION_NODATA, ACTION_REFUSE, ACTION_DROP };

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(action_table[actions[i]].name, text) == 0) {
			*found = actions[i];
			return true;
		}
	return false;
}

static int take_option(const struct command *command, int option, struct inventory_arguments *given)
{
	const char *wrong;
	unsigned long number = 0;

	switch (option) {
	case 'z':
		wrong = add_zone(given, optarg, strlen(optarg));
		return wrong == NULL ? EXIT_FINE : command_misuse(command, "--zone: %s", wrong);
	case 'f':
		return read_zones(given, optarg);
	case 't':
		if (!number_in(optarg, CONF_INVENTORIES_MAX, &number))
			return command_misuse(command, "--top: a number from 0 to %d", CONF_INVENTORIES_MAX);
		given->seen.top = number;
		return EXIT_FINE;
	case 's':
		if (!number_in(optarg, SEEN_MOST, &number) || number == 0)
			return command_misuse(command, "--seen: a number of answers from 1");
		given->seen.seen_min = number;
		return EXIT_FINE;
	case OPTION_PREFIX4:
		if (!number_in(optarg, 32, &number) || number < 8)
			return command_misuse(command, "--prefix-ipv4: a number from 8 to 32");
		given->seen.prefix_ipv4 = (unsigned)number;
		return EXIT_FINE;
	case OPTION_PREFIX6:
		if (!number_in(optarg, 128, &number) || number < 16)
			return command_misuse(command, "--prefix-ipv6: a number from 16 to 128");
		given->seen.prefix_ipv6 = (unsigned)number;
		return EXIT_FINE;
	case 'a':
		return find_action(optarg, &given->seen.action) ? EXIT_FINE :
			command_misuse(command, "--action: observe, nxdomain, nodata, refuse or drop");
	case 'j':
		given->json = true;
		return EXIT_FINE;
	default:
		return EXIT_USAGE;
	}
}

/* EXIT_FINE: go on; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct inventory_arguments *given)
{
	static const struct option options[] = {
		{ "zone", required_argument, NULL, 'z' }, { "zones-from", required_argument, NULL, 'f' },
		{ "top", required_argument, NULL, 't' }, { "seen", required_argument, NULL, 's' },
		{ "prefix-ipv4", required_argument, NULL, OPTION_PREFIX4 },
		{ "prefix-ipv6", required_argument, NULL, OPTION_PREFIX6 }, { "action", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option, code;

	while ((option = command_option(command, argc, argv, ":z:f:t:s:a:jh", options)) != -1) {
		if (option == 'h')
			return -1;
		code = take_option(command, option, given);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind == argc || strcmp(argv[optind++], "learn") != 0)
		return command_misuse(command, "write `inventory learn`");
	if (given->seen.zone_count == 0 && given->seen.top == 0)
		return command_misuse(command, "which zones? --zone, --zones-from or --top says it");
	return optind < argc ? EXIT_FINE : command_misuse(command, "which recordings? Name files, or - for standard input");
}

static void take(void *arg, const struct recorded *recorded)
{
	seen_servers_take(arg, recorded);
}

/* A zone that was named is missed, one of the most asked for never is. */
static int code_of(const json_t *report)
{
	const json_t *zone;
	size_t index;

	json_array_foreach(json_object_get(report, "zones"), index, zone)
		if (json_array_size(json_object_get(zone, "servers")) + json_array_size(json_object_get(zone, "networks")) == 0)
			return EXIT_WRONG;
	return EXIT_FINE;
}

static int learn(const struct inventory_arguments *given, char **names)
{
	struct seen_servers *seen = seen_servers_create(&given->seen);
	json_t *inputs = json_array(), *report = NULL;
	int code = EXIT_UNREADABLE;

	if (seen != NULL && inputs != NULL) {
		code = record_files_read("inventory", names, RECORD_SERVERS, take, seen, inputs);
		report = seen_servers_report(seen);
	}
	seen_servers_destroy(&seen);
	if (report == NULL) {
		json_decref(inputs);
		fputs("verdictctl inventory: out of memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	code = code == EXIT_FINE ? code_of(report) : code;
	json_object_set_new(report, "inputs", inputs);
	if (given->json) {
		(void)json_print_line(report, stdout, false);
		return code;
	}
	seen_servers_print(report, stdout);
	json_decref(report);
	return code;
}

int cmd_inventory(const struct command *command, int argc, char **argv)
{
	struct inventory_arguments given = { .seen = { .seen_min = SEEN_DEFAULT, .prefix_ipv4 = 32, .prefix_ipv6 = 128,
		.action = ACTION_OBSERVE } };
	int code;

	given.zones = calloc(CONF_INVENTORIES_MAX, sizeof(*given.zones));
	if (given.zones == NULL) {
		fputs("verdictctl inventory: out of memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	given.seen.zones = given.zones;
	code = parse(command, argc, argv, &given);
	if (code == EXIT_FINE)
		code = learn(&given, argv + optind);
	else if (code < 0)
		code = EXIT_FINE;
	free(given.zones);
	return code;
}
