/*
 * collect_listener.h: what collect_listen.c, the loop, and collect_connection.c share. For them alone.
 *
 * Threads: one.
 */
#ifndef TOOLS_COLLECT_LISTENER_H
#define TOOLS_COLLECT_LISTENER_H

#include <poll.h>

#include "tools/collect.h"
#include "tools/frame_read.h"

#define CONNECTIONS_MAX 512

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

/* Milliseconds of a steady clock. */
int64_t listener_now_ms(void);

/* Takes a connection that waits at a socket. */
void listener_accept(struct listener *listener, struct tap_socket *socket);

/* Reads what came; the connection may be closed afterwards. */
void listener_serve(struct listener *listener, struct connection *connection);

/* Sends what `make` writes. False: it is not taken. */
bool listener_reply(const struct connection *connection, size_t (*make)(uint8_t *to));

/* `why`: said to the operator; NULL: nothing. */
void listener_close(struct listener *listener, struct connection *connection, const char *why);

/* Closes all. Nothing that is not on disk may be confirmed: who is closed comes again with what was not. */
void listener_stop(struct listener *listener);

#endif
