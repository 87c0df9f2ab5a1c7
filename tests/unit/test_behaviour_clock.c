/* test_behaviour_clock.c: the clock is put, and the detectors go with it. */
#include "control/behaviour.h"

#include "tests/unit/behaving.h"

static _Atomic int64_t put_on_s;    /* how far somebody has put the clock */

/* In the place of the library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	const long result = syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += put_on_s;
	return (int)result;
}

static _Atomic int put_fd = -1;     /* by which the kernel says so */

static _Atomic bool unless_woken;    /* the thread is not to look by itself */

/* The detectors' thread is the one that waits for two things for a minute. */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	const struct timespec timeout = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L };
	const bool forever = timeout_ms < 0 || (unless_woken && count == 2 && timeout_ms == 60000);

	return (int)syscall(SYS_ppoll, fds, count, forever ? NULL : &timeout, NULL, 0);
}

/* No test puts the machine's clock. */
int timerfd_create(clockid_t clock, int flags)
{
	assert_int_equal(clock, CLOCK_REALTIME);
	assert_int_equal(flags, TFD_NONBLOCK | TFD_CLOEXEC);
	put_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return put_fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
	assert_int_equal(fd, put_fd);
	assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	assert_true(at->it_value.tv_sec > 0 && before == NULL);
	return 0;
}
static int64_t since(void)
{
	struct detect_part parts[DETECT_PARTS];
	int64_t since_s;

	detect_parts(behaviour_detect(behaviour), parts, &since_s);
	return since_s;
}

/* Slewing moves less than a minute, and is no reason to count anew. */
static void warm_up_goes_on_where_the_clock_is_put(void **state)
{
	static const struct { int64_t on_s, lived_s; const char *why; } rows[] = {
		{ INT64_C(30) * 365 * 86400, 0, "a machine without a clock gets the time" },
		{ 2 * 86400, 0, "it is put on by days" },
		{ -INT64_C(3600), 0, "it is put back" },
		{ 30, 30, "it is slewed" },
	};
	const int64_t began = (start(), since());

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int64_t before = since(), wanted = before + rows[i].on_s - rows[i].lived_s;

		put_on_s += rows[i].on_s;
		for (unsigned waited = 0; since() != wanted && waited < PATIENCE_MS; waited += 20) {
			behaviour_act_by(behaviour, NULL, NULL);
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		}
		/* The clocks are read one after the other. */
		if (llabs(since() - wanted) > 1)
			fail_msg("%s: %lld for %lld", rows[i].why, (long long)since(), (long long)wanted);
	}
	assert_true(since() > began);
	put_on_s = 0;
	stop();
}

/* The second time it waits already. */
static void a_clock_that_is_put_wakes_the_thread(void **state)
{
	const int64_t by_s = INT64_C(15) * 365 * 86400;
	const uint64_t one = 1;
	int64_t before;

	(void)state;
	forget();
	unless_woken = true;
	start();
	before = since();
	for (int64_t time = 1; time <= 2; time++) {
		put_on_s += by_s;
		assert_int_equal(write(put_fd, &one, sizeof(one)), sizeof(one));
		for (unsigned waited = 0; since() < before + time * by_s - 1 && waited < PATIENCE_MS; waited += 20)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
		assert_true(llabs(since() - before - time * by_s) <= 1);
	}
	unless_woken = false;
	put_on_s = 0;
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DETECTORS(warm_up_goes_on_where_the_clock_is_put),
		WITH_DETECTORS(a_clock_that_is_put_wakes_the_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
