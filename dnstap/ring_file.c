/*
 * ring_file.c: rings in files, which survive the process.
 */
#include "dnstap/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnstap/ring_parts.h"

#define POSITION_MAX ((uint64_t)INT64_MAX)
#define COUNTER_MAX (((uint64_t)1 << 53) - 1)   /* readers of JSON keep integers exact up to here */
#define BOOT_MAX (((uint64_t)1 << 48) - 1)

static struct ring *map(int fd, size_t octets, const struct ring_origin *origin)
{
	struct ring_front *front;
	struct ring *ring;

	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return NULL;
	errno = posix_fallocate(fd, 0, (off_t)(RING_FRONT_OCTETS + octets));
	if (errno != 0)
		return NULL;
	front = mmap(NULL, RING_FRONT_OCTETS + octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (front == MAP_FAILED)
		return NULL;
	front->octets = octets;
	front->boot = origin->boot;
	front->worker = origin->worker;
	/* Last: see is_unmade. */
	atomic_signal_fence(memory_order_release);
	front->magic = RING_MAGIC;
	ring = ring_wrap(front, octets, fd);
	if (!ring)
		munmap(front, RING_FRONT_OCTETS + octets);
	return ring;
}

struct ring *ring_create_mapped(int directory, const char *name, size_t octets, const struct ring_origin *origin)
{
	struct ring *ring;
	int fd, error;

	if (!ring_is_size(octets)) {
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

/* Did the process end before it had made the ring? It writes `magic` last. */
static bool is_unmade(int fd, off_t size)
{
	struct ring_front front = { 0 };
	size_t part = size < (off_t)sizeof(front) ? (size_t)size : sizeof(front);

	return pread(fd, &front, part, 0) == (ssize_t)part && front.magic == 0
		&& atomic_load_explicit(&front.tail, memory_order_relaxed) == 0;
}

/* A file's size as that of a ring's records. False with errno: it can not be a ring. */
static bool plausible(int fd, size_t *octets)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return false;
	errno = EBADMSG;
	*octets = 0;
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid())
		return false;
	if (is_unmade(fd, status.st_size)) {
		errno = ENODATA;
		return false;
	}
	errno = EBADMSG;
	if (status.st_size > (off_t)RING_FRONT_OCTETS)
		*octets = (size_t)status.st_size - RING_FRONT_OCTETS;
	return ring_is_size(*octets);
}

/* A copy in memory: nobody can change or cut it under our hands. */
static struct ring_front *read_front(int fd, size_t octets)
{
	struct ring_front *front = aligned_alloc(64, RING_FRONT_OCTETS + octets);

	if (!front)
		return NULL;
	if (read_all(fd, (uint8_t *)front, RING_FRONT_OCTETS + octets) != 0) {
		int error = errno;

		free(front);
		errno = error;
		return NULL;
	}
	return front;
}

static bool check_positions(struct ring_front *front, size_t octets)
{
	uint64_t head = atomic_load_explicit(&front->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&front->tail, memory_order_relaxed);

	/* Beyond POSITION_MAX a position could come round to zero, and the ring would never end. */
	if (tail >= head && tail - head <= octets && (tail | head) % RING_ALIGNMENT == 0 && tail <= POSITION_MAX)
		return true;
	atomic_store_explicit(&front->head, 0, memory_order_relaxed);
	atomic_store_explicit(&front->tail, 0, memory_order_relaxed);
	return false;
}

static bool check_counter(_Atomic uint64_t *counter)
{
	if (atomic_load_explicit(counter, memory_order_relaxed) <= COUNTER_MAX)
		return true;
	atomic_store_explicit(counter, 0, memory_order_relaxed);
	return false;
}

/* True: the front is a ring's. What can not be is put right: positions become those of an empty ring. */
static bool check_front(struct ring_front *front, size_t octets, bool *damaged)
{
	bool positions, dropped, given_up, noted, left_out;

	if (front->magic != RING_MAGIC || front->octets != octets || front->worker > UINT16_MAX || front->boot > BOOT_MAX)
		return false;
	positions = check_positions(front, octets);
	dropped = check_counter(&front->dropped);
	given_up = check_counter(&front->given_up);
	noted = check_counter(&front->noted);
	left_out = check_counter(&front->left_out);
	*damaged = !positions || !dropped || !given_up || !noted || !left_out;
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
	struct ring_front *front = NULL;
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
		ring = ring_wrap(front, octets, -1);
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
