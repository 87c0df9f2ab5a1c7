/* test_hunt_time.c: moments as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/hunt.h"

#define NOW INT64_C(1795262400500)           /* 2026-11-21T12:00:00.5Z */
#define DAY INT64_C(86400000)
#define MIDNIGHT (NOW - DAY / 2 - 500)

static void reads_moments_and_their_ends(void **state)
{
	static const struct {
		const char *text;
		int64_t from, to;
		const char *why;
	} rows[] = {
		{ "now", NOW, NOW, "itself" },
		{ "2h", NOW - 7200000, NOW - 7200000, "so long ago" },
		{ "0s", NOW, NOW, "now" },
		{ "90s", NOW - 90000, NOW - 90000, "seconds" },
		{ "15m", NOW - 900000, NOW - 900000, "minutes" },
		{ "7d", NOW - 7 * DAY, NOW - 7 * DAY, "days" },
		{ "4w", NOW - 28 * DAY, NOW - 28 * DAY, "weeks" },
		{ "today", MIDNIGHT, MIDNIGHT + DAY - 1, "all of it" },
		{ "yesterday", MIDNIGHT - DAY, MIDNIGHT - 1, "all of it" },
		{ "2026-11-21", MIDNIGHT, MIDNIGHT + DAY - 1, "a day" },
		{ "2026-11-21T00:00", MIDNIGHT, MIDNIGHT + 59999, "a minute" },
		{ "2026-11-21 00:00:01", MIDNIGHT + 1000, MIDNIGHT + 1999, "a second" },
		{ "2026-11-21T00:00:01.5Z", MIDNIGHT + 1500, MIDNIGHT + 1599, "a tenth" },
		{ "2026-11-21T00:00:01.250Z", MIDNIGHT + 1250, MIDNIGHT + 1250, "a millisecond" },
		{ "2026-11-21T02:00+02:00", MIDNIGHT, MIDNIGHT + 59999, "east of Greenwich" },
		{ "2026-11-20T20:30:00-0330", MIDNIGHT, MIDNIGHT + 999, "west of it, without a colon" },
		{ "2026-11-21-00:00", MIDNIGHT, MIDNIGHT + DAY - 1, "a day of UTC" },
		{ "2026-11-21+01:00", MIDNIGHT - 3600000, MIDNIGHT + DAY - 3600001, "a day of another zone" },
		{ "1969-12-31T23:59:59Z", -1000, -1, "before 1970" },
		{ "2024-02-29", INT64_C(1709164800000), INT64_C(1709251199999), "a leap day" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t from = 0, to = 0;

		if (!hunt_time(rows[i].text, NOW, false, &from) || !hunt_time(rows[i].text, NOW, true, &to) ||
				from != rows[i].from || to != rows[i].to)
			fail_msg("%s: %s: %lld to %lld", rows[i].text, rows[i].why, (long long)from, (long long)to);
	}
}

static void refuses_what_is_no_moment(void **state)
{
	static const char *const rows[] = { "", "h", "2", "2y", "2h ", "-2h", "12345678s", "tomorrow", "2023-02-29",
		"2026-13-01", "2026-00-10", "0000-01-01", "2026-1-1", "2026-11-21T", "2026-11-21T24:00", "2026-11-21T12:60",
		"2026-11-21T12:00:61", "2026-11-21T12:00:00.1234", "2026-11-21T12:00:00+1", "2026-11-21T12:00:00+15:00",
		"2026-11-21T12:00:00+01:60", "2026-11-21T12:00:00+01:00Z", "2026-11-21T12:00:00 +01:00", "2026-11-21x", "20261121" };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = 7;

		if (hunt_time(rows[i], NOW, false, &ms) || ms != 7)
			fail_msg("'%s' is taken", rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_moments_and_their_ends),
		cmocka_unit_test(refuses_what_is_no_moment),
	};

	return cmocka_run_group_tests_name("hunt_time", tests, NULL, NULL);
}
