/* test_shift.c: where the clock is put, all that is remembered is as old as it was. */
#include "detect/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/suffix_list.h"

#define NOW 1700000000
#define HASH UINT64_C(0x123456789)
#define DAY_S 86400

static const struct hash_key key = { 1, 2 };
static const struct detect_sizes tiny = { 64, 64, 64, 8192, 8192, 4096 };
static struct detect *detect;

static int begin(void **state)
{
	char path[TEMP_PATH_MAX];
	struct diag diag;

	(void)state;
	detect = detect_create(&tiny, suffix_list(path, "com\n"), &key, NOW * INT64_C(1000), &diag);
	remove(path);
	return detect == NULL;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&detect);
	return 0;
}

static void put(struct table *table, const void *record, size_t octets)
{
	bool fresh;
	void *to = table_enter(table, HASH, NOW, &fresh);

	assert_non_null(to);
	memcpy(to, record, octets);
	table_leave(table, HASH);
}

static const int64_t moves[] = { 3600, -3600, INT64_C(50) * 365 * DAY_S, -INT64_C(53) * 365 * DAY_S, 0 };

static void what_detectors_know_of_a_zone_is_as_old(void **state)
{
	struct zone zone = { .first_s = NOW - 5 * DAY_S, .last_s = NOW - 600, .up10 = 100, .secure_s = NOW - 8 * DAY_S,
		.unsigned_s = NOW - 1, .served_s = NOW - 2, .served_first_s = NOW - 3, .minute_s = NOW - 4, .hour_s = NOW - 5,
		.flux_s = NOW - 6, .again_s = NOW - 7, .others_h = zone_hour(NOW), .moved_h = zone_hour(NOW - 23 * 3600) };
	int64_t now = NOW;

	(void)state;
	put(detect->zones, &zone, sizeof(zone));
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		struct zone found;

		detect_shift(detect, moves[i]);
		now += moves[i];
		assert_true(table_copy(detect->zones, HASH, &found));
		assert_int_equal(zone_days(&found, now), 5);
		assert_int_equal(now - found.secure_s, 8 * DAY_S);
		assert_int_equal(now - found.unsigned_s, 1);
		assert_int_equal(now - found.served_s, 2);
		assert_int_equal(now - found.served_first_s, 3);
		assert_int_equal(now - found.minute_s, 4);
		assert_int_equal(now - found.hour_s, 5);
		assert_int_equal(now - found.flux_s, 6);
		assert_int_equal(now - found.again_s, 7);
		assert_true(zone_is_within(found.others_h, 0, now));
		assert_true(zone_is_within(found.moved_h, 23, now) && !zone_is_within(found.moved_h, 22, now));
		zone_age(&found, now);
		assert_true(found.up10 > 49 && found.up10 < 51);
	}
}

static void what_is_no_time_stays_none(void **state)
{
	static const union { struct zone zone; struct client client; struct pair pair; struct report report; } none;
	struct zone zone;
	struct client client;
	struct pair pair;
	struct report report;

	(void)state;
	put(detect->zones, &none, sizeof(zone));
	put(detect->clients, &none, sizeof(client));
	put(detect->pairs, &none, sizeof(pair));
	put(detect->reports, &none, sizeof(report));
	detect_shift(detect, 12345);
	assert_true(table_copy(detect->zones, HASH, &zone) && memcmp(&zone, &none, sizeof(zone)) == 0);
	assert_true(table_copy(detect->clients, HASH, &client) && memcmp(&client, &none, sizeof(client)) == 0);
	assert_true(table_copy(detect->pairs, HASH, &pair) && memcmp(&pair, &none, sizeof(pair)) == 0);
	assert_true(table_copy(detect->reports, HASH, &report) && memcmp(&report, &none, sizeof(report)) == 0);
}

