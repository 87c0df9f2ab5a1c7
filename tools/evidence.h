/*
 * evidence.h: what was seen of many things: how often, first and last, and the most that was measured.
 *
 * Exact for the first `most` different things; what comes new after that is counted together as left out. Times are
 * Unix time in milliseconds, 0: not said. The same things in any order give the same result, as long as there is room.
 *
 * Threads: one belongs to one thread.
 */
#ifndef TOOLS_EVIDENCE_H
#define TOOLS_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#define EVIDENCE_KEY_MAX 1024u
#define EVIDENCE_TIME_MAX 32u

struct evidence;

struct evidence_item {
	const uint8_t *key;          /* borrowed, until the next evidence_add */
	size_t octets;
	uint64_t count;
	int64_t first_ms, last_ms;
	uint32_t most;
};

/* Owned; NULL: no memory. `most` is a number of different things. */
struct evidence *evidence_create(size_t most);
void evidence_destroy(struct evidence **evidence);

/* `key` of 1 to EVIDENCE_KEY_MAX octets. */
void evidence_add(struct evidence *evidence, const void *key, size_t octets, uint64_t count, int64_t time_ms,
	uint32_t value);

/* Sorted by key, a shorter one before those that begin with it. Borrowed; *count is how many. NULL: no memory, or there
 * are none. Nothing may be added afterwards. */
const struct evidence_item *evidence_sorted(struct evidence *evidence, size_t *count);

/* The first of the sorted items whose key begins with `prefix`; *count is how many do. */
const struct evidence_item *evidence_range(struct evidence *evidence, const void *prefix, size_t octets, size_t *count);

uint64_t evidence_left_out(const struct evidence *evidence);

/* "2026-11-01T08:00:00Z"; of a time that is not said, "no time". Returns `to`. */
char *evidence_time(int64_t time_ms, char to[EVIDENCE_TIME_MAX]);

#endif
