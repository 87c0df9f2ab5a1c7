/*
 * ring.c: a bounded ring of records between one worker and the I/O thread.
 */
#include "dnstap/ring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dnstap/ring_parts.h"

static void put_header(struct ring *ring, uint64_t at, uint32_t octets)
{
	struct ring_header header = { octets, 0 };

	memcpy(ring->data + (at & (ring->octets - 1)), &header, sizeof(header));
}

struct ring *ring_wrap(void *front, size_t octets, int fd)
{
	struct ring *ring = aligned_alloc(64, sizeof(*ring));

	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->front = front;
	ring->data = (uint8_t *)front + RING_FRONT_OCTETS;
	ring->octets = octets;
	ring->fd = fd;
	return ring;
}

struct ring *ring_create(size_t octets)
{
	struct ring *ring;
	void *front;

	if (!ring_is_size(octets))
		return NULL;
	front = aligned_alloc(64, RING_FRONT_OCTETS + octets);
	if (!front)
		return NULL;
	/* Not all cleared: the pages come one by one as the ring is first walked through, not all in one answer. */
	memset(front, 0, sizeof(struct ring_front));
	ring = ring_wrap(front, octets, -1);
	if (!ring)
		free(front);
	return ring;
}

void ring_destroy(struct ring **ring)
{
	if (!*ring)
		return;
	if ((*ring)->fd < 0) {
		free((*ring)->front);
	} else {
		munmap((*ring)->front, RING_FRONT_OCTETS + (*ring)->octets);
		close((*ring)->fd);
	}
	free(*ring);
	*ring = NULL;
}

/* There is one writer, so this needs no locked instruction. */
static void count(_Atomic uint64_t *counter, uint64_t more)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + more, memory_order_relaxed);
}

static uint8_t *refuse(struct ring *ring)
{
	count(&ring->front->dropped, 1);
	ring->reserved = 0;
	return NULL;
}

uint8_t *ring_reserve(struct ring *ring, size_t octets, bool important)
{
	size_t limit = important ? ring->octets : ring->octets / 4 * 3;
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_relaxed);
	size_t to_end = ring->octets - (size_t)(tail & (ring->octets - 1));
	size_t need;

	if (octets == 0 || octets > limit - sizeof(struct ring_header) - RING_ALIGNMENT)
		return refuse(ring);
	need = ring_padded(octets);
	if (need > to_end)
		need += to_end;
	if (need > limit)
		return refuse(ring);
	if (limit - need < tail - ring->head_seen) {
		/* Pairs with the release in ring_release: what the consumer has read is ours to overwrite. */
		ring->head_seen = atomic_load_explicit(&ring->front->head, memory_order_acquire);
		if (limit - need < tail - ring->head_seen)
			return refuse(ring);
	}
	ring->reserved_at = ring_padded(octets) > to_end ? tail + to_end : tail;
	ring->reserved = octets;
	return ring->data + (ring->reserved_at & (ring->octets - 1)) + sizeof(struct ring_header);
}

void ring_commit(struct ring *ring, size_t octets)
{
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_relaxed);

	if (octets == 0 || octets > ring->reserved)
		return;
	if (ring->reserved_at != tail)
		put_header(ring, tail, RING_SKIP);
	put_header(ring, ring->reserved_at, (uint32_t)octets);
	ring->reserved = 0;
	/* Pairs with the acquire in ring_next: who sees the new tail sees the record. */
	atomic_store_explicit(&ring->front->tail, ring->reserved_at + ring_padded(octets), memory_order_release);
}

uint64_t ring_left_out(const struct ring *ring, uint64_t number)
{
	uint64_t noted = atomic_load_explicit(&ring->front->noted, memory_order_relaxed);
	uint64_t left_out = atomic_load_explicit(&ring->front->left_out, memory_order_relaxed);

	return number > noted ? left_out + (number - noted - 1) : left_out;
}

