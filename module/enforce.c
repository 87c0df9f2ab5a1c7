/* enforce.c: judges questions and answers in `operate` and makes the answer fit the verdict. */
#include "module/enforce.h"

#include <string.h>

#include "module/apply.h"
#include "module/callbacks.h"
#include "module/extract.h"
#include "module/garden.h"
#include "module/guarded.h"
#include "module/https.h"
#include "module/servers.h"
#include "module/state.h"
#include "policy/evaluate.h"
#include "policy/https.h"

#define HTTPS_LIST "(https)"   /* no list of a configuration can have this name */
#define HTTPS_TTL 300u         /* seconds */

struct query *query_get(struct module_qstate *qstate, int id)
{
	return qstate->minfo[id];
}

static struct query *query_make(struct module_qstate *qstate, int id)
{
	if (qstate->minfo[id] == NULL)
		qstate->minfo[id] = regional_alloc_zero(qstate->region, sizeof(struct query));
	return qstate->minfo[id];
}

/* Keeps what is worth telling about a verdict; a plain allow needs no memory. */
static void query_keep(struct module_qstate *qstate, int id, const struct verdict *verdict, bool judged)
{
	const bool plain = verdict->action == ACTION_ALLOW && verdict->shadow.trigger == TRIGGER_NONE;
	struct query *query = query_make(qstate, id);

	if (query == NULL)
		return;
	query->judged = judged;
	query->verdict = plain ? NULL : regional_alloc_init(qstate->region, verdict, sizeof(*verdict));
	if (query->verdict != NULL)
		query->verdict->data = NULL;
}

static bool denied(const struct verdict *verdict)
{
	return action_table[verdict->action].denies;
}

/* Is there a client, as opposed to a sub-query, a prefetch or a look-up of Unbound's own? */
static const struct mesh_reply *first_client(const struct module_qstate *qstate)
{
	return qstate->mesh_info->reply_list;
}

static bool question_facts(struct facts *facts, const struct module_qstate *qstate)
{
	const struct mesh_reply *client = first_client(qstate);

	extract_client(facts, client != NULL ? &client->query_reply : NULL);
	facts->records = NULL;
	facts->source = NULL;
	facts->rcode = 0;
	if (client != NULL) {
		facts->dnssec_ok = client->edns.edns_present && (client->edns.bits & EDNS_DO);
		facts->recursion_desired = client->qflags & BIT_RD;
	}
	return extract_question(facts, &qstate->qinfo);
}

/* What no rule decides and `https: block` does. It is no rule of a list, and says so by a name that none can have. */
static void block_https(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	const uint32_t most = snapshot_options(snapshot)->max_policy_ttl;

	verdict_init(verdict);
	verdict->action = ACTION_NODATA;
	verdict->denied_to_some = true;
	verdict->final = true;
	verdict->ttl = most != 0 && most < HTTPS_TTL ? most : HTTPS_TTL;
	verdict->rule.trigger = TRIGGER_QNAME;
	verdict->rule.action = ACTION_NODATA;
	memcpy(verdict->rule.list, HTTPS_LIST, sizeof(HTTPS_LIST));
	verdict->rule.ede = EDE_FILTERED;
	verdict->rule.rule_name = facts->qname;
}

static bool is_https_blocked(const struct snapshot *snapshot, const struct facts *facts,
	const struct verdict *verdict)
{
	return snapshot_options(snapshot)->https == HTTPS_BLOCK && https_is_record(facts->qtype) &&
		(verdict->action == ACTION_ALLOW || verdict->action == ACTION_OBSERVE);
}

static void finish(struct module_qstate *qstate, int id)
{
	qstate->ext_state[id] = module_finished;
}

/* No memory for the answer of a denial: SERVFAIL, never the denied answer. */
static void fail_closed(struct module_qstate *qstate, struct slot *slot)
{
	slot->failed++;
	qstate->return_msg = NULL;
	qstate->return_rcode = LDNS_RCODE_SERVFAIL;
}

static void drop(struct module_qstate *qstate, int id)
{
	callbacks_dropped(qstate, id);
	apply_drop(qstate);
}

