/* collect_listen.c: places to listen at, connections, and when they are confirmed. */
#include "tools/collect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/frame_read.h"
#include "tools/tap_files.h"
#include "tools/verdictctl.h"

#define CONNECTIONS_MAX 512
#define READ_MAX 65536               /* octets of one read */
#define READS_MAX 8                  /* of one connection before the next one's turn */
#define BEGIN_MS 10000               /* for a START */
#define COMMIT_MS 1000               /* at the latest, and */
#define FINISH_MS 50                 /* between two because of a STOP */
#define TEND_MS 1000

struct connection {
	struct tap_link *link;           /* owned; NULL: free */
	unsigned number;                 /* from 1, for messages */
	struct frame_reader *reader;     /* owned */
	int64_t begin_by_ms;             /* 0: it has begun */
	int64_t came_ms;                 /* the last octets did */
	bool begun;                      /* something came, so `peer` is filled */
	bool wants_finish;
	struct peer peer;
};

struct listener {
	struct collector *collector;
	struct tap_socket *sockets[COLLECT_PLACES_MAX];   /* owned */
	bool resting;                    /* the next wait leaves the sockets out */
	bool taking;
	bool finish_wanted;
	int64_t committed_ms, tended_ms;
	unsigned open;
	int error;
	struct connection connections[CONNECTIONS_MAX];
	struct pollfd polled[COLLECT_PLACES_MAX + CONNECTIONS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one connection ----------------------------------------------------------------------------------------- */

static void connection_close(struct listener *listener, struct connection *connection, const char *why)
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
	if (first->begin_by_ms == 0 && now_ms() - first->came_ms < BEGIN_MS)
		return NULL;
	connection_close(listener, first, first->begin_by_ms != 0 ? "it has not begun, and others wait" :
		"it is silent, and others wait");
	return first;
}

static void accept_one(struct listener *listener, struct tap_socket *socket)
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
	connection->came_ms = now_ms();
	connection->begin_by_ms = connection->came_ms + BEGIN_MS;
	connection->begun = connection->wants_finish = false;
	listener->open++;
}

static bool reply(const struct connection *connection, size_t (*make)(uint8_t *to))
{
	uint8_t octets[FRAME_CONTROL_MAX + 8];
	size_t length = make(octets);

	return length > 0 && tap_link_write(connection->link, octets, length);
}

/* Nothing that is not on disk may be confirmed: who is closed comes again with what was not. */
static void stop_all(struct listener *listener)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (listener->connections[i].link != NULL)
			connection_close(listener, &listener->connections[i], NULL);
	listener->taking = listener->finish_wanted = false;
}

static void take_frame(struct listener *listener, struct connection *connection, const struct frame_view *frame)
{
	switch (collector_take(listener->collector, &connection->peer, frame->octets, frame->length)) {
	case COLLECT_TAKEN:
		break;
	case COLLECT_REFUSED:
		connection_close(listener, connection, NULL);
		break;
	case COLLECT_STOPPED:
		stop_all(listener);
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
			if (!reply(connection, frame_control_accept))
				connection_close(listener, connection, "it does not take ACCEPT");
			break;
		case FRAME_START:
			connection->begin_by_ms = 0;
			break;
		case FRAME_STOP:
			take_stop(listener, connection);
			break;
		case FRAME_BAD:
			connection_close(listener, connection, frame_reader_error(connection->reader));
			break;
		}
	}
}

static void end_of(struct listener *listener, struct connection *connection, ssize_t got)
{
	const struct frame_reader *reader = connection->reader;
	bool said_nothing = connection->begin_by_ms != 0 && frame_reader_offset(reader) == 0;

	if (got == 0)
		connection_close(listener, connection, said_nothing ? NULL : frame_reader_end(reader));
	else if (errno != EAGAIN && errno != EINTR)
		connection_close(listener, connection, errno == EPROTO ? tap_link_error(connection->link) : strerror(errno));
}

static bool serve_once(struct listener *listener, struct connection *connection)
{
	size_t room;
	uint8_t *space = frame_reader_space(connection->reader, &room);
	ssize_t got;

	if (space == NULL) {
		connection_close(listener, connection, "no memory");
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
	connection->came_ms = now_ms();
	frame_reader_filled(connection->reader, (size_t)got);
	drain(listener, connection);
	return connection->link != NULL;
}

/* What TLS holds decrypted no poll tells of: it is read until there is nothing. */
static void serve(struct listener *listener, struct connection *connection)
{
	bool again = true;

	for (unsigned i = 0; again && (i < READS_MAX || tap_link_holds(connection->link)); i++)
		again = serve_once(listener, connection);
}

/* --- confirmation ------------------------------------------------------------------------------------------- */

static void finish_all(struct listener *listener)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->link == NULL || !connection->wants_finish)
			continue;
		connection->wants_finish = false;
		if (!reply(connection, frame_control_finish))
			connection_close(listener, connection, "it does not take FINISH");
	}
	listener->finish_wanted = false;
}

static void commit(struct listener *listener, int64_t now)
{
	bool fine = true;

	listener->committed_ms = now;
	for (size_t i = 0; fine && listener->finish_wanted && i < CONNECTIONS_MAX; i++)
		if (listener->connections[i].link != NULL && listener->connections[i].wants_finish)
			fine = collector_release(listener->collector, listener->connections[i].number);
	if (fine && collector_commit(listener->collector))
		finish_all(listener);
	else
		stop_all(listener);
}

static int64_t commit_due(const struct listener *listener)
{
	if (listener->finish_wanted)
		return listener->committed_ms + FINISH_MS;
	return store_is_dirty(listener->collector->store) ? listener->committed_ms + COMMIT_MS : INT64_MAX;
}

