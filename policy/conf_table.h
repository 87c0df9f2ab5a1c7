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

enum clause { CLAUSE_VERDICT, CLAUSE_LIST, CLAUSE_DNSTAP, CLAUSE_COUNT };

extern const char *const clause_names[CLAUSE_COUNT];

struct option {
	enum clause clause;
	const char *key;
	enum conf_type type;
	size_t offset;           /* in struct conf, struct list_conf or struct dnstap_conf */
	uint64_t min, max;
	const char *fallback;    /* the default as the user would write it; NULL: see `shown` */
	const char *shown;       /* a default that is no value */
	const char *unit;
	const char *help;
	bool repeats;
};

#define OPTION_COUNT 37

extern const struct option option_table[OPTION_COUNT];

/* The index of a clause's option; OPTION_COUNT: there is none. CLAUSE_COUNT as clause: that of any clause. */
size_t option_find(enum clause clause, const char *key);

/* The limits of its type; `folder` is what relative paths begin at. */
struct conf_limits option_limits(const struct option *option, const char *folder);

/* The key or clause that `key` is most likely meant to be, inside `clause`; NULL: nothing is near. */
const char *option_nearest(enum clause clause, const char *key);

/* What a whole policy-list: lacks or says in vain, and what would be right; NULL: nothing. A constant text. */
const char *list_conf_wrong(const struct list_conf *list);

#endif
