/* test_file.c: files are read whole or refused, and nothing that stands in a path can hang the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/file.h"
#include "tests/unit/temp_file.h"

static void reads_all_octets_and_ends_them_with_a_nul(void **state)
{
	char path[TEMP_PATH_MAX];
	struct file_text text;

	(void)state;
	temp_file(path, "a\0b", 3);
	assert_null(file_load(&text, path, 3));
	assert_int_equal(text.length, 3);
	assert_memory_equal(text.octets, "a\0b", 4);
	file_release(&text);
	assert_null(text.octets);
	file_release(&text);
	unlink(path);
}

static void reads_an_empty_file(void **state)
{
	char path[TEMP_PATH_MAX];
	struct file_text text;

	(void)state;
	temp_file(path, "", 0);
	assert_null(file_load(&text, path, 0));
	assert_int_equal(text.length, 0);
	assert_int_equal(text.octets[0], '\0');
	file_release(&text);
	unlink(path);
}

static void follows_a_link(void **state)
{
	char path[TEMP_PATH_MAX], folder[TEMP_PATH_MAX], link[TEMP_PATH_MAX + 8];
	struct file_text text;

	(void)state;
	temp_file(path, "x", 1);
	snprintf(link, sizeof(link), "%s/link", temp_folder(folder));
	assert_int_equal(symlink(path, link), 0);
	assert_null(file_load(&text, link, 10));
	file_release(&text);
	unlink(link);
	rmdir(folder);
	unlink(path);
}

static void refuses_one_octet_too_many_and_touches_nothing(void **state)
{
	char path[TEMP_PATH_MAX];
	struct file_text text = { .length = 77 };
	const char *wrong;

	(void)state;
	temp_file(path, "abcd", 4);
	wrong = file_load(&text, path, 3);
	assert_non_null(wrong);
	assert_non_null(strstr(wrong, "too large"));
	assert_null(text.octets);
	assert_int_equal(text.length, 77);
	unlink(path);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *path, *says, *why;
	} rows[] = {
		{ "/nonexistent/file", "does not exist", "a wrong folder" },
		{ "/etc/passwd/file", "does not exist", "a file where a folder should be" },
		{ "/etc", "is a directory", "a folder" },
		{ "/dev/zero", "no regular file", "a device without end" },
		{ "", "does not exist", "no path at all" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct file_text text;
		const char *wrong = file_load(&text, rows[i].path, 1 << 20);

		if (wrong == NULL || strstr(wrong, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].why, wrong != NULL ? wrong : "(it was read)");
	}
}

static void does_not_wait_for_a_fifo(void **state)
{
	char folder[TEMP_PATH_MAX], path[TEMP_PATH_MAX + 8];
	struct file_text text;

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", temp_folder(folder));
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_string_equal(file_load(&text, path, 100), "is no regular file");
	alarm(0);
	unlink(path);
	rmdir(folder);
}

/* /proc's files say that they have no octets, and then have some: as a file does that grows while it is read. */
static void refuses_a_file_that_grows_while_it_is_read(void **state)
{
	struct file_text text;
	const char *wrong = file_load(&text, "/proc/self/status", 1 << 20);

	(void)state;
	assert_non_null(wrong);
	assert_non_null(strstr(wrong, "changed while it was read"));
}

#define LARGE ((size_t)3000000)

/* Four octets each, so that none is like its neighbour. */
static char *numbers(size_t octets)
{
	char *text = malloc(octets);
	uint32_t i;

	assert_non_null(text);
	for (i = 0; i < octets / sizeof(i); i++)
		memcpy(text + i * sizeof(i), &i, sizeof(i));
	return text;
}

static void reads_piece_by_piece_and_ends_with_a_nul(void **state)
{
	char path[TEMP_PATH_MAX], *text = numbers(LARGE);
	struct file_stream stream;
	unsigned pieces = 0;

	(void)state;
	temp_file(path, text, LARGE);
	assert_null(file_open(&stream, path, LARGE));
	assert_int_equal(stream.filled, 0);
	assert_int_equal(stream.length, LARGE);
	while (stream.filled < stream.length) {
		assert_null(file_more(&stream));
		pieces++;
	}
	assert_true(pieces > 10);
	assert_memory_equal(stream.octets, text, LARGE);
	assert_int_equal(stream.octets[LARGE], '\0');
	file_close(&stream);
	file_close(&stream);
	free(text);
	unlink(path);
}

static void forgets_what_lies_behind_but_not_what_is_kept(void **state)
{
	char path[TEMP_PATH_MAX], *text = numbers(LARGE);
	const size_t here = 2500001, kept = 1000001;
	struct file_stream stream;

	(void)state;
	temp_file(path, text, LARGE);
	assert_null(file_open(&stream, path, LARGE));
	while (stream.filled < stream.length)
		assert_null(file_more(&stream));
	file_forget(&stream, stream.octets + here, stream.octets + kept);
	assert_int_equal(stream.octets[5], 0);
	assert_int_equal(stream.octets[2000001], 0);
	assert_memory_equal(stream.octets + kept, text + kept, 100000);
	assert_memory_equal(stream.octets + here, text + here, LARGE - here);
	file_close(&stream);
	free(text);
	unlink(path);
}

static void says_that_a_file_shrank_or_was_written_to_between_two_pieces(void **state)
{
	char path[TEMP_PATH_MAX], *text = numbers(LARGE);
	struct file_stream stream;
	const char *wrong = NULL;
	FILE *file;
	int shrink;

	(void)state;
	for (shrink = 0; shrink < 2; shrink++) {
		temp_file(path, text, LARGE);
		assert_null(file_open(&stream, path, LARGE));
		assert_null(file_more(&stream));
		if (shrink) {
			assert_int_equal(truncate(path, LARGE / 2), 0);
		} else {
			file = fopen(path, "a");
			assert_non_null(file);
			assert_true(fputs("more", file) >= 0 && fclose(file) == 0);
		}
		while (wrong == NULL && stream.filled < stream.length)
			wrong = file_more(&stream);
		assert_non_null(wrong);
		assert_non_null(strstr(wrong, "changed while it was read"));
		wrong = NULL;
		file_close(&stream);
		unlink(path);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_octets_and_ends_them_with_a_nul),
		cmocka_unit_test(reads_an_empty_file),
		cmocka_unit_test(follows_a_link),
		cmocka_unit_test(refuses_one_octet_too_many_and_touches_nothing),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(does_not_wait_for_a_fifo),
		cmocka_unit_test(refuses_a_file_that_grows_while_it_is_read),
		cmocka_unit_test(reads_piece_by_piece_and_ends_with_a_nul),
		cmocka_unit_test(forgets_what_lies_behind_but_not_what_is_kept),
		cmocka_unit_test(says_that_a_file_shrank_or_was_written_to_between_two_pieces),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
