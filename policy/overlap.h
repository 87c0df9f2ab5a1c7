/*
 * overlap.h: how much of a list says what it says already, for `verdictctl check`.
 *
 * Reads the list twice, so it is nothing for the resolver.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_OVERLAP_H
#define POLICY_OVERLAP_H

#include <stddef.h>

#include "policy/diag.h"
#include "policy/list.h"

/* Counts the rules that another rule of the same list, for a name above or a larger network and with the same trigger
 * and action, makes needless. Rules with local data are not counted. 0, or -1 with *diag set. */
int overlap_count(const struct list_conf *conf, size_t *subsumed, struct diag *diag);

#endif
