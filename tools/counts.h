/*
 * counts.h: how often each of many things was seen, up to a bound, and which were seen most.
 *
 * Exact for the first COUNTS_DISTINCT_MAX different things; what comes new after that is counted together as `others`.
 * The same things in the same order give the same result.
 *
 * Threads: one belongs to one thread.
 */
#ifndef TOOLS_COUNTS_H
#define TOOLS_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#define COUNTS_DISTINCT_MAX ((size_t)1 << 18)

struct counts;

struct counted {
	const uint8_t *key;       /* borrowed */
	size_t octets;
	uint64_t count;
};

/* Owned; NULL: no memory. */
struct counts *counts_create(void);
void counts_destroy(struct counts **counts);

/* `key` of 1 to 255 octets. */
void counts_add(struct counts *counts, const void *key, size_t octets, uint64_t count);

/* The most counted, by count and then by key; returns how many (at most `cap`). */
size_t counts_top(struct counts *counts, struct counted *to, size_t cap);

size_t counts_distinct(const struct counts *counts);
uint64_t counts_others(const struct counts *counts);

#endif
