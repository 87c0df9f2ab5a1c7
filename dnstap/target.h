/*
 * target.h: one place that frames go to: reads them from the spool, sends them to a collector or writes them to a file,
 * and commits what has arrived.
 *
 * A collector has taken frames when it has answered STOP with FINISH; it is asked `commit_interval_ms` after a connection
 * began, if frames were sent on it. That ends the connection, and frames go on over the next one, which was made before:
 * so a collector never dies unseen with what it confirmed and has in memory still. A break, of either, begins again at the
 * last commit but one, so frames can come twice. Reconnects come after 0.1 to 1 s, later up to 5 s, at random, so that many
 * resolvers do not fall on one collector together.
 *
 * A file is a Frame Streams file. What stands at its path when it is opened, and what is ended by size, age or request,
 * becomes FILE.1, and that FILE.2, up to `rotate_keep`. It has mode 0640, and a link is never followed.
 *
 * Threads: one at a time; target_read_counts and target_reopen from any.
 */
#ifndef DNSTAP_TARGET_H
#define DNSTAP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnstap/file_out.h"
#include "dnstap/spool.h"
#include "dnstap/stream.h"

#define TARGET_ERROR_MAX 128

struct target;

struct target_file_options {
	const char *path;             /* copied */
	const char *content_type;
	uint64_t rotate_octets;       /* 0: not by size */
	uint32_t rotate_seconds;      /* 0: not by age */
	unsigned rotate_keep;         /* old files, at least 1 */
};

struct target_counts {
	bool up;                      /* the stream or the file is open */
	uint64_t written;             /* frames handed to the kernel, repeated ones too */
	uint64_t connects;            /* streams and files opened */
	uint64_t commits;
	uint64_t errors;              /* attempts that failed, and streams given up */
	uint64_t lost, unsure;        /* of the spool's reader */
	uint64_t unread;              /* frames in the spool that wait for it */
	uint64_t unconfirmed;         /* frames that it has read and not committed twice over */
	uint64_t unsaved;             /* of these, those in memory, that would be gone with the process */
	int64_t waiting_ms;           /* since the oldest of these came; 0: nothing waits */
	char error[TARGET_ERROR_MAX]; /* the last; "": none yet */
};

/* Takes `stream` and `next`, which are alike, on success; borrows `reader`. Owned; NULL: no memory. */
struct target *target_create_stream(struct stream *stream, struct stream *next, struct spool_reader *reader,
	uint32_t commit_interval_ms);
struct target *target_create_file(const struct target_file_options *options, struct spool_reader *reader);

/* Closes without a word: what is not committed is sent again by the next process. */
void target_destroy(struct target **target);

/* Does what can be done without waiting. `now_ms` is a monotonic clock. True: it moved something. */
bool target_service(struct target *target, int64_t now_ms);

/* Connects at the next service, whatever the backoff says. */
void target_hurry(struct target *target);

/* From now on it only finishes: what is there is sent and confirmed, and nothing is opened any more once it is. */
void target_finish(struct target *target);

/* After target_finish: has it done all that it can? */
bool target_is_finished(const struct target *target);

/* Begins a new file at the next service. Nothing for a stream. */
void target_reopen(struct target *target);

/* For poll: the descriptor, -1: none. */
int target_fd(const struct target *target);
short target_events(const struct target *target);

/* Shows the spool's counts as they are now, when service is not called any more. */
void target_show(struct target *target, int64_t now_ms);

/* Descriptors, owned by the caller, of files that were written to since it was last asked, at most FILE_OUT_DIRTY_MAX.
 * Returns how many. */
unsigned target_take_dirty(struct target *target, int *files);

void target_read_counts(const struct target *target, struct target_counts *counts);

#endif
