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
	uint64_t seq;        /* of its last answer */
	uint64_t dropped;    /* of its frames */
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

/* Writes `extra` of what a former process left in a ring: its worker had come to `seq`, `dropped` frames of it went, and
 * `recovered` were in the ring; `damaged`: there were more, and nobody knows how many. */
size_t heartbeat_write_former(const struct ring_origin *former, uint64_t seq, uint64_t dropped, uint64_t recovered,
	bool damaged, char *to, size_t cap);

#endif
