/*
 * tap.c: the workers' rings, and the I/O thread that empties them into the sinks.
 */
#include "dnstap/tap.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dnstap/event_read.h"
#include "dnstap/frame.h"
#include "dnstap/rdwr.h"
#include "dnstap/ring.h"
#include "dnstap/sink.h"

#define RING_OCTETS_MIN ((size_t)64 * 1024)
#define QUEUE_OCTETS_MIN ((size_t)512 * 1024)
#define QUEUE_OCTETS_MAX ((size_t)64 * 1024 * 1024)
#define TURN_RECORDS 64        /* of each ring, before the next ring has its turn */
#define POLL_BUSY_MS 5
#define POLL_IDLE_MS 50
#define FINAL_STALL_MS 250     /* at the end: a collector that takes nothing for so long is left */

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

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One writer, so no locked instruction. */
static void add(_Atomic uint64_t *counter, uint64_t count)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + count, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* --- the workers' side --- */

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
	add(&slot->emitted, 1);
	ring = worker_ring(tap, slot);
	if (!ring) {
		add(&slot->lost, 1);
		return false;
	}
	numbered = *event;
	numbered.dropped += ring_dropped(ring) + load(&slot->lost) + load(&slot->dropped_sink);
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
	counts->missed_file = load(&tap->missed[SINK_FILE]);
	counts->missed_socket = load(&tap->missed[SINK_SOCKET]);
	counts->connects = sinks[SINK_SOCKET].connects;
	counts->errors = sinks[SINK_FILE].errors + sinks[SINK_SOCKET].errors;
	counts->file_errno = sinks[SINK_FILE].last_error;
	counts->socket_errno = sinks[SINK_SOCKET].last_error;
	for (i = 0; i < tap->workers; i++) {
		const struct slot *slot = &tap->slots[i];
		struct ring *ring = atomic_load_explicit(&slot->ring, memory_order_acquire);

		counts->dropped_sink += load(&slot->dropped_sink);
		counts->dropped_ring += load(&slot->lost) + (ring ? ring_dropped(ring) : 0);
		counts->emitted += load(&slot->emitted);
	}
}

/* --- the I/O thread's side --- */

/* Gives the frame to the sinks. False: it stays where it is for now. */
static bool place(struct tap *tap, size_t octets, bool hurry)
{
	bool room[SINK_COUNT] = { false }, some = false, wait = false;
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++) {
		struct sink *sink = tap->sinks[i];

		if (!sink)
			continue;
		if (!sink_has_room(sink, octets))
			sink_flush(sink, now_ms());
		room[i] = sink_has_room(sink, octets);
		some |= room[i];
		wait |= !room[i] && sink_is_up(sink) && !hurry;
	}
	if (!some || wait)
		return false;
	for (i = 0; i < SINK_COUNT; i++) {
		if (room[i])
			sink_offer(tap->sinks[i], tap->frame, octets);
		else if (tap->sinks[i])
			add(&tap->missed[i], 1);
	}
	return true;
}

static void drop_oldest(struct tap *tap, struct slot *slot, struct ring *ring)
{
	size_t octets;

	if (ring_used(ring) <= tap->ring_octets / 8 * 5)
		return;
	while (ring_used(ring) > tap->ring_octets / 2 && ring_peek(ring, &octets)) {
		ring_release(ring);
		add(&slot->dropped_sink, 1);
	}
}

/* Empties one ring, at most TURN_RECORDS of it. Returns how many records left it. */
static unsigned drain(struct tap *tap, struct slot *slot, struct ring *ring)
{
	struct frame_origin origin = { tap->identity, tap->version };
	struct event_view view;
	unsigned moved;

	for (moved = 0; moved < TURN_RECORDS; moved++) {
		size_t octets, frame = 0;
		const uint8_t *record = ring_peek(ring, &octets);

		if (!record)
			break;
		if (event_read(&view, record, octets))
			frame = frame_encode(&view, &origin, tap->frame, sizeof(tap->frame));
		if (frame == 0) {
			add(&slot->dropped_sink, 1);
		} else if (!place(tap, frame, ring_used(ring) > tap->ring_octets / 2)) {
			drop_oldest(tap, slot, ring);
			break;
		}
		ring_release(ring);
	}
	return moved;
}

/* One turn of all rings. Returns how many records left them; *more: some ring has not been emptied. */
static unsigned drain_all(struct tap *tap, bool *more)
{
	unsigned i, moved, all = 0;

	*more = false;
	for (i = 0; i < tap->workers; i++) {
		/* Pairs with the release in worker_ring. */
		struct ring *ring = atomic_load_explicit(&tap->slots[i].ring, memory_order_acquire);

		if (!ring)
			continue;
		moved = drain(tap, &tap->slots[i], ring);
		*more |= moved == TURN_RECORDS;
		all += moved;
	}
	return all;
}

