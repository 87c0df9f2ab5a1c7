/* cmd_collect.c: `verdictctl collect`: options, and frames from files into the store. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/conf_value.h"
#include "policy/diag.h"
#include "tools/collect.h"
#include "tools/tap_files.h"
#include "tools/term.h"

#define COMMIT_EVERY 65536u
#define FREE_DEFAULT ((uint64_t)256 << 20)
#define DAY_SECONDS 86400
#define DAYS_MAX 36500u
#define IDLE_DEFAULT 3600u
#define IDLE_MAX 86400u

const char help_collect[] =
	"Usage: verdictctl collect [OPTION...] --listen PLACE...\n"
	"       verdictctl collect [OPTION...] FILE... | -\n"
	"       verdictctl collect [--directory DIR] --status\n"
	"\n"
	"Examples:\n"
	"  verdictctl collect --listen unix:/run/verdict-collect/frames.sock\n"
	"                                               a collector for the resolver of this machine\n"
	"  verdictctl collect --listen tls:192.0.2.9@6001 --tls-cert c.pem --tls-key k.pem --tls-client-ca ca.pem \\\n"
	"      --allow-identity ns1.example.net=resolver-1 --keep-plain 30 --keep-verdicts 400 --keep-size 200g\n"
	"                                               for many, each known by its certificate\n"
	"  verdictctl collect --directory days 'frames.fs*'\n"
	"                                               files of frames into day files\n"
	"\n"
	"Keeps what dnstap frames say of each answer (client, question, answer, verdict, list, rule, times) in day files\n"
	"of SQLite, those that came before left out. A sender is confirmed when its frames are on disk: a kill at any\n"
	"moment loses nothing of that. A directory has one collector at a time, any number may read. Frames of other\n"
	"writers (Unbound's own dnstap) are kept, too.\n"
	"\n"
	"Options:\n"
	"  -D, --directory DIR    where day files are (default " COLLECT_DIRECTORY ")\n"
	"  -l, --listen PLACE     unix:PATH, tcp:ADDRESS@PORT or tls:ADDRESS@PORT; up to 16 of them\n"
	"  -m, --socket-mode MODE permissions of unix sockets, octal (default 660)\n"
	"      --tls-cert FILE    certificate and chain of this collector, PEM; --tls-key FILE: its key\n"
	"      --tls-client-ca FILE  senders must show a certificate of one of these authorities; it may report for the\n"
	"                         identity that is its name, and\n"
	"      --tls-crl FILE     certificates that these authorities have revoked, PEM; SIGHUP has it read again\n"
	"      --allow-identity CERTIFICATE=IDENTITY  for those that it is given; others are refused\n"
	"      --identities FILE  the same, a line each: CERTIFICATE IDENTITY; SIGHUP has it read again\n"
	"      --keep-plain DAYS, --keep-verdicts DAYS  remove day files of plain allows, and of all else, after so many\n"
	"                         days (default: never)\n"
	"      --keep-size SIZE   remove the oldest day files when all are larger (100m, 50g; default: any size)\n"
	"      --keep-free SIZE   take nothing while the disk has less left (default 256m; 0: until it is full)\n"
	"      --idle SECONDS     close connections that were silent for so long (default 3600); where all 512 are taken,\n"
	"                         the oldest without a START goes at once, else the one that was silent for 10 and longest\n"
	"      --privacy MODE     mask or pseudonym: hide clients that resolvers did not hide\n"
	"  -s, --status           say how the collector of a directory is\n"
	"  -j, --json             reports as JSON\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 1 --status: it takes nothing, or has ended; 2 wrong usage; 3 something cannot be read, written or listened at\n"
	"(of files, what could be read was kept).\n";

enum long_option { OPTION_TLS_CERT = 256, OPTION_TLS_KEY, OPTION_TLS_CLIENT_CA, OPTION_TLS_CRL, OPTION_ALLOW, OPTION_IDENTITIES,
	OPTION_KEEP_PLAIN, OPTION_KEEP_VERDICTS, OPTION_KEEP_SIZE, OPTION_KEEP_FREE, OPTION_PRIVACY, OPTION_IDLE };

static const struct option options[] = {
	{ "directory", required_argument, NULL, 'D' }, { "listen", required_argument, NULL, 'l' },
	{ "socket-mode", required_argument, NULL, 'm' },
	{ "tls-cert", required_argument, NULL, OPTION_TLS_CERT }, { "tls-key", required_argument, NULL, OPTION_TLS_KEY },
	{ "tls-client-ca", required_argument, NULL, OPTION_TLS_CLIENT_CA },
	{ "tls-crl", required_argument, NULL, OPTION_TLS_CRL },
	{ "allow-identity", required_argument, NULL, OPTION_ALLOW },
	{ "identities", required_argument, NULL, OPTION_IDENTITIES },
	{ "keep-plain", required_argument, NULL, OPTION_KEEP_PLAIN },
	{ "keep-verdicts", required_argument, NULL, OPTION_KEEP_VERDICTS },
	{ "keep-size", required_argument, NULL, OPTION_KEEP_SIZE },
	{ "keep-free", required_argument, NULL, OPTION_KEEP_FREE },
	{ "privacy", required_argument, NULL, OPTION_PRIVACY }, { "idle", required_argument, NULL, OPTION_IDLE },
	{ "status", no_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

struct arguments {
	struct collect_options collect;
	mode_t socket_mode;
	const char *certificate, *key, *client_ca, *crl;
	bool status, json, allows;
};

/* --- files -------------------------------------------------------------------------------------------------- */

