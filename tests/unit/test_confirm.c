/* test_confirm.c: a target and collectors that confirm what they have not written yet, as fstrm_capture does: what a kill
 * takes back comes again, whenever it falls, or is counted. The clock, the kills and the buffer are the test's own. */
#include "dnstap/target.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <fstrm.h>

#include "tests/unit/directory.h"

#define TYPE "protobuf:dnstap.Dnstap"
#define FRAMES_MAX 40000u
#define FRAME_OCTETS 500u
#define COMMIT_MS 1000
#define CONNECTIONS 8
#define HELD_MAX 16

/* One process: it writes in blocks, confirms with what does not fill one in memory, and loses that when it is killed. */
struct collector {
	int listener;                      /* -1: dead */
	unsigned at_once;                  /* connections that it serves at a time; others wait */
	size_t block;                      /* of its file */
	struct connection {
		int fd;                    /* -1: none */
		uint8_t in[1024];
		size_t octets;
	} connections[CONNECTIONS];
	uint64_t octets;                   /* of its file, those in memory included */
	struct {
		uint32_t number;
		uint64_t end;              /* in its file */
	} *frames;                         /* of this process */
	unsigned frame_count;
	unsigned finished;                 /* streams that it confirmed */
};

struct place {
	struct directory directory;
	char path[96];
	struct spool *spool;
	struct spool_reader *reader;
	struct target *target;
	struct collector collector;
	unsigned *times;                   /* each frame, in files that nobody can take back */
	uint32_t sent;
	int64_t now;
};

/* --- the collector --- */

static void collector_begin(struct place *place)
{
	struct collector *collector = &place->collector;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned i;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", place->path);
	unlink(place->path);
	collector->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(collector->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(collector->listener, 4), 0);
	for (i = 0; i < CONNECTIONS; i++)
		collector->connections[i].fd = -1;
	collector->octets = 0;
	collector->frame_count = 0;
}

static void leave(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->octets = 0;
}

/* What is in the file stays there; `killed`: what is not never will be. */
static void collector_end(struct place *place, bool killed)
{
	struct collector *collector = &place->collector;
	uint64_t written = killed ? collector->octets / collector->block * collector->block : collector->octets;
	unsigned i;

	if (collector->listener < 0)
		return;
	close(collector->listener);
	collector->listener = -1;
	for (i = 0; i < CONNECTIONS; i++)
		leave(&collector->connections[i]);
	for (i = 0; i < collector->frame_count; i++)
		place->times[collector->frames[i].number] += collector->frames[i].end <= written;
	collector->frame_count = 0;
}

static void say(int fd, fstrm_control_type type)
{
	struct fstrm_control *control = fstrm_control_init();
	uint8_t octets[FSTRM_CONTROL_FRAME_LENGTH_MAX];
	size_t count = sizeof(octets);

	fstrm_control_set_type(control, type);
	if (type == FSTRM_CONTROL_ACCEPT)
		fstrm_control_add_field_content_type(control, (const uint8_t *)TYPE, strlen(TYPE));
	assert_int_equal(fstrm_control_encode(control, octets, &count, FSTRM_CONTROL_FLAG_WITH_HEADER), fstrm_res_success);
	fstrm_control_destroy(&control);
	(void)!send(fd, octets, count, MSG_NOSIGNAL);
}

static void hear_control(struct collector *collector, struct connection *connection)
{
	uint32_t type;

	memcpy(&type, connection->in + 8, sizeof(type));
	if (ntohl(type) == FSTRM_CONTROL_READY)
		say(connection->fd, FSTRM_CONTROL_ACCEPT);
	if (ntohl(type) != FSTRM_CONTROL_STOP)
		return;
	say(connection->fd, FSTRM_CONTROL_FINISH);
	leave(connection);
	collector->finished++;
}

static void hear_frame(struct collector *collector, const struct connection *connection, size_t octets)
{
	uint32_t number;

	memcpy(&number, connection->in + 4, sizeof(number));
	assert_in_range(number, 0, FRAMES_MAX - 1);
	assert_true(collector->frame_count < FRAMES_MAX * 4);
	collector->octets += octets;
	collector->frames[collector->frame_count].number = number;
	collector->frames[collector->frame_count++].end = collector->octets;
}

