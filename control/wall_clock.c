/* wall_clock.c: the clock against the time since boot. */
#include "control/wall_clock.h"

#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define JUMP_MS 60000                /* clocks are put on and back; they are slewed by less */
#define NEVER_S INT32_MAX            /* the most that any machine counts; in 2038 it ends once, and goes on telling */

static int64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t wall_clock_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

static int64_t apart_ms(void)
{
	return wall_clock_ms() - clock_ms(CLOCK_BOOTTIME);
}

void wall_clock_init(struct wall_clock *clock)
{
	const struct itimerspec never = { .it_value = { .tv_sec = NEVER_S } };

	clock->apart_ms = apart_ms();
	clock->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (clock->fd >= 0)
		timerfd_settime(clock->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

void wall_clock_fini(struct wall_clock *clock)
{
	if (clock->fd >= 0)
		close(clock->fd);
	clock->fd = -1;
}

int64_t wall_clock_jumped(struct wall_clock *clock)
{
	uint64_t ended;
	/* Before the clock is looked at: what comes later wakes again. */
	const ssize_t got = clock->fd >= 0 ? read(clock->fd, &ended, sizeof(ended)) : 0;
	const int64_t apart = apart_ms(), jumped = apart - clock->apart_ms;

	(void)got;
	if (jumped > -JUMP_MS && jumped < JUMP_MS)
		return 0;
	clock->apart_ms = apart;
	return jumped / 1000;
}
