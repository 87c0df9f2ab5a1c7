/* test_tap.c: rings, I/O thread and file together; sockets are in tests/e2e/tap_collectors.py, with real collectors. */
#include "dnstap/tap.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnstap/frame.h"
#include "tests/unit/dnstap_event.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/own_threads.h"

#define RING ((size_t)64 * 1024)
#define STOP_MS 60000
#define TRIES 12000   /* of 5 ms */
#define AN_HOUR_MS 3600000

static char directory[64];
static char path[128], path_1[160];

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/verdict-test-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/frames", directory);
	snprintf(path_1, sizeof(path_1), "%s.1", path);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	unlink(path_1);
	rmdir(path);
	return rmdir(directory);
}

static uint32_t heartbeat_ms;
static struct tap_carry *carry;

/* `spool`: a directory for rings and spool; NULL: in memory. */
static struct tap *start_with(const char *file, const char *socket_path, const char *spool, size_t ring_octets)
{
	struct tap_target_options targets[2];
	struct tap_options options = { .identity = "test", .version = "1", .targets = targets, .boot = 1,
		.ring_octets = ring_octets, .workers = 4, .threads = 4, .directory = spool, .spool_octets = 8 << 20,
		.memory_octets = 4 << 20, .heartbeat_ms = heartbeat_ms,
		.carry = carry };
	struct tap *tap;

	if (file)
		targets[options.target_count++] = (struct tap_target_options){ .name = "file", .file = file };
	if (socket_path)
		targets[options.target_count++] = (struct tap_target_options){ .name = "socket",
			.link = { .socket_path = socket_path }, .commit_interval_ms = 1000 };
	tap = tap_create(&options, NULL);
	assert_non_null(tap);
	return tap;
}

static struct tap *start(const char *file, const char *socket_path, size_t ring_octets)
{
	return start_with(file, socket_path, NULL, ring_octets);
}

