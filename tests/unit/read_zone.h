/*
 * read_zone.h: an RPZ read from memory, its rules as text, and the comparison of the reader's two paths.
 */
#ifndef TESTS_UNIT_READ_ZONE_H
#define TESTS_UNIT_READ_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/list_reader.h"

struct zone_outcome {
	char *rules;      /* owned: one line each */
	size_t octets;
	FILE *to;         /* while it is read */
	struct list_stats stats;
	struct diag diag;
	int result;       /* of list_read */
};

/* `zone` is the zone's name or NULL. */
void read_zone(struct zone_outcome *outcome, const char *text, size_t length, const char *zone, bool no_fast_path);

/* Reads with and without the fast path. NULL when both give the same, with *rules set to how many; else a text, good
 * until the next call, that says where they differ. */
const char *zone_differs(const char *text, size_t length, const char *zone, size_t *rules);

#endif