struct files {
	struct collector *collector;
	unsigned waiting;
};

static enum print_result take_frame(void *arg, const uint8_t *octets, size_t length)
{
	struct files *files = arg;
	struct collector *collector = files->collector;
	uint64_t undecodable = collector->counts.undecodable;
	struct peer peer = { .certified = false };

	if (collector_take(collector, &peer, octets, length) == COLLECT_STOPPED)
		return PRINT_FAILED;
	if (collector->counts.undecodable > undecodable)
		return PRINT_UNDECODABLE;
	if (++files->waiting < COMMIT_EVERY)
		return PRINT_DONE;
	files->waiting = 0;
	return collector_commit(collector) ? PRINT_DONE : PRINT_FAILED;
}

static void report(const struct collector *collector, bool json)
{
	const struct store_counts *counts = store_counts(collector->store);

	printf(json ? "{\"events\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"notes\":%" PRIu64 ",\"other\":%" PRIu64
		",\"undecodable\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n" : "%" PRIu64 " events kept, %" PRIu64
		" had come before; %" PRIu64 " heartbeats; %" PRIu64 " frames of other kinds, %" PRIu64
		" that are none; %" PRIu64 " damaged day files set aside\n", counts->events, counts->duplicates,
		counts->notes, collector->counts.other, collector->counts.undecodable, counts->damaged);
}

/* Whoever names a file means its times: they are filed as they are. */
static int collect_files(struct collector *collector, char **names, int count, bool json)
{
	static struct tap_flow flow;           /* large, and there is one */
	struct files files = { .collector = collector };
	int code;

	collector->clock = (struct frame_event_clock){ (int64_t)time(NULL), 0, INT64_MAX };
	flow.sink = take_frame;
	flow.sink_arg = &files;
	flow.printer.to = stdout;
	code = tap_files_read(&flow, names, count);
	if (collector->stopped[0] != '\0' || !collector_release(collector, 0) || !collector_commit(collector))
		code = EXIT_UNREADABLE;
	report(collector, json);
	return code;
}

/* --- options ------------------------------------------------------------------------------------------------ */

