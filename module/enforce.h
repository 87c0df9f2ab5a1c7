/*
 * enforce.h: the question guard, the response guard and the answer guard.
 *
 * They keep one promise: no answer that the policy denies leaves through the modules, and none of them enters a
 * shared cache. The question guard runs before anything is resolved, the response guard at each response from an
 * authoritative server, the answer guard on the final message, whatever made it: the iterator, a module below us, or
 * the guarded cache. The policy that is about to be in force counts too, in what may enter a shared cache.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_ENFORCE_H
#define MODULE_ENFORCE_H

#include "module/unbound.h"

#include "policy/conf.h"

/* Main thread, no worker runs. */
void enforce_start(const struct guard_conf *conf);

/* The guards. They set ext_state, and return_msg when they deny. */
void enforce_question(struct module_qstate *qstate, int id);
void enforce_answer(struct module_qstate *qstate, int id);

/* `response` came from an authoritative server and is not stored yet. */
void enforce_response(struct module_qstate *qstate, struct dns_msg *response, int id);

/* The state ends: what is counted for its client is given back. */
void enforce_clear(struct module_qstate *qstate, int id);

#endif
