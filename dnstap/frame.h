/*
 * frame.h: an event becomes a dnstap frame (dnstap/dnstap.proto), field by field as doc/frames.md lays down.
 *
 * One CLIENT_RESPONSE for each answer. `policy` is always set, with type and action, since readers show an unset action
 * as NXDOMAIN: type "list" when a rule decided, else "none" with PASS. The schema has no REFUSED: refuse, sinkhole and
 * local data are all LOCAL_DATA there, and `extra` (dnstap/extra.h) has the exact verdict.
 *
 * Threads: functions here touch their arguments only. Nothing is allocated: protobuf-c packs into the caller's buffer.
 */
#ifndef DNSTAP_FRAME_H
#define DNSTAP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "dnstap/event_read.h"

/* The most octets of a frame whose identity and version have at most FRAME_ORIGIN_MAX octets each. */
#define FRAME_OCTETS_MAX (96 * 1024)
#define FRAME_ORIGIN_MAX 255

/* Who sends; borrowed; NULL: left out. */
struct frame_origin {
	const char *identity;
	const char *version;
	bool compat_protocol;   /* say TCP for DoT, DoH and DoQ: dnstap-ldns -y ends at these */
};

/* A frame that speaks of the telemetry itself (dnstap/heartbeat.h): a TOOL_RESPONSE with this `extra`, the time, and a
 * DNS message that says no more than its name, since readers fail on frames without one. Returns as frame_encode. */
size_t frame_encode_note(const char *extra, size_t extra_octets, const struct timespec *time,
	const struct frame_origin *origin, uint8_t *to, size_t cap);

/* Writes the frame, without Frame Streams' length. Returns the octets used; 0 when it does not fit in `cap`. */
size_t frame_encode(const struct event_view *view, const struct frame_origin *origin, uint8_t *to, size_t cap);

#endif
