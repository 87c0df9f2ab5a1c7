/* cmd_tap.c: `verdictctl tap`: options, and where frames come from. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/tap_files.h"
#include "tools/tap_listen.h"

#define UNIX_PREFIX "unix:"
#define OUTPUT_OCTETS (256 * 1024)
#define COF_EVERY_S 600

const char help_tap[] =
	"Usage: verdictctl tap [OPTION...] [FILE... | -]\n"
	"       verdictctl tap [OPTION...] --follow FILE...\n"
	"       verdictctl tap [OPTION...] --listen unix:PATH | tcp:ADDRESS@PORT | tls:ADDRESS@PORT\n"
	"\n"
	"Examples:\n"
	"  verdictctl tap frames.fs                     what a file holds\n"
	"  verdictctl tap --follow frames.fs --verdict nxdomain,refuse --name example.com\n"
	"                                               denials below a name, as they are written\n"
	"  verdictctl tap 'frames.fs*' --quiet --gaps --stats\n"
	"                                               is anything missing, and what was answered?\n"
	"  verdictctl tap --json frames.fs.1 frames.fs | jq 'select(.verdict.verdict != \"allow\")'\n"
	"  ssh resolver cat frames.fs | verdictctl tap - | grep 3f2a9c1b7d40.1.17\n"
	"                                               the frame whose number a user read out of an error\n"
	"  sudo -u unbound verdictctl tap --listen unix:/run/unbound/verdict.sock\n"
	"                                               live; the path is `socket-path:` of verdict.conf\n"
	"  verdictctl tap --listen tls:192.0.2.9@6001 --tls-cert c.pem --tls-key k.pem --tls-client-ca ca.pem \\\n"
	"      --format ecs >> dns.ndjson               a collector for several resolvers\n"
	"\n"
	"Prints one line for each dnstap frame: time, client, transport, how the answer came about, name, type,\n"
	"response code, verdict with list and rule, the frame's number, and how long the answer took.\n"
	"\n"
	"Options:\n"
	"  -f, --format FORMAT    line (as above), native (all fields), ecs (Elastic Common Schema), ocsf (DNS\n"
	"                         Activity), flat (Splunk CIM and Sigma names) or cof (passive DNS): JSON lines\n"
	"  -j, --json             as --format native\n"
	"  -n, --count N          stop after N frames\n"
	"  -F, --follow           go on as the files grow, and over their rotation\n"
	"  -l, --listen PLACE     be a collector: wait for senders, any number of them, until interrupted\n"
	"  -m, --socket-mode MODE permissions of a unix socket, octal (default 660)\n"
	"      --tls-cert FILE    certificate and chain of this collector, PEM; --tls-key FILE: its key\n"
	"      --tls-client-ca FILE  senders must show a certificate of one of these authorities\n"
	"      --name NAME        only names at or below it; several with commas, as in all of these:\n"
	"      --client NET, --verdict WORD, --list LIST, --type TYPE, --path WORD\n"
	"      --from TIME, --to TIME  2026-11-20T21:00:00Z, the same in local time without Z, or 90s, 30m, 2h, 7d ago\n"
	"  -d, --dedup            leave out frames that came before; --no-dedup: keep them, also with --listen and\n"
	"                         --follow, where they are left out without asking\n"
	"  -g, --gaps             report at the end which frames are missing\n"
	"      --target NAME      these are the frames of this target: what others lost explains nothing\n"
	"  -s, --stats            report counts by verdict, list, type, response code and path\n"
	"  -e, --every SECONDS    reports every so often, not only at the end\n"
	"  -q, --quiet            reports alone, on standard output\n"
	"      --no-heartbeats    leave out lines in which the resolver speaks of its frames\n"
	"      --sinkhole-as-blocked  ocsf: call a sinkholed answer blocked, for searches that know nothing else\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 1 --gaps found frames missing that the resolver did not tell of; 2 wrong usage; 3 a file cannot\n"
	"be read, is damaged or is cut inside a frame (what could be read was printed), or the socket cannot be made.\n";

enum long_option { OPTION_TLS_CERT = 256, OPTION_TLS_KEY, OPTION_TLS_CLIENT_CA, OPTION_NO_DEDUP, OPTION_NO_HEARTBEATS,
	OPTION_SINKHOLE, OPTION_TARGET, OPTION_FILTER };

static const struct option options[] = {
	{ "format", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
	{ "count", required_argument, NULL, 'n' }, { "follow", no_argument, NULL, 'F' },
	{ "listen", required_argument, NULL, 'l' }, { "socket-mode", required_argument, NULL, 'm' },
	{ "tls-cert", required_argument, NULL, OPTION_TLS_CERT }, { "tls-key", required_argument, NULL, OPTION_TLS_KEY },
	{ "tls-client-ca", required_argument, NULL, OPTION_TLS_CLIENT_CA },
	{ "name", required_argument, NULL, OPTION_FILTER + FILTER_NAME },
	{ "client", required_argument, NULL, OPTION_FILTER + FILTER_CLIENT },
	{ "verdict", required_argument, NULL, OPTION_FILTER + FILTER_VERDICT },
	{ "list", required_argument, NULL, OPTION_FILTER + FILTER_LIST },
	{ "type", required_argument, NULL, OPTION_FILTER + FILTER_TYPE },
	{ "path", required_argument, NULL, OPTION_FILTER + FILTER_PATH },
	{ "from", required_argument, NULL, OPTION_FILTER + FILTER_FROM },
	{ "to", required_argument, NULL, OPTION_FILTER + FILTER_TO },
	{ "dedup", no_argument, NULL, 'd' }, { "no-dedup", no_argument, NULL, OPTION_NO_DEDUP },
	{ "gaps", no_argument, NULL, 'g' }, { "target", required_argument, NULL, OPTION_TARGET }, { "stats", no_argument, NULL, 's' }, { "every", required_argument, NULL, 'e' },
	{ "quiet", no_argument, NULL, 'q' }, { "no-heartbeats", no_argument, NULL, OPTION_NO_HEARTBEATS },
	{ "sinkhole-as-blocked", no_argument, NULL, OPTION_SINKHOLE }, { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct tap_arguments {
	bool follow, stats;
	bool dedup, no_dedup;
	const char *target;       /* NULL: any */
	struct tap_place place;   /* `text` NULL: no listening */
};

