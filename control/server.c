/*
 * server.c: connections of the control socket: a line in, a line out, nobody waited for.
 *
 *     READING --line--> WORKING (a hand has it) --answer--> WRITING --> closed
 *        `----------------- a quick command ------------------^
 */
#include "control/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/hand.h"
#include "control/server_parts.h"
#include "control/server_socket.h"
#include "control/thread.h"

#define READERS_MAX (SERVER_CLIENTS_MAX - 4)   /* the rest is for those who may change things */
#define AGAIN_MS 200                           /* after accept has failed */
#define END_AGAIN_MS 5000                      /* after overrides could not be ended */
#define LEAST_MS 100                           /* that each thread has to end */
#define CLOCK_MS 10000                         /* how late a step of the clock may be noticed */

enum state { STATE_FREE, STATE_READING, STATE_WORKING, STATE_WRITING };

struct connection {
	struct control_server *server;
	enum state state;             /* of the server thread, as all but what says otherwise */
	int fd;
	struct server_peer peer;
	int64_t deadline_ms;
	size_t got, sent, octets;
	char *out;                    /* owned */
	struct request request;       /* WORKING: the hand's */
	json_t *answer;               /* the hand's, then under server->lock */
	bool done;                    /* under server->lock */
	char in[SERVER_REQUEST_MAX];
};

struct control_server {
	struct server_backend backend;
	struct server_users users;
	struct server_socket socket;
	struct hand *changes, *looks;
	pthread_t thread;
	int wake;                     /* eventfd */
	_Atomic bool stopping;
	_Atomic bool ending;          /* a hand takes out overrides */
	_Atomic int64_t end_again_ms; /* not before */
	int64_t accept_again_ms;
	pthread_mutex_t lock;
	struct connection connections[SERVER_CLIENTS_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wake(const struct control_server *server)
{
	const uint64_t one = 1;
	ssize_t written = write(server->wake, &one, sizeof(one));

	(void)written;   /* full: it is awake anyway */
}

/* --- one connection ---------------------------------------------------------------------------------------- */

static void connection_close(struct connection *connection)
{
	close(connection->fd);
	free(connection->out);
	connection->out = NULL;
	connection->state = STATE_FREE;
}

/* Takes the answer. */
static void begin_writing(struct connection *connection, json_t *answer)
{
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(answer);
	if (text == NULL) {
		connection_close(connection);
		return;
	}
	connection->out = text;
	connection->octets = strlen(text);
	text[connection->octets++] = '\n';   /* in the NUL's place: from here on it is counted octets */
	connection->sent = 0;
	connection->state = STATE_WRITING;
	connection->deadline_ms = now_ms() + SERVER_DEADLINE_MS;
}

static void go_on_writing(struct connection *connection)
{
	while (connection->sent < connection->octets) {
		ssize_t sent = send(connection->fd, connection->out + connection->sent,
			connection->octets - connection->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent <= 0)
			break;
		connection->sent += (size_t)sent;
	}
	connection_close(connection);
}

/* In a hand. */
static void work(void *arg)
{
	struct connection *connection = arg;
	struct control_server *server = connection->server;
	json_t *answer = server_answer(&server->backend, &connection->request, &connection->peer);

	pthread_mutex_lock(&server->lock);
	connection->answer = answer;
	connection->done = true;
	pthread_mutex_unlock(&server->lock);
	wake(server);
}

static void answer(struct connection *connection, json_t *with)
{
	begin_writing(connection, with);
	if (connection->state == STATE_WRITING)
		go_on_writing(connection);
}

static void dispatch(struct connection *connection)
{
	const struct request_row *row = &request_commands[connection->request.command];
	struct control_server *server = connection->server;
	struct hand *hand = row->place == PLACE_CHANGES ? server->changes : server->looks;

	if (row->changes && !connection->peer.may_change) {
		answer(connection, server_error("permission", "%s is for root, the resolver's own user and those that "
			"control-user: names", row->name));
	} else if (row->place == PLACE_SERVER) {
		answer(connection, server_answer(&server->backend, &connection->request, &connection->peer));
	} else {
		connection->done = false;
		connection->state = STATE_WORKING;
		if (!hand_push(hand, work, connection))
			answer(connection, server_error("busy", "too much is waiting to be done; try again"));
	}
}

static void take_line(struct connection *connection, const char *end)
{
	char wrong[REQUEST_WRONG_MAX];

	if (request_parse(&connection->request, connection->in, (size_t)(end - connection->in), wrong) == 0)
		dispatch(connection);
	else
		answer(connection, server_error("request", "%s", wrong));
}

static void go_on_reading(struct connection *connection)
{
	const size_t room = sizeof(connection->in) - connection->got;
	ssize_t got = recv(connection->fd, connection->in + connection->got, room, MSG_DONTWAIT);
	const char *end;

	if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (got <= 0) {
		connection_close(connection);
		return;
	}
	end = memchr(connection->in + connection->got, '\n', (size_t)got);
	connection->got += (size_t)got;
	if (end != NULL)
		take_line(connection, end);
	else if (connection->got == sizeof(connection->in))
		answer(connection, server_error("request", "a request is one line of at most %d octets",
			SERVER_REQUEST_MAX));
}

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
			server->accept_again_ms = now_ms() + AGAIN_MS;
		return;
	}
	connection->fd = fd;
	connection->got = 0;
	connection->state = STATE_READING;
	connection->deadline_ms = now_ms() + SERVER_DEADLINE_MS;
	if (!server_users_peer(&server->users, fd, &connection->peer))
		connection_close(connection);
	else if (!connection->peer.may_change && readers(server) > READERS_MAX)
		answer(connection, server_error("busy", "too many connections; try again"));
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
			answer(connection, connection->answer);
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
			answer(connection, server_error("request", "no whole line came in %d ms", SERVER_DEADLINE_MS));
		else
			connection_close(connection);
	}
}

