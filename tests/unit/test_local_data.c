/* test_local_data.c: packed records, and the pool that collects them and keeps equal data once. */
#include "policy/local_data.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/local_pool.h"

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_TXT 16
#define TYPE_ANY 255

static const uint8_t one[] = { 192, 0, 2, 1 };
static const uint8_t two[] = { 192, 0, 2, 2 };
static const struct hash_key key = { 1, 2 };

static struct local_record record(uint16_t type, uint32_t ttl, const void *rdata, uint16_t octets)
{
	return (struct local_record){ .type = type, .rdata_length = octets, .ttl = ttl, .rdata = rdata };
}

static void gives_back_what_was_put_in(void **state)
{
	struct local_record records[] = {
		record(TYPE_A, 60, one, 4), record(TYPE_TXT, 70, "\5hello", 6), record(TYPE_A, 60, two, 4),
	};
	struct local_data *data = local_data_create(records, 3);
	size_t i;

	(void)state;
	assert_non_null(data);
	assert_int_equal(local_data_count(data), 3);
	for (i = 0; i < 3; i++) {
		struct local_record got = local_data_at(data, i);

		assert_int_equal(got.type, records[i].type);
		assert_int_equal(got.ttl, records[i].ttl);
		assert_int_equal(got.rdata_length, records[i].rdata_length);
		assert_memory_equal(got.rdata, records[i].rdata, got.rdata_length);
	}
	local_data_destroy(&data);
	assert_null(data);
}

static void a_record_comes_once_and_a_type_has_one_ttl(void **state)
{
	struct local_record records[] = {
		record(TYPE_A, 90, one, 4), record(TYPE_A, 60, one, 4), record(TYPE_A, 80, two, 4),
		record(TYPE_TXT, 4000000000u, "", 0), record(TYPE_CNAME, 5, "\1a", 3),
		record(TYPE_CNAME, 5, "\1b", 3),
	};
	struct local_data *data = local_data_create(records, 6);

	(void)state;
	assert_non_null(data);
	assert_int_equal(local_data_count(data), 4);
	assert_int_equal(local_data_at(data, 0).ttl, 60);
	assert_int_equal(local_data_at(data, 1).ttl, 60);
	assert_memory_equal(local_data_at(data, 1).rdata, two, 4);
	assert_int_equal(local_data_at(data, 2).ttl, LOCAL_TTL_MAX);
	assert_memory_equal(local_data_at(data, 3).rdata, "\1a", 3);
	local_data_destroy(&data);
}

static const struct {
	bool cname;
	uint16_t qtype;
	size_t count;
	size_t first;
	const char *why;
} rows[] = {
	{ false, TYPE_A, 2, 0, "all of the type" },
	{ false, TYPE_TXT, 1, 1, "the one of the type" },
	{ false, 28, 0, 0, "NODATA" },
	{ false, TYPE_ANY, 3, 0, "ANY takes all" },
	{ true, TYPE_A, 1, 3, "a CNAME answers for every type" },
	{ true, 28, 1, 3, "also for one that is not there" },
	{ true, TYPE_CNAME, 1, 3, "also for its own" },
	{ true, TYPE_ANY, 4, 0, "but ANY takes all" },
};

static void selects_by_type(void **state)
{
	struct local_record records[] = {
		record(TYPE_A, 60, one, 4), record(TYPE_TXT, 70, "\5hello", 6), record(TYPE_A, 60, two, 4),
		record(TYPE_CNAME, 9, "\1a", 3),
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct local_data *data = local_data_create(records, rows[i].cname ? 4 : 3);
		size_t found[8];

		assert_non_null(data);
		if (local_data_select(data, rows[i].qtype, found, 8) != rows[i].count ||
		    (rows[i].count != 0 && found[0] != rows[i].first))
			fail_msg("%s", rows[i].why);
		found[1] = 99;
		assert_true(local_data_select(data, TYPE_ANY, found, 1) == 1 && found[1] == 99);
		local_data_destroy(&data);
	}
}

