/*
 * coverage.h: how much of what resolvers numbered is in the day files, and what is not.
 *
 * Answers of one worker of one process are numbered (doc/frames.md), and resolvers say in heartbeats how far they are. So
 * what should be there is known: the numbers from `low` to `high`. It is of whole days, those that the query's window
 * touches. `low` is the number after the last one that earlier days know of, 1 where the process began in these days,
 * else the first that came, or that a resolver's first word leads to (that one where answers were left out, of which
 * nobody said how many were before): what was lost before it nobody can know. `high` is the highest that came or that a
 * resolver spoke of.
 *
 * Tables in the workspace of a query:
 *
 *   worker    id, identity, boot, worker, first_at, last_at (ms since 1970, of what came), low, high, received,
 *             duplicates, left_out (answers that `frames:` wanted no frame of), missing, dropped (as its resolver says),
 *             due (of use to coverage.c alone).
 *             high - low + 1 = received + left_out + missing, as long as the resolver's counts are right.
 *   gap       worker, first, last, after_at, before_at: numbers of which no frame came, of workers without left_out; and
 *             when the answers before and after them were given (ms since 1970; NULL: not known). Of each worker the
 *             COVERAGE_GAPS first; with times, the COVERAGE_TIMED largest of all.
 *   beat      identity, boot, number, at (ms since 1970), synchronized (1, 0, or NULL: not said), max_error_us, offset_us.
 *   unnumbered  identity, count: answers without a number.
 *
 * Threads: as the query.
 */
#ifndef STORE_COVERAGE_H
#define STORE_COVERAGE_H

#include "policy/diag.h"
#include "store/query.h"

#define COVERAGE_GAPS 10000
#define COVERAGE_TIMED 50

/* 0; -1 with *diag. */
int coverage_fill(struct query *query, struct diag *diag);

#endif
