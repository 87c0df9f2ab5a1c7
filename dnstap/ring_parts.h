/*
 * ring_parts.h: what a ring is made of, shared by ring.c, which the two sides call, and ring_file.c, which makes rings in
 * files and reads back what a process left in one.
 *
 * Positions only grow; a position modulo the size is an offset. Each record is a header of eight octets and its octets,
 * padded to eight. A record never wraps: where the end of the ring is too near, the rest of it is skipped, and a header
 * with RING_SKIP as its length says so.
 */
#ifndef DNSTAP_RING_PARTS_H
#define DNSTAP_RING_PARTS_H

#include <stdatomic.h>

#include "dnstap/ring.h"

#define RING_ALIGNMENT 8u
#define RING_SKIP UINT32_MAX
#define RING_MAGIC 0x5652696e67303100u   /* "VRing01" */
#define RING_FRONT_OCTETS 4096u          /* of a file, before the records */

struct ring_header {
	uint32_t octets;   /* of the record, or RING_SKIP: go on at the start of the ring */
	uint32_t unused;
};

/* What both sides write, and what a file begins with. */
struct ring_front {
	uint64_t magic;
	uint64_t octets;
	uint64_t boot;
	uint64_t worker;
	_Alignas(64) _Atomic uint64_t tail;   /* written to here; released by ring_commit, acquired by the consumer */
	_Atomic uint64_t dropped;             /* one writer, any reader */
	_Atomic uint64_t noted;               /* likewise; released by ring_note, acquired by ring_read_tally */
	_Atomic uint64_t left_out;            /* likewise */
	_Alignas(64) _Atomic uint64_t head;   /* read to here; released by ring_release, acquired by the producer */
	_Atomic uint64_t given_up;            /* by the consumer; any reader */
};

_Static_assert(sizeof(struct ring_front) <= RING_FRONT_OCTETS, "struct ring_front is before the records");

struct ring {
	/* Never changes. */
	struct ring_front *front;             /* the records are RING_FRONT_OCTETS behind */
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

static inline size_t ring_padded(size_t octets)
{
	return sizeof(struct ring_header) + ((octets + RING_ALIGNMENT - 1) & ~(size_t)(RING_ALIGNMENT - 1));
}

static inline bool ring_is_size(uint64_t octets)
{
	return octets >= RING_OCTETS_MIN && octets <= RING_OCTETS_MAX && (octets & (octets - 1)) == 0;
}

/* Takes `front`, a run of RING_FRONT_OCTETS and `octets`, on success only; and `fd`, of the file that it is mapped from
 * (-1: it is from malloc). NULL: no memory. */
struct ring *ring_wrap(void *front, size_t octets, int fd);

#endif
