/* judge.c: what the three guards have in common. */
#include "module/judge.h"

#include <string.h>

#include "module/apply.h"
#include "module/guarded.h"
#include "module/https.h"
#include "module/respond.h"
#include "module/servers_note.h"
#include "policy/evaluate.h"
#include "policy/hot.h"
#include "policy/https.h"

#define HTTPS_LIST "(https)"   /* no list of a configuration can have this name */
#define HTTPS_TTL 300u         /* seconds */

HOT bool judge_begin(struct judge *judge, struct module_qstate *qstate, int id, const struct query_info *question)
{
	const struct query *query = query_get(qstate, id);
	const bool known = query != NULL && query->unlisted_in != 0 && extract_is_same_name(question, &qstate->qinfo);

	judge->slot = state_slot();
	extract_client(&judge->facts, NULL);
	judge->facts.records = NULL;
	judge->facts.source = NULL;
	judge->facts.rcode = 0;
	if (known)
		extract_question_of(&judge->facts, question, &query->name);
	if (judge->slot == NULL || (!known && !extract_question(&judge->facts, question))) {
		failure_note(judge->slot, judge->slot == NULL ? FAILURE_NO_SLOT : FAILURE_NAME);
		return false;
	}
	budget_begin(&judge->budget, judge->slot);
	if (known)
		judge->facts.unlisted_in = query->unlisted_in;
	judge->qstate = qstate;
	judge->id = id;
	judge->extract = (struct extract){ .budget = &judge->budget, .all = true };
	judge->snapshot = state_enter(judge->slot);
	judge->next = state_next(judge->slot);
	return true;
}

HOT void judge_end(struct judge *judge)
{
	state_leave(judge->slot);
	budget_end(&judge->budget, judge->slot);
}

HOT void judge_for(struct judge *judge, const struct mesh_reply *client)
{
	struct facts *facts = &judge->facts;
	size_t (*servers)(const void *source, server_visit visit, void *arg) = facts->servers;
	const void *source = facts->servers_source;

	extract_client(facts, client != NULL ? &client->query_reply : NULL);
	facts->servers = servers;
	facts->servers_source = source;
	if (client != NULL) {
		facts->dnssec_ok = client->edns.edns_present && (client->edns.bits & EDNS_DO);
		facts->recursion_desired = client->qflags & BIT_RD;
	}
	judge->extract.dnssec = facts->dnssec_ok;
}

HOT void judge_note_unlisted(struct judge *judge, uint64_t unlisted_in)
{
	struct query *query = unlisted_in != 0 ? query_make(judge->qstate, judge->id) : NULL;

	if (query == NULL)
		return;
	judge->facts.unlisted_in = query->unlisted_in = unlisted_in;
	name_copy(&query->name, &judge->facts.qname);
	query->qname = &query->name;
}

HOT void judge_keep(struct judge *judge)
{
	query_keep(judge->qstate, judge->id, &judge->verdict,
		evaluate_ede_mode(judge->snapshot, judge->verdict.group));
}

HOT void judge_keep_question(struct judge *judge)
{
	struct query *query;

	judge_keep(judge);
	query = query_get(judge->qstate, judge->id);
	/* No other name has been looked at for these rules so far. */
	if (query != NULL && query->verdict != NULL && query->verdict->rule.trigger == TRIGGER_QNAME &&
	    query->verdict->rule.matched_name.length > 0)
		query->qname = &query->verdict->rule.matched_name;
}

const struct reply_info *reply_of(const struct module_qstate *qstate)
{
	return qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;
}

bool has_supers(const struct module_qstate *qstate)
{
	return qstate->mesh_info->super_set.count != 0;
}

RARE void judge_not(struct module_qstate *qstate)
{
	qstate->no_cache_store = 1;
	apply_forget(qstate);
	if (limits_fail_closed() && first_client(qstate) != NULL && !has_supers(qstate))
		respond_servfail(qstate);
}

void judge_block_https(struct judge *judge)
{
	const uint32_t most = snapshot_options(judge->snapshot)->max_policy_ttl;
	struct verdict *verdict = &judge->verdict;
	const struct verdict before = *verdict;

	verdict_init(verdict);
	verdict->group = before.group;
	memcpy(verdict->group_name, before.group_name, sizeof(verdict->group_name));
	verdict->action = ACTION_NODATA;
	verdict->denied_to_some = true;
	verdict->final = true;
	verdict->ttl = most != 0 && most < HTTPS_TTL ? most : HTTPS_TTL;
	verdict->rule.trigger = TRIGGER_QNAME;
	verdict->rule.action = ACTION_NODATA;
	memcpy(verdict->rule.list, HTTPS_LIST, sizeof(HTTPS_LIST));
	verdict->rule.ede = EDE_FILTERED;
	verdict->rule.rule_name = judge->facts.qname;
}

HOT bool judge_is_https_blocked(const struct snapshot *snapshot, const struct facts *facts,
	const struct verdict *verdict)
{
	return snapshot_options(snapshot)->https == HTTPS_BLOCK && https_is_record(facts->qtype) &&
		(verdict->action == ACTION_ALLOW || verdict->action == ACTION_OBSERVE);
}

void judge_keep_apart(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct query *query = query_get(qstate, judge->id);
	struct ub_packed_rrset_key *note = NULL;

	qstate->no_cache_store = 1;
	apply_forget(qstate);
	if (reply_of(qstate) == NULL || (query != NULL && query->guarded))
		return;
	if (judge->facts.servers != NULL) {
		note = servers_note(&judge->servers, qstate);
		if (note == NULL)
			return;
	}
	if (guarded_store(qstate, note))
		judge->slot->guarded_stores++;
}

static bool is_made_below(const struct module_qstate *qstate)
{
	const struct module_stack *stack = &qstate->env->mesh->mods;

	if (qstate->qinfo.qtype != LDNS_RR_TYPE_AAAA && qstate->qinfo.qtype != LDNS_RR_TYPE_PTR)
		return false;
	for (int i = 0; i < stack->num; i++)
		if (strcmp(stack->mod[i]->name, "dns64") == 0)
			return true;
	return false;
}

void judge_take_over(struct judge *judge)
{
	struct query *query;

	if (judge->qstate->no_cache_store || !is_made_below(judge->qstate))
		return;
	query = query_make(judge->qstate, judge->id);
	if (query == NULL)
		return;
	query->stores = true;
	judge->qstate->no_cache_store = 1;
}

void judge_share(struct judge *judge)
{
	const struct query *query = query_get(judge->qstate, judge->id);
	struct module_qstate *qstate = judge->qstate;

	if (query == NULL || !query->stores || qstate->no_cache_lookup || qstate->return_msg == NULL ||
	    qstate->return_rcode != LDNS_RCODE_NOERROR)
		return;
	if (!unbound_cache_store(qstate->env, &qstate->qinfo, qstate->return_msg->rep, NULL, qstate->query_flags,
		qstate->qstarttime))
		failure_note(judge->slot, FAILURE_MEMORY);
}

HOT bool judge_next(struct judge *judge, const struct reply_info *reply)
{
	struct facts *facts = &judge->facts;
	struct verdict verdict;

	if (judge->next == NULL)
		return false;
	servers_attach(&judge->servers, facts, judge->qstate, reply, judge->next);
	evaluate_question(judge->next, facts, &verdict);
	return verdict.denied_to_some || judge_is_https_blocked(judge->next, facts, &verdict) ||
		(reply != NULL && (https_has_more(judge->next, reply) ||
		evaluate_denied_to_some(judge->next, facts)));
}
