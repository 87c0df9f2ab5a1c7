/* tap_listen.c: accept, read, print, answer. */
#include "tools/tap_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/frame_read.h"
#include "tools/verdictctl.h"

#define READ_MAX 65536   /* octets of one connection before the next one's turn */

struct connection {
	int fd;                        /* -1: free */
	unsigned number;               /* from 1, for messages */
	struct frame_reader *reader;   /* owned */
	int64_t begin_by_ms;           /* 0: it has begun */
};

struct listener {
	int fd;
	unsigned accepted;
	bool full_said;
	bool resting;                  /* the next wait leaves the socket out */
	int error;                     /* errno of a wait that failed; 0: none did */
	struct frame_printer *printer;
	struct connection connections[TAP_CONNECTIONS_MAX];
};

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int complain(const char *path, const char *what, int error)
{
	char safe[256];

	term_escape(safe, sizeof(safe), path, strlen(path));
	fprintf(stderr, "verdictctl: %s: %s%s%s\n", safe, what, error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
	return -1;
}

/* --- the socket -------------------------------------------------------------------------------------------- */

/* A socket file that nobody listens on is a leftover; one that answers is somebody else's. */
static int remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat status;
	int fd, error;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : complain(path, "cannot listen", errno);
	if (!S_ISSOCK(status.st_mode))
		return complain(path, "is there already and is no socket; name another path", 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return complain(path, "cannot listen", errno);
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN)
		return complain(path, "another program listens there", 0);
	if (error != ECONNREFUSED)
		return complain(path, "is there already, and cannot be asked whether somebody listens", error);
	return unlink(path) == 0 ? 0 : complain(path, "cannot remove the old socket", errno);
}

static int open_socket(const char *path, mode_t mode)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t old_mask;
	int fd, result;

	if (strlen(path) >= sizeof(address.sun_path))
		return complain(path, "too long for a socket, which has 107 octets", 0);
	strcpy(address.sun_path, path);
	if (remove_stale(path, &address) != 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return complain(path, "cannot listen", errno);
	old_mask = umask(0777 & ~mode);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(old_mask);
	if (result == 0)
		result = listen(fd, TAP_CONNECTIONS_MAX);
	if (result == 0)
		return fd;
	complain(path, "cannot listen", errno);
	close(fd);
	return -1;
}

/* --- one connection ---------------------------------------------------------------------------------------- */

static void connection_close(struct connection *connection, const char *why)
{
	if (why != NULL)
		fprintf(stderr, "verdictctl: connection %u closed at octet %llu: %s\n", connection->number,
			(unsigned long long)frame_reader_offset(connection->reader), why);
	close(connection->fd);
	connection->fd = -1;
	frame_reader_destroy(&connection->reader);
}

static void accept_one(struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *connection = NULL;

	if (fd < 0) {
		/* Out of descriptors or memory: asking again at once would only burn CPU. */
		listener->resting = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return;
	}
	listener->accepted++;
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX && connection == NULL; i++)
		if (listener->connections[i].fd < 0)
			connection = &listener->connections[i];
	if (connection == NULL || (connection->reader = frame_reader_create()) == NULL) {
		if (!listener->full_said)
			fprintf(stderr, "verdictctl: connection %u closed: %d are open already\n", listener->accepted,
				TAP_CONNECTIONS_MAX);
		listener->full_said = true;
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->number = listener->accepted;
	connection->begin_by_ms = now_ms() + TAP_BEGIN_TIMEOUT_MS;
}

/* An answer is a few octets to a peer that waits for it: if the kernel cannot take it at once, the peer misbehaves.
 * */
