/*
 * tap.c: what the workers call, and what everybody may ask.
 */
#include "dnstap/tap.h"

#include <string.h>

#include "dnstap/tap_state.h"
#include "policy/hot.h"

static struct ring *worker_ring(struct tap *tap, struct slot *slot)
{
	struct ring *ring = atomic_load_explicit(&slot->ring, memory_order_relaxed);

	if (ring)
		return ring;
	ring = ring_create(tap->ring_octets);
	if (!ring)
		return NULL;
	ring_go_on(ring, &slot->before);
	/* Pairs with the acquire in drain_all and tap_counts. */
	atomic_store_explicit(&slot->ring, ring, memory_order_release);
	return ring;
}

static bool is_important(const struct event *event)
{
	const struct verdict *verdict = event->verdict;

	return verdict->action != ACTION_ALLOW || verdict->rule.trigger != TRIGGER_NONE
		|| verdict->shadow.trigger != TRIGGER_NONE || event->detections != NULL;
}

/* Nearly every event fits in the first size. A reservation that is too small is abandoned for the next. */
static bool push(struct ring *ring, const struct event *event)
{
	static const size_t sizes[] = { 2048, 16 * 1024, EVENT_OCTETS_MAX };
	bool important = is_important(event);
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
	struct address client;
	struct slot *slot;
	struct ring *ring;
	bool pushed;

	if (!tap_wanted(tap) || worker >= tap->workers)
		return false;
	slot = &tap->slots[worker];
	counter_add(&slot->emitted, 1);
	ring = worker_ring(tap, slot);
	if (!ring) {
		counter_add(&slot->lost, 1);
		return false;
	}
	numbered = *event;
	if (event->privacy != PRIVACY_NONE) {
		client = event->facts->client;
		privacy_hide(tap->privacy, worker, event->privacy, &client);
		numbered.shown = &client;
	}
	/* The I/O thread adds what it drops before it comes to this event. */
	numbered.dropped += ring_dropped(ring) + counter_read(&slot->lost);
	numbered.left_out += ring_left_out(ring, event->number.counter);
	pushed = push(ring, &numbered);
	/* Afterwards: up to a number that is noted, every record is in the ring, or counted. */
	ring_note(ring, event->number.counter);
	return pushed;
}

HOT void tap_note(struct tap *tap, unsigned worker, uint64_t counter)
{
	struct ring *ring;

	if (!tap_wanted(tap) || worker >= tap->workers)
		return;
	ring = worker_ring(tap, &tap->slots[worker]);
	if (ring)
		ring_leave(ring, counter);
}

void tap_read_tally(const struct tap *tap, unsigned worker, struct ring_tally *tally)
{
	const struct slot *slot = &tap->slots[worker];
	/* Pairs with the release in worker_ring. */
	struct ring *ring = atomic_load_explicit(&slot->ring, memory_order_acquire);

	*tally = slot->before;
	if (ring)
		ring_read_tally(ring, tally);
	tally->dropped += counter_read(&slot->lost);
}

HOT bool tap_wanted(const struct tap *tap)
{
	return tap && tap->target_count > 0;
}

static void count_targets(const struct tap *tap, struct tap_counts *counts)
{
	unsigned i;

	counts->target_count = tap->target_count;
	for (i = 0; i < tap->target_count; i++) {
		memcpy(counts->targets[i].name, tap->target_names[i], sizeof(tap->target_names[i]));
		if (tap->ready)
			target_read_counts(tap->targets[i], &counts->targets[i].counts);
	}
}

void tap_counts(const struct tap *tap, struct tap_counts *counts)
{
	/* The lock is the one part of a const tap that changes here. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&tap->lock;
	unsigned i;

	memset(counts, 0, sizeof(*counts));
	pthread_mutex_lock(lock);
	counts->spool = tap->spool_counts;
	counts->heartbeats = tap->beats;
	counts->recovered = tap->recovered;
	counts->damaged = tap->damaged;
	counts->unsent = tap->unsent;
	/* What a disk does not take is in memory, though the rings are mapped. */
	counts->durable = tap->durable;
	memcpy(counts->note, tap->note, sizeof(counts->note));
	count_targets(tap, counts);
	pthread_mutex_unlock(lock);
	for (i = 0; i < tap->workers; i++) {
		struct ring_tally tally;

		tap_read_tally(tap, i, &tally);
		counts->dropped_spool += tally.given_up;
		counts->dropped_ring += tally.dropped;
		counts->emitted += counter_read(&tap->slots[i].emitted);
	}
}

bool tap_reopen(struct tap *tap)
{
	bool any = false;
	unsigned i;

	pthread_mutex_lock(&tap->lock);
	for (i = 0; tap->ready && i < tap->target_count; i++) {
		any |= tap->plans[i].file != NULL;
		target_reopen(tap->targets[i]);
	}
	pthread_mutex_unlock(&tap->lock);
	return any;
}
