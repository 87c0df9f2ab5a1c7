/* server.c: the control socket's thread: who is served when, and when overrides end. */
#include "control/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/hand.h"
#include "control/server_connection.h"
#include "control/thread.h"

#define READERS_MAX (SERVER_CLIENTS_MAX - 4)   /* the rest is for those who may change things */
#define AGAIN_MS 200                           /* after accept has failed */
#define END_AGAIN_MS 5000                      /* after overrides could not be ended */
#define LOOK_NICE 10                           /* who may only look must not slow the resolver down */
#define LEAST_MS 100                           /* that each thread has to end */
#define CLOCK_MS 10000                         /* how late a step of the clock may be noticed */
#define LOOK_MS 5000                           /* how late a socket's file that was removed may be noticed */

/* --- all of them ------------------------------------------------------------------------------------------- */

static unsigned readers(const struct control_server *server)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		count += server->connections[i].state != STATE_FREE && !server->connections[i].peer.may_change;
	return count;
}

static struct connection *free_connection(struct control_server *server)
{
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		if (server->connections[i].state == STATE_FREE)
			return &server->connections[i];
	return NULL;
}

static void accept_one(struct control_server *server)
{
	struct connection *connection = free_connection(server);
	int fd = accept4(server->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Out of descriptors: the connection stays in the backlog, and poll would tell of it without end. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			server->accept_again_ms = server_now_ms() + AGAIN_MS;
		return;
	}
	connection_open(connection, fd);
	if (connection->state == STATE_READING && !connection->peer.may_change && readers(server) > READERS_MAX)
		connection_answer(connection, server_error("busy", "too many connections; try again"));
}

static void take_answers(struct control_server *server)
{
	uint64_t count;
	ssize_t got = read(server->wake, &count, sizeof(count));

	(void)got;
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct connection *connection = &server->connections[i];
		bool done;

		if (connection->state != STATE_WORKING)
			continue;
		pthread_mutex_lock(&server->lock);
		done = connection->done;
		pthread_mutex_unlock(&server->lock);
		if (done)
			connection_answer(connection, connection->answer);
	}
}

static void close_late(struct control_server *server, int64_t now)
{
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->state != STATE_READING && connection->state != STATE_WRITING)
			continue;
		if (now < connection->deadline_ms)
			continue;
		if (connection->state == STATE_READING)
			connection_answer(connection, server_error("request", "no whole line came in %d ms", SERVER_DEADLINE_MS));
		else
			connection_close(connection);
	}
}

/* --- the ends of overrides --------------------------------------------------------------------------------- */

/* In the hand for changes. */
static void end_overrides(void *arg)
{
	struct control_server *server = arg;

	if (!server_end_overrides(&server->backend, (int64_t)time(NULL), atomic_load(&server->listening)))
		atomic_store(&server->end_again_ms, server_now_ms() + END_AGAIN_MS);
	atomic_store(&server->ending, false);
	server_wake(server);
}

/* In the hand for changes. */
static void take_flags(void *arg)
{
	struct control_server *server = arg;

	atomic_store(&server->taking_flags, false);
	server_apply_flags(&server->backend, atomic_load(&server->listening));
}

void server_take_flags(struct control_server *server)
{
	if (atomic_exchange(&server->taking_flags, true))
		return;
	if (!hand_push(server->changes, take_flags, server))
		atomic_store(&server->taking_flags, false);
}

void server_look_again(struct control_server *server)
{
	server_wake(server);
}

/* Milliseconds; -1: never. */
static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* A policy whose detectors do less is in force already: what they denied does nothing, and is to be gone. */
static bool has_unwanted(const struct control_server *server)
{
	struct detector_conf detectors[DETECTOR_COUNT];

	return server_detectors(&server->backend, detectors) &&
		override_store_has_unwanted(server->backend.overrides, detectors);
}

/* Milliseconds until something is to be done about overrides; -1: nothing is. */
static int64_t look_at_overrides(struct control_server *server, int64_t now)
{
	const int64_t next = override_store_next_end(server->backend.overrides);
	const int64_t left = override_store_left(server->backend.overrides);
	const int64_t again = atomic_load(&server->end_again_ms), wait = next - (int64_t)time(NULL);

	if (next == INT64_MAX || atomic_load(&server->ending))
		return -1;
	if (wait > 0 && left > 0 && !has_unwanted(server))
		return sooner(CLOCK_MS, (wait < left ? wait : left) * 1000);
	if (again > now)
		return again - now;
	atomic_store(&server->ending, true);
	if (hand_push(server->changes, end_overrides, server))
		return -1;
	atomic_store(&server->ending, false);
	return AGAIN_MS;
}

/* --- the socket -------------------------------------------------------------------------------------------- */

/* Its folder may come back, or be somebody's to clean up. */
static void look_at_socket(struct control_server *server, int64_t now)
{
	const struct control_host *host = server->backend.host;
	struct server_socket made;
	struct diag diag;

	if (now < server->look_again_ms)
		return;
	server->look_again_ms = now + LOOK_MS;
	if (server_socket_is_there(&server->socket) || server_socket_open(&made, server->path, &diag) != 0)
		return;
	server_socket_close(&server->socket);
	server->socket = made;
	atomic_store(&server->listening, true);
	host->log(host->arg, false, "the control socket was missing, and has been made again");
}

/* --- the thread -------------------------------------------------------------------------------------------- */

struct watch {
	struct pollfd fds[2 + SERVER_CLIENTS_MAX];
	struct connection *whose[2 + SERVER_CLIENTS_MAX];
	nfds_t count;
	int64_t wait_ms;      /* -1: for ever */
};

