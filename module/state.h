/*
 * state.h: what one process keeps, whatever Unbound reloads.
 *
 * The library is linked -z nodelete, so these statics outlive `unbound-control reload`: the last good configuration
 * and snapshot, the boot id, each worker's counters. A worker claims a slot at its first event after a (re)load; the
 * slots' counters run on.
 *
 * A policy is put into force in steps (module/live_host.c): it is announced, workers keep out of shared caches what
 * it denies, the caches are swept, and only then it replaces the old one.
 *
 *   who          | calls                                     | needs outside synchronisation with
 *   main thread  | state_start, state_stop                   | workers (Unbound runs none then)
 *   worker       | state_slot, state_enter, state_leave ...  | nobody
 *   own thread   | state_announce, state_replace             | each other
 *   own thread   | state_pin, state_unpin, state_count       | nobody
 */
#ifndef MODULE_STATE_H
#define MODULE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/host.h"
#include "dnstap/tap.h"
#include "policy/diag.h"
#include "policy/conf.h"
#include "policy/facts.h"
#include "policy/snapshot.h"
#include "policy/verdict.h"

#define STATE_SLOTS_MAX TAP_WORKERS_MAX

/* One worker's own; written by that worker alone. */
struct slot {
	_Alignas(64) uint64_t counter;          /* answers, hence frame numbers */
	uint16_t index;
	struct match_memo *memo;                /* owned; NULL: none, or no memory. Set while no worker runs */
	struct detect_hits *hits;               /* likewise */
	uint64_t answers[PATH_COUNT];
	uint64_t verdicts[ACTION_COUNT];
	uint64_t escaped;                       /* denied by the policy, but on a path that no module can stop */
	uint64_t failed;                        /* events that could not be handled for lack of memory or time */
	uint64_t budget_overruns;               /* of those, for lack of time */
	uint64_t events;                        /* of the guards and callbacks, one in 16 of which is timed; what need not
	                                         * be judged takes no time worth telling and is none */
	uint64_t longest_us;                    /* spent in one of those, or in a long one */
	uint64_t unique_made, unique_refused;   /* states of their own; over the cap of a client */
	uint64_t guarded_hits, guarded_stores;  /* of the guarded cache */
};

/* Of each worker. Looked at for every answer, so without a call, for which the C library keeps some room in libraries
 * that are loaded late; others do not. */
#ifdef __GLIBC__
#define WORKER_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
#else
#define WORKER_LOCAL _Thread_local
#endif

/* After a policy was put into force: hands out slots anew, and starts the tap for that many workers. 0, or -1 with *diag set: no frames. */
int state_start(const struct conf *conf, unsigned threads, struct diag *diag);

/* Is there a policy in force, from this or an earlier load? */
bool state_running(void);

/* Workers have ended: stops the tap. The policy stays for the case that the next load fails. */
void state_stop(void);

/* The calling worker's slot; NULL when there are more threads than slots. */
struct slot *state_slot(void);

/* The policy, for the time until state_leave; not nested. */
const struct snapshot *state_enter(const struct slot *slot);
void state_leave(const struct slot *slot);

/* Between state_enter and state_leave: the policy about to be in force, or NULL. What it denies to somebody has to
 * stay out of shared caches, too: else it would be found there once the policy is in force. It gives no verdicts
 * yet. */
const struct snapshot *state_next(const struct slot *slot);

/* Is an answer to a question that no rule of that policy is about (policy/verdict.h) a plain allow for everybody, as long
 * as no record of it leads to another name, and would it still be under the policy about to be in force? At any time:
 * no policy is held. An answer that is stored after that is what wakeup_barrier waits for, as for one that was judged. */
bool state_is_plain(uint64_t unlisted_in);

/* From now on state_next gives `next` (borrowed until state_replace). Waits until no worker is inside an evaluation
 * that did not know it; false: not after `timeout_ms`. */
bool state_announce(struct snapshot *next, unsigned timeout_ms);

/* Puts `next` into force, which was announced, and takes it. Returns the old one, owned and used by nobody any more;
 * NULL when there was none, or when a worker has not let go of it after `timeout_ms` (then it is given up). */
struct snapshot *state_replace(struct snapshot *next, unsigned timeout_ms);

/* The policy in force, for a thread of ours, for milliseconds: it holds up state_replace. NULL: none yet. */
const struct snapshot *state_pin(void);
void state_unpin(void);

/* The number of the next answer: call once for each. */
struct frame_number state_number(struct slot *slot);

/* Does the frames mode want a frame of it? If not, the event needs no times. */
bool state_takes(const struct slot *slot, const struct event *event);

/* Does it want one of a plain allow with that number? If not, state_note is all that such an answer needs. */
bool state_takes_plain(uint64_t ordinal);

/* Does anybody get frames? If not, state_note is all that any answer needs. */
bool state_tells(void);

/* Counts an answer that gets no frame. */
void state_note(struct slot *slot, enum answer_path path, enum action action);

/* Is there any client that frames do not show as it is? Else the event needs no privacy. */
bool state_hides(void);

/* Gives the event to the tap if the frames mode wants it. */
void state_emit(struct slot *slot, struct event *event);

/* Files of frames are ended and new ones begun. False: there are none. */
bool state_reopen(void);

/* Octets of memory held; cheap. */
size_t state_octets(void);

/* Sums over all slots and the tap; the guarded cache is left out. */
void state_count(struct host_counters *to);

/* One line for the log, after state_stop: what was counted since the start. */
void state_summary(char *to, size_t cap);

#endif