static const struct target_counts *file_of(const struct tap_counts *counts)
{
	assert_true(counts->target_count > 0);
	assert_string_equal(counts->targets[0].name, "file");
	return &counts->targets[0].counts;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static bool emit(struct tap *tap, unsigned worker, uint64_t counter, bool refused)
{
	struct sample sample;

	sample_init(&sample, NULL, 0);
	if (refused)
		sample_refuse(&sample);
	sample.event.number = (struct frame_number){ 1, (uint16_t)worker, counter };
	return tap_emit(tap, worker, &sample.event);
}

/* Waits until every emitted frame is in the file or counted as dropped. */
static struct tap_counts settled(struct tap *tap)
{
	struct tap_counts counts;
	int tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (counts.emitted != file_of(&counts)->written + counts.dropped_ring && ++tries < TRIES);
	assert_int_equal(counts.emitted, file_of(&counts)->written + counts.dropped_ring);
	return counts;
}

/* Data frames in a complete Frame Streams file: START, frames, STOP and nothing else. */
static size_t frames_in(const char *file)
{
	FILE *from = fopen(file, "rb");
	uint32_t length, controls = 0;
	size_t frames = 0;

	assert_non_null(from);
	while (fread(&length, sizeof(length), 1, from) == 1) {
		bool control = length == 0;

		if (control) {
			assert_int_equal(fread(&length, sizeof(length), 1, from), 1);
			controls++;
		} else {
			assert_int_equal(controls, 1);
			frames++;
		}
		assert_in_range(ntohl(length), 4, 100000);
		assert_int_equal(fseek(from, (long)ntohl(length), SEEK_CUR), 0);
	}
	assert_int_equal(controls, 2);
	fclose(from);
	return frames;
}

static bool file_has(const char *file, const char *text)
{
	static char content[1 << 20];
	FILE *from = fopen(file, "rb");
	size_t octets = from ? fread(content, 1, sizeof(content), from) : 0;

	if (from)
		fclose(from);
	return memmem(content, octets, text, strlen(text)) != NULL;
}

/* The number behind `"key":` in the frame's extra; 0 when the key is not there. */
static uint64_t extra_number(const char *frame, size_t octets, const char *key)
{
	const char *at = memmem(frame, octets, key, strlen(key));

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Of a file with the frames of one worker: each tells exactly how many of those before it were dropped. Returns what
 * the last one tells. */
static uint64_t dropped_is_exact(const char *file)
{
	static char frame[100001];
	FILE *from = fopen(file, "rb");
	uint64_t before = 0, dropped = 0;
	uint32_t length;

	assert_non_null(from);
	while (fread(&length, sizeof(length), 1, from) == 1) {
		bool control = length == 0;

		if (control)
			assert_int_equal(fread(&length, sizeof(length), 1, from), 1);
		length = ntohl(length);
		assert_in_range(length, 4, sizeof(frame) - 1);
		assert_int_equal(fread(frame, length, 1, from), 1);
		frame[length] = '\0';
		if (control)
			continue;
		dropped = extra_number(frame, length, "\"dropped\":");
		assert_int_equal(extra_number(frame, length, "\"seq\":"), ++before + dropped);
	}
	fclose(from);
	return dropped;
}

static void refuses_bad_options(void **state)
{
	static const struct { unsigned workers; size_t ring_octets; const char *why; } rows[] = {
		{ 0, RING, "no worker" }, { TAP_WORKERS_MAX + 1, RING, "too many workers" },
		{ 1, RING - 1, "no power of two" }, { 1, RING / 2, "too small" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap_options options = { .workers = rows[i].workers, .ring_octets = rows[i].ring_octets };

		struct diag diag = { 0 };

		if (tap_create(&options, &diag) || !strstr(diag.text, "Invalid"))
			fail_msg("%s", rows[i].why);
	}
}

static void without_a_target_nothing_is_wanted_or_counted(void **state)
{
	struct tap *tap = start(NULL, NULL, RING);
	struct tap_counts counts;

	(void)state;
	assert_false(tap_wanted(tap));
	assert_false(tap_wanted(NULL));
	assert_false(emit(tap, 0, 1, true));
	tap_counts(tap, &counts);
	assert_int_equal(counts.emitted, 0);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_null(tap);
	tap_destroy(&tap, STOP_MS, NULL);
}

struct producer {
	struct tap *tap;
	unsigned worker;
	uint64_t taken;
};

static void *produce(void *arg)
{
	struct producer *producer = arg;
	uint64_t i;

	for (i = 1; i <= 20000; i++) {
		producer->taken += emit(producer->tap, producer->worker, i, i % 3 == 0);
		if (i % 500 == 0)
			sleep_ms(1);
	}
	return NULL;
}

static void every_frame_is_written_or_counted(void **state)
{
	struct tap *tap = start(path, NULL, RING);
	struct producer producers[4];
	struct tap_counts counts;
	pthread_t threads[4];
	uint64_t taken = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		producers[i] = (struct producer){ tap, i, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		taken += producers[i].taken;
	}
	counts = settled(tap);
	assert_int_equal(counts.emitted, 80000);
	assert_int_equal(file_of(&counts)->written, taken);
	assert_int_equal(counts.dropped_spool, 0);
	assert_int_equal(file_of(&counts)->errors, 0);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(frames_in(path), taken);
}

static void what_is_in_the_rings_is_written_at_the_end(void **state)
{
	struct tap *tap = start(path, NULL, RING);
	struct tap_counts last;
	uint64_t taken = 0, i;

	(void)state;
	for (i = 1; i <= 100; i++)
		taken += emit(tap, 0, i, false);
	tap_destroy(&tap, STOP_MS, &last);
	assert_int_equal(last.emitted, 100);
	assert_int_equal(file_of(&last)->written, taken);
	assert_int_equal(last.unsent, 0);
	assert_int_equal(taken, 100);
	assert_int_equal(frames_in(path), 100);
}

static _Atomic bool held, standing, unmakeable;

size_t __real_frame_encode(const struct event_view *view, const struct frame_origin *origin, uint8_t *to, size_t cap);
size_t __wrap_frame_encode(const struct event_view *view, const struct frame_origin *origin, uint8_t *to, size_t cap);

/* The thread stands here while it is held. Of seven frames, one can not be made. */
size_t __wrap_frame_encode(const struct event_view *view, const struct frame_origin *origin, uint8_t *to, size_t cap)
{
	for (int tries = 0; held && tries < TRIES; tries++) {
		standing = true;
		sleep_ms(5);
	}
	/* Also when nobody let it go: who waited for it sees that. */
	standing = false;
	return unmakeable && view->number.counter % 7 == 3 ? 0 : __real_frame_encode(view, origin, to, cap);
}

/* The thread then owns the tap and frees it; a sanitizer sees when it does not. The folder goes after the last one. */
static void a_stop_without_time_leaves_the_end_to_the_thread(void **state)
{
	int tries;

	(void)state;
	for (tries = 0; tries < 20; tries++) {
		const bool hold = tries % 2 == 1;
		struct tap *tap;

		assert_true(!hold || own_threads_end("verdict-tap"));
		tap = start(path, NULL, RING);
		held = hold;
		emit(tap, 0, 1, false);
		for (int waits = 0; hold && !standing && waits < TRIES; waits++)
			sleep_ms(5);
		tap_destroy(&tap, 0, NULL);
		assert_null(tap);
		assert_int_equal(standing, hold);
		held = false;
		assert_true(!hold || own_threads_end("verdict-tap"));
	}
	assert_true(own_threads_end("verdict-tap"));
}

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

static struct tap_counts failed(struct tap *tap, uint64_t errors)
{
	struct tap_counts counts;
	int tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (file_of(&counts)->errors < errors && ++tries < TRIES);
	return counts;
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

/* A ring that is too small for what is emitted at once; where other processes hold the worker up, it takes longer. */
static void each_frame_tells_how_many_were_dropped_before_it(void **state)
{
	struct tap *tap = start(path, NULL, RING);
	uint64_t i, refused = 0;

	(void)state;
	for (i = 1; i <= 30000 || (refused == 0 && i < 3000000); i++) {
		refused += !emit(tap, 0, i, false);
		if (i % 1000 == 0)
			sleep_ms(5);
	}
	settled(tap);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_true(dropped_is_exact(path) > 0);
}

static struct tap_counts emit_a_hundred(uint32_t beat_ms)
{
	struct tap_counts last;
	struct tap *tap;
	uint64_t i;

	heartbeat_ms = beat_ms;
	unmakeable = true;
	tap = start(path, NULL, RING * 16);
	for (i = 1; i <= 100; i++)
		assert_true(emit(tap, 0, i, false));
	tap_destroy(&tap, STOP_MS, &last);
	unmakeable = false;
	heartbeat_ms = 0;
	return last;
}

/* Readers take it for what it is: the frames that follow, the heartbeats and the counts say so. */
static void a_frame_that_can_not_be_made_is_a_dropped_one(void **state)
{
	struct tap_counts last = emit_a_hundred(0);

	(void)state;
	assert_int_equal(last.emitted, 100);
	assert_int_equal(last.dropped_ring, 0);
	assert_int_equal(last.dropped_spool, 14);
	assert_int_equal(frames_in(path), 86);
	assert_int_equal(dropped_is_exact(path), 14);
	unlink(path);
	emit_a_hundred(AN_HOUR_MS);
	assert_true(file_has(path, "{\"worker\":0,\"seq\":100,\"dropped\":14}"));
}

struct hurry {
	struct tap *tap;
	unsigned worker;
	_Atomic bool *stop;
};

static void *never_pause(void *arg)
{
	struct hurry *hurry = arg;
	uint64_t i = 0;

	while (!*hurry->stop)
		emit(hurry->tap, hurry->worker, ++i, true);
	return NULL;
}

static void workers_that_never_pause_hold_up_no_heartbeat(void **state)
{
	_Atomic bool stop = false;
	struct hurry hurries[4];
	struct tap_counts counts;
	unsigned tries = 0, i;
	pthread_t threads[4];
	struct tap *tap;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip();   /* it makes the thread too slow for what is asked here */
#endif
	heartbeat_ms = 10;
	tap = start(path, NULL, RING * 16);
	heartbeat_ms = 0;
	for (i = 0; i < 4; i++) {
		hurries[i] = (struct hurry){ tap, i, &stop };
		assert_int_equal(pthread_create(&threads[i], NULL, never_pause, &hurries[i]), 0);
	}
	do {
		sleep_ms(10);
		tap_counts(tap, &counts);
	} while (counts.heartbeats < 3 && ++tries < TRIES);
	stop = true;
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_in_range(counts.heartbeats, 3, 1000000);
}

static void wait_for_heartbeats(struct tap *tap, uint64_t wanted)
{
	struct tap_counts counts;
	unsigned tries = 0;

	do {
		sleep_ms(5);
		tap_counts(tap, &counts);
	} while (counts.heartbeats < wanted && ++tries < TRIES);
}

/* As a reload makes them; the first has nowhere to send to, so its memory ends with frames in it. */
static void counts_go_on_from_tap_to_tap(void **state)
{
	struct tap_carry kept = { .heartbeats = 0 };
	struct tap_counts counts, before;
	struct tap *tap;
	unsigned i;

	(void)state;
	carry = &kept;
	heartbeat_ms = AN_HOUR_MS;
	tap = start("/", NULL, RING);
	for (i = 1; i <= 5; i++)
		assert_true(emit(tap, 1, i, true));
	tap_note(tap, 1, 6);
	wait_for_heartbeats(tap, 1);
	tap_destroy(&tap, STOP_MS, &before);
	/* And the heartbeats at the start and at the end. */
	assert_int_equal(before.heartbeats, 2);
	assert_int_equal(file_of(&before)->lost, 7);
	tap = start(path, NULL, RING);
	tap_note(tap, 1, 7);
	assert_true(emit(tap, 1, 8, true));
	wait_for_heartbeats(tap, 3);
	tap_destroy(&tap, STOP_MS, &counts);
	carry = NULL;
	heartbeat_ms = 0;
	assert_int_equal(counts.emitted, 6);
	assert_int_equal(counts.heartbeats, 4);
	assert_int_equal(file_of(&counts)->lost, 7);
	assert_int_equal(kept.workers[1].tally.noted, 8);
	assert_int_equal(kept.workers[1].tally.left_out, 2);
	assert_true(file_has(path, "\"seq\":8,\"path\""));
	assert_true(file_has(path, "\"left_out\":2}"));
	assert_true(file_has(path, "\"heartbeat\":3,"));
	assert_false(file_has(path, "\"heartbeat\":1,"));
}

/* --- over the end of a process --- */

static char spool[160], spool_2[168];

static int make_spool(void **state)
{
	if (make_directory(state) != 0)
		return -1;
	snprintf(spool, sizeof(spool), "%s/spool", directory);
	snprintf(spool_2, sizeof(spool_2), "%s.2", spool);
	return 0;
}

static void remove_files(const char *name)
{
	DIR *entries = opendir(name);
	struct dirent *entry;

	while (entries && (entry = readdir(entries)))
		unlinkat(dirfd(entries), entry->d_name, 0);
	if (entries)
		closedir(entries);
	rmdir(name);
}

static int remove_spool(void **state)
{
	remove_files(spool);
	remove_files(spool_2);
	return remove_directory(state);
}

/* A child emits and is killed at once; its file is a directory, so that nothing has left. */
static void emit_and_die(uint64_t count)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		struct tap *tap = start_with("/", NULL, spool, RING * 16);
		uint64_t i;

		for (i = 1; i <= count; i++)
			if (!emit(tap, (unsigned)(i % 4), (i + 3) / 4, i % 5 == 0))
				_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
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
	emit_and_die(1000);
	tap = start_with(path, NULL, spool, RING);
	for (tries = 0; tries < TRIES; tries++) {
		tap_counts(tap, &counts);
		if (counts.spool.recovered + counts.recovered == 1000 && file_of(&counts)->written == 1004)
			break;
		sleep_ms(5);
	}
	assert_string_equal(counts.note, "");
	assert_true(counts.durable);
	assert_int_equal(counts.recovered + counts.spool.recovered, 1000);
	tap_destroy(&tap, STOP_MS, NULL);
	/* And what each of the four workers had come to. */
	assert_int_equal(frames_in(path), 1004);
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets < limit.rlim_max ? octets : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
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
	emit_and_die(40);
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

static void the_largest_response_passes(void **state)
{
	static uint8_t rdata[65000];
	static const uint8_t owner[] = "\3www\7example\3com";
	const struct record record = { SECTION_ANSWER, owner, sizeof(owner), 16, 1, 1, rdata, sizeof(rdata) };
	struct tap *tap = start(path, NULL, RING * 16);
	struct sample sample;

	(void)state;
	sample_init(&sample, &record, 1);
	assert_true(tap_emit(tap, 0, &sample.event));
	assert_int_equal(settled(tap).emitted, 1);
	tap_destroy(&tap, STOP_MS, NULL);
	assert_int_equal(frames_in(path), 1);
}

static void a_worker_that_is_not_there_is_refused(void **state)
{
	struct tap *tap = start(path, NULL, RING);

	(void)state;
	assert_false(emit(tap, 4, 1, false));
	assert_false(emit(tap, UINT32_MAX, 1, false));
	assert_int_equal(settled(tap).emitted, 0);
	tap_destroy(&tap, STOP_MS, NULL);
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

/* SigBlk of the thread whose name is "verdict-tap"; 0 when there is none. */
static unsigned long long blocked_signals(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned long long blocked = 0;
	struct dirent *entry;
	char file[300], line[256];

	while (tasks && (entry = readdir(tasks))) {
		bool ours = false;
		FILE *status;

		snprintf(file, sizeof(file), "/proc/self/task/%s/status", entry->d_name);
		status = fopen(file, "r");
		while (status && fgets(line, sizeof(line), status)) {
			ours |= strncmp(line, "Name:\tverdict-tap", 17) == 0;
			if (ours && strncmp(line, "SigBlk:", 7) == 0)
				blocked = strtoull(line + 7, NULL, 16);
		}
		if (status)
			fclose(status);
	}
	if (tasks)
		closedir(tasks);
	return blocked;
}

static void the_thread_takes_no_signals_from_the_host(void **state)
{
	struct tap *tap = start(path, NULL, RING);
	unsigned long long blocked = blocked_signals();

	(void)state;
	tap_destroy(&tap, STOP_MS, NULL);
	if (access("/proc/self/task", R_OK) != 0)
		skip();
	assert_true(blocked >> 0 & 1);    /* HUP */
	assert_true(blocked >> 14 & 1);   /* TERM */
	assert_true(blocked >> 1 & 1);    /* INT */
	assert_true(blocked >> 12 & 1);   /* PIPE */
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)
#define WITH_SPOOL(test) cmocka_unit_test_setup_teardown(test, make_spool, remove_spool)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_options),
		cmocka_unit_test(without_a_target_nothing_is_wanted_or_counted),
		WITH_DIRECTORY(every_frame_is_written_or_counted),
		WITH_DIRECTORY(what_is_in_the_rings_is_written_at_the_end),
		WITH_DIRECTORY(a_stop_without_time_leaves_the_end_to_the_thread),
		WITH_DIRECTORY(an_old_file_is_moved_and_never_truncated),
		WITH_DIRECTORY(links_and_directories_are_left_alone),
		WITH_DIRECTORY(after_an_outage_the_latest_frames_are_written),
		WITH_DIRECTORY(a_frame_that_can_not_be_made_is_a_dropped_one),
		WITH_DIRECTORY(each_frame_tells_how_many_were_dropped_before_it),
		WITH_DIRECTORY(counts_go_on_from_tap_to_tap),
		WITH_DIRECTORY(workers_that_never_pause_hold_up_no_heartbeat),
		WITH_SPOOL(what_a_killed_process_had_emitted_is_sent_by_the_next),
		WITH_SPOOL(a_full_disk_stops_no_recovery),
		WITH_SPOOL(frames_in_memory_are_not_called_durable),
		WITH_SPOOL(what_is_no_ring_is_set_aside_but_not_for_ever),
		WITH_SPOOL(what_nobody_took_is_kept_over_a_stop),
		WITH_SPOOL(what_detectors_found_goes_with_the_verdicts),
		WITH_SPOOL(what_stays_in_another_directory_is_lost),
		WITH_SPOOL(a_directory_that_others_can_enter_is_refused),
		WITH_DIRECTORY(the_largest_response_passes),
		WITH_DIRECTORY(a_worker_that_is_not_there_is_refused),
		WITH_DIRECTORY(a_collector_that_never_answers_holds_up_neither_file_nor_stop),
		WITH_DIRECTORY(the_thread_takes_no_signals_from_the_host),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
