/*
 * frame_ranges.h: numbers that are missing, as ranges in rising order. The first RANGES_MAX are kept; all are
 * counted.
 *
 * Threads: belong to their caller.
 */
#ifndef TOOLS_FRAME_RANGES_H
#define TOOLS_FRAME_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX 64

struct range {
	uint64_t first, last;
};

struct ranges {
	unsigned count;
	uint64_t missing;              /* in all ranges, those not kept included */
	struct range rows[RANGES_MAX];
};

static inline uint64_t ranges_later(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

static inline uint64_t ranges_earlier(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

/* Adds a range behind all others. */
void ranges_add(struct ranges *ranges, uint64_t first, uint64_t last);

/* Adds all of `more` behind all others. */
void ranges_append(struct ranges *ranges, const struct ranges *more);

/* True: it was in one that is kept, and is taken out. */
bool ranges_take(struct ranges *ranges, uint64_t counter);

/* How many are in ranges that are not kept. */
uint64_t ranges_unkept(const struct ranges *ranges);

/* Leaves out what is before `first`. */
void ranges_begin(struct ranges *ranges, uint64_t first);

/* Takes out what is behind `last`; those not kept are there if the last one kept is. Returns how many. */
uint64_t ranges_cut(struct ranges *ranges, uint64_t last);

#endif
