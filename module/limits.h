/*
 * limits.h: how long judging one answer may take, what becomes of what could not be judged, and what was spent.
 *
 * A judge that finds its time used up stops where it is. What it had not denied by then was not judged: with `fail:
 * open` it goes out, with `fail: closed` the client gets SERVFAIL; in no case does it enter a shared cache.
 *
 * Threads: workers; limits_start: main thread, no worker runs.
 */
#ifndef MODULE_LIMITS_H
#define MODULE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "module/state.h"
#include "policy/conf.h"

/* Copies what it needs. */
void limits_start(const struct guard_conf *conf);

bool limits_fail_closed(void);
uint32_t limits_unique_per_client(void);

/* The time of one event. */
struct budget {
	uint64_t start_ns;    /* 0: not timed, or not yet */
	unsigned ticks;
	bool over;            /* something was left unjudged */
};

void budget_begin(struct budget *budget, struct slot *slot);

/* Once for each small piece of work. True: it has to stop here. Looks at the clock now and then. */
bool budget_tick(struct budget *budget);

/* Notes what was spent, if that was timed. */
void budget_end(const struct budget *budget, struct slot *slot);

/* Why an answer could not be judged, or a judged one not be made or not be told of in full. */
enum failure { FAILURE_NO_SLOT, FAILURE_NAME, FAILURE_MEMORY, FAILURE_TIME, FAILURE_COUNT };

/* Counts it, in `slot` unless that is NULL; the log says it once for each cause. */
void failure_note(struct slot *slot, enum failure failure);

#endif
