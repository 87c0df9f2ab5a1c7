/*
 * judging.h: one answer being judged, for policy/evaluate*.c alone.
 *
 * Threads: one judging belongs to one thread.
 */
#ifndef POLICY_JUDGING_H
#define POLICY_JUDGING_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/position.h"
#include "policy/snapshot_parts.h"
#include "policy/verdict.h"

/* Each client group is decided by the first list that serves it and has something to say. */
struct judging {
	const struct snapshot *snapshot;
	const struct facts *facts;
	struct verdict *verdict;     /* NULL: only denied_to_some is asked for */
	enum stage stage;
	uint64_t client;             /* the bit of the client's group; 0 without a verdict */
	bool open;                   /* this client is not decided */
	uint64_t undecided;          /* groups, of clients that no rule for clients matches */
	unsigned decisions;          /* rules that decided for some group or client */
	bool denied_to_some;
	bool listed;                 /* a rule of a list matches, or may: it was not looked for */
	uint64_t spared;             /* groups that no detector denies this answer: a list knows its name */
	bool varies;                 /* one rule does different things to different clients */
};

/* Without a verdict only denied_to_some is found out. */
static inline void judging_init(struct judging *judging, const struct snapshot *snapshot,
				const struct facts *facts, enum stage stage, struct verdict *verdict)
{
	*judging = (struct judging){
		.snapshot = snapshot,
		.facts = facts,
		.verdict = verdict,
		.stage = stage,
		.open = verdict != NULL && (facts->recursion_desired || !snapshot->options.recursive_only),
		.undecided = snapshot->all_groups,
	};
}

/* A position_visit. */
bool judge_position(void *judging, const struct position *position);

/* What overrides say at one position: those of operators come before all else, those of detectors behind it. Tells
 * whether there are any of detectors: most positions have none. Needs snapshot->overrides. */
bool judge_overrides(struct judging *judging, const struct position *position, bool detectors);

/* The same for servers that the inventory does not know, which comes next. Needs snapshot->inventory. */
void judge_inventory(struct judging *judging, const struct position *position);

/* Are there no rules but those for names, wherever they stand? */
static inline bool judges_names_alone(const struct snapshot *snapshot)
{
	return (snapshot->triggers & ~(1u << TRIGGER_QNAME)) == 0 && snapshot->overrides == NULL &&
	       snapshot->inventory == NULL;
}

static inline bool judging_goes_on(const struct judging *judging)
{
	return judging->undecided != 0 || judging->open;
}

#endif
