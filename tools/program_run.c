/* program_run.c: one program, a pipe to it and a deadline. */
#include "tools/program_run.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 10        /* between two looks at whether it has ended */
#define GRACE_MS 3000     /* to end, once asked to */
#define LAST_PIECES 64    /* of its output, read after its end */
#define ROUNDS_MAX 100    /* of looking for what it left behind */
#define NO_EXEC 127

struct watched {
	struct program_run *run;
	const char *text;
	pid_t pid;
	int output;           /* nonblocking */
	size_t used;          /* of the line that is coming in, which lies behind the last whole one */
	char coming[PROGRAM_LINE_OCTETS];
	bool said;
	bool ended;
	int status;           /* as wait has it, once it has ended */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what it says */

static void keep_line(struct watched *watched)
{
	struct program_run *run = watched->run;

	watched->coming[watched->used] = '\0';
	watched->said |= strstr(watched->coming, watched->text) != NULL;
	if (watched->used == 0)
		return;
	if (run->line_count == PROGRAM_LINES_MAX)
		memmove(run->lines[0], run->lines[1], sizeof(run->lines[0]) * --run->line_count);
	memcpy(run->lines[run->line_count++], watched->coming, watched->used + 1);
	watched->used = 0;
}

static void take(struct watched *watched, const char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (octets[i] == '\n')
			keep_line(watched);
		else if (watched->used < sizeof(watched->coming) - 1)
			watched->coming[watched->used++] = octets[i] != '\0' ? octets[i] : '?';
	}
}

/* One piece at a time, so that a program that never stops talking cannot keep its reader from the clock. */
static bool listen_to(struct watched *watched)
{
	char octets[4096];
	const ssize_t got = read(watched->output, octets, sizeof(octets));

	if (got <= 0)
		return false;
	take(watched, octets, (size_t)got);
	return true;
}

/* --- its life */

static bool has_ended(struct watched *watched)
{
	if (!watched->ended)
		watched->ended = waitpid(watched->pid, &watched->status, WNOHANG) == watched->pid;
	return watched->ended;
}

static bool is_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
		sigismember(&pending, SIGHUP) == 1);
}

/* Until one of the things happened that end a run; false: the time was over. */
static bool wait_for_it(struct watched *watched, unsigned timeout_ms)
{
	const int64_t until = now_ms() + timeout_ms;
	struct pollfd ready = { .fd = watched->output, .events = POLLIN };

	while (!watched->said && !is_interrupted()) {
		if (now_ms() > until)
			return false;
		if (poll(&ready, 1, TICK_MS) > 0 && listen_to(watched))
			continue;
		/* A closed pipe is ready at once, always. */
		if (has_ended(watched))
			return true;
		if (ready.revents != 0)
			poll(NULL, 0, TICK_MS);
	}
	return true;
}

static pid_t parent_of(const char *pid)
{
	char path[64], text[512];
	const char *behind;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	/* "pid (name) state parent ...", and a name may hold anything. */
	behind = strrchr(text, ')');
	return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : -1;
}

/* How many there were. */
static unsigned end_children(void)
{
	DIR *all = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	if (all == NULL)
		return 0;
	while ((entry = readdir(all)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) || parent_of(entry->d_name) != getpid())
			continue;
		count++;
		kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
		waitpid((pid_t)strtol(entry->d_name, NULL, 10), NULL, WNOHANG);
	}
	closedir(all);
	return count;
}

/* What went into the background belongs to its reaper, one generation after the other as the elder ones end. */
static void end_background(void)
{
	for (unsigned round = 0; round < ROUNDS_MAX && end_children() > 0; round++)
		poll(NULL, 0, TICK_MS);
}

/* By its id, and what it has started with it. */
static void end_it(struct watched *watched)
{
	const int64_t until = now_ms() + GRACE_MS;

	if (!has_ended(watched))
		kill(watched->pid, SIGTERM);
	while (!has_ended(watched) && now_ms() < until)
		if (!listen_to(watched))
			poll(NULL, 0, TICK_MS);
	kill(-watched->pid, SIGKILL);
	if (!watched->ended)
		watched->ended = waitpid(watched->pid, &watched->status, 0) == watched->pid;
	end_background();
	for (unsigned i = 0; i < LAST_PIECES && listen_to(watched); i++)
		;
}

__attribute__((noreturn)) static void become(char *const *argv, int output)
{
	const int nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0)
		execv(argv[0], argv);
	_exit(NO_EXEC);
}

static int start(struct watched *watched, char *const *argv)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	/* The program writes as it is used to. */
	fcntl(ends[1], F_SETFL, 0);
	watched->pid = fork();
	if (watched->pid == 0)
		become(argv, ends[1]);
	close(ends[1]);
	if (watched->pid < 0) {
		close(ends[0]);
		return -1;
	}
	setpgid(watched->pid, watched->pid);
	watched->output = ends[0];
	return 0;
}

static enum program_end judge(const struct watched *watched, bool in_time, bool ended_by_itself)
{
	struct program_run *run = watched->run;

	if (WIFSIGNALED(watched->status) && (ended_by_itself || (WTERMSIG(watched->status) != SIGTERM &&
	    WTERMSIG(watched->status) != SIGKILL))) {
		run->status = WTERMSIG(watched->status);
		return PROGRAM_CRASHED;
	}
	if (watched->said)
		return PROGRAM_SAID_IT;
	if (ended_by_itself) {
		run->status = WEXITSTATUS(watched->status);
		return PROGRAM_ENDED;
	}
	return in_time ? PROGRAM_INTERRUPTED : PROGRAM_LATE;
}

enum program_end program_run(char *const *argv, const char *text, unsigned timeout_ms, struct program_run *run)
{
	struct watched watched = { .run = run, .text = text };
	bool in_time, by_itself;

	memset(run, 0, sizeof(*run));
	if (access(argv[0], X_OK) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || start(&watched, argv) != 0)
		return PROGRAM_NOT_RUN;
	in_time = wait_for_it(&watched, timeout_ms);
	by_itself = watched.ended;
	end_it(&watched);
	keep_line(&watched);
	close(watched.output);
	return judge(&watched, in_time, by_itself);
}
