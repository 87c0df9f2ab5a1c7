/*
 * option_json.h: the values of options as somebody would write them, and where two configurations differ in them.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_OPTION_JSON_H
#define TOOLS_OPTION_JSON_H

#include <jansson.h>

#include "policy/conf.h"
#include "policy/conf_table.h"

/* The values of an option as texts, sorted; none where it is not set and has no default. `base` is what its offset
 * begins at. Owned by the caller; NULL: no memory. */
json_t *option_json(const struct option *option, const void *base);

/* Adds {"clause", "name", "key", "before": [], "after": []} to `changes` for each option of the clause that differs;
 * "name" is left out when it is NULL. Options of a list that only say how its file is read go to `reading` instead:
 * what they do shows in the rules. */
void option_json_compare(enum clause clause, const char *name, const void *before, const void *after, json_t *changes,
	json_t *reading);

#endif
