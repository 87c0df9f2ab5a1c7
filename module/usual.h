/*
 * usual.h: answers that are for everybody and that nobody is to be told of. Most are, so they have a short way of their
 * own: they are counted.
 *
 * False: it is not one of those, nothing was counted, and it has to be looked at as a whole.
 *
 * Threads: workers.
 */
#ifndef MODULE_USUAL_H
#define MODULE_USUAL_H

#include <stdbool.h>

#include "module/unbound.h"

#include "module/respond.h"
#include "module/state.h"

/* From the message cache; its arguments as Unbound gives them to the callback. */
bool usual_cached(const struct query_info *qinfo, const struct reply_info *reply, const struct comm_reply *repinfo,
	const struct timeval *start_time);

/* It had to be resolved, and the guards have seen it. */
bool usual_resolved(const struct query *query, const struct module_qstate *qstate, const struct query_info *qinfo,
	struct slot *slot);

#endif
