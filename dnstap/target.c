/*
 * target.c: one place that frames go to.
 *
 * What was read from the spool is in `buffer` until all of it is out, so that a stream ends between two frames.
 */
#include "dnstap/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/target_parts.h"

#define BUFFER_OCTETS ((size_t)256 * 1024)
#define RETRY_MIN_MS 100
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 5000

_Static_assert(BUFFER_OCTETS >= SPOOL_READ_MIN, "the buffer holds a frame");

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

struct target *target_create_stream(struct stream *stream, struct stream *next, struct spool_reader *reader,
	uint32_t commit_interval_ms)
{
	struct target *target = create(reader);

	if (!target)
		return NULL;
	target->stream = stream;
	target->next = next;
	spool_reader_keep(reader, TARGET_KEEP_OCTETS);
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
	target->commit_ms = TARGET_FILE_COMMIT_MS;
	if (!target->file)
		target_destroy(&target);
	return target;
}

void target_destroy(struct target **target)
{
	if (!*target)
		return;
	stream_destroy(&(*target)->stream);
	stream_destroy(&(*target)->next);
	/* A STOP in the middle of a frame would be part of it. */
	if ((*target)->file && target_torn_octets(*target) == 0)
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
void target_note_failure(struct target *target, const char *why, int64_t now_ms)
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
bool target_refill(struct target *target)
{
	if (target->at < target->octets)
		return true;
	target->at = 0;
	target->octets = spool_read(target->reader, target->buffer, BUFFER_OCTETS, &target->frames);
	return target->octets > 0;
}

void target_take(struct target *target, size_t octets)
{
	target->at += octets;
	target->sent = true;
	if (target->at == target->octets)
		target->counts.written += target->frames;
}

void target_start_again(struct target *target)
{
	spool_rewind(target->reader);
	target->octets = target->at = 0;
	target->frames = 0;
	target->sent = false;
	target->was_up = false;
}

void target_show(struct target *target, int64_t now_ms)
{
	target->counts.lost = spool_lost(target->reader);
	target->counts.unsure = spool_unsure(target->reader);
	target->counts.unread = spool_unread(target->reader);
	target->counts.unconfirmed = spool_unconfirmed(target->reader);
	target->counts.unsaved = spool_unsaved(target->reader);
	target->counts.waiting_ms = spool_waiting_ms(target->reader, now_ms);
	pthread_mutex_lock(&target->lock);
	target->shown = target->counts;
	pthread_mutex_unlock(&target->lock);
}

bool target_service(struct target *target, int64_t now_ms)
{
	bool moved = target->stream ? target_service_stream(target, now_ms) : target_service_file(target, now_ms);

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

unsigned target_take_dirty(struct target *target, int *files)
{
	return target->file ? file_out_take_dirty(target->file, files) : 0;
}

void target_read_counts(const struct target *target, struct target_counts *counts)
{
	/* The lock is the one part of a const target that changes. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&target->lock;

	pthread_mutex_lock(lock);
	*counts = target->shown;
	pthread_mutex_unlock(lock);
}
