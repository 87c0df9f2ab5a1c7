/* usual.c: the short way of most answers. */
#include "module/usual.h"

#include "module/extract.h"
#include "module/live_host.h"
#include "module/wakeup.h"
#include "policy/evaluate.h"
#include "policy/hot.h"

/* Apart: one in eight. */
static __attribute__((noinline)) void count_hit(struct facts *facts, const struct comm_reply *repinfo,
	const struct timeval *start_time, struct slot *slot)
{
	extract_address(&facts->client, &repinfo->client_addr, repinfo->client_addrlen);
	live_hit(live_host_live(), slot->hits, facts, start_time->tv_sec);
}

static void count(struct slot *slot, enum answer_path path, const struct name *qname, uint16_t qtype)
{
	state_number(slot);
	state_note(slot, path, ACTION_ALLOW);
	live_note_question(live_host_live(), slot->index, qname, qtype, "");
}

/* No rule is about it. */
static bool is_plain(const struct facts *facts, const struct slot *slot)
{
	const bool plain = evaluate_is_plain(state_enter(slot), facts);

	state_leave(slot);
	return plain;
}

HOT bool usual_cached(const struct query_info *qinfo, const struct reply_info *reply, const struct comm_reply *repinfo,
	const struct timeval *start_time)
{
	struct slot *slot = state_slot();
	struct extract extract;
	struct facts facts;
	uint64_t ordinal;
	bool wanted;

	if (slot == NULL || repinfo == NULL || qinfo == NULL || reply == NULL || start_time == NULL)
		return false;
	ordinal = slot->counter + 1;
	wakeup_register_client(repinfo);
	if (state_takes_plain(ordinal) || !extract_question(&facts, qinfo))
		return false;
	extract.reply = reply;
	extract_records(&facts, &extract);
	wanted = live_detects(live_host_live(), &facts, PATH_CACHED, ordinal);
	if (wanted && (!detect_is_hit(&facts, PATH_CACHED) || slot->hits == NULL))
		return false;
	if (!is_plain(&facts, slot))
		return false;
	if (wanted)
		count_hit(&facts, repinfo, start_time, slot);
	count(slot, PATH_CACHED, &facts.qname, facts.qtype);
	return true;
}

HOT bool usual_resolved(const struct query *query, const struct module_qstate *qstate, const struct query_info *qinfo,
	struct slot *slot)
{
	if (!query->judged || query->verdict != NULL || query->qname == NULL || qinfo != &qstate->qinfo ||
	    state_tells() || state_hides() || live_has_detectors(live_host_live()))
		return false;
	count(slot, PATH_RESOLVED, query->qname, qinfo->qtype);
	return true;
}
