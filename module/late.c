/* late.c: what was asked, and answered when nobody waited for it any more. */
#include "module/late.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "module/callbacks.h"
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

static __attribute__((noinline)) void look_at_late(struct module_qstate *qstate, struct mesh_reply *reply, int id)
{
	const struct unsent unsent = { rcode_for(qstate, reply->qflags), &reply->query_reply, &reply->edns,
		&reply->start_time };

	callbacks_unsent(qstate, &unsent, id);
}

/* Of its question nothing is left but the state's own. */
static __attribute__((noinline)) void look_at_left(struct module_qstate *qstate, const struct query *query, int id)
{
	struct comm_reply client;
	struct edns_data edns;
	const struct unsent unsent = { rcode_for(qstate, qstate->query_flags), &client, &edns, NULL };

	memset(&client, 0, sizeof(client));
	memset(&edns, 0, sizeof(edns));
	memcpy(&client.client_addr, &query->client, sizeof(query->client));
	client.client_addrlen = query->client_octets;
	callbacks_unsent(qstate, &unsent, id);
}

HOT void late_answers(struct module_qstate *qstate, int id)
{
	const struct query *query = query_get(qstate, id);
	struct mesh_reply *reply = first_client(qstate);

	if (qstate->is_drop || (qstate->ext_state[id] != module_finished && qstate->ext_state[id] != module_error))
		return;
	if (reply == NULL && query != NULL && query->client_octets != 0 && !query->told)
		look_at_left(qstate, query, id);
	for (; reply != NULL; reply = reply->next)
		if (is_late(qstate->env, reply))
			look_at_late(qstate, reply, id);
}
