/*
 * check.h: what `verdictctl check` found out, and its two ways to say it.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_CHECK_H
#define TOOLS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/snapshot.h"
#include "tools/popular.h"
#include "tools/term.h"

struct checked {
	struct conf *conf;               /* owned, as is all that follows */
	struct snapshot *snapshot;
	struct build_report report;
	size_t *subsumed;                /* for each list: rules below another one */
	const char *popular_path;        /* borrowed; NULL: not asked for */
	struct popular popular;
	double cpu_seconds;              /* of what the module does too */
	int64_t now;                     /* seconds since 1970 */
};

/* Entries of the list that were skipped, for any reason. */
size_t check_skipped(const struct list_stats *stats);

/* "nxdomain", or "by rule". */
const char *check_action(const struct list_conf *list, const struct list_stats *stats);

void check_print(const struct checked *checked, const struct term *term);
/* Who has which lists; nothing without groups. */
void check_print_groups(const struct checked *checked, const struct term *term);

/* Owned; an array. */
json_t *check_groups_json(const struct checked *checked);

void check_print_json(const struct checked *checked);

#endif
