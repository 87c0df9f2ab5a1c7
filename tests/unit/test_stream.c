/* test_stream.c: the handshake and its deadlines, with a collector in the same thread and a clock of the test's own. */
#include "dnstap/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <fstrm.h>

#include "tests/unit/directory.h"

#define TYPE "protobuf:dnstap.Dnstap"

struct place {
	struct directory directory;
	struct stream *stream;
	int listener, fd;      /* the collector's */
	int64_t now;
};

static struct place place_make(void)
{
	struct place place = { .directory = directory_make(), .fd = -1, .now = 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct link_options options = { .socket_path = address.sun_path };
	struct link *link;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", place.directory.path);
	place.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(place.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(place.listener, 4), 0);
	link = link_create(&options);
	assert_non_null(link);
	place.stream = stream_create(link, TYPE);
	assert_non_null(place.stream);
	return place;
}

static void place_remove(struct place *place)
{
	stream_destroy(&place->stream);
	close(place->listener);
	if (place->fd >= 0)
		close(place->fd);
	directory_remove(&place->directory);
}

static enum stream_state serve(struct place *place, int64_t ms)
{
	place->now += ms;
	return stream_service(place->stream, place->now);
}

/* A control frame of the collector's. */
static void say(struct place *place, fstrm_control_type type, const char *content_type)
{
	struct fstrm_control *control = fstrm_control_init();
	uint8_t octets[FSTRM_CONTROL_FRAME_LENGTH_MAX];
	size_t count = sizeof(octets);

	fstrm_control_set_type(control, type);
	if (content_type)
		fstrm_control_add_field_content_type(control, (const uint8_t *)content_type, strlen(content_type));
	assert_int_equal(fstrm_control_encode(control, octets, &count, FSTRM_CONTROL_FLAG_WITH_HEADER), fstrm_res_success);
	fstrm_control_destroy(&control);
	assert_int_equal(write(place->fd, octets, count), count);
}

/* What the collector has to read next is a control frame of that type. */
static void hear(struct place *place, fstrm_control_type wanted)
{
	uint32_t head[3];
	uint8_t rest[FSTRM_CONTROL_FRAME_LENGTH_MAX];

	assert_int_equal(recv(place->fd, head, sizeof(head), MSG_DONTWAIT), sizeof(head));
	assert_int_equal(head[0], 0);
	assert_int_equal(ntohl(head[2]), wanted);
	if (ntohl(head[1]) > 4)
		assert_int_equal(recv(place->fd, rest, ntohl(head[1]) - 4, MSG_DONTWAIT), ntohl(head[1]) - 4);
}

static void connect_only(struct place *place)
{
	stream_open(place->stream, place->now);
	serve(place, 0);
	if (place->fd >= 0)
		close(place->fd);
	place->fd = accept(place->listener, NULL, NULL);
	assert_true(place->fd >= 0);
}

static void open_all(struct place *place)
{
	connect_only(place);
	hear(place, FSTRM_CONTROL_READY);
	say(place, FSTRM_CONTROL_ACCEPT, TYPE);
	assert_int_equal(serve(place, 1), STREAM_OPEN);
	hear(place, FSTRM_CONTROL_START);
}

static void assert_down(struct place *place, const char *why)
{
	assert_int_equal(stream_state(place->stream), STREAM_DOWN);
	if (!strstr(stream_error(place->stream), why))
		fail_msg("%s, not %s", stream_error(place->stream), why);
	assert_int_equal(stream_fd(place->stream), -1);
}

static void a_stream_opens_sends_and_is_confirmed(void **state)
{
	struct place place = place_make();
	char octets[16];

	(void)state;
	open_all(&place);
	assert_int_equal(stream_write(place.stream, (const uint8_t *)"\0\0\0\1x", 5, place.now), 5);
	assert_int_equal(recv(place.fd, octets, sizeof(octets), MSG_DONTWAIT), 5);
	stream_stop(place.stream, place.now);
	assert_int_equal(stream_state(place.stream), STREAM_STOPPING);
	hear(&place, FSTRM_CONTROL_STOP);
	say(&place, FSTRM_CONTROL_FINISH, NULL);
	assert_int_equal(serve(&place, 1), STREAM_FINISHED);
	assert_string_equal(stream_error(place.stream), "");
	place_remove(&place);
}

static void a_confirmation_may_come_octet_by_octet(void **state)
{
	static const uint8_t finish[] = { 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5 };
	struct place place = place_make();
	size_t i;

	(void)state;
	open_all(&place);
	stream_stop(place.stream, place.now);
	for (i = 0; i < sizeof(finish); i++) {
		assert_int_equal(serve(&place, 1), STREAM_STOPPING);
		assert_int_equal(write(place.fd, finish + i, 1), 1);
	}
	assert_int_equal(serve(&place, 1), STREAM_FINISHED);
	place_remove(&place);
}

static void nobody_there_is_said_at_once(void **state)
{
	struct place place = place_make();

	(void)state;
	close(place.listener);
	place.listener = -1;
	stream_open(place.stream, place.now);
	assert_down(&place, "Connection refused");
	place_remove(&place);
}

static void a_handshake_has_its_time(void **state)
{
	struct place place = place_make();

	(void)state;
	connect_only(&place);
	assert_int_equal(serve(&place, STREAM_HANDSHAKE_MS - 1), STREAM_OPENING);
	serve(&place, 1);
	assert_down(&place, "did not answer the handshake");
	place_remove(&place);
}

static void what_is_no_handshake_ends_it(void **state)
{
	static const struct { const char *octets; size_t count; const char *says, *why; } rows[] = {
		{ "HTTP/1.1 400", 12, "no control frame", "another protocol" },
		{ "\0\0\0\0\xff\xff\xff\xff", 8, "no control frame", "a length of 4 GiB" },
		{ "\0\0\0\0\0\0\2\1", 8, "no control frame", "an octet more than a control frame may have" },
		{ "\0\0\0\0\0\0\0\0", 8, "another control frame", "no octets" },
		{ "\0\0\0\0\0\0\0\3\0\0\0", 11, "another control frame", "half a type" },
		{ "\0\0\0\0\0\0\0\4\0\0\0\x63", 12, "another control frame", "a type that is not there" },
		{ "\0\0\0\0\0\0\0\4\0\0\0\5", 12, "another control frame", "FINISH" },
		{ "\0\0\0\0\0\0\0\x0c\0\0\0\1\0\0\0\1\0\0\0\xff", 20, "another control frame", "a field that is longer than all" },
		{ "\0\0\0\0\0\0\0\x0d\0\0\0\1\0\0\0\1\0\0\0\1x", 21, "does not take dnstap", "another content" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_make();

		connect_only(&place);
		assert_int_equal(write(place.fd, rows[i].octets, rows[i].count), rows[i].count);
		serve(&place, 1);
		if (stream_state(place.stream) != STREAM_DOWN || !strstr(stream_error(place.stream), rows[i].says))
			fail_msg("%s: %s", rows[i].why, stream_error(place.stream));
		place_remove(&place);
	}
}

static void a_collector_that_goes_or_speaks_ends_it(void **state)
{
	struct place place = place_make();

	(void)state;
	open_all(&place);
	assert_int_equal(write(place.fd, "x", 1), 1);
	serve(&place, 1);
	assert_down(&place, "out of turn");
	open_all(&place);
	close(place.fd);
	place.fd = -1;
	serve(&place, 1);
	assert_down(&place, "ended the connection");
	assert_int_equal(stream_write(place.stream, (const uint8_t *)"x", 1, place.now), -1);
	place_remove(&place);
}

/* Fills the socket. */
static void choke(struct place *place)
{
	static const uint8_t octets[64 * 1024];
	ssize_t done;

	while ((done = stream_write(place->stream, octets, sizeof(octets), place->now)) > 0)
		;
	assert_int_equal(done, 0);
}

static void a_collector_that_takes_nothing_has_its_time(void **state)
{
	struct place place = place_make();
	char octets[4096];

	(void)state;
	open_all(&place);
	choke(&place);
	serve(&place, STREAM_STALL_MS - 1);
	choke(&place);
	assert_int_equal(stream_state(place.stream), STREAM_OPEN);
	/* It takes some, and has its time again; until it was offered something, no time runs out. */
	while (recv(place.fd, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(serve(&place, STREAM_STALL_MS * 2), STREAM_OPEN);
	choke(&place);
	serve(&place, STREAM_STALL_MS);
	assert_int_equal(stream_write(place.stream, (const uint8_t *)"x", 1, place.now), -1);
	assert_down(&place, "taken nothing");
	place_remove(&place);
}

static void a_late_confirmation_gets_more_time_at_the_next(void **state)
{
	struct place place = place_make();
	int64_t wanted = STREAM_FINISH_MS;
	unsigned i;

	(void)state;
	for (i = 0; i < 6; i++) {
		open_all(&place);
		stream_stop(place.stream, place.now);
		assert_int_equal(serve(&place, wanted - 1), STREAM_STOPPING);
		serve(&place, 1);
		assert_down(&place, "did not confirm");
		wanted = wanted * 2 < STREAM_FINISH_MAX_MS ? wanted * 2 : STREAM_FINISH_MAX_MS;
	}
	for (i = 0; i < 6; i++) {
		open_all(&place);
		stream_stop(place.stream, place.now);
		say(&place, FSTRM_CONTROL_FINISH, NULL);
		assert_int_equal(serve(&place, 1), STREAM_FINISHED);
	}
	open_all(&place);
	stream_stop(place.stream, place.now);
	serve(&place, STREAM_FINISH_MS * 3 / 2);
	assert_down(&place, "did not confirm");
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_opens_sends_and_is_confirmed),
		cmocka_unit_test(a_confirmation_may_come_octet_by_octet),
		cmocka_unit_test(nobody_there_is_said_at_once),
		cmocka_unit_test(a_handshake_has_its_time),
		cmocka_unit_test(what_is_no_handshake_ends_it),
		cmocka_unit_test(a_collector_that_goes_or_speaks_ends_it),
		cmocka_unit_test(a_collector_that_takes_nothing_has_its_time),
		cmocka_unit_test(a_late_confirmation_gets_more_time_at_the_next),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