static void is_bounded_in_records_and_octets(void **state)
{
	struct local_record records[LOCAL_RECORDS_MAX + 10];
	uint8_t *large = calloc(1, 40000);
	struct local_data *data;
	uint8_t octets[LOCAL_RECORDS_MAX + 10];
	size_t i;

	(void)state;
	assert_non_null(large);
	for (i = 0; i < LOCAL_RECORDS_MAX + 10; i++) {
		octets[i] = (uint8_t)i;
		records[i] = record(TYPE_TXT, 1, &octets[i], 1);
	}
	data = local_data_create(records, LOCAL_RECORDS_MAX + 10);
	assert_non_null(data);
	assert_int_equal(local_data_count(data), LOCAL_RECORDS_MAX);
	local_data_destroy(&data);
	records[0] = record(TYPE_TXT, 1, large, 40000);
	records[1] = record(TYPE_A, 1, large, 40000);
	assert_int_equal(local_data_fitting(records, 2), 1);
	data = local_data_create(records, 2);
	assert_non_null(data);
	assert_int_equal(local_data_count(data), 1);
	local_data_destroy(&data);
	free(large);
}

static void the_pool_keeps_equal_data_once(void **state)
{
	struct local_pool *pool = local_pool_create(&key);
	const struct local_data *kept[200];
	size_t octets;
	uint8_t i;

	(void)state;
	assert_non_null(pool);
	for (i = 0; i < 200; i++) {
		struct local_record r = record(TYPE_TXT, 1, &i, 1);

		kept[i] = local_pool_intern(pool, &r, 1);
		assert_non_null(kept[i]);
	}
	octets = local_pool_octets(pool);
	for (i = 0; i < 200; i++) {
		struct local_record r = record(TYPE_TXT, 1, &i, 1);
		struct local_record other = record(TYPE_TXT, 2, &i, 1);

		assert_ptr_equal(local_pool_intern(pool, &r, 1), kept[i]);
		if (i == 0)
			assert_ptr_not_equal(local_pool_intern(pool, &other, 1), kept[i]);
	}
	assert_true(local_pool_octets(pool) - octets < 100);
	assert_non_null(local_pool_intern(pool, NULL, 0));
	assert_int_equal(local_data_count(local_pool_intern(pool, NULL, 0)), 0);
	local_pool_destroy(&pool);
	assert_null(pool);
}

static struct local_owner owner(uint64_t number, bool below)
{
	return (struct local_owner){
		.hash = { number * 3, ~number }, .labels = 2, .exact = !below, .below = below, .line = 1,
	};
}

struct seen {
	const struct local_data *data[8];
	uint64_t number[8];
	size_t left_out;
	size_t count;
	size_t stop_at;
};

static bool note(void *arg, const struct local_owner *of, const struct local_data *data, size_t left_out)
{
	struct seen *seen = arg;

	seen->data[seen->count] = data;
	seen->number[seen->count++] = ~of->hash.high;
	seen->left_out += left_out;
	return seen->count != seen->stop_at;
}

static void scattered_records_come_together_in_list_order(void **state)
{
	static const struct { uint64_t number; bool below; const uint8_t *rdata; } added[] = {
		{ 9, false, one }, { 2, false, one }, { 9, true, one }, { 5, false, two }, { 9, false, two },
		{ 2, false, two },
	};
	struct local_pool *pool = local_pool_create(&key);
	struct seen seen = { .count = 0 };
	size_t i;

	(void)state;
	assert_non_null(pool);
	for (i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
		struct local_owner of = owner(added[i].number, added[i].below);
		struct local_record r = record(TYPE_A, 60, added[i].rdata, 4);

		assert_true(local_pool_collect(pool, &of, &r));
	}
	assert_true(local_pool_flush(pool, note, &seen));
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.number[0], 9);
	assert_int_equal(local_data_count(seen.data[0]), 2);
	assert_memory_equal(local_data_at(seen.data[0], 0).rdata, one, 4);
	assert_memory_equal(local_data_at(seen.data[0], 1).rdata, two, 4);
	assert_int_equal(seen.number[1], 2);
	assert_ptr_equal(seen.data[1], seen.data[0]);
	assert_int_equal(seen.number[2], 9);
	assert_int_equal(local_data_count(seen.data[2]), 1);
	assert_int_equal(seen.number[3], 5);
	seen.count = 0;
	assert_true(local_pool_flush(pool, note, &seen));
	assert_int_equal(seen.count, 0);
	assert_int_equal(local_data_count(seen.data[0]), 2);
	local_pool_destroy(&pool);
}

