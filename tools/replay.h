/*
 * replay.h: recorded traffic judged by a policy, and what came of it in numbers.
 *
 * Each record is judged as the module does it: the question first, and where that is not final, the answer.
 *
 * Threads: one replay belongs to one thread.
 */
#ifndef TOOLS_REPLAY_H
#define TOOLS_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/diag.h"
#include "policy/snapshot.h"
#include "tools/recorded.h"
#include "tools/replay_detect.h"

struct replay;

/* What the resolver would have done: the verdict on the question and, where that is not final and there was an answer,
 * on the answer. */
void replay_decide(const struct snapshot *snapshot, const struct facts *facts, bool answered, struct verdict *verdict);

/* Did, or would, the detectors of the resolver look at it? What it made itself says nothing of anybody's behaviour, and
 * what comes from its cache is past denying. */
bool replay_is_detected(const struct recorded *recorded, const struct verdict *verdict);

struct replay_options {
	const struct conf *conf;            /* borrowed, as are the next two */
	const struct snapshot *snapshot;
	FILE *each;                         /* a line for each record; NULL: none */
	struct replay_detect *detect;       /* borrowed; NULL: no detectors */
	bool json;                          /* each line is a JSON object */
};

/* Owned; NULL: no memory. */
struct replay *replay_create(const struct replay_options *options);
void replay_destroy(struct replay **replay);

/* Judges one record of the input `name` and counts it. */
void replay_judge(struct replay *replay, const struct recorded *recorded, const char *name);

/* The report, with `top` names, lists and clients. Owned. */
json_t *replay_report(struct replay *replay, size_t top);

/* The same for people. */
void replay_print(const json_t *report, FILE *to);

#endif
