/* collect_status.c: status.json of a collector's directory: a file of fixed size, so that a full disk takes it, too. */
#include "tools/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "tools/frame_fields.h"
#include "tools/json_out.h"
#include "tools/term.h"
#include "tools/verdictctl.h"

#define STATUS_FILE "status.json"
#define STATUS_OCTETS 4096

int collect_status_open(const char *directory, struct diag *diag)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/" STATUS_FILE, directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		diag_set(diag, path, 0, 0, "cannot open it: %s", strerror(errno));
	return fd;
}

static json_t *describe(const struct collector *collector, int64_t now_s, unsigned connections)
{
	const struct store_counts *kept = store_counts(collector->store);
	const struct collect_counts *counts = &collector->counts;

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"state", collector->stopped[0] == '\0' ? "running" : "stopped", "why", collector->stopped,
		"pid", (json_int_t)getpid(), "time", (json_int_t)now_s, "connections", (json_int_t)connections,
		"connected", (json_int_t)counts->connections, "frames", (json_int_t)counts->frames,
		"events", (json_int_t)kept->events, "duplicates", (json_int_t)kept->duplicates,
		"notes", (json_int_t)kept->notes, "other", (json_int_t)counts->other,
		"undecodable", (json_int_t)counts->undecodable, "refused", (json_int_t)counts->refused, "paired", (json_int_t)counts->paired,
		"commits", (json_int_t)kept->commits, "damaged", (json_int_t)kept->damaged);
}

void collect_status_write(struct collector *collector, int64_t now_s, unsigned connections)
{
	json_t *status = describe(collector, now_s, connections);
	char octets[STATUS_OCTETS];
	size_t used;

	memset(octets, ' ', sizeof(octets));
	used = status == NULL ? 0 : json_dumpb(status, octets, sizeof(octets) - 1, JSON_COMPACT);
	json_decref(status);
	if (used > sizeof(octets) - 1)
		return;
	octets[sizeof(octets) - 1] = '\n';
	if (used > 0 && pwrite(collector->status_fd, octets, sizeof(octets), 0) < 0)
		collector_say(collector, STATUS_FILE " cannot be written");
}

static void print_status(json_t *status)
{
	static const char *const counts[] = { "connections", "frames", "events", "duplicates", "notes", "other",
		"paired", "undecodable", "refused", "commits", "damaged" };
	const char *why = json_string_value(json_object_get(status, "why"));
	const char *state = json_string_value(json_object_get(status, "state"));
	char time[FRAME_TIME_MAX], safe[1024];

	frame_time_text((uint64_t)json_integer_value(json_object_get(status, "time")), 0, time);
	term_escape(safe, sizeof(safe), state, strlen(state));
	printf("%-12s %s (process %" JSON_INTEGER_FORMAT ", as of %.19sZ)\n", "state", safe,
		json_integer_value(json_object_get(status, "pid")), time);
	term_escape(safe, sizeof(safe), why, strlen(why));
	if (*safe != '\0')
		printf("%-12s %s\n", "why", safe);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		printf("%-12s %" JSON_INTEGER_FORMAT "\n", counts[i],
			json_integer_value(json_object_get(status, counts[i])));
}

int collect_status_print(const char *directory, bool json)
{
	char path[4096], safe[256];
	json_t *status;
	bool running;

	snprintf(path, sizeof(path), "%s/" STATUS_FILE, directory);
	status = json_load_file(path, 0, NULL);
	if (status == NULL || !json_is_string(json_object_get(status, "state")) ||
			!json_is_string(json_object_get(status, "why"))) {
		json_decref(status);
		term_escape(safe, sizeof(safe), path, strlen(path));
		fprintf(stderr, "verdictctl: %s: no collector has told of itself there\n", safe);
		return EXIT_UNREADABLE;
	}
	/* Who was killed could not tell. */
	if (!store_is_taken(directory))
		json_object_set_new(status, "state", json_string("ended"));
	running = strcmp(json_string_value(json_object_get(status, "state")), "running") == 0;
	if (json) {
		json_print_line(status, stdout, false);
		return running ? EXIT_FINE : EXIT_WRONG;
	}
	print_status(status);
	json_decref(status);
	return running ? EXIT_FINE : EXIT_WRONG;
}
