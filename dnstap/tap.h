/*
 * tap.h: frames from the workers to collectors.
 *
 *     worker -> tap_emit -> ring (one for each worker) -> I/O thread -> frame -> Frame Streams -> socket, file
 *
 * The I/O thread blocks all signals, owns every descriptor, and touches nothing of the resolver. Every read, write and
 * connect has a deadline; a collector that is absent, slow, wedged or killed costs frames (counted), never an answer.
 * Framing, handshake and control frames are libfstrm's (fstrm_writer, fstrm_control) over our own fstrm_rdwr back ends
 * (dnstap/rdwr.h); libfstrm's own writers and its fstrm_iothr lose frames silently and hang (doc/frames.md).
 *
 * A frame leaves its ring once every sink that is taking frames has room for it in its queue; when a sink has taken
 * nothing for 0.1 s, or the ring is more than half full, as soon as any sink has room (the others miss it, counted).
 * When no sink has room the ring keeps its frames until it is five eighths full; then the oldest go (dropped_sink), down
 * to half. So after a short outage nothing is lost, after a long one the latest frames are there, and a slow socket does
 * not hold up the file. What the kernel has taken when a collector is killed is lost without a count of ours: the
 * numbers in the frames show it.
 *
 *   who            | calls                       | needs outside synchronisation with
 *   worker w       | tap_emit                    | nobody; one thread for each w at a time
 *   main thread    | tap_create, tap_destroy     | all workers (none may be running in tap_destroy)
 *   anybody        | tap_counts                  | tap_destroy
 */
#ifndef DNSTAP_TAP_H
#define DNSTAP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/event.h"

#define TAP_WORKERS_MAX 256
#define TAP_CONTENT_TYPE "protobuf:dnstap.Dnstap"

struct tap;

struct tap_options {
	const char *identity;       /* of the resolver; copied */
	const char *version;        /* ours; copied */
	const char *socket_path;    /* NULL: none; copied */
	const char *file;           /* NULL: none; copied */
	size_t ring_octets;         /* for each worker, a power of two; rings are made at a worker's first frame */
	unsigned workers;           /* how many, at most TAP_WORKERS_MAX */
};

struct tap_counts {
	uint64_t emitted;           /* handed to tap_emit */
	uint64_t dropped_ring;      /* ring full, or larger than a record may be */
	uint64_t dropped_sink;      /* taken from a ring, but no sink took it */
	uint64_t written_socket;    /* handed to the kernel */
	uint64_t written_file;
	uint64_t missed_socket;     /* the file took it, the socket had no room */
	uint64_t missed_file;
	uint64_t connects;          /* handshakes done */
	uint64_t errors;            /* connections or files given up, and attempts that failed */
	int socket_errno;           /* of the last of these; 0: none yet */
	int file_errno;
};

/* For each sink, once nothing waits in rings and queues: emitted = written + missed + dropped_ring + dropped_sink. */

/* Starts the I/O thread. Returns the owned tap, or NULL with errno set (a socket or file that cannot be opened is no
 * error here: it is counted and tried again). With neither socket nor file there is no
 * thread, and tap_emit drops without counting. */
struct tap *tap_create(const struct tap_options *options);

/* Stops within about `timeout_ms`: sends what it can, says goodbye to collectors, joins the thread. A thread that does
 * not end in time is left alone with what it owns (the library is never unloaded). Sets *tap to NULL.
 * *last, unless NULL, gets the counts at the end; what no sink wrote is lost then. */
void tap_destroy(struct tap **tap, unsigned timeout_ms, struct tap_counts *last);

/* Encodes the event into the worker's ring, and adds this tap's drops of the worker's earlier events to its `dropped`.
 * Never blocks, allocates only at a worker's first frame. Answers with a verdict other than plain allow may use the
 * last quarter of the ring. False: dropped. */
bool tap_emit(struct tap *tap, unsigned worker, const struct event *event);

void tap_counts(const struct tap *tap, struct tap_counts *counts);

/* Is somebody reading: is there any sink at all? */
bool tap_wanted(const struct tap *tap);

#endif
