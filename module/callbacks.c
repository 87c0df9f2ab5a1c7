/* callbacks.c: sees every answer that leaves, says why in an EDE, and tells the tap. */
#include "module/callbacks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "module/answering.h"
#include "module/apply.h"
#include "module/enforce.h"
#include "module/left.h"
#include "module/limits.h"
#include "module/servers.h"
#include "module/live_host.h"
#include "module/state.h"
#include "module/usual.h"
#include "module/wakeup.h"
#include "policy/evaluate.h"
#include "policy/group.h"
#include "policy/hot.h"

/* False: no name to speak of. */
static bool answer_question(struct answer *answer, const struct query_info *qinfo, const struct comm_reply *repinfo)
{
	if (answer->query != NULL && answer->query->qname != NULL && qinfo == &answer->qstate->qinfo) {
		extract_question_of(&answer->facts, qinfo, answer->query->qname);
		return true;
	}
	if (qinfo != NULL)
		return extract_question(&answer->facts, qinfo);
	answer->path = PATH_CHAOS;
	return repinfo->c->buffer != NULL && extract_packet_question(&answer->facts, repinfo->c->buffer);
}

/* One verdict may serve clients of several groups; each frame says its own. */
static void answer_regroup(struct answer *answer, struct slot *slot)
{
	const struct snapshot *snapshot;
	unsigned group;

	if (answer->verdict->group_name[0] == '\0')
		return;
	snapshot = state_enter(slot);
	group = evaluate_group(snapshot, &answer->facts);
	if (group != answer->verdict->group) {
		if (answer->verdict != &answer->own)
			verdict_copy(&answer->own, answer->verdict);
		answer->verdict = &answer->own;
		answer->own.group = (uint8_t)group;
		snprintf(answer->own.group_name, sizeof(answer->own.group_name), "%s",
			group_name(snapshot_groups(snapshot), group));
	}
	state_leave(slot);
}

/* The guards have judged what went through the modules; the rest is judged here, too late to deny it. */
static void answer_judge(struct answer *answer, const struct query *query, struct slot *slot)
{
	const struct path_info *path = &path_table[answer->path];

	if (query != NULL && query->judged && query->verdict != NULL && path->can_be_denied) {
		answer->verdict = query->verdict;
		answer_regroup(answer, slot);
		return;
	}
	answer->verdict = &answer->own;
	if (query != NULL && query->judged && query->verdict != NULL)
		verdict_copy(&answer->own, query->verdict), answer_regroup(answer, slot);
	else if (query != NULL && query->judged)
		verdict_init(&answer->own), answer->own.traits = query->traits;
	else
		evaluate_answer(state_enter(slot), &answer->facts, &answer->own), state_leave(slot);
	answer->own.data = NULL;
	if (verdict_demote(&answer->own) && (answer->path == PATH_CACHED || answer->path == PATH_RESOLVED)) {
		slot->escaped++;
		live_note_escape(live_host_live());
	}
}

/* Octets for the text, NUL included. An EDE that does not fit beside the question makes Unbound send TC and nothing
 * else. What the client takes over UDP is not known here: Unbound has written its own size over it. 512 octets always
 * pass. */
static size_t ede_room(const struct answer *answer, size_t cap)
{
	/* header, question, SOA with compressed names, OPT, option and info code */
	const size_t others = LDNS_HEADER_SIZE + answer->facts.qname.length + 4 + 64 + 11 + 6;
	const struct comm_point *point = answer->repinfo->c;

	if (point == NULL || point->type != comm_udp || cap <= 512 - others)
		return cap;
	return 512 - others + 1;
}

/* Adds the EDE to what the client gets, if it does (`options`), and to what the frame says. */
static void answer_explain(struct answer *answer, enum ede_mode mode, char *text, size_t cap,
	struct edns_option **options, struct regional *region, struct slot *slot)
{
	const struct verdict *verdict = answer->verdict;
	char incident[FRAME_NUMBER_TEXT_MAX];
	size_t length;

