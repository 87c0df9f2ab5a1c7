/*
 * upstream.h: names that the configuration sends somewhere: forwards and stubs.
 *
 * Newer releases of Unbound keep both behind a lock that all workers share; it is held for the length of a call.
 *
 * Threads: a worker, with its own env; or the main thread in init.
 */
#ifndef MODULE_UPSTREAM_H
#define MODULE_UPSTREAM_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/name.h"

/* Where workers make both for themselves there are none in init: makes them for `env`, a copy that the caller destroys with
 * upstream_fini. Without memory there are none. */
void upstream_init(struct module_env *env);
void upstream_fini(struct module_env *env);

/* Is the name forwarded? `class` is in host order, here and below. */
bool upstream_is_forwarded(struct module_env *env, const struct name *name, uint16_t class);

/* The labels of the stub at or above the name; UINT8_MAX: it is forwarded; 0: neither. */
uint8_t upstream_configured_labels(struct module_env *env, const struct name *name, uint16_t class);

/* Shows the stub at or above the name; what it is shown may not be kept, nor a cache looked into. False: there is none. */
bool upstream_visit_stub(struct module_env *env, const struct name *name, uint16_t class,
			 void (*visit)(void *arg, const struct delegpt *stub), void *arg);

#endif
