/*
 * table.h: a bounded table of records by keyed hash, shared by all workers, lossy where it must be.
 *
 * Sets of eight records under a bit that is taken with one try: where another worker is in the same set, the update is
 * lost and counted, and nobody waits. A full set gives up the record that is worth least. Nothing is ever inherited
 * from the one that was given up: a newcomer would look guilty of what others did. The hashes of a set are one line of the
 * cache, and records begin lines.
 *
 *   calls                      | need outside synchronisation with
 *   table_enter, table_leave   | nobody; between them the thread must enter no other set of the same table
 *   table_find, table_fetch... | nobody
 *   table_counts               | nobody
 *   table_walk, table_read     | nobody; they wait for sets that are in use
 *   table_copy                 | likewise
 */
#ifndef DETECT_TABLE_H
#define DETECT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table;

/* What a record is worth at `now_s` (Unix seconds): the least is given up first. One of the future is as far away as
 * one of the past: a clock may have been put back, and it must not stay until then. */
typedef float (*table_worth)(const void *record, int64_t now_s);

/* Room for at least `records` records of `octets` each. Owned; NULL: out of memory. */
struct table *table_create(size_t records, size_t octets, table_worth worth);
void table_destroy(struct table **table);

/* The record of that hash, a fresh one of zeros where there was none (`*fresh`). NULL: lost to contention. Ends with
 * table_leave for the same hash. */
void *table_enter(struct table *table, uint64_t hash, int64_t now_s, bool *fresh);
void table_leave(struct table *table, uint64_t hash);

/* The same for a record that is there already; NULL: none, or contention. */
void *table_find(struct table *table, uint64_t hash);

/* Copies the record of that hash, whose octets `to` holds. For threads that may wait. False: there is none. */
bool table_copy(struct table *table, uint64_t hash, void *to);

/* It will be looked at soon: begins to bring it from memory. */
void table_fetch(const struct table *table, uint64_t hash);

/* Once that has come: begins to bring so many octets of the record itself, if there is one. */
void table_fetch_record(const struct table *table, uint64_t hash, size_t octets);

/* Shows a copy of every record in use, its hash first, and holds nobody up however long `visit` takes. What comes or goes
 * meanwhile may be shown or not. False: out of memory. */
bool table_read(struct table *table, void (*visit)(void *arg, uint64_t hash, const void *record), void *arg);

/* Shows every record in use, its hash (but for the highest bit) first, while whoever needs a record beside it goes without: `visit` is short; `visit` returns false to have it forgotten. */
void table_walk(struct table *table, bool (*visit)(void *arg, uint64_t hash, void *record), void *arg);

struct table_counts {
	uint64_t used, evicted, lost;
	size_t capacity, octets;
};

struct table_counts table_counts(const struct table *table);

#endif
