/* tap_files.c: reading files of frames. */
#include "tools/tap_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/frame_read.h"
#include "tools/verdictctl.h"

#define LOOK_NS 200000000

struct followed {
	const char *name;              /* borrowed */
	int fd;                        /* -1: not there yet */
	bool gone_said;
	uint64_t taken;                /* octets of this file */
	struct frame_reader *reader;   /* owned; NULL: none, or given up until another file is there */
};

static void complain_at(struct tap_flow *flow, const char *file, uint64_t offset, const char *what)
{
	char safe[256];

	term_escape(safe, sizeof(safe), file, strlen(file));
	fflush(flow->printer.to);
	fprintf(stderr, "verdictctl: %s: octet %" PRIu64 ": %s\n", safe, offset, what);
}

/* Of a file as a whole. */
static void complain(struct tap_flow *flow, const char *file, const char *what)
{
	char safe[256];

	term_escape(safe, sizeof(safe), file, strlen(file));
	fflush(flow->printer.to);
	fprintf(stderr, "verdictctl: %s: %s\n", safe, what);
}

/* The frame just handed out began before the reader's offset. */
static enum print_result take_one(struct tap_flow *flow, const char *file, struct frame_reader *reader,
	const struct frame_view *frame, int *code)
{
	enum print_result result = tap_flow_take(flow, frame->octets, frame->length);

	if (result == PRINT_UNDECODABLE) {
		complain_at(flow, file, frame_reader_offset(reader) - frame->length,
			"this frame is no dnstap message; it is left out");
		*code = EXIT_UNREADABLE;
	}
	return result;
}

/* Takes what the reader holds. False: no more of anything is wanted. */
static bool drain(struct tap_flow *flow, const char *file, struct frame_reader *reader, int *code)
{
	enum print_result result = PRINT_DONE;
	struct frame_view frame;

	for (;;) {
		switch (frame_reader_next(reader, &frame)) {
		case FRAME_MORE:
			return true;
		case FRAME_DATA:
			result = take_one(flow, file, reader, &frame, code);
			if (result == PRINT_ENOUGH || result == PRINT_FAILED)
				return false;
			break;
		case FRAME_READY:
		case FRAME_START:
		case FRAME_STOP:
			break;
		case FRAME_BAD:
			complain_at(flow, file, frame_reader_offset(reader), frame_reader_error(reader));
			*code = EXIT_UNREADABLE;
			frame_reader_resume(reader);
			break;
		}
	}
}

static ssize_t fill(int fd, struct frame_reader *reader)
{
	size_t room;
	uint8_t *space = frame_reader_space(reader, &room);
	ssize_t got;

	if (space == NULL) {
		errno = ENOMEM;
		return -1;
	}
	do
		got = read(fd, space, room);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		frame_reader_filled(reader, (size_t)got);
	return got;
}

/* A stream without STOP is what a running or killed resolver leaves: worth a word, no error. */
static int at_end(struct tap_flow *flow, const char *file, const struct frame_reader *reader)
{
	const char *missing = frame_reader_end(reader);

	if (missing == NULL)
		return EXIT_FINE;
	complain_at(flow, file, frame_reader_offset(reader), missing);
	return frame_reader_is_whole(reader) ? EXIT_FINE : EXIT_UNREADABLE;
}

static int read_stream(struct tap_flow *flow, const char *file, int fd)
{
	struct frame_reader *reader = frame_reader_create();
	int code = EXIT_FINE;
	ssize_t got = -1;
	bool more = reader != NULL;

	while (more && (got = fill(fd, reader)) > 0) {
		more = drain(flow, file, reader, &code);
		tap_flow_idle(flow);
	}
	if (more && got == 0 && code == EXIT_FINE)
		code = at_end(flow, file, reader);
	if (got < 0) {
		complain_at(flow, file, reader != NULL ? frame_reader_offset(reader) : 0, strerror(errno));
		code = EXIT_UNREADABLE;
	}
	frame_reader_destroy(&reader);
	return code;
}

static int read_file(struct tap_flow *flow, const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	int code;

	if (fd < 0) {
		complain(flow, file, strerror(errno));
		return EXIT_UNREADABLE;
	}
	code = read_stream(flow, is_stdin ? "standard input" : file, fd);
	if (!is_stdin)
		close(fd);
	return code;
}

