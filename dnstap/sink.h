/*
 * sink.h: one place that frames go to, with its connection and its queue.
 *
 * A sink is up while its stream is open (for a socket: the handshake is done). Frames are queued at all times and leave
 * the queue when the kernel has them. A break keeps what the kernel has not taken, and sends it again on the next
 * connection, a frame that was cut in two as a whole. Reconnects come after 0.1 to 1 s, later up to 5 s, at random, so
 * that many resolvers do not fall on one collector together.
 *
 * Threads: one thread for each sink; sink_read_counts from any.
 */
#ifndef DNSTAP_SINK_H
#define DNSTAP_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/rdwr.h"

#define SINK_HANDSHAKE_MS 2000
#define SINK_STALL_MS 5000
#define SINK_MOVING_MS 100

struct sink;

struct sink_counts {
	uint64_t written;    /* frames handed to the kernel */
	uint64_t connects;   /* streams opened */
	uint64_t errors;     /* attempts that failed and streams given up */
	int last_error;      /* errno of the last of these; 0: none yet */
};

/* Takes `rdwr`, on success only. Owned; NULL: no memory. The queue holds `octets`. */
struct sink *sink_create(struct rdwr *rdwr, const char *content_type, size_t octets);

/* Drops the connection without a goodbye, and what is queued. */
void sink_destroy(struct sink **sink);

/* Opens the stream when it is time, and gives up one that is broken or has taken nothing for SINK_STALL_MS. Opening may
 * take SINK_HANDSHAKE_MS, in which the rdwr's `wait` is called. */
void sink_service(struct sink *sink, int64_t now_ms);

/* Opens at the next sink_service, whatever the backoff says. */
void sink_hurry(struct sink *sink);

bool sink_has_room(const struct sink *sink, size_t octets);

/* Queues one frame. False: no room. */
bool sink_offer(struct sink *sink, const uint8_t *frame, size_t octets);

/* Hands queued frames to the kernel, in few calls, as far as it takes them. Never waits. */
void sink_flush(struct sink *sink, int64_t now_ms);

/* Ends the stream properly when nothing is left unsent, waiting at most `timeout_ms` for the collector's answer. */
void sink_goodbye(struct sink *sink, unsigned timeout_ms);

bool sink_is_up(const struct sink *sink);

/* Is it up, and has it taken something of late? Then it is worth waiting for. */
bool sink_is_moving(const struct sink *sink, int64_t now_ms);

/* Are there frames that have not left? */
bool sink_is_busy(const struct sink *sink);

/* For poll: the descriptor (-1: none), and whether it is waited for to take more. */
int sink_fd(const struct sink *sink);
bool sink_is_blocked(const struct sink *sink);

void sink_read_counts(const struct sink *sink, struct sink_counts *counts);

#endif
