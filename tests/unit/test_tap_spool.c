/* test_tap_spool.c: frames over the end of a process. */
#include "dnstap/tap.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/full_disk.h"
#include "tests/unit/tapping.h"

static _Atomic bool held;

/* In the place of the library's: the tap's thread stands here while it is held, before it looks at a ring. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	for (unsigned tries = 0; held && gettid() != getpid() && tries < TRIES; tries++)
		sleep_ms(5);
	return (int)syscall(SYS_clock_gettime, clock, now);
}

enum place { IN_RINGS, IN_SPOOL, ANYWHERE };

/* A child emits and is killed: before anything has left the rings, once all has, or at once. Its file is a directory, so
 * that nothing has left the spool. */
static void emit_and_die(uint64_t count, enum place place)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct tap_counts counts = { .target_count = 0 };
		struct tap *tap;
		uint64_t i;

		held = place == IN_RINGS;
		tap = start_with("/", NULL, spool, RING * 16);
		for (i = 1; i <= count; i++)
			if (!emit(tap, (unsigned)(i % 4), (i + 3) / 4, i % 5 == 0))
				_exit(1);
		for (i = 0; place == IN_SPOOL && counts.targets[0].counts.unread < count && i < TRIES; i++) {
			sleep_ms(5);
			tap_counts(tap, &counts);
		}
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void is_sent_once(enum place place)
{
	struct tap_counts counts;
	struct tap *tap;
	unsigned tries;

	emit_and_die(1000, place);
	tap = start_with(path, NULL, spool, RING);
	for (tries = 0; tries < TRIES; tries++) {
		tap_counts(tap, &counts);
		if (counts.spool.recovered + counts.recovered == 1000 && file_of(&counts)->written == 1004)
			break;
		sleep_ms(5);
	}
	assert_string_equal(counts.note, "");
	assert_true(counts.durable);
	assert_int_equal(counts.recovered, place == IN_RINGS ? 1000 : 0);
	assert_int_equal(counts.spool.recovered, place == IN_SPOOL ? 1000 : 0);
	tap_destroy(&tap, STOP_MS, NULL);
	/* And what each of the four workers had come to. */
	assert_int_equal(frames_in(path), 1004);
	unlink(path);
	remove_files(spool);
}

/* How many of the first `last` answers of each of the four workers the file has. */
static unsigned numbers_in(const char *file, uint64_t last)
{
	static char frame[100001];
	bool seen[4][1000] = { { false } };
	FILE *from = fopen(file, "rb");
	unsigned count = 0;
	uint32_t length;

	assert_non_null(from);
	while (fread(&length, sizeof(length), 1, from) == 1) {
		const bool control = length == 0;
		uint64_t worker, number;

		if (control)
			assert_int_equal(fread(&length, sizeof(length), 1, from), 1);
		length = ntohl(length);
		assert_in_range(length, 4, sizeof(frame) - 1);
		assert_int_equal(fread(frame, length, 1, from), 1);
		frame[length] = '\0';
		worker = extra_number(frame, length, "\"worker\":");
		number = extra_number(frame, length, "\"seq\":");
		if (control || !memmem(frame, length, "\"path\"", 6) || worker >= 4 || number == 0 || number > last)
			continue;
		count += !seen[worker][number];
		seen[worker][number] = true;
	}
	fclose(from);
	return count;
}

static void what_a_killed_process_had_emitted_is_sent_by_the_next(void **state)
{
	struct tap_counts counts;
	struct tap *tap;
	unsigned tries;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip();   /* ThreadSanitizer ends a child that starts a thread */
#endif
	is_sent_once(IN_RINGS);
	is_sent_once(IN_SPOOL);
	/* What was on its way from the one to the other is in both, and comes twice. */
	emit_and_die(1000, ANYWHERE);
	tap = start_with(path, NULL, spool, RING);
	for (tries = 0; tries < TRIES; tries++) {
		tap_counts(tap, &counts);
		if (counts.spool.recovered + counts.recovered >= 1000 && file_of(&counts)->written >= 1004 &&
		    file_of(&counts)->unread == 0)
			break;
		sleep_ms(5);
	}
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(numbers_in(path, 250), 1000);
}

/* A disk that has room for a little. */
static void a_full_disk_stops_no_recovery(void **state)
{
	struct tap_counts counts;
	unsigned tries = 0;
	struct tap *tap;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip();
#endif
	emit_and_die(40, IN_RINGS);
	limit_files(RING);
	tap = start_with(path, NULL, spool, RING);
	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (file_of(&counts)->written < 44 && ++tries < TRIES);
	limit_files(RLIM_INFINITY);
	assert_non_null(strstr(counts.note, "File too large"));
	assert_false(counts.durable);
	assert_int_equal(counts.recovered + counts.spool.recovered, 40);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(frames_in(path), 44);
}

static void frames_in_memory_are_not_called_durable(void **state)
{
	struct tap *tap = start_with("/", NULL, spool, RING);
	struct tap_counts counts, last;
	unsigned tries = 0;
	uint64_t i;

	(void)state;
	counts = failed(tap, 1);
	assert_true(counts.durable);
	limit_files(1000);
	for (i = 1; i <= 50; i++)
		assert_true(emit(tap, 1, i, false));
	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while ((file_of(&counts)->unread < 50 || counts.durable) && ++tries < TRIES);
	assert_int_equal(file_of(&counts)->unread, 50);
	assert_false(counts.durable);
	tap_destroy(&tap, STOP_MS, &last);
	limit_files(RLIM_INFINITY);
	assert_in_range(last.unsent, 1, 50);
}

