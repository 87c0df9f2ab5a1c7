/*
 * stream.h: a Frame Streams connection to one collector, without waiting.
 *
 * Bidirectional: READY, ACCEPT, START, frames, STOP, FINISH; the control frames are encoded, decoded and matched by
 * libfstrm's fstrm_control. Its fstrm_writer is not used, because it waits in the handshake, and adds the framing to
 * frames that the spool has with their lengths already (format: fstrm/control.h of libfstrm 0.6.1).
 *
 * Threads: one at a time.
 */
#ifndef DNSTAP_STREAM_H
#define DNSTAP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnstap/link.h"

#define STREAM_HANDSHAKE_MS 5000   /* from the first packet to ACCEPT */
#define STREAM_FINISH_MS 5000      /* from STOP to FINISH; doubled for the next stream when it was too short */
#define STREAM_FINISH_MAX_MS 60000
#define STREAM_STALL_MS 5000       /* without the collector taking anything that is offered */

enum stream_state {
	STREAM_DOWN,
	STREAM_OPENING,
	STREAM_OPEN,
	STREAM_STOPPING,
	STREAM_FINISHED,   /* the collector has confirmed all; the connection is closed */
};

struct stream;

/* Takes `link`, on success only. Owned; NULL: no memory. */
struct stream *stream_create(struct link *link, const char *content_type);
void stream_destroy(struct stream **stream);

/* Begins to connect; `now_ms` is a monotonic clock, here and below. */
void stream_open(struct stream *stream, int64_t now_ms);

/* Is there a connection, so that the end of the collector would end it? It may not have answered yet. */
bool stream_is_connected(const struct stream *stream);

/* The time for the handshake begins now. */
void stream_give_time(struct stream *stream, int64_t now_ms);

/* A confirmation gets as much time as `other` has learned that one needs. */
void stream_learn(struct stream *stream, const struct stream *other);

/* Does what can be done without waiting, and gives a stream up whose time is over. */
enum stream_state stream_service(struct stream *stream, int64_t now_ms);
enum stream_state stream_state(const struct stream *stream);

/* While open: sends of `octets`, which are whole frames with their lengths, as many as are taken. 0: none now.
 * -1: broken, and down. */
ssize_t stream_write(struct stream *stream, const uint8_t *octets, size_t count, int64_t now_ms);

/* Behind the last octet of a frame: asks the collector to confirm. */
void stream_stop(struct stream *stream, int64_t now_ms);

/* Closes without a word. */
void stream_cut(struct stream *stream);

/* For poll; -1: none. */
int stream_fd(const struct stream *stream);
short stream_events(const struct stream *stream, bool has_more);

/* Why it is down, for people; "" at first. Good until the next call. */
const char *stream_error(const struct stream *stream);

#endif
