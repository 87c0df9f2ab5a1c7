/*
 * wall_clock.h: tells that somebody has put the clock on or back.
 *
 * By what it shows against the time since the machine booted, which goes on while that sleeps; and at once, by a timer that
 * the kernel ends when the clock is put (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
 *
 * Threads: one.
 */
#ifndef CONTROL_WALL_CLOCK_H
#define CONTROL_WALL_CLOCK_H

#include <stdint.h>

struct wall_clock {
	int fd;                      /* can be read from when the clock was put; -1: nothing tells, and asking does */
	int64_t apart_ms;            /* of the clock and the time since boot, as of the last jump */
};

void wall_clock_init(struct wall_clock *clock);
void wall_clock_fini(struct wall_clock *clock);

int64_t wall_clock_ms(void);

/* By how many seconds it has been put since the last call, back: negative. 0: by less than a minute, as when it is slewed. */
int64_t wall_clock_jumped(struct wall_clock *clock);

#endif
