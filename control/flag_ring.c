/* flag_ring.c: places with numbers. */
#include "control/flag_ring.h"

#include <stdatomic.h>
#include <stdlib.h>

struct place {
	_Atomic uint64_t turn;           /* n: free for the nth push; n + 1: holds what it put there */
	struct flag_call call;           /* whose turn it is */
};

struct flag_ring {
	_Alignas(64) _Atomic uint64_t head;   /* pushes begun */
	_Alignas(64) uint64_t tail;           /* pops; the consumer's own */
	_Atomic uint64_t lost;
	struct place places[FLAG_RING_PLACES];
};

struct flag_ring *flag_ring_create(void)
{
	struct flag_ring *ring = aligned_alloc(64, sizeof(*ring));

	if (ring == NULL)
		return NULL;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->lost, 0);
	ring->tail = 0;
	for (uint64_t i = 0; i < FLAG_RING_PLACES; i++)
		atomic_init(&ring->places[i].turn, i);
	return ring;
}

void flag_ring_destroy(struct flag_ring **ring)
{
	free(*ring);
	*ring = NULL;
}

bool flag_ring_push(struct flag_ring *ring, const struct flag_call *call)
{
	uint64_t at = atomic_load_explicit(&ring->head, memory_order_relaxed);

	for (;;) {
		struct place *place = &ring->places[at % FLAG_RING_PLACES];
		/* pairs with the store in flag_ring_pop: what was there has been copied */
		const int64_t ahead = (int64_t)(atomic_load_explicit(&place->turn, memory_order_acquire) - at);

		if (ahead < 0) {
			atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
			return false;
		}
		if (ahead > 0) {
			at = atomic_load_explicit(&ring->head, memory_order_relaxed);
			continue;
		}
		if (!atomic_compare_exchange_weak_explicit(&ring->head, &at, at + 1, memory_order_relaxed,
			memory_order_relaxed))
			continue;
		place->call = *call;
		atomic_store_explicit(&place->turn, at + 1, memory_order_release);   /* read by flag_ring_pop */
		return true;
	}
}

bool flag_ring_pop(struct flag_ring *ring, struct flag_call *call)
{
	struct place *place = &ring->places[ring->tail % FLAG_RING_PLACES];

	if (atomic_load_explicit(&place->turn, memory_order_acquire) != ring->tail + 1)
		return false;
	*call = place->call;
	/* read by the push that comes here next */
	atomic_store_explicit(&place->turn, ring->tail + FLAG_RING_PLACES, memory_order_release);
	ring->tail++;
	return true;
}

uint64_t flag_ring_lost(const struct flag_ring *ring)
{
	return atomic_load_explicit(&ring->lost, memory_order_relaxed);
}
