/*
 * plain.h: what the guards need not judge, as they would find nothing.
 *
 * So it is for most questions under a policy of names alone, once no rule is about the name (`unlisted_in`): their
 * responses and answers hold addresses of that very name, or nothing. It is said here in a few instructions; whoever
 * gets false judges.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_PLAIN_H
#define MODULE_PLAIN_H

#include "module/unbound.h"

#include <stdbool.h>

/* Would the answer guard leave this response as it is? */
bool plain_response(const struct module_qstate *qstate, const struct dns_msg *response, int id);

/* Would it leave the state's answer as it is? If so, the state is noted as judged. */
bool plain_answer(const struct module_qstate *qstate, int id);

#endif
