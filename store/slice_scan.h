/*
 * slice_scan.h: the slices of a day file that lie in a window, one after the other.
 *
 * Errors are SQLite's codes; SQLITE_CORRUPT: a slice is not what its row says.
 *
 * Threads: those of the connection.
 */
#ifndef STORE_SLICE_SCAN_H
#define STORE_SLICE_SCAN_H

#include <sqlite3.h>

#include "store/slice.h"

struct slice_window {
	int64_t low, high;               /* event ids between which all events of the window lie */
	int64_t from_ms, to_ms;          /* of the day, both included */
};

/* What the window has of one. Borrowed for the visit. */
struct slice {
	const uint32_t *values[SLICE_COLUMNS];       /* by column */
	unsigned count;
	int64_t begin_ms;                            /* to which its times are added */
};

/* Of the file attached as `schema`: visits each slice that has something in the window, with its columns up to
 * `last`, SLICE_TIME at least. What a visit returns but SQLITE_OK ends it. */
int slice_scan(sqlite3 *db, const char *schema, const struct slice_window *window, enum slice_column last,
	int (*visit)(void *arg, const struct slice *slice), void *arg);

#endif