/* How long what begins there is; 0: its length has not come in full. */
static size_t length_of(const struct connection *connection, bool *control)
{
	uint32_t head[2];

	memcpy(head, connection->in, sizeof(head));
	*control = connection->octets >= 4 && head[0] == 0;
	if (connection->octets < (*control ? 8 : 4))
		return 0;
	return *control ? 8 + ntohl(head[1]) : 4 + ntohl(head[0]);
}

/* Reads one frame at most. False: there is none. */
static bool hear(struct collector *collector, struct connection *connection)
{
	bool control;
	size_t whole = length_of(connection, &control), want = whole > 0 ? whole : control ? 8 : 4;
	ssize_t got = recv(connection->fd, connection->in + connection->octets, want - connection->octets, MSG_DONTWAIT);

	if (got == 0)
		leave(connection);
	if (got <= 0)
		return false;
	connection->octets += (size_t)got;
	if (connection->octets < want || whole == 0)
		return true;
	connection->octets = 0;
	if (control)
		hear_control(collector, connection);
	else
		hear_frame(collector, connection, whole);
	return true;
}

/* Does what there is to do: up to `most` frames and control frames. */
static void collector_serve(struct place *place, unsigned most)
{
	struct collector *collector = &place->collector;
	unsigned i;

	if (collector->listener < 0)
		return;
	for (i = 0; i < collector->at_once; i++)
		if (collector->connections[i].fd < 0)
			collector->connections[i].fd = accept(collector->listener, NULL, NULL);
	for (i = 0; i < collector->at_once; i++)
		while (collector->connections[i].fd >= 0 && most > 0 && hear(collector, &collector->connections[i]))
			most--;
}

/* --- the resolver's side --- */

static struct target *make_target(struct place *place)
{
	const struct link_options options = { .socket_path = place->path };
	struct target *target = target_create_stream(stream_create(link_create(&options), TYPE),
		stream_create(link_create(&options), TYPE), place->reader, COMMIT_MS);

	assert_non_null(target);
	return target;
}

static void resolver_begin(struct place *place, bool on_disk)
{
	const struct spool_options options = { .content_type = TYPE, .directory = on_disk ? place->directory.fd : -1,
		.directory_name = "spool", .file_octets_max = 64 << 20, .memory_octets_max = 64 << 20, .segment_octets = 1 << 20 };
	struct diag diag;

	place->spool = spool_open(&options, place->now, 1, &diag);
	assert_non_null(place->spool);
	place->reader = spool_reader_add(place->spool, "socket");
	place->target = make_target(place);
}

static struct place place_make(unsigned at_once)
{
	struct place place = { .directory = directory_make(), .now = 100000,
		.collector = { .listener = -1, .at_once = at_once, .block = 8192 } };

	snprintf(place.path, sizeof(place.path), "%s/socket", place.directory.path);
	place.times = calloc(FRAMES_MAX, sizeof(*place.times));
	place.collector.frames = calloc(FRAMES_MAX * 4, sizeof(*place.collector.frames));
	resolver_begin(&place, false);
	collector_begin(&place);
	return place;
}

static void place_remove(struct place *place)
{
	target_destroy(&place->target);
	collector_end(place, true);
	spool_close(&place->spool, place->now);
	free(place->times);
	free(place->collector.frames);
	directory_remove(&place->directory);
}

static void put(struct place *place, unsigned count)
{
	uint8_t frame[FRAME_OCTETS] = { 0 };

	for (; count > 0 && place->sent < FRAMES_MAX; count--) {
		memcpy(frame, &place->sent, sizeof(place->sent));
		assert_true(spool_append(place->spool, place->sent % 5 ? LANE_PLAIN : LANE_VERDICT, frame,
			sizeof(frame) - place->sent % 97, place->now));
		place->sent++;
	}
	spool_flush(place->spool, place->now);
}

static void serve(struct place *place, int64_t ms)
{
	place->now += ms;
	(void)target_service(place->target, place->now);
}

