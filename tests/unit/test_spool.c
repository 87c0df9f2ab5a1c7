/* test_spool.c: what goes in comes out for every reader, over breaks, restarts and damage, or is counted. */
#include "dnstap/spool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"

#define FRAMES_MAX 200000u
#define TURNS 1000u

static struct spool_options options_for(const struct directory *directory)
{
	return (struct spool_options){
		.content_type = "protobuf:dnstap.Dnstap", .directory = directory ? directory->fd : -1,
		.directory_name = "spool", .file_octets_max = 8 << 20, .memory_octets_max = 8 << 20,
		.segment_octets = 64 * 1024,
	};
}

static struct spool *open_spool(const struct directory *directory)
{
	struct spool_options options = options_for(directory);
	struct diag diag;
	struct spool *spool = spool_open(&options, 1000, 1000, &diag);

	if (!spool)
		fail_msg("%s", diag.text);
	return spool;
}

/* A frame that says its number, `octets` long. */
static bool append(struct spool *spool, enum spool_lane lane, uint32_t number, size_t octets)
{
	static uint8_t frame[SPOOL_FRAME_MAX];

	memset(frame, (int)number, octets);
	memcpy(frame, &number, sizeof(number));
	return spool_append(spool, lane, frame, octets, 1000 + number);
}

struct got {
	unsigned times[FRAMES_MAX];
	uint32_t last[LANE_COUNT];
	unsigned frames;
};

/* Even numbers are verdicts, odd ones plain. */
static enum spool_lane lane_of(uint32_t number)
{
	return number % 2 ? LANE_PLAIN : LANE_VERDICT;
}

/* Reads once, notes what came, and checks that it is whole. Returns the octets. */
static size_t read_some(struct spool_reader *reader, struct got *got, size_t cap)
{
	static uint8_t buffer[2 * SPOOL_READ_MIN];
	unsigned frames, seen = 0;
	size_t octets = spool_read(reader, buffer, cap, &frames), at = 0;

	while (at < octets) {
		uint32_t length, number;

		assert_true(octets - at >= 8);
		memcpy(&length, buffer + at, 4);
		length = ntohl(length);
		memcpy(&number, buffer + at + 4, 4);
		assert_true(number < FRAMES_MAX && length <= octets - at - 4);
		if (length > 4)
			assert_int_equal(buffer[at + 4 + length - 1], (uint8_t)number);
		got->times[number]++;
		got->last[lane_of(number)] = number;
		got->frames++;
		at += 4 + length;
		seen++;
	}
	assert_int_equal(at, octets);
	assert_int_equal(seen, frames);
	return octets;
}

static void read_all(struct spool_reader *reader, struct got *got)
{
	while (read_some(reader, got, SPOOL_READ_MIN) > 0)
		;
}

static struct got *fresh(void)
{
	struct got *got = calloc(1, sizeof(*got));

	assert_non_null(got);
	return got;
}

static void fill(struct spool *spool, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		assert_true(append(spool, lane_of(from), from, 100 + from % 50));
	spool_flush(spool, 1000 + to);
}

static void assert_each_once(const struct got *got, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (got->times[from] != 1)
			fail_msg("frame %u came %u times", from, got->times[from]);
}

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

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets < limit.rlim_max ? octets : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

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

/* --- against a model: any order of calls, with the process going away at any time --- */

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
		cmocka_unit_test(a_cut_end_costs_what_was_cut),
		cmocka_unit_test(what_is_no_segment_is_set_aside),
		cmocka_unit_test(a_damaged_stand_skips_nothing),
		cmocka_unit_test(a_stand_never_points_behind_later_frames),
		cmocka_unit_test(a_segment_that_was_never_made_is_no_damage),
		cmocka_unit_test(frames_wait_until_files_can_be_opened_again),
		cmocka_unit_test(a_segment_that_goes_under_its_readers_is_counted_once_by_each),
		cmocka_unit_test(what_a_full_disk_and_no_memory_drop_is_lost_for_every_reader),
		cmocka_unit_test(memory_that_goes_in_the_middle_is_unsure_after_a_break),
		cmocka_unit_test(goes_back_to_the_disk_when_it_may_be_tried_again),
		cmocka_unit_test(gives_ended_segments_to_be_synced_too),
		cmocka_unit_test(files_from_the_future_wait_for_no_time),
		cmocka_unit_test(a_full_disk_goes_on_in_memory),
		cmocka_unit_test(memory_that_was_read_is_left_for_the_disk),
		cmocka_unit_test(little_that_was_committed_is_read_again),
		cmocka_unit_test(memory_that_ends_is_counted),
		cmocka_unit_test(refuses_frames_that_are_too_long),
		cmocka_unit_test(says_since_when_frames_wait),
		cmocka_unit_test(any_order_of_calls_loses_nothing_uncounted),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
