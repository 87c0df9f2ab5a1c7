/*
 * explanation.h: the verdict on one question, with every rule that matches and where it stands.
 *
 * For `verdictctl explain`, from the configuration or inside the running resolver. The snapshot keeps no names and no
 * lines, so the line of a rule is found by reading its list once more. That takes long, so it is a step of its own
 * that needs the snapshot no more: explanation_judge while it is pinned, explanation_find_lines afterwards.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_EXPLANATION_H
#define CONTROL_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <ldns/ldns.h>

#include "policy/conf.h"
#include "policy/explain.h"
#include "policy/facts.h"
#include "policy/snapshot.h"

#define EXPLANATION_ROWS_MAX 1024

/* A rule that matches, with the file and line that say it. */
struct explained_rule {
	struct explain_candidate candidate;   /* without its data; its override is a copy */
	struct override *override;            /* owned; NULL: a rule of a list */
	const char *file;   /* borrowed from the configuration; NULL: an override */
	unsigned line;      /* 0: the file has changed since it was loaded */
};

struct explanation {
	const struct conf *conf;          /* borrowed */
	const struct facts *facts;        /* borrowed */
	enum ede_mode ede;                /* what the client's group is told */
	struct verdict verdict;           /* without its data */
	struct explained_rule *rules;     /* owned; in order of precedence */
	size_t rule_count;
	size_t more;                      /* matching rules over EXPLANATION_ROWS_MAX, not kept */
	ldns_rr_list *records;            /* owned; what the client gets in the answer section */
};

/* Borrows conf (its path, mode and lists) and facts until explanation_fini, the snapshot for the call. 0, or -1 with
 * *diag set and nothing to free. */
int explanation_judge(struct explanation *explanation, const struct conf *conf, const struct snapshot *snapshot,
	const struct facts *facts, struct diag *diag);

/* 0, or -1 with *diag set: a list cannot be read (again); then lines are missing. */
int explanation_find_lines(struct explanation *explanation, struct diag *diag);

void explanation_fini(struct explanation *explanation);

/* As doc/verdictctl.1 has it. Returns the owned object; NULL: no memory. */
json_t *explanation_json(const struct explanation *explanation);

#endif
