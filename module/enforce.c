/* enforce.c: judges questions, responses and answers, and sees that what somebody is denied is shared with nobody. */
#include "module/enforce.h"

#include <string.h>

#include "module/apply.h"
#include "module/extract.h"
#include "module/guarded.h"
#include "module/https.h"
#include "module/limits.h"
#include "module/respond.h"
#include "module/servers.h"
#include "module/servers_note.h"
#include "policy/evaluate.h"
#include "policy/https.h"

#define HTTPS_LIST "(https)"   /* no list of a configuration can have this name */
#define HTTPS_TTL 300u         /* seconds */

/* One event of one state, while the policy is held. */
struct judge {
	struct module_qstate *qstate;
	int id;
	struct slot *slot;
	const struct snapshot *snapshot;
	const struct snapshot *next;     /* about to be in force; NULL: none */
	struct budget budget;
	struct extract extract;
	struct facts facts;
	struct verdict verdict;
	struct servers servers;          /* behind the facts */
};

void enforce_start(const struct guard_conf *conf)
{
	limits_start(conf);
	clients_start();
}

/* False: it cannot be judged, and judge_end must not be called. */
static bool judge_begin(struct judge *judge, struct module_qstate *qstate, int id, const struct query_info *question)
{
	judge->slot = state_slot();
	extract_client(&judge->facts, NULL);
	judge->facts.records = NULL;
	judge->facts.source = NULL;
	judge->facts.rcode = 0;
	if (judge->slot == NULL || !extract_question(&judge->facts, question)) {
		failure_note(judge->slot, judge->slot == NULL ? FAILURE_NO_SLOT : FAILURE_NAME);
		return false;
	}
	budget_begin(&judge->budget);
	judge->qstate = qstate;
	judge->id = id;
	judge->extract = (struct extract){ .budget = &judge->budget, .all = true };
	judge->snapshot = state_enter(judge->slot);
	judge->next = state_next(judge->slot);
	return true;
}

static void judge_end(struct judge *judge)
{
	state_leave(judge->slot);
	budget_end(&judge->budget, judge->slot);
}

/* Whose verdict it is; the servers stay. */
static void judge_for(struct judge *judge, const struct mesh_reply *client)
{
	struct facts *facts = &judge->facts;
	const struct facts before = *facts;

	extract_client(facts, client != NULL ? &client->query_reply : NULL);
	facts->servers = before.servers;
	facts->servers_source = before.servers_source;
	if (client != NULL) {
		facts->dnssec_ok = client->edns.edns_present && (client->edns.bits & EDNS_DO);
		facts->recursion_desired = client->qflags & BIT_RD;
	}
	judge->extract.dnssec = facts->dnssec_ok;
}

static void keep_verdict(struct judge *judge)
{
	query_keep(judge->qstate, judge->id, &judge->verdict,
		evaluate_ede_mode(judge->snapshot, judge->verdict.group));
}

static const struct reply_info *reply_of(const struct module_qstate *qstate)
{
	return qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;
}

static bool has_supers(const struct module_qstate *qstate)
{
	return qstate->mesh_info->super_set.count != 0;
}

/* What could not be judged is nobody's but the client's who asked. */
static void leave_unjudged(struct module_qstate *qstate)
{
	qstate->no_cache_store = 1;
	apply_forget(qstate);
	if (limits_fail_closed() && first_client(qstate) != NULL && !has_supers(qstate))
		respond_servfail(qstate);
}

/* --- https: --------------------------------------------------------------------------------------------------------- */

/* What no rule decides and `https: block` does. It is no rule of a list, and says so by a name that none can have. */
static void block_https(struct judge *judge)
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

static bool is_https_blocked(const struct snapshot *snapshot, const struct facts *facts,
	const struct verdict *verdict)
{
	return snapshot_options(snapshot)->https == HTTPS_BLOCK && https_is_record(facts->qtype) &&
		(verdict->action == ACTION_ALLOW || verdict->action == ACTION_OBSERVE);
}

