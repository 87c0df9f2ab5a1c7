/*
 * rdwr.c: our own descriptors below libfstrm's writer.
 *
 * Everything that the kernel does not take at once goes into `rest`, which later flushes empty. A full disk is treated
 * like a full socket: the frame is continued when there is room again, so the file stays readable.
 */
#include "dnstap/rdwr.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <fstrm.h>

#define POLL_MS 5
#define FILE_MODE 0640

struct rdwr {
	char *path;
	bool is_file;
	int fd;                  /* -1: closed */
	int error;
	int64_t deadline_ms;     /* on the monotonic clock, for reads */
	rdwr_wait wait;
	void *wait_arg;
	size_t unsent;           /* octets at the end of the last write that are not out */
	size_t rest_at;          /* those octets in `rest`: from here */
	uint8_t rest[RDWR_WRITE_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static fstrm_res fail(struct rdwr *rdwr, int error)
{
	rdwr->error = error;
	return fstrm_res_failure;
}

static void close_fd(struct rdwr *rdwr)
{
	if (rdwr->fd >= 0)
		close(rdwr->fd);
	rdwr->fd = -1;
}

static fstrm_res open_unix(void *obj)
{
	struct rdwr *rdwr = obj;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	rdwr->unsent = 0;
	memcpy(address.sun_path, rdwr->path, strlen(rdwr->path) + 1);
	rdwr->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (rdwr->fd < 0)
		return fail(rdwr, errno);
	/* Between unix sockets a connect ends at once; EAGAIN says that the collector's queue of connections is full. */
	if (connect(rdwr->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fail(rdwr, errno);
		close_fd(rdwr);
		return fstrm_res_failure;
	}
	rdwr->error = 0;
	return fstrm_res_success;
}

/* Moves a regular file at `path` out of the way; -1 with errno set when something else stands there. */
static int move_old(const char *path)
{
	struct stat status;
	char *old;
	int result;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : S_ISLNK(status.st_mode) ? ELOOP : EINVAL;
		return -1;
	}
	if (asprintf(&old, "%s.1", path) < 0)
		return -1;
	result = rename(path, old);
	free(old);
	return result;
}

static fstrm_res open_file(void *obj)
{
	struct rdwr *rdwr = obj;

	rdwr->unsent = 0;
	if (move_old(rdwr->path) != 0)
		return fail(rdwr, errno);
	/* O_EXCL: who puts a file there between the two calls does not get our frames. */
	rdwr->fd = open(rdwr->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (rdwr->fd < 0)
		return fail(rdwr, errno);
	rdwr->error = 0;
	return fstrm_res_success;
}

static fstrm_res close_rdwr(void *obj)
{
	close_fd(obj);
	return fstrm_res_success;
}

static ssize_t write_once(struct rdwr *rdwr, const struct iovec *iov, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count };
	ssize_t sent;

	do {
		sent = rdwr->is_file ? writev(rdwr->fd, iov, count)
			: sendmsg(rdwr->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

/* Will the same write work later? */
static bool passes_by_itself(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOSPC || error == EDQUOT;
}

int rdwr_flush(struct rdwr *rdwr)
{
	while (rdwr->unsent > 0 && rdwr->fd >= 0) {
		struct iovec iov = { rdwr->rest + rdwr->rest_at, rdwr->unsent };
		ssize_t sent = write_once(rdwr, &iov, 1);

		if (sent < 0) {
			rdwr->error = errno;
			return passes_by_itself(errno) ? 0 : -1;
		}
		rdwr->rest_at += (size_t)sent;
		rdwr->unsent -= (size_t)sent;
	}
	return rdwr->fd < 0 ? -1 : 0;
}

/* Keeps what is behind the first `sent` octets; room was checked. */
static void keep_rest(struct rdwr *rdwr, const struct iovec *iov, int count, size_t sent)
{
	int i;

	for (i = 0; i < count; i++) {
		size_t skip = sent < iov[i].iov_len ? sent : iov[i].iov_len;
		size_t left = iov[i].iov_len - skip;

		if (left > 0)
			memcpy(rdwr->rest + rdwr->rest_at + rdwr->unsent, (const uint8_t *)iov[i].iov_base + skip, left);
		rdwr->unsent += left;
		sent -= skip;
	}
}

/* Takes the whole write or, when the connection is broken, fails; `unsent` is right either way. */
static fstrm_res write_rdwr(void *obj, const struct iovec *iov, int count)
{
	struct rdwr *rdwr = obj;
	size_t total = 0;
	ssize_t sent;
	int i;

	for (i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (total > RDWR_WRITE_MAX - rdwr->unsent)
		return fail(rdwr, EMSGSIZE);
	if (rdwr->unsent > 0) {
		memmove(rdwr->rest, rdwr->rest + rdwr->rest_at, rdwr->unsent);
		rdwr->rest_at = 0;
		keep_rest(rdwr, iov, count, 0);
		return rdwr_flush(rdwr) == 0 ? fstrm_res_success : fstrm_res_failure;
	}
	sent = write_once(rdwr, iov, count);
	rdwr->rest_at = 0;
	if (sent < 0) {
		rdwr->unsent = total;
		if (!passes_by_itself(errno))
			return fail(rdwr, errno);
		rdwr->error = errno;
		rdwr->unsent = 0;
		sent = 0;
	}
	keep_rest(rdwr, iov, count, (size_t)sent);
	return fstrm_res_success;
}

/* Waits a little for the socket, or for its deadline. False: give up. */
static bool wait_readable(struct rdwr *rdwr)
{
	struct pollfd fd = { .fd = rdwr->fd, .events = POLLIN };

	if (rdwr->unsent > 0)
		fd.events |= POLLOUT;
	if (poll(&fd, 1, POLL_MS) < 0 && errno != EINTR) {
		rdwr->error = errno;
		return false;
	}
	if (now_ms() >= rdwr->deadline_ms) {
		rdwr->error = ETIMEDOUT;
		return false;
	}
	if (rdwr->wait && !rdwr->wait(rdwr->wait_arg)) {
		rdwr->error = ECANCELED;
		return false;
	}
	return rdwr_flush(rdwr) == 0;
}

static fstrm_res read_rdwr(void *obj, void *data, size_t count)
{
	struct rdwr *rdwr = obj;
	size_t got = 0;

	while (got < count) {
		ssize_t octets = recv(rdwr->fd, (uint8_t *)data + got, count - got, MSG_DONTWAIT);

		if (octets == 0) {
			rdwr->error = ECONNRESET;
			return fstrm_res_stop;
		}
		if (octets > 0)
			got += (size_t)octets;
		else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return fail(rdwr, errno);
		else if (!wait_readable(rdwr))
			return fstrm_res_failure;
	}
	return fstrm_res_success;
}

static struct rdwr *create(const char *path)
{
	struct rdwr *rdwr = calloc(1, sizeof(*rdwr));

	if (!rdwr)
		return NULL;
	rdwr->fd = -1;
	rdwr->path = strdup(path);
	if (!rdwr->path) {
		free(rdwr);
		return NULL;
	}
	return rdwr;
}

struct rdwr *rdwr_create_unix(const char *path, rdwr_wait wait, void *arg)
{
	struct rdwr *rdwr;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	rdwr = create(path);
	if (!rdwr)
		return NULL;
	rdwr->wait = wait;
	rdwr->wait_arg = arg;
	return rdwr;
}

struct rdwr *rdwr_create_file(const char *path)
{
	struct rdwr *rdwr = create(path);

	if (rdwr)
		rdwr->is_file = true;
	return rdwr;
}

void rdwr_destroy(struct rdwr **rdwr)
{
	if (!*rdwr)
		return;
	close_fd(*rdwr);
	free((*rdwr)->path);
	free(*rdwr);
	*rdwr = NULL;
}

struct fstrm_rdwr *rdwr_for_writer(struct rdwr *rdwr)
{
	struct fstrm_rdwr *wrapped = fstrm_rdwr_init(rdwr);

	if (!wrapped)
		return NULL;
	fstrm_rdwr_set_open(wrapped, rdwr->is_file ? open_file : open_unix);
	fstrm_rdwr_set_close(wrapped, close_rdwr);
	fstrm_rdwr_set_destroy(wrapped, close_rdwr);
	fstrm_rdwr_set_write(wrapped, write_rdwr);
	if (!rdwr->is_file)
		fstrm_rdwr_set_read(wrapped, read_rdwr);   /* makes libfstrm shake hands */
	return wrapped;
}

void rdwr_set_deadline(struct rdwr *rdwr, unsigned timeout_ms)
{
	rdwr->deadline_ms = now_ms() + timeout_ms;
}

size_t rdwr_unsent(const struct rdwr *rdwr)
{
	return rdwr->unsent;
}

int rdwr_check(struct rdwr *rdwr)
{
	uint8_t octet;
	ssize_t got;

	if (rdwr->is_file || rdwr->fd < 0)
		return rdwr->fd < 0 ? -1 : 0;
	got = recv(rdwr->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	/* Between START and STOP a collector has nothing to say. */
	rdwr->error = errno = got == 0 ? ECONNRESET : got > 0 ? EPROTO : errno;
	return -1;
}

void rdwr_cut(struct rdwr *rdwr)
{
	close_fd(rdwr);
}

int rdwr_fd(const struct rdwr *rdwr)
{
	return rdwr->is_file ? -1 : rdwr->fd;
}

int rdwr_error(const struct rdwr *rdwr)
{
	return rdwr->error;
}
