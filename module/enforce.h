/*
 * enforce.h: the question guard and the answer guard.
 *
 * Both keep one promise: no answer that the policy denies leaves through the modules, and none of them enters a
 * shared cache. The question guard runs before anything is resolved, the response guard at each response from an
 * authoritative server, the answer guard on the final message, whatever made it.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_ENFORCE_H
#define MODULE_ENFORCE_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/verdict.h"

/* What the module keeps of one query state (minfo), in its region. */
struct query {
	bool judged;                  /* the answer guard, or a denial by the question guard, has spoken */
	struct verdict *verdict;      /* NULL: plain allow */
	struct mesh_reply *last;      /* the client that was answered last */
	bool guarded;                 /* the answer is from the guarded cache */
	struct garden *garden;        /* NULL: does not wait for the target of a CNAME of ours */
};

/* The state's record; NULL when there is none. */
struct query *query_get(struct module_qstate *qstate, int id);

/* The guards. They set ext_state, and return_msg when they deny. */
void enforce_question(struct module_qstate *qstate, int id);
void enforce_answer(struct module_qstate *qstate, int id);

/* A sub-query that `waiting` may wait for is done. */
void enforce_inform(const struct module_qstate *done, int id, struct module_qstate *waiting);

/* The state waited for a sub-query: the denial is answered now. False: it did not wait. */
bool enforce_waited(struct module_qstate *qstate, int id);

/* `response` came from an authoritative server and is not stored yet. */
void enforce_response(struct module_qstate *qstate, struct dns_msg *response);

#endif
