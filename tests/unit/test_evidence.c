/* test_evidence.c: what was seen is counted exactly, in any order, up to a bound. */
#include "tools/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 20000u

static void adds_up_counts_times_and_the_most(void **state)
{
	struct evidence *evidence = evidence_create(10);
	const struct evidence_item *items;
	size_t count;

	(void)state;
	evidence_add(evidence, "b", 1, 2, 5000, 7);
	evidence_add(evidence, "b", 1, 1, 3000, 9);
	evidence_add(evidence, "b", 1, 1, 0, 1);
	evidence_add(evidence, "a", 1, 1, 0, 0);
	items = evidence_sorted(evidence, &count);
	assert_int_equal(count, 2);
	assert_memory_equal(items[0].key, "a", 1);
	assert_int_equal(items[0].first_ms, 0);
	assert_int_equal(items[1].count, 4);
	assert_int_equal(items[1].first_ms, 3000);
	assert_int_equal(items[1].last_ms, 5000);
	assert_int_equal(items[1].most, 9);
	evidence_destroy(&evidence);
	assert_null(evidence);
}

static void leaves_out_and_counts_what_is_too_much(void **state)
{
	static const uint8_t long_key[EVIDENCE_KEY_MAX + 1];
	struct evidence *evidence = evidence_create(2);
	size_t count;

	(void)state;
	evidence_add(evidence, "a", 1, 1, 0, 0);
	evidence_add(evidence, "b", 1, 1, 0, 0);
	evidence_add(evidence, "c", 1, 5, 0, 0);
	evidence_add(evidence, "a", 1, 1, 0, 0);
	assert_int_equal(evidence_left_out(evidence), 5);
	evidence_add(evidence, "", 0, 1, 0, 0);
	evidence_add(evidence, long_key, sizeof(long_key), 1, 0, 0);
	assert_int_equal(evidence_left_out(evidence), 7);
	assert_int_equal(evidence_sorted(evidence, &count)[0].count, 2);
	assert_int_equal(count, 2);
	evidence_add(evidence, "a", 1, 1, 0, 0);
	assert_int_equal(evidence_left_out(evidence), 8);   /* nothing is added any more */
	evidence_destroy(&evidence);
}

static void finds_all_that_begin_alike(void **state)
{
	static const char *const keys[] = { "ab", "a", "b", "abc", "aa", "ac", "abb" };
	struct evidence *evidence = evidence_create(100);
	const struct evidence_item *items;
	size_t count;

	(void)state;
	assert_null(evidence_range(evidence, "a", 1, &count));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		evidence_add(evidence, keys[i], strlen(keys[i]), 1, 0, 0);
	evidence_destroy(&evidence);
	evidence = evidence_create(100);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		evidence_add(evidence, keys[i], strlen(keys[i]), 1, 0, 0);
	items = evidence_range(evidence, "ab", 2, &count);
	assert_int_equal(count, 3);
	assert_int_equal(items[0].octets, 2);
	assert_memory_equal(items[1].key, "abb", 3);
	assert_memory_equal(items[2].key, "abc", 3);
	assert_null(evidence_range(evidence, "abd", 3, &count));
	assert_int_equal(count, 0);
	evidence_destroy(&evidence);
}

static void grows_and_forgets_nothing(void **state)
{
	struct evidence *evidence = evidence_create(MANY);
	const struct evidence_item *items;
	size_t count;

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < MANY; i++) {
			const uint8_t key[] = { (uint8_t)(i * 7 % MANY >> 8), (uint8_t)(i * 7 % MANY), 3, 4, 5, 6, 7, 8 };

			evidence_add(evidence, key, 2 + i * 7 % MANY % 6, 1, 1000, i);
		}
	items = evidence_sorted(evidence, &count);
	assert_int_equal(count, MANY);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(items[i].count, 2);
		assert_int_equal(items[i].key[0] << 8 | items[i].key[1], i);
	}
	assert_int_equal(evidence_left_out(evidence), 0);
	evidence_destroy(&evidence);
}

static void writes_times_as_others_read_them(void **state)
{
	char text[EVIDENCE_TIME_MAX];

	(void)state;
	assert_string_equal(evidence_time(1700000000999, text), "2023-11-14T22:13:20Z");
	assert_string_equal(evidence_time(0, text), "no time");
	assert_string_equal(evidence_time(-1, text), "no time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up_counts_times_and_the_most),
		cmocka_unit_test(leaves_out_and_counts_what_is_too_much),
		cmocka_unit_test(finds_all_that_begin_alike),
		cmocka_unit_test(grows_and_forgets_nothing),
		cmocka_unit_test(writes_times_as_others_read_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
