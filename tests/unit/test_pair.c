/* test_pair.c: the rhythm in which a client asks for a zone. */
#include "detect/pair.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define START INT64_C(1700000000000)
#define DAY_S 86400
#define INTERVALS_MAX 8u

/* Times from one question to the next, in seconds, as many as are not 0. */
static struct pair ask_after(const double intervals[INTERVALS_MAX])
{
	struct pair pair = { .count = 0 };
	int64_t now_ms = START;

	pair_note(&pair, now_ms);
	for (unsigned i = 0; i < INTERVALS_MAX && intervals[i] != 0; i++) {
		now_ms += (int64_t)(intervals[i] * 1000);
		pair_note(&pair, now_ms);
	}
	return pair;
}

static void an_interval_is_a_day_at_the_most(void **state)
{
	static const struct {
		double intervals[INTERVALS_MAX];
		uint32_t count;
		float mean;
		const char *why;
	} rows[] = {
		{ { DAY_S }, 1, DAY_S, "a day is an interval" },
		{ { DAY_S, DAY_S, DAY_S, DAY_S, DAY_S }, 5, DAY_S, "each day at the same time is a rhythm" },
		{ { DAY_S + 0.1 }, 0, 0, "a tenth of a second more is none" },
		{ { DAY_S + 1, DAY_S + 1, DAY_S + 1 }, 0, 0, "however often" },
		{ { 60, 60, 60, DAY_S + 1 }, 0, 0, "and what was counted before is forgotten" },
		{ { 60, 60, DAY_S + 1, 60 }, 1, 60, "the counting begins with the late question" },
		{ { 40000, 40000, 40000, 40000, DAY_S }, 5, 49280, "less than a break of three means" },
		{ { 20000, 20000, 20000, 20000, DAY_S }, 0, 0, "more than one" },
		{ { 30.0 * DAY_S }, 0, 0, "a month" },
		{ { 100.0 * 365 * DAY_S }, 0, 0, "a clock that was wrong by a century" },
		{ { 60, -60 }, 0, 0, "one that was put back" },
		{ { 0.5, 0.4, 60 }, 1, 60, "questions that go together are one" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct pair pair = ask_after(rows[i].intervals);

		if (pair.count != rows[i].count || fabsf(pair.mean - rows[i].mean) > 1)
			fail_msg("%s: %u intervals of %g s", rows[i].why, pair.count, (double)pair.mean);
	}
}

/* What is over the cap has no say in how regular a client is. */
static void a_pause_of_days_leaves_no_trace_in_the_variation(void **state)
{
	const struct pair steady = ask_after((const double[INTERVALS_MAX]){ 60, 61, 59, 60 });
	const struct pair paused = ask_after((const double[INTERVALS_MAX]){ 3 * DAY_S, 60, 61, 59, 60 });

	(void)state;
	assert_int_equal(paused.count, steady.count);
	assert_true(pair_variation(&steady) < 2);
	assert_true(fabsf(pair_variation(&paused) - pair_variation(&steady)) < 0.01f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interval_is_a_day_at_the_most),
		cmocka_unit_test(a_pause_of_days_leaves_no_trace_in_the_variation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
