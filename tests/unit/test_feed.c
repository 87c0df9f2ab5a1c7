/* test_feed.c: what a feed may lose from one load to the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "policy/feed.h"

static char file[] = "feed.txt";

static void a_list_may_lose_its_share_and_no_more(void **state)
{
	static const struct {
		size_t before, now;
		uint32_t shrink_max;
		bool fine;
		const char *why;
	} rows[] = {
		{ 100, 100, 50, true, "nothing is lost" },
		{ 100, 1000, 0, true, "growth is fine" },
		{ 100, 50, 50, true, "exactly the share" },
		{ 100, 49, 50, false, "one more" },
		{ 100, 99, 0, false, "nothing may be lost" },
		{ 100, 1, 99, true, "nearly all may" },
		{ 100, 1, 100, true, "the guard is off" },
		{ 9, 1, 50, true, "kept by hand" },
		{ 10, 4, 50, false, "the smallest that is guarded" },
		{ 0, 5, 50, true, "there was nothing" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct list_conf conf = { .name = "feed", .file = file, .shrink_max = rows[i].shrink_max };
		const struct list_stats before = { .rules = rows[i].before }, now = { .rules = rows[i].now };
		struct diag diag;

		if ((feed_check(&conf, &now, &before, &diag) == 0) != rows[i].fine)
			fail_msg("%zu, then %zu: %s", rows[i].before, rows[i].now, rows[i].why);
	}
}

static void says_what_was_lost_and_what_to_do(void **state)
{
	const struct list_conf conf = { .name = "feed", .file = file, .shrink_max = 50 };
	const struct list_stats before = { .rules = 1000 }, now = { .rules = 12 };
	struct diag diag;

	(void)state;
	assert_int_equal(feed_check(&conf, &now, &before, &diag), -1);
	assert_string_equal(diag.file, file);
	assert_string_equal(diag.text, "has 12 rules, at the last load it had 1000: over 50 % are gone (the file of "
		"policy-list feed); if that is right, set `shrink-max: 100`");
}

static void serials_are_compared_as_rfc_1982_has_it(void **state)
{
	static const struct {
		uint32_t a, b;
		bool older;
	} rows[] = {
		{ 1, 1, false }, { 1, 2, true }, { 2, 1, false }, { UINT32_MAX, 0, true }, { 0, UINT32_MAX, false },
		{ 2026112001, 2026112002, true }, { 0, 0x7fffffff, true }, { 0, 0x80000000, false },
		{ 0x80000000, 0, false }, { 0xfffffff0, 0x10, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (feed_serial_older(rows[i].a, rows[i].b) != rows[i].older)
			fail_msg("%u and %u", rows[i].a, rows[i].b);
}

static void an_older_serial_needs_leave(void **state)
{
	struct list_conf conf = { .name = "feed", .file = file, .shrink_max = 50 };
	const struct list_stats before = { .rules = 5, .serial = 8 }, older = { .rules = 5, .serial = 7 };
	const struct list_stats none = { .rules = 5 };
	struct diag diag;

	(void)state;
	assert_int_equal(feed_check(&conf, &older, &before, &diag), -1);
	assert_string_equal(diag.text, "has serial 7, at the last load it had 8, which is newer (the file of "
		"policy-list feed); if that is right, set `allow-older: yes`");
	assert_int_equal(feed_check(&conf, &before, &older, &diag), 0);
	assert_int_equal(feed_check(&conf, &before, &before, &diag), 0);
	assert_int_equal(feed_check(&conf, &none, &before, &diag), 0);
	assert_int_equal(feed_check(&conf, &before, &none, &diag), 0);
	conf.allow_older = true;
	assert_int_equal(feed_check(&conf, &older, &before, &diag), 0);
}

static void what_is_withheld_is_not_lost(void **state)
{
	const struct list_conf conf = { .name = "feed", .file = file, .shrink_max = 0 };
	const struct list_stats full = { .rules = 1000 }, withdrawn = { .withheld = 1000 }, less = { .withheld = 999 };
	struct diag diag;

	(void)state;
	assert_int_equal(feed_check(&conf, &withdrawn, &full, &diag), 0);
	assert_int_equal(feed_check(&conf, &full, &withdrawn, &diag), 0);
	assert_int_equal(feed_check(&conf, &less, &full, &diag), -1);
}

static void a_zone_expires_when_its_soa_says(void **state)
{
	static const struct {
		int64_t modified, now;
		uint32_t expire;
		bool expired;
		const char *why;
	} rows[] = {
		{ 1000, 1099, 100, false, "a second too early" },
		{ 1000, 1100, 100, true, "on the second" },
		{ 1000, 900, 100, false, "a clock that went back" },
		{ 1000, INT64_MAX, 0, false, "no SOA, or one that says nothing" },
		{ 0, INT64_MAX, 100, false, "nobody knows how old it is" },
		{ INT64_MAX, INT64_MAX, 100, false, "a date that no clock reaches" },
		{ 1000, 1000 + INT64_C(0xffffffff), UINT32_MAX, true, "the longest" },
	};
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct list_stats stats = { .modified = rows[i].modified, .expire = rows[i].expire };

		if (feed_expired(&stats, rows[i].now, text, sizeof(text)) != rows[i].expired)
			fail_msg("%s", rows[i].why);
	}
}

static void says_what_expired_means(void **state)
{
	const struct list_stats kept = { .modified = 1000, .expire = 100, .rules = 7 };
	const struct list_stats withdrawn = { .modified = 1000, .expire = 100, .withheld = 7 };
	char text[128];

	(void)state;
	assert_true(feed_expired(&kept, 1200, text, sizeof(text)));
	assert_string_equal(text, "expired 100 s ago: kept, see `expire:`");
	assert_true(feed_expired(&withdrawn, 1200, text, sizeof(text)));
	assert_string_equal(text, "expired 100 s ago: withdrawn, none of its rules (7) is in force");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_may_lose_its_share_and_no_more),
		cmocka_unit_test(says_what_was_lost_and_what_to_do),
		cmocka_unit_test(serials_are_compared_as_rfc_1982_has_it),
		cmocka_unit_test(an_older_serial_needs_leave),
		cmocka_unit_test(what_is_withheld_is_not_lost),
		cmocka_unit_test(a_zone_expires_when_its_soa_says),
		cmocka_unit_test(says_what_expired_means),
	};

	return cmocka_run_group_tests_name("feed", tests, NULL, NULL);
}
