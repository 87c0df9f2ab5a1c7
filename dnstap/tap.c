/*
 * tap.c: what workers and the main thread call; the I/O thread is in tap_thread.c.
 */
#include "dnstap/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/rdwr.h"
#include "dnstap/tap_state.h"

#define RING_OCTETS_MIN ((size_t)64 * 1024)
#define QUEUE_OCTETS_MIN ((size_t)512 * 1024)
#define QUEUE_OCTETS_MAX ((size_t)64 * 1024 * 1024)

static struct ring *worker_ring(struct tap *tap, struct slot *slot)
{
	struct ring *ring = atomic_load_explicit(&slot->ring, memory_order_relaxed);

	if (ring)
		return ring;
	ring = ring_create(tap->ring_octets);
	/* Pairs with the acquire in drain_all and tap_counts. */
	atomic_store_explicit(&slot->ring, ring, memory_order_release);
	return ring;
}

static bool is_important(const struct verdict *verdict)
{
	return verdict->action != ACTION_ALLOW || verdict->rule.trigger != TRIGGER_NONE
		|| verdict->shadow.trigger != TRIGGER_NONE;
}

/* Nearly every event fits in the first size. A reservation that is too small is abandoned for the next. */
static bool push(struct ring *ring, const struct event *event)
{
	static const size_t sizes[] = { 2048, 16 * 1024, EVENT_OCTETS_MAX };
	bool important = is_important(event->verdict);
	size_t i, octets;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *to = ring_reserve(ring, sizes[i], important);

		if (!to)
			return false;
		octets = event_encode(event, to, sizes[i]);
		if (octets > 0) {
			ring_commit(ring, octets);
			return true;
		}
	}
	/* No event is so large; if one were, this counts it. */
	return ring_reserve(ring, SIZE_MAX / 2, important) != NULL;
}

bool tap_emit(struct tap *tap, unsigned worker, const struct event *event)
{
	struct event numbered;
	struct slot *slot;
	struct ring *ring;

	if (!tap || !tap->wanted || worker >= tap->workers)
		return false;
	slot = &tap->slots[worker];
	counter_add(&slot->emitted, 1);
	ring = worker_ring(tap, slot);
	if (!ring) {
		counter_add(&slot->lost, 1);
		return false;
	}
	numbered = *event;
	/* The I/O thread adds what it drops before it comes to this event. */
	numbered.dropped += ring_dropped(ring) + counter_read(&slot->lost);
	return push(ring, &numbered);
}

bool tap_wanted(const struct tap *tap)
{
	return tap && tap->wanted;
}

void tap_counts(const struct tap *tap, struct tap_counts *counts)
{
	struct sink_counts sinks[SINK_COUNT] = { { 0 } };
	unsigned i;

	memset(counts, 0, sizeof(*counts));
	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i])
			sink_read_counts(tap->sinks[i], &sinks[i]);
	counts->written_file = sinks[SINK_FILE].written;
	counts->written_socket = sinks[SINK_SOCKET].written;
	counts->missed_file = counter_read(&tap->missed[SINK_FILE]);
	counts->missed_socket = counter_read(&tap->missed[SINK_SOCKET]);
	counts->connects = sinks[SINK_SOCKET].connects;
	counts->errors = sinks[SINK_FILE].errors + sinks[SINK_SOCKET].errors;
	counts->file_errno = sinks[SINK_FILE].last_error;
	counts->socket_errno = sinks[SINK_SOCKET].last_error;
	for (i = 0; i < tap->workers; i++) {
		const struct slot *slot = &tap->slots[i];
		struct ring *ring = atomic_load_explicit(&slot->ring, memory_order_acquire);

		counts->dropped_sink += counter_read(&slot->dropped_sink);
		counts->dropped_ring += counter_read(&slot->lost) + (ring ? ring_dropped(ring) : 0);
		counts->emitted += counter_read(&slot->emitted);
	}
}

void tap_free(struct tap *tap)
{
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++)
		sink_destroy(&tap->sinks[i]);
	for (i = 0; tap->slots && i < tap->workers; i++) {
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		ring_destroy(&ring);
	}
	if (tap->stop_fd >= 0)
		close(tap->stop_fd);
	pthread_cond_destroy(&tap->ended_cond);
	pthread_mutex_destroy(&tap->lock);
	free(tap->slots);
	free(tap->identity);
	free(tap->version);
	free(tap);
}

