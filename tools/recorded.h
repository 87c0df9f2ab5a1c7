/*
 * recorded.h: one answer out of a recording, as facts to be judged.
 *
 * The records of a text have no owners: the first is of the question's name, and those behind a CNAME are of its
 * target. Records that are no part of the answer section (`auth: ...`) are left out.
 *
 * Threads: one recorded belongs to one thread.
 */
#ifndef TOOLS_RECORDED_H
#define TOOLS_RECORDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/behind.h"
#include "policy/facts.h"
#include "policy/verdict.h"

#define RECORDED_LABEL_MAX 48
#define RECORDED_SERVERS_MAX FACTS_SERVERS_MAX
#define RECORDED_OCTETS_MAX ((size_t)192 * 1024)   /* of all owners and data: a whole message, names written out */

/* A name server that the answer shows: of an NS record at or above the question's name, with the address that goes with
 * it; or who gave the answer. */
struct recorded_server {
	struct name name;               /* the root: not known */
	struct address address;         /* family ADDRESS_NONE: not known */
	uint8_t zone_labels;            /* of the zone that it serves, a suffix of the question's name */
};

struct recorded {
	struct name qname;
	uint16_t qtype, qclass, rcode;
	struct address client;          /* family ADDRESS_NONE: not said */
	struct address server;
	char group[LIST_NAME_MAX];      /* empty: the client says it */
	uint64_t count;                 /* how often */
	int64_t time_ms;                /* Unix time; 0: not said */
	char label[RECORDED_LABEL_MAX]; /* what it is known to be; empty: not said */
	bool label_too_long;            /* it is said, and is left out */
	uint64_t where;                 /* line, or octet of the input, or packet */
	enum answer_path path;          /* how the answer came about; resolved, where nothing says it */
	bool denied;                    /* by the policy then: what it holds was made by the resolver */
	bool numbered;                  /* by a resolver's worker: */
	uint64_t ordinal;
	bool answered;                  /* there was an answer, perhaps without records */
	bool dnssec_ok;
	size_t record_count;
	size_t left_out;                /* records that are too many or can not be read */
	bool authoritative;             /* a message of a server for the zone, and not of a resolver */
	unsigned zone_min;              /* labels: who gave it speaks for no zone above that */
	unsigned ns_dots_min;           /* servers of zones with fewer are not shown as facts */
	unsigned apex;                  /* labels of the lowest NS or SOA record that holds the question's name */
	size_t server_count;
	struct record records[FACTS_RECORDS_MAX];
	struct recorded_server servers[RECORDED_SERVERS_MAX];
	struct behind behind;           /* what a detector looked at then, beside the message */
	size_t used;
	uint8_t octets[RECORDED_OCTETS_MAX];
};

/* An empty one, of class IN. */
void recorded_init(struct recorded *recorded);

/* Adds the records of a text, `TYPE ttl data; TYPE ttl data`. Data is as in a zone: what is in quotes separates
 * nothing. */
void recorded_add_text(struct recorded *recorded, const char *text, size_t octets);

/* Takes question and answer of a DNS message. False: it asks nothing, as a NOTIFY or UPDATE, or not one question. */
bool recorded_take_message(struct recorded *recorded, const uint8_t *octets, size_t length);

/* Notes who gave the answer: a server of the zone of so many labels. */
void recorded_add_responder(struct recorded *recorded, const struct address *address, unsigned zone_labels);

/* The labels of the zone that an authoritative answer is of, as its SOA or NS records say; 0: they do not. */
unsigned recorded_apex(const struct recorded *recorded);

/* The facts, which borrow it. */
struct facts recorded_facts(const struct recorded *recorded);

/* For detectors: where servers of the zone, which has so many labels, were looked at then, they take the place of those
 * that the message shows; *facts borrows *zone. */
void recorded_facts_behind(const struct recorded *recorded, unsigned zone_labels, struct behind_zone *zone,
	struct facts *facts);

#endif
