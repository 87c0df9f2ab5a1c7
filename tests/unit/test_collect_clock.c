/* test_collect_clock.c: clocks that may and may not say that a day is too old. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tools/collect_clock.h"

#define NOW INT64_C(1795262400)
#define DAY INT64_C(86400)
#define YEAR (365 * DAY)

static void judges_clocks(void **state)
{
	static const struct {
		int64_t newest_s;
		struct { int64_t now_s, running_s; bool trusted, said; } steps[6];
		const char *why;
	} rows[] = {
		{ 0, { { NOW, 10, true, false }, { NOW + 1, 11, true, false } }, "nothing to lose yet" },
		{ NOW, { { NOW - DAY, 10, true, false }, { NOW + DAY, 11, true, false } }, "a day that goes on" },
		{ NOW, { { NOW + YEAR, 10, false, true }, { NOW + YEAR + 3599, 3609, false, false },
			{ NOW + YEAR + 3600, 3610, true, false }, { NOW + YEAR + 3601, 3611, true, false } }, "it stays so" },
		{ NOW, { { NOW, 10, true, false }, { NOW + YEAR, 11, false, true }, { NOW + 2, 12, true, false },
			{ NOW + YEAR, 5000, false, true } }, "it comes back, and an hour begins anew" },
		{ NOW, { { NOW, 10, true, false }, { NOW + DAY, 86410, true, false }, { NOW + 2 * DAY, 172810, true, false },
			{ NOW + 4 * DAY, 345610, true, false } }, "no frames for days" },
		{ NOW, { { NOW - YEAR, 10, true, false }, { NOW, 11, true, false } }, "behind: nothing is old then" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct collect_clock clock;

		collect_clock_init(&clock, rows[i].newest_s);
		for (unsigned j = 0; j < 6 && rows[i].steps[j].now_s != 0; j++) {
			bool said, trusted = collect_clock_is_trusted(&clock, rows[i].steps[j].now_s, rows[i].steps[j].running_s, &said);

			if (trusted != rows[i].steps[j].trusted || said != rows[i].steps[j].said)
				fail_msg("%s, step %u: %d, %d", rows[i].why, j, trusted, said);
		}
	}
}

static void knows_which_day_is_the_newest(void **state)
{
	static const struct {
		int64_t days[5];                 /* since NOW - 30; -1: no more */
		int64_t now, newest;
		const char *why;
	} rows[] = {
		{ { -1 }, 30, -1, "no day" },
		{ { 29, -1 }, 30, 29, "one day alone: there is no other to go by" },
		{ { 29, 29, -1 }, 30, 29, "both classes of it" },
		{ { 0, 28, 29, 29, -1 }, 30, 29, "a hole behind" },
		{ { 0, 25, 28, -1 }, 30, 28, "a weekend" },
		{ { 28, 29, 3000, 3000, -1 }, 3000, 29, "started a second time with a wrong clock" },
		{ { 28, 29, 3000, 3001, -1 }, 30, 29, "left of a clock that is right again" },
		{ { 3000, -1 }, 30, -1, "nothing but such" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shelf_file files[5] = { 0 };
		unsigned count = 0;
		int64_t newest;

		for (; rows[i].days[count] >= 0; count++)
			files[count].day_s = NOW + (rows[i].days[count] - 30) * DAY;
		newest = collect_clock_newest(files, count, NOW + (rows[i].now - 30) * DAY);
		if (newest != (rows[i].newest < 0 ? 0 : NOW + (rows[i].newest - 29) * DAY))
			fail_msg("%s: %lld", rows[i].why, (long long)newest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_clocks),
		cmocka_unit_test(knows_which_day_is_the_newest),
	};

	return cmocka_run_group_tests_name("collect_clock", tests, NULL, NULL);
}
