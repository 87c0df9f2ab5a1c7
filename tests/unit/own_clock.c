/* own_clock.c: steady clocks that a test moves, and a wall clock that it puts on. */
#include "tests/unit/own_clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_S 100

static _Atomic bool stands;
static _Atomic int64_t monotonic_s, boottime_s;   /* where they stand, */
static _Atomic int64_t moved_ms;                  /* and how far they were moved since */
static _Atomic int64_t put_on_s;

static int64_t seconds_of(clockid_t clock)
{
	struct timespec now;

	syscall(SYS_clock_gettime, clock, &now);
	return (int64_t)now.tv_sec;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	const bool is_steady = clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME;
	const long result = syscall(SYS_clock_gettime, clock, now);
	const int64_t ms = moved_ms;

	if (is_steady && stands)
		*now = (struct timespec){ .tv_sec = (clock == CLOCK_MONOTONIC ? monotonic_s : boottime_s) + ms / 1000,
			.tv_nsec = ms % 1000 * 1000000 };
	if (clock == CLOCK_REALTIME)
		now->tv_sec += put_on_s;
	return (int)result;
}

time_t time(time_t *to)
{
	const time_t now = (time_t)(seconds_of(CLOCK_REALTIME) + put_on_s);

	if (to != NULL)
		*to = now;
	return now;
}

void own_clock_stop(void)
{
	monotonic_s = seconds_of(CLOCK_MONOTONIC) + AHEAD_S;
	boottime_s = seconds_of(CLOCK_BOOTTIME) + AHEAD_S;
	moved_ms = 0;
	stands = true;
}

void own_clock_move(int64_t ms)
{
	moved_ms += ms;
}

void own_clock_go(void)
{
	stands = false;
}

void own_clock_put_on(int64_t seconds)
{
	put_on_s = seconds;
}
