/*
 * ring.c: a bounded ring of records between one worker and the I/O thread.
 *
 * Positions only grow; a position modulo the size is an offset. Each record is a header of eight octets and its octets,
 * padded to eight. A record never wraps: where the end of the ring is too near, the rest of it is skipped, and a header
 * with SKIP as its length says so.
 */
#include "dnstap/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALIGNMENT 8u
#define SKIP UINT32_MAX
#define MAGIC 0x5652696e67303100u   /* "VRing01" */
#define FRONT_OCTETS 4096u          /* of a file, before the records */

struct header {
	uint32_t octets;   /* of the record, or SKIP: go on at the start of the ring */
	uint32_t unused;
};

/* What both sides write, and what a file begins with. */
struct front {
	uint64_t magic;
	uint64_t octets;
	uint64_t boot;
	uint64_t worker;
	_Alignas(64) _Atomic uint64_t tail;   /* written to here; released by ring_commit, acquired by the consumer */
	_Atomic uint64_t dropped;             /* one writer, any reader */
	_Atomic uint64_t noted;               /* likewise */
	_Alignas(64) _Atomic uint64_t head;   /* read to here; released by ring_release, acquired by the producer */
};

_Static_assert(sizeof(struct front) <= FRONT_OCTETS, "struct front is before the records");

struct ring {
	/* Never changes. */
	struct front *front;                  /* the records are FRONT_OCTETS behind */
	uint8_t *data;
	size_t octets;
	int fd;                               /* of the mapped file, which it keeps locked; -1: in memory */

	/* The producer's line. */
	_Alignas(64) uint64_t head_seen;      /* copy of head: the other line is read only when this is used up */
	uint64_t reserved_at;                 /* position of the open reservation's header */
	size_t reserved;                      /* its octets; 0: none is open */

	/* The consumer's line. */
	_Alignas(64) uint64_t tail_seen;      /* copy of tail */
	uint64_t read;                        /* given by ring_next to here */
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

static bool is_size(uint64_t octets)
{
	return octets >= RING_OCTETS_MIN && octets <= RING_OCTETS_MAX && (octets & (octets - 1)) == 0;
}

/* Takes `front`, a run of FRONT_OCTETS and `octets`, on success only. */
static struct ring *wrap(void *front, size_t octets, int fd)
{
	struct ring *ring = aligned_alloc(64, sizeof(*ring));

	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->front = front;
	ring->data = (uint8_t *)front + FRONT_OCTETS;
	ring->octets = octets;
	ring->fd = fd;
	return ring;
}

struct ring *ring_create(size_t octets)
{
	struct ring *ring;
	void *front;

	if (!is_size(octets))
		return NULL;
	front = aligned_alloc(64, FRONT_OCTETS + octets);
	if (!front)
		return NULL;
	/* Not all cleared: the pages come one by one as the ring is first walked through, not all in one answer. */
	memset(front, 0, sizeof(struct front));
	ring = wrap(front, octets, -1);
	if (!ring)
		free(front);
	return ring;
}

static struct ring *map(int fd, size_t octets, const struct ring_origin *origin)
{
	struct front *front;
	struct ring *ring;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return NULL;
	errno = posix_fallocate(fd, 0, (off_t)(FRONT_OCTETS + octets));
	if (errno != 0)
		return NULL;
	front = mmap(NULL, FRONT_OCTETS + octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (front == MAP_FAILED)
		return NULL;
	front->octets = octets;
	front->boot = origin->boot;
	front->worker = origin->worker;
	front->magic = MAGIC;
	ring = wrap(front, octets, fd);
	if (!ring)
		munmap(front, FRONT_OCTETS + octets);
	return ring;
}

struct ring *ring_create_mapped(int directory, const char *name, size_t octets, const struct ring_origin *origin)
{
	struct ring *ring;
	int fd, error;

	if (!is_size(octets)) {
		errno = EINVAL;
		return NULL;
	}
	fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	ring = map(fd, octets, origin);
	if (!ring) {
		error = errno;
		close(fd);
		unlinkat(directory, name, 0);
		errno = error;
	}
	return ring;
}

static int read_all(int fd, uint8_t *to, size_t octets)
{
	while (octets > 0) {
		ssize_t got = read(fd, to, octets);

		if (got <= 0) {
			if (got == 0)
				errno = EBADMSG;
			else if (errno == EINTR)
				continue;
			return -1;
		}
		to += got;
		octets -= (size_t)got;
	}
	return 0;
}

/* A file's size as that of a ring's records. False: it can not be a ring. */
static bool plausible(int fd, size_t *octets)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return false;
	*octets = 0;
	if (S_ISREG(status.st_mode) && status.st_uid == geteuid() && status.st_size > (off_t)FRONT_OCTETS)
		*octets = (size_t)status.st_size - FRONT_OCTETS;
	errno = EBADMSG;
	return is_size(*octets);
}

/* A copy in memory: nobody can change or cut it under our hands. */
static struct front *read_front(int fd, size_t octets)
{
	struct front *front = aligned_alloc(64, FRONT_OCTETS + octets);

