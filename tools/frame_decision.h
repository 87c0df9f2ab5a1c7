/*
 * frame_decision.h: what a frame says was done with an answer, in the few kinds that formats, counters and filters
 * tell apart. From `extra` of ours, else from the policy field of another writer.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_DECISION_H
#define TOOLS_FRAME_DECISION_H

#include <stdbool.h>

#include "tools/frame_fields.h"

#define FRAME_VERDICT_MAX 32

enum frame_outcome {
	OUTCOME_NONE,        /* the frame says nothing of a policy */
	OUTCOME_ALLOWED,
	OUTCOME_OBSERVED,    /* let through, and a rule matched: observe, or a shadow verdict */
	OUTCOME_DENIED,      /* nxdomain, nodata, refuse */
	OUTCOME_DROPPED,
	OUTCOME_MODIFIED,    /* sinkhole, local-data */
	OUTCOME_TRUNCATED,
	OUTCOME_COUNT
};

/* Values are borrowed from the frame; `at` is NULL where there is none. */
struct frame_decision {
	enum frame_outcome outcome;
	bool hit;                             /* a rule decided or would have */
	bool shadow;                          /* list, rule, category and attack are those of the shadow verdict */
	char verdict[FRAME_VERDICT_MAX];      /* "" for none */
	struct json_value list, rule, trigger, category, attack, serial;
};

void frame_decide(const struct frame_fields *fields, struct frame_decision *decision);

#endif
