/*
 * tally.h: how often each list decided, by action and trigger.
 *
 * Lists are known by name, so counts go on over reloads that move or drop lists. Each worker has a table of its own,
 * made at its first matching verdict, written by it alone and read by anybody; a row is claimed once and never freed.
 * When a worker's table is full, the rest counts as the list TALLY_REST.
 *
 *   who      | calls          | needs outside synchronisation with
 *   worker w | tally_note(w)  | nobody
 *   anybody  | tally_rows     | nobody
 */
#ifndef CONTROL_TALLY_H
#define CONTROL_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/action.h"
#include "policy/verdict.h"

#define TALLY_WORKERS_MAX 256
#define TALLY_ROWS_MAX 1024         /* of one worker, and of the sum */
#define TALLY_REST "(rest)"         /* no list of a configuration can have that name */

struct tally_row {
	char list[LIST_NAME_MAX];
	enum action action;
	enum trigger trigger;
	bool shadow;                /* would have decided */
	uint64_t count;
};

struct tally;

/* Owned; NULL: no memory. */
struct tally *tally_create(void);
void tally_destroy(struct tally **tally);

/* Counts the rule that decided and the one that would have. A plain allow costs two comparisons. Never blocks. */
void tally_note(struct tally *tally, unsigned worker, const struct verdict *verdict);

/* The sums over all workers, in the order of list, action, trigger. Returns how many rows of `cap` were filled. */
size_t tally_rows(const struct tally *tally, struct tally_row *rows, size_t cap);

#endif
