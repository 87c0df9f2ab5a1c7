/*
 * server.h: the control socket.
 *
 * A unix stream socket below the state directory. One request is one line of JSON, {"command": "allow", ...}; the answer
 * is one line of JSON, {"ok": true, ...} or {"ok": false, "error": "..."}; then the server closes. Who may connect is
 * the directory's business (mode 0750); what they may do is decided by the peer's uid (SO_PEERCRED): root, the
 * resolver's own user and `control-user:` may change things, everybody else who can connect reads.
 *
 * Bounds: SERVER_CLIENTS_MAX connections (the rest waits in the backlog), SERVER_REQUEST_MAX octets a request,
 * SERVER_DEADLINE_MS for a request to be complete and for an answer to be taken. Nothing from a client is ever a path or
 * a format. A command is a row of the table in server_commands.c: name, role, members with their types, function.
 *
 * Threads: runs in one thread of the live side; a command that takes long (reload) is handed to the loader, and its
 * connection is answered when that is done.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#define SERVER_CLIENTS_MAX 16
#define SERVER_REQUEST_MAX 4096
#define SERVER_DEADLINE_MS 5000

#endif
