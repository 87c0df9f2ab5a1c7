/* own_clock.c: a steady clock that a test moves. */
#include "tests/unit/own_clock.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_MS 100000

static _Atomic int64_t stands_at_ms;   /* 0: it goes */

int clock_gettime(clockid_t clock, struct timespec *now)
{
	const int64_t at_ms = stands_at_ms;

	if (clock != CLOCK_MONOTONIC || at_ms == 0)
		return (int)syscall(SYS_clock_gettime, clock, now);
	*now = (struct timespec){ .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };
	return 0;
}

void own_clock_stop(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	stands_at_ms = (int64_t)now.tv_sec * 1000 + AHEAD_MS;
}

void own_clock_move(int64_t ms)
{
	stands_at_ms += ms;
}

void own_clock_go(void)
{
	stands_at_ms = 0;
}
