/*
 * guarded.h: the second cache, for answers that not everybody may have.
 *
 * What some client is denied must stay out of Unbound's own caches, where no module is asked before an answer leaves.
 * It lives here, in a message cache and an RRset cache made by Unbound's own code, and is judged for its client at
 * each question. Sizes are options; Unbound's eviction, TTLs and locks apply. Nothing expired is ever served from it,
 * whatever serve-expired says: those answers would be older than the policy that let them in.
 *
 * Threads: workers, at the same time (the caches are Unbound's slabhashes). start and stop: main thread.
 */
#ifndef MODULE_GUARDED_H
#define MODULE_GUARDED_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/conf.h"
#include "policy/name.h"

/* False: no memory; then nothing is kept, and every such answer is resolved anew (as with a size of 0, which is no
 * error). `env` and `id` as init has them. */
bool guarded_start(struct module_env *env, int id, const struct guard_conf *conf);
void guarded_stop(void);

/* Was anything stored? Else nothing can be found. */
bool guarded_is_used(void);

/* The answer to the state's question, in its region, as return_msg would be, and *note as it was stored or NULL.
 * NULL: not there, expired, not validated yet though it must be, or no memory. What is found has to be judged before
 * anybody gets it. */
struct dns_msg *guarded_find(struct module_qstate *qstate, struct ub_packed_rrset_key **note);

/* Keeps return_msg of the state, which was resolved and validated as usual, with a note (module/servers_note.h) or
 * NULL; copied. False: it is nothing to keep: an error, BOGUS, TTL 0, an answer to a question without RD, something
 * that a module made for one client alone (response-ip, ECS); or no memory. Never call it with a reply of ours. */
bool guarded_store(struct module_qstate *qstate, struct ub_packed_rrset_key *note);

/* Removes a name, and with `below` all under it. Any thread of ours or a worker. How many messages went. */
size_t guarded_flush(const struct name *name, bool below);

void guarded_count(size_t *messages, size_t *octets);

#endif