/* Both, until nothing moves any more. */
static void run(struct place *place, int64_t ms)
{
	unsigned i;

	serve(place, ms);
	for (i = 0; i < 12; i++) {
		collector_serve(place, UINT32_MAX);
		serve(place, 1);
	}
}

/* Until the collector has said once more that it has all. The target does not know yet. */
static void confirm(struct place *place)
{
	unsigned finished = place->collector.finished, i;

	run(place, COMMIT_MS);
	for (i = 0; place->collector.finished == finished; i++) {
		assert_true(i < 10000);
		serve(place, 1);
		collector_serve(place, UINT32_MAX);
	}
}

/* The collectors that lived last end in order, and then every frame is in a file. */
static void assert_all_there(struct place *place, const char *what)
{
	struct target_counts counts;
	uint32_t i, missing = 0, first = 0;
	unsigned turn;

	for (turn = 0; turn < 200; turn++)
		run(place, 100);
	target_read_counts(place->target, &counts);
	assert_int_equal(counts.unread, 0);
	assert_int_equal(counts.lost + counts.unsure, 0);
	collector_end(place, false);
	for (i = place->sent; i > 0; i--)
		if (place->times[i - 1] == 0) {
			missing++;
			first = i - 1;
		}
	if (missing > 0)
		fail_msg("%s: %u of %u frames are nowhere, from %u on", what, missing, place->sent, first);
}

static void nothing_is_lost_when_it_dies_between_two_connections(void **state)
{
	struct place place = place_make(CONNECTIONS);

	(void)state;
	put(&place, 100);
	confirm(&place);
	put(&place, 100);
	confirm(&place);
	collector_end(&place, true);
	serve(&place, 1);
	collector_begin(&place);
	put(&place, 100);
	assert_all_there(&place, "it died between two connections");
	place_remove(&place);
}

static void nothing_is_lost_when_another_one_listens_at_once(void **state)
{
	struct place place = place_make(CONNECTIONS);

	(void)state;
	put(&place, 100);
	confirm(&place);
	put(&place, 100);
	confirm(&place);
	collector_end(&place, true);
	collector_begin(&place);
	put(&place, 100);
	assert_all_there(&place, "another one listened at once");
	place_remove(&place);
}

/* Many confirmations are in one block. */
static void nothing_is_lost_when_little_comes(void **state)
{
	unsigned streams, i;

	(void)state;
	for (streams = 1; streams < 40; streams++) {
		struct place place = place_make(CONNECTIONS);

		for (i = 0; i < streams; i++) {
			put(&place, 2);
			confirm(&place);
		}
		collector_end(&place, true);
		serve(&place, 1);
		collector_begin(&place);
		assert_all_there(&place, "little came");
		place_remove(&place);
	}
}

static void resolver_end(struct place *place)
{
	unsigned i;

	target_finish(place->target);
	target_hurry(place->target);
	for (i = 0; !target_is_finished(place->target); i++) {
		assert_true(i < 1000);
		run(place, 1);
	}
	assert_false(spool_has_uncommitted(place->reader));
	target_destroy(&place->target);
	spool_close(&place->spool, place->now);
}

/* The resolver ends in order, and is told that all has arrived; then the collector is killed. */
static void nothing_is_lost_when_it_dies_behind_the_end(void **state)
{
	unsigned count;

	(void)state;
	for (count = 1; count < 2000; count += count) {
		struct place place = place_make(CONNECTIONS);

		target_destroy(&place.target);
		spool_close(&place.spool, place.now);
		resolver_begin(&place, true);
		put(&place, 2000);
		confirm(&place);
		put(&place, count);
		resolver_end(&place);
		collector_end(&place, true);
		collector_begin(&place);
		resolver_begin(&place, true);
		assert_all_there(&place, "it died behind the end");
		place_remove(&place);
	}
}

static uint32_t step(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8;
}

