/*
 * rule_diff.h: what one list says that another does not.
 *
 * Compared is what an owner and the names below it would get, not how a file says it: `x` and `*.x` of a zone are the
 * one rule of a domain list that covers both, what is said twice counts once, and the order of records is none.
 * Where a list says several things of one owner the first counts, as in the compiled policy.
 *
 * Threads: belongs to one thread.
 */
#ifndef TOOLS_RULE_DIFF_H
#define TOOLS_RULE_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/rule_table.h"

enum change_kind { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_CHANGED, CHANGE_COUNT };

extern const char *const change_names[CHANGE_COUNT];   /* "added", ... */

#define RULE_NONE SIZE_MAX

/* One owner with its fate; COVERS_BOTH when both the name and what is below it share it. */
struct rule_change {
	enum change_kind kind;
	unsigned covers;
	size_t before, after;      /* indices into the tables: the rule that counts; RULE_NONE: none */
};

struct rule_changes {
	struct rule_change *changes;   /* owned: by kind, then in the order of the new file (removed: the old one) */
	size_t count, room;
	size_t counts[CHANGE_COUNT];
};

/* Compares two tables of the same key. False: out of memory, *changes is empty; else it needs rule_changes_fini. */
bool rule_diff(const struct rule_table *before, const struct rule_table *after, struct rule_changes *changes);
void rule_changes_fini(struct rule_changes *changes);

/* What the rule at `index` asks for, with the records of local data, at most `cap` octets with the NUL; cut at the end
 * ("..."). Printable ASCII. Returns `to`. */
#define RULE_ASKS_MAX 512
char *rule_asks_text(const struct rule_table *table, size_t index, char *to, size_t cap);

#endif