static void note(struct ring *ring, uint64_t number, uint64_t left_out)
{
	atomic_store_explicit(&ring->front->left_out, left_out, memory_order_relaxed);
	/* Pairs with the acquire in ring_read_tally: who sees the number sees its record, or that it was dropped. */
	atomic_store_explicit(&ring->front->noted, number, memory_order_release);
}

void ring_note(struct ring *ring, uint64_t number)
{
	note(ring, number, ring_left_out(ring, number));
}

void ring_leave(struct ring *ring, uint64_t number)
{
	note(ring, number, ring_left_out(ring, number) + 1);
}

void ring_give_up(struct ring *ring, uint64_t records)
{
	count(&ring->front->given_up, records);
}

void ring_go_on(struct ring *ring, const struct ring_tally *tally)
{
	struct ring_front *front = ring->front;

	atomic_store_explicit(&front->left_out, tally->left_out, memory_order_relaxed);
	atomic_store_explicit(&front->dropped, tally->dropped, memory_order_relaxed);
	atomic_store_explicit(&front->given_up, tally->given_up, memory_order_relaxed);
	atomic_store_explicit(&front->noted, tally->noted, memory_order_release);
}

/* The record at `at`, or NULL when what stands there reaches beyond the tail or the ring's end; a producer of ours never
 * writes such a one, a file may hold anything. */
static const uint8_t *record_at(const struct ring *ring, uint64_t at, size_t *octets)
{
	size_t offset = (size_t)(at & (ring->octets - 1));
	struct ring_header header;

	memcpy(&header, ring->data + offset, sizeof(header));
	if (header.octets == 0 || header.octets > ring->octets - offset - sizeof(header)
			|| ring_padded(header.octets) > ring->tail_seen - at)
		return NULL;
	*octets = header.octets;
	return ring->data + offset + sizeof(header);
}

static bool is_skip(const struct ring *ring, uint64_t at)
{
	struct ring_header header;

	memcpy(&header, ring->data + (at & (ring->octets - 1)), sizeof(header));
	return header.octets == RING_SKIP;
}

const uint8_t *ring_next(struct ring *ring, size_t *octets)
{
	uint64_t at = ring->read;
	const uint8_t *record;

	if (at == ring->tail_seen) {
		/* Pairs with the release in ring_commit. */
		ring->tail_seen = atomic_load_explicit(&ring->front->tail, memory_order_acquire);
		if (at == ring->tail_seen)
			return NULL;
	}
	if (is_skip(ring, at)) {
		/* A skip and the record behind it are published together, so the record is there. */
		at += ring->octets - (at & (ring->octets - 1));
		if (at >= ring->tail_seen)
			return NULL;
	}
	record = record_at(ring, at, octets);
	if (record)
		ring->read = at + ring_padded(*octets);
	return record;
}

void ring_release(struct ring *ring)
{
	/* Pairs with the acquire in ring_reserve. */
	atomic_store_explicit(&ring->front->head, ring->read, memory_order_release);
}

void ring_rewind(struct ring *ring)
{
	ring->read = atomic_load_explicit(&ring->front->head, memory_order_relaxed);
}

uint64_t ring_dropped(const struct ring *ring)
{
	return atomic_load_explicit(&ring->front->dropped, memory_order_relaxed);
}

void ring_read_tally(const struct ring *ring, struct ring_tally *tally)
{
	const struct ring_front *front = ring->front;

	/* Pairs with the release in ring_note. */
	tally->noted = atomic_load_explicit(&front->noted, memory_order_acquire);
	tally->left_out = atomic_load_explicit(&front->left_out, memory_order_relaxed);
	tally->dropped = atomic_load_explicit(&front->dropped, memory_order_relaxed);
	tally->given_up = atomic_load_explicit(&front->given_up, memory_order_relaxed);
}

size_t ring_used(const struct ring *ring)
{
	/* Head first: it never passes tail, so the difference is never negative. */
	uint64_t head = atomic_load_explicit(&ring->front->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_acquire);

	return tail - head > ring->octets ? ring->octets : (size_t)(tail - head);
}
