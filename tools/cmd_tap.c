/* cmd_tap.c: `verdictctl tap`: frames from files, standard input or a socket. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/frame_print.h"
#include "tools/frame_read.h"
#include "tools/tap_listen.h"

#define PREFIX "unix:"

const char help_tap[] =
	"Usage: verdictctl tap [--json] [--count N] [FILE... | -]\n"
	"       verdictctl tap [--json] [--count N] --listen unix:PATH [--socket-mode MODE]\n"
	"\n"
	"Examples:\n"
	"  verdictctl tap frames.fs                     what a file holds\n"
	"  verdictctl tap --json frames.fs.1 frames.fs | jq 'select(.verdict.verdict != \"allow\")'\n"
	"  ssh resolver cat frames.fs | verdictctl tap - | grep 3f2a9c1b7d40.1.17\n"
	"                                               the frame whose number a user read out of an error\n"
	"  sudo -u unbound verdictctl tap --listen unix:/run/unbound/verdict.sock\n"
	"                                               live; the path is `socket-path:` of verdict.conf\n"
	"\n"
	"Prints one line for each dnstap frame: time, client, transport, how the answer came about, name, type,\n"
	"response code, verdict with list and rule, the frame's number, and how long the answer took.\n"
	"\n"
	"Options:\n"
	"  -j, --json             one JSON object per line, with everything that the frame carries\n"
	"  -n, --count N          stop after N frames\n"
	"  -l, --listen unix:PATH be a collector: wait for senders, any number of them, until interrupted\n"
	"  -m, --socket-mode MODE permissions of that socket, octal (default 660)\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 2 wrong usage; 3 a file cannot be read, is damaged or is cut inside a frame (what could be\n"
	"read was printed), or the socket cannot be made.\n";

struct tap_arguments {
	bool json;
	uint64_t count;
	const char *listen;
	mode_t mode;
};

static int parse_count(const struct command *command, const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || *count == 0)
		return command_misuse(command, "--count takes a number from 1");
	return EXIT_FINE;
}

static int parse_mode(const struct command *command, const char *text, mode_t *mode)
{
	char *end;
	unsigned long value = strtoul(text, &end, 8);

	if (*text < '0' || *text > '7' || *end != '\0' || value > 0777)
		return command_misuse(command, "--socket-mode takes octal permissions, such as 660");
	*mode = (mode_t)value;
	return EXIT_FINE;
}

static int parse_listen(const struct command *command, const char *text, const char **path)
{
	if (strncmp(text, PREFIX, sizeof(PREFIX) - 1) != 0 || text[sizeof(PREFIX) - 1] == '\0')
		return command_misuse(command, "--listen takes unix:PATH, such as unix:/run/unbound/verdict.sock");
	*path = text + sizeof(PREFIX) - 1;
	return EXIT_FINE;
}

/* EXIT_FINE: go on with *arguments; -1: help was printed. */
static int parse(const struct command *command, int argc, char **argv, struct tap_arguments *arguments)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "count", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' }, { "socket-mode", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int option, code = EXIT_FINE;

	while (code == EXIT_FINE && (option = command_option(command, argc, argv, ":jn:l:m:h", options)) != -1) {
		switch (option) {
		case 'j':
			arguments->json = true;
			break;
		case 'n':
			code = parse_count(command, optarg, &arguments->count);
			break;
		case 'l':
			code = parse_listen(command, optarg, &arguments->listen);
			break;
		case 'm':
			code = parse_mode(command, optarg, &arguments->mode);
			break;
		case 'h':
			return -1;
		default:
			return EXIT_USAGE;
		}
	}
	return code;
}

static void complain(const char *file, uint64_t offset, const char *what)
{
	char safe[256];

	term_escape(safe, sizeof(safe), file, strlen(file));
	fflush(stdout);
	fprintf(stderr, "verdictctl: %s: octet %" PRIu64 ": %s\n", safe, offset, what);
}

