/* test_spool.c: what goes in comes out for every reader, over breaks, restarts and damage, or is counted. */
#include "dnstap/spool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/spooling.h"

static void gives_every_frame_to_every_reader(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(*state ? &directory : NULL);
	struct spool_reader *first = spool_reader_add(spool, "first"), *second = spool_reader_add(spool, "second");
	struct got *a = fresh(), *b = fresh();

	fill(spool, 0, 5000);
	read_all(first, a);
	fill(spool, 5000, 9000);
	read_all(first, a);
	read_all(second, b);
	assert_each_once(a, 0, 9000);
	assert_each_once(b, 0, 9000);
	assert_int_equal(spool_unread(first), 0);
	assert_true(spool_has_uncommitted(first));
	assert_int_equal(spool_lost(first) + spool_unsure(first) + spool_lost(second), 0);
	free(a);
	free(b);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void gives_verdicts_first(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();

	(void)state;
	assert_true(append(spool, LANE_PLAIN, 1, 60000));
	assert_true(append(spool, LANE_VERDICT, 2, 60000));
	spool_flush(spool, 1);
	read_some(reader, got, SPOOL_READ_MIN);
	assert_int_equal(got->last[LANE_VERDICT], 2);
	assert_int_equal(got->last[LANE_PLAIN], 0);
	free(got);
	spool_close(&spool, 1);
}

static void a_break_brings_the_last_two_commits_again(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(*state ? &directory : NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	uint32_t i;

	for (i = 0; i < 3; i++) {
		fill(spool, i * 1000, i * 1000 + 1000);
		read_all(reader, got);
		spool_commit(reader);
	}
	fill(spool, 3000, 3500);
	read_all(reader, got);
	spool_rewind(reader);
	read_all(reader, got);
	assert_each_once(got, 0, 2000);
	for (i = 2000; i < 3500; i++)
		assert_int_equal(got->times[i], 2);
	assert_int_equal(spool_lost(reader) + spool_unsure(reader), 0);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* A collector that goes after each confirmation gets everything twice, and not again and again. */
static void commits_count_between_breaks(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	uint32_t i;

	(void)state;
	for (i = 0; i < 10; i++) {
		fill(spool, i * 1000, i * 1000 + 1000);
		read_all(reader, got);
		spool_commit(reader);
		spool_rewind(reader);
	}
	assert_int_equal(spool_unread(reader), 1000);
	assert_int_equal(got->frames, 1000 + 9 * 2000);
	free(got);
	spool_close(&spool, 1);
}

/* It confirmed less than was confirmed before the break: the rest has to come again. */
static void a_commit_of_a_part_does_not_count_for_the_rest(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	uint32_t i;

	(void)state;
	fill(spool, 0, 3000);
	read_all(reader, got);
	spool_commit(reader);
	spool_rewind(reader);
	read_some(reader, got, SPOOL_READ_MIN);
	spool_commit(reader);
	spool_commit(reader);
	spool_rewind(reader);
	memset(got, 0, sizeof(*got));
	read_all(reader, got);
	assert_each_once(got, 0, 3000);
	for (i = 0; i < 2; i++)
		spool_commit(reader);
	spool_rewind(reader);
	assert_int_equal(spool_unread(reader), 0);
	free(got);
	spool_close(&spool, 1);
}

static void removes_what_all_have_committed(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *first = spool_reader_add(spool, "first"), *second = spool_reader_add(spool, "second");
	struct got *got = fresh();

	(void)state;
	fill(spool, 0, 10000);
	assert_true(directory_count(&directory, "plain-") > 3);
	read_all(first, got);
	spool_commit(first);
	spool_commit(first);
	assert_true(directory_count(&directory, "plain-") > 3);
	read_all(second, got);
	spool_commit(second);
	assert_true(directory_count(&directory, "plain-") > 3);
	spool_commit(second);
	assert_int_equal(directory_count(&directory, "plain-"), 1);
	assert_int_equal(directory_count(&directory, "verdict-"), 1);
	assert_false(spool_has_uncommitted(second));
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void the_next_process_reads_on(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct spool_counts counts;
	struct got *got = fresh();
	uint32_t i;

	(void)state;
	fill(spool, 0, 3000);
	read_all(reader, got);
	spool_commit(reader);
	spool_commit(reader);
	fill(spool, 3000, 4000);
	spool_close(&spool, 1);
	assert_int_equal(directory_mode(&directory, "reader-a"), 0600);
	spool = open_spool(&directory);
	reader = spool_reader_add(spool, "a");
	spool_read_counts(spool, &counts);
	assert_in_range(counts.recovered, 1000, 4000);
	fill(spool, 4000, 5000);
	read_all(reader, got);
	for (i = 0; i < 5000; i++)
		assert_int_equal(got->times[i], 1);
	assert_int_equal(counts.damaged, 0);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void one_process_at_a_time(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_options options = options_for(&directory);
	struct diag diag;

	(void)state;
	assert_null(spool_open(&options, 1, 1, &diag));
	assert_int_equal(errno, EWOULDBLOCK);
	assert_non_null(strstr(diag.text, "another process"));
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void the_oldest_plain_ones_go_first_and_are_counted(void **state)
{
	struct directory directory = directory_make();
	struct spool_options options = options_for(*state ? &directory : NULL);
	struct diag diag;
	struct got *got = fresh();
	uint32_t i, came = 0;

	options.file_octets_max = 1 << 20;
	options.memory_octets_max = 4 << 20;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	for (i = 0; i < 40000; i++)
		assert_true(append(spool, i % 20 ? LANE_PLAIN : LANE_VERDICT, i % 20 ? i * 2 + 1 : i * 2, 250));
	spool_flush(spool, 1);
	read_all(reader, got);
	for (i = 0; i < 40000; i++) {
		came += got->times[i % 20 ? i * 2 + 1 : i * 2];
		if (i % 20 == 0)
			assert_int_equal(got->times[i * 2], 1);
	}
	assert_true(came < 30000);
	assert_int_equal(came + spool_lost(reader), 40000);
	assert_int_equal(got->last[LANE_PLAIN], 39999 * 2 + 1);
	assert_int_equal(spool_unsure(reader), 0);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* The spool is full of verdicts for a collector that is gone, and the other one takes what comes. */
static void who_has_stopped_costs_the_others_nothing(void **state)
{
	struct directory directory = directory_make();
	struct spool_options options = options_for(*state ? &directory : NULL);
	struct got *got = fresh();
	struct diag diag;
	uint32_t i;

	options.file_octets_max = 1 << 20;
	options.memory_octets_max = 4 << 20;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *gone = spool_reader_add(spool, "gone"), *well = spool_reader_add(spool, "well");
	for (i = 0; i < TURNS * 100; i += 100) {
		fill(spool, i, i + 100);
		read_all(well, got);
		spool_commit(well);
	}
	assert_each_once(got, 0, TURNS * 100);
	assert_int_equal(spool_lost(well), 0);
	assert_true(spool_lost(gone) > 0);
	assert_int_equal(spool_lost(gone) + spool_unread(gone), TURNS * 100);
	free(got);
	got = fresh();
	read_all(gone, got);
	/* Verdicts still go last. */
	assert_int_equal(got->last[LANE_VERDICT], TURNS * 100 - 2);
	assert_true(got->frames > 0);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void what_went_after_it_was_read_is_unsure_only_after_a_break(void **state)
{
	struct directory directory = directory_make();
	struct spool_options options = options_for(&directory);
	struct diag diag;
	struct got *got = fresh();

	(void)state;
	options.file_octets_max = 1 << 20;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	fill(spool, 0, 4000);
	read_all(reader, got);
	fill(spool, 4000, 12000);
	assert_int_equal(spool_unsure(reader), 0);
	uint64_t lost = spool_lost(reader);
	assert_true(lost > 0);
	spool_rewind(reader);
	assert_int_equal(spool_unsure(reader), 2000);   /* the plain ones */
	assert_int_equal(spool_lost(reader), lost);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void gives_ended_segments_to_be_synced_too(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	unsigned segments, given = 0, count, i;
	int files[3];

	(void)state;
	fill(spool, 0, 10000);
	segments = directory_count(&directory, "plain-") + directory_count(&directory, "verdict-");
	assert_true(segments > 4);
	do {
		count = spool_take_dirty(spool, files, 3);
		for (i = 0; i < count; i++)
			close(files[i]);
		given += count;
	} while (count > 0);
	assert_int_equal(given, segments + 1);   /* and the directory */
	fill(spool, 10000, 10001);
	count = spool_take_dirty(spool, files, 3);
	assert_in_range(count, 1, 2);   /* a new one has a name, too */
	for (i = 0; i < count; i++)
		close(files[i]);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* A collector that writes in blocks has confirmed what it may not have written. */
static void little_that_was_committed_is_read_again(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	uint32_t at;

	(void)state;
	spool_reader_keep(reader, 16 * 1024);
	fill(spool, 0, 300);
	read_all(reader, got);
	spool_commit(reader);
	for (at = 300; at < 340; at += 10) {
		fill(spool, at, at + 10);
		read_all(reader, got);
		spool_commit(reader);
		assert_int_equal(spool_has_uncommitted(reader), true);
	}
	spool_commit(reader);
	assert_false(spool_has_uncommitted(reader));
	spool_rewind(reader);
	memset(got, 0, sizeof(*got));
	read_all(reader, got);
	assert_each_once(got, 0, 340);
	spool_commit(reader);
	fill(spool, 340, 640);
	read_all(reader, got);
	spool_commit(reader);
	spool_rewind(reader);
	memset(got, 0, sizeof(*got));
	read_all(reader, got);
	assert_int_equal(got->frames, 340);
	assert_each_once(got, 300, 640);
	spool_settle(reader);
	spool_rewind(reader);
	assert_int_equal(read_some(reader, got, SPOOL_READ_MIN), 0);
	free(got);
	spool_close(&spool, 1);
}

static void refuses_frames_that_are_too_long(void **state)
{
	struct spool *spool = open_spool(NULL);

	(void)state;
	assert_false(append(spool, LANE_PLAIN, 1, 0));
	assert_true(append(spool, LANE_PLAIN, 1, SPOOL_FRAME_MAX));
	assert_false(spool_append(spool, LANE_PLAIN, (const uint8_t *)"", SPOOL_FRAME_MAX + 1, 1));
	spool_close(&spool, 1);
}

static void says_since_when_frames_wait(void **state)
{
	struct spool *spool = open_spool(NULL);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();

	(void)state;
	assert_int_equal(spool_waiting_ms(reader, 4000), 0);
	append(spool, LANE_PLAIN, 1, 100);
	spool_flush(spool, 5000);
	append(spool, LANE_PLAIN, 1, 100);
	spool_flush(spool, 6000);
	assert_int_equal(spool_waiting_ms(reader, 6500), 1500);
	read_all(reader, got);
	assert_int_equal(spool_waiting_ms(reader, 7000), 0);
	append(spool, LANE_PLAIN, 1, 100);
	spool_flush(spool, 7000);
	assert_int_equal(spool_waiting_ms(reader, 7200), 200);
	free(got);
	spool_close(&spool, 1);
}

static uint32_t step(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8;
}

/* Every frame came at least once, or is counted. Nothing comes that was committed twice over. */
static void any_order_of_calls_loses_nothing_uncounted(void **state)
{
	const char *text = getenv("SEED");
	uint32_t random = text ? (uint32_t)strtoul(text, NULL, 10) : 1, seed = random, number = 0, i, missing = 0, j;
	struct directory directory = directory_make();
	struct spool_options options = options_for(&directory);
	struct got *got = fresh();
	struct diag diag;

	(void)state;
	options.file_octets_max = 4 << 20;
	struct spool *spool = spool_open(&options, 1, 1, &diag);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	for (i = 0; i < 6000; i++) {
		uint32_t what = step(&random) % 100;

		if (what < 55) {
			for (j = step(&random) % 60; j > 0; j--, number++)
				assert_true(append(spool, lane_of(number), number, 4 + step(&random) % 900));
			spool_flush(spool, i);
		} else if (what < 85) {
			for (j = step(&random) % 6; j > 0; j--)
				read_some(reader, got, SPOOL_READ_MIN);
		} else if (what < 93) {
			spool_commit(reader);
		} else if (what < 97) {
			spool_rewind(reader);
		} else {
			spool_close(&spool, i);
			spool = spool_open(&options, i, i, &diag);
			assert_non_null(spool);
			reader = spool_reader_add(spool, "a");
		}
	}
	read_all(reader, got);
	for (i = 0; i < number; i++)
		missing += got->times[i] == 0;
	if (missing != spool_lost(reader))
		fail_msg("seed %u: %u of %u frames missing, %lu counted", seed, missing, number,
			(unsigned long)spool_lost(reader));
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

int main(void)
{
	static int on_disk = 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(gives_every_frame_to_every_reader, NULL),
		cmocka_unit_test_prestate(gives_every_frame_to_every_reader, &on_disk),
		cmocka_unit_test(gives_verdicts_first),
		cmocka_unit_test_prestate(a_break_brings_the_last_two_commits_again, NULL),
		cmocka_unit_test_prestate(a_break_brings_the_last_two_commits_again, &on_disk),
		cmocka_unit_test(commits_count_between_breaks),
		cmocka_unit_test(a_commit_of_a_part_does_not_count_for_the_rest),
		cmocka_unit_test(removes_what_all_have_committed),
		cmocka_unit_test(the_next_process_reads_on),
		cmocka_unit_test(one_process_at_a_time),
		cmocka_unit_test_prestate(the_oldest_plain_ones_go_first_and_are_counted, NULL),
		cmocka_unit_test_prestate(the_oldest_plain_ones_go_first_and_are_counted, &on_disk),
		cmocka_unit_test_prestate(who_has_stopped_costs_the_others_nothing, NULL),
		cmocka_unit_test_prestate(who_has_stopped_costs_the_others_nothing, &on_disk),
		cmocka_unit_test(what_went_after_it_was_read_is_unsure_only_after_a_break),
		cmocka_unit_test(gives_ended_segments_to_be_synced_too),
		cmocka_unit_test(little_that_was_committed_is_read_again),
		cmocka_unit_test(refuses_frames_that_are_too_long),
		cmocka_unit_test(says_since_when_frames_wait),
		cmocka_unit_test(any_order_of_calls_loses_nothing_uncounted),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
