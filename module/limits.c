/* limits.c: the clock of an event, and the failures. */
#include "module/unbound.h"

#include "module/limits.h"
#include "policy/hot.h"

#include <stdatomic.h>
#include <time.h>

/* Records between two looks at the clock: some ten microseconds. */
#define TICKS_PER_LOOK 32u
/* Reading the clock costs as much as finding a name: short events are timed now and then, long ones always. */
#define EVENTS_PER_LOOK 16u

static struct {
	uint64_t budget_ns;            /* 0: no limit */
	uint32_t unique_per_client;
	bool fail_closed;
} limits;                              /* set while no worker runs */

void limits_start(const struct guard_conf *conf)
{
	limits.budget_ns = (uint64_t)conf->answer_budget * 1000;
	limits.unique_per_client = conf->unique_per_client;
	limits.fail_closed = conf->fail == FAIL_CLOSED;
}

bool limits_fail_closed(void)
{
	return limits.fail_closed;
}

uint32_t limits_unique_per_client(void)
{
	return limits.unique_per_client;
}

/* No system call: the vDSO answers. */
static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

HOT void budget_begin(struct budget *budget, struct slot *slot)
{
	*budget = (struct budget){ .start_ns = ++slot->events % EVENTS_PER_LOOK == 0 ? now_ns() : 0 };
}

bool budget_tick(struct budget *budget)
{
	uint64_t now;

	if (budget->over || limits.budget_ns == 0 || ++budget->ticks % TICKS_PER_LOOK != 0)
		return budget->over;
	now = now_ns();
	if (budget->start_ns == 0)
		budget->start_ns = now;
	budget->over = now - budget->start_ns > limits.budget_ns;
	return budget->over;
}

HOT void budget_end(const struct budget *budget, struct slot *slot)
{
	uint64_t spent_us;

	if (budget->start_ns == 0)
		return;
	spent_us = (now_ns() - budget->start_ns) / 1000;
	if (spent_us > slot->longest_us)
		slot->longest_us = spent_us;
	if (budget->over) {
		slot->budget_overruns++;
		failure_note(slot, FAILURE_TIME);
	}
}

RARE void failure_note(struct slot *slot, enum failure failure)
{
	static const char *const causes[FAILURE_COUNT] = {
		[FAILURE_NO_SLOT] = "more threads ask than num-threads says",
		[FAILURE_NAME] = "a name is not valid",
		[FAILURE_MEMORY] = "out of memory",
		[FAILURE_TIME] = "judging an answer took longer than answer-budget",
	};
	static atomic_flag said[FAILURE_COUNT];

	if (slot != NULL)
		slot->failed++;
	if (!atomic_flag_test_and_set_explicit(&said[failure], memory_order_relaxed))
		log_err("unbound-verdict: %s; counted from now on, and not said again", causes[failure]);
}
