/* test_set.c: what was put in is found, what was not is not, also when everything wants the same bucket. */
#include "policy/set.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MANY 200000

/* A hash and the half of it that a search begins with. */
struct both {
	struct hash_half half;
	struct hash hash;
};

static struct both both_of(uint64_t low, uint64_t number)
{
	struct both both = { .half = { .low = low, .state = { number, ~number, 3, 4 } } };

	both.hash = (struct hash){ low, hash_other_half(&both.half) };
	return both;
}

/* Numbers that look like hashes. */
static struct both hash_of(uint64_t number)
{
	static const struct hash_key key = { 3, 4 };

	return both_of(hash_octets(&key, &number, sizeof(number)), number);
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
	struct set *set = set_build(builder, merge, arg);

	assert_non_null(set);
	return set;
}

static void finds_all_of_many_and_nothing_else(void **state)
{
	struct set_builder *builder = set_builder_create();
	uint16_t classes[4];
	struct set *set;
	struct both hash;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < MANY; i++) {
		hash = hash_of(i);
		assert_true(set_builder_add(builder, &hash.hash, 2, (uint16_t)(i % SET_CLASSES_MAX + 1)));
	}
	set = build(builder, keep, NULL);
	set_builder_destroy(&builder);
	assert_null(builder);
	for (i = 0; i < MANY; i++) {
		hash = hash_of(i);
		assert_int_equal(set_find(set, &hash.half, classes, 4), 1);
		assert_int_equal(classes[0], i % SET_CLASSES_MAX + 1);
		hash = hash_of(i + MANY);
		assert_int_equal(set_find(set, &hash.half, classes, 4), 0);
	}
	assert_int_equal(set_entries(set), MANY);
	assert_true(set_octets(set) <= MANY * 13);
	set_destroy(&set);
	assert_null(set);
}

/* The long tag comes from finishing the state; this one stays all zeros. */
static struct both zero_hash(void)
{
	struct both both = { .half = { .low = 0, .state = { 0, 0xdd, 0, 0 } } };

	both.hash = (struct hash){ 0, hash_other_half(&both.half) };
	assert_true(both.hash.high == 0);
	return both;
}

static void an_empty_set_finds_nothing(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct both zero = zero_hash();
	uint16_t class;
	struct set *set;

	(void)state;
	assert_non_null(builder);
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &zero.half, &class, 1), 0);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

static void a_tag_of_zero_is_not_a_free_slot(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct both zero = zero_hash();
	uint16_t classes[8];
	struct set *set;

	(void)state;
	assert_non_null(builder);
	assert_true(set_builder_add(builder, &zero.hash, 1, 9));
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &zero.half, classes, 8), 1);
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
		struct both hash;

		assert_non_null(builder);
		for (i = 1; i <= 1000; i++) {
			hash = both_of((uint64_t)places[p] << 32 | (i & 7) << 16, i);
			assert_true(set_builder_add(builder, &hash.hash, 1, (uint16_t)i));
		}
		set = build(builder, keep, NULL);
		for (i = 1; i <= 2000; i++) {
			hash = both_of((uint64_t)places[p] << 32 | (i & 7) << 16, i);
			assert_int_equal(set_find(set, &hash.half, classes, 4), i <= 1000);
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
	struct both hash = hash_of(1);
	struct both other;
	struct set *set;
	uint16_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 1; i <= 300; i++) {
		other = hash_of(1000u + i);
		assert_true(set_builder_add(builder, &hash.hash, 1, i));
		assert_true(set_builder_add(builder, &other.hash, 1, 5));
	}
	set = build(builder, keep, NULL);
	assert_int_equal(set_find(set, &hash.half, classes, SET_SAME_MAX), 300);
	for (i = 1; i <= 300; i++)
		assert_int_equal(classes[i - 1], i);
	classes[3] = 777;
	assert_int_equal(set_find(set, &hash.half, classes, 3), 3);
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
	struct both hash = hash_of(77);
	uint16_t classes[8];
	struct set *set;
	size_t asked = 0;
	size_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		assert_true(set_builder_add(builder, &hash.hash, 3, added[i]));
	set = build(builder, one_becomes_two, &asked);
	assert_int_equal(asked, 5);
	assert_int_equal(set_find(set, &hash.half, classes, 8), 3);
	assert_int_equal(classes[0], 9);
	assert_int_equal(classes[1], 3);
	assert_int_equal(classes[2], 4);
	assert_int_equal(set_entries(set), 3);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* Half of the entries are merged away, in some parts more and in some fewer than in others. */
static enum set_step drop(void *arg, const uint16_t *present, size_t count, uint16_t class, size_t *index,
			  uint16_t *merged)
{
	(void)keep(arg, present, count, class, index, merged);
	return SET_DROP;
}

