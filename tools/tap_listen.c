/* tap_listen.c: accept, read, print, answer. */
#include "tools/tap_listen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/frame_read.h"
#include "tools/tap_files.h"
#include "tools/verdictctl.h"

#define READ_MAX 65536   /* octets of one read */
#define READS_MAX 8      /* of one connection before the next one's turn */

struct connection {
	struct tap_link *link;         /* owned; NULL: free */
	unsigned number;               /* from 1, for messages */
	struct frame_reader *reader;   /* owned */
	int64_t begin_by_ms;           /* 0: it has begun */
};

struct listener {
	struct tap_socket *socket;     /* owned */
	unsigned accepted;
	bool full_said;
	bool resting;                  /* the next wait leaves the socket out */
	int error;                     /* errno of a wait that failed; 0: none did */
	struct tap_flow *flow;
	struct connection connections[TAP_CONNECTIONS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one connection ---------------------------------------------------------------------------------------- */

static void connection_close(struct connection *connection, const char *why)
{
	if (why != NULL)
		fprintf(stderr, "verdictctl: connection %u closed at octet %llu: %s\n", connection->number,
			(unsigned long long)frame_reader_offset(connection->reader), why);
	tap_link_close(&connection->link);
	frame_reader_destroy(&connection->reader);
}

static void accept_one(struct listener *listener)
{
	struct tap_link *link = tap_link_accept(listener->socket);
	struct connection *connection = NULL;

	if (link == NULL) {
		/* Out of descriptors or memory: asking again at once would only burn CPU. */
		listener->resting = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return;
	}
	listener->accepted++;
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX && connection == NULL; i++)
		if (listener->connections[i].link == NULL)
			connection = &listener->connections[i];
	if (connection == NULL || (connection->reader = frame_reader_create()) == NULL) {
		if (!listener->full_said)
			fprintf(stderr, "verdictctl: connection %u closed: %d are open already\n", listener->accepted,
				TAP_CONNECTIONS_MAX);
		listener->full_said = true;
		tap_link_close(&link);
		return;
	}
	connection->link = link;
	connection->number = listener->accepted;
	connection->begin_by_ms = now_ms() + TAP_BEGIN_TIMEOUT_MS;
}

/* An answer is a few octets to a peer that waits for it: if the kernel cannot take it at once, the peer misbehaves.
 * */
static bool reply(const struct connection *connection, bool accept)
{
	uint8_t octets[FRAME_CONTROL_MAX + 8];
	size_t length = accept ? frame_control_accept(octets) : frame_control_finish(octets);

	return length > 0 && tap_link_write(connection->link, octets, length);
}

static enum print_result take_frame(struct tap_flow *flow, struct connection *connection,
	const struct frame_view *frame)
{
	enum print_result result = tap_flow_take(flow, frame->octets, frame->length);

	if (result == PRINT_UNDECODABLE)
		connection_close(connection, "a frame is no dnstap message");
	return result;
}

/* Handles what the reader holds; the connection may be closed afterwards. */
static enum print_result drain(struct tap_flow *flow, struct connection *connection)
{
	enum print_result result = PRINT_DONE;
	struct frame_view frame;

	while (connection->link != NULL && result != PRINT_ENOUGH && result != PRINT_FAILED) {
		switch (frame_reader_next(connection->reader, &frame)) {
		case FRAME_MORE:
			return result;
		case FRAME_DATA:
			result = take_frame(flow, connection, &frame);
			break;
		case FRAME_READY:
			if (!reply(connection, true))
				connection_close(connection, "it does not take ACCEPT");
			break;
		case FRAME_START:
			connection->begin_by_ms = 0;
			break;
		case FRAME_STOP:
			if (frame_reader_is_bidirectional(connection->reader) && !reply(connection, false))
				connection_close(connection, "it does not take FINISH");
			break;
		case FRAME_BAD:
			connection_close(connection, frame_reader_error(connection->reader));
			break;
		}
	}
	return result;
}

/* Somebody looked whether we are there. */
static bool said_nothing(const struct connection *connection)
{
	return connection->begin_by_ms != 0 && frame_reader_offset(connection->reader) == 0;
}

static enum print_result serve_once(struct tap_flow *flow, struct connection *connection, bool *again)
{
	size_t room;
	uint8_t *space = frame_reader_space(connection->reader, &room);
	ssize_t got;

