/*
 * fake_list.h: a list_load that reads rules from an array instead of a file, so that the policy core is tested
 * without the parsers, and with rules that no parser would let pass.
 */
#ifndef TESTS_UNIT_FAKE_LIST_H
#define TESTS_UNIT_FAKE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/snapshot.h"

struct fake_rule {
	const char *name;        /* `x`: it and below; `=x`: it alone; `*.x`: below alone */
	enum action action;
	uint16_t type;           /* of local data */
	const char *rdata;       /* NULL: none */
	uint16_t rdata_length;
	uint32_t ttl;
};

struct fake_list {
	const char *name;
	const struct fake_rule *rules;
	size_t count;
	enum action action;      /* of the list */
	bool shadow;
	bool fails;
	int16_t ede;             /* 0: by action */
	const char *sinkhole;    /* four octets; NULL: none */
	enum https_mode https;   /* of the list */
	enum trait trait;        /* of the list */
	bool withdrawn;          /* its rules are withheld; it expires at second 1060 */
};

#define FAKE_LISTS_MAX 300

/* What fake_conf puts into the configuration; all zero unless a test says otherwise. */
extern struct policy_options fake_options;

/* Fills `conf` and `list_confs` (as many as lists) so that list_load finds `lists`; borrowed until the next call. */
void fake_conf(struct conf *conf, struct list_conf *list_confs, const struct fake_list *lists, size_t count);

/* Builds a snapshot in mode `mode`; NULL when that fails. */
struct snapshot *fake_snapshot(const struct fake_list *lists, size_t count, enum mode mode,
			       struct build_report *report, struct diag *diag);

/* Facts of a UDP question of that name for an A record. */
struct facts fake_question(const char *qname);

/* `text` as a name; fails the test when it is none. */
struct name fake_name(const char *text);

#endif
