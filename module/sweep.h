/*
 * sweep.h: the policy guard: takes out of Unbound's caches what a policy denies to somebody.
 *
 * Walks the message cache and the RRset cache bin by bin in slices of at most SWEEP_SLICE_US on a worker
 * (module/wakeup.h), judging with evaluate_denied_to_some and evaluate_question as the response guard does. What must go
 * is collected and removed with no lock held: an expired entry would not do, serve-expired serves those. Unbound's lock
 * order is kept: table, then bin, then entry; RRsets of a message by rrset_array_lock under the entry.
 *
 * Threads: slices run on a worker. sweep_all is for init: no worker runs.
 */
#ifndef MODULE_SWEEP_H
#define MODULE_SWEEP_H

#include "module/unbound.h"

#include <stdbool.h>

#include "control/host.h"
#include "policy/name.h"
#include "policy/snapshot.h"

#define SWEEP_SLICE_US 250

/* What goes: all that `snapshot` denies to somebody; or, when `name` is set, that name (and all `below` it). */
struct sweep_goal {
	const struct snapshot *snapshot;   /* borrowed; kept alive by the caller until the sweep returns */
	const struct name *name;           /* borrowed; NULL: by snapshot */
	bool below;
};

/* From a thread of ours: waits for the end, at most `timeout_ms`. Also sweeps the guarded cache for a `name`. */
void sweep_request(const struct sweep_goal *goal, unsigned timeout_ms, struct sweep_report *report);

/* In init, where the caches of `env` may have been kept by reload_keep_cache. */
void sweep_all(struct module_env *env, const struct sweep_goal *goal, struct sweep_report *report);

#endif
