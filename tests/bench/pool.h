/*
 * pool.h: names to measure with: made from a number, so that any of ten million can be made again, and packed one
 * behind the other, so that reading them costs little beside what is measured.
 *
 * Lists have as many labels as the real list of 1.1 million has (two thirds have two), queries as many as a day of
 * real queries had (17, 46, 20, 9 and 8 % have two to six). Equal numbers below POOL_LISTED give listed names, those
 * from POOL_LISTED on give names that no list here has.
 *
 * Threads: values only.
 */
#ifndef TESTS_BENCH_POOL_H
#define TESTS_BENCH_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"

#define POOL_LISTED (UINT64_C(1) << 40)

struct pool {
	uint8_t *packed;   /* owned; each as the front of a struct name */
	size_t used;
	size_t cap;        /* so many octets and a whole struct name behind them may be read */
	size_t count;
	size_t *starts;    /* owned; octet of every 64th name */
	size_t starts_cap;
};

/* The next of a sequence of numbers (splitmix64). */
uint64_t pool_draw(uint64_t *state);

/* The name of that number. */
void pool_make(struct name *name, uint64_t number);

/* False: no memory. */
bool pool_add(struct pool *names, const struct name *name);
void pool_fini(struct pool *names);

/* The name at octet *at, which is moved to the next; borrowed. Call it names->count times, from 0. */
const struct name *pool_next(const struct pool *names, size_t *at);

/* The name number `index`; borrowed. */
const struct name *pool_at(const struct pool *names, size_t index);

/* CPU seconds of this thread. */
double pool_cpu_s(void);

/* Sorts, and returns the middle. */
double pool_median(double *values, size_t count);

#endif
