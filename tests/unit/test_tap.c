/* test_tap.c: rings, I/O thread and file together; sockets are in tests/e2e/tap_collectors.py, with real collectors. */
#include "dnstap/tap.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnstap/frame.h"
#include "tests/unit/own_threads.h"
#include "tests/unit/tapping.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bad_options),
		cmocka_unit_test(without_a_target_nothing_is_wanted_or_counted),
		WITH_DIRECTORY(every_frame_is_written_or_counted),
		WITH_DIRECTORY(what_is_in_the_rings_is_written_at_the_end),
		WITH_DIRECTORY(a_stop_without_time_leaves_the_end_to_the_thread),
		WITH_DIRECTORY(a_frame_that_can_not_be_made_is_a_dropped_one),
		WITH_DIRECTORY(each_frame_tells_how_many_were_dropped_before_it),
		WITH_DIRECTORY(counts_go_on_from_tap_to_tap),
		WITH_DIRECTORY(workers_that_never_pause_hold_up_no_heartbeat),
		WITH_DIRECTORY(the_largest_response_passes),
		WITH_DIRECTORY(a_worker_that_is_not_there_is_refused),
		WITH_DIRECTORY(the_thread_takes_no_signals_from_the_host),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
