/* test_tap_targets.c: what a tap writes to may be there already, be away, or never answer. */
#include "dnstap/tap.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/own_clock.h"
#include "tests/unit/tapping.h"

static void an_old_file_is_moved_and_never_truncated(void **state)
{
	struct stat status;
	uint64_t run;

	(void)state;
	for (run = 1; run <= 2; run++) {
		struct tap *tap = start(path, NULL, RING);
		uint64_t i;

		for (i = 1; i <= run * 10; i++)
			emit(tap, 0, i, false);
		tap_destroy(&tap, STOP_MS, NULL);
	}
	assert_int_equal(frames_in(path_1), 10);
	assert_int_equal(frames_in(path), 20);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777 & ~0640u, 0);
}

static void links_and_directories_are_left_alone(void **state)
{
	struct tap_counts counts;
	struct stat status;
	struct tap *tap;

	(void)state;
	assert_int_equal(symlink("/nowhere", path), 0);
	own_clock_stop();
	tap = start(path, NULL, RING);
	emit(tap, 0, 1, false);
	(void)failed(tap, 1);
	/* As long as it is the same moment, it is tried once. */
	sleep_ms(100);
	counts = failed(tap, 1);
	assert_string_equal(file_of(&counts)->error, strerror(ELOOP));
	assert_int_equal(file_of(&counts)->errors, 1);
	own_clock_move(1000);
	counts = failed(tap, 2);
	assert_int_equal(file_of(&counts)->errors, 2);
	tap_destroy(&tap, STOP_MS, NULL);
	own_clock_go();
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	unlink(path);

	assert_int_equal(mkdir(path, 0700), 0);
	tap = start(path, NULL, RING);
	counts = failed(tap, 1);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_string_equal(file_of(&counts)->error, strerror(EISDIR));
	rmdir(path);
}

/* The file's place is taken by a directory until more has been emitted than memory holds. */
static void after_an_outage_the_latest_frames_are_written(void **state)
{
	struct tap_counts counts;
	struct tap *tap;
	uint64_t emitted, i;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	tap = start(path, NULL, RING * 16);
	for (emitted = 0; emitted == 0 || (file_of(&counts)->lost == 0 && emitted < TRIES * 1000); tap_counts(tap, &counts)) {
		for (i = 0; i < 1000; i++)
			emit(tap, 0, ++emitted, false);
		sleep_ms(5);
	}
	assert_true(file_of(&counts)->lost > 0);
	assert_int_equal(file_of(&counts)->written, 0);
	rmdir(path);
	for (i = 0; i < TRIES && file_of(&counts)->written + file_of(&counts)->lost + counts.dropped_ring < emitted; i++) {
		sleep_ms(5);
		tap_counts(tap, &counts);
	}
	assert_int_equal(counts.emitted, emitted);
	assert_int_equal(file_of(&counts)->written + file_of(&counts)->lost + counts.dropped_ring, emitted);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(frames_in(path), file_of(&counts)->written);
}

static _Atomic bool running_ahead;

static void *run_ahead(void *arg)
{
	while (running_ahead) {
		own_clock_move(100);
		sleep_ms(1);
	}
	return arg;
}

/* The kernel's backlog takes the connection, and nobody ever accepts it. The clock stands until all is in the file; then
 * it runs, so that the stop ends by its own time long before it is given up. */
static void a_collector_that_never_answers_holds_up_neither_file_nor_stop(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct tap_counts last;
	pthread_t runner;
	struct tap *tap;
	uint64_t i;

	(void)state;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 4), 0);
	own_clock_stop();
	tap = start(path, address.sun_path, RING);
	sleep_ms(20);
	for (i = 1; i <= 100; i++)
		emit(tap, 0, i, false);
	assert_int_equal(settled(tap).emitted, 100);
	running_ahead = true;
	assert_int_equal(pthread_create(&runner, NULL, run_ahead, NULL), 0);
	tap_destroy(&tap, STOP_MS, &last);
	running_ahead = false;
	pthread_join(runner, NULL);
	own_clock_go();
	assert_int_equal(last.emitted, 100);
	assert_int_equal(frames_in(path), 100);
	close(fd);
	unlink(address.sun_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIRECTORY(an_old_file_is_moved_and_never_truncated),
		WITH_DIRECTORY(links_and_directories_are_left_alone),
		WITH_DIRECTORY(after_an_outage_the_latest_frames_are_written),
		WITH_DIRECTORY(a_collector_that_never_answers_holds_up_neither_file_nor_stop),
	};

	return cmocka_run_group_tests_name("tap_targets", tests, NULL, NULL);
}
