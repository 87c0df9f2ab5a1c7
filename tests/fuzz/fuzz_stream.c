/*
 * fuzz_stream.c: a hostile collector in the handshake and behind STOP.
 *
 * The first octet of the input says how much of the rest comes before START, the remainder comes behind STOP; both come in
 * pieces. Laws: when the time is over a stream is open, down or confirmed, and nothing between; one that is down says why;
 * only a collector that has sent an ACCEPT gets frames.
 */
#include "dnstap/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstrm.h>

#define TYPE "protobuf:dnstap.Dnstap"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[] = "/tmp/verdict-fuzz-stream-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct stream *stream;
static int listener = -1;
static int64_t now = 1000;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void clean_up(void)
{
	stream_destroy(&stream);
	close(listener);
	(void)unlink(address.sun_path);
	(void)rmdir(path);
}

static void set_up(void)
{
	const struct link_options options = { .socket_path = address.sun_path };
	struct link *link;

	check(mkdtemp(path) != NULL);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0);
	link = link_create(&options);
	check(link != NULL);
	stream = stream_create(link, TYPE);
	check(stream != NULL);
	atexit(clean_up);
}

/* In pieces, the length of each after the octets themselves. */
static void feed(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		size_t piece = 1 + data[0] % 64u;

		piece = piece < size ? piece : size;
		if (send(fd, data, piece, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		(void)stream_service(stream, ++now);
		data += piece;
		size -= piece;
	}
	(void)stream_service(stream, ++now);
}

static void swallow(int fd)
{
	uint8_t octets[4096];

	while (recv(fd, octets, sizeof(octets), MSG_DONTWAIT) > 0)
		;
}

static void check_settled(enum stream_state other)
{
	enum stream_state state;

	now += STREAM_FINISH_MAX_MS;
	state = stream_service(stream, now);
	check(state == STREAM_DOWN || state == other);
	check(state != STREAM_DOWN || (stream_fd(stream) == -1 && *stream_error(stream) != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t before = size > 0 ? data[0] : 0;
	int fd;

	if (listener < 0)
		set_up();
	if (size > 0) {
		data++;
		size--;
	}
	before = before < size ? before : size;
	stream_open(stream, now);
	fd = accept(listener, NULL, NULL);
	check(fd >= 0);
	feed(fd, data, before);
	check_settled(STREAM_OPEN);
	if (stream_state(stream) == STREAM_OPEN) {
		check(before >= 12 && memmem(data, before, "\0\0\0\1", 4) != NULL);
		swallow(fd);
		if (stream_write(stream, (const uint8_t *)"\0\0\0\1x", 5, now) == 5)
			stream_stop(stream, now);
		swallow(fd);
		feed(fd, data + before, size - before);
		if (stream_state(stream) != STREAM_OPEN)
			check_settled(STREAM_FINISHED);
	}
	close(fd);
	stream_cut(stream);
	return 0;
}
