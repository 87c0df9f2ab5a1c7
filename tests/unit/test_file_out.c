/* test_file_out.c: files of frames, one after the other: none is lost, truncated or written through a link. */
#include "dnstap/file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"
#include "tests/unit/full_disk.h"

static const uint8_t frame[] = { 0, 0, 0, 4, 'a', 'b', 'c', 'd' };

struct place {
	struct directory directory;
	struct file_out *file;
};

static struct place place_make(unsigned keep)
{
	struct place place = { .directory = directory_make() };
	char path[128];

	snprintf(path, sizeof(path), "%s/out", place.directory.path);
	place.file = file_out_create(path, "protobuf:dnstap.Dnstap", keep);
	assert_non_null(place.file);
	return place;
}

static void place_remove(struct place *place)
{
	file_out_destroy(&place->file);
	directory_remove(&place->directory);
}

static void write_frame(struct place *place)
{
	assert_int_equal(file_out_write(place->file, frame, sizeof(frame)), sizeof(frame));
}

static void a_file_begins_and_ends_with_control_frames(void **state)
{
	struct place place = place_make(1);
	uint8_t octets[256];
	uint64_t size;

	(void)state;
	assert_false(file_out_is_open(place.file));
	assert_int_equal(file_out_begin(place.file), 0);
	assert_false(file_out_has_frames(place.file));
	write_frame(&place);
	assert_true(file_out_has_frames(place.file));
	size = file_out_size(place.file);
	file_out_end(place.file);
	assert_false(file_out_is_open(place.file));
	assert_int_equal(directory_size(&place.directory, "out"), size + 12);
	int fd = openat(place.directory.fd, "out", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, octets, sizeof(octets)), size + 12);
	close(fd);
	assert_memory_equal(octets, "\0\0\0\0", 4);
	assert_memory_equal(octets + size - sizeof(frame), frame, sizeof(frame));
	assert_memory_equal(octets + size, "\0\0\0\0\0\0\0\4\0\0\0\3", 12);   /* STOP */
	assert_int_equal(directory_mode(&place.directory, "out") & ~0640u, 0);
	place_remove(&place);
}

static void old_files_move_up_to_a_number(void **state)
{
	struct place place = place_make(3);
	unsigned i;

	(void)state;
	for (i = 1; i <= 6; i++) {
		unsigned j;

		assert_int_equal(file_out_begin(place.file), 0);
		for (j = 0; j < i; j++)
			write_frame(&place);
		file_out_end(place.file);
	}
	assert_int_equal(directory_count(&place.directory, "out"), 4);
	assert_int_equal(directory_size(&place.directory, "out") - directory_size(&place.directory, "out.1"), 8);
	assert_int_equal(directory_size(&place.directory, "out.1") - directory_size(&place.directory, "out.3"), 16);
	place_remove(&place);
}

static void a_file_without_frames_pushes_out_none(void **state)
{
	struct place place = place_make(1);
	unsigned i;

	(void)state;
	assert_int_equal(file_out_begin(place.file), 0);
	write_frame(&place);
	for (i = 0; i < 4; i++) {
		assert_int_equal(file_out_begin(place.file), 0);
		if (i % 2)
			file_out_cut(place.file);   /* as when killed */
	}
	assert_int_equal(directory_count(&place.directory, "out"), 2);
	assert_true(directory_size(&place.directory, "out.1") > directory_size(&place.directory, "out"));
	place_remove(&place);
}

/* As long as one without frames, and yet not one. */
static void a_file_of_others_is_moved(void **state)
{
	static const uint8_t text[58] = "these octets are not ours";
	struct place place = place_make(1);
	uint64_t start;

	(void)state;
	assert_int_equal(file_out_begin(place.file), 0);
	start = file_out_size(place.file);
	file_out_cut(place.file);
	directory_forget(&place.directory, "out");
	assert_true(start <= sizeof(text));
	directory_write(&place.directory, "out", 0, text, start);
	assert_int_equal(file_out_begin(place.file), 0);
	assert_int_equal(directory_count(&place.directory, "out.1"), 1);
	place_remove(&place);
}

static void what_is_no_file_is_left_alone(void **state)
{
	struct place place = place_make(1);

	(void)state;
	assert_int_equal(symlinkat("target", place.directory.fd, "out"), 0);
	assert_int_equal(file_out_begin(place.file), -1);
	assert_int_equal(errno, ELOOP);
	directory_forget(&place.directory, "out");
	assert_int_equal(mkfifoat(place.directory.fd, "out", 0600), 0);
	assert_int_equal(file_out_begin(place.file), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(directory_count(&place.directory, ""), 3);   /* with "." and ".." */
	place_remove(&place);
}

static void a_fault_behind_a_part_keeps_the_part(void **state)
{
	struct place place = place_make(1);
	uint64_t start;

	(void)state;
	assert_int_equal(file_out_begin(place.file), 0);
	start = file_out_size(place.file);
	limit_files(start + 5);
	assert_int_equal(file_out_write(place.file, frame, sizeof(frame)), 5);
	assert_int_equal(file_out_write(place.file, frame + 5, 3), -1);
	assert_int_equal(errno, EFBIG);
	limit_files(RLIM_INFINITY);
	assert_int_equal(file_out_size(place.file), start + 5);
	assert_true(file_out_retreat(place.file, 5));
	assert_false(file_out_retreat(place.file, start + 1));
	write_frame(&place);
	assert_int_equal(directory_size(&place.directory, "out"), start + sizeof(frame));
	place_remove(&place);
}

static void a_begin_that_fails_leaves_no_file(void **state)
{
	struct place place = place_make(1);

	(void)state;
	limit_files(5);
	assert_int_equal(file_out_begin(place.file), -1);
	limit_files(RLIM_INFINITY);
	assert_false(file_out_is_open(place.file));
	assert_int_equal(directory_count(&place.directory, "out"), 0);
	place_remove(&place);
}

static void gives_ended_files_to_be_synced_too(void **state)
{
	struct place place = place_make(1);
	int files[FILE_OUT_DIRTY_MAX], i;

	(void)state;
	assert_int_equal(file_out_take_dirty(place.file, files), 0);
	assert_int_equal(file_out_begin(place.file), 0);
	assert_int_equal(file_out_take_dirty(place.file, files), 1);
	close(files[0]);
	assert_int_equal(file_out_take_dirty(place.file, files), 0);
	write_frame(&place);
	assert_int_equal(file_out_begin(place.file), 0);
	write_frame(&place);
	assert_int_equal(file_out_take_dirty(place.file, files), 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(fdatasync(files[i]), 0);
		close(files[i]);
	}
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_begins_and_ends_with_control_frames),
		cmocka_unit_test(old_files_move_up_to_a_number),
		cmocka_unit_test(a_file_without_frames_pushes_out_none),
		cmocka_unit_test(a_file_of_others_is_moved),
		cmocka_unit_test(what_is_no_file_is_left_alone),
		cmocka_unit_test(a_fault_behind_a_part_keeps_the_part),
		cmocka_unit_test(a_begin_that_fails_leaves_no_file),
		cmocka_unit_test(gives_ended_files_to_be_synced_too),
	};

	return cmocka_run_group_tests_name("file_out", tests, NULL, NULL);
}
