/*
 * answer.h: a reply of our own in the making: RRsets in a query state's region, and the message around them.
 *
 * Nothing here is ever stored in a cache: a made RRset has no id and no lock. A function that returns false or
 * ANSWER_NO_MEMORY leaves the answer as it was.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_ANSWER_H
#define MODULE_ANSWER_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/local_data.h"
#include "policy/verdict.h"

/* A chain of aliases, local data, and room for what a garden answers. */
#define ANSWER_RRSETS_MAX (LOCAL_RECORDS_MAX + UINT8_MAX + 2)

struct answer_builder {
	struct regional *region;
	uint16_t class;                       /* network order */
	const uint8_t *owner;                 /* the denied name: the qname, or where its chain led; borrowed */
	size_t owner_length;
	struct ub_packed_rrset_key *rrsets[ANSWER_RRSETS_MAX];
	size_t answers;
	size_t authorities;
	time_t ttl;                           /* seconds */
};

enum { ANSWER_NO_MEMORY = -1, ANSWER_TOO_LONG = -2 };

/* Begins an answer for what `verdict` denies: the CNAME records of `chain` (NULL: none) that lead from the qname to
 * the denied name, which is the owner of what comes next, and the DNAME records that they come from. */
void answer_begin(struct answer_builder *builder, const struct module_qstate *qstate, const struct verdict *verdict,
		  const struct reply_info *chain);

/* The verdict's local data for that type. How many records were added, ANSWER_NO_MEMORY, or ANSWER_TOO_LONG: a CNAME
 * whose `*` does not hold the owner. verdict->data must still be borrowed from a held snapshot. */
int answer_add_local(struct answer_builder *builder, const struct verdict *verdict, uint16_t qtype);

/* The SOA that makes a negative answer cacheable. */
bool answer_add_soa(struct answer_builder *builder, const struct verdict *verdict);

/* The RRsets of `reply`, which lies in the same region, without signatures: an answer of ours is never validated.
 * What does not fit is left out. */
void answer_add_reply(struct answer_builder *builder, const struct reply_info *reply);

/* Makes the message what the state answers with. False: no memory, *qstate untouched. */
bool answer_finish(const struct answer_builder *builder, struct module_qstate *qstate, uint16_t flags);

#endif