	if (!front)
		return NULL;
	if (read_all(fd, (uint8_t *)front, FRONT_OCTETS + octets) != 0) {
		int error = errno;

		free(front);
		errno = error;
		return NULL;
	}
	return front;
}

/* True: the front is a ring's. Positions that can not be become an empty ring. */
static bool check_front(struct front *front, size_t octets, bool *damaged)
{
	uint64_t head = atomic_load_explicit(&front->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&front->tail, memory_order_relaxed);

	if (front->magic != MAGIC || front->octets != octets || front->worker > UINT16_MAX)
		return false;
	*damaged = tail < head || tail - head > octets || (tail | head) % ALIGNMENT != 0;
	if (*damaged)
		atomic_store_explicit(&front->head, tail & ~(uint64_t)(ALIGNMENT - 1), memory_order_relaxed);
	if (*damaged)
		atomic_store_explicit(&front->tail, tail & ~(uint64_t)(ALIGNMENT - 1), memory_order_relaxed);
	return true;
}

/* Cuts the ring before the first record that is none. True: there was one. */
static bool cut_damage(struct ring *ring)
{
	size_t octets;

	while (ring_next(ring, &octets))
		;
	bool cut = ring->read != ring->tail_seen;

	if (cut)
		atomic_store_explicit(&ring->front->tail, ring->read, memory_order_relaxed);
	ring->tail_seen = ring->read;
	ring_rewind(ring);
	return cut;
}

struct ring *ring_recover(int directory, const char *name, struct ring_origin *origin, bool *damaged)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct front *front = NULL;
	struct ring *ring = NULL;
	bool broken = false;
	size_t octets;

	if (fd < 0)
		return NULL;
	/* Locked: the process that writes it is alive. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && plausible(fd, &octets))
		front = read_front(fd, octets);
	int error = errno;
	close(fd);
	errno = error;
	if (front && !check_front(front, octets, &broken))
		errno = EBADMSG;
	else if (front)
		ring = wrap(front, octets, -1);
	if (!ring) {
		error = errno;
		free(front);
		errno = error;
		return NULL;
	}
	ring_rewind(ring);
	ring->tail_seen = ring->read;
	*damaged = cut_damage(ring) || broken;
	*origin = (struct ring_origin){ front->boot, (uint16_t)front->worker };
	return ring;
}

void ring_destroy(struct ring **ring)
{
	if (!*ring)
		return;
	if ((*ring)->fd < 0) {
		free((*ring)->front);
	} else {
		munmap((*ring)->front, FRONT_OCTETS + (*ring)->octets);
		close((*ring)->fd);
	}
	free(*ring);
	*ring = NULL;
}

static uint8_t *refuse(struct ring *ring)
{
	uint64_t dropped = atomic_load_explicit(&ring->front->dropped, memory_order_relaxed);

	/* There is one writer, so this needs no locked instruction. */
	atomic_store_explicit(&ring->front->dropped, dropped + 1, memory_order_relaxed);
	ring->reserved = 0;
	return NULL;
}

uint8_t *ring_reserve(struct ring *ring, size_t octets, bool important)
{
	size_t limit = important ? ring->octets : ring->octets / 4 * 3;
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_relaxed);
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
		ring->head_seen = atomic_load_explicit(&ring->front->head, memory_order_acquire);
		if (limit - need < tail - ring->head_seen)
			return refuse(ring);
	}
	ring->reserved_at = padded(octets) > to_end ? tail + to_end : tail;
	ring->reserved = octets;
	return ring->data + (ring->reserved_at & (ring->octets - 1)) + sizeof(struct header);
}

void ring_commit(struct ring *ring, size_t octets)
{
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_relaxed);

	if (octets == 0 || octets > ring->reserved)
		return;
	if (ring->reserved_at != tail)
		put_header(ring, tail, SKIP);
	put_header(ring, ring->reserved_at, (uint32_t)octets);
	ring->reserved = 0;
	/* Pairs with the acquire in ring_next: who sees the new tail sees the record. */
	atomic_store_explicit(&ring->front->tail, ring->reserved_at + padded(octets), memory_order_release);
}

void ring_note(struct ring *ring, uint64_t number)
{
	atomic_store_explicit(&ring->front->noted, number, memory_order_relaxed);
}

/* The record at `at`, or NULL when what stands there reaches beyond the tail or the ring's end; a producer of ours never
 * writes such a one, a file may hold anything. */
static const uint8_t *record_at(const struct ring *ring, uint64_t at, size_t *octets)
{
	size_t offset = (size_t)(at & (ring->octets - 1));
	struct header header;

	memcpy(&header, ring->data + offset, sizeof(header));
	if (header.octets == 0 || header.octets > ring->octets - offset - sizeof(header)
			|| padded(header.octets) > ring->tail_seen - at)
		return NULL;
	*octets = header.octets;
	return ring->data + offset + sizeof(header);
}

static bool is_skip(const struct ring *ring, uint64_t at)
{
	struct header header;

	memcpy(&header, ring->data + (at & (ring->octets - 1)), sizeof(header));
	return header.octets == SKIP;
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
		ring->read = at + padded(*octets);
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

uint64_t ring_noted(const struct ring *ring)
{
	return atomic_load_explicit(&ring->front->noted, memory_order_relaxed);
}

size_t ring_used(const struct ring *ring)
{
	/* Head first: it never passes tail, so the difference is never negative. */
	uint64_t head = atomic_load_explicit(&ring->front->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&ring->front->tail, memory_order_acquire);

	return tail - head > ring->octets ? ring->octets : (size_t)(tail - head);
}