/* Answers what is denied, of which `chain` is known. The state is finished, or waits for a sub-query. */
static void deny(struct module_qstate *qstate, int id, struct slot *slot, const struct verdict *verdict,
	const struct reply_info *chain)
{
	struct query *query;

	finish(qstate, id);
	query_keep(qstate, id, verdict, true);
	query = query_get(qstate, id);
	/* Another state resolves with this message, so it must stay: the clients' retries get states of their own. */
	if (verdict->action == ACTION_DROP || qstate->mesh_info->super_set.count != 0) {
		drop(qstate, id);
		return;
	}
	if (query == NULL) {
		fail_closed(qstate, slot);
		return;
	}
	switch (garden_start(qstate, id, verdict, chain, &query->garden)) {
	case GARDEN_NONE:
		if (!apply_denial(qstate, verdict, chain))
			fail_closed(qstate, slot);
		return;
	case GARDEN_WAITS:
		qstate->return_msg = NULL;
		return;
	case GARDEN_FAILED:
		fail_closed(qstate, slot);
		return;
	}
}

void enforce_inform(const struct module_qstate *done, int id, struct module_qstate *waiting)
{
	struct query *query = query_get(waiting, id);

	if (query != NULL && query->garden != NULL)
		garden_inform(query->garden, done, waiting);
}

bool enforce_waited(struct module_qstate *qstate, int id)
{
	struct query *query = query_get(qstate, id);
	struct slot *slot = state_slot();

	if (query == NULL || query->garden == NULL)
		return false;
	if (!garden_is_done(query->garden)) {
		qstate->ext_state[id] = module_wait_subquery;
		return true;
	}
	finish(qstate, id);
	if (!garden_finish(query->garden, qstate) && slot != NULL)
		fail_closed(qstate, slot);
	return true;
}

