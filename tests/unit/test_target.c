/* test_target.c: a target that is a file: rotation by size, by age and on request, and disks that take nothing. Streams
 * are in test_stream.c and, with real collectors, in tests/e2e/tap_collectors.py. */
#include "dnstap/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"
#include "tests/unit/full_disk.h"

#define FRAME_OCTETS 1000u

struct place {
	struct directory directory;
	struct spool *spool;
	struct spool_reader *reader;
	struct target *target;
	int64_t now;
	uint32_t sent;        /* frames into the spool */
};

static struct place place_make(uint64_t rotate_octets, uint32_t rotate_seconds)
{
	const struct spool_options options = { .content_type = "protobuf:dnstap.Dnstap", .directory = -1,
		.directory_name = "spool", .memory_octets_max = 16 << 20 };
	struct place place = { .directory = directory_make(), .now = 100000 };
	struct target_file_options file = { .content_type = "protobuf:dnstap.Dnstap", .rotate_octets = rotate_octets,
		.rotate_seconds = rotate_seconds, .rotate_keep = 5 };
	struct diag diag;
	char path[128];

	snprintf(path, sizeof(path), "%s/out", place.directory.path);
	file.path = path;
	place.spool = spool_open(&options, place.now, 1, &diag);
	assert_non_null(place.spool);
	place.reader = spool_reader_add(place.spool, "file");
	place.target = target_create_file(&file, place.reader);
	assert_non_null(place.target);
	return place;
}

static void place_remove(struct place *place)
{
	target_destroy(&place->target);
	spool_close(&place->spool, place->now);
	directory_remove(&place->directory);
}

static void put_frames(struct place *place, unsigned count)
{
	uint8_t frame[FRAME_OCTETS] = { 0 };

	for (; count > 0; count--) {
		memcpy(frame, &place->sent, sizeof(place->sent));
		place->sent++;
		assert_true(spool_append(place->spool, LANE_PLAIN, frame, sizeof(frame), place->now));
	}
	spool_flush(place->spool, place->now);
}

static void serve(struct place *place, int64_t ms)
{
	place->now += ms;
	while (target_service(place->target, place->now))
		;
}

static struct target_counts counts_of(const struct place *place)
{
	struct target_counts counts;

	target_read_counts(place->target, &counts);
	return counts;
}

/* Reads the file's frames, each of which has to be whole, and ticks them off. Is there STOP behind them? */
static bool tick(struct place *place, const char *name, unsigned *times)
{
	int fd = openat(place->directory.fd, name, O_RDONLY | O_CLOEXEC);
	uint32_t length, number;
	unsigned controls = 0;

	assert_true(fd >= 0);
	while (read(fd, &length, 4) == 4) {
		uint8_t octets[FRAME_OCTETS];

		if (length == 0) {
			controls++;
			assert_int_equal(read(fd, &length, 4), 4);
			assert_int_equal(read(fd, octets, ntohl(length)), ntohl(length));
			continue;
		}
		assert_int_equal(controls, 1);
		assert_int_equal(ntohl(length), FRAME_OCTETS);
		assert_int_equal(read(fd, octets, FRAME_OCTETS), FRAME_OCTETS);
		memcpy(&number, octets, 4);
		times[number]++;
	}
	close(fd);
	return controls == 2;
}

/* Every frame is in one of the files, once, and all but the open one have an end. */
static void assert_all_once(struct place *place, unsigned files)
{
	static const char *const names[] = { "out", "out.1", "out.2", "out.3", "out.4", "out.5" };
	unsigned *times = calloc(place->sent + 1, sizeof(*times)), i;

	assert_int_equal(directory_count(&place->directory, "out"), files);
	for (i = 0; i < files; i++)
		assert_int_equal(tick(place, names[i], times), i > 0);
	for (i = 0; i < place->sent; i++)
		assert_int_equal(times[i], 1);
	free(times);
}

static void rotates_by_size(void **state)
{
	struct place place = place_make(10 * FRAME_OCTETS, 0);

	(void)state;
	put_frames(&place, 3);
	serve(&place, 10);
	put_frames(&place, 6);
	serve(&place, 10);
	assert_all_once(&place, 1);
	put_frames(&place, 1);
	serve(&place, 10);
	assert_all_once(&place, 2);
	assert_int_equal(counts_of(&place).written, 10);
	place_remove(&place);
}

static void rotates_by_age_where_there_are_frames(void **state)
{
	struct place place = place_make(0, 60);

	(void)state;
	put_frames(&place, 1);
	serve(&place, 10);
	serve(&place, 59000);
	assert_all_once(&place, 1);
	serve(&place, 1000);
	assert_all_once(&place, 2);
	serve(&place, 61000);   /* nothing came in these minutes */
	serve(&place, 61000);
	assert_all_once(&place, 2);
	put_frames(&place, 1);
	serve(&place, 10);
	assert_all_once(&place, 2);
	serve(&place, 61000);
	assert_all_once(&place, 3);
	place_remove(&place);
}

static void begins_a_new_file_on_request(void **state)
{
	struct place place = place_make(0, 0);

	(void)state;
	put_frames(&place, 2);
	serve(&place, 10);
	target_reopen(place.target);
	put_frames(&place, 2);
	serve(&place, 10);
	assert_all_once(&place, 2);
	/* As logrotate does it: the file has another name already. */
	assert_int_equal(renameat(place.directory.fd, "out", place.directory.fd, "moved"), 0);
	assert_int_equal(renameat(place.directory.fd, "out.1", place.directory.fd, "moved-before"), 0);
	target_reopen(place.target);
	put_frames(&place, 1);
	serve(&place, 10);
	assert_int_equal(directory_count(&place.directory, "out"), 1);
	unsigned times[5] = { 0 };
	assert_true(tick(&place, "moved", times));
	assert_true(tick(&place, "moved-before", times));
	assert_false(tick(&place, "out", times));
	assert_int_equal(times[0] + times[1] + times[2] + times[3] + times[4], 5);
	place_remove(&place);
}

