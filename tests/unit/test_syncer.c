/* test_syncer.c: files are written onto the disk by a thread of their own, and closed. */
#include "dnstap/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/directory.h"

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void wait_idle(struct syncer *syncer)
{
	unsigned tries;

	for (tries = 0; tries < 3000 && !syncer_is_idle(syncer); tries++)
		sleep_ms(10);
	assert_true(syncer_is_idle(syncer));
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

static void closes_what_it_was_given(void **state)
{
	struct directory directory = directory_make();
	struct syncer *syncer = syncer_create();
	int files[2] = { openat(directory.fd, "a", O_RDWR | O_CREAT | O_CLOEXEC, 0600), dup(directory.fd) };

	(void)state;
	assert_non_null(syncer);
	assert_true(syncer_is_idle(syncer));
	syncer_give(syncer, files, 2);
	wait_idle(syncer);
	assert_false(is_open(files[0]));
	assert_false(is_open(files[1]));
	assert_int_equal(syncer_errors(syncer), 0);
	syncer_give(syncer, files, 0);
	wait_idle(syncer);
	syncer_destroy(&syncer);
	assert_null(syncer);
	syncer_destroy(&syncer);
	directory_remove(&directory);
}

static void counts_what_can_not_be_synced(void **state)
{
	struct syncer *syncer = syncer_create();
	int ends[2], i;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	syncer_give(syncer, ends, 2);
	wait_idle(syncer);
	assert_int_equal(syncer_errors(syncer), 2);
	for (i = 0; i < 2; i++)
		assert_false(is_open(ends[i]));
	syncer_destroy(&syncer);
}

static void does_what_it_was_given_before_it_ends(void **state)
{
	struct directory directory = directory_make();
	struct syncer *syncer = syncer_create();
	int fd = openat(directory.fd, "a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unsigned tries;

	(void)state;
	syncer_give(syncer, &fd, 1);
	syncer_destroy(&syncer);
	for (tries = 0; tries < 3000 && is_open(fd); tries++)
		sleep_ms(10);
	assert_false(is_open(fd));
	sleep_ms(50);   /* it frees itself: a sanitizer sees when it does not */
	directory_remove(&directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_what_it_was_given),
		cmocka_unit_test(counts_what_can_not_be_synced),
		cmocka_unit_test(does_what_it_was_given_before_it_ends),
	};

	return cmocka_run_group_tests_name("syncer", tests, NULL, NULL);
}
