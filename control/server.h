/*
 * server.h: the control socket.
 *
 * A unix stream socket below the state directory. One request is one line of JSON, {"command": "allow", ...}; the
 * answer is one line of JSON, {"ok": true, ...} or {"ok": false, "error": "..."}; then the server closes. Who may
 * connect is the directory's business (mode 0750) and the socket's (0660); what they may do is decided by the peer's
 * uid (SO_PEERCRED): root, the resolver's own user and `control-user:` may change things, everybody else who can
 * connect reads.
 *
 * Bounds: SERVER_CLIENTS_MAX connections (the rest waits in the backlog), all but four of them for those who may only
 * look (more are told to try again, so that they cannot keep others out), SERVER_REQUEST_MAX octets a request,
 * SERVER_DEADLINE_MS for a request to be complete and for an answer to be taken. Nothing from a client is ever a path
 * or a format. A command is a row of the table in request.c: name, role, members.
 *
 *     clients --- server thread (poll) --- quick commands
 *                        |-------- hand "changes": allow, deny, revoke, flush, ends of overrides (in order)
 *                        |-------- hand "loads":   reload, for which nothing else waits
 *                        `-------- hand "looks":   explain, recent
 *
 * Threads: the server thread never waits for a client, a file of another or the loader. What takes long is done by
 * one of the hands (control/hand.h); its connection is answered when that is done, and a client that has gone away by
 * then changes nothing. All block all signals.
 *
 *   main thread | server_create, server_destroy
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "control/behaviour.h"
#include "control/denial_log.h"
#include "control/host.h"
#include "control/loader.h"
#include "control/override_store.h"
#include "control/recent.h"
#include "control/tally.h"
#include "policy/diag.h"

#define SERVER_CLIENTS_MAX 16
#define SERVER_REQUEST_MAX 4096
#define SERVER_DEADLINE_MS 5000

/* What commands work on; all borrowed until server_destroy has returned true. */
struct server_backend {
	const struct control_host *host;
	struct loader *loader;
	struct override_store *overrides;
	const struct tally *tally;          /* NULL: none */
	struct denial_log *denial_log;      /* NULL: none */
	const struct recent *recent;        /* questions; NULL: none */
	struct behaviour *behaviour;        /* NULL: no detectors */
};

struct server_options {
	const char *path;                   /* of the socket, as this process sees it; copied */
	char *const *users;                 /* who may change things besides root and this process' user: names or */
	size_t user_count;                  /* uids; one that is not known is logged and left out */
	struct server_backend backend;
};

struct control_server;

/* Makes the socket and starts the threads. A socket file that nobody answers at is replaced; anything else there is
 * left alone. Returns the owned server, or NULL with *diag set: no memory, no thread. A server without a socket sets
 * *diag, too (its text is empty otherwise): overrides end all the same, and the socket is tried again, as one whose file
 * is removed later is made again; who keeps files then may be another process, so none is changed. */
struct control_server *server_create(const struct server_options *options, struct diag *diag);

/* Has the overrides made that flags are due to become, soon. Any thread; does not wait. */
void server_take_flags(struct control_server *server);

/* Another policy is in force: what its detectors do not deny any more ends now. Any thread; does not wait. */
void server_look_again(struct control_server *server);

/* Closes the socket, removes its file, ends the threads: at most about `timeout_ms`. Call loader_stop first, so that
 * what waits for a load ends. Sets *server to NULL. False: a thread did not end in time; it is left alone with what
 * it holds, and the backend must stay for ever. */
bool server_destroy(struct control_server **server, unsigned timeout_ms);

#endif
