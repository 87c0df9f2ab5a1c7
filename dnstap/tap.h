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
	uint64_t connects;          /* handshakes done */
	uint64_t errors;            /* connections or files given up */
};

/* Starts the I/O thread. Returns the owned tap, or NULL with errno set. With neither socket nor file there is no
 * thread, and tap_emit drops without counting. */
struct tap *tap_create(const struct tap_options *options);

/* Stops within about `timeout_ms`: sends what it can, says goodbye to collectors, joins the thread. A thread that does
 * not end in time is left alone with what it owns (the library is never unloaded). Sets *tap to NULL. */
void tap_destroy(struct tap **tap, unsigned timeout_ms);

/* Encodes the event into the worker's ring. Never blocks, allocates only at a worker's first frame. False: dropped. */
bool tap_emit(struct tap *tap, unsigned worker, const struct event *event);

void tap_counts(const struct tap *tap, struct tap_counts *counts);

/* Is somebody reading: is there any sink at all? */
bool tap_wanted(const struct tap *tap);

#endif
