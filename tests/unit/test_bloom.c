/* test_bloom.c: what was seen is known, what was not is new, and time forgets. */
#include "detect/bloom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <pthread.h>

#include <cmocka.h>

#define KEYS 100000u

/* splitmix64: stands for a keyed hash. */
static uint64_t key(uint64_t number)
{
	number += UINT64_C(0x9e3779b97f4a7c15);
	number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
	return number ^ number >> 31;
}

static void what_was_added_is_known(void **state)
{
	struct bloom *bloom = bloom_create(1 << 20, 100);

	(void)state;
	assert_non_null(bloom);
	for (uint64_t i = 0; i < KEYS; i++)
		bloom_add(bloom, key(i));
	for (uint64_t i = 0; i < KEYS; i++) {
		assert_true(bloom_has(bloom, key(i)));
		assert_false(bloom_add(bloom, key(i)));
	}
	bloom_destroy(&bloom);
	assert_null(bloom);
}

/* 84 bits a key: the theory of blocked filters says 2e-6 or so; a bad choice of bits shows at once. */
static void what_was_not_is_new(void **state)
{
	struct bloom *bloom = bloom_create(1 << 20, 100);
	unsigned wrong = 0;

	(void)state;
	for (uint64_t i = 0; i < KEYS; i++)
		wrong += !bloom_add(bloom, key(i));
	assert_in_range(wrong, 0, 5);
	for (uint64_t i = KEYS; i < 20 * KEYS; i++)
		wrong += bloom_has(bloom, key(i));
	assert_in_range(wrong, 0, 100);
	assert_in_range(bloom_filling(bloom), 60, 110);
	bloom_destroy(&bloom);
}

static void one_turn_keeps_and_two_forget(void **state)
{
	struct bloom *bloom = bloom_create(1 << 16, 100);

	(void)state;
	bloom_turn(bloom, 1000);
	assert_true(bloom_add(bloom, key(1)));
	bloom_turn(bloom, 1099);
	assert_false(bloom_add(bloom, key(1)));
	bloom_turn(bloom, 1100);
	assert_true(bloom_has(bloom, key(1)));
	assert_true(bloom_add(bloom, key(2)));
	bloom_turn(bloom, 1199);
	assert_true(bloom_has(bloom, key(1)));
	bloom_turn(bloom, 1200);
	assert_false(bloom_has(bloom, key(1)));
	assert_true(bloom_has(bloom, key(2)));
	bloom_turn(bloom, 1300);
	assert_false(bloom_has(bloom, key(2)));
	bloom_destroy(&bloom);
}

static void what_is_seen_again_stays(void **state)
{
	struct bloom *bloom = bloom_create(1 << 16, 100);

	(void)state;
	bloom_turn(bloom, 1000);
	bloom_add(bloom, key(1));
	for (int64_t now = 1100; now < 2000; now += 100) {
		bloom_turn(bloom, now);
		assert_false(bloom_add(bloom, key(1)));
	}
	bloom_destroy(&bloom);
}

static void a_clock_that_jumps_back_forgets_nothing(void **state)
{
	struct bloom *bloom = bloom_create(1 << 16, 100);

	(void)state;
	bloom_turn(bloom, 100000);
	bloom_add(bloom, key(1));
	for (int i = 0; i < 5; i++)
		bloom_turn(bloom, 10);
	assert_true(bloom_has(bloom, key(1)));
	bloom_destroy(&bloom);
}

/* A year ahead, and back: what is added afterwards is forgotten in its time. */
static void turns_again_after_the_clock_was_put_back(void **state)
{
	struct bloom *bloom = bloom_create(1 << 16, 100);

	(void)state;
	bloom_turn(bloom, 1000);
	bloom_turn(bloom, 1000 + 31536000);
	bloom_add(bloom, key(1));
	for (int64_t now = 1000; now <= 1200; now += 50)
		bloom_turn(bloom, now);
	assert_false(bloom_has(bloom, key(1)));
	bloom_destroy(&bloom);
}

/* A machine that learns the time each time it starts. */
static void a_clock_that_is_put_ends_no_period(void **state)
{
	struct bloom *bloom = bloom_create(1 << 16, 100);

	(void)state;
	bloom_shift(bloom, 1000);
	bloom_turn(bloom, 5);
	bloom_add(bloom, key(1));
	for (int64_t now = 5; now < 5000000; now += 1000000) {
		bloom_shift(bloom, 1000000);
		bloom_turn(bloom, now + 1000000);
	}
	assert_true(bloom_has(bloom, key(1)));
	bloom_turn(bloom, 5000005 + 100);
	assert_true(bloom_has(bloom, key(1)));
	bloom_turn(bloom, 5000005 + 200);
	assert_false(bloom_has(bloom, key(1)));
	bloom_destroy(&bloom);
}

static void *add_many(void *arg)
{
	for (uint64_t i = 0; i < KEYS; i++)
		bloom_add(arg, key(i));
	return NULL;
}

static void threads_lose_nothing(void **state)
{
	struct bloom *bloom = bloom_create(1 << 18, 100);
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, bloom), 0);
	for (int64_t now = 0; now < 50; now++)
		bloom_turn(bloom, 1000 + now);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (uint64_t i = 0; i < KEYS; i++)
		assert_true(bloom_has(bloom, key(i)));
	bloom_destroy(&bloom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_known),
		cmocka_unit_test(what_was_not_is_new),
		cmocka_unit_test(one_turn_keeps_and_two_forget),
		cmocka_unit_test(what_is_seen_again_stays),
		cmocka_unit_test(a_clock_that_jumps_back_forgets_nothing),
		cmocka_unit_test(turns_again_after_the_clock_was_put_back),
		cmocka_unit_test(a_clock_that_is_put_ends_no_period),
		cmocka_unit_test(threads_lose_nothing),
	};

	return cmocka_run_group_tests_name("bloom", tests, NULL, NULL);
}