/* --- the guarded cache ---------------------------------------------------------------------------------------------- */

/* Somebody may not have this answer: it moves from the shared cache, if it is there, to the guarded one. */
static void keep_apart(struct judge *judge)
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

/* Would the policy that comes deny this to somebody? It is judged before everything else: facts and servers are those of
 * nobody afterwards. */
static bool is_denied_next(struct judge *judge, const struct reply_info *reply)
{
	struct facts *facts = &judge->facts;
	struct verdict verdict;

	if (judge->next == NULL)
		return false;
	servers_attach(&judge->servers, facts, judge->qstate, reply, judge->next);
	evaluate_question(judge->next, facts, &verdict);
	return verdict.denied_to_some || is_https_blocked(judge->next, facts, &verdict) ||
		(reply != NULL && (https_has_more(judge->next, reply) ||
		evaluate_denied_to_some(judge->next, facts)));
}

/* --- the answer guard ----------------------------------------------------------------------------------------------- */

static bool is_same_rule(const struct rule_match *a, const struct rule_match *b)
{
	return a->trigger == b->trigger && a->chain == b->chain && a->ede == b->ede && strcmp(a->list, b->list) == 0 &&
		name_equal(&a->rule_name, &b->rule_name);
}

/* Can one answer serve both? */
static bool is_same_answer(const struct verdict *a, const struct verdict *b)
{
	if (!is_denied(a) && !is_denied(b))
		return true;
	return a->action == b->action && a->data == b->data && a->ttl == b->ttl && a->group == b->group &&
		is_same_rule(&a->rule, &b->rule);
}

static bool send_away(struct judge *judge, struct mesh_reply *client)
{
	return clients_move(judge->qstate, client, clients_class(judge->snapshot, &judge->facts));
}

/* Clients of different classes have joined a state that was not theirs. One answer serves those that get what the first
 * one gets; but when another state resolves with this message, it must stay as it is, and serves who may have it. The
 * verdict is then that of those who are left. False: somebody could not be sent away. */
static bool part_clients(struct judge *judge)
{
	const bool stays = has_supers(judge->qstate);
	struct verdict verdict;
	bool first = true;

	if (!judge->verdict.differs && !(stays && is_denied(&judge->verdict)))
		return true;
	for (struct mesh_reply *client = first_client(judge->qstate), *next; client != NULL; client = next) {
		next = client->next;
		judge_for(judge, client);
		evaluate_answer(judge->snapshot, &judge->facts, &verdict);
		if (first && !(stays && is_denied(&verdict))) {
			judge->verdict = verdict;
			first = false;
		} else if ((first || !is_same_answer(&verdict, &judge->verdict)) && !send_away(judge, client)) {
			return false;
		}
	}
	return true;
}

/* A BOGUS answer stays SERVFAIL whatever the policy says. Unbound makes it so itself, unless a client disabled
 * checking: that client must not get the denied answer either. */
static void answer_bogus(struct judge *judge)
{
	const bool denied = is_denied(&judge->verdict) || judge->verdict.differs;

	verdict_demote(&judge->verdict);
	keep_verdict(judge);
	if (denied)
		respond_bogus(judge->qstate);
}