static void a_client_and_its_part_are_as_old(void **state)
{
	const struct client client = { .window_s = NOW - 599, .last_s = NOW - 1, .answers = 7, .outside = { 5 },
		.outside_s = { NOW - 2 } };
	const struct pair pair = { .window_s = NOW - 599, .last_s = NOW - 1, .last_ms = (NOW - 30) * INT64_C(1000), .asked = 7,
		.evidence = { 1, 0 }, .evidence_s = NOW - 1799, .called_s = NOW - 3 };
	const struct report report = { .said_s = NOW - 1, .last_s = NOW - 2 };
	int64_t now = NOW;

	(void)state;
	put(detect->clients, &client, sizeof(client));
	put(detect->pairs, &pair, sizeof(pair));
	put(detect->reports, &report, sizeof(report));
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		struct client asks;
		struct pair part;
		struct report said;

		detect_shift(detect, moves[i]);
		now += moves[i];
		assert_true(table_copy(detect->clients, HASH, &asks) && table_copy(detect->pairs, HASH, &part) &&
			table_copy(detect->reports, HASH, &said));
		assert_int_equal(now - asks.last_s, 1);
		assert_int_equal(now - asks.outside_s[0], 2);
		client_age(&asks, now);
		assert_int_equal(asks.answers, 7);
		assert_int_equal(now - part.last_s, 1);
		assert_int_equal(now - part.called_s, 3);
		pair_age(&part, now);
		assert_int_equal(part.asked, 7);
		assert_int_equal(part.evidence[0], 1);
		pair_note(&part, now * 1000);
		assert_int_equal(part.mean, 30);
		assert_int_equal(now - said.said_s, 1);
		assert_int_equal(now - said.last_s, 2);
	}
}

/* The clock of a machine that begins in 1970 and is then put: nothing that was not touched in between has changed. */
static void what_is_put_before_1970_comes_back(void **state)
{
	const int64_t by_s = NOW - 100;
	struct zone zone = { .first_s = NOW - 5 * DAY_S, .last_s = NOW - 600 };
	struct zone found;

	(void)state;
	put(detect->zones, &zone, sizeof(zone));
	detect_shift(detect, -by_s);
	detect_shift(detect, by_s);
	assert_true(table_copy(detect->zones, HASH, &found));
	assert_memory_equal(&found, &zone, sizeof(zone));
}

/* Workers do not wait for the records to be moved. */
static void what_came_by_the_new_clock_stays(void **state)
{
	const int64_t by_s = 8 * DAY_S;
	const struct zone zone = { .first_s = NOW - 5 * DAY_S, .served_s = NOW + 59, .last_s = (uint32_t)(NOW + by_s) };
	const struct pair pair = { .last_s = (uint32_t)(NOW + by_s), .last_ms = (NOW + by_s) * 1000, .called_s = NOW };
	struct zone found;
	struct pair part;

	(void)state;
	put(detect->zones, &zone, sizeof(zone));
	put(detect->pairs, &pair, sizeof(pair));
	detect_shift(detect, by_s);
	assert_true(table_copy(detect->zones, HASH, &found) && table_copy(detect->pairs, HASH, &part));
	assert_int_equal(found.first_s, NOW + 3 * DAY_S);
	assert_int_equal(found.served_s, NOW + 59 + by_s);
	assert_int_equal(found.last_s, NOW + by_s);
	assert_int_equal(part.last_s, NOW + by_s);
	assert_int_equal(part.last_ms, (NOW + by_s) * 1000);
	assert_int_equal(part.called_s, NOW + by_s);
}

static void what_no_clock_can_be_put_by_changes_nothing(void **state)
{
	struct zone zone = { .first_s = NOW }, found;

	(void)state;
	put(detect->zones, &zone, sizeof(zone));
	detect_shift(detect, INT64_MAX);
	detect_shift(detect, INT64_MIN);
	assert_true(table_copy(detect->zones, HASH, &found));
	assert_memory_equal(&found, &zone, sizeof(zone));
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		WITH(what_detectors_know_of_a_zone_is_as_old),
		WITH(what_is_no_time_stays_none),
		WITH(a_client_and_its_part_are_as_old),
		WITH(what_is_put_before_1970_comes_back),
		WITH(what_came_by_the_new_clock_stays),
		WITH(what_no_clock_can_be_put_by_changes_nothing),
	};

	return cmocka_run_group_tests_name("shift", tests, NULL, NULL);
}
