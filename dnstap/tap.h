/*
 * tap.h: frames from the workers to collectors and files.
 *
 *     worker -> tap_emit -> ring (one for each worker) -> I/O thread -> frame -> spool -> targets: unix, TCP, TLS, file
 *
 * The I/O thread blocks all signals, owns every descriptor, and touches nothing of the resolver. Nothing in it waits for a
 * collector; it waits for the disk alone. A record leaves its ring when its frame is in the spool (dnstap/spool.h), and a
 * frame leaves the spool when every target has it (dnstap/target.h) or the spool is full, counted.
 *
 * With a directory, rings are mapped files and the spool is on disk: what was emitted survives the process, and the next
 * one sends it on, with a note about how far each worker of the former had come. Without one both are in memory, and what
 * a killed process had not sent is gone; heartbeats say `durable: false` then.
 *
 *   who            | calls                       | needs outside synchronisation with
 *   worker w       | tap_emit, tap_note          | nobody; one thread for each w at a time
 *   main thread    | tap_create, tap_destroy     | all workers (none may be running in tap_destroy)
 *   anybody        | tap_counts, tap_reopen      | tap_destroy
 */
#ifndef DNSTAP_TAP_H
#define DNSTAP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/event.h"
#include "dnstap/ring.h"
#include "dnstap/spool.h"
#include "dnstap/target.h"
#include "policy/diag.h"

#define TAP_WORKERS_MAX 256
#define TAP_TARGETS_MAX SPOOL_READERS_MAX
#define TAP_CONTENT_TYPE "protobuf:dnstap.Dnstap"

struct tap;

/* What a process has counted, from one tap of it to the next. */
struct tap_carry {
	uint64_t heartbeats;
	bool on_disk;                 /* it had a spool there: */
	uint64_t device, inode;       /* of its directory */
	struct {
		uint64_t emitted;
		struct ring_tally tally;
	} workers[TAP_WORKERS_MAX];
	unsigned target_count;
	struct {
		char name[SPOOL_READER_NAME_MAX];
		uint64_t lost, unsure;
		uint64_t unread, unconfirmed;   /* left on the disk */
	} targets[TAP_TARGETS_MAX];
};

/* Texts are borrowed for tap_create alone. */
struct tap_target_options {
	const char *name;             /* the spool's reader of that name goes on where it was */
	struct link_options link;     /* unless `file` */
	uint32_t commit_interval_ms;
	const char *file;             /* NULL: a collector */
	uint64_t rotate_octets;
	uint32_t rotate_seconds;
	unsigned rotate_keep;
};

struct tap_options {
	const char *identity;         /* of the resolver; copied */
	const char *version;          /* ours; copied */
	bool compat_protocol;         /* see dnstap/frame.h */
	uint64_t boot;                /* as in the events' numbers */
	struct tap_carry *carry;      /* counts go on from it, and tap_destroy leaves them there; borrowed; NULL: from 0 */
	const char *directory;        /* for rings and spool, made with mode 0700; NULL: memory only; copied */
	const struct tap_target_options *targets;
	unsigned target_count;        /* at most TAP_TARGETS_MAX; 0: nothing is wanted */
	size_t ring_octets;           /* for each worker, a power of two */
	unsigned workers;             /* how many there can be, at most TAP_WORKERS_MAX */
	unsigned threads;             /* how many are expected: their rings are made at once, others at a first frame */
	uint64_t spool_octets;        /* on disk; 0: none, memory only */
	size_t memory_octets;         /* of the spool, where there is no disk or it is full */
	uint32_t sync_interval_ms;    /* between two writes of the spool onto the disk (fdatasync); 0: left to the kernel */
	uint32_t heartbeat_ms;        /* 0: none */
	unsigned prefix_ipv4, prefix_ipv6;   /* of masked clients: see dnstap/privacy.h */
	const char *key_directory;    /* for the key of pseudonyms, kept there; NULL: one that goes with the tap */
};

struct tap_target_counts {
	char name[SPOOL_READER_NAME_MAX];
	struct target_counts counts;
};

/* Those of frames, heartbeats and rings go on over taps with the same carry. */
struct tap_counts {
	uint64_t emitted;             /* handed to tap_emit */
	uint64_t dropped_ring;        /* ring full, or larger than a record may be */
	uint64_t dropped_spool;       /* neither disk nor memory took it */
	uint64_t unsent;              /* after tap_destroy: went with the memory before a target had them; in `lost`, too */
	uint64_t heartbeats;
	uint64_t recovered;           /* records found in rings of former processes */
	uint64_t damaged;             /* such rings that could not be read to their ends */
	bool durable;                 /* what is emitted and on its way now survives the process */
	char note[128];               /* why it is not durable though it should be, for people; "": it is as it should */
	struct spool_counts spool;
	unsigned target_count;
	struct tap_target_counts targets[TAP_TARGETS_MAX];
};

/* Starts the thread. Owned; NULL: *diag says why. A directory that can not be used is no error (see `note`). */
struct tap *tap_create(const struct tap_options *options, struct diag *diag);

/* Stops the thread after at most `timeout_ms`; the targets get what they take in that time, the rest stays on disk.
 * Frees, sets *tap to NULL and, unless NULL, fills *last. Should the thread hang in a write, it is left to itself. */
void tap_destroy(struct tap **tap, unsigned timeout_ms, struct tap_counts *last);

/* Where event->privacy asks for it, the client is hidden before anything is kept; event->shown is not looked at. False:
 * dropped, and counted; or there is no target, or no such worker. */
bool tap_emit(struct tap *tap, unsigned worker, const struct event *event);

/* Notes the number of an answer of which no frame is wanted. */
void tap_note(struct tap *tap, unsigned worker, uint64_t counter);

/* Is there anywhere for frames to go? */
bool tap_wanted(const struct tap *tap);

/* Files are ended, and new ones begun. False: no target is a file. */
bool tap_reopen(struct tap *tap);

/* Each number is whole; they need not be of one moment. */
void tap_counts(const struct tap *tap, struct tap_counts *counts);

#endif
