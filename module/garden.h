/*
 * garden.h: denials that send a client to another name, whose records have to be resolved first.
 *
 * Unbound chases no CNAME that a module returns. So the state waits for a sub-query for the target, with the client's
 * type, and then answers with the CNAME and what the target has. The target is resolved as Unbound itself would: it
 * is judged by no list, so there is no loop between lists. Its records lose their signatures, and the answer is never
 * stored.
 *
 * As BIND has it (RPZ rewriting restarts the query with the target): NXDOMAIN and NODATA of the target are those of
 * the answer, behind the CNAME; a target that cannot be resolved, or is bogus, is SERVFAIL without records.
 *
 * Threads: the worker that owns the query state.
 */
#ifndef MODULE_GARDEN_H
#define MODULE_GARDEN_H

#include "module/unbound.h"

#include <stdbool.h>

#include "policy/verdict.h"

struct garden;   /* in the region of the waiting state */

enum garden_start {
	GARDEN_NONE,      /* nothing to resolve: the answer can be made at once */
	GARDEN_WAITS,     /* ext_state is set; garden_inform and garden_finish follow */
	GARDEN_FAILED     /* no memory, or the target waits for this state */
};

/* Begins the answer to what `verdict` denies, of which `chain` is known (NULL: nothing). *garden is set when it
 * waits. verdict->data must still be borrowed from a held snapshot; nothing of the verdict is kept. */
enum garden_start garden_start(struct module_qstate *qstate, int id, const struct verdict *verdict,
			       const struct reply_info *chain, struct garden **garden);

/* A sub-query is done: takes a copy of its answer into the region of the waiting state, if it is the garden's. */
void garden_inform(struct garden *garden, const struct module_qstate *done, struct module_qstate *waiting);

bool garden_is_done(const struct garden *garden);

/* Makes the answer. False: no memory, *qstate untouched. */
bool garden_finish(const struct garden *garden, struct module_qstate *qstate);

#endif
