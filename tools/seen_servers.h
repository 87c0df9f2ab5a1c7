/*
 * seen_servers.h: name servers as recordings show them, and the approved-name-server: clauses that they make.
 *
 * What counts as a sign that a server serves a zone: an NS record at or below the zone in an answer about a name below
 * it, who gave an authoritative answer about it (dnstap's resolver messages, packets), and the addresses that came
 * with the NS record or when the server's own name was asked for. An answer about another zone is no sign, whatever
 * it holds. A server of a zone below counts for the longest wanted zone.
 *
 * A clause holds what was seen in at least `seen_min` answers; what was seen less often, and what would make a server
 * that was seen an intruder, stands beside it as a comment with the reason. Networks are given only where an address
 * of each server is known.
 *
 * The same records give the same octets. Bounded: what is too much is counted. Threads: one belongs to one thread.
 */
#ifndef TOOLS_SEEN_SERVERS_H
#define TOOLS_SEEN_SERVERS_H

#include <stdio.h>

#include <jansson.h>

#include "policy/action.h"
#include "tools/recorded.h"

struct seen_servers;

struct seen_options {
	const struct name *zones;            /* borrowed; wanted ones */
	size_t zone_count;
	size_t top;                          /* and as many of those that were asked for most */
	uint64_t seen_min;                   /* answers */
	unsigned prefix_ipv4, prefix_ipv6;   /* bits of an address that make a network */
	enum action action;                  /* of the clauses */
};

/* Owned; NULL: no memory. */
struct seen_servers *seen_servers_create(const struct seen_options *options);
void seen_servers_destroy(struct seen_servers **seen);

void seen_servers_take(struct seen_servers *seen, const struct recorded *recorded);

/* What was seen of each zone. Owned; NULL: no memory. Nothing may be taken afterwards. */
json_t *seen_servers_report(struct seen_servers *seen);

/* The report as a configuration. */
void seen_servers_print(const json_t *report, FILE *to);

#endif
