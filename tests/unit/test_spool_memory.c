/* test_spool_memory.c: where the disk takes nothing, frames are in memory, as far as there is any. */
#include "dnstap/spool.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "tests/unit/full_disk.h"
#include "tests/unit/spooling.h"

static void what_a_full_disk_and_no_memory_drop_is_lost_for_every_reader(void **state)
{
	struct directory directory = directory_make();
	struct spool_options options = options_for(&directory);
	struct spool_counts counts;
	struct diag diag;

	(void)state;
	options.memory_octets_max = 0;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *first = spool_reader_add(spool, "a"), *second = spool_reader_add(spool, "b");
	struct got *got = fresh();
	fill(spool, 0, 100);
	limit_files(1000);
	fill(spool, 100, 150);
	limit_files(RLIM_INFINITY);
	read_all(first, got);
	assert_each_once(got, 0, 100);
	assert_int_equal(spool_lost(first), 50);
	assert_int_equal(spool_lost(second), 50);
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.dropped, 50);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* A disk that is full for a while: the segments in memory are younger than those on disk, and go first. */
static void memory_that_goes_in_the_middle_is_unsure_after_a_break(void **state)
{
	struct directory directory = directory_make();
	struct spool_options options = options_for(&directory);
	struct got *got = fresh();
	struct diag diag;
	uint32_t i, came = 0;

	(void)state;
	options.memory_octets_max = 2 << 20;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	for (i = 0; i < 200; i++)
		assert_true(append(spool, LANE_PLAIN, 2 * i + 1, 500));
	spool_flush(spool, 1);
	limit_files(1000);
	for (; i < 3000; i++)
		assert_true(append(spool, LANE_PLAIN, 2 * i + 1, 500));
	spool_flush(spool, 1);
	read_all(reader, got);
	assert_int_equal(got->frames, 3000);
	for (; i < 12000; i++)
		assert_true(append(spool, LANE_PLAIN, 2 * i + 1, 500));
	spool_flush(spool, 1);
	limit_files(RLIM_INFINITY);
	assert_int_equal(spool_unsure(reader), 0);
	spool_rewind(reader);
	memset(got, 0, sizeof(*got));
	read_all(reader, got);
	for (i = 0; i < 12000; i++)
		came += got->times[2 * i + 1];
	assert_int_equal(spool_unsure(reader), 2800);
	assert_int_equal(came + spool_unsure(reader) + spool_lost(reader), 12000);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void goes_back_to_the_disk_when_it_may_be_tried_again(void **state)
{
	static const uint8_t frame[100];
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct spool_counts counts;
	int64_t now;

	(void)state;
	fill(spool, 0, 2);
	limit_files(100);
	assert_true(spool_append(spool, LANE_VERDICT, frame, sizeof(frame), 2000));
	spool_flush(spool, 2000);
	limit_files(RLIM_INFINITY);
	spool_read_counts(spool, &counts);
	assert_in_range(counts.octets_memory, 1, SIZE_MAX);
	assert_int_equal(spool_unsaved(reader), 1);
	for (now = 2000; now <= 7000; now += 1000) {
		assert_true(spool_append(spool, LANE_VERDICT, frame, sizeof(frame), now));
		spool_flush(spool, now);
	}
	assert_int_equal(directory_count(&directory, "verdict-"), 2);
	assert_int_equal(spool_unsaved(reader), 6);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* A limit on file sizes stands for a full disk: writes fail in the middle of a frame. */
static void a_full_disk_goes_on_in_memory(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct rlimit before, small = { 0 };
	struct spool_counts counts;
	struct got *got = fresh();

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 50001;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	fill(spool, 0, 3000);
	fill(spool, 3000, 5000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	spool_read_counts(spool, &counts);
	assert_true(counts.errors > 0 && counts.octets_memory > 0);
	assert_int_equal(counts.last_errno, EFBIG);
	read_all(reader, got);
	assert_each_once(got, 0, 5000);
	assert_int_equal(spool_lost(reader) + counts.dropped, 0);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* Nothing waits in memory any more once it was read, though little comes: the disk may take the next frame. */
static void memory_that_was_read_is_left_for_the_disk(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct spool_counts counts;
	struct got *got = fresh();

	(void)state;
	limit_files(1000);
	fill(spool, 0, 100);
	limit_files(RLIM_INFINITY);
	read_all(reader, got);
	spool_commit(reader);
	spool_commit(reader);
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.octets_memory, 0);
	fill(spool, 20000, 20010);
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.octets_memory, 0);
	read_all(reader, got);
	assert_each_once(got, 0, 100);
	assert_each_once(got, 20000, 20010);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void memory_that_ends_is_counted(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *read = spool_reader_add(spool, "read"), *unread = spool_reader_add(spool, "unread"),
		*committed = spool_reader_add(spool, "committed");
	struct got *got = fresh();

	(void)state;
	spool_reader_go_on(unread, 3, 4);
	spool_reader_go_on(unread, 1, 1);
	fill(spool, 0, 100);
	read_all(read, got);
	read_all(committed, got);
	spool_commit(committed);
	spool_commit(committed);
	spool_forget_memory(spool);
	assert_int_equal(spool_lost(unread), 103);
	assert_int_equal(spool_unsure(unread), 4);
	assert_int_equal(spool_lost(read), 0);
	assert_int_equal(spool_unsure(read), 100);
	assert_int_equal(spool_lost(committed) + spool_unsure(committed), 0);
	free(got);
	spool_close(&spool, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_full_disk_and_no_memory_drop_is_lost_for_every_reader),
		cmocka_unit_test(memory_that_goes_in_the_middle_is_unsure_after_a_break),
		cmocka_unit_test(goes_back_to_the_disk_when_it_may_be_tried_again),
		cmocka_unit_test(a_full_disk_goes_on_in_memory),
		cmocka_unit_test(memory_that_was_read_is_left_for_the_disk),
		cmocka_unit_test(memory_that_ends_is_counted),
	};

	return cmocka_run_group_tests_name("spool_memory", tests, NULL, NULL);
}