static int take_place(const struct command *command, struct collect_options *collect, const char *text)
{
	struct tap_place *place = &collect->places[collect->place_count];

	if (collect->place_count == COLLECT_PLACES_MAX)
		return command_misuse(command, "--listen comes %d times at most", COLLECT_PLACES_MAX);
	*place = (struct tap_place){ .text = text };
	if (strncmp(text, "unix:", 5) == 0 && text[5] != '\0')
		place->path = text + 5;
	else if ((strncmp(text, "tcp:", 4) != 0 && strncmp(text, "tls:", 4) != 0) || strchr(text, '@') == NULL)
		return command_misuse(command, "--listen takes unix:PATH, tcp:ADDRESS@PORT or tls:ADDRESS@PORT");
	collect->place_count++;
	return EXIT_FINE;
}

static int take_days(const struct command *command, const char *option, const char *text, int64_t *seconds)
{
	char *end;
	unsigned long days = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || days > DAYS_MAX)
		return command_misuse(command, "--%s takes a number of days", option);
	*seconds = (int64_t)days * DAY_SECONDS;
	return EXIT_FINE;
}

static int take_idle(const struct command *command, const char *text, unsigned *seconds)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value == 0 || value > IDLE_MAX)
		return command_misuse(command, "--idle takes seconds, from 1 to %u", IDLE_MAX);
	*seconds = (unsigned)value;
	return EXIT_FINE;
}

static int take_size(const struct command *command, const char *option, const char *text, uint64_t *octets)
{
	const struct conf_limits limits = { 0, INT64_MAX, "" };
	char wrong[CONF_WRONG_MAX];
	size_t size;

	if (conf_value_parse(TYPE_OCTETS, &limits, text, &size, wrong) != 0)
		return command_misuse(command, "--%s: %s", option, wrong);
	*octets = size;
	return EXIT_FINE;
}

static int take_mode(const struct command *command, const char *text, mode_t *mode)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || value > 0777)
		return command_misuse(command, "--socket-mode takes octal permissions, such as 660");
	*mode = (mode_t)value;
	return EXIT_FINE;
}

static int take_privacy(const struct command *command, const char *text, enum privacy_mode *mode)
{
	if (strcmp(text, "mask") != 0 && strcmp(text, "pseudonym") != 0)
		return command_misuse(command, "--privacy takes mask or pseudonym");
	*mode = strcmp(text, "mask") == 0 ? PRIVACY_MASK : PRIVACY_PSEUDONYM;
	return EXIT_FINE;
}

static int take_allowed(const struct command *command, int option, struct arguments *arguments,
	struct identities *identities)
{
	struct diag diag;
	const char *wrong;

	arguments->allows = true;
	if (option == OPTION_IDENTITIES)
		return identities_load(identities, optarg, &diag) == 0 ? EXIT_FINE : command_fail(EXIT_UNREADABLE, &diag);
	wrong = identities_add(identities, optarg);
	return wrong == NULL ? EXIT_FINE : command_misuse(command, "--allow-identity: %s", wrong);
}

static int take_option(const struct command *command, int option, struct arguments *arguments,
	struct identities *identities)
{
	struct collect_options *collect = &arguments->collect;

	switch (option) {
	case 'D':
		collect->directory = optarg;
		break;
	case 'l':
		return take_place(command, collect, optarg);
	case 'm':
		return take_mode(command, optarg, &arguments->socket_mode);
	case OPTION_TLS_CERT:
		arguments->certificate = optarg;
		break;
	case OPTION_TLS_KEY:
		arguments->key = optarg;
		break;
	case OPTION_TLS_CLIENT_CA:
		arguments->client_ca = optarg;
		break;
	case OPTION_TLS_CRL:
		arguments->crl = optarg;
		break;
	case OPTION_KEEP_PLAIN:
		return take_days(command, "keep-plain", optarg, &collect->limits.keep_s[STORE_PLAIN]);
	case OPTION_KEEP_VERDICTS:
		return take_days(command, "keep-verdicts", optarg, &collect->limits.keep_s[STORE_VERDICTS]);
	case OPTION_KEEP_SIZE:
		return take_size(command, "keep-size", optarg, &collect->limits.octets);
	case OPTION_KEEP_FREE:
		return take_size(command, "keep-free", optarg, &collect->free_octets);
	case OPTION_IDLE:
		return take_idle(command, optarg, &collect->idle_s);
	case OPTION_PRIVACY:
		return take_privacy(command, optarg, &collect->privacy);
	case 's':
		arguments->status = true;
		break;
	case 'j':
		arguments->json = true;
		break;
	default:
		return take_allowed(command, option, arguments, identities);
	}
	return EXIT_FINE;
}

