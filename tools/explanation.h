/*
 * explanation.h: the verdict on one question, with every rule that matches and where it stands.
 *
 * The snapshot keeps no names and no lines, so the line of a rule is found by reading its list once more.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_EXPLANATION_H
#define TOOLS_EXPLANATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <ldns/ldns.h>

#include "policy/conf.h"
#include "policy/explain.h"
#include "policy/facts.h"
#include "policy/snapshot.h"
#include "tools/term.h"

#define EXPLANATION_ROWS_MAX 1024

/* A rule that matches, with the file and line that say it. */
struct explained_rule {
	struct explain_candidate candidate;
	const char *file;   /* borrowed from the configuration; NULL: an override */
	unsigned line;      /* 0: the file has changed since it was loaded */
};

struct explanation {
	const struct conf *conf;          /* borrowed */
	const struct facts *facts;        /* borrowed */
	enum ede_mode ede;                /* what the client's group is told */
	struct verdict verdict;           /* its data is borrowed from the snapshot */
	struct explained_rule *rules;     /* owned; in order of precedence */
	size_t rule_count;
	size_t more;                      /* matching rules over EXPLANATION_ROWS_MAX, not kept */
	ldns_rr_list *records;            /* owned; what the client gets in the answer section */
};

/* Borrows conf, snapshot and facts until explanation_fini. 0, or -1 with *diag set and nothing to free. */
int explanation_init(struct explanation *explanation, const struct conf *conf, const struct snapshot *snapshot,
	const struct facts *facts, struct diag *diag);
void explanation_fini(struct explanation *explanation);

/* For people and for programs. */
void explanation_print(const struct explanation *explanation, const struct term *term, FILE *to);
void explanation_print_json(const struct explanation *explanation, FILE *to);

/* The rcode that the client gets; NULL: whatever resolution gives, or no answer at all. */
const char *explanation_rcode(const struct explanation *explanation);

/* The EDE text without the incident number, which only an answer has; empty: none is sent. */
size_t explanation_ede(const struct explanation *explanation, char *to, size_t cap);
const char *explanation_ede_name(int code);

#endif
