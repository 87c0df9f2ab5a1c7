/*
 * target.c: one place that frames go to.
 *
 * What was read from the spool is in `buffer` until all of it is out, so that a stream ends between two frames.
 */
#include "dnstap/target.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/file_out.h"

#define BUFFER_OCTETS ((size_t)256 * 1024)
#define TURN_OCTETS ((size_t)4 << 20)     /* then the others have their turn */
#define FILE_COMMIT_MS 1000
#define RETRY_MIN_MS 100
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 5000

_Static_assert(BUFFER_OCTETS >= SPOOL_READ_MIN, "the buffer holds a frame");

struct target {
	struct spool_reader *reader;
	struct stream *stream;          /* owned; NULL: a file */
	struct file_out *file;          /* owned; NULL: a stream */
	uint64_t rotate_octets;
	int64_t rotate_ms;              /* 0: not by age */
	int64_t commit_ms;
	int64_t opened_ms;
	int64_t committed_ms;           /* a file's */
	bool sent;                      /* something, since the stream was opened or the file committed */
	bool was_up;
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

static struct target *create(struct spool_reader *reader)
{
	struct target *target = calloc(1, sizeof(*target));
	struct timespec now;

	if (!target)
		return NULL;
	target->buffer = malloc(BUFFER_OCTETS);
	if (!target->buffer) {
		free(target);
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	target->random = ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid() ^ (uintptr_t)target) | 1;
	pthread_mutex_init(&target->lock, NULL);
	target->reader = reader;
	return target;
}

struct target *target_create_stream(struct stream *stream, struct spool_reader *reader, uint32_t commit_interval_ms)
{
	struct target *target = create(reader);

	if (!target)
		return NULL;
	target->stream = stream;
	target->commit_ms = commit_interval_ms;
	return target;
}

struct target *target_create_file(const struct target_file_options *options, struct spool_reader *reader)
{
	struct target *target = create(reader);

