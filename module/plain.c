/* plain.c: looks at the types and the owners of records, and at nothing else. */
#include "module/plain.h"

#include <string.h>

#include "module/extract.h"
#include "module/judge.h"
#include "module/respond.h"
#include "policy/hot.h"
#include "policy/https.h"

/* Of a name that no rule is about, under the policy in force, and nobody wants to do more than judge. */
static inline bool is_of_unlisted(const struct query *query)
{
	return query != NULL && state_is_plain(query->unlisted_in) && !query->unshared && !query->guarded &&
		!query->stores && query->verdict == NULL;
}

/* Nor may something have to be taken out of a record. */
static inline bool leads_nowhere(const struct reply_info *reply)
{
	if (!extract_leads_nowhere(reply))
		return false;
	for (size_t i = reply->an_numrrsets; i < reply->rrset_count; i++)
		if (https_is_record(ntohs(reply->rrsets[i]->rk.type)))
			return false;
	return true;
}

/* In another case it is judged. */
static inline bool is_name(const uint8_t *name, size_t octets, const struct query_info *question)
{
	return name == question->qname ||
		(octets == question->qname_len && memcmp(name, question->qname, octets) == 0);
}

static inline bool is_of_question(const struct reply_info *reply, const struct query_info *question)
{
	for (size_t i = 0; i < reply->an_numrrsets; i++)
		if (!is_name(reply->rrsets[i]->rk.dname, reply->rrsets[i]->rk.dname_len, question))
			return false;
	return true;
}

/* Behind an alias the iterator looks for another name than the question's. */
static inline bool is_looked_for(const struct module_qstate *qstate)
{
	const struct iter_qstate *iter = extract_iterator(qstate);

	return iter == NULL || iter->qchase.qname == NULL || is_name(iter->qchase.qname, iter->qchase.qname_len,
		&qstate->qinfo);
}

HOT bool plain_response(const struct module_qstate *qstate, const struct dns_msg *response, int id)
{
	const struct reply_info *reply = response->rep;

	return is_of_unlisted(query_get(qstate, id)) && leads_nowhere(reply) &&
		is_name(response->qinfo.qname, response->qinfo.qname_len, &qstate->qinfo) && is_looked_for(qstate) &&
		is_of_question(reply, &response->qinfo);
}

HOT bool plain_answer(const struct module_qstate *qstate, int id)
{
	const struct reply_info *reply = reply_of(qstate);
	struct query *query = query_get(qstate, id);

	if (!is_of_unlisted(query) || (reply != NULL && !leads_nowhere(reply)))
		return false;
	query->judged = true;
	return true;
}
