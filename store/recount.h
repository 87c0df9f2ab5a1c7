/*
 * recount.h: how often, when first and when last something is in a window, by the slices of a day file.
 *
 * What is counted is said before: a question is about a name or a client, seldom about all. Memory: 64 octets for
 * each.
 *
 * Errors are SQLite's codes.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_RECOUNT_H
#define STORE_RECOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/slice_scan.h"

enum recount_by { RECOUNT_PAIRS, RECOUNT_REPLIES };

/* Of a pair; or of a reply: its id as `name`, and 0. */
struct recount_row {
	uint32_t name, client, verdict;
	uint32_t count;                  /* 0: it is not in the window, and the times say nothing */
	int64_t first_ms, last_ms;
};

struct recount;

/* Owned; NULL: no memory. */
struct recount *recount_create(void);
void recount_destroy(struct recount **recount);

/* Each once. False: no memory. */
bool recount_want(struct recount *recount, uint32_t name, uint32_t client, uint32_t verdict);

/* Of the file attached as `day`; adds to what is there. */
int recount_scan(struct recount *recount, sqlite3 *db, const struct slice_window *window, enum recount_by by);

/* In the order in which they were wanted; valid until the next recount_want. */
const struct recount_row *recount_rows(const struct recount *recount, size_t *count);

#endif
