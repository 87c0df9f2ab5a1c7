/* enforce.c: where Unbound comes to the guards. */
#include "module/enforce.h"

#include "module/clients.h"
#include "module/extract.h"
#include "module/guarded.h"
#include "module/https.h"
#include "module/judge.h"
#include "module/left.h"
#include "module/limits.h"
#include "module/plain.h"
#include "module/respond.h"
#include "module/servers_note.h"
#include "policy/evaluate.h"
#include "policy/hot.h"
#include "policy/https.h"

void enforce_start(const struct guard_conf *conf)
{
	limits_start(conf);
	clients_start();
	respond_start();
}

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

/* False: it has its answer already. */
static bool resolve(struct judge *judge)
{
	if (guarded_is_used() && answer_from_guarded(judge))
		return false;
	judge_take_over(judge);
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
		judge->slot) == CLIENTS_MOVED) {
		query->told = true;
		respond_finish(judge->qstate, judge->id);
	}
}

/* Most names are in no list, and most policies have nothing but names: then no verdict need be made. */
static HOT bool is_plain(struct judge *judge)
{
	const bool may_be_blocked = https_is_record(judge->facts.qtype) &&
		snapshot_options(judge->snapshot)->https == HTTPS_BLOCK;
	const uint64_t unlisted_in = judge->next == NULL && !may_be_blocked ?
		evaluate_end_plain(judge->snapshot, &judge->facts, &judge->start) : 0;

	judge_note_unlisted(judge, unlisted_in);
	return unlisted_in != 0;
}

/* By rules, or by what else a policy may have. */
static __attribute__((noinline)) void judge_question(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct policy_options *options = snapshot_options(judge->snapshot);
	const bool asked = first_client(qstate) != NULL;
	bool differs;

	if (judge_next(judge, NULL))
		query_unshare(qstate, judge->id);
	judge_for(judge, first_client(qstate));
	judge->facts.servers = NULL;
	/* What the caches know already suffices where nobody wants to wait for more. */
	if (!options->nsip_wait_recurse && !options->nsdname_wait_recurse)
		servers_attach(&judge->servers, &judge->facts, qstate, NULL, judge->snapshot);
	evaluate_question(judge->snapshot, &judge->facts, &judge->verdict);
	if (judge_is_https_blocked(judge->snapshot, &judge->facts, &judge->verdict))
		judge_block_https(judge);
	differs = judge->verdict.differs;
	if (judge->verdict.denied_to_some)
		query_unshare(qstate, judge->id);
	if (asked && is_denied(&judge->verdict) && judge->verdict.final) {
		judge_keep_question(judge);
		respond_deny(qstate, judge->id, judge->slot, &judge->verdict, NULL);
		return;
	}
	judge_note_unlisted(judge, judge->verdict.unlisted_in);
	if (resolve(judge) && asked && differs)
		be_alone(judge);
}

HOT void enforce_question(struct module_qstate *qstate, int id)
{
	struct judge judge;

	qstate->ext_state[id] = module_wait_module;
	if (!judge_begin(&judge, qstate, id, &qstate->qinfo)) {
		judge_not(qstate);
		if (qstate->return_rcode != LDNS_RCODE_NOERROR)
			respond_finish(qstate, id);
		return;
	}
	evaluate_begin(judge.snapshot, &judge.facts, judge.slot->memo, &judge.start);
	/* Other letters make no new name, and would carry a bit each. Clients get theirs back out of copies of Unbound's. */
	if (snapshot_options(judge.snapshot)->folds_case)
		query_dname_tolower(qstate->qinfo.qname);
	/* Makes the record, too, which either the verdict or its absence will need. */
	left_note(qstate, id);
	if (is_plain(&judge))
		resolve(&judge);
	else
		judge_question(&judge);
	judge_end(&judge);
}

HOT void enforce_clear(struct module_qstate *qstate, int id)
{
	struct query *query = query_get(qstate, id);

	if (query != NULL)
		clients_release(&query->share);
	qstate->minfo[id] = NULL;
}

/* --- answers and responses -------------------------------------------------------------------------------------- */

/* Apart: it needs much stack. */
static __attribute__((noinline)) void guard_answer(struct module_qstate *qstate, int id)
{
	struct judge judge;

	if (!judge_begin(&judge, qstate, id, &qstate->qinfo)) {
		judge_not(qstate);
		return;
	}
	judge_answer(&judge);
	judge_end(&judge);
}

HOT void enforce_answer(struct module_qstate *qstate, int id)
{
	respond_finish(qstate, id);
	if (!plain_answer(qstate, id))
		guard_answer(qstate, id);
}

/* With QNAME minimisation a response can be about a name above the one that is looked for, and its NXDOMAIN answers
 * for that one too. */
static bool is_wanted_denied(const struct module_qstate *qstate, const struct query_info *asked,
	const struct snapshot *snapshot)
{
	const struct iter_qstate *iter = extract_iterator(qstate);
	struct verdict verdict;
	struct facts facts;

	if (iter == NULL || iter->qchase.qname == NULL || extract_is_same_name(&iter->qchase, asked))
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

/* Delegations lead to answers and are none: what is below a name that somebody is denied would else be looked for
 * from the root each time. */
static bool is_referral(const struct reply_info *reply)
{
	bool leads_on = false;

	if (reply->an_numrrsets != 0 || FLAGS_GET_RCODE(reply->flags) != LDNS_RCODE_NOERROR || (reply->flags & BIT_AA))
		return false;
	for (size_t i = 0; i < reply->ns_numrrsets; i++) {
		if (reply->rrsets[i]->rk.type == htons(LDNS_RR_TYPE_SOA))
			return false;
		leads_on |= reply->rrsets[i]->rk.type == htons(LDNS_RR_TYPE_NS);
	}
	return leads_on;
}

static __attribute__((noinline)) void guard_response(struct module_qstate *qstate, struct dns_msg *response, int id)
{
	const struct query *query = query_get(qstate, id);
	const bool unshared = query != NULL && query->unshared;
	struct judge judge;

	if (!judge_begin(&judge, qstate, id, &response->qinfo)) {
		query_unshare(qstate, id);
		return;
	}
	judge.extract.reply = response->rep;
	extract_records(&judge.facts, &judge.extract);
	if (is_referral(response->rep))
		qstate->no_cache_store = unshared ? 0 : qstate->no_cache_store;
	else if (is_response_apart(&judge, response) || unshared)
		query_unshare(qstate, id);
	judge_end(&judge);
}

HOT void enforce_response(struct module_qstate *qstate, struct dns_msg *response, int id)
{
	if (response != NULL && response->rep != NULL && !plain_response(qstate, response, id))
		guard_response(qstate, response, id);
}
