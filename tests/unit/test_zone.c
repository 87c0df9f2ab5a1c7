/* test_zone.c: sums decay, only what is new in a name counts, and distinct things are counted by bits. */
#include "detect/zone.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "detect/client.h"
#include "detect/pair.h"

#define NOW 1700000000

static void assert_near(float got, float want, const char *why)
{
	if (fabsf(got - want) > 0.02f * fmaxf(fabsf(want), 1))
		fail_msg("%s: %f, not %f", why, (double)got, (double)want);
}

static void sums_halve_with_their_half_lives(void **state)
{
	struct zone zone = { 0 };

	(void)state;
	zone_init(&zone, NOW, false, false);
	zone.up10 = zone.up12h = zone.raw12h = zone.down10 = 100;
	zone_age(&zone, NOW + 600);
	assert_near(zone.up10, 50, "ten minutes");
	assert_near(zone.down10, 50, "ten minutes of data");
	assert_near(zone.up12h, 99.04f, "ten minutes of twelve hours");
	zone_age(&zone, NOW + 43200);
	assert_near(zone.up12h, 50, "twelve hours");
	assert_near(zone.raw12h, 50, "twelve hours, raw");
}

static void a_clock_that_jumps_back_changes_nothing(void **state)
{
	struct zone zone = { 0 };

	(void)state;
	zone_init(&zone, NOW, false, false);
	zone.up10 = 100;
	zone_age(&zone, NOW - 100000);
	assert_near(zone.up10, 100, "back");
	assert_int_equal(zone_days(&zone, NOW - 100000), 0);
	zone_age(&zone, NOW + (int64_t)1e9);
	assert_near(zone.up10, 0, "far ahead");
	assert_false(isnan(zone.up10));
}

static void hours_go_with_the_clock(void **state)
{
	static const int64_t puts[] = { 1, 23, -23, 65535, -65536, 400000, -400000 };

	(void)state;
	assert_int_equal(zone_hour_after(0, 5), 0);
	for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
		const int64_t later = NOW + puts[i] * 3600;

		assert_int_equal(zone_hour_after(zone_hour(NOW), puts[i]), zone_hour(later));
	}
}

/* A year ahead, and back. */
static void a_clock_that_was_put_back_leaves_nothing_behind(void **state)
{
	const int64_t ahead = NOW + 31536000;
	struct zone zone = { 0 }, old = { 0 };
	struct client client = { 0 }, old_client = { 0 };
	struct pair pair = { 0 }, old_pair = { 0 };

	(void)state;
	zone_init(&zone, ahead, false, false);
	zone.secure_s = zone.served_first_s = (uint32_t)ahead;
	zone_init(&old, NOW - 600, false, false);
	client_age(&client, ahead);
	client_age(&old_client, NOW - 600);
	pair_age(&pair, ahead);
	pair_age(&old_pair, NOW - 600);
	assert_true(zone_worth(&zone, NOW) < zone_worth(&old, NOW));
	assert_true(client_worth(&client, NOW) < client_worth(&old_client, NOW));
	assert_true(pair_worth(&pair, NOW) < pair_worth(&old_pair, NOW));
	zone.up10 = 100;
	zone_age(&zone, NOW);
	zone_age(&zone, NOW + 600);
	assert_near(zone.up10, 50, "it decays again");
	assert_int_equal(zone_days(&zone, NOW + 3 * 86400), 3);
	assert_int_equal(zone.secure_s, NOW);
	assert_int_equal(zone.served_first_s, NOW);
}

static void age_is_whole_days_and_what_was_known_is_old(void **state)
{
	struct zone zone = { 0 };

	(void)state;
	zone_init(&zone, NOW, false, false);
	assert_int_equal(zone_days(&zone, NOW + 86399), 0);
	assert_int_equal(zone_days(&zone, NOW + 86400), 1);
	zone_init(&zone, NOW, true, false);
	assert_true(zone_days(&zone, NOW) > 10000);
	assert_true(zone_days(&zone, 3600) > 10000);   /* the clock is not set yet */
}

static float note(struct zone *zone, const char *text, float *raw)
{
	return zone_note_prefix(zone, (const uint8_t *)text, strlen(text), raw);
}

static void what_the_last_names_had_is_not_new(void **state)
{
	struct zone zone = { 0 };
	float raw, first, second;

	(void)state;
	first = note(&zone, "abcdefghijklmnop", &raw);
	/* 16 different characters are 4 bits each: (16 * 4 + 4) / 8 */
	assert_near(first, 8.5f, "all of it");
	assert_near(raw, 8.5f, "raw");
	second = note(&zone, "abcdefghijklmnop", &raw);
	assert_near(second, 0.5f, "nothing of it");
	assert_near(raw, 8.5f, "raw again");
	assert_near(note(&zone, "abcdefghXXklmnop", &raw), (2 * 3.875f + 4) / 8, "two characters in the middle");
	assert_near(note(&zone, "zzzz", &raw), 0.5f, "one character says nothing");
	assert_near(note(&zone, "", &raw), 0, "no prefix");
}

