/*
 * host.h: what the live side asks of the resolver that it lives in.
 *
 * control/ knows no Unbound. The module gives it this table; tests give it one of their own.
 *
 * Threads: all are called by the threads of control/, never by a worker, and may be called at the same time unless said
 * otherwise. They may wait, but no longer than said.
 */
#ifndef CONTROL_HOST_H
#define CONTROL_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "dnstap/tap.h"
#include "policy/action.h"
#include "policy/facts.h"
#include "policy/name.h"
#include "policy/snapshot.h"

/* One look at everything that is cached. */
struct sweep_report {
	uint64_t messages, messages_removed;
	uint64_t rrsets, rrsets_removed;
	uint64_t microseconds;            /* from the request to the end */
	uint64_t longest_slice_us;        /* that a worker spent in it without doing anything else */
	bool complete;                    /* false: gave up after a deadline, or no worker has run yet */
};

/* Sums over all workers, since the start of the process. */
struct host_counters {
	uint64_t answers[PATH_COUNT];
	uint64_t verdicts[ACTION_COUNT];
	uint64_t escaped;                 /* denied by the policy, but left the message cache */
	uint64_t failed;                  /* events that could not be handled for lack of memory or time */
	uint64_t budget_overruns;
	uint64_t unique_made, unique_refused;      /* states of their own; refused by unique-per-client */
	uint64_t guarded_hits, guarded_stores;     /* of the guarded cache */
	uint64_t guarded_messages, guarded_octets; /* in it now */
	uint64_t longest_answer_us;       /* that a worker spent in our code for one event; short ones are timed
	                                   * one in 16 */
	struct tap_counts tap;
};

struct control_host {
	void *arg;

	/* Puts `next` into force: (1) from now on what `next` denies to somebody is kept out of shared caches, too; (2)
	 * waits until every worker has noticed; (3) sweeps the caches with `next`; (4) publishes it, (5) waits until
	 * nobody uses the old one. Takes `next`; the old one is destroyed. Workers go on all the time. One call at a
	 * time. Under `report->complete` false the policy is in force and the rest of the sweep goes on by itself. */
	void (*publish)(void *arg, struct snapshot *next, struct sweep_report *report);

	/* Looks at everything cached with the policy in force. One call at a time, as publish. */
	void (*sweep)(void *arg, struct sweep_report *report);

	/* Removes a name (and with `below` all under it) from the shared caches and from the guarded cache. */
	void (*flush)(void *arg, const struct name *name, bool below, struct sweep_report *report);

	/* The policy in force, until unpin. At most one pin a thread, for milliseconds. */
	const struct snapshot *(*pin)(void *arg);
	void (*unpin)(void *arg);

	void (*counters)(void *arg, struct host_counters *to);

	/* Ends the files that frames are written to and begins new ones. False: there are none. NULL: likewise. */
	bool (*reopen)(void *arg);

	/* One line for the resolver's log. */
	void (*log)(void *arg, bool error, const char *text);
};

#endif
