/*
 * wakeup.h: running something on a worker, and knowing that every worker has come round.
 *
 * A worker registers an eventfd with its own event base at its first operate(). When one of our threads writes to it, the
 * worker calls back from its event loop, when it is in the middle of nothing. That gives
 *   - slices: work on Unbound's caches that only a worker may do, a fraction of a millisecond at a time, other events
 *     in between (the eventfd is left readable until the work is done);
 *   - a barrier: once every registered worker has called back, whatever any of them had judged before, it has also
 *     stored, or never will: what is still waiting for an answer then (a validator stores late) is kept out of the shared
 *     caches. A worker that has never run operate has judged nothing.
 *
 *   who         | calls                                              | needs outside synchronisation with
 *   worker      | wakeup_register, wakeup_register_client            | nobody
 *   main thread | wakeup_start, wakeup_stop                          | workers: none may be running
 *   own thread  | wakeup_run, wakeup_barrier                         | nobody; one call at a time
 */
#ifndef MODULE_WAKEUP_H
#define MODULE_WAKEUP_H

#include "module/unbound.h"

#include <stdbool.h>

/* Before workers run. False: no memory or no descriptors; then slices run in operate() only. */
bool wakeup_start(void);

/* After the workers have ended (their event bases are gone with them): forgets all of them. */
void wakeup_stop(void);

/* At the beginning of operate(): one compare when the worker is registered already. */
void wakeup_register(struct module_env *env);

/* The same in the callbacks of answers on their way out, which know no env: a worker that has nothing but cached answers
 * to give could sweep them, too. Runs nothing. */
void wakeup_register_client(const struct comm_reply *repinfo);

/* Calls `slice` on one worker again and again until it returns true (done). False: not done after `timeout_ms`, or no
 * worker is registered; no call is running or comes any more then. */
bool wakeup_run(bool (*slice)(void *arg, struct module_env *env), void *arg, unsigned timeout_ms);

/* Waits until every registered worker has come round. False: not after `timeout_ms`. */
bool wakeup_barrier(unsigned timeout_ms);

#endif