	*again = false;
	if (space == NULL) {
		connection_close(connection, "no memory");
		return PRINT_DONE;
	}
	got = tap_link_read(connection->link, space, room < READ_MAX ? room : READ_MAX);
	if (got > 0) {
		*again = true;
		frame_reader_filled(connection->reader, (size_t)got);
		return drain(flow, connection);
	}
	if (got == 0)
		connection_close(connection, said_nothing(connection) ? NULL : frame_reader_end(connection->reader));
	else if (errno != EAGAIN && errno != EINTR)
		connection_close(connection, errno == EPROTO ? tap_link_error(connection->link) : strerror(errno));
	return PRINT_DONE;
}

/* What TLS holds decrypted no poll tells of: it is read until there is nothing. */
static enum print_result serve(struct tap_flow *flow, struct connection *connection)
{
	enum print_result result = PRINT_DONE;
	bool again = true;

	for (unsigned i = 0; again && connection->link != NULL && (i < READS_MAX || tap_link_holds(connection->link)); i++) {
		result = serve_once(flow, connection, &again);
		if (result == PRINT_ENOUGH || result == PRINT_FAILED)
			break;
	}
	return result;
}

/* --- the loop ---------------------------------------------------------------------------------------------- */

static void close_late(struct listener *listener)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->link != NULL && connection->begin_by_ms != 0 && connection->begin_by_ms <= now)
			connection_close(connection, "it did not send START in time");
	}
}

static struct pollfd poll_row(const struct tap_link *link)
{
	if (link == NULL)
		return (struct pollfd){ .fd = -1 };
	return (struct pollfd){ .fd = tap_link_fd(link), .events = tap_link_events(link) };
}

/* Signals are let in only while waiting, so that none is missed between the test and the wait. */
static enum print_result turn(struct listener *listener, const sigset_t *waiting)
{
	const struct timespec second = { .tv_sec = 1 };
	struct pollfd polled[TAP_CONNECTIONS_MAX + 1] = { { .fd = tap_socket_fd(listener->socket), .events = POLLIN } };
	enum print_result result = PRINT_DONE;

	if (listener->resting)
		polled[0].fd = -1;
	listener->resting = false;
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++)
		polled[i + 1] = poll_row(listener->connections[i].link);
	if (ppoll(polled, TAP_CONNECTIONS_MAX + 1, &second, waiting) < 0) {
		if (errno == EINTR)
			return PRINT_DONE;
		listener->error = errno;
		return PRINT_FAILED;
	}
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX && result != PRINT_ENOUGH && result != PRINT_FAILED; i++)
		if (polled[i + 1].fd >= 0 && polled[i + 1].revents != 0)
			result = serve(listener->flow, &listener->connections[i]);
	if (polled[0].revents != 0)
		accept_one(listener);
	close_late(listener);
	tap_flow_idle(listener->flow);
	fflush(listener->flow->printer.to);
	return result;
}

int tap_listen(struct tap_flow *flow, const struct tap_place *place)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	enum print_result result = PRINT_DONE;
	int code = EXIT_FINE;
	sigset_t waiting;

	if (listener == NULL)
		return EXIT_UNREADABLE;
	tap_signals_block(&waiting);
	listener->flow = flow;
	listener->socket = tap_socket_open(place);
	if (listener->socket == NULL) {
		free(listener);
		return EXIT_UNREADABLE;
	}
	if (isatty(STDERR_FILENO))
		fputs("verdictctl: listening; Ctrl-C ends\n", stderr);
	while (!tap_signals_came() && result != PRINT_ENOUGH && result != PRINT_FAILED)
		result = turn(listener, &waiting);
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++)
		if (listener->connections[i].link != NULL)
			connection_close(&listener->connections[i], NULL);
	tap_socket_close(&listener->socket);
	if (listener->error != 0) {
		fprintf(stderr, "verdictctl: cannot wait for senders (`ulimit -n`?): %s\n", strerror(listener->error));
		code = EXIT_UNREADABLE;
	}
	free(listener);
	return code;
}
