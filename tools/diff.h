/*
 * diff.h: what would change between two configurations, as one JSON object, and its way onto a terminal.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_DIFF_H
#define TOOLS_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "tools/term.h"

struct diff_task {
	const struct conf *before, *after;
	size_t limit;             /* examples of each kind and list */
	bool each;                /* print every change as it is found */
	bool json;
	int64_t now;              /* seconds since 1970, for zones that expire */
	FILE *to;
};

/* Compares lists, groups and options and sets members of `report`:
 *   rules    {"added", "removed", "changed"}
 *   lists    [{"name", "state": "both" | "added" | "removed", "rules_before", "rules_after", "added", "removed",
 *              "changed", "reading": [], "examples": []}], those of the new configuration first
 *   groups   [{"name", "state": "added" | "removed"}]
 *   options  as option_json_compare has them
 *   order    {"before": [], "after": []}: of the lists that both have; only when it differs
 * One pair of lists is in memory at a time. 0 with *changes set; -1 with *diag set: a list cannot be read. */
int diff_policies(const struct diff_task *task, json_t *report, bool *changes, struct diag *diag);

/* Judges the recorded questions of `path` ("-": standard input) by both, and sets member `questions`. *changes: would
 * a client get another answer? As above. */
int diff_questions(const struct diff_task *task, const char *path, json_t *report, bool *changes, struct diag *diag);

/* One change of --each, or an example. */
void diff_print_rule(const json_t *change, const char *list, const struct term *term, FILE *to);
void diff_print_question(const json_t *change, const struct term *term, FILE *to);

void diff_print(const json_t *report, const struct term *term, FILE *to);

#endif
