/*
 * callbacks.h: Unbound's in-place callbacks: every answer on its way out, every response on its way in.
 *
 * Unbound ignores what they return: they look, add the EDE option, and emit the frame. On the cached path the answer
 * is a shared cache entry under a read lock: nothing here writes to it or looks into a cache.
 *
 * Threads: run by workers, at the same time.
 */
#ifndef MODULE_CALLBACKS_H
#define MODULE_CALLBACKS_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/verdict.h"

/* False: no memory; nothing stays registered. */
bool callbacks_register(struct module_env *env, int id);
void callbacks_unregister(struct module_env *env, int id);

/* The clients that wait for `qstate`, or the one that has left, will get no answer: one frame each, with the verdict. */
void callbacks_dropped(struct module_qstate *qstate, int id, const struct verdict *verdict);

/* The client that waits with `reply`, or has left, would have got the state's answer, with `rcode`, and gets none: all is
 * done for it that is done for an answer that leaves. */
void callbacks_unsent(struct module_qstate *qstate, struct mesh_reply *reply, int rcode, int id);

#endif