static bool reply(const struct connection *connection, bool accept)
{
	uint8_t octets[FRAME_CONTROL_MAX + 8];
	size_t length = accept ? frame_control_accept(octets) : frame_control_finish(octets);

	return length > 0 && send(connection->fd, octets, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static enum print_result print_frame(struct frame_printer *printer, struct connection *connection,
	const struct frame_view *frame)
{
	enum print_result result = frame_print(printer, frame->octets, frame->length);

	if (result == PRINT_UNDECODABLE)
		connection_close(connection, "a frame is no dnstap message");
	return result;
}

/* Handles what the reader holds; the connection may be closed afterwards. */
static enum print_result drain(struct frame_printer *printer, struct connection *connection)
{
	enum print_result result = PRINT_DONE;
	struct frame_view frame;

	while (connection->fd >= 0 && result != PRINT_ENOUGH && result != PRINT_FAILED) {
		switch (frame_reader_next(connection->reader, &frame)) {
		case FRAME_MORE:
			return result;
		case FRAME_DATA:
			result = print_frame(printer, connection, &frame);
			break;
		case FRAME_READY:
			if (!reply(connection, true))
				connection_close(connection, "it does not take ACCEPT");
			break;
		case FRAME_START:
			connection->begin_by_ms = 0;
			break;
		case FRAME_STOP:
			if (frame_reader_is_bidirectional(connection->reader) && !reply(connection, false))
				connection_close(connection, "it does not take FINISH");
			break;
		case FRAME_BAD:
			connection_close(connection, frame_reader_error(connection->reader));
			break;
		}
	}
	return result;
}

/* Somebody looked whether we are there. */
static bool said_nothing(const struct connection *connection)
{
	return connection->begin_by_ms != 0 && frame_reader_offset(connection->reader) == 0;
}

static enum print_result serve(struct frame_printer *printer, struct connection *connection)
{
	size_t room;
	uint8_t *space = frame_reader_space(connection->reader, &room);
	ssize_t got;

	if (space == NULL) {
		connection_close(connection, "no memory");
		return PRINT_DONE;
	}
	got = read(connection->fd, space, room < READ_MAX ? room : READ_MAX);
	if (got > 0) {
		frame_reader_filled(connection->reader, (size_t)got);
		return drain(printer, connection);
	}
	if (got == 0)
		connection_close(connection, said_nothing(connection) ? NULL : frame_reader_end(connection->reader));
	else if (errno != EAGAIN && errno != EINTR)
		connection_close(connection, strerror(errno));
	return PRINT_DONE;
}

/* --- the loop ---------------------------------------------------------------------------------------------- */

static void close_late(struct listener *listener)
{
	int64_t now = now_ms();

	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++) {
		struct connection *connection = &listener->connections[i];

		if (connection->fd >= 0 && connection->begin_by_ms != 0 && connection->begin_by_ms <= now)
			connection_close(connection, "it did not send START in time");
	}
}

/* Signals are let in only while waiting, so that none is missed between the test and the wait. */
static enum print_result turn(struct listener *listener, const sigset_t *waiting)
{
	const struct timespec second = { .tv_sec = 1 };
	struct pollfd polled[TAP_CONNECTIONS_MAX + 1] = { { .fd = listener->fd, .events = POLLIN } };
	enum print_result result = PRINT_DONE;

	if (listener->resting)
		polled[0].fd = -1;
	listener->resting = false;
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++)
		polled[i + 1] = (struct pollfd){ .fd = listener->connections[i].fd, .events = POLLIN };
	if (ppoll(polled, TAP_CONNECTIONS_MAX + 1, &second, waiting) < 0) {
		if (errno == EINTR)
			return PRINT_DONE;
		listener->error = errno;
		return PRINT_FAILED;
	}
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX && result != PRINT_ENOUGH && result != PRINT_FAILED; i++)
		if (polled[i + 1].fd >= 0 && polled[i + 1].revents != 0)
			result = serve(listener->printer, &listener->connections[i]);
	if (polled[0].revents != 0)
		accept_one(listener);
	close_late(listener);
	return result;
}

static void block_signals(sigset_t *waiting)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sigaddset(&blocked, numbers[i]);
		sigaction(numbers[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigdelset(waiting, numbers[i]);
}

int tap_listen(struct frame_printer *printer, const char *path, mode_t mode)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	enum print_result result = PRINT_DONE;
	int code = EXIT_FINE;
	sigset_t waiting;

	if (listener == NULL)
		return EXIT_UNREADABLE;
	block_signals(&waiting);
	listener->printer = printer;
	listener->fd = open_socket(path, mode);
	if (listener->fd < 0) {
		free(listener);
		return EXIT_UNREADABLE;
	}
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++)
		listener->connections[i].fd = -1;
	if (isatty(STDERR_FILENO))
		fputs("verdictctl: listening; Ctrl-C ends\n", stderr);
	while (!stop_asked && result != PRINT_ENOUGH && result != PRINT_FAILED)
		result = turn(listener, &waiting);
	for (size_t i = 0; i < TAP_CONNECTIONS_MAX; i++)
		if (listener->connections[i].fd >= 0)
			connection_close(&listener->connections[i], NULL);
	unlink(path);
	close(listener->fd);
	if (listener->error != 0) {
		complain(path, "cannot wait for senders (`ulimit -n`?)", listener->error);
		code = EXIT_UNREADABLE;
	}
	free(listener);
	return code;
}