	if (options == NULL || !action_table[verdict->action].denies || verdict->rule.ede == EDE_NONE || !answer->edns->edns_present ||
	    mode == EDE_MODE_NONE)
		return;
	text[0] = '\0';
	length = mode == EDE_MODE_CODE ? 0 : verdict_ede_text(verdict,
		frame_number_text(&answer->event.number, incident), text, ede_room(answer, cap));
	if (!apply_ede(options, verdict->rule.ede, text, length, region)) {
		failure_note(slot, FAILURE_MEMORY);
		return;
	}
	answer->event.ede = verdict->rule.ede;
	answer->event.ede_text = text;
}

/* Behind the verdict, which it cannot change: whoever decides on behaviour decides on what comes next. */
static HOT __attribute__((noinline)) void answer_look(struct answer *answer, struct slot *slot, unsigned traits)
{
	struct sight sight = { .facts = &answer->facts, .path = answer->path, .traits = traits,
		.ordinal = slot->counter, .security = answer->security, .behind = &answer->behind, .hits = slot->hits };
	struct servers servers;
	struct timespec *now = &answer->looked;

	clock_gettime(CLOCK_REALTIME, now);
	sight.now_ms = (int64_t)now->tv_sec * 1000 + now->tv_nsec / 1000000;
	/* On this path Unbound holds no lock of a cache. */
	if (answer->path == PATH_RESOLVED && answer->qstate != NULL)
		servers_attach_late(&servers, &answer->facts, answer->qstate, answer->extract.reply);
	behind_init(&answer->behind);
	live_detect(live_host_live(), snapshot_options(state_enter(slot)), &sight, &answer->detections);
	state_leave(slot);
	answer->facts.servers = NULL;
}

static HOT void answer_detect(struct answer *answer, struct slot *slot)
{
	const struct verdict *verdict = answer->verdict;
	struct event *event = &answer->event;

	if (answer->looked.tv_sec == 0) {
		/* What was made here says nothing of anybody's behaviour. */
		if (action_table[verdict->action].denies ||
		    !live_detects(live_host_live(), &answer->facts, answer->path, slot->counter))
			return;
		answer_look(answer, slot, verdict->traits | (verdict->action == ACTION_PASS ? TRAIT_APPROVED : TRAIT_NONE));
	}
	/* The frame says the time that the detectors were told, so that they can be told again. */
	event->response_time = answer->looked;
	if (answer->detections.count > 0)
		event->detections = &answer->detections;
	if (answer->behind.has_servers || answer->behind.security != SECURITY_UNKNOWN)
		event->behind = &answer->behind;
}

static HOT void answer_emit(struct answer *answer, struct slot *slot)
{
	struct live *live = live_host_live();

	if (answer->event.response_time.tv_sec == 0 &&
	    (state_takes(slot, &answer->event) || live_takes(live, answer->verdict)))
		clock_gettime(CLOCK_REALTIME, &answer->event.response_time);
	if (state_hides())
		answering_hide(answer, slot);
	state_emit(slot, &answer->event);
	if (answer->path != PATH_CHAOS)
		live_note_question(live, slot->index, &answer->facts.qname, answer->facts.qtype,
			answer->verdict->group_name);
	live_note_verdict(live, slot->index, answer->verdict);
	live_note_denial(live, slot->index, &answer->event);
}

static void answer_records(struct answer *answer, const struct reply_info *reply, int rcode)
{
	const bool absolute = answer->path == PATH_CACHED;
	const bool error = answer->path == PATH_SERVFAIL || (answer->path == PATH_RESOLVED && rcode != 0);

	answer->security = answering_security(reply);
	answer->extract.reply = error ? NULL : reply;
	answer->extract.now = absolute && answer->start_time != NULL ? answer->start_time->tv_sec : 0;
	answer->extract.dnssec = answer->edns->edns_present && (answer->edns->bits & EDNS_DO);
	answer->extract.all = false;
	answer->extract.budget = NULL;
	extract_records(&answer->facts, &answer->extract);
	if (answer->extract.reply == NULL)
		answer->facts.rcode = (uint16_t)rcode;
}

/* Apart: it needs some stack. */
static __attribute__((noinline)) void answer_note_verdict(struct answer *answer, struct edns_option **options,
	struct regional *region, struct slot *slot)
{
	char text[EDE_TEXT_MAX];

	answer_explain(answer, answer->query->ede, text, sizeof(text), options, region, slot);
	live_note_verdict(live_host_live(), slot->index, answer->verdict);
}

