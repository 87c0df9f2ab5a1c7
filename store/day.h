/*
 * day.h: one day file that is being written: dictionaries at once, events in batches.
 *
 * An event finds or makes the rows that it refers to and waits in memory with their ids; a batch of DAY_BATCH_EVENTS,
 * or a commit, writes events in the order of time and everything that is counted in the order of its key, so that
 * neighbours in a tree are touched together. Measured, that is what an index costs: sorted, a third of unsorted.
 *
 * Memory is bounded: the batch, the dictionaries (store/dict.h), SQLite's page cache (DAY_CACHE_KIB).
 *
 * Errors: -1 with *diag; then the file is closed (day_close) and opened again, whatever was not committed is gone.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_DAY_H
#define STORE_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "store/dict.h"
#include "store/event.h"

#define DAY_BATCH_EVENTS 65536u
#define DAY_CACHE_KIB 65536
#define DAY_SECONDS 86400

struct day;
struct psl_ctx_st;

/* What all files of a store share; borrowed for as long as a day is open. */
struct day_shared {
	struct dict_secret secret;
	const struct psl_ctx_st *suffixes;   /* NULL: none, and names have no domain */
};

/* Opens or makes it. Owned; NULL: *diag, and *damaged when what is there cannot be a day file or is broken. */
struct day *day_open(const char *path, int64_t day_s, enum store_class class, const struct day_shared *shared,
	bool look, bool *damaged, struct diag *diag);

/* Closes without a commit. */
void day_close(struct day **day);

int day_put(struct day *day, const struct store_event *event, bool *again, struct diag *diag);
/* Its name servers, for passive DNS, and nothing else of it. */
int day_servers(struct day *day, const struct store_event *event, struct diag *diag);
int day_note(struct day *day, const struct store_note *note, bool *again, struct diag *diag);
/* Did it come before? */
int day_has(struct day *day, const struct store_source *source, uint64_t counter, bool *has, struct diag *diag);
int day_has_note(struct day *day, const struct store_note *note, bool *has, struct diag *diag);
int day_commit(struct day *day, struct diag *diag);

bool day_is_dirty(const struct day *day);

/* Was the last error that the file is broken? */
bool day_is_damaged(const struct day *day);

#endif