static int parse_number(const struct command *command, const char *option, const char *text, uint64_t most,
	uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || *number == 0 || *number > most)
		return command_misuse(command, "--%s takes a number from 1", option);
	return EXIT_FINE;
}

static int parse_mode(const struct command *command, const char *text, mode_t *mode)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || value > 0777)
		return command_misuse(command, "--socket-mode takes octal permissions, such as 660");
	*mode = (mode_t)value;
	return EXIT_FINE;
}

static int parse_listen(const struct command *command, const char *text, struct tap_place *place)
{
	place->text = text;
	if (strncmp(text, UNIX_PREFIX, sizeof(UNIX_PREFIX) - 1) == 0)
		place->path = text + sizeof(UNIX_PREFIX) - 1;
	if (place->path != NULL ? *place->path == '\0' : strchr(text, '@') == NULL)
		return command_misuse(command, "--listen takes unix:PATH, tcp:ADDRESS@PORT or tls:ADDRESS@PORT, such as "
			"unix:/run/unbound/verdict.sock");
	return EXIT_FINE;
}

static int parse_format(const struct command *command, const char *text, struct tap_flow *flow)
{
	flow->printer.format = frame_format_find(text);
	if (flow->printer.format == NULL)
		return command_misuse(command, "--format takes " FRAME_FORMAT_NAMES);
	return EXIT_FINE;
}

static int parse_filter(const struct command *command, int option, char *text, struct tap_flow *flow)
{
	const char *wrong = frame_filter_add(&flow->filter, (enum filter_key)(option - OPTION_FILTER), text,
		(uint64_t)time(NULL));

	return wrong == NULL ? EXIT_FINE : command_misuse(command, "%s", wrong);
}

static int parse_every(const struct command *command, const char *text, struct tap_flow *flow)
{
	uint64_t seconds = 0;
	int code = parse_number(command, "every", text, 86400, &seconds);

	flow->every_s = (unsigned)seconds;
	return code;
}

static int take_option(const struct command *command, int option, struct tap_arguments *arguments,
	struct tap_flow *flow)
{
	switch (option) {
	case 'f':
		return parse_format(command, optarg, flow);
	case 'j':
		return parse_format(command, "native", flow);
	case 'n':
		return parse_number(command, "count", optarg, UINT64_MAX, &flow->printer.limit);
	case 'F':
		arguments->follow = true;
		break;
	case 'l':
		return parse_listen(command, optarg, &arguments->place);
	case 'm':
		return parse_mode(command, optarg, &arguments->place.mode);
	case OPTION_TLS_CERT:
		arguments->place.certificate = optarg;
		break;
	case OPTION_TLS_KEY:
		arguments->place.key = optarg;
		break;
	case OPTION_TLS_CLIENT_CA:
		arguments->place.client_ca = optarg;
		break;
	case 'd':
		arguments->dedup = true;
		break;
	case OPTION_NO_DEDUP:
		arguments->no_dedup = true;
		break;
	case 'g':
		flow->report_gaps = true;
		break;
	case OPTION_TARGET:
		arguments->target = optarg;
		break;
	case 's':
		arguments->stats = true;
		break;
	case 'e':
		return parse_every(command, optarg, flow);
	case 'q':
		flow->quiet = true;
		break;
	case OPTION_NO_HEARTBEATS:
		flow->printer.hide_notes = true;
		break;
	case OPTION_SINKHOLE:
		flow->printer.sinkhole_as_blocked = true;
		break;
	default:
		return parse_filter(command, option, optarg, flow);
	}
	return EXIT_FINE;
}