/* The limit stands for a disk that is full in the middle of a frame. */
static void a_file_ends_with_a_whole_frame_when_the_disk_is_full(void **state)
{
	struct place place = place_make(0, 0);
	unsigned times[10] = { 0 };

	(void)state;
	serve(&place, 10);
	limit_files(3 * FRAME_OCTETS + 500);
	put_frames(&place, 10);
	serve(&place, 10);
	assert_false(tick(&place, "out", times));
	assert_int_equal(times[2], 1);
	assert_int_equal(times[3], 0);
	assert_string_equal(counts_of(&place).error, strerror(ENOSPC));
	target_reopen(place.target);   /* perhaps to make room */
	serve(&place, 10);
	limit_files(RLIM_INFINITY);
	assert_int_equal(directory_count(&place.directory, "out"), 2);
	serve(&place, 5000);
	assert_all_once(&place, 2);
	assert_int_equal(counts_of(&place).lost + counts_of(&place).unsure, 0);
	place_remove(&place);
}

/* By hand, or by a cleaner of old files. */
static void goes_on_in_a_new_file_when_somebody_removes_it(void **state)
{
	struct place place = place_make(0, 0);
	unsigned times[40] = { 0 };
	unsigned i;

	(void)state;
	put_frames(&place, 10);
	serve(&place, 2000);
	assert_int_equal(unlinkat(place.directory.fd, "out", 0), 0);
	put_frames(&place, 10);
	serve(&place, 2000);
	assert_string_equal(counts_of(&place).error, "the file was removed; a new one is begun");
	put_frames(&place, 10);
	serve(&place, 2000);
	assert_true(counts_of(&place).up);
	assert_int_equal(counts_of(&place).lost + counts_of(&place).unread, 0);
	target_destroy(&place.target);
	assert_true(tick(&place, "out", times));
	for (i = 0; i < 30; i++)
		assert_int_equal(times[i], i < 10 ? 0 : 1);
	place_remove(&place);
}

static void waits_longer_and_longer_for_a_place_that_can_not_be_had(void **state)
{
	struct place place = place_make(0, 0);
	uint64_t errors;
	unsigned i;

	(void)state;
	assert_int_equal(mkdirat(place.directory.fd, "out", 0700), 0);
	put_frames(&place, 5);
	for (i = 0; i < 60000; i += 50)
		serve(&place, 50);
	errors = counts_of(&place).errors;
	assert_in_range(errors, 10, 60);   /* each from 0.1 s to 1, 2, 4 and 5 s: 2.5 s in the middle */
	assert_string_equal(counts_of(&place).error, strerror(21));
	assert_in_range(counts_of(&place).waiting_ms, 59000, 61000);
	unlinkat(place.directory.fd, "out", AT_REMOVEDIR);
	target_hurry(place.target);
	serve(&place, 1);
	assert_all_once(&place, 1);
	assert_int_equal(counts_of(&place).waiting_ms, 0);
	place_remove(&place);
}

/* Verdicts that are in the file already must not push out allows that are not. */
static void what_is_written_makes_room_in_memory(void **state)
{
	static const uint8_t frame[FRAME_OCTETS] = { 0 };
	struct place place = place_make(0, 0);
	unsigned turn, i;

	(void)state;
	for (turn = 0; turn < 200; turn++) {
		for (i = 0; i < 400; i++)
			assert_true(spool_append(place.spool, i < 200 ? LANE_PLAIN : LANE_VERDICT, frame, sizeof(frame), place.now));
		spool_flush(place.spool, place.now);
		serve(&place, 0);
	}
	assert_int_equal(counts_of(&place).lost + counts_of(&place).unsure, 0);
	assert_int_equal(counts_of(&place).written, 200 * 400);
	place_remove(&place);
}

static void is_finished_when_all_is_written_and_committed(void **state)
{
	struct place place = place_make(0, 0);
	unsigned times[3] = { 0 };

	(void)state;
	put_frames(&place, 3);
	target_finish(place.target);
	serve(&place, 1);
	assert_true(target_is_finished(place.target));
	assert_false(spool_has_uncommitted(place.reader));
	target_destroy(&place.target);
	assert_true(tick(&place, "out", times));
	place_remove(&place);
}

static void a_target_that_can_not_write_is_finished_all_the_same(void **state)
{
	struct place place = place_make(0, 0);

	(void)state;
	assert_int_equal(mkdirat(place.directory.fd, "out", 0700), 0);
	put_frames(&place, 3);
	target_finish(place.target);
	target_hurry(place.target);
	serve(&place, 1);
	assert_true(target_is_finished(place.target));
	assert_int_equal(counts_of(&place).unsaved, 3);
	unlinkat(place.directory.fd, "out", AT_REMOVEDIR);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rotates_by_size),
		cmocka_unit_test(rotates_by_age_where_there_are_frames),
		cmocka_unit_test(begins_a_new_file_on_request),
		cmocka_unit_test(a_file_ends_with_a_whole_frame_when_the_disk_is_full),
		cmocka_unit_test(goes_on_in_a_new_file_when_somebody_removes_it),
		cmocka_unit_test(waits_longer_and_longer_for_a_place_that_can_not_be_had),
		cmocka_unit_test(what_is_written_makes_room_in_memory),
		cmocka_unit_test(is_finished_when_all_is_written_and_committed),
		cmocka_unit_test(a_target_that_can_not_write_is_finished_all_the_same),
	};

	return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