/* Whoever puts other names between remembers no more than four. */
static void four_names_back_is_as_far_as_it_looks(void **state)
{
	static const char *const others[] = { "0123", "4567", "89-_", "!$%&" };
	struct zone zone = { 0 };
	float raw;

	(void)state;
	note(&zone, "abcdefghijklmnop", &raw);
	for (unsigned i = 0; i < 3; i++)
		note(&zone, others[i], &raw);
	assert_near(note(&zone, "abcdefghijklmnop", &raw), 0.5f, "three between");
	for (unsigned i = 0; i < 4; i++)
		note(&zone, others[i], &raw);
	assert_near(note(&zone, "abcdefghijklmnop", &raw), 8.5f, "four between");
}

static void names_of_every_length_and_octet_are_bounded(void **state)
{
	struct zone zone = { 0 };
	uint8_t octets[255];
	float raw, fresh;

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		const size_t length = (size_t)rand() % 256;

		for (size_t i = 0; i < length; i++)
			octets[i] = (uint8_t)(round % 2 == 0 ? rand() : 'a' + rand() % 3);
		fresh = zone_note_prefix(&zone, octets, length, &raw);
		assert_true(fresh >= 0 && fresh <= raw && raw <= (255 * 5 + 4) / 8.0f);
	}
}

static void clients_count_up_to_many(void **state)
{
	struct zone zone = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		zone_note_client(&zone, i % 3);
	assert_int_equal(zone.client_count, 3);
	for (uint32_t i = 0; i < 100; i++)
		zone_note_client(&zone, i);
	assert_int_equal(zone.client_count, ZONE_CLIENTS_MAX);
}

static uint64_t key(uint64_t number)
{
	number += UINT64_C(0x9e3779b97f4a7c15);
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static void bits_count_what_is_distinct(void **state)
{
	(void)state;
	for (unsigned distinct = 1; distinct <= 600; distinct += 37) {
		uint64_t bits[8] = { 0 };
		unsigned added = 0, counted;

		for (unsigned i = 0; i < 3 * distinct; i++)
			added += bits_add(bits, 8, key(i % distinct + 1000 * distinct));
		counted = bits_count(bits, 8);
		assert_true(added <= distinct);
		/* 512 bits: 10 % and a few, up to somewhat more things than bits. */
		if (counted + 1 < distinct * 85 / 100 || counted > distinct * 115 / 100 + 2)
			fail_msg("%u of %u", counted, distinct);
	}
}

static void full_bits_are_bounded(void **state)
{
	uint64_t bits[8];

	(void)state;
	memset(bits, 0xff, sizeof(bits));
	assert_in_range(bits_count(bits, 8), 1000, 10000);
}

static void ten_minutes_of_a_client_end_and_what_led_outside_stays(void **state)
{
	struct client client = { 0 };

	(void)state;
	client_age(&client, NOW);
	client.missing = 7;
	client.outside[3] = 5;
	client_age(&client, NOW + 599);
	assert_int_equal(client.missing, 7);
	client_age(&client, NOW + 600);
	assert_int_equal(client.missing, 0);
	assert_int_equal(client.outside[3], 5);
	client.missing = 7;
	client_age(&client, NOW - 100);
	assert_int_equal(client.missing, 0);
}

static void a_clock_has_no_variation_and_people_have(void **state)
{
	struct pair clock = { 0 }, person = { 0 };
	int64_t now = (int64_t)NOW * 1000;

	(void)state;
	srand(3);
	for (unsigned i = 0; i < 20; i++) {
		pair_note(&clock, now + i * 60000);
		pair_note(&clock, now + i * 60000 + 20);
	}
	assert_int_equal(clock.count, 19);
	assert_near(clock.mean, 60, "mean");
	assert_true(pair_variation(&clock) < 0.1f);
	for (unsigned i = 0; i < 20; i++)
		pair_note(&person, now += 10000 + rand() % 100000);
	assert_true(pair_variation(&person) > 30);
}

static void a_long_break_begins_the_counting_again(void **state)
{
	struct pair pair = { 0 };
	int64_t now = (int64_t)NOW * 1000;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		pair_note(&pair, now += 60000);
	pair_note(&pair, now += 86400000);
	assert_int_equal(pair.count, 0);
	pair_note(&pair, now - 500000);
	assert_int_equal(pair.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_halve_with_their_half_lives),
		cmocka_unit_test(a_clock_that_jumps_back_changes_nothing),
		cmocka_unit_test(hours_go_with_the_clock),
		cmocka_unit_test(a_clock_that_was_put_back_leaves_nothing_behind),
		cmocka_unit_test(age_is_whole_days_and_what_was_known_is_old),
		cmocka_unit_test(what_the_last_names_had_is_not_new),
		cmocka_unit_test(four_names_back_is_as_far_as_it_looks),
		cmocka_unit_test(names_of_every_length_and_octet_are_bounded),
		cmocka_unit_test(clients_count_up_to_many),
		cmocka_unit_test(bits_count_what_is_distinct),
		cmocka_unit_test(full_bits_are_bounded),
		cmocka_unit_test(ten_minutes_of_a_client_end_and_what_led_outside_stays),
		cmocka_unit_test(a_clock_has_no_variation_and_people_have),
		cmocka_unit_test(a_long_break_begins_the_counting_again),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
