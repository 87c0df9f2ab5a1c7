/*
 * test_sink.c: one sink and its socket, with a collector that the test plays itself, step by step.
 *
 * The collector answers the handshake from within the rdwr's `wait`, so everything runs in one thread.
 */
#include "dnstap/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define CONTENT_TYPE "protobuf:dnstap.Dnstap"
#define FRAMES 3000u

static const char accept_frame[] = "\0\0\0\0\0\0\0\x22\0\0\0\1\0\0\0\1\0\0\0\x16" CONTENT_TYPE;
static const char stop_frame[] = "\0\0\0\0\0\0\0\4\0\0\0\3";
static const char finish_frame[] = "\0\0\0\0\0\0\0\4\0\0\0\5";

struct collector {
	char directory[64];
	char path[96];
	int listener;
	int fd;                 /* -1: no connection */
	bool silent;
	unsigned waits;
	unsigned waits_max;     /* gives up after so many; 0: never */
	uint8_t *octets;        /* all that came on this connection */
	size_t count;
	size_t cap;
};

static void collect(struct collector *collector, size_t most)
{
	while (most > 0) {
		ssize_t got;

		if (collector->cap - collector->count < 4096) {
			collector->cap = collector->cap * 2 + 8192;
			collector->octets = realloc(collector->octets, collector->cap);
		}
		got = recv(collector->fd, collector->octets + collector->count, most < 4096 ? most : 4096, MSG_DONTWAIT);
		if (got <= 0)
			return;
		collector->count += (size_t)got;
		most -= (size_t)got;
	}
}

/* The collector's turn while the sink waits for an answer. */
static bool on_wait(void *arg)
{
	struct collector *collector = arg;

	collector->waits++;
	if (collector->fd < 0) {
		collector->fd = accept4(collector->listener, NULL, NULL, SOCK_CLOEXEC);
		if (!collector->silent)
			assert_int_equal(write(collector->fd, accept_frame, sizeof(accept_frame) - 1), 42);
	}
	collect(collector, SIZE_MAX);
	if (collector->count >= 12 && memcmp(collector->octets + collector->count - 12, stop_frame, 12) == 0)
		assert_int_equal(write(collector->fd, finish_frame, 12), 12);
	return collector->waits_max == 0 || collector->waits < collector->waits_max;
}

static void hang_up(struct collector *collector)
{
	if (collector->fd >= 0)
		close(collector->fd);
	collector->fd = -1;
	collector->count = 0;
}

static struct sink *start(struct collector *collector)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sink *sink;

	*collector = (struct collector){ .directory = "/tmp/verdict-test-XXXXXX", .fd = -1 };
	assert_non_null(mkdtemp(collector->directory));
	snprintf(collector->path, sizeof(collector->path), "%s/socket", collector->directory);
	strcpy(address.sun_path, collector->path);
	collector->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(collector->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(collector->listener, 8), 0);
	sink = sink_create(rdwr_create_unix(collector->path, on_wait, collector), CONTENT_TYPE, 4 << 20);
	assert_non_null(sink);
	return sink;
}

static void end(struct collector *collector, struct sink **sink)
{
	sink_destroy(sink);
	hang_up(collector);
	close(collector->listener);
	unlink(collector->path);
	rmdir(collector->directory);
	free(collector->octets);
}

/* Frame `number`: its number, and then that number's octet, in a length that the number gives. */
static size_t frame_octets(uint32_t number)
{
	return 4 + number * 37 % 700;
}

static void offer(struct sink *sink, uint32_t from, uint32_t to)
{
	uint8_t frame[1024];
	uint32_t number;

	for (number = from; number <= to; number++) {
		memset(frame, (int)(number & 255), sizeof(frame));
		memcpy(frame, &number, sizeof(number));
		assert_true(sink_offer(sink, frame, frame_octets(number)));
	}
}