/* Certificates are for places that begin with tls: alone. */
static int prepare_places(const struct command *command, struct arguments *arguments)
{
	struct collect_options *collect = &arguments->collect;
	bool tls = false;

	for (unsigned i = 0; i < collect->place_count; i++) {
		struct tap_place *place = &collect->places[i];

		place->mode = arguments->socket_mode;
		if (strncmp(place->text, "tls:", 4) != 0)
			continue;
		tls = true;
		place->certificate = arguments->certificate;
		place->key = arguments->key;
		place->client_ca = arguments->client_ca;
		place->crl = arguments->crl;
	}
	if (tls && (arguments->certificate == NULL || arguments->key == NULL))
		return command_misuse(command, "--listen tls: needs --tls-cert and --tls-key");
	if (!tls && (arguments->certificate != NULL || arguments->key != NULL || arguments->client_ca != NULL))
		return command_misuse(command, "--tls-cert and its like go with --listen tls:ADDRESS@PORT");
	if (arguments->allows && arguments->client_ca == NULL)
		return command_misuse(command, "--allow-identity needs --tls-client-ca: without it nobody has a certificate");
	if (arguments->crl != NULL && arguments->client_ca == NULL)
		return command_misuse(command, "--tls-crl needs --tls-client-ca: it is of these authorities");
	return EXIT_FINE;
}

static int check(const struct command *command, int argc, struct arguments *arguments)
{
	bool listens = arguments->collect.place_count > 0, files = optind < argc;

	if (arguments->status && (listens || files))
		return command_misuse(command, "--status goes with --directory alone");
	if (!arguments->status && listens == files)
		return command_misuse(command, "either --listen PLACE, or files of frames ('-' for standard input)");
	return prepare_places(command, arguments);
}

static int run(struct collector *collector, const struct arguments *arguments, int argc, char **argv)
{
	struct diag diag;

	if (arguments->status)
		return collect_status_print(arguments->collect.directory, arguments->json);
	umask(027);                            /* day files tell what people asked */
	if (collector_init(collector, &arguments->collect, &diag) != 0)
		return command_fail(EXIT_UNREADABLE, &diag);
	return arguments->collect.place_count > 0 ? collect_listen(collector) :
		collect_files(collector, argv + optind, argc - optind, arguments->json);
}

static int parse(const struct command *command, int argc, char **argv, struct arguments *arguments,
	struct identities *identities)
{
	int option, code = EXIT_FINE;

	while (code == EXIT_FINE && (option = command_option(command, argc, argv, ":D:l:m:sjh", options)) != -1) {
		if (option == 'h')
			return -1;
		if (option == '?')
			return EXIT_USAGE;
		code = take_option(command, option, arguments, identities);
	}
	return code == EXIT_FINE ? check(command, argc, arguments) : code;
}

int cmd_collect(const struct command *command, int argc, char **argv)
{
	static struct collector collector;     /* large, and there is one */
	struct arguments arguments = { .socket_mode = 0660,
		.collect = { .directory = COLLECT_DIRECTORY, .free_octets = FREE_DEFAULT, .idle_s = IDLE_DEFAULT } };
	int code;

	collector.status_fd = -1;
	collector.identities = identities_create();
	if (collector.identities == NULL) {
		fputs("verdictctl: no memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	code = parse(command, argc, argv, &arguments, collector.identities);
	if (code == EXIT_FINE)
		code = run(&collector, &arguments, argc, argv);
	collector_fini(&collector);
	return code < 0 ? EXIT_FINE : code;
}
