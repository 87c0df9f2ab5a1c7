/*
 * server_connection.h: one client of the control socket. For control/server*.c alone.
 *
 *     READING --line--> WORKING (a hand has it) --answer--> WRITING --> closed
 *        `----------------- a quick command ------------------^
 *
 * Threads: the server thread, but for what the hand does between hand_push and `done`.
 */
#ifndef CONTROL_SERVER_CONNECTION_H
#define CONTROL_SERVER_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "control/hand.h"
#include "control/server_parts.h"
#include "control/server_socket.h"

enum connection_state { STATE_FREE, STATE_READING, STATE_WORKING, STATE_WRITING };

struct connection {
	struct control_server *server;
	enum connection_state state;             /* of the server thread, as all but what says otherwise */
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
	char *path;                   /* owned */
	struct server_socket socket;  /* the server thread's while that runs */
	int64_t look_again_ms;        /* at the socket's file */
	_Atomic bool listening;       /* so that what is kept in files is ours to change */
	struct hand *changes, *loads, *looks;
	pthread_t thread;
	int wake;                     /* eventfd */
	_Atomic bool stopping;
	_Atomic bool ending;          /* a hand takes out overrides */
	_Atomic bool taking_flags;    /* a hand is to make overrides of flags */
	_Atomic int64_t end_again_ms; /* not before */
	int64_t accept_again_ms;
	pthread_mutex_t lock;
	struct connection connections[SERVER_CLIENTS_MAX];
};

/* Milliseconds of a steady clock. */
int64_t server_now_ms(void);

/* Ends the server thread's poll. */
void server_wake(const struct control_server *server);

/* Begins with an accepted descriptor, in a free connection. Takes `fd`. */
void connection_open(struct connection *connection, int fd);
void connection_close(struct connection *connection);

/* Reads or writes on, as its state is; never waits. */
void connection_go_on(struct connection *connection);

/* Writes an answer and closes. Takes it; NULL: closes. */
void connection_answer(struct connection *connection, json_t *with);

#endif