/* Checks START and that whole frames follow, rising by one. Returns the last complete one; *first gets the first. */
static uint32_t check_stream(const struct collector *collector, uint32_t *first)
{
	size_t at = 0;
	uint32_t length, number = 0, last = 0;

	*first = 0;
	assert_true(collector->count >= 84);
	at = 84;   /* READY and START have 42 octets each */
	while (collector->count - at >= 8) {
		memcpy(&length, collector->octets + at, 4);
		length = ntohl(length);
		memcpy(&number, collector->octets + at + 4, 4);
		if (length == 0)
			break;
		assert_int_equal(length, frame_octets(number));
		if (collector->count - at - 4 < length)
			break;
		assert_true(last == 0 || number == last + 1);
		*first = *first ? *first : number;
		last = number;
		if (length > 4)
			assert_int_equal(collector->octets[at + 3 + length], number & 255);
		at += 4 + length;
	}
	return last;
}

static void shakes_hands_and_says_goodbye(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);
	struct sink_counts counts;
	uint32_t first;

	(void)state;
	assert_false(sink_is_up(sink));
	sink_service(sink, 0);
	assert_true(sink_is_up(sink));
	offer(sink, 1, 10);
	sink_flush(sink, 1);
	assert_false(sink_is_busy(sink));
	sink_goodbye(sink, 1000);
	assert_false(sink_is_up(sink));
	assert_int_equal(check_stream(&collector, &first), 10);
	assert_memory_equal(collector.octets + collector.count - 12, stop_frame, 12);
	sink_read_counts(sink, &counts);
	assert_int_equal(counts.written, 10);
	assert_int_equal(counts.connects, 1);
	assert_int_equal(counts.errors, 0);
	end(&collector, &sink);
}

/* Between any two small reads the kernel takes a little more: every way to cut a write occurs. */
static void continues_short_writes_where_they_ended(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);
	unsigned turns = 0, blocked = 0;
	struct sink_counts counts;
	int small = 4096;
	uint32_t first;

	(void)state;
	sink_service(sink, 0);
	assert_int_equal(setsockopt(sink_fd(sink), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	offer(sink, 1, FRAMES);
	while (sink_is_busy(sink) && turns++ < 100000) {
		sink_flush(sink, turns);
		blocked += sink_is_blocked(sink);
		collect(&collector, 1500);
	}
	collect(&collector, SIZE_MAX);
	assert_true(blocked > 100);
	assert_int_equal(check_stream(&collector, &first), FRAMES);
	assert_int_equal(first, 1);
	sink_read_counts(sink, &counts);
	assert_int_equal(counts.written, FRAMES);
	end(&collector, &sink);
}

static void sends_again_as_a_whole_what_a_break_has_cut(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);
	uint32_t first, written;
	struct sink_counts counts;
	int64_t now = 1;

	(void)state;
	sink_service(sink, 0);
	offer(sink, 1, FRAMES);
	sink_flush(sink, now);
	assert_true(sink_is_blocked(sink));
	sink_read_counts(sink, &counts);
	written = (uint32_t)counts.written;
	assert_in_range(written, 1, FRAMES - 1);
	collect(&collector, SIZE_MAX);
	assert_int_equal(check_stream(&collector, &first), written);
	hang_up(&collector);
	sink_service(sink, now);
	assert_false(sink_is_up(sink));
	assert_true(sink_is_busy(sink));
	sink_service(sink, now + 99);
	assert_false(sink_is_up(sink));
	sink_service(sink, now + 1000);
	assert_true(sink_is_up(sink));
	while (sink_is_busy(sink) && now++ < 100000) {
		sink_flush(sink, now);
		collect(&collector, SIZE_MAX);
	}
	assert_int_equal(check_stream(&collector, &first), FRAMES);
	assert_int_equal(first, written + 1);
	sink_read_counts(sink, &counts);
	assert_int_equal(counts.written, FRAMES);
	assert_int_equal(counts.errors, 1);
	end(&collector, &sink);
}

