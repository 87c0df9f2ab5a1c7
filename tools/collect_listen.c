/* collect_listen.c: places to listen at, and when connections are confirmed. */
#include "tools/collect_listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/tap_files.h"
#include "tools/verdictctl.h"

#define COMMIT_MS 1000               /* at the latest, and */
#define FINISH_MS 50                 /* between two because of a STOP */
#define TEND_MS 1000

/* --- confirmation ------------------------------------------------------------------------------------------- */

static void finish_all(struct listener *listener)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->link == NULL || !connection->wants_finish)
			continue;
		connection->wants_finish = false;
		if (!listener_reply(connection, frame_control_finish))
			listener_close(listener, connection, "it does not take FINISH");
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
		listener_stop(listener);
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
		listener_stop(listener);
	listener->taking = taking;
}

static void close_late(struct listener *listener, int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->link == NULL)
			continue;
		if (connection->begin_by_ms != 0 && connection->begin_by_ms <= now)
			listener_close(listener, connection, "it did not send START in time");
		else if (now - connection->came_ms >= (int64_t)listener->collector->options->idle_s * 1000)
			listener_close(listener, connection, "it was silent for too long");
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
	struct timespec wait = wait_for(listener, listener_now_ms());
	int64_t now;

	fill_polled(listener);
	if (ppoll(listener->polled, places + CONNECTIONS_MAX, &wait, waiting) < 0) {
		listener->error = errno == EINTR ? 0 : errno;
		return;
	}
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (listener->polled[places + i].revents != 0 && listener->connections[i].link != NULL)
			listener_serve(listener, &listener->connections[i]);
	/* What stopped in this turn takes nobody more. */
	for (unsigned i = 0; listener->taking && i < places; i++)
		if (listener->polled[i].revents != 0)
			listener_accept(listener, listener->sockets[i]);
	now = listener_now_ms();
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
			listener_close(listener, &listener->connections[i], "its certificate is revoked, or not valid any more");
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
	tend(listener, listener_now_ms());
	while (!is_over(listener))
		turn(listener, waiting);
	if (listener->error != 0)
		fprintf(stderr, "verdictctl: cannot wait for senders (`ulimit -n`?): %s\n", strerror(listener->error));
	if (collector_release(listener->collector, 0))
		commit(listener, listener_now_ms());
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
	listener_stop(listener);
	for (unsigned i = 0; i < COLLECT_PLACES_MAX; i++)
		tap_socket_close(&listener->sockets[i]);
	collect_status_write(collector, (int64_t)time(NULL), 0);
	free(listener);
	return code;
}
