/* test_set.c: what was put in is found, what was not is not, also when everything wants the same bucket. */
#include "policy/set.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MANY 200000

/* Numbers that look like hashes. */
static struct hash hash_of(uint64_t number)
{
	static const struct hash_key key = { 3, 4 };
	uint64_t other = ~number;

	return (struct hash){ hash_octets(&key, &number, sizeof(number)), hash_octets(&key, &other, sizeof(other)) };
}

static enum set_step keep(void *arg, const uint16_t *present, size_t count, uint16_t class, size_t *index,
			  uint16_t *merged)
{
	(void)arg;
	(void)present;
	(void)count;
	(void)class;
	(void)index;
	(void)merged;
	return SET_ADD;
}

static struct set *build(struct set_builder *builder, set_merge merge, void *arg)
{
	struct set *set = set_build(builder, set_builder_count(builder), merge, arg);

	assert_non_null(set);
	return set;
}

static void finds_all_of_many_and_nothing_else(void **state)
{
	struct set_builder *builder = set_builder_create();
	uint16_t classes[4];
	struct set *set;
	struct hash hash;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < MANY; i++) {
		hash = hash_of(i);
		assert_true(set_builder_add(builder, &hash, 2, (uint16_t)(i % SET_CLASSES_MAX + 1)));
	}
	set = build(builder, keep, NULL);
	set_builder_destroy(&builder);
	assert_null(builder);
	for (i = 0; i < MANY; i++) {
		hash = hash_of(i);
		assert_int_equal(set_find(set, &hash, classes, 4), 1);
		assert_int_equal(classes[0], i % SET_CLASSES_MAX + 1);
		hash = hash_of(i + MANY);
		assert_int_equal(set_find(set, &hash, classes, 4), 0);
	}
	assert_int_equal(set_entries(set), MANY);
	assert_true(set_octets(set) <= MANY * 13);
	set_destroy(&set);
	assert_null(set);
}

static void an_empty_set_finds_nothing(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct hash zero = { 0, 0 };
	uint16_t class;
	struct set *set;

	(void)state;
	assert_non_null(builder);
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &zero, &class, 1), 0);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

static void a_tag_of_zero_is_not_a_free_slot(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct hash zero = { 0, 0 };
	uint16_t classes[8];
	struct set *set;

	(void)state;
	assert_non_null(builder);
	assert_true(set_builder_add(builder, &zero, 1, 9));
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &zero, classes, 8), 1);
	assert_int_equal(classes[0], 9);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* Every entry has the same home; the probe runs through most of the table and over its end. */
static void finds_what_crowds_one_bucket(void **state)
{
	static const uint32_t places[] = { 0, UINT32_C(0x80000000), UINT32_MAX };
	uint16_t classes[4];
	size_t p;
	uint64_t i;

	(void)state;
	for (p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
		struct set_builder *builder = set_builder_create();
		struct set *set;
		struct hash hash;

		assert_non_null(builder);
		for (i = 1; i <= 1000; i++) {
			hash = (struct hash){ (uint64_t)places[p] << 32 | (i & 7), i << 8 };
			assert_true(set_builder_add(builder, &hash, 1, (uint16_t)i));
		}
		set = build(builder, keep, NULL);
		for (i = 1; i <= 2000; i++) {
			hash = (struct hash){ (uint64_t)places[p] << 32 | (i & 7), i << 8 };
			assert_int_equal(set_find(set, &hash, classes, 4), i <= 1000);
			if (i <= 1000)
				assert_int_equal(classes[0], i);
		}
		set_destroy(&set);
		set_builder_destroy(&builder);
	}
}

static void gives_the_classes_of_a_name_in_order_and_no_more_than_fit(void **state)
{
	struct set_builder *builder = set_builder_create();
	uint16_t classes[SET_SAME_MAX + 1];
	struct hash hash = hash_of(1);
	struct hash other;
	struct set *set;
	uint16_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 1; i <= 300; i++) {
		other = hash_of(1000u + i);
		assert_true(set_builder_add(builder, &hash, 1, i));
		assert_true(set_builder_add(builder, &other, 1, 5));
	}
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &hash, classes, SET_SAME_MAX), 300);
	for (i = 1; i <= 300; i++)
		assert_int_equal(classes[i - 1], i);
	classes[3] = 777;
	assert_int_equal(set_find(set, &hash, classes, 3), 3);
	assert_int_equal(classes[3], 777);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* Drops what is there already, lets 2 replace 1, adds the rest. */
