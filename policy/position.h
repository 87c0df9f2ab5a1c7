/*
 * position.h: the places in the order of precedence at which rules are looked for, one after the other.
 *
 * First the question: its name, the client, the name servers of its zones. Then each name that the answer's CNAME
 * records lead to. The addresses of the answer belong to the last of these. Behind them come the names that other
 * records lead to (rdata_target), each as if it were a qname; so do the names of a chain of more than
 * POSITION_HOPS_MAX, in the order of their records.
 *
 * At one position all triggers are judged together, the lists in their order (draft-vixie-dnsop-dns-rpz-00).
 *
 * Threads: reads the snapshot and the facts only.
 */
#ifndef POLICY_POSITION_H
#define POLICY_POSITION_H

#include <stdbool.h>

#include "policy/facts.h"
#include "policy/match.h"
#include "policy/name.h"
#include "policy/snapshot_parts.h"

#define POSITION_HOPS_MAX 16

/* Names of servers, copied: a match points to them. */
struct server_names {
	struct name names[FACTS_SERVERS_MAX];
	uint8_t chains[FACTS_SERVERS_MAX];
	size_t count;
};

/* What is judged at one position; borrowed for the visit. */
struct position {
	const struct facts *facts;
	const struct name *name;             /* QNAME */
	unsigned chain;                      /* of name; behind the chain that of its last name */
	bool clients;                        /* CLIENT-IP */
	bool addresses;                      /* IP: of all records in the answer section */
	const struct record *record;         /* IP: of this one alone; NULL: none */
	const struct server_names *servers;  /* NSDNAME, those of this chain; NULL: none */
	bool server_addresses;               /* NSIP, the same */
};

/* False ends the walk. */
typedef bool (*position_visit)(void *arg, const struct position *position);

enum stage { STAGE_QUESTION, STAGE_ANSWER };

/* Visits every position that the facts have; at the stage of the question no record is looked at. */
void position_walk(const struct snapshot *snapshot, const struct facts *facts, enum stage stage,
		   position_visit visit, void *arg);

/* Visits every rule that matches at the position: by trigger in the order of precedence, and inside one trigger in any
 * order (match_is_before says which comes first). */
void position_match(const struct snapshot *snapshot, const struct position *position, match_visit visit, void *arg);

/* Fills the names of servers that the facts show. */
void server_names_collect(struct server_names *names, const struct facts *facts);

#endif
