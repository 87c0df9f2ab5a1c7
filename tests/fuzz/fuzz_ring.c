/*
 * fuzz_ring.c: a ring file as a crash or somebody else may have left it.
 *
 * The first FRONT octets of the input are those of the file, the rest its records, from a place in them that the input
 * says. Laws: reading ends; every record lies inside the ring; numbers are ones that JSON keeps exact; what was said to be
 * no ring is none the next time.
 */
#include "dnstap/ring.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dnstap/event_read.h"

#define FRONT 192u
#define FRONT_OCTETS 4096
#define OCTETS ((size_t)64 * 1024)
#define NAME "ring-fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/verdict-fuzz-ring-XXXXXX";
static int directory = -1;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void clean_up(void)
{
	(void)unlinkat(directory, NAME, 0);
	(void)rmdir(path);
}

static void make_file(const uint8_t *data, size_t size)
{
	size_t front = size < FRONT ? size : FRONT, at;
	int fd = openat(directory, NAME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0 && ftruncate(fd, FRONT_OCTETS + (off_t)OCTETS) == 0);
	check(pwrite(fd, data, front, 0) == (ssize_t)front);
	data += front;
	size -= front;
	if (size > 2) {
		at = ((size_t)data[0] << 8 | data[1]) & (OCTETS - 1);
		size = size - 2 < OCTETS - at ? size - 2 : OCTETS - at;
		check(pwrite(fd, data + 2, size, FRONT_OCTETS + (off_t)at) == (ssize_t)size);
	}
	close(fd);
}

static void read_all(struct ring *ring)
{
	struct event_view view;
	struct ring_tally tally;
	const uint8_t *record;
	size_t octets, total = 0;
	uint8_t sum = 0;

	while ((record = ring_next(ring, &octets)) != NULL) {
		check(octets >= 1 && octets <= OCTETS);
		total += octets;
		check(total <= OCTETS);
		sum ^= (uint8_t)(record[0] ^ record[octets - 1]);
		if (event_read(&view, record, octets))
			sum ^= (uint8_t)view.number.counter;
	}
	ring_read_tally(ring, &tally);
	check((tally.noted | tally.dropped | tally.left_out | tally.given_up | sum) >> 53 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring_origin origin;
	bool damaged = false;
	struct ring *ring;

	if (directory < 0) {
		check(mkdtemp(path) != NULL);
		directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		atexit(clean_up);
	}
	make_file(data, size);
	ring = ring_recover(directory, NAME, &origin, &damaged);
	if (!ring)
		return 0;
	check(origin.boot >> 48 == 0);
	read_all(ring);
	check(ring_used(ring) <= OCTETS);
	ring_destroy(&ring);
	return 0;
}
