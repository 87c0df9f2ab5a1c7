/*
 * heartbeat.c: frames in which the telemetry speaks of itself.
 */
#include "dnstap/heartbeat.h"

#include <fcntl.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

#include "dnstap/json_put.h"

#define EXTRA_VERSION 1

static struct span span_of(const char *text)
{
	return (struct span){ (const uint8_t *)text, strlen(text) };
}

static void put_tally(struct json *json, unsigned worker, const struct ring_tally *tally)
{
	json_put_number(json, "worker", worker);
	json_put_number(json, "seq", tally->noted);
	json_put_number(json, "dropped", tally->dropped + tally->given_up);
	if (tally->left_out > 0)
		json_put_number(json, "left_out", tally->left_out);
}

static void put_workers(struct json *json, const struct heartbeat *heartbeat)
{
	unsigned i;

	json_put_key(json, "workers");
	json_open(json, '[');
	for (i = 0; i < heartbeat->worker_count; i++) {
		json_open(json, '{');
		put_tally(json, heartbeat->workers[i].worker, &heartbeat->workers[i].tally);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void put_dropped(struct json *json, const struct tap_counts *counts)
{
	json_put_key(json, "dropped");
	json_open(json, '{');
	json_put_number(json, "ring", counts->dropped_ring);
	json_put_number(json, "spool", counts->dropped_spool);
	json_close(json, '}');
}

static void put_spool(struct json *json, const struct tap_counts *counts)
{
	json_put_key(json, "spool");
	json_open(json, '{');
	json_put_flag(json, "durable", counts->durable);
	json_put_number(json, "octets", counts->spool.octets_file + counts->spool.octets_memory);
	json_put_number(json, "recovered", counts->spool.recovered + counts->recovered);
	json_put_number(json, "damaged", counts->spool.damaged + counts->damaged);
	json_put_number(json, "errors", counts->spool.errors);
	json_close(json, '}');
}

static void put_targets(struct json *json, const struct heartbeat *heartbeat)
{
	unsigned i;

	json_put_key(json, "targets");
	json_open(json, '[');
	for (i = 0; i < heartbeat->counts->target_count; i++) {
		const struct tap_target_counts *target = &heartbeat->counts->targets[i];

		json_open(json, '{');
		json_put_span(json, "name", span_of(target->name));
		json_put_flag(json, "up", target->counts.up);
		json_put_number(json, "written", target->counts.written);
		json_put_number(json, "lost", target->counts.lost);
		json_put_number(json, "unsure", target->counts.unsure);
		json_put_number(json, "waiting_ms", target->counts.waiting_ms > 0 ? (uint64_t)target->counts.waiting_ms : 0);
		json_close(json, '}');
	}
	json_close(json, ']');
}

/* Where a filter of system calls is in force, asking the clock may be forbidden on pain of death. */
static bool may_ask(void)
{
	char text[4096];
	int fd = open("/proc/thread-self/status", O_RDONLY | O_CLOEXEC);
	ssize_t octets = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[octets > 0 ? octets : 0] = '\0';
	return strstr(text, "\nSeccomp:\t0\n") != NULL;
}

/* The kernel's view of its clock (adjtimex(2)), in microseconds; left out where it can not be asked. */
static void put_clock(struct json *json)
{
	struct timex clock = { .modes = 0 };
	int state = may_ask() ? adjtimex(&clock) : -1;
	bool nanoseconds = (clock.status & STA_NANO) != 0;

	if (state < 0)
		return;
	json_put_key(json, "clock");
	json_open(json, '{');
	json_put_flag(json, "synchronized", state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0);
	json_put_number(json, "max_error_us", clock.maxerror > 0 ? (uint64_t)clock.maxerror : 0);
	json_put_number(json, "offset_us", (uint64_t)(clock.offset < 0 ? -clock.offset : clock.offset)
		/ (nanoseconds ? 1000 : 1));
	json_close(json, '}');
}

size_t heartbeat_write(const struct heartbeat *heartbeat, char *to, size_t cap)
{
	struct json json = { .to = to, .cap = cap };

	json_open(&json, '{');
	json_put_number(&json, "v", EXTRA_VERSION);
	json_put_boot(&json, heartbeat->boot);
	json_put_number(&json, "heartbeat", heartbeat->number);
	json_put_number(&json, "interval_ms", heartbeat->interval_ms);
	put_workers(&json, heartbeat);
	put_dropped(&json, heartbeat->counts);
	put_spool(&json, heartbeat->counts);
	put_targets(&json, heartbeat);
	put_clock(&json);
	json_close(&json, '}');
	return json.full ? 0 : json.used;
}

size_t heartbeat_write_former(const struct heartbeat_former *former, char *to, size_t cap)
{
	struct json json = { .to = to, .cap = cap };

	json_open(&json, '{');
	json_put_number(&json, "v", EXTRA_VERSION);
	json_put_boot(&json, former->origin.boot);
	json_put_key(&json, "former");
	json_open(&json, '{');
	put_tally(&json, former->origin.worker, &former->tally);
	json_put_number(&json, "recovered", former->recovered);
	json_put_flag(&json, "damaged", former->damaged);
	json_close(&json, '}');
	json_close(&json, '}');
	return json.full ? 0 : json.used;
}
