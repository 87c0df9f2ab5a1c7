/*
 * match.h: which rules match a name or an address; the one place where that is decided, for evaluate and for explain.
 *
 * Threads: reads the snapshot only.
 */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include <stdbool.h>

#include "policy/facts.h"
#include "policy/name.h"
#include "policy/snapshot_parts.h"

struct match {
	const struct class *class;   /* borrowed from the snapshot */
	enum trigger trigger;
	const struct name *name;     /* QNAME, NSDNAME: what matches; borrowed from the caller */
	unsigned cut;                /* labels cut off the name to get the rule's; 0: an exact match */
	struct address address;      /* CLIENT-IP, IP, NSIP: what matches; family ADDRESS_NONE for names */
	uint8_t prefix_length;       /* the rule's */
};

typedef void (*match_visit)(void *arg, const struct match *match);

/* Begins the search for the QNAME rules of a name: what it will read first is on its way from memory meanwhile. The
 * worker's `memo` (NULL: none) is borrowed until match_qname has ended it. */
void match_begin(const struct snapshot *snapshot, const struct name *name, struct match_memo *memo,
		 struct match_start *start);

/* Goes on with what match_begin has begun for that very name in that snapshot; `start` may be NULL or of another
 * snapshot. Else as match_name. */
void match_qname(const struct snapshot *snapshot, const struct match_start *start, const struct name *name,
		 match_visit visit, void *arg);

/* Is it certain that no QNAME rule matches? Ends the search for that very name; what it finds stays in `start`, so that
 * match_qname need not search again. */
bool match_finds_none(const struct snapshot *snapshot, struct match_start *start, const struct name *name);

/* Is it certain that no QNAME rule matches? By the filter alone: false says nothing. */
bool match_misses(const struct snapshot *snapshot, const struct name *name);

/* Visits every rule of every list with that trigger (QNAME or NSDNAME) that matches: the longest rule name first, and
 * for one name in the order in which each list says it. */
void match_name(const struct snapshot *snapshot, enum trigger trigger, const struct name *name, match_visit visit,
		void *arg);

/* The same for CLIENT-IP, IP or NSIP: the longest prefix first. An IPv6 address that holds an IPv4 address is judged as
 * both. */
void match_address(const struct snapshot *snapshot, enum trigger trigger, const struct address *address,
		   match_visit visit, void *arg);

/* Of two rules of one list that match at one position: does `a` come before `b`? */
bool match_is_before(const struct match *a, const struct match *b);

/* Fills what a frame and a person want to know of that match; `chain` as in struct rule_match. */
void match_describe(const struct snapshot *snapshot, const struct match *match, unsigned chain,
		    struct rule_match *to);

/* The same for an override of `name` or of one above it. */
void match_describe_override(const struct override *override, const struct name *name, unsigned chain,
			     struct rule_match *to);

#endif