/* --- the loop ----------------------------------------------------------------------------------------------- */

static void tend(struct listener *listener, int64_t now)
{
	bool taking;

	listener->tended_ms = now;
	taking = collector_tend(listener->collector, (int64_t)time(NULL), listener->open);
	if (listener->taking && !taking)
		stop_all(listener);
	listener->taking = taking;
}

static void close_late(struct listener *listener, int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->link == NULL)
			continue;
		if (connection->begin_by_ms != 0 && connection->begin_by_ms <= now)
			connection_close(listener, connection, "it did not send START in time");
		else if (now - connection->came_ms >= (int64_t)listener->collector->options->idle_s * 1000)
			connection_close(listener, connection, "it was silent for too long");
	}
}

static void fill_polled(struct listener *listener)
{
	unsigned places = listener->collector->options->place_count;
	bool closed = listener->resting || !listener->taking;

	for (unsigned i = 0; i < places; i++)
		listener->polled[i] = (struct pollfd){ .fd = closed ? -1 : tap_socket_fd(listener->sockets[i]),
			.events = POLLIN };
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		const struct tap_link *link = listener->connections[i].link;

		listener->polled[places + i] = (struct pollfd){ .fd = link == NULL ? -1 : tap_link_fd(link),
			.events = link == NULL ? 0 : tap_link_events(link) };
	}
	listener->resting = false;
}

static struct timespec wait_for(const struct listener *listener, int64_t now)
{
	int64_t until = commit_due(listener), wait;

	if (listener->tended_ms + TEND_MS < until)
		until = listener->tended_ms + TEND_MS;
	wait = until > now ? until - now : 0;
	return (struct timespec){ .tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000 };
}

/* Signals are let in only while waiting, so that none is missed between the test and the wait. */
static void turn(struct listener *listener, const sigset_t *waiting)
{
	unsigned places = listener->collector->options->place_count;
	struct timespec wait = wait_for(listener, now_ms());
	int64_t now;

	fill_polled(listener);
	if (ppoll(listener->polled, places + CONNECTIONS_MAX, &wait, waiting) < 0) {
		listener->error = errno == EINTR ? 0 : errno;
		return;
	}
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (listener->polled[places + i].revents != 0 && listener->connections[i].link != NULL)
			serve(listener, &listener->connections[i]);
	/* What stopped in this turn takes nobody more. */
	for (unsigned i = 0; listener->taking && i < places; i++)
		if (listener->polled[i].revents != 0)
			accept_one(listener, listener->sockets[i]);
	now = now_ms();
	if (commit_due(listener) <= now)
		commit(listener, now);
	if (listener->tended_ms + TEND_MS <= now)
		tend(listener, now);
	close_late(listener, now);
}

static bool open_sockets(struct listener *listener)
{
	const struct collect_options *options = listener->collector->options;

	for (unsigned i = 0; i < options->place_count; i++) {
		listener->sockets[i] = tap_socket_open(&options->places[i]);
		if (listener->sockets[i] == NULL)
			return false;
	}
	return true;
}

static bool is_revoked(const struct listener *listener, const struct tap_link *link)
{
	const struct collect_options *options = listener->collector->options;
	bool revoked = false;

	for (unsigned i = 0; i < options->place_count; i++)
		revoked |= options->places[i].crl != NULL && tap_link_is_revoked(link, listener->sockets[i]);
	return revoked;
}

static void read_revoked(struct listener *listener)
{
	const struct collect_options *options = listener->collector->options;
	bool given = false, fine = true;

	for (unsigned i = 0; i < options->place_count; i++) {
		given |= options->places[i].crl != NULL;
		fine &= tap_socket_read_crl(listener->sockets[i], &options->places[i]);
	}
	if (!given)
		return;
	collector_say(listener->collector, fine ? "revoked certificates were read again" :
		"revoked certificates stay as they are");
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (listener->connections[i].link != NULL && is_revoked(listener, listener->connections[i].link))
			connection_close(listener, &listener->connections[i], "its certificate is revoked, or not valid any more");
}

/* Whoever closes the terminal means the end. */
static bool is_over(struct listener *listener)
{
	if (!isatty(STDERR_FILENO) && tap_hangup_taken()) {
		collector_read_identities(listener->collector);
		read_revoked(listener);
	}
	return tap_signals_came() || listener->error != 0;
}

static int listen_on(struct listener *listener, const sigset_t *waiting)
{
	tend(listener, now_ms());
	while (!is_over(listener))
		turn(listener, waiting);
	if (listener->error != 0)
		fprintf(stderr, "verdictctl: cannot wait for senders (`ulimit -n`?): %s\n", strerror(listener->error));
	if (collector_release(listener->collector, 0))
		commit(listener, now_ms());
	return listener->error == 0 ? EXIT_FINE : EXIT_UNREADABLE;
}

int collect_listen(struct collector *collector)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int code = EXIT_UNREADABLE;
	sigset_t waiting;

	if (listener == NULL)
		return code;
	tap_signals_block(&waiting);
	listener->collector = collector;
	if (open_sockets(listener)) {
		if (isatty(STDERR_FILENO))
			fputs("verdictctl: listening; Ctrl-C ends\n", stderr);
		code = listen_on(listener, &waiting);
	}
	stop_all(listener);
	for (unsigned i = 0; i < COLLECT_PLACES_MAX; i++)
		tap_socket_close(&listener->sockets[i]);
	collect_status_write(collector, (int64_t)time(NULL), 0);
	free(listener);
	return code;
}
