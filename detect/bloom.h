/*
 * bloom.h: has this been seen before? Two generations of a blocked Bloom filter.
 *
 * Eight bits in one cache line for each key (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom
 * Filters", 2007), and both generations in the same line: of each of its words the lower half is one's and the upper half
 * the other's, and one look asks both. What was added lives for one to two periods. A false "seen" is possible, a false
 * "new" only when two threads add the same key at the same moment, and both are told.
 *
 *   calls                            | need outside synchronisation with
 *   bloom_add, bloom_has, bloom_image | nobody
 *   bloom_turn, bloom_shift,         | themselves and each other
 *   bloom_restore                    |
 */
#ifndef DETECT_BLOOM_H
#define DETECT_BLOOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bloom;

/* Two generations of `octets` (rounded down to a power of two, at least 64) that change every `period_s` seconds.
 * Owned; NULL: out of memory. */
struct bloom *bloom_create(size_t octets, uint32_t period_s);
void bloom_destroy(struct bloom **bloom);

/* Adds a keyed hash. Returns whether it is new. */
bool bloom_add(struct bloom *bloom, uint64_t hash);
bool bloom_has(const struct bloom *bloom, uint64_t hash);

/* It will be added soon: begins to bring it from memory. */
void bloom_fetch(const struct bloom *bloom, uint64_t hash);

/* Begins a new generation where the period is over. `now_s`: Unix seconds; after a clock was put back a period begins anew. */
void bloom_turn(struct bloom *bloom, int64_t now_s);

/* The clock was put on by so many seconds, or back: nobody has lived through them, and the period lasts as long as it
 * would have. */
void bloom_shift(struct bloom *bloom, int64_t by_s);

/* The share of bits that are set in the fuller generation, in thousandths. */
unsigned bloom_filling(const struct bloom *bloom);
size_t bloom_octets(const struct bloom *bloom);

/* Everything, as one run of octets; for detect/saved.c. */
struct bloom_image {
	void *words;                 /* 64 bits each, all of them atomic */
	size_t octets;               /* of both generations */
	int64_t turned_s;
	unsigned current;
};

struct bloom_image bloom_image(struct bloom *bloom);
void bloom_restore(struct bloom *bloom, int64_t turned_s, unsigned current);

#endif