static bool any_client_disables_checking(const struct module_qstate *qstate)
{
	for (const struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		if (reply->qflags & BIT_CD)
			return true;
	return false;
}

/* A BOGUS answer that may not be had is SERVFAIL for who disabled checking, too. */
static void refuse_unchecked(struct module_qstate *qstate)
{
	if (!any_client_disables_checking(qstate))
		return;
	qstate->return_msg = NULL;
	qstate->return_rcode = LDNS_RCODE_SERVFAIL;
}

/* A BOGUS answer stays SERVFAIL whatever the policy says. Unbound makes it so itself, unless a client disabled
 * checking: that client must not get the denied answer either. */
static void deny_bogus(struct module_qstate *qstate, int id, struct verdict *verdict)
{
	verdict_demote(verdict);
	query_keep(qstate, id, verdict, true);
	refuse_unchecked(qstate);
}

static void deny_answer(struct module_qstate *qstate, int id, struct slot *slot, struct verdict *verdict)
{
	const struct reply_info *reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;

	if (reply != NULL && reply->security == sec_status_bogus) {
		deny_bogus(qstate, id, verdict);
		return;
	}
	deny(qstate, id, slot, verdict, reply);
}

/* Clients with different verdicts have joined a state that was not theirs: one answer cannot serve them all. */
static bool must_part(const struct module_qstate *qstate, const struct verdict *verdict)
{
	const struct mesh_reply *first = first_client(qstate);

	return verdict->differs && first != NULL && first->next != NULL;
}

static bool any_client_wants_signatures(const struct module_qstate *qstate)
{
	for (const struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		if (reply->edns.edns_present && (reply->edns.bits & EDNS_DO))
			return true;
	return false;
}

/* The answer is allowed, but not all of its HTTPS records. */
static void strip_https(struct module_qstate *qstate, int id, struct slot *slot, const struct snapshot *snapshot,
	const struct facts *facts, struct verdict *verdict)
{
	const struct reply_info *reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;

	if (reply == NULL || !https_has_more(snapshot, reply))
		return;
	apply_forget(qstate);
	if (verdict->action == ACTION_PASS || first_client(qstate) == NULL || qstate->mesh_info->super_set.count != 0)
		return;
	if (reply->security == sec_status_bogus) {
		refuse_unchecked(qstate);
	} else if (any_client_wants_signatures(qstate)) {
		block_https(snapshot, facts, verdict);
		deny(qstate, id, slot, verdict, reply);
	} else if (!https_strip_answer(snapshot, qstate)) {
		fail_closed(qstate, slot);
	}
}

/* Somebody may not have this answer: it moves from the shared cache, if it is there, to the guarded one. */
static void keep_apart(struct module_qstate *qstate, int id, struct slot *slot)
{
	struct query *query = query_make(qstate, id);

	apply_forget(qstate);
	if (query != NULL && !query->guarded && guarded_store(qstate))
		slot->guarded_stores++;
}

/* Judges return_msg and makes it fit the verdict, wherever it is from. */
static void judge_answer(struct module_qstate *qstate, int id, struct slot *slot, const struct snapshot *snapshot)
{
	struct extract extract = { .reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL, .all = true };
	struct servers servers;
	struct verdict verdict;
	struct facts facts;

	if (!question_facts(&facts, qstate))
		return;
	extract.dnssec = facts.dnssec_ok;
	extract_records(&facts, &extract);
	servers_attach(&servers, &facts, qstate, extract.reply, snapshot);
	evaluate_answer(snapshot, &facts, &verdict);
	if (verdict.denied_to_some)
		keep_apart(qstate, id, slot);
	if (must_part(qstate, &verdict)) {
		query_keep(qstate, id, &verdict, true);
		drop(qstate, id);
	} else if (!denied(&verdict)) {
		query_keep(qstate, id, &verdict, true);
		strip_https(qstate, id, slot, snapshot, &facts, &verdict);
	} else if (first_client(qstate) != NULL) {
		deny_answer(qstate, id, slot, &verdict);
	}
}

/* An answer that not everybody may have was found where no guard has looked yet. */
static bool answer_from_guarded(struct module_qstate *qstate, int id, struct slot *slot, const struct snapshot *snapshot)
{
	struct dns_msg *found;
	struct query *query;

	/* Who serves its names is not known before somebody asks them. */
	if (snapshot_triggers(snapshot) & (1u << TRIGGER_NSDNAME | 1u << TRIGGER_NSIP))
		return false;
	found = guarded_find(qstate);
	if (found == NULL)
		return false;
	slot->guarded_hits++;
	query = query_make(qstate, id);
	if (query != NULL)
		query->guarded = true;
	qstate->return_msg = found;
	qstate->return_rcode = LDNS_RCODE_NOERROR;
	finish(qstate, id);
	judge_answer(qstate, id, slot, snapshot);
	return true;
}

void enforce_question(struct module_qstate *qstate, int id)
{
	struct slot *slot = state_slot();
	const struct snapshot *snapshot;
	struct servers servers;
	struct verdict verdict;
	struct facts facts;

	qstate->ext_state[id] = module_wait_module;
	if (slot == NULL || !question_facts(&facts, qstate))
		return;
	snapshot = state_enter(slot);
	/* What the caches know already suffices where nobody wants to wait for more. */
	if (!snapshot_options(snapshot)->nsip_wait_recurse && !snapshot_options(snapshot)->nsdname_wait_recurse)
		servers_attach(&servers, &facts, qstate, NULL, snapshot);
	evaluate_question(snapshot, &facts, &verdict);
	if (is_https_blocked(snapshot, &facts, &verdict))
		block_https(snapshot, &facts, &verdict);
	if (verdict.denied_to_some)
		qstate->no_cache_store = 1;
	if (first_client(qstate) != NULL && denied(&verdict) && verdict.final)
		deny(qstate, id, slot, &verdict, NULL);
	else if (!answer_from_guarded(qstate, id, slot, snapshot) && first_client(qstate) != NULL && verdict.differs)
		apply_unique(qstate);
	state_leave(slot);
}

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
		return false;
	evaluate_question(snapshot, &facts, &verdict);
	return verdict.denied_to_some;
}

void enforce_response(struct module_qstate *qstate, struct dns_msg *response)
{
	struct slot *slot = state_slot();
	struct extract extract = { .reply = response != NULL ? response->rep : NULL, .all = true };
	const struct snapshot *snapshot;
	struct servers servers;
	struct facts facts;

	if (slot == NULL || extract.reply == NULL)
		return;
	extract_client(&facts, NULL);
	if (!extract_question(&facts, &response->qinfo))
		return;
	extract_records(&facts, &extract);
	snapshot = state_enter(slot);
	if (https_edit_response(snapshot, response->rep, qstate->region) != HTTPS_FINE)
		qstate->no_cache_store = 1;
	servers_attach(&servers, &facts, qstate, extract.reply, snapshot);
	if (!qstate->no_cache_store && (evaluate_denied_to_some(snapshot, &facts) ||
		is_wanted_denied(qstate, &response->qinfo, snapshot)))
		qstate->no_cache_store = 1;
	state_leave(slot);
}

void enforce_answer(struct module_qstate *qstate, int id)
{
	struct slot *slot = state_slot();

	finish(qstate, id);
	if (slot == NULL)
		return;
	judge_answer(qstate, id, slot, state_enter(slot));
	state_leave(slot);
}
