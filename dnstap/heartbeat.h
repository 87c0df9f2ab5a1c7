/*
 * heartbeat.h: frames in which the telemetry speaks of itself, so that a consumer can prove what it has and what it
 * lacks: how far each worker has counted, what was dropped and why, how far behind each target is, and how good the clock
 * is. doc/frames.md lays down the keys.
 *
 * Threads: functions here touch their arguments only, but for the clock.
 */
#ifndef DNSTAP_HEARTBEAT_H
#define DNSTAP_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/ring.h"
#include "dnstap/tap.h"

#define HEARTBEAT_OCTETS_MAX (48 * 1024)

/* One worker of this process. */
struct heartbeat_worker {
	uint16_t worker;
	struct ring_tally tally;
};

/* One worker of a former process, from the ring that it left. */
struct heartbeat_former {
	struct ring_origin origin;
	struct ring_tally tally;
	uint64_t recovered;  /* records that were in the ring */
	bool damaged;        /* there were more, and nobody knows how many */
};

struct heartbeat {
	uint64_t boot;
	uint64_t number;                          /* from 1, in this process */
	uint32_t interval_ms;
	const struct heartbeat_worker *workers;   /* borrowed */
	unsigned worker_count;
	const struct tap_counts *counts;          /* borrowed */
};

/* Writes `extra`. Returns the octets; 0: it does not fit. */
size_t heartbeat_write(const struct heartbeat *heartbeat, char *to, size_t cap);

/* Likewise. */
size_t heartbeat_write_former(const struct heartbeat_former *former, char *to, size_t cap);

#endif