/* Any order of frames, times, deaths and births; a collector that serves one stream at a time as well. */
static void nothing_is_lost_whenever_it_dies(void **state)
{
	const char *text = getenv("SEED");
	uint32_t seed = text ? (uint32_t)strtoul(text, NULL, 10) : 1, last = text ? seed : 60;

	(void)state;
	for (; seed <= last; seed++) {
		uint32_t random = seed;
		struct place place = place_make(seed % 3 ? CONNECTIONS : 1);
		char what[32];
		unsigned i;

		snprintf(what, sizeof(what), "SEED=%u", seed);
		for (i = 0; i < 3000; i++) {
			uint32_t kind = step(&random) % 1000;

			if (kind < 200)
				put(&place, step(&random) % 25);
			else if (kind < 600)
				serve(&place, step(&random) % 200);
			else if (kind < 980)
				collector_serve(&place, step(&random) % 60);
			else if (kind < 990)
				collector_end(&place, kind % 4 != 0);
			if (place.collector.listener < 0 && (kind < 20 || kind % 3 == 0))
				collector_begin(&place);
		}
		if (place.collector.listener < 0)
			collector_begin(&place);
		assert_all_there(&place, what);
		place_remove(&place);
	}
}

static unsigned most_times(const struct place *place)
{
	unsigned most = 0;
	uint32_t i;

	for (i = 0; i < place->sent; i++)
		most = place->times[i] > most ? place->times[i] : most;
	return most;
}

/* There is no moment at which it has taken all that there is. */
static void a_collector_that_is_always_behind_is_asked_all_the_same(void **state)
{
	struct place place = place_make(CONNECTIONS);
	struct target_counts counts;
	unsigned i;

	(void)state;
	put(&place, 8000);
	for (i = 0; i < 1500; i++) {
		put(&place, 20);
		serve(&place, 5);
		collector_serve(&place, 10);
	}
	target_read_counts(place.target, &counts);
	assert_true(counts.unread > 0);
	assert_true(counts.commits > 0);
	assert_all_there(&place, "always behind");
	assert_int_equal(most_times(&place), 1);
	place_remove(&place);
}

/* A process for each stream: nobody can know whether the last one had written what it confirmed. Returns how often a frame
 * came at most. */
static unsigned times_with_a_process_for_each_stream(unsigned processes, unsigned frames)
{
	struct place place = place_make(1);
	unsigned most;

	for (unsigned i = 0; i < processes; i++) {
		put(&place, frames);
		confirm(&place);
		collector_end(&place, false);
		run(&place, 1);
		collector_begin(&place);
		run(&place, 6000);
	}
	assert_all_there(&place, "a process for each stream");
	most = most_times(&place);
	place_remove(&place);
	return most;
}

static void a_collector_that_ends_after_each_stream_gets_frames_twice(void **state)
{
	(void)state;
	assert_in_range(times_with_a_process_for_each_stream(20, 100), 2, 3);
}

/* What is to be kept is counted over the streams, or all that ever came would be sent with each of them. */
static void few_frames_for_each_process_do_not_come_for_ever(void **state)
{
	(void)state;
	assert_in_range(times_with_a_process_for_each_stream(60, 10), 2, 12);
}

static void nothing_comes_twice_when_nothing_breaks(void **state)
{
	static const unsigned at_once[] = { 1, CONNECTIONS };
	unsigned i, turn;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct place place = place_make(at_once[i]);

		for (turn = 0; turn < 20; turn++) {
			put(&place, 100);
			confirm(&place);
		}
		assert_all_there(&place, "nothing broke");
		assert_int_equal(most_times(&place), 1);
		place_remove(&place);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_when_it_dies_between_two_connections),
		cmocka_unit_test(nothing_is_lost_when_another_one_listens_at_once),
		cmocka_unit_test(nothing_is_lost_when_little_comes),
		cmocka_unit_test(nothing_is_lost_when_it_dies_behind_the_end),
		cmocka_unit_test(nothing_is_lost_whenever_it_dies),
		cmocka_unit_test(a_collector_that_ends_after_each_stream_gets_frames_twice),
		cmocka_unit_test(a_collector_that_is_always_behind_is_asked_all_the_same),
		cmocka_unit_test(few_frames_for_each_process_do_not_come_for_ever),
		cmocka_unit_test(nothing_comes_twice_when_nothing_breaks),
	};

	return cmocka_run_group_tests_name("confirm", tests, NULL, NULL);
}
