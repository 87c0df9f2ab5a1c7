/* test_table.c: records are found again, the least worth goes first, nobody waits and nothing is inherited. */
#include "detect/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <pthread.h>
#include <string.h>

#include <cmocka.h>

struct record {
	uint64_t hash;
	uint64_t count;
};

static float worth(const void *record, int64_t now_s)
{
	(void)now_s;
	return (float)((const struct record *)record)->count;
}

/* Every hash falls into the same set of eight: the bits above 32 choose it. */
static uint64_t crowded(uint64_t number)
{
	return number + 1;
}

static void touch(struct table *table, uint64_t hash, uint64_t count)
{
	bool fresh;
	struct record *record = table_enter(table, hash, 0, &fresh);

	assert_non_null(record);
	assert_true(fresh ? record->count == 0 && record->hash == 0 : record->hash == hash);
	record->hash = hash;
	record->count += count;
	table_leave(table, hash);
}

static void a_copy_is_one_and_leaves_the_rest_alone(void **state)
{
	struct table *table = table_create(1000, sizeof(struct record), worth);
	struct record copy = { 0, 0 };

	(void)state;
	touch(table, crowded(1), 5);
	assert_false(table_copy(table, crowded(2), &copy));
	assert_int_equal(copy.count, 0);
	assert_true(table_copy(table, crowded(1), &copy));
	assert_int_equal(copy.count, 5);
	copy.count = 9;
	touch(table, crowded(1), 1);
	assert_true(table_copy(table, crowded(1), &copy));
	assert_int_equal(copy.count, 6);
	assert_int_equal(table_counts(table).lost, 0);
	table_destroy(&table);
}

static void what_was_entered_is_found(void **state)
{
	struct table *table = table_create(1000, sizeof(struct record), worth);
	struct record *record;

	(void)state;
	for (uint64_t i = 0; i < 500; i++)
		touch(table, i << 32 | i, i);
	for (uint64_t i = 0; i < 500; i++) {
		record = table_find(table, i << 32 | i);
		assert_non_null(record);
		assert_int_equal(record->count, i);
		table_leave(table, i << 32 | i);
	}
	assert_null(table_find(table, UINT64_C(777) << 32 | 5));
	assert_int_equal(table_counts(table).used, 500);
	assert_int_equal(table_counts(table).lost, 0);
	assert_true(table_counts(table).capacity >= 1000);
	table_destroy(&table);
	assert_null(table);
}

static void the_least_worth_goes_and_is_not_inherited(void **state)
{
	struct table *table = table_create(64, sizeof(struct record), worth);

	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		touch(table, crowded(i), 100 - i);
	touch(table, crowded(8), 1);
	assert_null(table_find(table, crowded(7)));
	assert_non_null(table_find(table, crowded(0)));
	table_leave(table, crowded(0));
	assert_int_equal(table_counts(table).evicted, 1);
	assert_int_equal(table_counts(table).used, 8);
	table_destroy(&table);
}

/* What tells much stays, however many strangers pass by. */
static void a_flood_leaves_what_is_worth_more(void **state)
{
	struct table *table = table_create(1024, sizeof(struct record), worth);

	(void)state;
	for (uint64_t i = 0; i < 16; i++)
		touch(table, i << 32 | 1, 1000);
	for (uint64_t i = 0; i < 200000; i++)
		touch(table, i * UINT64_C(0x9e3779b97f4a7c15) | 2, 1);
	for (uint64_t i = 0; i < 16; i++) {
		assert_non_null(table_find(table, i << 32 | 1));
		table_leave(table, i << 32 | 1);
	}
	assert_int_equal(table_counts(table).used, table_counts(table).capacity);
	table_destroy(&table);
}

