/*
 * conf_table.h: the table of options: clause, key, type, limits, default, unit. For policy/conf*.c alone.
 *
 * Threads: constant data.
 */
#ifndef POLICY_CONF_TABLE_H
#define POLICY_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/conf.h"
#include "policy/conf_value.h"

enum clause {
	CLAUSE_VERDICT, CLAUSE_GROUP, CLAUSE_LIST, CLAUSE_DNSTAP, CLAUSE_TARGET, CLAUSE_DETECTION,
	CLAUSE_INVENTORY,
	CLAUSE_DETECTOR,                 /* its keys are those of a detector: policy/detection.h */
	CLAUSE_COUNT
};

extern const char *const clause_names[CLAUSE_COUNT];

/* How an option that may be there several times keeps its values. */
struct repeat {
	size_t octets;           /* of one; 0: the type itself adds to what is there */
	size_t count_offset;     /* of their number, as the offset of an option */
	size_t max;
	bool fixed;              /* they stand in the struct; else behind a pointer, and are owned */
};

struct option {
	enum clause clause;
	const char *key;
	enum conf_type type;
	size_t offset;           /* in the struct of its clause */
	uint64_t min, max;
	const char *fallback;    /* the default as the user would write it; NULL: see `shown` */
	const char *shown;       /* a default that is no value */
	const char *unit;
	const char *help;
	const struct repeat *repeat;   /* NULL: once */
};

#define OPTION_COUNT 97

extern const struct option option_table[OPTION_COUNT];

/* The index of a clause's option; OPTION_COUNT: there is none. CLAUSE_COUNT as clause: that of any clause. */
size_t option_find(enum clause clause, const char *key);

/* The limits of its type; `folder` is what relative paths begin at. */
struct conf_limits option_limits(const struct option *option, const char *folder);

/* The key or clause that `key` is most likely meant to be, inside `clause`; NULL: nothing is near. */
const char *option_nearest(enum clause clause, const char *key);

/* Reads `text` into the option's place behind `base`. 0; -1: `wrong` of CONF_WRONG_MAX octets says why. `folder` as
 * for option_limits. */
int option_store(const struct option *option, char *base, const char *text, const char *folder, char *wrong);

/* What a whole policy-list: lacks or says in vain, and what would be right; NULL: nothing. A constant text. */
const char *list_conf_wrong(const struct list_conf *list);

/* The same for a client-group:. */
const char *group_conf_wrong(const struct group_conf *group);

/* The same for an approved-name-server:. */
const char *inventory_conf_wrong(const struct inventory_conf *inventory);

/* The same for a dnstap-target:. */
const char *target_conf_wrong(const struct target_conf *target);

/* What is wrong with the groups together: a circle of parents, a network that two of them name, so that nobody could
 * tell whose it is. The group to blame, `wrong` of CONF_WRONG_MAX octets set; NULL: nothing (or no memory to look). */
const struct group_conf *groups_wrong(const struct conf *conf, char *wrong);

#endif
