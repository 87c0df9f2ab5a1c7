/*
 * explain.h: why an answer gets the verdict that it gets: every rule that matches, and why it won or lost.
 *
 * It uses the matching code of evaluate (policy/position.h) and reads its verdict, so it cannot tell another story. It
 * is made for people who wait for an answer, not for the query path.
 *
 * Threads: reads its arguments only.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/facts.h"
#include "policy/local_data.h"
#include "policy/override.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

#define EXPLAIN_NO_LIST SIZE_MAX

/* One rule that matches, of a list or of an operator's override. */
struct explain_candidate {
	struct rule_match match;
	size_t list_index;               /* in file order, as in the configuration; EXPLAIN_NO_LIST: an override */
	const struct override *override; /* with who, why and until when; borrowed from the snapshot; NULL: a list's rule */
	bool shadow;                     /* its list, or everything, is in shadow mode */
	bool won;                        /* it is what the verdict names */
	const char *why_not;             /* constant; NULL: it won */
	const struct local_data *data;   /* for SINKHOLE and LOCAL_DATA; borrowed from the snapshot */
};

/* Borrowed for the call. False ends it. */
typedef bool (*explain_visit)(void *arg, const struct explain_candidate *candidate);

/* Visits the rules that match what is known before anything is resolved, in the order of precedence, and gives the
 * verdict on the question. */
void explain_question(const struct snapshot *snapshot, const struct facts *facts, explain_visit visit, void *arg,
		      struct verdict *verdict);

/* The same for question and records. */
void explain_answer(const struct snapshot *snapshot, const struct facts *facts, explain_visit visit, void *arg,
		    struct verdict *verdict);

#endif
