/* test_spool_damage.c: what is damaged, or made by others, costs what it held and no more. */
#include "dnstap/spool.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/spooling.h"

static void a_cut_end_costs_what_was_cut(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	const char *name = "verdict-000000000000.fstrm";
	struct spool_counts counts;
	struct got *got = fresh();

	(void)state;
	fill(spool, 0, 400);
	spool_close(&spool, 1);
	directory_cut(&directory, name, directory_size(&directory, name) - 60);
	spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.damaged, 1);
	assert_int_equal(counts.recovered, 399);
	read_all(reader, got);
	assert_each_once(got, 0, 398);
	assert_int_equal(got->times[398], 0);
	assert_int_equal(got->times[399], 1);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void what_is_no_segment_is_set_aside(void **state)
{
	struct directory directory = directory_make();
	struct spool_counts counts;
	int fd = openat(directory.fd, "plain-000000000003.fstrm", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(write(fd, "<html>", 6), 6);
	close(fd);
	assert_int_equal(symlinkat("/etc/passwd", directory.fd, "verdict-000000000001.fstrm"), 0);
	struct spool *spool = open_spool(&directory);
	spool_reader_add(spool, "a");
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.damaged, 2);
	fill(spool, 0, 100);
	assert_int_equal(directory_mode(&directory, "plain-000000000004.fstrm"), 0600);
	assert_int_equal(directory_count(&directory, "plain-000000000003.fstrm.damaged"), 1);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static size_t read_stand(struct directory *directory, char *stand, size_t cap)
{
	int fd = openat(directory->fd, "reader-a", O_RDONLY | O_CLOEXEC);
	ssize_t octets = read(fd, stand, cap);

	close(fd);
	assert_true(octets > 0);
	return (size_t)octets;
}

/* Any octet of a reader's file, changed: frames come twice then, and none is skipped. */
static void a_damaged_stand_skips_nothing(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	off_t at, size;

	(void)state;
	fill(spool, 0, 2000);
	read_some(reader, got, SPOOL_READ_MIN);
	spool_commit(reader);
	spool_commit(reader);
	size = directory_size(&directory, "reader-a");
	spool_close(&spool, 1);
	for (at = 0; at < size; at++) {
		char stand[512] = "";

		assert_int_equal(read_stand(&directory, stand, sizeof(stand)), size);
		directory_poke(&directory, "reader-a", at, (uint8_t)(stand[at] == '9' ? '8' : '9'));
		spool = open_spool(&directory);
		reader = spool_reader_add(spool, "a");
		memset(got, 0, sizeof(*got));
		read_all(reader, got);
		assert_each_once(got, 0, 2000);
		spool_close(&spool, 1);
		directory_forget(&directory, "reader-a");
		directory_write(&directory, "reader-a", 0, stand, (size_t)size);
	}
	free(got);
	directory_remove(&directory);
}

/* All is read, committed and removed; what comes then is never confirmed, and the process is killed. */
static void a_stand_never_points_behind_later_frames(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct got *got = fresh();
	char stand[512];
	size_t octets;

	(void)state;
	fill(spool, 0, 8000);
	read_all(reader, got);
	spool_close(&spool, 1);
	spool = open_spool(&directory);
	reader = spool_reader_add(spool, "a");
	read_all(reader, got);
	spool_commit(reader);
	spool_commit(reader);
	assert_int_equal(directory_count(&directory, "plain-") + directory_count(&directory, "verdict-"), 0);
	spool_close(&spool, 1);
	octets = read_stand(&directory, stand, sizeof(stand));
	spool = open_spool(&directory);
	spool_reader_add(spool, "a");
	fill(spool, 10000, 40000);
	spool_close(&spool, 1);
	directory_forget(&directory, "reader-a");
	directory_write(&directory, "reader-a", 0, stand, octets);
	spool = open_spool(&directory);
	reader = spool_reader_add(spool, "a");
	read_all(reader, got);
	assert_each_once(got, 10000, 40000);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* A process can be killed between any two calls while it begins a segment. */
static void a_segment_that_was_never_made_is_no_damage(void **state)
{
	static const struct { size_t octets; const char *why; } rows[] = { { 0, "opened" }, { 7, "START in part" } };
	struct directory directory = directory_make();
	struct spool_counts counts;
	uint8_t start[7];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spool *spool = open_spool(&directory);

		fill(spool, 0, 2);
		spool_close(&spool, 1);
		int fd = openat(directory.fd, "plain-000000000000.fstrm", O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, start, sizeof(start)), sizeof(start));
		close(fd);
		directory_write(&directory, "plain-000000000007.fstrm", 0, start, rows[i].octets);
		spool = open_spool(&directory);
		spool_read_counts(spool, &counts);
		if (counts.damaged > 0 || directory_count(&directory, "plain-000000000007") > 0)
			fail_msg("%s", rows[i].why);
		spool_close(&spool, 1);
		directory_forget(&directory, "plain-000000000000.fstrm");
		directory_forget(&directory, "verdict-000000000000.fstrm");
	}
	directory_remove(&directory);
}

