/*
 * match.h: which rules match a name; the one place where that is decided, for evaluate and for explain.
 *
 * Threads: reads the snapshot only.
 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "policy/name.h"
#include "policy/snapshot_parts.h"

struct match {
	const struct class *class;   /* borrowed from the snapshot */
	unsigned cut;                /* labels cut off the name to get the rule's; 0: an exact match */
};

typedef void (*match_visit)(void *arg, const struct match *match);

/* Visits every rule of every list that matches: the longest rule name first, and for one name in the order in which
 * each list says it. */
void match_name(const struct snapshot *snapshot, const struct name *name, match_visit visit, void *arg);

/* Fills what a frame and a person want to know of that match; `chain` as in struct rule_match. */
void match_describe(const struct snapshot *snapshot, const struct name *name, const struct match *match,
		    unsigned chain, struct rule_match *to);

#endif
