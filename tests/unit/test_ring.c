/* test_ring.c: what goes in comes out, in order and whole, and what does not fit is counted. */
#include "dnstap/ring.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define OCTETS ((size_t)64 * 1024)
#define TRANSFERS 3000000u

static bool push(struct ring *ring, uint8_t fill, size_t octets, bool important)
{
	uint8_t *to = ring_reserve(ring, octets, important);

	if (!to)
		return false;
	memset(to, fill, octets);
	ring_commit(ring, octets);
	return true;
}

static void refuses_sizes_that_are_no_power_of_two(void **state)
{
	static const struct { size_t octets; const char *why; } rows[] = {
		{ 0, "nothing" }, { 32 * 1024, "too small" }, { OCTETS + 1, "odd" }, { 3 * OCTETS, "no power of two" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ring_create(rows[i].octets))
			fail_msg("%s", rows[i].why);
}

static void gives_records_back_in_order(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	const uint8_t *record;
	size_t octets, i;

	(void)state;
	assert_null(ring_peek(ring, &octets));
	for (i = 1; i <= 3; i++)
		assert_true(push(ring, (uint8_t)i, i * 100, false));
	for (i = 1; i <= 3; i++) {
		record = ring_peek(ring, &octets);
		assert_non_null(record);
		assert_int_equal(octets, i * 100);
		assert_int_equal(record[0], i);
		assert_int_equal(record[octets - 1], i);
		ring_release(ring);
	}
	assert_null(ring_peek(ring, &octets));
	assert_int_equal(ring_used(ring), 0);
	ring_destroy(&ring);
	assert_null(ring);
}

static void keeps_the_last_quarter_for_what_matters(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	size_t plain = 0, important = 0;

	(void)state;
	while (push(ring, 1, 1000, false))
		plain++;
	assert_in_range(ring_used(ring), OCTETS / 4 * 3 - 1008, OCTETS / 4 * 3);
	assert_int_equal(ring_dropped(ring), 1);
	while (push(ring, 2, 1000, true))
		important++;
	assert_int_equal(plain, OCTETS / 4 * 3 / 1008);
	assert_int_equal(plain + important, OCTETS / 1008);
	assert_int_equal(ring_dropped(ring), 2);
	ring_destroy(&ring);
}

static void counts_what_can_never_fit(void **state)
{
	static const struct { size_t octets; const char *why; } rows[] = {
		{ 0, "nothing" }, { OCTETS, "no room for a header" }, { OCTETS * 2, "larger" }, { SIZE_MAX, "wraps around" },
		{ SIZE_MAX - 8, "wraps around with the header" },
	};
	struct ring *ring = ring_create(OCTETS);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (ring_reserve(ring, rows[i].octets, true))
			fail_msg("%s", rows[i].why);
		assert_int_equal(ring_dropped(ring), i + 1);
	}
	ring_destroy(&ring);
}

static void abandons_a_reservation_without_commit(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	uint8_t *first = ring_reserve(ring, 100, false);
	size_t octets;

	(void)state;
	assert_ptr_equal(first, ring_reserve(ring, 200, false));
	first[0] = 9;
	ring_commit(ring, 1);
	assert_int_equal(ring_peek(ring, &octets)[0], 9);
	assert_int_equal(octets, 1);
	ring_release(ring);
	assert_null(ring_peek(ring, &octets));
	ring_commit(ring, 1);
	assert_null(ring_peek(ring, &octets));
	assert_int_equal(ring_dropped(ring), 0);
	ring_destroy(&ring);
}

static void commits_no_more_than_was_reserved(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	size_t octets;

	(void)state;
	ring_reserve(ring, 100, false);
	ring_commit(ring, 101);
	assert_null(ring_peek(ring, &octets));
	ring_destroy(&ring);
}

static void keeps_every_record_in_one_piece(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	size_t octets, i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		size_t want = 1 + i * 977 % 20000, at;
		const uint8_t *record;

		assert_true(push(ring, (uint8_t)i, want, true));
		record = ring_peek(ring, &octets);
		assert_int_equal(octets, want);
		for (at = 0; at < octets; at++)
			assert_int_equal(record[at], (uint8_t)i);
		ring_release(ring);
	}
	ring_destroy(&ring);
}

static void the_skipped_end_of_the_ring_counts_as_used(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	const uint8_t *second;
	size_t octets;

	(void)state;
	assert_true(push(ring, 1, 40000, true));
	assert_true(push(ring, 2, 20000, true));
	ring_peek(ring, &octets);
	ring_release(ring);
	second = ring_peek(ring, &octets);
	assert_false(push(ring, 3, 41000, true));   /* would need the end, too short for it, and run into the second */
	assert_true(push(ring, 3, 39000, true));
	assert_int_equal(second[0], 2);
	assert_int_equal(second[19999], 2);
	ring_release(ring);
	assert_int_equal(ring_peek(ring, &octets)[0], 3);
	assert_int_equal(octets, 39000);
	ring_destroy(&ring);
}

/* --- two threads --- */

struct transfer {
	struct ring *ring;
	uint64_t refused;
	_Atomic bool done;
};

static uint32_t step(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8;
}

static void *produce(void *arg)
{
	struct transfer *transfer = arg;
	uint32_t random = 1, i;

	for (i = 0; i < TRANSFERS; i++) {
		size_t octets = 8 + step(&random) % 120 + (i % 1000 == 0 ? 5000 : 0);
		uint32_t *to = (uint32_t *)(void *)ring_reserve(transfer->ring, octets + 64, i % 7 == 0);

		if (!to) {
			transfer->refused++;
			continue;
		}
		to[0] = i;
		to[1] = (uint32_t)octets;
		memset(to + 2, (uint8_t)i, octets - 8);
		ring_commit(transfer->ring, octets);
	}
	atomic_store(&transfer->done, true);
	return NULL;
}

static void two_threads_lose_and_tear_nothing(void **state)
{
	struct transfer transfer = { .ring = ring_create(OCTETS) };
	uint64_t taken = 0, bad = 0;
	int64_t last = -1;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, produce, &transfer), 0);
	for (;;) {
		bool done = atomic_load(&transfer.done);
		size_t octets, i;
		const uint8_t *record = ring_peek(transfer.ring, &octets);
		uint32_t head[2];

		if (!record && done)
			break;
		if (!record)
			continue;
		memcpy(head, record, sizeof(head));
		bad += head[0] <= last || head[1] != octets;
		for (i = 8; i < octets; i++)
			bad += record[i] != (uint8_t)head[0];
		last = head[0];
		taken++;
		ring_release(transfer.ring);
	}
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	assert_int_equal(transfer.refused, ring_dropped(transfer.ring));
	assert_int_equal(taken + transfer.refused, TRANSFERS);
	ring_destroy(&transfer.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_sizes_that_are_no_power_of_two),
		cmocka_unit_test(gives_records_back_in_order),
		cmocka_unit_test(keeps_the_last_quarter_for_what_matters),
		cmocka_unit_test(counts_what_can_never_fit),
		cmocka_unit_test(abandons_a_reservation_without_commit),
		cmocka_unit_test(commits_no_more_than_was_reserved),
		cmocka_unit_test(keeps_every_record_in_one_piece),
		cmocka_unit_test(the_skipped_end_of_the_ring_counts_as_used),
		cmocka_unit_test(two_threads_lose_and_tear_nothing),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
