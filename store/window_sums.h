/*
 * window_sums.h: everything that a window has of a day file, added up by name, domain, client and verdict.
 *
 * What the tables *_sum have of the whole day, made from slices: a window that cuts a day has no row for it. Memory
 * is 24 octets for each id there is, so this is for one file at a time, or for the few days that a window cuts.
 *
 * Errors are SQLite's codes.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_WINDOW_SUMS_H
#define STORE_WINDOW_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "store/slice_scan.h"

#define WINDOW_IDS_MAX (UINT32_C(1) << 27)   /* a file with more of them is SQLITE_CORRUPT */

struct window_sum {
	int64_t first_ms, last_ms;       /* of the day */
	uint32_t count;                  /* 0: not in the window, and the times say nothing */
};

struct window_sums;

/* Of the file attached as `day`, and there of one client, or of all (WINDOW_ALL). Owned (window_sums_destroy), NULL
 * unless SQLITE_OK. */
#define WINDOW_ALL UINT32_MAX
int window_sums_make(sqlite3 *db, const struct slice_window *window, uint32_t client, struct window_sums **sums);
void window_sums_destroy(struct window_sums **sums);

/* By id, up to *count; `column` is none of SLICE_TIME and SLICE_REPLY. 0 is what has no name, domain or client. */
const struct window_sum *window_sums_of(const struct window_sums *sums, enum slice_column column, uint32_t *count);

/* The ids of the `most` greatest counts, 0 left out, in no order. Returns how many, and in *next the count of the one
 * behind them; 0: there is none. */
size_t window_sums_most(const struct window_sums *sums, enum slice_column column, size_t most, uint32_t *ids,
	uint32_t *next);

#endif
