/*
 * names.h: names to measure with: made from a number, so that any of ten million can be made again, and packed one
 * behind the other, so that reading them costs little beside what is measured.
 *
 * Lists have as many labels as the real list of 1.1 million has (two thirds have two), queries as many as a day of
 * real queries had (17, 46, 20, 9 and 8 % have two to six). Equal numbers below NAMES_LISTED give listed names, those
 * from NAMES_LISTED on give names that no list here has.
 *
 * Threads: values only.
 */
#ifndef TESTS_BENCH_NAMES_H
#define TESTS_BENCH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"

#define NAMES_LISTED (UINT64_C(1) << 40)

struct names {
	uint8_t *packed;   /* owned; each as the front of a struct name */
	size_t used;
	size_t cap;        /* so many octets and a whole struct name behind them may be read */
	size_t count;
	size_t *starts;    /* owned; octet of every 64th name */
	size_t starts_cap;
};

/* The next of a sequence of numbers (splitmix64). */
uint64_t names_draw(uint64_t *state);

/* The name of that number. */
void names_make(struct name *name, uint64_t number);

/* False: no memory. */
bool names_add(struct names *names, const struct name *name);
void names_fini(struct names *names);

/* The name at octet *at, which is moved to the next; borrowed. Call it names->count times, from 0. */
const struct name *names_next(const struct names *names, size_t *at);

/* The name number `index`; borrowed. */
const struct name *names_at(const struct names *names, size_t index);

/* CPU seconds of this thread. */
double names_cpu_s(void);

/* Sorts, and returns the middle. */
double names_median(double *values, size_t count);

#endif
