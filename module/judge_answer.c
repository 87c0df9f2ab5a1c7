/* judge_answer.c: the answer guard: one message, and each client that waits for it. */
#include "module/judge.h"

#include <string.h>

#include "module/clients.h"
#include "module/https.h"
#include "module/left.h"
#include "module/respond.h"
#include "policy/evaluate.h"

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
	struct query *query = query_get(judge->qstate, judge->id);

	if (!clients_move(judge->qstate, client, clients_class(judge->snapshot, &judge->facts)))
		return false;
	if (query != NULL)
		query->told = true;
	return true;
}

/* Clients of different classes have joined a state that was not theirs. One answer serves those that get what the
 * first one gets; but when another state resolves with this message, it must stay as it is, and serves who may have
 * it. The verdict is then that of those who are left. False: somebody could not be sent away. */
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
			verdict_copy(&judge->verdict, &verdict);
			first = false;
			continue;
		}
		/* Whom there is no time left for is judged where it goes. */
		if ((first || judge->budget.over || !is_same_answer(&verdict, &judge->verdict)) &&
		    !send_away(judge, client))
			return false;
	}
	return true;
}

/* A BOGUS answer stays SERVFAIL whatever the policy says. Unbound makes it so itself, unless a client disabled
 * checking: that client must not get the denied answer either. */
static void answer_bogus(struct judge *judge)
{
	const bool denied = is_denied(&judge->verdict) || judge->verdict.differs;

	verdict_demote(&judge->verdict);
	judge_keep(judge);
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
		judge_block_https(judge);
		judge_keep(judge);
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
	const bool stays = has_supers(judge->qstate);

	if (reply != NULL && reply->security == sec_status_bogus &&
	    (is_denied(&judge->verdict) || judge->verdict.differs)) {
		answer_bogus(judge);
		return;
	}
	if (!part_clients(judge)) {
		judge_keep(judge);
		respond_drop(judge->qstate, judge->id, &judge->verdict);
		return;
	}
	judge_keep(judge);
	if (first_client(judge->qstate) != NULL ? stays : !left_is(judge->qstate, judge->id))
		return;
	if (is_denied(&judge->verdict))
		respond_deny(judge->qstate, judge->id, judge->slot, &judge->verdict, reply);
	else if (has_https && !stays)
		strip_https(judge);
}

/* For the first client, or the one that has left. Where the question has said it all, nobody need be told apart. */
static void judge_first(struct judge *judge, const struct reply_info *reply, bool guarded)
{
	struct left left;

	if (!guarded)
		servers_attach(&judge->servers, &judge->facts, judge->qstate, reply, judge->snapshot);
	if (evaluate_is_known_plain(judge->snapshot, &judge->facts)) {
		verdict_init(&judge->verdict);
		return;
	}
	judge_for(judge, left_make(&left, judge->qstate, judge->id) ? &left.reply : first_client(judge->qstate));
	evaluate_answer(judge->snapshot, &judge->facts, &judge->verdict);
}

void judge_answer(struct judge *judge)
{
	struct module_qstate *qstate = judge->qstate;
	const struct query *query = query_get(qstate, judge->id);
	const struct reply_info *reply = reply_of(qstate);
	const bool has_https = reply != NULL && https_has_more(judge->snapshot, reply);
	const bool guarded = query != NULL && query->guarded;
	bool apart;

	judge->extract.reply = reply;
	extract_records(&judge->facts, &judge->extract);
	apart = has_https || (query != NULL && query->unshared) || (!guarded && judge_next(judge, reply));
	judge_first(judge, reply, guarded);
	if (judge_is_https_blocked(judge->snapshot, &judge->facts, &judge->verdict))
		judge_block_https(judge);
	if (apart || judge->verdict.denied_to_some || judge->budget.over)
		judge_keep_apart(judge);
	else
		judge_share(judge);
	if (judge->budget.over && !is_denied(&judge->verdict)) {
		judge_keep(judge);
		judge_not(qstate);
		return;
	}
	answer_clients(judge, has_https);
}
