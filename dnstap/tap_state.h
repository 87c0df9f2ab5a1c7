/*
 * tap_state.h: what a tap is made of, shared by the files that work on it: tap.c, which the workers call, tap_make.c,
 * which begins and ends it, tap_thread.c, the I/O thread, and tap_former.c, which that calls for what a former process
 * left.
 */
#ifndef DNSTAP_TAP_STATE_H
#define DNSTAP_TAP_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/frame.h"
#include "dnstap/privacy.h"
#include "dnstap/ring.h"
#include "dnstap/spool.h"
#include "dnstap/syncer.h"
#include "dnstap/tap.h"
#include "dnstap/target.h"

#define RING_NAME_MAX 64
#define RING_PREFIX "ring-"

/* One worker. */
struct slot {
	/* Written by the worker. */
	_Alignas(64) struct ring *_Atomic ring;   /* released at its making, acquired by the I/O thread */
	_Atomic uint64_t emitted;
	_Atomic uint64_t lost;                    /* no ring could be made */
	struct ring_tally before;                 /* never changes: of the tap before; the ring goes on from it */
};

struct tap {
	unsigned workers;
	size_t ring_octets;
	char *identity;
	char *version;
	bool compat_protocol;
	uint64_t boot;
	struct tap_carry *carry;                  /* borrowed; the main thread's; NULL: none */
	struct tap_carry before;                  /* what stood there at the beginning; never changes */
	unsigned generation;                      /* of the taps of this process: in the names of its rings */
	struct slot *slots;                       /* one for each worker */
	struct privacy *privacy;                  /* owned */
	int directory;                            /* -1: memory only */
	uint64_t device, inode;                   /* of it */
	char *directory_name;
	uint64_t spool_octets;
	size_t memory_octets;
	uint32_t sync_interval_ms;
	uint32_t heartbeat_ms;

	/* The I/O thread's. */
	struct spool *spool;
	bool on_disk;                             /* under lock, once ready: the spool has the directory, and no other process */
	struct target *targets[TAP_TARGETS_MAX];
	char target_names[TAP_TARGETS_MAX][SPOOL_READER_NAME_MAX];
	unsigned target_count;
	struct tap_target *plans;                 /* what targets are made of, once there is a spool */
	struct syncer *syncer;                    /* owned; NULL: nothing to sync */
	uint64_t heartbeats;
	int64_t next_heartbeat_ms, next_sync_ms;  /* monotonic */
	uint8_t frame[FRAME_OCTETS_MAX];

	/* Shown to others by the I/O thread. */
	pthread_mutex_t lock;
	struct spool_counts spool_counts;         /* under lock */
	uint64_t beats, recovered, damaged, unsent;   /* under lock */
	bool mapped;                              /* never changes: all rings that are expected are in files */
	bool durable;                             /* under lock: both, and nothing waits in memory */
	bool ready;                               /* under lock: targets are made, and stay */
	char note[128];                           /* under lock */

	/* Stopping. */
	pthread_t thread;
	int stop_fd;                              /* an eventfd */
	_Atomic int64_t stop_at_ms;               /* monotonic; 0: go on; else be gone by then */
	pthread_cond_t ended_cond;
	bool ended;                               /* under lock */
	bool abandoned;                           /* under lock: the thread frees the tap */
};

/* A target before there is a spool to read from. */
struct tap_target {
	struct stream *stream, *next;             /* owned; NULL: a file */
	char *file;                               /* owned */
	uint32_t commit_interval_ms;
	uint64_t rotate_octets;
	uint32_t rotate_seconds;
	unsigned rotate_keep;
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

static inline int64_t tap_stop_at(const struct tap *tap)
{
	/* Pairs with the release in tap_destroy. */
	return atomic_load_explicit(&tap->stop_at_ms, memory_order_acquire);
}

/* What a worker has counted, without a ring, too. */
void tap_read_tally(const struct tap *tap, unsigned worker, struct ring_tally *tally);

/* The monotonic clock, and the real one. */
int64_t tap_now_ms(void);
int64_t tap_real_ms(void);

/* The I/O thread's body; `arg` is the struct tap. */
void *tap_thread_run(void *arg);

/* Makes the frame of a record and puts it into the spool. False: it is no record, or nothing took it. */
bool tap_spool_record(struct tap *tap, const uint8_t *record, size_t octets, uint64_t dropped_more, int64_t now_ms);

/* Puts a note of `octets` of JSON into the spool. */
void tap_spool_note(struct tap *tap, enum spool_lane lane, const char *extra, size_t octets);

/* Removes the files of rings that are empty: they are of no use to the next process. */
void tap_remove_rings(struct tap *tap);

/* Makes spool and targets, and takes up what former processes left. False: no memory, and no frames. */
bool tap_begin(struct tap *tap);

/* Sends what the rings of former processes hold, and removes them. */
void tap_take_former(struct tap *tap);

/* Frees everything; the thread has ended, or calls this as its last act. */
void tap_free(struct tap *tap);

#endif
