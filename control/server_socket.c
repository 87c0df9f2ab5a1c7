/* server_socket.c: making and removing the control socket, and telling its peers apart. */
#include "control/server_socket.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 64
#define SOCKET_MODE 0660

/* --- the file ---------------------------------------------------------------------------------------------- */

/* Does anybody listen there? Only a refusal says no. */
static bool is_abandoned(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int make_room(const struct sockaddr_un *address, struct diag *diag)
{
	struct stat found;

	if (lstat(address->sun_path, &found) != 0)
		return 0;
	if (!S_ISSOCK(found.st_mode))
		return diag_set(diag, address->sun_path, 0, 0, "something that is no socket stands where the control socket "
			"is to be; move it away");
	if (!is_abandoned(address))
		return diag_set(diag, address->sun_path, 0, 0, "another process listens at the control socket");
	if (unlink(address->sun_path) != 0 && errno != ENOENT)
		return diag_set(diag, address->sun_path, 0, 0, "an old control socket cannot be removed: %m");
	return 0;
}

/* Before listen nobody can connect, so the mode is right in time. */
static int bind_and_listen(struct server_socket *made, struct diag *diag)
{
	const char *path = made->address.sun_path;
	struct stat found;

	if (bind(made->fd, (const struct sockaddr *)&made->address, sizeof(made->address)) != 0)
		return diag_set(diag, path, 0, 0, "the control socket cannot be made: %m");
	if (chmod(path, SOCKET_MODE) != 0 || lstat(path, &found) != 0 || listen(made->fd, BACKLOG) != 0) {
		diag_set(diag, path, 0, 0, "the control socket cannot be set up: %m");
		unlink(path);
		return -1;
	}
	made->device = found.st_dev;
	made->inode = found.st_ino;
	return 0;
}

int server_socket_open(struct server_socket *made, const char *path, struct diag *diag)
{
	struct server_socket opened = { .fd = -1, .address = { .sun_family = AF_UNIX } };

	if (strlen(path) >= sizeof(opened.address.sun_path))
		return diag_set(diag, path, 0, 0, "a socket's path has at most %zu octets; set control-socket:",
			sizeof(opened.address.sun_path) - 1);
	memcpy(opened.address.sun_path, path, strlen(path) + 1);
	if (make_room(&opened.address, diag) != 0)
		return -1;
	opened.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (opened.fd < 0)
		return diag_set(diag, path, 0, 0, "the control socket cannot be made: %m");
	if (bind_and_listen(&opened, diag) != 0) {
		close(opened.fd);
		return -1;
	}
	*made = opened;
	return 0;
}

bool server_socket_is_there(const struct server_socket *made)
{
	struct stat found;

	return made->fd >= 0 && lstat(made->address.sun_path, &found) == 0 && found.st_ino == made->inode &&
		found.st_dev == made->device;
}

void server_socket_remove(struct server_socket *made)
{
	if (server_socket_is_there(made))
		unlink(made->address.sun_path);
}

void server_socket_close(struct server_socket *made)
{
	if (made->fd >= 0)
		close(made->fd);
	made->fd = -1;
}

/* --- the users --------------------------------------------------------------------------------------------- */

static bool find_user(const char *name, uid_t *uid)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	const struct passwd *entry;

	if (*name >= '0' && *name <= '9' && *end == '\0' && number < (uid_t)-1) {
		*uid = (uid_t)number;
		return true;
	}
	entry = getpwnam(name);
	if (entry != NULL)
		*uid = entry->pw_uid;
	return entry != NULL;
}

int server_users_init(struct server_users *users, const struct server_options *options)
{
	const struct control_host *host = options->backend.host;
	char text[256];

	users->uids = calloc(options->user_count + 2, sizeof(*users->uids));
	if (users->uids == NULL)
		return -1;
	users->uids[0] = 0;
	users->uids[1] = geteuid();
	users->count = 2;
	for (size_t i = 0; i < options->user_count; i++) {
		if (find_user(options->users[i], &users->uids[users->count])) {
			users->count++;
			continue;
		}
		snprintf(text, sizeof(text), "control-user: there is no user '%.100s' here; in a chroot, give the number",
			options->users[i]);
		host->log(host->arg, true, text);
	}
	return 0;
}

void server_users_fini(struct server_users *users)
{
	free(users->uids);
	users->uids = NULL;
}

bool server_users_peer(const struct server_users *users, int fd, struct server_peer *peer)
{
	struct ucred credentials;
	socklen_t octets = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &octets) != 0 || octets != sizeof(credentials))
		return false;
	peer->uid = credentials.uid;
	peer->may_change = false;
	for (size_t i = 0; i < users->count; i++)
		peer->may_change = peer->may_change || users->uids[i] == credentials.uid;
	return true;
}
