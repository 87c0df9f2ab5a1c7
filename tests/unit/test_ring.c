/* test_ring.c: what goes in comes out, in order and whole, and what does not fit is counted. */
#include "dnstap/ring.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"

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
	assert_null(ring_next(ring, &octets));
	for (i = 1; i <= 3; i++)
		assert_true(push(ring, (uint8_t)i, i * 100, false));
	for (i = 1; i <= 3; i++) {
		record = ring_next(ring, &octets);
		assert_non_null(record);
		assert_int_equal(octets, i * 100);
		assert_int_equal(record[0], i);
		assert_int_equal(record[octets - 1], i);
		ring_release(ring);
	}
	assert_null(ring_next(ring, &octets));
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
	assert_int_equal(ring_next(ring, &octets)[0], 9);
	assert_int_equal(octets, 1);
	ring_release(ring);
	assert_null(ring_next(ring, &octets));
	ring_commit(ring, 1);
	assert_null(ring_next(ring, &octets));
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
	assert_null(ring_next(ring, &octets));
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
		record = ring_next(ring, &octets);
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
	ring_next(ring, &octets);
	ring_release(ring);
	second = ring_next(ring, &octets);
	assert_false(push(ring, 3, 41000, true));   /* would need the end, too short for it, and run into the second */
	assert_true(push(ring, 3, 39000, true));
	assert_int_equal(second[0], 2);
	assert_int_equal(second[19999], 2);
	ring_release(ring);
	assert_int_equal(ring_next(ring, &octets)[0], 3);
	assert_int_equal(octets, 39000);
	ring_destroy(&ring);
}

static void gives_again_what_was_not_released(void **state)
{
	struct ring *ring = ring_create(OCTETS);
	size_t octets;

	(void)state;
	assert_true(push(ring, 1, 100, false));
	assert_true(push(ring, 2, 100, false));
	assert_int_equal(ring_next(ring, &octets)[0], 1);
	assert_int_equal(ring_next(ring, &octets)[0], 2);
	ring_rewind(ring);
	assert_int_equal(ring_next(ring, &octets)[0], 1);
	ring_release(ring);
	ring_rewind(ring);
	assert_int_equal(ring_next(ring, &octets)[0], 2);
	ring_destroy(&ring);
}

static uint64_t noted(const struct ring *ring)
{
	struct ring_tally tally;

	ring_read_tally(ring, &tally);
	return tally.noted;
}

static void counts_go_on_from_ring_to_ring(void **state)
{
	struct ring *ring = ring_create(OCTETS), *next = ring_create(OCTETS);
	struct ring_tally tally;

	(void)state;
	ring_note(ring, 1);
	ring_leave(ring, 2);
	assert_int_equal(ring_left_out(ring, 3), 1);
	assert_null(ring_reserve(ring, SIZE_MAX / 2, true));
	ring_note(ring, 3);
	ring_give_up(ring, 4);
	/* Numbers 4 to 9 nobody offered. */
	assert_int_equal(ring_left_out(ring, 10), 7);
	ring_note(ring, 10);
	ring_read_tally(ring, &tally);
	ring_go_on(next, &tally);
	ring_leave(next, 11);
	ring_read_tally(next, &tally);
	assert_int_equal(tally.noted, 11);
	assert_int_equal(tally.left_out, 8);
	assert_int_equal(tally.dropped, 1);
	assert_int_equal(tally.given_up, 4);
	ring_destroy(&ring);
	ring_destroy(&next);
}

/* --- in a file --- */

static const struct ring_origin origin = { 0x123456789abc, 7 };

/* A file with `count` records that a process left behind, and some that had left it. */
static void leave_behind(struct directory *directory, unsigned count)
{
	struct ring *ring = ring_create_mapped(directory->fd, "ring-7", OCTETS, &origin);
	size_t octets;
	unsigned i;

	assert_non_null(ring);
	for (i = 0; i < 200; i++) {
		assert_true(push(ring, 0xff, 1000, false));
		assert_non_null(ring_next(ring, &octets));
		ring_release(ring);
	}
	for (i = 0; i < count; i++)
		assert_true(push(ring, (uint8_t)i, 300, true));
	ring_note(ring, 4711);
	ring_destroy(&ring);
}