static unsigned count_files(const char *suffix)
{
	DIR *entries = opendir(spool);
	struct dirent *entry;
	unsigned count = 0;

	while (entries && (entry = readdir(entries)) != NULL) {
		size_t length = strlen(entry->d_name);

		count += length >= strlen(suffix) && strcmp(entry->d_name + length - strlen(suffix), suffix) == 0;
	}
	if (entries)
		closedir(entries);
	return count;
}

static void leave_file(const char *name, const char *text)
{
	char file[256];
	FILE *to;

	snprintf(file, sizeof(file), "%s/%s", spool, name);
	to = fopen(file, "w");
	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static void what_is_no_ring_is_set_aside_but_not_for_ever(void **state)
{
	struct tap_counts counts;
	struct tap *tap;
	unsigned i;

	(void)state;
	assert_int_equal(mkdir(spool, 0700), 0);
	leave_file("ring-000000000001-0-1", "");
	for (i = 0; i < 12; i++) {
		char name[64];

		snprintf(name, sizeof(name), "ring-00000000000%x-0-0", i);
		leave_file(name, "not a ring");
	}
	tap = start_with("/", NULL, spool, RING);
	tap_destroy(&tap, STOP_MS, &counts);
	assert_int_equal(counts.damaged, 12);
	assert_int_equal(count_files(".damaged"), 8);
	tap = start_with("/", NULL, spool, RING);
	tap_destroy(&tap, STOP_MS, &counts);
	assert_int_equal(counts.damaged, 0);
	assert_int_equal(count_files(".damaged"), 8);
	assert_int_equal(count_files("-1"), 0);
}

/* Before it is stopped: what is on the disk gets only a moment then. */
static void wait_for_written(struct tap *tap, uint64_t wanted)
{
	struct tap_counts counts;
	unsigned tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (file_of(&counts)->written < wanted && ++tries < TRIES);
}

static void what_nobody_took_is_kept_over_a_stop(void **state)
{
	struct tap *tap = start_with("/", NULL, spool, RING);
	struct tap_counts last;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 50; i++)
		assert_true(emit(tap, 1, i, false));
	tap_destroy(&tap, STOP_MS, &last);
	assert_int_equal(last.unsent, 0);
	tap = start_with(path, NULL, spool, RING);
	wait_for_written(tap, 50);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(frames_in(path), 50);
}

static void what_detectors_found_goes_with_the_verdicts(void **state)
{
	const struct detections found = { .count = 1 };
	struct tap *tap = start_with("/", NULL, spool, RING);
	struct sample sample;
	char name[256];

	(void)state;
	sample_init(&sample, NULL, 0);
	sample.event.number = (struct frame_number){ 1, 0, 7 };
	sample.event.detections = &found;
	assert_true(tap_emit(tap, 0, &sample.event));
	tap_destroy(&tap, STOP_MS, NULL);
	snprintf(name, sizeof(name), "%s/verdict-000000000001.fstrm", spool);
	assert_true(file_has(name, "\"seq\":7,\"path\""));
}

/* As a reload does that moves the state directory, or gives up the disk. */
static void what_stays_in_another_directory_is_lost(void **state)
{
	const char *next[] = { spool_2, NULL };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(next) / sizeof(next[0]); i++) {
		struct tap_carry kept = { .heartbeats = 0 };
		struct tap_counts counts;
		struct tap *tap;
		uint64_t number;

		carry = &kept;
		tap = start_with("/", NULL, spool, RING);
		for (number = 1; number <= 50; number++)
			assert_true(emit(tap, 1, number, number % 2 == 0));
		tap_destroy(&tap, STOP_MS, &counts);
		assert_int_equal(file_of(&counts)->lost, 0);
		tap = start_with(path, NULL, next[i], RING);
		assert_true(emit(tap, 1, 51, false));
		wait_for_written(tap, 1);
		tap_counts(tap, &counts);
		assert_int_equal(file_of(&counts)->lost, 50);
		assert_non_null(strstr(counts.note, "50 frames that were not sent"));
		tap_destroy(&tap, STOP_MS, &counts);
		tap = start_with(path, NULL, next[i], RING);
		tap_destroy(&tap, STOP_MS, &counts);
		assert_int_equal(file_of(&counts)->lost, 50);
		carry = NULL;
		/* Who comes back has them. */
		tap = start_with(path, NULL, spool, RING);
		wait_for_written(tap, 50);
		tap_destroy(&tap, STOP_MS, &counts);
		assert_int_equal(file_of(&counts)->written, 50);
	}
}

static void a_directory_that_others_can_enter_is_refused(void **state)
{
	struct tap_counts counts;
	struct tap *tap;

	(void)state;
	assert_int_equal(mkdir(spool, 0755), 0);
	tap = start_with(path, NULL, spool, RING);
	assert_true(emit(tap, 0, 1, false));
	counts = settled(tap);
	assert_int_equal(file_of(&counts)->written, 1);
	assert_false(counts.durable);
	assert_non_null(strstr(counts.note, "not ours alone"));
	tap_destroy(&tap, STOP_MS, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SPOOL(what_a_killed_process_had_emitted_is_sent_by_the_next),
		WITH_SPOOL(a_full_disk_stops_no_recovery),
		WITH_SPOOL(frames_in_memory_are_not_called_durable),
		WITH_SPOOL(what_is_no_ring_is_set_aside_but_not_for_ever),
		WITH_SPOOL(what_nobody_took_is_kept_over_a_stop),
		WITH_SPOOL(what_detectors_found_goes_with_the_verdicts),
		WITH_SPOOL(what_stays_in_another_directory_is_lost),
		WITH_SPOOL(a_directory_that_others_can_enter_is_refused),
	};

	return cmocka_run_group_tests_name("tap_spool", tests, NULL, NULL);
}
