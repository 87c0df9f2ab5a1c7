/*
 * respond.h: what becomes of a query state once the verdict is known: the denial's answer, none at all, or SERVFAIL.
 *
 * Threads: the worker that owns the query state; respond_start: main thread, no worker runs.
 */
#ifndef MODULE_RESPOND_H
#define MODULE_RESPOND_H

#include "module/unbound.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "module/clients.h"
#include "module/state.h"
#include "policy/conf.h"
#include "policy/verdict.h"

/* What the module keeps of one query state (minfo), in its region. */
struct query {
	bool judged;                  /* the answer guard, or a denial by the question guard, has spoken */
	bool unshared;                /* we keep what comes out of the shared caches (no_cache_store) */
	bool guarded;                 /* the answer is from the guarded cache */
	uint64_t unlisted_in;         /* of the question: see policy/verdict.h */
	bool stores;                  /* what everybody may have is stored by us: see judge_share */
	uint8_t traits;               /* of the question's name, as the verdict has them */
	bool told;                    /* of a client that asked, or it waits in another state: see left.h */
	uint8_t client_octets;        /* of `client`; 0: nobody asked */
	struct sockaddr_in6 client;   /* who was there first; of either family */
	const struct comm_point *point;   /* where it came in; may serve another client by now */
	enum ede_mode ede;            /* of the client's group */
	const struct verdict *verdict;   /* NULL: plain allow */
	const struct name *qname;     /* the question's, where the verdict has it; NULL: not known */
	struct mesh_reply *last;      /* the client that was answered last */
	struct garden *garden;        /* NULL: does not wait for the target of a CNAME of ours */
	struct client_share share;
	struct name name;             /* the question's, once `unlisted_in` is set; till then as memory was */
};

void respond_start(void);

/* The state's record; NULL when there is none. */
static inline struct query *query_get(const struct module_qstate *qstate, int id)
{
	return qstate->minfo[id];
}

/* The same, made if need be. NULL: no memory. */
static inline struct query *query_make(struct module_qstate *qstate, int id)
{
	struct query *query = qstate->minfo[id];

	if (query != NULL)
		return query;
	query = regional_alloc(qstate->region, sizeof(*query));
	if (query != NULL)
		memset(query, 0, offsetof(struct query, name));
	qstate->minfo[id] = query;
	return query;
}

/* Nothing of the state enters a shared cache from here on. */
void query_unshare(struct module_qstate *qstate, int id);

/* Keeps what is worth telling about a verdict; a plain allow needs no memory. Where there is none, the action is kept and
 * the rule is not. */
void query_keep(struct module_qstate *qstate, int id, const struct verdict *verdict, enum ede_mode ede);

/* Is there a client, as opposed to a sub-query, a prefetch or a look-up of Unbound's own? */
static inline struct mesh_reply *first_client(const struct module_qstate *qstate)
{
	return qstate->mesh_info->reply_list;
}

static inline bool is_denied(const struct verdict *verdict)
{
	return action_table[verdict->action].denies;
}

/* This module is done with the state. */
static inline void respond_finish(struct module_qstate *qstate, int id)
{
	qstate->ext_state[id] = module_finished;
}

/* SERVFAIL, never the denied answer. */
void respond_servfail(struct module_qstate *qstate);

/* Nobody of those that wait gets an answer, by that verdict. */
void respond_drop(struct module_qstate *qstate, int id, const struct verdict *verdict);

/* Answers what is denied to all that wait, of which `chain` is known (NULL: nothing). The state is finished, or waits
 * for a sub-query. The verdict is kept already. */
void respond_deny(struct module_qstate *qstate, int id, struct slot *slot, const struct verdict *verdict,
		  const struct reply_info *chain);

/* A BOGUS answer that may not be had is SERVFAIL for who disabled checking, too: Unbound sees to the others. */
void respond_bogus(struct module_qstate *qstate);

/* A sub-query that `waiting` may wait for is done. */
void respond_inform(const struct module_qstate *done, int id, struct module_qstate *waiting);

/* The state waited for a sub-query: the denial is answered now. False: it did not wait. */
bool respond_waited(struct module_qstate *qstate, int id);

#endif