static void watch_add(struct watch *watch, int fd, short events, struct connection *whose)
{
	watch->fds[watch->count] = (struct pollfd){ .fd = fd, .events = events };
	watch->whose[watch->count++] = whose;
}

static void watch_fill(struct watch *watch, struct control_server *server, int64_t now)
{
	const bool accepting = free_connection(server) != NULL && server->accept_again_ms <= now;

	watch->count = 0;
	watch->wait_ms = sooner(look_at_overrides(server, now), server->look_again_ms > now ? server->look_again_ms - now : 0);
	watch_add(watch, server->wake, POLLIN, NULL);
	watch_add(watch, accepting ? server->socket.fd : -1, POLLIN, NULL);
	if (server->accept_again_ms > now)
		watch->wait_ms = sooner(watch->wait_ms, server->accept_again_ms - now);
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		struct connection *connection = &server->connections[i];

		if (connection->state != STATE_READING && connection->state != STATE_WRITING)
			continue;
		watch_add(watch, connection->fd, connection->state == STATE_READING ? POLLIN : POLLOUT, connection);
		watch->wait_ms = sooner(watch->wait_ms, connection->deadline_ms > now ? connection->deadline_ms - now : 0);
	}
}

static void watch_handle(const struct watch *watch, struct control_server *server)
{
	for (nfds_t i = 2; i < watch->count; i++) {
		struct connection *connection = watch->whose[i];

		if (watch->fds[i].revents != 0)
			connection_go_on(connection);
	}
	if (watch->fds[0].revents != 0)
		take_answers(server);
	if (watch->fds[1].revents != 0)
		accept_one(server);
	close_late(server, server_now_ms());
	look_at_socket(server, server_now_ms());
}

static void *run(void *arg)
{
	struct control_server *server = arg;
	struct watch watch;

	while (!atomic_load(&server->stopping)) {
		watch_fill(&watch, server, server_now_ms());
		if (poll(watch.fds, watch.count, (int)watch.wait_ms) >= 0)
			watch_handle(&watch, server);
		else if (errno != EINTR)
			poll(NULL, 0, AGAIN_MS);
	}
	return NULL;
}

/* --- start and end ----------------------------------------------------------------------------------------- */

/* No thread runs. */
static void server_free(struct control_server *server)
{
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++) {
		if (server->connections[i].state == STATE_WORKING)
			json_decref(server->connections[i].done ? server->connections[i].answer : NULL);
		if (server->connections[i].state != STATE_FREE)
			connection_close(&server->connections[i]);
	}
	server_users_fini(&server->users);
	server_socket_close(&server->socket);
	free(server->path);
	if (server->wake >= 0)
		close(server->wake);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static int start(struct control_server *server, const struct server_options *options, struct diag *diag)
{
	int failed;

	server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	server->changes = hand_create("verdict-change", 0);
	server->loads = hand_create("verdict-reload", 0);
	server->looks = hand_create("verdict-look", LOOK_NICE);
	if (server->wake < 0 || server->changes == NULL || server->loads == NULL || server->looks == NULL)
		return diag_set(diag, options->path, 0, 0, "the control socket's threads cannot start: %m");
	server->path = strdup(options->path);
	if (server->path == NULL || server_users_init(&server->users, options) != 0)
		return diag_set(diag, options->path, 0, 0, "out of memory");
	atomic_store(&server->listening, server_socket_open(&server->socket, options->path, diag) == 0);
	server->look_again_ms = server_now_ms() + LOOK_MS;
	failed = thread_start(&server->thread, "verdict-control", run, server);
	if (failed != 0) {
		errno = failed;
		return diag_set(diag, options->path, 0, 0, "the control socket's thread cannot start: %m");
	}
	return 0;
}

struct control_server *server_create(const struct server_options *options, struct diag *diag)
{
	struct control_server *server = calloc(1, sizeof(*server));

	diag->text[0] = '\0';
	if (server == NULL) {
		diag_set(diag, options->path, 0, 0, "out of memory");
		return NULL;
	}
	/* Before there are threads: it is made from the system's entropy, once in a process. */
	json_object_seed(0);
	server->backend = options->backend;
	server->socket.fd = -1;
	pthread_mutex_init(&server->lock, NULL);
	for (unsigned i = 0; i < SERVER_CLIENTS_MAX; i++)
		server->connections[i].server = server;
	/* After a crash flags may be of what was revoked meanwhile. */
	server_sync_flags(&server->backend, NULL);
	if (start(server, options, diag) == 0)
		return server;
	hand_destroy(&server->changes, SERVER_DEADLINE_MS);
	hand_destroy(&server->loads, SERVER_DEADLINE_MS);
	hand_destroy(&server->looks, SERVER_DEADLINE_MS);
	server_free(server);
	return NULL;
}

/* A thread that has only to be woken up must not be given up because another one is stuck. */
static unsigned left(int64_t until)
{
	const int64_t now = server_now_ms();

	return until - now > LEAST_MS ? (unsigned)(until - now) : LEAST_MS;
}

bool server_destroy(struct control_server **server, unsigned timeout_ms)
{
	const int64_t until = server_now_ms() + timeout_ms;
	struct control_server *gone = *server;
	bool ended;

	*server = NULL;
	if (gone == NULL)
		return true;
	atomic_store(&gone->stopping, true);
	server_wake(gone);
	ended = thread_join(gone->thread, left(until));
	server_socket_remove(&gone->socket);
	ended = hand_destroy(&gone->changes, left(until)) && ended;
	ended = hand_destroy(&gone->loads, left(until)) && ended;
	ended = hand_destroy(&gone->looks, left(until)) && ended;
	if (ended)
		server_free(gone);
	return ended;
}
