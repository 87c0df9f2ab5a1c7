/*
 * tap_state.h: what a tap is made of, shared by the two files that work on it: tap.c, which the workers and the main
 * thread call, and tap_thread.c, the I/O thread.
 */
#ifndef DNSTAP_TAP_STATE_H
#define DNSTAP_TAP_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/frame.h"
#include "dnstap/ring.h"
#include "dnstap/sink.h"

enum { SINK_FILE, SINK_SOCKET, SINK_COUNT };

/* One worker. */
struct slot {
	/* Written by the worker. */
	_Alignas(64) struct ring *_Atomic ring;   /* released at its making, acquired by the I/O thread */
	_Atomic uint64_t emitted;
	_Atomic uint64_t lost;                    /* no ring could be made */
	/* Written by the I/O thread, rarely. */
	_Alignas(64) _Atomic uint64_t dropped_sink;
};

struct tap {
	unsigned workers;
	size_t ring_octets;
	char *identity;
	char *version;
	bool wanted;
	struct slot *slots;                       /* one for each worker */

	/* The I/O thread's. */
	struct sink *sinks[SINK_COUNT];           /* NULL: not configured */
	_Atomic uint64_t missed[SINK_COUNT];
	int64_t final_ms;                         /* monotonic; 0: not stopping; when stopping began */
	uint8_t frame[FRAME_OCTETS_MAX];

	/* Stopping. */
	pthread_t thread;
	int stop_fd;                              /* an eventfd */
	_Atomic int64_t stop_at_ms;               /* monotonic; 0: go on; else be gone by then */
	pthread_mutex_t lock;
	pthread_cond_t ended_cond;
	bool ended;                               /* under lock */
	bool abandoned;                           /* under lock: the thread frees the tap */
};

/* Counters have one writer each, so adding needs no locked instruction. */
static inline void counter_add(_Atomic uint64_t *counter, uint64_t count)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + count, memory_order_relaxed);
}

static inline uint64_t counter_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The monotonic clock. */
int64_t tap_now_ms(void);

/* The I/O thread's body; `arg` is the struct tap. */
void *tap_thread_run(void *arg);

/* An rdwr_wait for the socket's rdwr, in the I/O thread: serves the other sinks while the socket shakes hands. */
bool tap_thread_wait(void *arg);

/* Frees everything; the thread has ended, or calls this as its last act. */
void tap_free(struct tap *tap);

#endif
