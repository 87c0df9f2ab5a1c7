/*
 * sides.h: one policy in the ways that a resolver can have it: built of its lists, and opened from a compiled file.
 *
 * Threads: no shared state.
 */
#ifndef TESTS_GOLDEN_SIDES_H
#define TESTS_GOLDEN_SIDES_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/override.h"
#include "policy/snapshot.h"

enum { SIDE_TEXT, SIDE_COMPILED, SIDE_COUNT };

/* Owned snapshots of the configuration with the overrides in front. False, and why as a comment on standard output:
 * there are none. */
bool sides_make(struct snapshot *sides[static SIDE_COUNT], const char *conf_path, const struct override *overrides,
	size_t count);
void sides_fini(struct snapshot *sides[static SIDE_COUNT]);

#endif