static void gives_up_a_collector_that_takes_nothing(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);
	struct sink_counts counts;

	(void)state;
	sink_service(sink, 0);
	offer(sink, 1, FRAMES);
	sink_flush(sink, 10);
	assert_true(sink_is_moving(sink, 10));
	assert_false(sink_is_moving(sink, 10 + SINK_MOVING_MS));
	sink_service(sink, 10 + SINK_STALL_MS - 1);
	assert_true(sink_is_up(sink));
	sink_service(sink, 10 + SINK_STALL_MS);
	assert_false(sink_is_up(sink));
	sink_read_counts(sink, &counts);
	assert_int_equal(counts.last_error, ETIMEDOUT);
	end(&collector, &sink);
}

static void an_idle_collector_is_kept(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);

	(void)state;
	sink_service(sink, 0);
	sink_service(sink, 100 * SINK_STALL_MS);
	assert_true(sink_is_up(sink));
	offer(sink, 1, 1);
	sink_flush(sink, 200 * SINK_STALL_MS);
	assert_true(sink_is_up(sink));
	end(&collector, &sink);
}

static void a_handshake_ends_when_wait_says_so(void **state)
{
	struct collector collector;
	struct sink *sink = start(&collector);
	struct sink_counts counts;

	(void)state;
	collector.silent = true;
	collector.waits_max = 3;
	sink_service(sink, 0);
	assert_false(sink_is_up(sink));
	assert_int_equal(collector.waits, 3);
	sink_read_counts(sink, &counts);
	assert_int_equal(counts.last_error, ECANCELED);
	end(&collector, &sink);
}

static void waits_longer_after_each_failure_and_never_over_five_seconds(void **state)
{
	struct rdwr *rdwr = rdwr_create_unix("/nowhere/verdict-test", NULL, NULL);
	struct sink *sink = sink_create(rdwr, CONTENT_TYPE, 65536);
	struct sink_counts counts;
	int64_t now = 0, last = 0, longest = 0;
	uint64_t errors = 0;

	(void)state;
	for (now = 0; errors < 50 && now < 1000000; now++) {
		sink_service(sink, now);
		sink_read_counts(sink, &counts);
		if (counts.errors == errors)
			continue;
		if (errors > 0)
			assert_in_range(now - last, 100, errors == 1 ? 1000 : errors == 2 ? 2000 : 5000);
		longest = now - last > longest ? now - last : longest;
		errors = counts.errors;
		last = now;
	}
	assert_int_equal(errors, 50);
	assert_true(longest > 2000);
	assert_int_equal(counts.last_error, ENOENT);
	sink_destroy(&sink);
	assert_null(sink);
}

static void refuses_what_its_queue_cannot_hold(void **state)
{
	struct rdwr *rdwr = rdwr_create_unix("/nowhere/verdict-test", NULL, NULL);
	struct sink *sink = sink_create(rdwr, CONTENT_TYPE, 1000);
	uint8_t frame[1000] = { 0 };

	(void)state;
	assert_false(sink_has_room(sink, 997));
	assert_false(sink_has_room(sink, SIZE_MAX));
	assert_true(sink_offer(sink, frame, 496));
	assert_true(sink_offer(sink, frame, 496));
	assert_false(sink_offer(sink, frame, 1));
	assert_true(sink_is_busy(sink));
	sink_destroy(&sink);
}

static void refuses_a_path_too_long_for_a_socket(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	errno = 0;
	assert_null(rdwr_create_unix(path, NULL, NULL));
	assert_int_equal(errno, ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shakes_hands_and_says_goodbye),
		cmocka_unit_test(continues_short_writes_where_they_ended),
		cmocka_unit_test(sends_again_as_a_whole_what_a_break_has_cut),
		cmocka_unit_test(gives_up_a_collector_that_takes_nothing),
		cmocka_unit_test(an_idle_collector_is_kept),
		cmocka_unit_test(a_handshake_ends_when_wait_says_so),
		cmocka_unit_test(waits_longer_after_each_failure_and_never_over_five_seconds),
		cmocka_unit_test(refuses_what_its_queue_cannot_hold),
		cmocka_unit_test(refuses_a_path_too_long_for_a_socket),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
