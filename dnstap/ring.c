/*
 * ring.c: a bounded ring of records between one worker and the I/O thread.
 *
 * Positions only grow; a position modulo the size is an offset. Each record is a header of eight octets and its octets,
 * padded to eight. A record never wraps: where the end of the ring is too near, the rest of it is skipped, and a header
 * with SKIP as its length says so.
 */
#include "dnstap/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 8u
#define SKIP UINT32_MAX
#define OCTETS_MIN ((size_t)64 * 1024)
#define OCTETS_MAX ((size_t)1 << 31)

struct header {
	uint32_t octets;   /* of the record, or SKIP: go on at the start of the ring */
	uint32_t unused;
};

struct ring {
	/* The producer's line. */
	_Alignas(64) _Atomic uint64_t tail;   /* written to here; released by ring_commit, acquired by the consumer */
	_Atomic uint64_t dropped;             /* one writer, any reader */
	uint64_t head_seen;                   /* producer's copy of head: the other line is read only when this is used up */
	uint64_t reserved_at;                 /* position of the open reservation's header */
	size_t reserved;                      /* its octets; 0: none is open */

	/* The consumer's line. */
	_Alignas(64) _Atomic uint64_t head;   /* read to here; released by ring_release, acquired by the producer */
	uint64_t tail_seen;                   /* consumer's copy of tail */
	uint64_t peeked;                      /* where the next ring_release moves head; 0: nothing peeked */

	/* Never changes. */
	_Alignas(64) size_t octets;
	uint8_t *data;
};

static size_t padded(size_t octets)
{
	return sizeof(struct header) + ((octets + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
}

static void put_header(struct ring *ring, uint64_t at, uint32_t octets)
{
	struct header header = { octets, 0 };

	memcpy(ring->data + (at & (ring->octets - 1)), &header, sizeof(header));
}

struct ring *ring_create(size_t octets)
{
	struct ring *ring;

	if (octets < OCTETS_MIN || octets > OCTETS_MAX || (octets & (octets - 1)) != 0)
		return NULL;
	ring = aligned_alloc(64, sizeof(*ring));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->octets = octets;
	/* Not cleared: the pages come one by one as the ring is first walked through, not all in one answer. */
	ring->data = aligned_alloc(64, octets);
	if (!ring->data) {
		free(ring);
		return NULL;
	}
	return ring;
}

void ring_destroy(struct ring **ring)
{
	if (!*ring)
		return;
	free((*ring)->data);
	free(*ring);
	*ring = NULL;
}

static uint8_t *refuse(struct ring *ring)
{
	uint64_t dropped = atomic_load_explicit(&ring->dropped, memory_order_relaxed);

	/* There is one writer, so this needs no locked instruction. */
	atomic_store_explicit(&ring->dropped, dropped + 1, memory_order_relaxed);
	ring->reserved = 0;
	return NULL;
}

uint8_t *ring_reserve(struct ring *ring, size_t octets, bool important)
{
	size_t limit = important ? ring->octets : ring->octets / 4 * 3;
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t to_end = ring->octets - (size_t)(tail & (ring->octets - 1));
	size_t need;

	if (octets == 0 || octets > limit - sizeof(struct header) - ALIGNMENT)
		return refuse(ring);
	need = padded(octets);
	if (need > to_end)
		need += to_end;
	if (need > limit)
		return refuse(ring);
	if (limit - need < tail - ring->head_seen) {
		/* Pairs with the release in ring_release: what the consumer has read is ours to overwrite. */
		ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
		if (limit - need < tail - ring->head_seen)
			return refuse(ring);
	}
	ring->reserved_at = padded(octets) > to_end ? tail + to_end : tail;
	ring->reserved = octets;
	return ring->data + (ring->reserved_at & (ring->octets - 1)) + sizeof(struct header);
}

void ring_commit(struct ring *ring, size_t octets)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	if (octets == 0 || octets > ring->reserved)
		return;
	if (ring->reserved_at != tail)
		put_header(ring, tail, SKIP);
	put_header(ring, ring->reserved_at, (uint32_t)octets);
	ring->reserved = 0;
	/* Pairs with the acquire in ring_peek: who sees the new tail sees the record. */
	atomic_store_explicit(&ring->tail, ring->reserved_at + padded(octets), memory_order_release);
}

const uint8_t *ring_peek(struct ring *ring, size_t *octets)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	struct header header;

	if (head == ring->tail_seen) {
		/* Pairs with the release in ring_commit. */
		ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
		if (head == ring->tail_seen)
			return NULL;
	}
	memcpy(&header, ring->data + (head & (ring->octets - 1)), sizeof(header));
	if (header.octets == SKIP) {
		/* A skip and the record behind it are published together, so the record is there. */
		head += ring->octets - (head & (ring->octets - 1));
		memcpy(&header, ring->data + (head & (ring->octets - 1)), sizeof(header));
	}
	*octets = header.octets;
	ring->peeked = head + padded(header.octets);
	return ring->data + (head & (ring->octets - 1)) + sizeof(header);
}

void ring_release(struct ring *ring)
{
	if (ring->peeked == 0)
		return;
	/* Pairs with the acquire in ring_reserve. */
	atomic_store_explicit(&ring->head, ring->peeked, memory_order_release);
	ring->peeked = 0;
}

uint64_t ring_dropped(const struct ring *ring)
{
	return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}

size_t ring_used(const struct ring *ring)
{
	/* Head first: it never passes tail, so the difference is never negative. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	return tail - head > ring->octets ? ring->octets : (size_t)(tail - head);
}