/* As in a resolver that has every descriptor in use for a while. */
static void frames_wait_until_files_can_be_opened_again(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *reader = spool_reader_add(spool, "a");
	struct rlimit before, none;
	struct got *got = fresh();

	(void)state;
	fill(spool, 0, 5000);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	read_all(reader, got);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(got->frames, 0);
	assert_int_equal(spool_lost(reader), 0);
	read_all(reader, got);
	assert_each_once(got, 0, 5000);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

static void a_segment_that_goes_under_its_readers_is_counted_once_by_each(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_reader *readers[2] = { spool_reader_add(spool, "a"), spool_reader_add(spool, "b") };
	struct spool_counts counts;
	struct got *got = fresh();
	uint32_t i, came;

	(void)state;
	fill(spool, 0, 5000);
	directory_cut(&directory, "plain-000000000001.fstrm", 1000);
	for (i = 0; i < 2; i++) {
		memset(got, 0, sizeof(*got));
		read_all(readers[i], got);
		came = got->frames;
		assert_in_range(spool_lost(readers[i]), 1, 2000);
		assert_int_equal(came + spool_lost(readers[i]), 5000);
		spool_rewind(readers[i]);
		read_all(readers[i], got);
		assert_int_equal(got->frames, 2 * came);
		assert_int_equal(came + spool_lost(readers[i]), 5000);
		assert_int_equal(spool_unsure(readers[i]), 0);
	}
	spool_read_counts(spool, &counts);
	assert_int_equal(counts.damaged, 1);
	free(got);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

/* The real time was put back between two runs. */
static void files_from_the_future_wait_for_no_time(void **state)
{
	struct directory directory = directory_make();
	struct spool *spool = open_spool(&directory);
	struct spool_options options = options_for(&directory);
	struct diag diag;

	(void)state;
	fill(spool, 0, 10);
	spool_close(&spool, 1);
	spool = spool_open(&options, 500, 1, &diag);
	assert_int_equal(spool_waiting_ms(spool_reader_add(spool, "a"), 500), 0);
	spool_close(&spool, 1);
	spool = spool_open(&options, 500, ((int64_t)time(NULL) + 60) * 1000, &diag);
	assert_in_range(spool_waiting_ms(spool_reader_add(spool, "b"), 500), 55000, 65000);
	spool_close(&spool, 1);
	directory_remove(&directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_end_costs_what_was_cut),
		cmocka_unit_test(what_is_no_segment_is_set_aside),
		cmocka_unit_test(a_damaged_stand_skips_nothing),
		cmocka_unit_test(a_stand_never_points_behind_later_frames),
		cmocka_unit_test(a_segment_that_was_never_made_is_no_damage),
		cmocka_unit_test(frames_wait_until_files_can_be_opened_again),
		cmocka_unit_test(a_segment_that_goes_under_its_readers_is_counted_once_by_each),
		cmocka_unit_test(files_from_the_future_wait_for_no_time),
	};

	return cmocka_run_group_tests_name("spool_damage", tests, NULL, NULL);
}