static unsigned recover(struct directory *directory, bool *damaged)
{
	struct ring_origin whose;
	struct ring *ring = ring_recover(directory->fd, "ring-7", &whose, damaged);
	const uint8_t *record;
	unsigned count = 0;
	size_t octets;

	if (!ring)
		return UINT_MAX;
	assert_int_equal(whose.boot, origin.boot);
	assert_int_equal(whose.worker, origin.worker);
	for (; (record = ring_next(ring, &octets)) != NULL; count++) {
		assert_int_equal(octets, 300);
		assert_int_equal(record[299], count);
	}
	assert_int_equal(noted(ring), 4711);
	ring_destroy(&ring);
	return count;
}

static void a_file_gives_back_what_had_not_left_it(void **state)
{
	struct directory directory = directory_make();
	bool damaged = true;

	(void)state;
	leave_behind(&directory, 150);
	assert_int_equal(recover(&directory, &damaged), 150);
	assert_false(damaged);
	assert_int_equal(directory_mode(&directory, "ring-7"), 0600);
	directory_remove(&directory);
}

static void never_takes_a_file_that_is_there_already(void **state)
{
	struct directory directory = directory_make();

	(void)state;
	leave_behind(&directory, 1);
	assert_null(ring_create_mapped(directory.fd, "ring-7", OCTETS, &origin));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(symlinkat("ring-7", directory.fd, "link"), 0);
	assert_null(ring_create_mapped(directory.fd, "link", OCTETS, &origin));
	directory_remove(&directory);
}

/* Every octet of the front and of the first headers, set to several values: never a crash, never a record outside. */
static void survives_any_damage(void **state)
{
	struct directory directory = directory_make();
	unsigned at, i;

	(void)state;
	for (at = 0; at < 400; at++) {
		off_t offset = at < 256 ? (off_t)at : 4096 + 3 * 1000 + (off_t)at;

		for (i = 0; i < 4; i++) {
			struct ring_origin whose;
			bool damaged;
			size_t octets;
			struct ring *ring;

			directory_forget(&directory, "ring-7");
			leave_behind(&directory, 40);
			directory_poke(&directory, "ring-7", offset, (uint8_t)(i * 85));
			ring = ring_recover(directory.fd, "ring-7", &whose, &damaged);
			while (ring && ring_next(ring, &octets))
				assert_in_range(octets, 1, OCTETS);
			ring_destroy(&ring);
		}
	}
	directory_remove(&directory);
}

/* Of the front, as dnstap/ring_parts.h has it. */
enum { AT_BOOT = 16, AT_TAIL = 64, AT_DROPPED = 72, AT_NOTED = 80, AT_LEFT_OUT = 88, AT_HEAD = 128, AT_GIVEN_UP = 136,
	AT_RECORDS = 4096 };

static void poke_number(struct directory *directory, off_t at, uint64_t number)
{
	directory_write(directory, "ring-7", at, &number, sizeof(number));
}

static void positions_that_come_round_to_zero_end_the_ring(void **state)
{
	static const uint32_t skip[2] = { UINT32_MAX };
	struct directory directory = directory_make();
	struct ring_origin whose;
	bool damaged = false;
	size_t octets;

	(void)state;
	leave_behind(&directory, 40);
	poke_number(&directory, AT_HEAD, UINT64_MAX - 15);
	poke_number(&directory, AT_TAIL, UINT64_MAX - 7);
	directory_write(&directory, "ring-7", AT_RECORDS + (off_t)OCTETS - 16, skip, sizeof(skip));
	alarm(20);
	struct ring *ring = ring_recover(directory.fd, "ring-7", &whose, &damaged);
	assert_non_null(ring);
	assert_null(ring_next(ring, &octets));
	alarm(0);
	assert_true(damaged);
	ring_destroy(&ring);
	directory_remove(&directory);
}