	if (!target)
		return NULL;
	target->file = file_out_create(options->path, options->content_type, options->rotate_keep);
	target->rotate_octets = options->rotate_octets;
	target->rotate_ms = (int64_t)options->rotate_seconds * 1000;
	target->commit_ms = FILE_COMMIT_MS;
	if (!target->file)
		target_destroy(&target);
	return target;
}

void target_destroy(struct target **target)
{
	if (!*target)
		return;
	stream_destroy(&(*target)->stream);
	/* A STOP in the middle of a frame would be part of it. */
	if ((*target)->file && (*target)->at == (*target)->octets)
		file_out_end((*target)->file);
	file_out_destroy(&(*target)->file);
	pthread_mutex_destroy(&(*target)->lock);
	free((*target)->buffer);
	free(*target);
	*target = NULL;
}

/* Not for secrets: spreads the reconnects of many resolvers (xorshift64). */
static unsigned random_below(struct target *target, unsigned limit)
{
	target->random ^= target->random << 13;
	target->random ^= target->random >> 7;
	target->random ^= target->random << 17;
	return (unsigned)(target->random % limit);
}

/* After a failure the wait is anything from 0.1 s to 1 s, then to 2, 4 and 5 s. */
static void note_failure(struct target *target, const char *why, int64_t now_ms)
{
	unsigned most = RETRY_FIRST_MS << (target->failures < 3 ? target->failures : 3);

	if (most > RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	target->failures++;
	target->retry_ms = now_ms + RETRY_MIN_MS + random_below(target, most - RETRY_MIN_MS);
	target->counts.errors++;
	snprintf(target->counts.error, sizeof(target->counts.error), "%s", why);
}

/* Fills the buffer when it is empty. False: there is nothing. */
static bool refill(struct target *target)
{
	if (target->at < target->octets)
		return true;
	target->at = 0;
	target->octets = spool_read(target->reader, target->buffer, BUFFER_OCTETS, &target->frames);
	return target->octets > 0;
}

static void take(struct target *target, size_t octets)
{
	target->at += octets;
	target->sent = true;
	if (target->at == target->octets)
		target->counts.written += target->frames;
}

static void drop_buffer(struct target *target)
{
	target->octets = target->at = 0;
	target->frames = 0;
}

/* --- a stream --- */

static void start_again(struct target *target)
{
	spool_rewind(target->reader);
	drop_buffer(target);
	target->sent = false;
	target->was_up = false;
}

static bool send_frames(struct target *target, int64_t now_ms)
{
	size_t moved = 0;

	while (moved < TURN_OCTETS && refill(target)) {
		ssize_t done = stream_write(target->stream, target->buffer + target->at, target->octets - target->at, now_ms);

		if (done <= 0)
			break;
		take(target, (size_t)done);
		moved += (size_t)done;
	}
	return moved > 0;
}

static void open_stream(struct target *target, int64_t now_ms)
{
	if (now_ms < target->retry_ms && !target->hurried)
		return;
	/* One last attempt is made for what is there. */
	if (target->finishing && !(target->hurried && spool_has_uncommitted(target->reader))) {
		target->finished = true;
		return;
	}
	target->hurried = false;
	stream_open(target->stream, now_ms);
	if (stream_state(target->stream) == STREAM_DOWN)
		note_failure(target, stream_error(target->stream), now_ms);
	target->opened_ms = now_ms;
	target->was_up = stream_state(target->stream) != STREAM_DOWN;
}

static void note_open(struct target *target, int64_t now_ms)
{
	if (target->counts.up)
		return;
	target->counts.connects++;
	target->failures = 0;
	target->opened_ms = now_ms;
}

static bool should_stop(const struct target *target, int64_t now_ms)
{
	if (target->at < target->octets || !target->sent)
		return target->finishing && target->at == target->octets && spool_unread(target->reader) == 0;
	return target->finishing ? spool_unread(target->reader) == 0 : now_ms - target->opened_ms >= target->commit_ms;
}

static bool service_stream(struct target *target, int64_t now_ms)
{
	enum stream_state state = stream_service(target->stream, now_ms);
	bool moved = false;

	if (state == STREAM_OPEN) {
		note_open(target, now_ms);
		moved = send_frames(target, now_ms);
		if (stream_state(target->stream) == STREAM_OPEN && should_stop(target, now_ms))
			stream_stop(target->stream, now_ms);
		state = stream_state(target->stream);
	}
	if (state == STREAM_FINISHED) {
		spool_commit(target->reader);
		target->counts.commits++;
		target->sent = target->was_up = false;
		target->retry_ms = 0;
		/* Twice at the end: a collector that has begun the next stream has written the one before. */
		target->finished = target->finishing && !spool_has_uncommitted(target->reader);
		target->hurried = target->finishing;
		stream_cut(target->stream);
		state = STREAM_DOWN;
	}
	if (state == STREAM_DOWN && target->was_up) {
		note_failure(target, stream_error(target->stream), now_ms);
		start_again(target);
	}
	target->counts.up = state == STREAM_OPEN || state == STREAM_STOPPING;
	if (state == STREAM_DOWN && !target->finished)
		open_stream(target, now_ms);
	return moved;
}

/* --- a file --- */

static void commit_file(struct target *target, int64_t now_ms)
{
	/* Twice: what the kernel has of a file is as safe as what it has of the spool. */
	spool_commit(target->reader);
	spool_commit(target->reader);
	target->counts.commits++;
	target->committed_ms = now_ms;
	target->sent = false;
}

static bool is_due(struct target *target, int64_t now_ms)
{
	if (atomic_exchange_explicit(&target->reopen, false, memory_order_relaxed))
		return true;
	if (target->rotate_octets > 0 && file_out_size(target->file) >= target->rotate_octets)
		return true;
	return target->rotate_ms > 0 && now_ms - target->opened_ms >= target->rotate_ms;
}

static bool begin_file(struct target *target, int64_t now_ms)
{
	if (now_ms < target->retry_ms && !target->hurried)
		return false;
	target->hurried = false;
	if (file_out_begin(target->file) != 0) {
		note_failure(target, strerror(errno), now_ms);
		return false;
	}
	target->failures = 0;
	target->opened_ms = now_ms;
	target->counts.connects++;
	return true;
}

/* What a full disk does not take stays in the buffer, and the frame is continued later. */
static bool write_frames(struct target *target, int64_t now_ms)
{
	size_t moved = 0;

	while (moved < TURN_OCTETS && refill(target)) {
		size_t left = target->octets - target->at;
		ssize_t done = file_out_write(target->file, target->buffer + target->at, left);

		if (done < 0) {
			note_failure(target, strerror(errno), now_ms);
			target->retry_ms = 0;
			file_out_end(target->file);
			start_again(target);
			break;
		}
		take(target, (size_t)done);
		moved += (size_t)done;
		if ((size_t)done < left) {
			note_failure(target, strerror(ENOSPC), now_ms);
			break;
		}
	}
	return moved > 0;
}

static bool service_file(struct target *target, int64_t now_ms)
{
	bool moved = false, whole = target->at == target->octets;

	if (file_out_is_open(target->file) && whole && is_due(target, now_ms))
		file_out_end(target->file);
	if (file_out_is_open(target->file) || begin_file(target, now_ms)) {
		if (whole || now_ms >= target->retry_ms)
			moved = write_frames(target, now_ms);
		whole = target->at == target->octets;
		if (target->sent && whole && (target->finishing || now_ms - target->committed_ms >= target->commit_ms))
			commit_file(target, now_ms);
	}
	target->counts.up = file_out_is_open(target->file);
	target->finished = target->finishing && (!target->counts.up || !whole || spool_unread(target->reader) == 0);
	return moved;
}

/* --- both --- */

void target_show(struct target *target, int64_t now_ms)
{
	target->counts.lost = spool_lost(target->reader);
	target->counts.unsure = spool_unsure(target->reader);
	target->counts.unread = spool_unread(target->reader);
	target->counts.unsaved = spool_unsaved(target->reader);
	target->counts.waiting_ms = spool_waiting_ms(target->reader, now_ms);
	pthread_mutex_lock(&target->lock);
	target->shown = target->counts;
	pthread_mutex_unlock(&target->lock);
}

bool target_service(struct target *target, int64_t now_ms)
{
	bool moved = target->stream ? service_stream(target, now_ms) : service_file(target, now_ms);

	target_show(target, now_ms);
	return moved;
}

void target_hurry(struct target *target)
{
	target->hurried = true;
}

void target_finish(struct target *target)
{
	target->finishing = true;
}

bool target_is_finished(const struct target *target)
{
	return target->finished;
}

void target_reopen(struct target *target)
{
	atomic_store_explicit(&target->reopen, true, memory_order_relaxed);
}

int target_fd(const struct target *target)
{
	return target->stream ? stream_fd(target->stream) : -1;
}

short target_events(const struct target *target)
{
	return target->stream ? stream_events(target->stream, target->at < target->octets) : 0;
}

void target_read_counts(const struct target *target, struct target_counts *counts)
{
	/* The lock is the one part of a const target that changes. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&target->lock;

	pthread_mutex_lock(lock);
	*counts = target->shown;
	pthread_mutex_unlock(lock);
}
