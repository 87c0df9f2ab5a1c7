/* server_connection.c: a line in, a line out, nobody waited for. */
#include "control/server_connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int64_t server_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void server_wake(const struct control_server *server)
{
	const uint64_t one = 1;
	ssize_t written = write(server->wake, &one, sizeof(one));

	(void)written;   /* full: it is awake anyway */
}

void connection_close(struct connection *connection)
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
	connection->deadline_ms = server_now_ms() + SERVER_DEADLINE_MS;
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
	server_wake(server);
}

void connection_answer(struct connection *connection, json_t *with)
{
	begin_writing(connection, with);
	if (connection->state == STATE_WRITING)
		go_on_writing(connection);
}

static void dispatch(struct connection *connection)
{
	const struct request_row *row = &request_commands[connection->request.command];
	struct control_server *server = connection->server;
	struct hand *hand = row->place == PLACE_CHANGES ? server->changes :
		row->place == PLACE_LOADS ? server->loads : server->looks;

	if (row->changes && !connection->peer.may_change) {
		connection_answer(connection, server_error("permission", "%s is for root, the resolver's own user and those "
			"that control-user: names", row->name));
	} else if (row->place == PLACE_SERVER) {
		connection_answer(connection, server_answer(&server->backend, &connection->request, &connection->peer));
	} else {
		connection->done = false;
		connection->state = STATE_WORKING;
		if (!hand_push(hand, work, connection))
			connection_answer(connection, server_error("busy", "too much is waiting to be done; try again"));
	}
}

static void take_line(struct connection *connection, const char *end)
{
	char wrong[REQUEST_WRONG_MAX];

	if (request_parse(&connection->request, connection->in, (size_t)(end - connection->in), wrong) == 0)
		dispatch(connection);
	else
		connection_answer(connection, server_error("request", "%s", wrong));
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
		connection_answer(connection, server_error("request", "a request is one line of at most %d octets",
			SERVER_REQUEST_MAX));
}

/* --- for the server ---------------------------------------------------------------------------------------- */

void connection_open(struct connection *connection, int fd)
{
	connection->fd = fd;
	connection->got = 0;
	connection->state = STATE_READING;
	connection->deadline_ms = server_now_ms() + SERVER_DEADLINE_MS;
	if (!server_users_peer(&connection->server->users, fd, &connection->peer))
		connection_close(connection);
}

void connection_go_on(struct connection *connection)
{
	if (connection->state == STATE_READING)
		go_on_reading(connection);
	else if (connection->state == STATE_WRITING)
		go_on_writing(connection);
}