static enum set_step one_becomes_two(void *arg, const uint16_t *present, size_t count, uint16_t class, size_t *index,
				     uint16_t *merged)
{
	size_t i;

	++*(size_t *)arg;
	for (i = 0; i < count; i++) {
		if (present[i] == class)
			return SET_DROP;
		if (present[i] == 1 && class == 2) {
			*index = i;
			*merged = 3;
			return SET_REPLACE;
		}
	}
	return SET_ADD;
}

static void merges_as_it_is_told(void **state)
{
	static const uint16_t added[] = { 9, 1, 9, 2, 4, 4 };
	struct set_builder *builder = set_builder_create();
	struct hash hash = hash_of(77);
	uint16_t classes[8];
	struct set *set;
	size_t asked = 0;
	size_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		assert_true(set_builder_add(builder, &hash, 3, added[i]));
	set = build(builder, one_becomes_two, &asked);
	assert_int_equal(asked, 5);
	assert_int_equal(set_find(set, &hash, classes, 8), 3);
	assert_int_equal(classes[0], 9);
	assert_int_equal(classes[1], 3);
	assert_int_equal(classes[2], 4);
	assert_int_equal(set_entries(set), 3);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

static void refuses_when_more_is_left_than_promised(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct hash hash;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < 1000; i++) {
		hash = hash_of(i);
		assert_true(set_builder_add(builder, &hash, 1, 1));
	}
	assert_null(set_build(builder, 100, keep, NULL));
	set_builder_destroy(&builder);
}

/* Room for one is four buckets of seven: the last slot stays free, or the search for what is not there never ends. */
static void keeps_a_slot_free_so_that_every_search_ends(void **state)
{
	struct set_builder *builder = set_builder_create();
	uint16_t class;
	struct hash hash;
	struct set *set;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < 27; i++) {
		hash = hash_of(i);
		assert_true(set_builder_add(builder, &hash, 1, 1));
	}
	set = set_build(builder, 1, keep, NULL);
	assert_non_null(set);
	for (; i < 10000; i++) {
		hash = hash_of(i);
		assert_int_equal(set_find(set, &hash, &class, 1), 0);
	}
	set_destroy(&set);
	hash = hash_of(27);
	assert_true(set_builder_add(builder, &hash, 1, 1));
	assert_null(set_build(builder, 1, keep, NULL));
	set_builder_destroy(&builder);
}

static void knows_the_depths_of_its_names(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct hash hash = hash_of(1);
	struct set *set;

	(void)state;
	assert_non_null(builder);
	assert_true(set_builder_add(builder, &hash, 2, 1));
	assert_true(set_builder_add(builder, &hash, 127, 1));
	set = build(builder, keep, NULL);
	assert_true(hash_depths_has(set_depths(set), 2) && hash_depths_has(set_depths(set), 127));
	assert_false(hash_depths_has(set_depths(set), 1) || hash_depths_has(set_depths(set), 3));
	set_destroy(&set);
	set_builder_destroy(&builder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_of_many_and_nothing_else),
		cmocka_unit_test(an_empty_set_finds_nothing),
		cmocka_unit_test(a_tag_of_zero_is_not_a_free_slot),
		cmocka_unit_test(finds_what_crowds_one_bucket),
		cmocka_unit_test(gives_the_classes_of_a_name_in_order_and_no_more_than_fit),
		cmocka_unit_test(merges_as_it_is_told),
		cmocka_unit_test(refuses_when_more_is_left_than_promised),
		cmocka_unit_test(keeps_a_slot_free_so_that_every_search_ends),
		cmocka_unit_test(knows_the_depths_of_its_names),
	};

	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