static void takes_room_for_what_is_left_alone(void **state)
{
	struct set_builder *builder = set_builder_create();
	uint16_t classes[4];
	struct both hash;
	struct set *set;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < 2 * MANY; i++) {
		hash = hash_of(i / 2);
		assert_true(set_builder_add(builder, &hash.hash, 1, (uint16_t)(1 + i % 2)));
	}
	set = build(builder, drop, NULL);
	assert_int_equal(set_entries(set), MANY);
	assert_true(set_octets(set) <= MANY * 12);
	for (i = 0; i < MANY; i++) {
		hash = hash_of(i);
		assert_int_equal(set_find(set, &hash.half, classes, 4), 1);
		assert_int_equal(classes[0], 1);
	}
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* More than a merge is ever shown, beside a name that loses one and so makes its part smaller. */
static void keeps_every_class_when_a_part_shrinks(void **state)
{
	static uint16_t classes[2 * SET_SAME_MAX];
	struct set_builder *builder = set_builder_create();
	struct both many = both_of(1, 1);
	struct both twice = both_of(UINT64_C(1) << 40, 2);
	size_t asked = 0;
	struct set *set;
	uint16_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < 20; i++)
		assert_true(set_builder_add(builder, &twice.hash, 1, 9));
	for (i = 0; i < 2 * SET_SAME_MAX; i++)
		assert_true(set_builder_add(builder, &many.hash, 1, (uint16_t)(10 + i)));
	set = build(builder, one_becomes_two, &asked);
	assert_int_equal(set_find(set, &twice.half, classes, 4), 1);
	assert_int_equal(set_find(set, &many.half, classes, 2 * SET_SAME_MAX), 2 * SET_SAME_MAX);
	for (i = 0; i < 2 * SET_SAME_MAX; i++)
		assert_int_equal(classes[i], 10 + i);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* --- the filter ------------------------------------------------------------------------------------------------- */

static void the_filter_never_denies_what_is_there_and_seldom_lets_others_through(void **state)
{
	struct set_builder *builder = set_builder_create();
	size_t here = 0;
	size_t below = 0;
	struct both hash;
	struct set *set;
	uint64_t i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < MANY; i++) {
		uint64_t above[SET_ABOVE_MAX] = { hash_of(2 * MANY + i).half.low };

		hash = hash_of(i);
		assert_true(set_builder_add(builder, &hash.hash, 3, 1));
		assert_true(set_builder_add_above(builder, above, 3));
	}
	set = build(builder, keep, NULL);
	for (i = 0; i < MANY; i++) {
		assert_true(set_hint(set, hash_of(i).half.low).here);
		assert_true(set_hint(set, hash_of(2 * MANY + i).half.low).below);
		here += set_hint(set, hash_of(4 * MANY + i).half.low).here;
		below += set_hint(set, hash_of(4 * MANY + i).half.low).below;
	}
	/* One in thirty; a name of the other kind is no better guess. */
	assert_in_range(here, 1, MANY / 20);
	assert_in_range(below, 1, MANY / 20);
	for (here = 0, i = 0; i < MANY; i++)
		here += set_hint(set, hash_of(2 * MANY + i).half.low).here;
	assert_in_range(here, 1, MANY / 20);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* What is below SET_ABOVE_TO labels is below all of them; what has two labels is below none. */
static void knows_all_parents_of_a_rule(void **state)
{
	uint64_t above[SET_ABOVE_MAX];
	struct set_builder *builder = set_builder_create();
	struct both hash = hash_of(1);
	struct set *set;
	unsigned i;

	(void)state;
	assert_non_null(builder);
	for (i = 0; i < SET_ABOVE_MAX; i++)
		above[i] = hash_of(100 + i).half.low;
	assert_true(set_builder_add(builder, &hash.hash, 127, 1));
	assert_true(set_builder_add_above(builder, above, 127));
	above[0] = hash_of(200).half.low;
	assert_true(set_builder_add_above(builder, above, 2));
	set = build(builder, keep, NULL);
	for (i = 0; i < SET_ABOVE_MAX; i++)
		assert_true(set_hint(set, hash_of(100 + i).half.low).below);
	assert_false(set_hint(set, hash_of(200).half.low).below);
	set_destroy(&set);
	set_builder_destroy(&builder);
}

/* All in one part; one that has no free slot never ends the search for what is not there. */
static void keeps_a_slot_free_so_that_every_search_ends(void **state)
{
	uint64_t count;
	uint64_t i;

	(void)state;
	for (count = 1; count <= 120; count++) {
		struct set_builder *builder = set_builder_create();
		uint16_t class;
		struct both hash;
		struct set *set;

		assert_non_null(builder);
		for (i = 0; i < count; i++) {
			hash = both_of(hash_of(i).half.low >> 8, i);
			assert_true(set_builder_add(builder, &hash.hash, 1, 1));
		}
		set = build(builder, keep, NULL);
		for (; i < 1000; i++) {
			hash = both_of(hash_of(i).half.low >> 8, i);
			assert_int_equal(set_find(set, &hash.half, &class, 1), 0);
		}
		set_destroy(&set);
		set_builder_destroy(&builder);
	}
}

static void knows_the_depths_of_its_names(void **state)
{
	struct set_builder *builder = set_builder_create();
	struct both hash = hash_of(1);
	struct set *set;

	(void)state;
	assert_non_null(builder);
	assert_true(set_builder_add(builder, &hash.hash, 2, 1));
	assert_true(set_builder_add(builder, &hash.hash, 127, 1));
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
		cmocka_unit_test(takes_room_for_what_is_left_alone),
		cmocka_unit_test(keeps_every_class_when_a_part_shrinks),
		cmocka_unit_test(the_filter_never_denies_what_is_there_and_seldom_lets_others_through),
		cmocka_unit_test(knows_all_parents_of_a_rule),
		cmocka_unit_test(keeps_a_slot_free_so_that_every_search_ends),
		cmocka_unit_test(knows_the_depths_of_its_names),
	};

	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