/* The frame just handed out began before the reader's offset. */
static enum print_result print_one(struct frame_printer *printer, const char *file, struct frame_reader *reader,
	const struct frame_view *frame, int *code)
{
	enum print_result result = frame_print(printer, frame->octets, frame->length);

	if (result == PRINT_UNDECODABLE) {
		complain(file, frame_reader_offset(reader) - frame->length, "this frame is no dnstap message; it is left out");
		*code = EXIT_UNREADABLE;
	}
	return result;
}

/* Prints what the reader holds. False: no more of this file. */
static bool drain(struct frame_printer *printer, const char *file, struct frame_reader *reader, int *code)
{
	enum print_result result = PRINT_DONE;
	struct frame_view frame;

	for (;;) {
		switch (frame_reader_next(reader, &frame)) {
		case FRAME_MORE:
			return true;
		case FRAME_DATA:
			result = print_one(printer, file, reader, &frame, code);
			if (result == PRINT_ENOUGH || result == PRINT_FAILED)
				return false;
			break;
		case FRAME_READY:
		case FRAME_START:
		case FRAME_STOP:
			break;
		case FRAME_BAD:
			complain(file, frame_reader_offset(reader), frame_reader_error(reader));
			*code = EXIT_UNREADABLE;
			return false;
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
static int at_end(const char *file, const struct frame_reader *reader)
{
	const char *missing = frame_reader_end(reader);

	if (missing == NULL)
		return EXIT_FINE;
	complain(file, frame_reader_offset(reader), missing);
	return frame_reader_is_whole(reader) ? EXIT_FINE : EXIT_UNREADABLE;
}

static int print_stream(struct frame_printer *printer, const char *file, int fd)
{
	struct frame_reader *reader = frame_reader_create();
	int code = EXIT_FINE;
	ssize_t got = -1;
	bool more = reader != NULL;

	while (more && (got = fill(fd, reader)) > 0)
		more = drain(printer, file, reader, &code);
	if (more && got == 0 && code == EXIT_FINE)
		code = at_end(file, reader);
	if (got < 0) {
		complain(file, reader != NULL ? frame_reader_offset(reader) : 0, strerror(errno));
		code = EXIT_UNREADABLE;
	}
	frame_reader_destroy(&reader);
	return code;
}

static bool has_enough(const struct frame_printer *printer)
{
	return ferror(printer->to) || (printer->limit != 0 && printer->printed >= printer->limit);
}

static int print_file(struct frame_printer *printer, const char *file)
{
	bool is_stdin = strcmp(file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	int code;

	if (fd < 0) {
		complain(file, 0, strerror(errno));
		return EXIT_UNREADABLE;
	}
	code = print_stream(printer, is_stdin ? "standard input" : file, fd);
	if (!is_stdin)
		close(fd);
	return code;
}

int cmd_tap(const struct command *command, int argc, char **argv)
{
	struct tap_arguments arguments = { .mode = 0660 };
	struct frame_printer printer = { .to = stdout };
	int code = parse(command, argc, argv, &arguments), worst = EXIT_FINE;

	if (code != EXIT_FINE)
		return code < 0 ? EXIT_FINE : code;
	if (arguments.listen != NULL && optind < argc)
		return command_misuse(command, "either files or --listen, not both");
	if (arguments.listen == NULL && optind == argc && isatty(STDIN_FILENO))
		return command_misuse(command, "name a file, '-' for standard input, or --listen unix:PATH");
	printer.json = arguments.json;
	printer.limit = arguments.count;
	term_init(&printer.term, STDOUT_FILENO);
	if (arguments.listen != NULL) {
		printer.live = true;
		return tap_listen(&printer, arguments.listen, arguments.mode);
	}
	if (optind == argc)
		return print_file(&printer, "-");
	for (int i = optind; i < argc && !has_enough(&printer); i++) {
		code = print_file(&printer, argv[i]);
		worst = code > worst ? code : worst;
	}
	return worst;
}
