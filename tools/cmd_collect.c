/* cmd_collect.c: `verdictctl collect`: options, and frames from files into the store. */
#include "tools/verdictctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy/diag.h"
#include "store/store.h"
#include "tools/frame_event.h"
#include "tools/json_out.h"
#include "tools/tap_files.h"
#include "tools/term.h"

#define DIRECTORY_DEFAULT "/var/lib/verdict-collect"
#define COMMIT_EVERY 65536u

const char help_collect[] =
	"Usage: verdictctl collect [OPTION...] FILE... | -\n"
	"\n"
	"Examples:\n"
	"  verdictctl collect --directory days 'frames.fs*'    files of frames into day files\n"
	"\n"
	"Keeps what dnstap frames say of each answer (client, question, answer, verdict, list, rule, times) in day files\n"
	"of SQLite, those that came before left out. A directory has one collector at a time, any number may read.\n"
	"\n"
	"Options:\n"
	"  -D, --directory DIR    where day files are (default " DIRECTORY_DEFAULT ")\n"
	"  -j, --json             the report as JSON\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 2 wrong usage; 3 something cannot be read or written (what could be read was kept).\n";

static const struct option options[] = {
	{ "directory", required_argument, NULL, 'D' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

struct collecting {
	struct store *store;
	struct frame_event_reading reading;
	uint64_t other, waiting;
	bool failed;
};

static void say(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "verdictctl: %s\n", text);
}

static int put(struct collecting *collecting, enum frame_event_kind kind, struct diag *diag)
{
	bool again;

	if (kind == FRAME_EVENT_ANSWER)
		return store_put(collecting->store, &collecting->reading.event, &again, diag);
	if (kind == FRAME_EVENT_NOTE)
		return store_note(collecting->store, &collecting->reading.note, &again, diag);
	collecting->other++;
	return 0;
}

/* Whoever names a file means its times: they are filed as they are. */
static enum print_result take(void *arg, const uint8_t *octets, size_t length)
{
	const struct frame_event_clock clock = { .now_s = (int64_t)time(NULL), .oldest_s = 0, .newest_s = INT64_MAX };
	struct collecting *collecting = arg;
	enum frame_event_kind kind = frame_event_read(&collecting->reading, octets, length, &clock);
	struct diag diag;
	int result;

	if (kind == FRAME_EVENT_BAD)
		return PRINT_UNDECODABLE;
	result = put(collecting, kind, &diag);
	frame_event_fini(&collecting->reading);
	if (result == 0 && ++collecting->waiting == COMMIT_EVERY) {
		collecting->waiting = 0;
		result = store_commit(collecting->store, &diag);
	}
	if (result == 0)
		return PRINT_DONE;
	command_fail(EXIT_UNREADABLE, &diag);
	collecting->failed = true;
	return PRINT_FAILED;
}

static void report(const struct collecting *collecting, bool json)
{
	const struct store_counts *counts = store_counts(collecting->store);

	printf(json ? "{\"events\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"notes\":%" PRIu64 ",\"other\":%" PRIu64
		",\"damaged\":%" PRIu64 "}\n" : "%" PRIu64 " events kept, %" PRIu64 " had come before; %" PRIu64
		" heartbeats; %" PRIu64 " frames of other kinds; %" PRIu64 " damaged day files set aside\n",
		counts->events, counts->duplicates, counts->notes, collecting->other, counts->damaged);
}

static int collect_files(const char *directory, char **names, int count, bool json)
{
	static struct collecting collecting;   /* large, and there is one */
	static struct tap_flow flow;
	const struct store_options store_options = { .directory = directory, .tell = say };
	struct diag diag;
	int code;

	umask(027);                            /* day files tell what people asked */
	collecting.store = store_open(&store_options, &diag);
	if (collecting.store == NULL)
		return command_fail(EXIT_UNREADABLE, &diag);
	flow.sink = take;
	flow.sink_arg = &collecting;
	flow.printer.to = stdout;
	code = tap_files_read(&flow, names, count);
	if (!collecting.failed && store_commit(collecting.store, &diag) != 0) {
		command_fail(EXIT_UNREADABLE, &diag);
		collecting.failed = true;
	}
	report(&collecting, json);
	store_close(&collecting.store);
	return collecting.failed ? EXIT_UNREADABLE : code;
}

int cmd_collect(const struct command *command, int argc, char **argv)
{
	const char *directory = DIRECTORY_DEFAULT;
	bool json = false;
	int option;

	while ((option = command_option(command, argc, argv, ":D:jh", options)) != -1) {
		if (option == 'h')
			return EXIT_FINE;
		if (option == '?')
			return EXIT_USAGE;
		if (option == 'D')
			directory = optarg;
		else
			json = true;
	}
	if (optind == argc)
		return command_misuse(command, "name files of frames, or '-' for standard input");
	return collect_files(directory, argv + optind, argc - optind, json);
}
