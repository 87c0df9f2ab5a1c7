/*
 * diff_side.h: what the two arguments of `verdictctl diff` are: configurations, or plain list files.
 *
 * A plain list stands for a configuration with that list alone, or, beside a configuration, for that configuration
 * with the file of one of its lists replaced: the one named, else the one whose file has the same name, else the only
 * one.
 * What a file is shows in its first word: clauses begin configurations.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_DIFF_SIDE_H
#define TOOLS_DIFF_SIDE_H

#include "policy/conf.h"
#include "policy/diag.h"

struct diff_sides {
	struct conf *before, *after;   /* owned */
};

/* `list` may be NULL. 0; -1 with *diag set, *sides untouched. */
int diff_sides_load(struct diff_sides *sides, const char *before, const char *after, const char *list,
	struct diag *diag);
void diff_sides_fini(struct diff_sides *sides);

#endif