static void what_an_owner_has_too_much_is_counted(void **state)
{
	struct local_pool *pool = local_pool_create(&key);
	struct local_owner of = owner(1, false);
	struct seen seen = { .count = 0 };
	uint8_t i;

	(void)state;
	assert_non_null(pool);
	for (i = 0; i < 100; i++) {
		struct local_record r = record(TYPE_TXT, 60, &i, 1);

		assert_true(local_pool_collect(pool, &of, &r));
	}
	assert_true(local_pool_flush(pool, note, &seen));
	assert_int_equal(local_data_count(seen.data[0]), LOCAL_RECORDS_MAX);
	assert_int_equal(seen.left_out, 100 - LOCAL_RECORDS_MAX);
	local_pool_destroy(&pool);
}

static void a_visit_that_fails_ends_the_flush(void **state)
{
	struct local_pool *pool = local_pool_create(&key);
	struct seen seen = { .count = 0, .stop_at = 1 };
	uint64_t i;

	(void)state;
	assert_non_null(pool);
	for (i = 0; i < 3; i++) {
		struct local_owner of = owner(i, false);
		struct local_record r = record(TYPE_A, 60, one, 4);

		assert_true(local_pool_collect(pool, &of, &r));
	}
	assert_false(local_pool_flush(pool, note, &seen));
	assert_int_equal(seen.count, 1);
	seen.stop_at = 0;
	assert_true(local_pool_flush(pool, note, &seen));
	assert_int_equal(seen.count, 1);
	local_pool_destroy(&pool);
}

/* `length` octets of name: labels of 63, and what is left. */
static struct name name_of_length(unsigned length)
{
	struct name name = { .length = (uint8_t)length };
	unsigned at = 0;

	while (length - at > 1) {
		unsigned label = length - at - 2 < 63 ? length - at - 2 : 63;

		/* No label may be left empty. */
		if (length - at - 2 == label + 1)
			label--;
		name.octets[at] = (uint8_t)label;
		memset(name.octets + at + 1, 'a', label);
		at += label + 1;
		name.labels++;
	}
	name.octets[at] = 0;
	return name;
}

static void puts_the_owner_in_front_of_a_star_up_to_255_octets(void **state)
{
	static const uint8_t plain[] = "\6garden\7example", star[] = "\1*\6garden\7example";
	static const struct {
		const uint8_t *rdata;
		uint16_t octets;
		unsigned owner;      /* octets of its name */
		unsigned expected;   /* of the target; 0: too long */
		const char *why;
	} stars[] = {
		{ plain, sizeof(plain), 255, sizeof(plain), "without a star the owner does not matter" },
		{ star, sizeof(star), 1, sizeof(star) - 2, "the root in front of a name is the name" },
		{ star, sizeof(star), 20, 19 + sizeof(star) - 2, "the owner loses its root, the target its star" },
		{ star, sizeof(star), 256 - (sizeof(star) - 2), 255, "the longest that fits" },
		{ star, sizeof(star), 257 - (sizeof(star) - 2), 0, "one octet more" },
		{ star, sizeof(star), 255, 0, "the longest owner" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stars) / sizeof(stars[0]); i++) {
		struct local_record record = { .type = 5, .rdata_length = stars[i].octets, .rdata = stars[i].rdata };
		struct name owner = name_of_length(stars[i].owner), target = { .length = 0 }, again;
		bool fits = local_data_target(&record, &owner, &target);

		if (fits != (stars[i].expected > 0) || target.length != stars[i].expected)
			fail_msg("%s: %d, %u octets", stars[i].why, fits, target.length);
		if (fits && (!name_from_wire(&again, target.octets, target.length) || again.labels != target.labels))
			fail_msg("%s: no sound name", stars[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_put_in),
		cmocka_unit_test(a_record_comes_once_and_a_type_has_one_ttl),
		cmocka_unit_test(selects_by_type),
		cmocka_unit_test(is_bounded_in_records_and_octets),
		cmocka_unit_test(the_pool_keeps_equal_data_once),
		cmocka_unit_test(scattered_records_come_together_in_list_order),
		cmocka_unit_test(what_an_owner_has_too_much_is_counted),
		cmocka_unit_test(a_visit_that_fails_ends_the_flush),
		cmocka_unit_test(puts_the_owner_in_front_of_a_star_up_to_255_octets),
	};

	return cmocka_run_group_tests_name("local_data", tests, NULL, NULL);
}