/* EXIT_FINE: go on with *arguments; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct tap_arguments *arguments,
	struct tap_flow *flow)
{
	int option, code = EXIT_FINE;

	while (code == EXIT_FINE && (option = command_option(command, argc, argv, ":f:jn:Fl:m:dgse:qh", options)) != -1) {
		if (option == 'h')
			return -1;
		if (option == '?')
			return EXIT_USAGE;
		code = take_option(command, option, arguments, flow);
	}
	return code;
}

static int check_place(const struct command *command, const struct tap_place *place)
{
	bool tls = place->certificate != NULL || place->key != NULL || place->client_ca != NULL;

	if (place->text == NULL)
		return tls ? command_misuse(command, "--tls-cert and its like go with --listen") : EXIT_FINE;
	if (tls && (place->certificate == NULL || place->key == NULL))
		return command_misuse(command, "TLS needs both --tls-cert and --tls-key");
	if (tls && (place->path != NULL || strncmp(place->text, "tcp:", 4) == 0))
		return command_misuse(command, "TLS goes with --listen tls:ADDRESS@PORT");
	if (!tls && strncmp(place->text, "tls:", 4) == 0)
		return command_misuse(command, "--listen %s needs --tls-cert and --tls-key", place->text);
	return EXIT_FINE;
}

static int check(const struct command *command, int argc, const struct tap_arguments *arguments,
	const struct tap_flow *flow)
{
	bool listens = arguments->place.text != NULL;
	bool files = optind < argc;

	if (listens && (files || arguments->follow))
		return command_misuse(command, "either files or --listen, not both");
	if (arguments->follow && (!files || argc - optind > TAP_FOLLOWED_MAX))
		return command_misuse(command, "--follow takes the names of 1 to 64 files");
	if (!listens && !files && isatty(STDIN_FILENO))
		return command_misuse(command, "name a file, '-' for standard input, or --listen unix:PATH");
	if (arguments->dedup && arguments->no_dedup)
		return command_misuse(command, "either --dedup or --no-dedup");
	if (arguments->target != NULL && !flow->report_gaps)
		return command_misuse(command, "--target goes with --gaps");
	if (flow->quiet && !flow->report_gaps && !arguments->stats)
		return command_misuse(command, "--quiet leaves nothing to print without --gaps or --stats");
	return check_place(command, &arguments->place);
}

/* Duplicates are an everyday thing where senders connect again, and worth a look in a file. */
static bool prepare(struct tap_flow *flow, const struct tap_arguments *arguments)
{
	bool live = arguments->follow || arguments->place.text != NULL;

	flow->dedup = !arguments->no_dedup && (arguments->dedup || live);
	flow->printer.live = live;
	if (flow->every_s == 0 && live && flow->printer.format->flush != NULL)
		flow->every_s = COF_EVERY_S;
	if ((flow->dedup || flow->report_gaps) && (flow->gaps = frame_gaps_create()) == NULL)
		return false;
	if (flow->gaps != NULL)
		frame_gaps_of_target(flow->gaps, arguments->target);
	if (arguments->stats && (flow->stats = frame_stats_create()) == NULL)
		return false;
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_OCTETS);
	term_init(&flow->printer.term, STDOUT_FILENO);
	return true;
}

static int run(struct tap_flow *flow, const struct tap_arguments *arguments, int argc, char **argv)
{
	char *from_stdin[] = { (char[]){ "-" } };

	if (arguments->place.text != NULL)
		return tap_listen(flow, &arguments->place);
	if (arguments->follow)
		return tap_files_follow(flow, argv + optind, argc - optind);
	if (optind == argc)
		return tap_files_read(flow, from_stdin, 1);
	return tap_files_read(flow, argv + optind, argc - optind);
}

int cmd_tap(const struct command *command, int argc, char **argv)
{
	static struct tap_flow flow;   /* large, and there is one */
	struct tap_arguments arguments = { .place.mode = 0660 };
	int code, reported;

	flow.printer.to = stdout;
	flow.printer.format = FRAME_FORMAT_DEFAULT;
	code = parse(command, argc, argv, &arguments, &flow);
	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	code = check(command, argc, &arguments, &flow);
	if (code != EXIT_FINE)
		return code;
	if (!prepare(&flow, &arguments)) {
		fputs("verdictctl: no memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	code = run(&flow, &arguments, argc, argv);
	reported = tap_flow_end(&flow);
	tap_flow_fini(&flow);
	return code > reported ? code : reported;
}