/* A name with * that no file has is a pattern that no shell has seen: from a unit file, or in quotes. */
static int read_named(struct tap_flow *flow, const char *name)
{
	glob_t found;
	int code = EXIT_FINE;

	if (strpbrk(name, "*?[") == NULL || access(name, F_OK) == 0 || glob(name, 0, NULL, &found) != 0)
		return read_file(flow, name);
	if (found.gl_pathc > TAP_FILES_MAX) {
		complain(flow, name, "names more than 4096 files");
		code = EXIT_UNREADABLE;
	}
	for (size_t i = 0; code != EXIT_UNREADABLE && i < found.gl_pathc && !tap_flow_is_over(flow); i++) {
		int one = read_file(flow, found.gl_pathv[i]);

		code = one > code ? one : code;
	}
	globfree(&found);
	return code;
}

int tap_files_read(struct tap_flow *flow, char **names, int count)
{
	int worst = EXIT_FINE;

	for (int i = 0; i < count && !tap_flow_is_over(flow); i++) {
		int code = read_named(flow, names[i]);

		worst = code > worst ? code : worst;
	}
	return worst;
}

/* --- following ---------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked, hangup_came;

static void on_signal(int number)
{
	if (number == SIGHUP)
		hangup_came = 1;
	else
		stop_asked = 1;
}

void tap_signals_block(void *waiting)
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

bool tap_signals_came(void)
{
	return stop_asked != 0 || hangup_came != 0;
}

bool tap_hangup_taken(void)
{
	bool came = hangup_came != 0;

	hangup_came = 0;
	return came;
}

static void leave(struct followed *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->taken = 0;
	frame_reader_destroy(&file->reader);
}

static void join(struct tap_flow *flow, struct followed *file)
{
	file->fd = open(file->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd >= 0) {
		file->gone_said = false;
		file->reader = frame_reader_create();
		return;
	}
	if (!file->gone_said)
		complain(flow, file->name, errno == ENOENT ? "is not there yet; waiting for it" : strerror(errno));
	file->gone_said = true;
}

/* Is what is open still the file of that name, and has it not become shorter? */
static bool is_current(const struct followed *file)
{
	struct stat open_one, named;

	if (fstat(file->fd, &open_one) != 0 || stat(file->name, &named) != 0)
		return true;   /* between the two renames of a rotation */
	return open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino &&
		(!S_ISREG(open_one.st_mode) || (uint64_t)open_one.st_size >= file->taken);
}

/* Reads what is there. False: the flow is over. */
static bool catch_up(struct tap_flow *flow, struct followed *file, int *code)
{
	ssize_t got;

	while (file->reader != NULL && !tap_signals_came()) {
		got = fill(file->fd, file->reader);
		if (got < 0 && errno != EAGAIN) {
			complain_at(flow, file->name, frame_reader_offset(file->reader), strerror(errno));
			frame_reader_destroy(&file->reader);
		}
		if (got <= 0)
			return true;
		file->taken += (uint64_t)got;
		if (!drain(flow, file->name, file->reader, code))
			return false;
	}
	return true;
}

static bool look(struct tap_flow *flow, struct followed *file, int *code)
{
	bool current;

	if (file->fd < 0)
		join(flow, file);
	if (file->fd < 0)
		return true;
	current = is_current(file);   /* first: what was written before the rotation is read after it */
	if (!catch_up(flow, file, code))
		return false;
	if (current)
		return true;
	if (file->reader != NULL && !frame_reader_is_whole(file->reader))
		complain_at(flow, file->name, frame_reader_offset(file->reader), "another file took its place inside a frame");
	leave(file);
	join(flow, file);
	return file->fd < 0 || catch_up(flow, file, code);
}

int tap_files_follow(struct tap_flow *flow, char **names, int count)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct followed *files = calloc((size_t)count, sizeof(*files));
	int code = EXIT_FINE;
	bool more = files != NULL;
	sigset_t waiting;

	for (int i = 0; more && i < count; i++)
		files[i] = (struct followed){ .name = names[i], .fd = -1 };
	tap_signals_block(&waiting);
	while (more && !tap_signals_came()) {
		for (int i = 0; more && i < count; i++)
			more = look(flow, &files[i], &code) && !tap_flow_is_over(flow);
		tap_flow_idle(flow);
		fflush(flow->printer.to);
		if (more)
			ppoll(NULL, 0, &pause, &waiting);
	}
	for (int i = 0; files != NULL && i < count; i++)
		leave(&files[i]);
	free(files);
	return files == NULL ? EXIT_UNREADABLE : code;
}
