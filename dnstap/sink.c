/*
 * sink.c: one place that frames go to, with its connection and its queue.
 *
 * The queue is a plain run of octets, each frame behind its length; when its end is reached, what is left is moved to
 * the front. A batch is handed to libfstrm's writer, which adds the framing; `flight` counts the octets of it that are
 * not known to have left, and the frames of it stay queued until they have.
 */
#include "dnstap/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <fstrm.h>

#define LENGTH_OCTETS sizeof(uint32_t)   /* before each frame, in the queue as in Frame Streams */
#define BATCH_FRAMES 128
#define BATCH_OCTETS (128 * 1024)        /* one frame may be larger than what is left of it */
#define RETRY_MIN_MS 100
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 5000

struct sink {
	struct rdwr *rdwr;
	struct fstrm_writer_options *options;
	struct fstrm_writer *writer;    /* NULL: down */
	int64_t retry_at_ms;
	int64_t progress_at_ms;         /* when something last left, or there was nothing to send */
	unsigned failures;              /* since the last success */
	uint64_t random;
	uint8_t *queue;
	size_t octets;                  /* of the queue */
	size_t head, tail;
	size_t flight;                  /* octets of frames at the head that were handed over */
	_Atomic uint64_t written, connects, errors;   /* one writer, any reader */
	_Atomic int last_error;
};

static void count(_Atomic uint64_t *counter)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static size_t length_at(const struct sink *sink, size_t at)
{
	uint32_t length;

	memcpy(&length, sink->queue + at, sizeof(length));
	return length;
}

static struct fstrm_writer_options *make_options(const char *content_type)
{
	struct fstrm_writer_options *options = fstrm_writer_options_init();

	if (options && fstrm_writer_options_add_content_type(options, content_type, strlen(content_type))
			!= fstrm_res_success)
		fstrm_writer_options_destroy(&options);
	return options;
}

struct sink *sink_create(struct rdwr *rdwr, const char *content_type, size_t octets)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	struct timespec now;

	if (!sink)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	sink->random = ((uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid() ^ (uintptr_t)sink) | 1;
	sink->octets = octets;
	sink->queue = malloc(octets);
	sink->options = make_options(content_type);
	if (!sink->queue || !sink->options) {
		sink_destroy(&sink);
		return NULL;
	}
	sink->rdwr = rdwr;
	return sink;
}

void sink_destroy(struct sink **sink)
{
	if (!*sink)
		return;
	if ((*sink)->rdwr)
		rdwr_cut((*sink)->rdwr);
	if ((*sink)->writer)
		fstrm_writer_destroy(&(*sink)->writer);
	if ((*sink)->options)
		fstrm_writer_options_destroy(&(*sink)->options);
	rdwr_destroy(&(*sink)->rdwr);
	free((*sink)->queue);
	free(*sink);
	*sink = NULL;
}

/* Not for secrets: spreads the reconnects of many resolvers (xorshift64). */
static unsigned random_below(struct sink *sink, unsigned limit)
{
	sink->random ^= sink->random << 13;
	sink->random ^= sink->random >> 7;
	sink->random ^= sink->random << 17;
	return (unsigned)(sink->random % limit);
}