static void who_meets_another_goes_without(void **state)
{
	struct table *table = table_create(64, sizeof(struct record), worth);
	bool fresh;

	(void)state;
	assert_non_null(table_enter(table, crowded(1), 0, &fresh));
	assert_null(table_enter(table, crowded(2), 0, &fresh));
	assert_null(table_find(table, crowded(1)));
	table_leave(table, crowded(1));
	assert_int_equal(table_counts(table).lost, 2);
	touch(table, crowded(2), 1);
	table_destroy(&table);
}

static bool keep_even(void *arg, uint64_t hash, void *record)
{
	++*(unsigned *)arg;
	assert_int_equal(((struct record *)record)->hash, hash);
	return hash % 2 == 0;
}

static void a_walk_sees_all_and_forgets_what_it_is_told_to(void **state)
{
	struct table *table = table_create(1000, sizeof(struct record), worth);
	unsigned seen = 0;

	(void)state;
	for (uint64_t i = 1; i <= 100; i++)
		touch(table, i << 32 | i, i);
	table_walk(table, keep_even, &seen);
	assert_int_equal(seen, 100);
	assert_int_equal(table_counts(table).used, 50);
	assert_null(table_find(table, UINT64_C(3) << 32 | 3));
	table_destroy(&table);
}

struct reading {
	struct table *table;
	unsigned seen;
};

static void enter_all_beside(void *arg, uint64_t hash, const void *record)
{
	struct reading *reading = arg;

	assert_int_equal(((const struct record *)record)->hash, hash);
	reading->seen++;
	for (uint64_t i = 1; i <= 8; i++)
		touch(reading->table, crowded(i), 1);
}

/* Whoever reads writes to disks meanwhile. */
static void a_reader_keeps_nobody_from_a_record(void **state)
{
	struct reading reading = { table_create(64, sizeof(struct record), worth), 0 };

	(void)state;
	for (uint64_t i = 1; i <= 8; i++)
		touch(reading.table, crowded(i), 1);
	assert_true(table_read(reading.table, enter_all_beside, &reading));
	assert_int_equal(reading.seen, 8);
	assert_int_equal(table_counts(reading.table).lost, 0);
	table_destroy(&reading.table);
}

#define ROUNDS 200000u

static void *count_up(void *arg)
{
	struct table *table = arg;
	bool fresh;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		const uint64_t hash = (i % 16) << 32 | (i % 16 + 1);
		struct record *record = table_enter(table, hash, 0, &fresh);

		if (record == NULL)
			continue;
		record->hash = hash;
		record->count++;
		table_leave(table, hash);
	}
	return NULL;
}

static void *copy_all(void *arg)
{
	struct record copy;

	for (uint64_t i = 0; i < ROUNDS; i++)
		if (table_copy(arg, (i % 16) << 32 | (i % 16 + 1), &copy) && copy.hash != ((i % 16) << 32 | (i % 16 + 1)))
			return arg;
	return NULL;
}

static bool add_up(void *arg, uint64_t hash, void *record)
{
	(void)hash;
	*(uint64_t *)arg += ((struct record *)record)->count;
	return true;
}

static void threads_count_or_are_counted_as_lost(void **state)
{
	struct table *table = table_create(1024, sizeof(struct record), worth);
	pthread_t threads[4], looker;
	uint64_t sum = 0;
	void *torn;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_up, table), 0);
	assert_int_equal(pthread_create(&looker, NULL, copy_all, table), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pthread_join(looker, &torn);
	assert_null(torn);
	table_walk(table, add_up, &sum);
	assert_int_equal(sum + table_counts(table).lost, 4 * ROUNDS);
	table_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_entered_is_found),
		cmocka_unit_test(a_copy_is_one_and_leaves_the_rest_alone),
		cmocka_unit_test(the_least_worth_goes_and_is_not_inherited),
		cmocka_unit_test(a_flood_leaves_what_is_worth_more),
		cmocka_unit_test(who_meets_another_goes_without),
		cmocka_unit_test(a_walk_sees_all_and_forgets_what_it_is_told_to),
		cmocka_unit_test(a_reader_keeps_nobody_from_a_record),
		cmocka_unit_test(threads_count_or_are_counted_as_lost),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