/* What the guards have judged and nobody is to be told of needs its EDE and its place in the counts, no more: its
 * records are not looked at. */
static HOT bool answer_quietly(struct answer *answer, struct edns_option **options, struct regional *region,
	struct slot *slot)
{
	const struct query *query = answer->query;
	struct live *live = live_host_live();

	if (query == NULL || !query->judged || !path_table[answer->path].can_be_denied || state_tells() || state_hides())
		return false;
	answer->verdict = query->verdict;
	if (answer->verdict != NULL && (answer->verdict->group_name[0] != '\0' || live_takes(live, answer->verdict)))
		return false;
	if ((answer->verdict == NULL || !is_denied(answer->verdict)) &&
	    live_detects(live, &answer->facts, answer->path, slot->counter))
		return false;
	state_note(slot, answer->path, answer->verdict != NULL ? answer->verdict->action : ACTION_ALLOW);
	live_note_question(live, slot->index, &answer->facts.qname, answer->facts.qtype, "");
	if (answer->verdict != NULL)
		answer_note_verdict(answer, options, region, slot);
	return true;
}

/* Most answers that had to be resolved are for everybody, and detectors have nothing to say of them: where frames do not
 * show all, nobody reads the rest. */
static HOT bool answer_is_usual(struct answer *answer, struct slot *slot)
{
	const struct query *query = answer->query;
	struct live *live = live_host_live();

	if (query == NULL || !query->judged || query->verdict != NULL || !path_table[answer->path].can_be_denied ||
	    state_hides() || state_takes_plain(slot->counter))
		return false;
	if (live_detects(live, &answer->facts, answer->path, slot->counter)) {
		extract_address(&answer->facts.client, &answer->repinfo->client_addr, answer->repinfo->client_addrlen);
		answer->facts.servers = NULL;
		answer_look(answer, slot, query->traits);
		if (answer->detections.count > 0 && state_tells())
			return false;
	}
	state_note(slot, answer->path, ACTION_ALLOW);
	live_note_question(live, slot->index, &answer->facts.qname, answer->facts.qtype, "");
	return true;
}

/* All that can be asked of an answer. */
static HOT __attribute__((noinline)) void answer_fully(struct answer *answer, struct edns_option **options,
	struct regional *region, struct slot *slot)
{
	struct query *query = answer->query;
	struct mesh_reply *reply = NULL;
	char text[EDE_TEXT_MAX];

	extract_client(&answer->facts, answer->repinfo);
	answering_event(answer);
	answer->event.unsent = options == NULL;
	if (answer->qstate != NULL)
		reply = answering_client(answer->qstate, query, answer->repinfo);
	answering_header(&answer->event, reply, answer->repinfo);
	answer->facts.dnssec_ok = answer->event.edns_do;
	answer->facts.recursion_desired = answer->event.query_flags & BIT_RD;
	answering_flags(answer);
	answer_judge(answer, query, slot);
	answer_explain(answer, query != NULL ? query->ede : EDE_MODE_TEXT, text, sizeof(text), options, region, slot);
	answer->event.verdict = answer->verdict;
	answer_detect(answer, slot);
	answer_emit(answer, slot);
}

static HOT int on_answer(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *reply, int rcode,
	struct edns_data *edns, struct edns_option **options, struct comm_reply *repinfo, struct regional *region,
	struct timeval *start_time, int id, void *path)
{
	struct query *query = qstate != NULL ? query_get(qstate, id) : NULL;
	struct slot *slot = state_slot();
	struct budget budget;
	struct answer answer;

	if (slot == NULL || repinfo == NULL)
		return 1;
	if (query != NULL)
		query->told = true;
	if (query != NULL && (enum answer_path)(uintptr_t)path == PATH_RESOLVED &&
	    usual_resolved(query, qstate, qinfo, slot))
		return 1;
	budget_begin(&budget, slot);
	wakeup_register_client(repinfo);
	answer.path = (enum answer_path)(uintptr_t)path;
	answer.qstate = qstate;
	answer.query = query;
	answer.edns = edns;
	answer.repinfo = repinfo;
	answer.start_time = start_time;
	answer.looked.tv_sec = 0;
	if (!answer_question(&answer, qinfo, repinfo)) {
		failure_note(slot, FAILURE_NAME);
		return 1;
	}
	answer.facts.rcode = (uint16_t)rcode;
	answer.event.number = state_number(slot);
	if (!answer_quietly(&answer, options, region, slot)) {
		answer_records(&answer, reply, rcode);
		if (!answer_is_usual(&answer, slot))
			answer_fully(&answer, options, region, slot);
	}
	budget_end(&budget, slot);
	return 1;
}