static bool any_client_wants_signatures(const struct module_qstate *qstate)
{
	for (const struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		if (reply->edns.edns_present && (reply->edns.bits & EDNS_DO))
			return true;
	return false;
}

/* The answer is allowed, but not all of its HTTPS records. */
static void strip_https(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct reply_info *reply = reply_of(qstate);

	if (judge->verdict.action == ACTION_PASS)
		return;
	if (reply->security == sec_status_bogus) {
		respond_bogus(qstate);
	} else if (any_client_wants_signatures(qstate)) {
		block_https(judge);
		keep_verdict(judge);
		respond_deny(qstate, judge->id, judge->slot, &judge->verdict, reply);
	} else if (!https_strip_answer(judge->snapshot, qstate)) {
		failure_note(judge->slot, FAILURE_MEMORY);
		respond_servfail(qstate);
	}
}

/* Makes the state's answer fit the verdict on it. */
static void answer_clients(struct judge *judge, bool has_https)
{
	const struct reply_info *reply = reply_of(judge->qstate);

	if (reply != NULL && reply->security == sec_status_bogus &&
	    (is_denied(&judge->verdict) || judge->verdict.differs)) {
		answer_bogus(judge);
		return;
	}
	if (!part_clients(judge)) {
		keep_verdict(judge);
		respond_drop(judge->qstate, judge->id);
		return;
	}
	keep_verdict(judge);
	if (first_client(judge->qstate) == NULL || has_supers(judge->qstate))
		return;
	if (is_denied(&judge->verdict))
		respond_deny(judge->qstate, judge->id, judge->slot, &judge->verdict, reply);
	else if (has_https)
		strip_https(judge);
}

/* return_msg, wherever it is from. */
static void judge_answer(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct query *query = query_get(qstate, judge->id);
	const struct reply_info *reply = reply_of(qstate);
	const bool has_https = reply != NULL && https_has_more(judge->snapshot, reply);
	const bool guarded = query != NULL && query->guarded;
	bool apart;

	judge->extract.reply = reply;
	extract_records(&judge->facts, &judge->extract);
	apart = has_https || (query != NULL && query->unshared) || (!guarded && is_denied_next(judge, reply));
	judge_for(judge, first_client(qstate));
	if (!guarded)
		servers_attach(&judge->servers, &judge->facts, qstate, reply, judge->snapshot);
	evaluate_answer(judge->snapshot, &judge->facts, &judge->verdict);
	if (is_https_blocked(judge->snapshot, &judge->facts, &judge->verdict))
		block_https(judge);
	if (apart || judge->verdict.denied_to_some || judge->budget.over)
		keep_apart(judge);
	if (judge->budget.over && !is_denied(&judge->verdict)) {
		keep_verdict(judge);
		leave_unjudged(qstate);
		return;
	}
	answer_clients(judge, has_https);
}

void enforce_answer(struct module_qstate *qstate, int id)
{
	struct judge judge;

	respond_finish(qstate, id);
	if (!judge_begin(&judge, qstate, id, &qstate->qinfo)) {
		leave_unjudged(qstate);
		return;
	}
	judge_answer(&judge);
	judge_end(&judge);
}

/* --- the question guard --------------------------------------------------------------------------------------------- */

/* An answer that not everybody may have was found where no guard has looked yet. */
static bool answer_from_guarded(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	struct ub_packed_rrset_key *note;
	struct dns_msg *found = guarded_find(qstate, &note);
	struct query *query;

	if (found == NULL || !servers_attach_note(&judge->servers, &judge->facts, note, judge->snapshot))
		return false;
	query = query_make(qstate, judge->id);
	if (query == NULL)
		return false;
	query->guarded = true;
	judge->slot->guarded_hits++;
	qstate->return_msg = found;
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	respond_finish(qstate, judge->id);
	judge_answer(judge);
	return true;
}

static void be_alone(struct judge *judge)
{
	struct query *query = query_make(judge->qstate, judge->id);

	if (query == NULL) {
		failure_note(judge->slot, FAILURE_MEMORY);
		return;
	}
	judge_for(judge, first_client(judge->qstate));
	if (clients_be_alone(judge->qstate, clients_class(judge->snapshot, &judge->facts), &judge->facts, &query->share,
		judge->slot) == CLIENTS_MOVED)
		respond_finish(judge->qstate, judge->id);
}

static void judge_question(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct policy_options *options = snapshot_options(judge->snapshot);
	const bool asked = first_client(qstate) != NULL;
	bool differs;

	if (is_denied_next(judge, NULL))
		qstate->no_cache_store = 1;
	judge_for(judge, first_client(qstate));
	judge->facts.servers = NULL;
	/* What the caches know already suffices where nobody wants to wait for more. */
	if (!options->nsip_wait_recurse && !options->nsdname_wait_recurse)
		servers_attach(&judge->servers, &judge->facts, qstate, NULL, judge->snapshot);
	evaluate_question(judge->snapshot, &judge->facts, &judge->verdict);
	if (is_https_blocked(judge->snapshot, &judge->facts, &judge->verdict))
		block_https(judge);
	differs = judge->verdict.differs;
	if (judge->verdict.denied_to_some)
		qstate->no_cache_store = 1;
	if (asked && is_denied(&judge->verdict) && judge->verdict.final) {
		keep_verdict(judge);
		respond_deny(qstate, judge->id, judge->slot, &judge->verdict, NULL);
		return;
	}
	if (answer_from_guarded(judge))
		return;
	if (asked && differs)
		be_alone(judge);
}

void enforce_question(struct module_qstate *qstate, int id)
{
	struct judge judge;

	qstate->ext_state[id] = module_wait_module;
	if (!judge_begin(&judge, qstate, id, &qstate->qinfo)) {
		leave_unjudged(qstate);
		if (qstate->return_rcode != LDNS_RCODE_NOERROR)
			respond_finish(qstate, id);
		return;
	}
	judge_question(&judge);
	judge_end(&judge);
}

void enforce_clear(struct module_qstate *qstate, int id)
{
	struct query *query = query_get(qstate, id);

	if (query != NULL)
		clients_release(&query->share);
	qstate->minfo[id] = NULL;
}

/* --- the response guard --------------------------------------------------------------------------------------------- */

/* With QNAME minimisation a response can be about a name above the one that is looked for, and its NXDOMAIN answers
 * for that one too. */
static bool is_wanted_denied(const struct module_qstate *qstate, const struct query_info *asked,
	const struct snapshot *snapshot)
{
	const struct iter_qstate *iter = extract_iterator(qstate);
	struct verdict verdict;
	struct facts facts;

	if (iter == NULL || iter->qchase.qname == NULL || query_dname_compare(iter->qchase.qname, asked->qname) == 0)
		return false;
	extract_client(&facts, NULL);
	facts.records = NULL;
	facts.source = NULL;
	facts.rcode = 0;
	if (!extract_question(&facts, &iter->qchase))
		return true;
	evaluate_question(snapshot, &facts, &verdict);
	return verdict.denied_to_some;
}

static bool is_response_denied(struct judge *judge, const struct dns_msg *response, const struct snapshot *snapshot)
{
	servers_attach(&judge->servers, &judge->facts, judge->qstate, response->rep, snapshot);
	return evaluate_denied_to_some(snapshot, &judge->facts) || judge->budget.over ||
		is_wanted_denied(judge->qstate, &response->qinfo, snapshot);
}

static bool is_response_apart(struct judge *judge, const struct dns_msg *response)
{
	if (https_edit_response(judge->snapshot, response->rep, judge->qstate->region) != HTTPS_FINE)
		return true;
	if (is_response_denied(judge, response, judge->snapshot))
		return true;
	return judge->next != NULL && (https_has_more(judge->next, response->rep) ||
		is_response_denied(judge, response, judge->next));
}

void enforce_response(struct module_qstate *qstate, struct dns_msg *response, int id)
{
	struct query *query;
	struct judge judge;

	if (response == NULL || response->rep == NULL)
		return;
	if (!judge_begin(&judge, qstate, id, &response->qinfo)) {
		qstate->no_cache_store = 1;
		return;
	}
	judge.extract.reply = response->rep;
	extract_records(&judge.facts, &judge.extract);
	if (is_response_apart(&judge, response)) {
		qstate->no_cache_store = 1;
		query = query_make(qstate, id);
		if (query != NULL)
			query->unshared = true;
	}
	judge_end(&judge);
}