/* --- the ends of overrides --------------------------------------------------------------------------------- */

/* In the hand for changes. */
static void end_overrides(void *arg)
{
	struct control_server *server = arg;

	if (!server_end_overrides(&server->backend, (int64_t)time(NULL)))
		atomic_store(&server->end_again_ms, now_ms() + END_AGAIN_MS);
	atomic_store(&server->ending, false);
	wake(server);
}

/* Milliseconds until something is to be done about overrides; -1: nothing is. */
static int64_t look_at_overrides(struct control_server *server, int64_t now)
{
	const int64_t next = override_store_next_end(server->backend.overrides), today = (int64_t)time(NULL);
	const int64_t again = atomic_load(&server->end_again_ms);

	if (next == INT64_MAX || atomic_load(&server->ending))
		return -1;
	if (next > today)
		return next - today < CLOCK_MS / 1000 ? (next - today) * 1000 : CLOCK_MS;
	if (again > now)
		return again - now;
	atomic_store(&server->ending, true);
	if (hand_push(server->changes, end_overrides, server))
		return -1;
	atomic_store(&server->ending, false);
	return AGAIN_MS;
}

/* --- the thread -------------------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

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
	watch->wait_ms = look_at_overrides(server, now);
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

		if (watch->fds[i].revents == 0)
			continue;
		if (connection->state == STATE_READING)
			go_on_reading(connection);
		else if (connection->state == STATE_WRITING)
			go_on_writing(connection);
	}
	if (watch->fds[0].revents != 0)
		take_answers(server);
	if (watch->fds[1].revents != 0)
		accept_one(server);
	close_late(server, now_ms());
}

static void *run(void *arg)
{
	struct control_server *server = arg;
	struct watch watch;

	while (!atomic_load(&server->stopping)) {
		watch_fill(&watch, server, now_ms());
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
	if (server->wake >= 0)
		close(server->wake);
	pthread_mutex_destroy(&server->lock);
	free(server);
}

static int start(struct control_server *server, const struct server_options *options, struct diag *diag)
{
	int failed;

	server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	server->changes = hand_create("verdict-change");
	server->looks = hand_create("verdict-look");
	if (server->wake < 0 || server->changes == NULL || server->looks == NULL)
		return diag_set(diag, options->path, 0, 0, "the control socket's threads cannot start: %m");
	if (server_users_init(&server->users, options) != 0)
		return diag_set(diag, options->path, 0, 0, "out of memory");
	if (server_socket_open(&server->socket, options->path, diag) != 0)
		return -1;
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
	if (start(server, options, diag) == 0)
		return server;
	hand_destroy(&server->changes, SERVER_DEADLINE_MS);
	hand_destroy(&server->looks, SERVER_DEADLINE_MS);
	server_free(server);
	return NULL;
}

/* A thread that has only to be woken up must not be given up because another one is stuck. */
static unsigned left(int64_t until)
{
	const int64_t now = now_ms();

	return until - now > LEAST_MS ? (unsigned)(until - now) : LEAST_MS;
}

bool server_destroy(struct control_server **server, unsigned timeout_ms)
{
	const int64_t until = now_ms() + timeout_ms;
	struct control_server *gone = *server;
	bool ended;

	*server = NULL;
	if (gone == NULL)
		return true;
	server_socket_remove(&gone->socket);
	atomic_store(&gone->stopping, true);
	wake(gone);
	ended = thread_join(gone->thread, left(until));
	ended = hand_destroy(&gone->changes, left(until)) && ended;
	ended = hand_destroy(&gone->looks, left(until)) && ended;
	if (ended)
		server_free(gone);
	return ended;
}
