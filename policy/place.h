/*
 * place.h: what a rule is found by: the keyed hash of its name or prefix, in the space of its trigger. For the compiler
 * of policies (policy/snapshot.c).
 *
 * Threads: belongs to the thread that builds the snapshot.
 */
#ifndef POLICY_PLACE_H
#define POLICY_PLACE_H

#include <stdbool.h>

#include "policy/hash.h"
#include "policy/list.h"
#include "policy/set.h"
#include "policy/snapshot_parts.h"

struct place {
	struct hash hash;
	unsigned labels;   /* of a QNAME rule; else 0 */
	bool exact;
	bool below;
};

enum placed { PLACE_FOUND, PLACE_NONE, PLACE_NO_MEMORY };

/* Makes the keys of all triggers from snapshot->key. */
void place_derive_keys(struct snapshot *snapshot);

/* Fills *place, and notes in the snapshot what a search has to know (numbers of labels, prefix lengths), in the builder
 * what the rule's name is below. NONE: the rule would match nothing, or every name, or has no prefix that exists. */
enum placed place_rule(struct snapshot *snapshot, struct set_builder *entries, const struct rule *rule,
		       struct place *place);

#endif
