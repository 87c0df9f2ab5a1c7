/*
 * tap_thread.c: the I/O thread, which empties the workers' rings into the sinks.
 */
#include "dnstap/tap_state.h"

#include <poll.h>
#include <time.h>

#include "dnstap/event_read.h"

#define TURN_RECORDS 64        /* of each ring, before the next ring has its turn */
#define TURN_ROUNDS 16         /* before the sinks are served */
#define POLL_BUSY_MS 5
#define POLL_IDLE_MS 50
#define FINAL_STALL_MS 250     /* at the end: a collector that takes nothing for so long is left */

int64_t tap_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

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
			sink_flush(sink, tap_now_ms());
		room[i] = sink_has_room(sink, octets);
		some |= room[i];
		wait |= !room[i] && !hurry && sink_is_moving(sink, tap_now_ms());
	}
	if (!some || wait)
		return false;
	for (i = 0; i < SINK_COUNT; i++) {
		if (room[i])
			sink_offer(tap->sinks[i], tap->frame, octets);
		else if (tap->sinks[i])
			counter_add(&tap->missed[i], 1);
	}
	return true;
}

static void drop_oldest(struct tap *tap, struct slot *slot, struct ring *ring)
{
	size_t octets;

	if (ring_used(ring) <= tap->ring_octets / 8 * 5)
		return;
	while (ring_used(ring) > tap->ring_octets / 2 && ring_next(ring, &octets)) {
		ring_release(ring);
		counter_add(&slot->dropped_sink, 1);
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
		const uint8_t *record = ring_next(ring, &octets);

		if (!record)
			break;
		if (event_read(&view, record, octets)) {
			/* Records leave in order, so these are the ones before this one. */
			view.dropped += counter_read(&slot->dropped_sink);
			frame = frame_encode(&view, &origin, tap->frame, sizeof(tap->frame));
		}
		if (frame == 0) {
			counter_add(&slot->dropped_sink, 1);
		} else if (!place(tap, frame, ring_used(ring) > tap->ring_octets / 2)) {
			ring_rewind(ring);
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
	for (i = 0; i < TURN_ROUNDS && more; i++)
		moved += drain_all(tap, &more);
	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i])
			sink_flush(tap->sinks[i], tap_now_ms());
	return moved;
}

static int64_t stop_at(const struct tap *tap)
{
	/* Pairs with the release in tap_destroy. */
	return atomic_load_explicit(&tap->stop_at_ms, memory_order_acquire);
}

/* While the socket shakes hands, the file is served. */
bool tap_thread_wait(void *arg)
{
	struct tap *tap = arg;

	turn(tap);
	if (tap->final_ms)
		return tap_now_ms() < tap->final_ms + FINAL_STALL_MS;
	return stop_at(tap) == 0;
}

static void service(struct tap *tap)
{
	unsigned i;

	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i])
			sink_service(tap->sinks[i], tap_now_ms());
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
	int64_t now = tap_now_ms(), progress = now;
	uint64_t before = written(tap);

	while (now < stop_at(tap) && now < progress + FINAL_STALL_MS) {
		if (turn(tap) == 0 && !has_work(tap))
			return;
		now = tap_now_ms();
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

	tap->final_ms = tap_now_ms();
	for (i = 0; i < SINK_COUNT; i++)
		if (tap->sinks[i] && !sink_is_up(tap->sinks[i]))
			sink_hurry(tap->sinks[i]);
	service(tap);
	send_the_rest(tap);
	tap->final_ms = tap_now_ms();
	for (i = 0; i < SINK_COUNT; i++) {
		int64_t left = stop_at(tap) - tap_now_ms();

		if (tap->sinks[i])
			sink_goodbye(tap->sinks[i], left < 0 ? 0 : left < FINAL_STALL_MS ? (unsigned)left : FINAL_STALL_MS);
	}
}

void *tap_thread_run(void *arg)
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