/* Empties the rings as far as the sinks take it, and hands over what is queued. */
static unsigned turn(struct tap *tap)
{
	unsigned i, moved = 0;
	bool more = true;

	/* Several rounds go into one batch; not without end, since the sinks want service too. */
	for (i = 0; i < 16 && more; i++)
		moved += drain_all(tap, &more);
	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i])
			sink_flush(tap->sinks[i], now_ms());
	return moved;
}

static int64_t stop_at(const struct tap *tap)
{
	/* Pairs with the release in tap_destroy. */
	return atomic_load_explicit(&tap->stop_at_ms, memory_order_acquire);
}

/* While the socket shakes hands, the file is served. */
static bool while_shaking_hands(void *arg)
{
	struct tap *tap = arg;

	turn(tap);
	if (tap->final_ms)
		return now_ms() < tap->final_ms + FINAL_STALL_MS;
	return stop_at(tap) == 0;
}

static void service(struct tap *tap)
{
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i])
			sink_service(tap->sinks[i], now_ms());
}

static void pause_until_needed(struct tap *tap, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = tap->stop_fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	struct sink *sink = tap->sinks[SINK_SOCKET];

	if (tap->final_ms)
		fds[0].fd = -1;
	if (sink)
		fds[1].fd = sink_fd(sink);
	if (sink && sink_is_blocked(sink))
		fds[1].events |= POLLOUT;
	(void)poll(fds, 2, timeout_ms);
}

static bool has_work(const struct tap *tap)
{
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i] && sink_is_up(tap->sinks[i]) && sink_is_busy(tap->sinks[i]))
			return true;
	return false;
}

static uint64_t written(const struct tap *tap)
{
	struct sink_counts counts;
	uint64_t all = 0;
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++) {
		if (!tap->sinks[i])
			continue;
		sink_read_counts(tap->sinks[i], &counts);
		all += counts.written;
	}
	return all;
}

/* Sends what is left, as long as that makes progress and there is time. */
static void send_the_rest(struct tap *tap)
{
	int64_t now = now_ms(), progress = now;
	uint64_t before = written(tap);

	while (now < stop_at(tap) && now < progress + FINAL_STALL_MS) {
		if (turn(tap) == 0 && !has_work(tap))
			return;
		now = now_ms();
		if (written(tap) != before) {
			before = written(tap);
			progress = now;
		} else {
			pause_until_needed(tap, POLL_BUSY_MS);
		}
	}
}

static void finish(struct tap *tap)
{
	unsigned i;

	tap->final_ms = now_ms();
	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i] && !sink_is_up(tap->sinks[i]))
			sink_hurry(tap->sinks[i]);
	service(tap);
	send_the_rest(tap);
	tap->final_ms = now_ms();
	for (i = 0; i < SINK_COUNT; i++) {
		int64_t left = stop_at(tap) - now_ms();

		if (tap->sinks[i])
			sink_goodbye(tap->sinks[i], left < 0 ? 0 : left < FINAL_STALL_MS ? (unsigned)left : FINAL_STALL_MS);
	}
}

static void tap_free(struct tap *tap)
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

static void *run(void *arg)
{
	struct tap *tap = arg;
	int wait_ms = POLL_BUSY_MS;
	bool abandoned;

	while (stop_at(tap) == 0) {
		service(tap);
		wait_ms = turn(tap) > 0 ? POLL_BUSY_MS : wait_ms * 2 < POLL_IDLE_MS ? wait_ms * 2 : POLL_IDLE_MS;
		pause_until_needed(tap, wait_ms);
	}
	finish(tap);
	pthread_mutex_lock(&tap->lock);
	tap->ended = true;
	abandoned = tap->abandoned;
	pthread_cond_signal(&tap->ended_cond);
	pthread_mutex_unlock(&tap->lock);
	if (abandoned)
		tap_free(tap);
	return NULL;
}

/* --- making and ending --- */

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
		tap->sinks[SINK_SOCKET] = make_sink(rdwr_create_unix(options->socket_path, while_shaking_hands, tap),
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
	error = pthread_create(&tap->thread, NULL, run, tap);
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
static bool wait_for_end(struct tap *tap, unsigned timeout_ms)
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
	pthread_mutex_unlock(&tap->lock);
	return ended;
}

void tap_destroy(struct tap **tap, unsigned timeout_ms)
{
	struct tap *self = *tap;
	uint64_t one = 1;

	if (!self)
		return;
	*tap = NULL;
	if (self->wanted) {
		/* Pairs with the acquire in stop_at. A fifth of the time is kept for the goodbye. */
		atomic_store_explicit(&self->stop_at_ms, now_ms() + timeout_ms / 5 * 4 + 1, memory_order_release);
		if (write(self->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
			/* It cannot fail; the thread would find out at its next turn, 50 ms later. */
		}
		if (!wait_for_end(self, timeout_ms))
			return;
		pthread_join(self->thread, NULL);
	}
	tap_free(self);
}