/* After a failure the wait is anything from 0.1 s to 1 s, then to 2, 4 and 5 s. */
static void schedule_retry(struct sink *sink, int64_t now_ms)
{
	unsigned most = RETRY_FIRST_MS << (sink->failures < 3 ? sink->failures : 3);

	if (most > RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	sink->failures++;
	sink->retry_at_ms = now_ms + RETRY_MIN_MS + random_below(sink, most - RETRY_MIN_MS);
}

static void give_up(struct sink *sink, int64_t now_ms, int error)
{
	rdwr_cut(sink->rdwr);
	fstrm_writer_destroy(&sink->writer);
	sink->writer = NULL;
	sink->flight = 0;
	atomic_store_explicit(&sink->last_error, error ? error : EPROTO, memory_order_relaxed);
	count(&sink->errors);
	schedule_retry(sink, now_ms);
}

static void open_stream(struct sink *sink, int64_t now_ms)
{
	struct fstrm_rdwr *rdwr = rdwr_for_writer(sink->rdwr);

	if (!rdwr)
		return;
	sink->writer = fstrm_writer_init(sink->options, &rdwr);
	rdwr_set_deadline(sink->rdwr, SINK_HANDSHAKE_MS);
	/* `writer` stays hidden while `wait` runs below: a sink that shakes hands is not up. */
	struct fstrm_writer *writer = sink->writer;
	sink->writer = NULL;
	fstrm_res result = fstrm_writer_open(writer);
	sink->writer = writer;
	if (result != fstrm_res_success) {
		give_up(sink, now_ms, rdwr_error(sink->rdwr));
		return;
	}
	sink->failures = 0;
	sink->progress_at_ms = now_ms;
	count(&sink->connects);
}

/* Lets the frames go that have left. Room in the rest of the batch is known by what the rdwr still holds. */
static void settle(struct sink *sink, int64_t now_ms)
{
	size_t unsent = rdwr_unsent(sink->rdwr);
	size_t gone = sink->flight > unsent ? sink->flight - unsent : 0;

	while (sink->flight > 0) {
		size_t frame = LENGTH_OCTETS + length_at(sink, sink->head);

		if (frame > gone)
			return;
		gone -= frame;
		sink->flight -= frame;
		sink->head += frame;
		sink->progress_at_ms = now_ms;
		count(&sink->written);
	}
}

/* Hands one batch over. False: nothing to send, or it broke. */
static bool send_batch(struct sink *sink, int64_t now_ms)
{
	struct iovec iov[BATCH_FRAMES];
	size_t at = sink->head;
	int frames = 0;

	while (frames < BATCH_FRAMES && at < sink->tail) {
		size_t frame = LENGTH_OCTETS + length_at(sink, at);

		if (frames > 0 && frame > BATCH_OCTETS - (at - sink->head))
			break;
		iov[frames].iov_base = sink->queue + at + LENGTH_OCTETS;
		iov[frames++].iov_len = frame - LENGTH_OCTETS;
		at += frame;
	}
	if (frames == 0)
		return false;
	sink->flight = at - sink->head;
	fstrm_res result = fstrm_writer_writev(sink->writer, iov, frames);
	settle(sink, now_ms);
	if (result == fstrm_res_success)
		return true;
	give_up(sink, now_ms, rdwr_error(sink->rdwr));
	return false;
}

void sink_flush(struct sink *sink, int64_t now_ms)
{
	if (!sink->writer)
		return;
	if (rdwr_unsent(sink->rdwr) > 0) {
		int result = rdwr_flush(sink->rdwr);

		settle(sink, now_ms);
		if (result != 0) {
			give_up(sink, now_ms, rdwr_error(sink->rdwr));
			return;
		}
	}
	while (rdwr_unsent(sink->rdwr) == 0 && send_batch(sink, now_ms))
		;
}

void sink_service(struct sink *sink, int64_t now_ms)
{
	if (!sink->writer) {
		if (now_ms >= sink->retry_at_ms)
			open_stream(sink, now_ms);
		return;
	}
	if (!sink_is_busy(sink))
		sink->progress_at_ms = now_ms;
	if (rdwr_check(sink->rdwr) != 0)
		give_up(sink, now_ms, rdwr_error(sink->rdwr));
	else if (rdwr_fd(sink->rdwr) >= 0 && now_ms - sink->progress_at_ms >= SINK_STALL_MS)
		give_up(sink, now_ms, ETIMEDOUT);   /* a file is kept: it waits for room on the disk */
}

void sink_hurry(struct sink *sink)
{
	sink->retry_at_ms = 0;
}

bool sink_has_room(const struct sink *sink, size_t octets)
{
	size_t room = sink->octets - (sink->tail - sink->head);

	return room >= LENGTH_OCTETS && octets <= room - LENGTH_OCTETS;
}

bool sink_offer(struct sink *sink, const uint8_t *frame, size_t octets)
{
	uint32_t length = (uint32_t)octets;
	size_t used = sink->tail - sink->head;

	if (!sink_has_room(sink, octets))
		return false;
	if (octets + LENGTH_OCTETS > sink->octets - sink->tail) {
		memmove(sink->queue, sink->queue + sink->head, used);
		sink->head = 0;
		sink->tail = used;
	}
	memcpy(sink->queue + sink->tail, &length, sizeof(length));
	memcpy(sink->queue + sink->tail + sizeof(length), frame, octets);
	sink->tail += octets + sizeof(length);
	return true;
}

void sink_goodbye(struct sink *sink, unsigned timeout_ms)
{
	if (!sink->writer)
		return;
	/* A STOP in the middle of a frame would be part of it. */
	if (rdwr_unsent(sink->rdwr) == 0) {
		rdwr_set_deadline(sink->rdwr, timeout_ms);
		(void)fstrm_writer_close(sink->writer);
	}
	rdwr_cut(sink->rdwr);
	fstrm_writer_destroy(&sink->writer);
	sink->writer = NULL;
}

bool sink_is_up(const struct sink *sink)
{
	return sink->writer != NULL;
}

bool sink_is_moving(const struct sink *sink, int64_t now_ms)
{
	return sink->writer && now_ms - sink->progress_at_ms < SINK_MOVING_MS;
}

bool sink_is_busy(const struct sink *sink)
{
	return sink->head != sink->tail || (sink->writer && rdwr_unsent(sink->rdwr) > 0);
}

int sink_fd(const struct sink *sink)
{
	return sink->writer ? rdwr_fd(sink->rdwr) : -1;
}

bool sink_is_blocked(const struct sink *sink)
{
	return sink->writer && rdwr_unsent(sink->rdwr) > 0;
}

void sink_read_counts(const struct sink *sink, struct sink_counts *counts)
{
	counts->written = atomic_load_explicit(&sink->written, memory_order_relaxed);
	counts->connects = atomic_load_explicit(&sink->connects, memory_order_relaxed);
	counts->errors = atomic_load_explicit(&sink->errors, memory_order_relaxed);
	counts->last_error = atomic_load_explicit(&sink->last_error, memory_order_relaxed);
}
