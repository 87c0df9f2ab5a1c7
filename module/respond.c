/* respond.c: makes a query state end as its verdict says. */
#include "module/respond.h"

#include <string.h>

#include "module/apply.h"
#include "module/callbacks.h"
#include "module/garden.h"
#include "module/limits.h"
#include "policy/hot.h"

/* What is kept of a verdict that there is no memory for: what is done, not by which rule. Written while no worker runs. */
static struct verdict forgotten[ACTION_COUNT];

void respond_start(void)
{
	for (unsigned i = 0; i < ACTION_COUNT; i++) {
		verdict_init(&forgotten[i]);
		forgotten[i].action = (enum action)i;
	}
}

/* Where another module has said so already, it is not ours to take back. */
HOT void query_unshare(struct module_qstate *qstate, int id)
{
	struct query *query = qstate->no_cache_store ? NULL : query_make(qstate, id);

	qstate->no_cache_store = 1;
	if (query != NULL)
		query->unshared = true;
}

HOT void query_keep(struct module_qstate *qstate, int id, const struct verdict *verdict, enum ede_mode ede)
{
	const bool plain = verdict->action == ACTION_ALLOW && verdict->shadow.trigger == TRIGGER_NONE &&
		verdict->group_name[0] == '\0';
	struct query *query = query_make(qstate, id);
	struct verdict *kept;

	if (query == NULL)
		return;
	query->judged = true;
	query->ede = ede;
	query->traits = verdict->traits;
	query->verdict = NULL;
	if (plain)
		return;
	kept = regional_alloc(qstate->region, sizeof(*kept));
	if (kept == NULL) {
		failure_note(state_slot(), FAILURE_MEMORY);
		query->verdict = verdict->action != ACTION_ALLOW ? &forgotten[verdict->action] : NULL;
		return;
	}
	verdict_copy(kept, verdict);
	kept->data = NULL;
	query->verdict = kept;
}

/* Nor an expired answer instead: on SERVFAIL Unbound looks for one. */
void respond_servfail(struct module_qstate *qstate)
{
	qstate->no_cache_lookup = 1;
	qstate->return_msg = NULL;
	qstate->return_rcode = LDNS_RCODE_SERVFAIL;
}

static void no_memory(struct module_qstate *qstate, struct slot *slot)
{
	failure_note(slot, FAILURE_MEMORY);
	respond_servfail(qstate);
}

void respond_drop(struct module_qstate *qstate, int id, const struct verdict *verdict)
{
	callbacks_dropped(qstate, id, verdict);
	apply_drop(qstate);
}

HOT void respond_deny(struct module_qstate *qstate, int id, struct slot *slot, const struct verdict *verdict,
	const struct reply_info *chain)
{
	struct query *query = query_get(qstate, id);

	respond_finish(qstate, id);
	/* Another state resolves with this message, so it must stay: the clients' retries get states of their own. */
	if (verdict->action == ACTION_DROP || qstate->mesh_info->super_set.count != 0) {
		respond_drop(qstate, id, verdict);
		return;
	}
	if (query == NULL) {
		no_memory(qstate, slot);
		return;
	}
	switch (garden_start(qstate, id, verdict, chain, &query->garden)) {
	case GARDEN_NONE:
		if (!apply_denial(qstate, verdict, chain))
			no_memory(qstate, slot);
		return;
	case GARDEN_WAITS:
		qstate->return_msg = NULL;
		return;
	case GARDEN_FAILED:
		no_memory(qstate, slot);
		return;
	}
}

static bool any_client_disables_checking(const struct module_qstate *qstate)
{
	for (const struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		if (reply->qflags & BIT_CD)
			return true;
	return false;
}

void respond_bogus(struct module_qstate *qstate)
{
	if (any_client_disables_checking(qstate))
		respond_servfail(qstate);
}

void respond_inform(const struct module_qstate *done, int id, struct module_qstate *waiting)
{
	struct query *query = query_get(waiting, id);

	if (query != NULL && query->garden != NULL)
		garden_inform(query->garden, done, waiting);
}

HOT bool respond_waited(struct module_qstate *qstate, int id)
{
	struct query *query = query_get(qstate, id);

	if (query == NULL || query->garden == NULL)
		return false;
	if (!garden_is_done(query->garden)) {
		qstate->ext_state[id] = module_wait_subquery;
		return true;
	}
	respond_finish(qstate, id);
	if (!garden_finish(query->garden, qstate))
		no_memory(qstate, state_slot());
	return true;
}
