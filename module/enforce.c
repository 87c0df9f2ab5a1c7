/* enforce.c: judges questions and answers in `operate` and makes the answer fit the verdict. */
#include "module/enforce.h"

#include <string.h>

#include "module/apply.h"
#include "module/callbacks.h"
#include "module/extract.h"
#include "module/garden.h"
#include "module/state.h"
#include "policy/evaluate.h"

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
	finish(qstate, id);
	if (!garden_finish(query->garden, qstate) && slot != NULL)
		fail_closed(qstate, slot);
	return true;
}

void enforce_question(struct module_qstate *qstate, int id)
{
	struct slot *slot = state_slot();
	struct verdict verdict;
	struct facts facts;

	qstate->ext_state[id] = module_wait_module;
	if (slot == NULL || !question_facts(&facts, qstate))
		return;
	evaluate_question(state_enter(slot), &facts, &verdict);
	if (verdict.denied_to_some)
		qstate->no_cache_store = 1;
	if (first_client(qstate) != NULL) {
		if (denied(&verdict) && verdict.final)
			deny(qstate, id, slot, &verdict, NULL);
		else if (verdict.differs)
			apply_unique(qstate);
	}
	state_leave(slot);
}

void enforce_response(struct module_qstate *qstate, struct dns_msg *response)
{
	struct slot *slot = state_slot();
	struct extract extract = { .reply = response != NULL ? response->rep : NULL };
	struct facts facts;

	if (slot == NULL || extract.reply == NULL || qstate->no_cache_store || extract.reply->an_numrrsets == 0)
		return;
	extract_client(&facts, NULL);
	if (!extract_question(&facts, &response->qinfo))
		return;
	extract_records(&facts, &extract);
	if (evaluate_denied_to_some(state_enter(slot), &facts))
		qstate->no_cache_store = 1;
	state_leave(slot);
}

static bool any_client_disables_checking(const struct module_qstate *qstate)
{
	for (const struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		if (reply->qflags & BIT_CD)
			return true;
	return false;
}

/* A BOGUS answer stays SERVFAIL whatever the policy says. Unbound makes it so itself, unless a client disabled
 * checking: that client must not get the denied answer either. */
static void deny_bogus(struct module_qstate *qstate, int id, struct verdict *verdict)
{
	verdict_demote(verdict);
	query_keep(qstate, id, verdict, true);
	if (any_client_disables_checking(qstate)) {
		qstate->return_msg = NULL;
		qstate->return_rcode = LDNS_RCODE_SERVFAIL;
	}
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

void enforce_answer(struct module_qstate *qstate, int id)
{
	struct slot *slot = state_slot();
	struct extract extract = { .reply = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL };
	struct verdict verdict;
	struct facts facts;

	finish(qstate, id);
	if (slot == NULL || !question_facts(&facts, qstate))
		return;
	extract.dnssec = facts.dnssec_ok;
	extract_records(&facts, &extract);
	evaluate_answer(state_enter(slot), &facts, &verdict);
	if (verdict.denied_to_some)
		apply_forget(qstate);
	if (must_part(qstate, &verdict)) {
		query_keep(qstate, id, &verdict, true);
		drop(qstate, id);
	} else if (!denied(&verdict)) {
		query_keep(qstate, id, &verdict, true);
	} else if (first_client(qstate) != NULL) {
		deny_answer(qstate, id, slot, &verdict);
	}
	state_leave(slot);
}
