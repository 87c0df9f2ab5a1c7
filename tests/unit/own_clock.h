/*
 * own_clock.h: the steady clock of everything in a test's program, where the test decides what time it is: then nothing
 * that is allowed so and so often happens once more because the machine was busy.
 *
 * In the place of the library's clock_gettime; CLOCK_MONOTONIC alone: waits (poll, condition variables) take their time
 * still. It goes, until it is stopped.
 *
 * Threads: any.
 */
#ifndef TESTS_UNIT_OWN_CLOCK_H
#define TESTS_UNIT_OWN_CLOCK_H

#include <stdint.h>

/* Stands from now on, a little ahead: late enough for every "so long ago" of a machine that has just started. */
void own_clock_stop(void);

/* Only while it stands. */
void own_clock_move(int64_t ms);

void own_clock_go(void);

#endif