static void numbers_that_nobody_counts_to_are_damage(void **state)
{
	static const off_t places[] = { AT_DROPPED, AT_GIVEN_UP, AT_NOTED, AT_LEFT_OUT };
	struct directory directory = directory_make();
	struct ring_origin whose;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool damaged = false;

		leave_behind(&directory, 1);
		poke_number(&directory, places[i], (uint64_t)1 << 53);
		struct ring *ring = ring_recover(directory.fd, "ring-7", &whose, &damaged);
		assert_true(damaged);
		assert_int_equal(ring_dropped(ring), 0);
		assert_int_equal(noted(ring), places[i] == AT_NOTED ? 0 : 4711);
		ring_destroy(&ring);
		directory_forget(&directory, "ring-7");
	}
	leave_behind(&directory, 1);
	poke_number(&directory, AT_BOOT, (uint64_t)1 << 48);
	assert_null(ring_recover(directory.fd, "ring-7", &whose, &(bool){ false }));
	assert_int_equal(errno, EBADMSG);
	directory_remove(&directory);
}

/* A process can be killed between any two calls while it makes its ring. */
static void a_ring_that_was_never_made_is_no_damage(void **state)
{
	static const struct { off_t size; const char *why; } rows[] = {
		{ 0, "opened" }, { 100, "allocated in part" }, { 4096 + (off_t)OCTETS, "allocated" },
	};
	struct directory directory = directory_make();
	struct ring_origin whose;
	bool damaged;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		directory_write(&directory, "ring-7", 0, "", 0);
		directory_cut(&directory, "ring-7", rows[i].size);
		if (ring_recover(directory.fd, "ring-7", &whose, &damaged) || errno != ENODATA)
			fail_msg("%s: %s", rows[i].why, strerror(errno));
	}
	directory_remove(&directory);
}

static void leaves_the_ring_of_a_living_process_alone(void **state)
{
	struct directory directory = directory_make();
	struct ring *ring = ring_create_mapped(directory.fd, "ring-7", OCTETS, &origin);
	struct ring_origin whose;
	bool damaged;

	(void)state;
	assert_null(ring_recover(directory.fd, "ring-7", &whose, &damaged));
	assert_int_equal(errno, EWOULDBLOCK);
	ring_destroy(&ring);
	ring = ring_recover(directory.fd, "ring-7", &whose, &damaged);
	assert_non_null(ring);
	ring_destroy(&ring);
	directory_remove(&directory);
}

static void says_what_is_no_ring(void **state)
{
	struct directory directory = directory_make();
	struct ring_origin whose;
	bool damaged;

	(void)state;
	assert_null(ring_recover(directory.fd, "ring-7", &whose, &damaged));
	assert_int_equal(errno, ENOENT);
	leave_behind(&directory, 1);
	directory_poke(&directory, "ring-7", 0, 'x');
	assert_null(ring_recover(directory.fd, "ring-7", &whose, &damaged));
	assert_int_equal(errno, EBADMSG);
	directory_forget(&directory, "ring-7");
	leave_behind(&directory, 1);
	directory_cut(&directory, "ring-7", 8192);
	assert_null(ring_recover(directory.fd, "ring-7", &whose, &damaged));
	assert_int_equal(errno, EBADMSG);
	directory_remove(&directory);
}

static void a_damaged_record_ends_the_ring_and_is_said(void **state)
{
	struct directory directory = directory_make();
	bool damaged = false;

	(void)state;
	leave_behind(&directory, 10);
	directory_poke_where(&directory, "ring-7", 300, 4, 0xff);
	assert_int_equal(recover(&directory, &damaged), 4);
	assert_true(damaged);
	directory_remove(&directory);
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
		const uint8_t *record = ring_next(transfer.ring, &octets);
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
		cmocka_unit_test(gives_again_what_was_not_released),
		cmocka_unit_test(counts_go_on_from_ring_to_ring),
		cmocka_unit_test(a_file_gives_back_what_had_not_left_it),
		cmocka_unit_test(never_takes_a_file_that_is_there_already),
		cmocka_unit_test(survives_any_damage),
		cmocka_unit_test(positions_that_come_round_to_zero_end_the_ring),
		cmocka_unit_test(numbers_that_nobody_counts_to_are_damage),
		cmocka_unit_test(a_ring_that_was_never_made_is_no_damage),
		cmocka_unit_test(leaves_the_ring_of_a_living_process_alone),
		cmocka_unit_test(says_what_is_no_ring),
		cmocka_unit_test(a_damaged_record_ends_the_ring_and_is_said),
		cmocka_unit_test(two_threads_lose_and_tear_nothing),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
