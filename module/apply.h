/*
 * apply.h: turning a denial into the answer that a client gets.
 *
 * Everything is built in the query state's region and never stored in a cache. A synthetic answer has the security
 * status `insecure` (anything else is SERVFAIL to the validator's rules, or would set AD).
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_APPLY_H
#define MODULE_APPLY_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/verdict.h"

/* Replaces the answer of `qstate` by what the denying `verdict` asks for. The CNAME records of `chain` (the answer so
 * far, or NULL) that lead from the qname to the denied name stay in front. verdict->data must still be borrowed
 * from a held snapshot. False: no memory, *qstate untouched. Not for ACTION_DROP. */
bool apply_denial(struct module_qstate *qstate, const struct verdict *verdict, const struct reply_info *chain);

/* Leaves the clients that wait for `qstate` without an answer; over a connection that closes it. */
void apply_drop(struct module_qstate *qstate);

/* Takes `qstate` out of the aggregation of equal questions, so that nobody joins it. Nothing happens when another
 * state waits for it. */
void apply_unique(struct module_qstate *qstate);

/* Removes the message of this question from the message cache, in every form it can be stored, and the wildcards that
 * its records are from out of the RRset cache. */
void apply_forget(struct module_qstate *qstate);

/* An EDE option (RFC 8914) in `region`, put in front of *list without changing what is behind it. */
bool apply_ede(struct edns_option **list, int16_t code, const char *text, size_t length, struct regional *region);

#endif
