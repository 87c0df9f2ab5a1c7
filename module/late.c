/* late.c: what was asked, and answered too late. */
#include "module/late.h"

#include <stdbool.h>
#include <stdint.h>

#include "module/callbacks.h"
#include "policy/hot.h"

#if UNBOUND_DISCARDS_LATE_ANSWERS

/* As mesh_query_done reckons, which comes next and has the same time. */
static bool is_late(const struct module_env *env, const struct mesh_reply *reply)
{
	const struct timeval *now = env->now_tv, *then = &reply->start_time;
	const int64_t waited_us = (int64_t)(now->tv_sec - then->tv_sec) * 1000000 + now->tv_usec - then->tv_usec;

	return waited_us / 1000 > env->cfg->discard_timeout;
}

/* As mesh_send_reply has it, which takes what was not validated for BOGUS. */
static bool is_bogus(const struct module_env *env, const struct mesh_reply *reply, const struct reply_info *message)
{
	return env->need_to_validate && (!(reply->qflags & BIT_CD) || env->cfg->ignore_cd) &&
		(message->security <= sec_status_bogus || message->security == sec_status_secure_sentinel_fail);
}

/* The response code that this client would have got. */
static int rcode_for(const struct module_qstate *qstate, const struct mesh_reply *reply)
{
	const struct dns_msg *message = qstate->return_msg;

	if (message == NULL || message->rep == NULL)
		return qstate->return_rcode != LDNS_RCODE_NOERROR ? qstate->return_rcode : LDNS_RCODE_SERVFAIL;
	return is_bogus(qstate->env, reply, message->rep) ? LDNS_RCODE_SERVFAIL : qstate->return_rcode;
}

HOT void late_answers(struct module_qstate *qstate, int id)
{
	if (qstate->env->cfg->discard_timeout == 0 || qstate->is_drop ||
	    (qstate->ext_state[id] != module_finished && qstate->ext_state[id] != module_error))
		return;
	for (struct mesh_reply *reply = qstate->mesh_info->reply_list; reply != NULL; reply = reply->next)
		if (is_late(qstate->env, reply))
			callbacks_unsent(qstate, reply, rcode_for(qstate, reply), id);
}

#else

void late_answers(struct module_qstate *qstate, int id)
{
	(void)qstate;
	(void)id;
}

#endif
