/*
 * target_parts.h: what a target is made of, shared by target.c, which has what all share, target_stream.c, which has the
 * streams, and target_file.c, which has the files.
 */
#ifndef DNSTAP_TARGET_PARTS_H
#define DNSTAP_TARGET_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "dnstap/target.h"

#define TARGET_TURN_OCTETS ((size_t)4 << 20)     /* then the others have their turn */
#define TARGET_FILE_COMMIT_MS 1000
/* A collector that writes with stdio holds back less than a block, which is 8 KiB at most (fstrm_capture with glibc). */
#define TARGET_KEEP_OCTETS ((size_t)16 * 1024)

struct target {
	struct spool_reader *reader;
	struct stream *stream;          /* owned; NULL: a file */
	struct stream *next;            /* owned; takes over when `stream` is confirmed */
	int64_t next_ms;                /* since when `next` is tried; 0: it is not */
	struct file_out *file;          /* owned; NULL: a stream */
	uint64_t rotate_octets;
	int64_t rotate_ms;              /* 0: not by age */
	int64_t commit_ms;
	int64_t opened_ms;
	int64_t committed_ms;           /* a file's */
	bool sent;                      /* something, since the stream was opened or the file committed */
	bool was_up;                    /* a stream that has ended since was a break */
	bool noted;                     /* that `stream` is open */
	bool hurried;
	bool finishing, finished;
	_Atomic bool reopen;
	int64_t retry_ms;
	unsigned failures;              /* since the last success */
	uint64_t random;
	uint8_t *buffer;                /* owned */
	size_t octets, at;
	unsigned frames;                /* in the buffer */
	struct target_counts counts;    /* the thread's own */
	pthread_mutex_t lock;
	struct target_counts shown;     /* under lock: for other threads */
};

/* It waits before the next attempt: 0.1 s to 1 s, later up to 5 s. */
void target_note_failure(struct target *target, const char *why, int64_t now_ms);

/* Fills the buffer when it is empty. False: there is nothing. */
bool target_refill(struct target *target);

/* So many octets of the buffer are out. */
void target_take(struct target *target, size_t octets);

/* How much of a frame that is not out in full is out. */
size_t target_torn_octets(const struct target *target);

/* After a break: from the last commit but one. */
void target_start_again(struct target *target);

/* As target_service. */
bool target_service_stream(struct target *target, int64_t now_ms);
bool target_service_file(struct target *target, int64_t now_ms);

#endif
