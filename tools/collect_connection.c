/* collect_connection.c: what comes on connections, and who makes room for others. */
#include "tools/collect_listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define READ_MAX 65536               /* octets of one read */
#define READS_MAX 8                  /* of one connection before the next one's turn */
#define BEGIN_MS 10000               /* for a START */

int64_t listener_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void listener_close(struct listener *listener, struct connection *connection, const char *why)
{
	char text[256];

	if (why != NULL) {
		snprintf(text, sizeof(text), "connection %u closed at octet %llu: %s", connection->number,
			(unsigned long long)frame_reader_offset(connection->reader), why);
		collector_say(listener->collector, text);
	}
	tap_link_close(&connection->link);
	frame_reader_destroy(&connection->reader);
	connection->wants_finish = false;
	listener->open--;
}

/* Strangers, who have not said START, come before who has: to open connections takes no certificate. */
static bool goes_first(const struct connection *one, const struct connection *other)
{
	bool stranger = one->begin_by_ms != 0;

	return stranger != (other->begin_by_ms != 0) ? stranger : one->came_ms < other->came_ms;
}

/* Where all places are taken, the oldest stranger makes room, at once; where all have begun, who is silent: a sender
 * comes again when it has something to say. */
static struct connection *find_place(struct listener *listener)
{
	struct connection *first = &listener->connections[0];

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (listener->connections[i].link == NULL)
			return &listener->connections[i];
		if (goes_first(&listener->connections[i], first))
			first = &listener->connections[i];
	}
	if (first->begin_by_ms == 0 && listener_now_ms() - first->came_ms < BEGIN_MS)
		return NULL;
	listener_close(listener, first, first->begin_by_ms != 0 ? "it has not begun, and others wait" :
		"it is silent, and others wait");
	return first;
}

void listener_accept(struct listener *listener, struct tap_socket *socket)
{
	struct tap_link *link = tap_link_accept(socket);
	struct connection *connection = NULL;

	if (link == NULL) {
		/* Out of descriptors or memory: asking again at once would only burn CPU. */
		listener->resting = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return;
	}
	connection = find_place(listener);
	if (connection == NULL || (connection->reader = frame_reader_create()) == NULL) {
		collector_say(listener->collector, "a connection is closed: too many are open already");
		tap_link_close(&link);
		return;
	}
	connection->link = link;
	connection->number = (unsigned)++listener->collector->counts.connections;
	connection->came_ms = listener_now_ms();
	connection->begin_by_ms = connection->came_ms + BEGIN_MS;
	connection->begun = connection->wants_finish = false;
	listener->open++;
}

bool listener_reply(const struct connection *connection, size_t (*make)(uint8_t *to))
{
	uint8_t octets[FRAME_CONTROL_MAX + 8];
	size_t length = make(octets);

	return length > 0 && tap_link_write(connection->link, octets, length);
}

void listener_stop(struct listener *listener)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (listener->connections[i].link != NULL)
			listener_close(listener, &listener->connections[i], NULL);
	listener->taking = listener->finish_wanted = false;
}

static void take_frame(struct listener *listener, struct connection *connection, const struct frame_view *frame)
{
	switch (collector_take(listener->collector, &connection->peer, frame->octets, frame->length)) {
	case COLLECT_TAKEN:
		break;
	case COLLECT_REFUSED:
		listener_close(listener, connection, NULL);
		break;
	case COLLECT_STOPPED:
		listener_stop(listener);
		break;
	}
}

static void take_stop(struct listener *listener, struct connection *connection)
{
	if (!frame_reader_is_bidirectional(connection->reader))
		return;
	connection->wants_finish = listener->finish_wanted = true;
}

/* Handles what the reader holds; the connection may be closed afterwards. */
static void drain(struct listener *listener, struct connection *connection)
{
	struct frame_view frame;

	while (connection->link != NULL) {
		switch (frame_reader_next(connection->reader, &frame)) {
		case FRAME_MORE:
			return;
		case FRAME_DATA:
			take_frame(listener, connection, &frame);
			break;
		case FRAME_READY:
			if (!listener_reply(connection, frame_control_accept))
				listener_close(listener, connection, "it does not take ACCEPT");
			break;
		case FRAME_START:
			connection->begin_by_ms = 0;
			break;
		case FRAME_STOP:
			take_stop(listener, connection);
			break;
		case FRAME_BAD:
			listener_close(listener, connection, frame_reader_error(connection->reader));
			break;
		}
	}
}

static void end_of(struct listener *listener, struct connection *connection, ssize_t got)
{
	const struct frame_reader *reader = connection->reader;
	bool said_nothing = connection->begin_by_ms != 0 && frame_reader_offset(reader) == 0;

	if (got == 0)
		listener_close(listener, connection, said_nothing ? NULL : frame_reader_end(reader));
	else if (errno != EAGAIN && errno != EINTR)
		listener_close(listener, connection,
			errno == EPROTO ? tap_link_error(connection->link) : strerror(errno));
}

static bool serve_once(struct listener *listener, struct connection *connection)
{
	size_t room;
	uint8_t *space = frame_reader_space(connection->reader, &room);
	ssize_t got;

	if (space == NULL) {
		listener_close(listener, connection, "no memory");
		return false;
	}
	got = tap_link_read(connection->link, space, room < READ_MAX ? room : READ_MAX);
	if (got <= 0) {
		end_of(listener, connection, got);
		return false;
	}
	if (!connection->begun)
		peer_init(&connection->peer, connection->number, connection->link);
	connection->begun = true;
	connection->came_ms = listener_now_ms();
	frame_reader_filled(connection->reader, (size_t)got);
	drain(listener, connection);
	return connection->link != NULL;
}

/* What TLS holds decrypted no poll tells of: it is read until there is nothing. */
void listener_serve(struct listener *listener, struct connection *connection)
{
	bool again = true;

	for (unsigned i = 0; again && (i < READS_MAX || tap_link_holds(connection->link)); i++)
		again = serve_once(listener, connection);
}
