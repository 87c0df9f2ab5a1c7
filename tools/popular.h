/*
 * popular.h: what a policy would do to the names that people ask for most.
 *
 * Lists hold mistakes, and a mistake about a popular name is what an operator hears of first. The file has a name on
 * each line, alone or as `rank,name` (also with a tab), and may be compressed.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_POPULAR_H
#define TOOLS_POPULAR_H

#include <stddef.h>

#include "policy/diag.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

#define POPULAR_HITS_MAX 1000    /* kept; the rest is counted */

/* A popular name that a rule decides about. */
struct popular_hit {
	size_t line;
	struct name name;
	struct rule_match rule;
	bool denied;
	bool shadow;                 /* by a rule in shadow, that is: if it were enforced */
};

struct popular {
	size_t names;
	size_t unreadable;           /* lines without a name */
	size_t denied;               /* the blast radius: of `names` */
	size_t shadow_denied;        /* and of those that are not: denied if what is in shadow were enforced */
	size_t hit_count;            /* names that any rule decides about; may be over POPULAR_HITS_MAX */
	struct popular_hit *hits;    /* owned; in the order of the file */
};

/* Calls for each name of a file, compressed or not, in its order; what `take` is given is borrowed. 0, or -1 with *diag
 * set: it cannot be read, or has none. */
typedef void (*popular_take)(void *arg, const struct name *name, size_t line);
int popular_read(const char *path, popular_take take, void *arg, size_t *unreadable, struct diag *diag);

/* 0, or -1 with *diag set and *popular empty. Needs popular_fini. */
int popular_judge(struct popular *popular, const char *path, const struct snapshot *snapshot, struct diag *diag);
void popular_fini(struct popular *popular);

#endif
