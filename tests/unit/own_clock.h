/*
 * own_clock.h: the clocks of everything in a test's program, where the test decides what time it is: then nothing that is
 * allowed so and so often happens once more, and nothing ends early, because the machine was busy.
 *
 * In the place of the library's clock_gettime and time. Waits (poll, condition variables) take their time still. All
 * clocks go, until they are stopped.
 *
 * Threads: any.
 */
#ifndef TESTS_UNIT_OWN_CLOCK_H
#define TESTS_UNIT_OWN_CLOCK_H

#include <stdint.h>

/* The steady clocks stand from now on, a little ahead: late enough for every "so long ago" of a machine that has just
 * started. */
void own_clock_stop(void);

/* Only while they stand. */
void own_clock_move(int64_t ms);

void own_clock_go(void);

/* How far the clock on the wall is ahead; it goes on from there. */
void own_clock_put_on(int64_t seconds);

#endif
