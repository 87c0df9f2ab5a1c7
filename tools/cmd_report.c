/* cmd_report.c: `verdictctl report`: options, and the page into a file. */
#include "tools/verdictctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/coverage.h"
#include "store/shelf.h"
#include "tools/hunt.h"
#include "tools/report.h"

#define STEPS_MAX 96
#define WEEK_MS (INT64_C(7) * 86400000)

const char help_report[] =
	"Usage: verdictctl report [OPTION...]\n"
	"\n"
	"Examples:\n"
	"  verdictctl report -o week.html                               the last seven days\n"
	"  verdictctl report --from yesterday --to yesterday -o y.html  one day\n"
	"  verdictctl report --navigator layer.json -o week.html        and a layer for the ATT&CK Navigator\n"
	"\n"
	"Makes one HTML page of the day files of `verdictctl collect`: verdicts over time, lists and detectors, ATT&CK\n"
	"techniques, new domains, clients, denials that may be mistakes, and how complete the record is. The page loads\n"
	"nothing and has no script. The same day files and times give the same page.\n"
	"\n"
	"Options:\n"
	"  -f, --from TIME        2h, 7d (ago), yesterday, 2026-11-21, 2026-11-21T10:00:00Z (default 7d)\n"
	"  -t, --to TIME          the same, to its end (default: now); both go to the whole minute around them\n"
	"  -o, --output FILE      where the page goes (default: standard output)\n"
	"  -n, --navigator FILE   a layer of the techniques, too\n"
	"  -p, --popular FILE     popular names, one on a line or as `rank,name`: rules that refuse one may be mistakes\n"
	"  -D, --directory DIR    where day files are (default " HUNT_DIRECTORY ")\n"
	"  -h, --help             this text\n"
	"\n"
	"Exit: 0 fine; 2 wrong usage; 3 something cannot be read (the page says so, and has the rest) or written.\n";

static const struct option options[] = {
	{ "from", required_argument, NULL, 'f' }, { "to", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' }, { "navigator", required_argument, NULL, 'n' },
	{ "popular", required_argument, NULL, 'p' },
	{ "directory", required_argument, NULL, 'D' }, { "state", required_argument, NULL, 'D' },
	{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

struct wanted {
	const char *directory, *output, *navigator, *popular;
	int64_t from_ms, to_ms;
};

/* Said at once, and once on the page. */
static void tell(void *arg, const char *text)
{
	struct report *report = arg;

	for (unsigned i = 0; i < report->left_out_count; i++)
		if (strcmp(report->left_out[i], text) == 0)
			return;
	fprintf(stderr, "verdictctl: %s\n", text);
	if (report->left_out_count < REPORT_FILES_MAX)
		snprintf(report->left_out[report->left_out_count++], sizeof(report->left_out[0]), "%s", text);
}

/* A page tells what people asked: others may not read it. NULL: standard output. */
static int write_out(const char *path, const char *text, size_t octets, struct diag *diag)
{
	int fd = path == NULL ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	size_t done = 0;
	int error = fd < 0 ? errno : 0;

	while (error == 0 && done < octets) {
		ssize_t written = write(fd, text + done, octets - done);

		if (written > 0)
			done += (size_t)written;
		else if (written < 0 && errno != EINTR)
			error = errno;
	}
	if (fd > STDERR_FILENO && close(fd) != 0 && error == 0)
		error = errno;
	if (error == 0 || (path == NULL && error == EPIPE))
		return 0;
	return diag_set(diag, path == NULL ? "standard output" : path, 0, 0, "cannot be written: %s", strerror(error));
}

/* Made in memory first: what fails half-way leaves a former page alone. */
static int make(struct report *report, const char *path, int (*write)(struct report *report))
{
	char *text = NULL;
	size_t octets = 0;
	int result;

	report->to = open_memstream(&text, &octets);
	if (report->to == NULL)
		return diag_set(&report->diag, path, 0, 0, "no memory");
	result = write(report);
	if (fclose(report->to) != 0 && result == 0)
		result = diag_set(&report->diag, path, 0, 0, "no memory");
	if (result == 0)
		result = write_out(path, text, octets, &report->diag);
	free(text);
	return result;
}

static int make_all(struct report *report, const struct wanted *wanted)
{
	const struct query_options query_options = { .directory = wanted->directory, .from_ms = report->from_s * 1000,
		.to_ms = report->to_s * 1000 - 1, .tell = tell, .arg = report };
	int result;

	report->query = query_open(&query_options, &report->diag);
	if (report->query == NULL)
		return -1;
	report->aside = shelf_tell_aside(wanted->directory, report->from_s, report->to_s - 1, tell, report);
	result = digest_fill(report->query, report->step_s, &report->diag);
	if (result == 0)
		result = coverage_fill(report->query, &report->diag);
	if (result == 0)
		result = report_read_popular(report, wanted->popular);
	if (result == 0)
		result = make(report, wanted->output, report_page);
	if (result == 0 && wanted->navigator != NULL)
		result = make(report, wanted->navigator, report_layer);
	report->passed_over = query_passed_over(report->query);
	query_close(&report->query);
	return result;
}

static int run(const struct wanted *wanted)
{
	struct report *report = calloc(1, sizeof(*report));
	int code = EXIT_FINE;

	if (report == NULL) {
		fputs("verdictctl: no memory\n", stderr);
		return EXIT_UNREADABLE;
	}
	report->from_s = wanted->from_ms / DIGEST_MINUTE_MS * 60;
	report->to_s = (wanted->to_ms + DIGEST_MINUTE_MS) / DIGEST_MINUTE_MS * 60;
	report->step_s = report_step_for(report, STEPS_MAX);
	if (make_all(report, wanted) != 0)
		code = command_fail(EXIT_UNREADABLE, &report->diag);
	else if (report->passed_over > 0 || report->aside > 0)
		code = EXIT_UNREADABLE;
	free(report);
	return code;
}

static bool take(struct wanted *wanted, int option, int64_t now_ms)
{
	switch (option) {
	case 'f':
		return hunt_time(optarg, now_ms, false, &wanted->from_ms);
	case 't':
		return hunt_time(optarg, now_ms, true, &wanted->to_ms);
	case 'o':
		wanted->output = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return true;
	case 'n':
		wanted->navigator = optarg;
		return true;
	case 'p':
		wanted->popular = optarg;
		return true;
	case 'D':
		wanted->directory = optarg;
	}
	return true;
}

int cmd_report(const struct command *command, int argc, char **argv)
{
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	struct wanted wanted = { .directory = HUNT_DIRECTORY, .from_ms = now_ms - WEEK_MS, .to_ms = now_ms };
	int option;

	while ((option = command_option(command, argc, argv, ":f:t:o:n:p:D:h", options)) != -1) {
		if (option == 'h')
			return EXIT_FINE;
		if (option == '?')
			return EXIT_USAGE;
		if (!take(&wanted, option, now_ms))
			return command_misuse(command, "that is no time; write 2h, yesterday, 2026-11-21 or 2026-11-21T10:00:00Z");
	}
	if (optind != argc)
		return command_misuse(command, "it takes options only");
	if (wanted.from_ms > wanted.to_ms || wanted.from_ms < 0)
		return command_misuse(command, "--from is behind --to, or before 1970");
	return run(&wanted);
}
