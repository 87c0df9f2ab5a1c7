/*
 * conf_parse.h: where the parsing of a configuration stands, and its clauses. For policy/conf*.c alone.
 *
 * Functions that return int: 0, or -1 with the diag set.
 *
 * Threads: one parsing belongs to one thread.
 */
#ifndef POLICY_CONF_PARSE_H
#define POLICY_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/conf.h"
#include "policy/conf_lex.h"
#include "policy/conf_table.h"

/* A place in some file; the clause or value that stands there can be blamed later. */
struct conf_place {
	char *file;                     /* owned */
	unsigned line, column;
};

/* Who names a group that may come later. */
struct group_reference {
	struct conf_place place;
	const char *key;                /* constant */
	char name[LIST_NAME_MAX];
};

struct parsing {
	struct conf *conf;
	struct diag *diag;
	enum clause clause;             /* CLAUSE_COUNT: none yet */
	bool seen[OPTION_COUNT];        /* in this clause, or anywhere for clauses that are there once */
	bool open;                      /* a clause that can be repeated is, and `place` is its own */
	struct conf_place place;
	struct conf_place groups[CONF_GROUPS_MAX];   /* of each client-group: that is complete */
	struct conf_place targets[CONF_TARGETS_MAX]; /* likewise of each dnstap-target: */
	struct group_reference *references;          /* owned */
	size_t reference_count;
	unsigned files;
	enum detector detector;         /* whose clause it is; DETECTOR_COUNT: not said yet */
	bool detectors[DETECTOR_COUNT]; /* that have a clause */
	struct conf_place values[DETECTOR_COUNT][DETECTOR_OPTIONS_MAX];   /* of their options that were given */
};

/* False: out of memory. What it held before is freed. */
bool keep_place(struct conf_place *place, const struct conf_lex *lex, const struct conf_word *word);
void drop_place(struct conf_place *place);

/* Fails at a place that was kept. */
#define fail_there(parsing, place, ...) \
	diag_set((parsing)->diag, (place)->file, (place)->line, (place)->column, __VA_ARGS__)

/* Fails where `word` stands. */
#define fail_at(parsing, lex, word, ...) \
	diag_set((parsing)->diag, conf_lex_path(lex), (word)->line, (word)->column, __VA_ARGS__)

/* What the offsets of a clause's options begin at: for clauses that are there often, the last of them. */
void *clause_base(struct conf *conf, enum clause clause);

/* False: out of memory; nothing else can be wrong with a default. */
bool clause_set_defaults(struct conf *conf, enum clause clause);

/* Ends the clause before, and begins one. */
int clause_begin(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	enum clause clause);

/* Checks the clause that is open, if there is one, as a whole. */
int clause_finish(struct parsing *parsing);

/* Remembers that `value` should be a group. */
int clause_note_group(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *value,
	const char *key);

/* Takes a key and its value in the clause of a detector. */
int clause_detector_key(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *at,
	const char *key, const struct conf_word *value);

/* Are thresholds of a detector in their order? */
int clause_detectors_check(struct parsing *parsing);

/* What can be said when all is read: groups are there and make sense together, targets do not share a file. */
int clauses_check(struct parsing *parsing);

/* Frees what is kept for the parsing alone. */
void parsing_fini(struct parsing *parsing);

#endif