/* Takes `rdwr`. NULL: no memory. */
static struct sink *make_sink(struct rdwr *rdwr, size_t ring_octets)
{
	size_t octets = ring_octets < QUEUE_OCTETS_MIN ? QUEUE_OCTETS_MIN : ring_octets;
	struct sink *sink;

	if (!rdwr)
		return NULL;
	sink = sink_create(rdwr, TAP_CONTENT_TYPE, octets > QUEUE_OCTETS_MAX ? QUEUE_OCTETS_MAX : octets);
	if (!sink)
		rdwr_destroy(&rdwr);
	return sink;
}

static int make_sinks(struct tap *tap, const struct tap_options *options)
{
	if (options->file) {
		tap->sinks[SINK_FILE] = make_sink(rdwr_create_file(options->file), options->ring_octets);
		if (!tap->sinks[SINK_FILE])
			return -1;
	}
	if (options->socket_path) {
		tap->sinks[SINK_SOCKET] = make_sink(rdwr_create_unix(options->socket_path, tap_thread_wait, tap),
			options->ring_octets);
		if (!tap->sinks[SINK_SOCKET])
			return -1;
	}
	return 0;
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strndup(from, FRAME_ORIGIN_MAX) : NULL;
	return from && !*to ? -1 : 0;
}

static int fill(struct tap *tap, const struct tap_options *options)
{
	size_t octets = options->workers * sizeof(struct slot);

	tap->workers = options->workers;
	tap->ring_octets = options->ring_octets;
	tap->slots = aligned_alloc(_Alignof(struct slot), octets);
	if (!tap->slots)
		return -1;
	memset(tap->slots, 0, octets);
	tap->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (tap->stop_fd < 0)
		return -1;
	if (copy_text(&tap->identity, options->identity) != 0 || copy_text(&tap->version, options->version) != 0)
		return -1;
	return make_sinks(tap, options);
}

static struct tap *tap_alloc(void)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	pthread_condattr_t attributes;

	if (!tap)
		return NULL;
	tap->stop_fd = -1;
	pthread_mutex_init(&tap->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&tap->ended_cond, &attributes);
	pthread_condattr_destroy(&attributes);
	return tap;
}

/* The thread inherits a mask with every signal blocked: they belong to the host's own threads. */
static int start(struct tap *tap)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&tap->thread, NULL, tap_thread_run, tap);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		errno = error;
		return -1;
	}
	(void)pthread_setname_np(tap->thread, "verdict-tap");
	return 0;
}

struct tap *tap_create(const struct tap_options *options)
{
	struct tap *tap;
	int error;

	if (options->workers == 0 || options->workers > TAP_WORKERS_MAX || options->ring_octets < RING_OCTETS_MIN
			|| (options->ring_octets & (options->ring_octets - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	tap = tap_alloc();
	if (!tap)
		return NULL;
	tap->wanted = options->socket_path || options->file;
	if (fill(tap, options) != 0 || (tap->wanted && start(tap) != 0)) {
		error = errno;
		tap_free(tap);
		errno = error;
		return NULL;
	}
	return tap;
}

/* Waits for the thread's end. False: it did not end in time, and now owns the tap. */
static bool wait_for_end(struct tap *tap, unsigned timeout_ms, struct tap_counts *last)
{
	struct timespec until;
	bool ended;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&tap->lock);
	while (!tap->ended && pthread_cond_timedwait(&tap->ended_cond, &tap->lock, &until) == 0)
		;
	ended = tap->ended;
	tap->abandoned = !ended;
	if (!ended)
		pthread_detach(tap->thread);
	tap_counts(tap, last);
	pthread_mutex_unlock(&tap->lock);
	return ended;
}

void tap_destroy(struct tap **tap, unsigned timeout_ms, struct tap_counts *last)
{
	struct tap_counts unwanted;
	struct tap *self = *tap;
	uint64_t one = 1;
	ssize_t woken;

	if (last)
		memset(last, 0, sizeof(*last));
	if (!self)
		return;
	*tap = NULL;
	if (self->wanted) {
		/* Pairs with the acquire in stop_at. A fifth of the time is kept for the goodbye. */
		atomic_store_explicit(&self->stop_at_ms, tap_now_ms() + timeout_ms / 5 * 4 + 1, memory_order_release);
		/* Only to be quick: without it the thread would see at its next turn, 50 ms later. */
		woken = write(self->stop_fd, &one, sizeof(one));
		(void)woken;
		if (!wait_for_end(self, timeout_ms, last ? last : &unwanted))
			return;
		pthread_join(self->thread, NULL);
	}
	tap_free(self);
}
