/*
 * server_socket.h: the control socket's file, and who may do what behind it. For control/server*.c alone.
 *
 * Threads: made and ended by the main thread; server_users_peer by the server thread.
 */
#ifndef CONTROL_SERVER_SOCKET_H
#define CONTROL_SERVER_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

#include "control/server_parts.h"

struct server_socket {
	int fd;                       /* -1: none */
	struct sockaddr_un address;
	dev_t device;                 /* of its file, to remove no other one */
	ino_t inode;
};

/* Listens, mode 0660. A socket file that nobody answers at is replaced. 0, or -1 with *diag set. */
int server_socket_open(struct server_socket *socket, const char *path, struct diag *diag);

/* Is the file still the one that was made? False also without a socket. */
bool server_socket_is_there(const struct server_socket *socket);

/* Removes the file when it is still the one that was made. */
void server_socket_remove(struct server_socket *socket);
void server_socket_close(struct server_socket *socket);

struct server_users {
	uid_t *uids;                  /* owned */
	size_t count;
};

/* Looks the names up; unknown ones are logged. 0, or -1: no memory. */
int server_users_init(struct server_users *users, const struct server_options *options);
void server_users_fini(struct server_users *users);

/* Who is at the other end. False: the kernel does not say. */
bool server_users_peer(const struct server_users *users, int fd, struct server_peer *peer);

#endif