static HOT int on_cached(struct query_info *qinfo, struct module_qstate *qstate, struct reply_info *reply, int rcode,
	struct edns_data *edns, struct edns_option **options, struct comm_reply *repinfo, struct regional *region,
	struct timeval *start_time, int id, void *path)
{
	return usual_cached(qinfo, reply, repinfo, start_time) ? 1 :
		on_answer(qinfo, qstate, reply, rcode, edns, options, repinfo, region, start_time, id, path);
}

static void tell_dropped(struct answer *answer, const struct mesh_reply *reply, struct slot *slot)
{
	answer->edns = &reply->edns;
	answer->repinfo = &reply->query_reply;
	answer->start_time = &reply->start_time;
	if (!answer_question(answer, &answer->qstate->qinfo, answer->repinfo))
		return;
	extract_client(&answer->facts, answer->repinfo);
	answering_event(answer);
	answer->event.number = state_number(slot);
	answer->event.verdict = answer->verdict;
	answering_header(&answer->event, reply, answer->repinfo);
	answer_emit(answer, slot);
}

void callbacks_dropped(struct module_qstate *qstate, int id, const struct verdict *verdict)
{
	struct answer answer = { .path = PATH_DROPPED, .qstate = qstate, .query = query_get(qstate, id), .verdict = verdict };
	struct slot *slot = state_slot();
	struct left left;

	if (slot == NULL)
		return;
	if (left_make(&left, qstate, id))
		tell_dropped(&answer, &left.reply, slot);
	for (struct mesh_reply *reply = first_client(qstate); reply != NULL; reply = reply->next)
		tell_dropped(&answer, reply, slot);
	if (answer.query != NULL)
		answer.query->told = true;
}

void callbacks_unsent(struct module_qstate *qstate, struct mesh_reply *reply, int rcode, int id)
{
	struct reply_info *message = qstate->return_msg != NULL ? qstate->return_msg->rep : NULL;
	const enum answer_path path = rcode == LDNS_RCODE_SERVFAIL ? PATH_SERVFAIL : PATH_RESOLVED;

	on_answer(&qstate->qinfo, qstate, message, rcode, &reply->edns, NULL, &reply->query_reply, qstate->region,
		&reply->start_time, id, (void *)(uintptr_t)path);
}

static int on_response(struct module_qstate *qstate, struct dns_msg *response, int id, void *arg)
{
	(void)arg;
	enforce_response(qstate, response, id);
	return 1;
}

static const struct {
	enum inplace_cb_list_type type;
	enum answer_path path;
	inplace_cb_reply_func_type *callback;
} hooks[] = {
	{ inplace_cb_reply, PATH_RESOLVED, on_answer },
	{ inplace_cb_reply_cache, PATH_CACHED, on_cached },
	{ inplace_cb_reply_local, PATH_LOCAL, on_answer },
	{ inplace_cb_reply_servfail, PATH_SERVFAIL, on_answer },
};

/* Unbound's whitelist of function pointers takes callbacks through dynlibmod's wrapper only. */
bool callbacks_register(struct module_env *env, int id)
{
	const struct dynlibmod_env *dynlib = env->modinfo[id];
	bool done = true;

	for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		done = done && dynlib->inplace_cb_register_wrapped((void *)hooks[i].callback, hooks[i].type,
			(void *)(uintptr_t)hooks[i].path, env, id);
	done = done && dynlib->inplace_cb_register_wrapped((void *)on_response, inplace_cb_query_response, NULL, env, id);
	if (!done)
		callbacks_unregister(env, id);
	return done;
}

void callbacks_unregister(struct module_env *env, int id)
{
	const struct dynlibmod_env *dynlib = env->modinfo[id];

	for (unsigned i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		dynlib->inplace_cb_delete_wrapped(env, hooks[i].type, id);
	dynlib->inplace_cb_delete_wrapped(env, inplace_cb_query_response, id);
}
