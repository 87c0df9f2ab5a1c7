/* late.c: what was asked, and answered when nobody waited for it any more. */
#include "module/late.h"

#include <stdbool.h>
#include <stdint.h>

#include "module/callbacks.h"
#include "module/left.h"
#include "module/respond.h"
#include "policy/hot.h"

/* As mesh_query_done reckons, which comes next and has the same time. */
static bool is_late(const struct module_env *env, const struct mesh_reply *reply)
{
#if UNBOUND_DISCARDS_LATE_ANSWERS
	const struct timeval *now = env->now_tv, *then = &reply->start_time;
	const int64_t waited_us = (int64_t)(now->tv_sec - then->tv_sec) * 1000000 + now->tv_usec - then->tv_usec;

	return env->cfg->discard_timeout != 0 && waited_us / 1000 > env->cfg->discard_timeout;
#else
	(void)env;
	(void)reply;
	return false;
#endif
}

/* As mesh_send_reply has it, which takes what was not validated for BOGUS. */
static bool is_bogus(const struct module_env *env, unsigned flags, const struct reply_info *message)
{
	return env->need_to_validate && (!(flags & BIT_CD) || env->cfg->ignore_cd) &&
		(message->security <= sec_status_bogus || message->security == sec_status_secure_sentinel_fail);
}

/* The response code that a client with these flags would have got. */
static int rcode_for(const struct module_qstate *qstate, unsigned flags)
{
	const struct dns_msg *message = qstate->return_msg;

	if (message == NULL || message->rep == NULL)
		return qstate->return_rcode != LDNS_RCODE_NOERROR ? qstate->return_rcode : LDNS_RCODE_SERVFAIL;
	return is_bogus(qstate->env, flags, message->rep) ? LDNS_RCODE_SERVFAIL : qstate->return_rcode;
}

/* Apart: it needs some stack. */
static __attribute__((noinline)) void look_at_left(struct module_qstate *qstate, int id)
{
	struct left left;

	if (left_make(&left, qstate, id))
		callbacks_unsent(qstate, &left.reply, rcode_for(qstate, left.reply.qflags), id);
}

HOT void late_answers(struct module_qstate *qstate, int id)
{
	struct mesh_reply *reply = first_client(qstate);

	if (qstate->is_drop || (qstate->ext_state[id] != module_finished && qstate->ext_state[id] != module_error))
		return;
	if (reply == NULL)
		look_at_left(qstate, id);
	for (; reply != NULL; reply = reply->next)
		if (is_late(qstate->env, reply))
			callbacks_unsent(qstate, reply, rcode_for(qstate, reply->qflags), id);
}
