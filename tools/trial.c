/* trial.c: a child that becomes the service's user, makes a directory, starts Unbound in it once or twice, and
 * tells. */
#include "tools/trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTED "start of service"      /* what Unbound says when all modules are set up */
#define OURS "unbound-verdict: "        /* what the library's own lines begin with */
#define HOME "/var/lib/unbound"         /* where AppArmor and SELinux let it read and write */
#define NAME "/verdict-trial.XXXXXX"
#define PATHS_MAX (2 * (size_t)PATH_MAX)

struct trial {
	const struct trial_order *order;
	char unbound[PATH_MAX], library[PATH_MAX];
	uid_t uid;
	gid_t gid;
	char user[64];            /* empty: nobody else */
	char directory[PATH_MAX];
};

/* What the child hands back, in one piece. */
struct outcome {
	enum trial_result result;
	struct program_run said;
	struct diag diag;
};

/* --- the order, read by the caller's rights */

/* Both end up in a configuration between quotes. */
static bool is_plain(const char *path)
{
	for (; *path != '\0'; path++)
		if (*path < ' ' || *path > '~' || *path == '"' || *path == '\\')
			return false;
	return true;
}

static int resolve(const char *path, char to[static PATH_MAX], struct diag *diag)
{
	if (realpath(path, to) == NULL)
		return diag_set(diag, path, 0, 0, "%m");
	return is_plain(to) ? 0 : diag_set(diag, path, 0, 0, "cannot be tried: its path has quotes or control characters");
}

static int find_user(struct trial *trial, const char *name, struct diag *diag)
{
	const struct passwd *entry = getpwnam(name);
	char *end;
	unsigned long number;

	if (entry == NULL) {
		errno = 0;
		number = strtoul(name, &end, 10);
		if (name[0] >= '0' && name[0] <= '9' && *end == '\0' && errno == 0 && number < (uid_t)-1)
			entry = getpwuid((uid_t)number);
	}
	if (entry == NULL || strlen(entry->pw_name) >= sizeof(trial->user))
		return diag_set(diag, "", 0, 0, "there is no user %.64s to try it as", name);
	trial->uid = entry->pw_uid;
	trial->gid = entry->pw_gid;
	strcpy(trial->user, entry->pw_name);
	if (geteuid() != 0 && geteuid() != trial->uid)
		return diag_set(diag, "", 0, 0, "only root can try it as %s", trial->user);
	return 0;
}

/* --- in the child */

static bool give_up_root(const struct trial *trial)
{
	if (trial->user[0] == '\0' || geteuid() != 0)
		return true;
	return initgroups(trial->user, trial->gid) == 0 && setresgid(trial->gid, trial->gid, trial->gid) == 0 &&
		setresuid(trial->uid, trial->uid, trial->uid) == 0;
}

/* Whoever may rename in the folder above decides what Unbound would read. */
static bool is_safe(const char *folder)
{
	struct stat found;

	if (stat(folder, &found) != 0 || !S_ISDIR(found.st_mode) || access(folder, W_OK | X_OK) != 0)
		return false;
	return (found.st_uid == geteuid() || found.st_uid == 0) &&
		((found.st_mode & S_ISVTX) || !(found.st_mode & (S_IWGRP | S_IWOTH)));
}

static int make_directory(struct trial *trial, struct diag *diag)
{
	const char *folder = getenv("TMPDIR");
	int length;

	if (folder == NULL || folder[0] != '/' || !is_plain(folder))
		folder = is_safe(HOME) ? HOME : "/tmp";
	length = snprintf(trial->directory, sizeof(trial->directory), "%s" NAME, folder);
	if (length < 0 || (size_t)length >= sizeof(trial->directory) || !is_safe(folder) ||
	    mkdtemp(trial->directory) == NULL) {
		trial->directory[0] = '\0';
		return diag_set(diag, folder, 0, 0, "no safe place for a trial (set TMPDIR)");
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *place)
{
	(void)found;
	(void)kind;
	(void)place;
	remove(path);
	return 0;
}

static void remove_directory(const struct trial *trial)
{
	if (trial->directory[0] != '\0')
		nftw(trial->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Newer Unbounds refuse port 0. Between this and Unbound's start somebody may take it; then neither start
 * succeeds. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t octets = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned port = 0;

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&address, &octets) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}

static int write_file(const struct trial *trial, const char *name, const char *text, char path[static PATH_MAX],
	struct diag *diag)
{
	const int length = snprintf(path, PATH_MAX, "%s/%s", trial->directory, name);
	FILE *file = length > 0 && length < PATH_MAX ? fopen(path, "we") : NULL;
	bool written;

	if (file == NULL)
		return diag_set(diag, trial->directory, 0, 0, "cannot be written to: %m");
	written = fputs(text, file) >= 0;
	if (fclose(file) != 0 || !written)
		return diag_set(diag, path, 0, 0, "cannot be written: %m");
	return 0;
}

static int configure(const struct trial *trial, bool with_library, char path[static PATH_MAX], struct diag *diag)
{
	char text[PATHS_MAX + 1024];
	int length = snprintf(text, sizeof(text), "server:\n"
		"\tdirectory: \"%s\"\n\tusername: \"\"\n\tchroot: \"\"\n\tpidfile: \"\"\n"
		"\tuse-syslog: no\n\tlogfile: \"\"\n\tverbosity: 1\n"
		"\tinterface: 127.0.0.1\n\tport: %u\n\tdo-ip6: no\n\tdo-udp: no\n\tincoming-num-tcp: 1\n"
		"\taccess-control: 0.0.0.0/0 deny\n\taccess-control: 127.0.0.0/8 deny\n"
		"\tnum-threads: 1\n\toutgoing-range: 16\n\tnum-queries-per-thread: 8\n"
		"\tmodule-config: \"%svalidator iterator\"\n"
		"remote-control:\n\tcontrol-enable: no\n", trial->directory, free_port(), with_library ? "dynlib " : "");

	if (length > 0 && (size_t)length < sizeof(text) && with_library)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "dynlib:\n\tdynlib-file: \"%s\"\n",
			trial->library);
	if (length < 0 || (size_t)length >= sizeof(text))
		return diag_set(diag, trial->directory, 0, 0, "its path is too long");
	return write_file(trial, "unbound.conf", text, path, diag);
}

/* An empty policy, found where the module looks first; and nothing that systemd told us is meant for the trial. */
static int prepare(const struct trial *trial, struct diag *diag)
{
	static const char *const systemd[] = { "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
		"WATCHDOG_USEC", "WATCHDOG_PID" };
	char text[PATH_MAX + 64], path[PATH_MAX];

	snprintf(text, sizeof(text), "verdict:\n\tstate-directory: \"%s\"\n", trial->directory);
	if (write_file(trial, "verdict.conf", text, path, diag) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(systemd) / sizeof(systemd[0]); i++)
		unsetenv(systemd[i]);
	return setenv("UNBOUND_VERDICT_CONF", path, 1) == 0 ? 0 : diag_set(diag, path, 0, 0, "out of memory");
}

/* The line that says most: the library's own, else the last. What Unbound writes before a message is left out. */
static const char *telling_line(const struct program_run *run)
{
	const char *found = run->line_count > 0 ? run->lines[run->line_count - 1] : NULL;

	for (unsigned i = run->line_count; i-- > 0;) {
		const char *ours = strstr(run->lines[i], OURS);

		if (ours != NULL)
			return ours;
	}
	return found;
}

static void tell(struct diag *diag, const char *unbound, const char *how, enum program_end end,
	const struct program_run *run)
{
	const char *line = telling_line(run);
	char manner[64] = "could not be started";

	switch (end) {
	case PROGRAM_ENDED:
		snprintf(manner, sizeof(manner), "ended with %d", run->status);
		break;
	case PROGRAM_CRASHED:
		snprintf(manner, sizeof(manner), "was ended by signal %d", run->status);
		break;
	case PROGRAM_LATE:
		snprintf(manner, sizeof(manner), "had not started in time");
		break;
	case PROGRAM_INTERRUPTED:
		snprintf(manner, sizeof(manner), "was interrupted");
		break;
	case PROGRAM_SAID_IT:
	case PROGRAM_NOT_RUN:
		break;
	}
	diag_set(diag, unbound, 0, 0, "tried %s, it %s%s%s", how, manner, line != NULL ? ": " : "",
		line != NULL ? line : "");
}

static enum program_end start_once(const struct trial *trial, bool with_library, struct program_run *run,
	struct diag *diag)
{
	char conf[PATH_MAX], unbound[PATH_MAX], stay[] = "-d", from[] = "-c";
	char *const argv[] = { unbound, stay, from, conf, NULL };

	strcpy(unbound, trial->unbound);
	if (configure(trial, with_library, conf, diag) != 0)
		return PROGRAM_NOT_RUN;
	return program_run(argv, STARTED, trial->order->seconds * 1000, run);
}

static enum trial_result try(struct trial *trial, struct outcome *outcome)
{
	struct diag *diag = &outcome->diag;
	struct program_run without;
	enum program_end end;

	if (!give_up_root(trial)) {
		diag_set(diag, "", 0, 0, "cannot become %s: %m", trial->user);
		return TRIAL_UNKNOWN;
	}
	/* Set here, since a change of user takes it away. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (chdir("/") != 0 || make_directory(trial, diag) != 0 || prepare(trial, diag) != 0)
		return TRIAL_UNKNOWN;
	end = start_once(trial, true, &outcome->said, diag);
	if (end == PROGRAM_SAID_IT)
		return TRIAL_STARTED;
	if (diag->text[0] != '\0')
		return TRIAL_UNKNOWN;
	tell(diag, trial->unbound, "with the library", end, &outcome->said);
	if (end == PROGRAM_INTERRUPTED || end == PROGRAM_NOT_RUN)
		return TRIAL_UNKNOWN;
	end = start_once(trial, false, &without, &outcome->diag);
	if (end == PROGRAM_SAID_IT)
		return TRIAL_REFUSED;
	tell(diag, trial->unbound, "without the library", end, &without);
	return TRIAL_UNKNOWN;
}

__attribute__((noreturn)) static void run_child(struct trial *trial, int to)
{
	struct outcome outcome = { .result = TRIAL_UNKNOWN };
	sigset_t heard;
	ssize_t written;

	/* They end the run early, and the directory goes away whatever comes. */
	sigemptyset(&heard);
	sigaddset(&heard, SIGINT);
	sigaddset(&heard, SIGTERM);
	sigaddset(&heard, SIGHUP);
	sigprocmask(SIG_BLOCK, &heard, NULL);
	outcome.result = try(trial, &outcome);
	remove_directory(trial);
	written = write(to, &outcome, sizeof(outcome));
	_exit(written == sizeof(outcome) ? 0 : 1);
}

/* --- in the caller */

static bool read_whole(int fd, void *to, size_t octets)
{
	size_t got = 0;

	while (got < octets) {
		const ssize_t more = read(fd, (char *)to + got, octets - got);

		if (more == 0 || (more < 0 && errno != EINTR))
			return false;
		got += more > 0 ? (size_t)more : 0;
	}
	return true;
}

static bool run_trial(struct trial *trial, struct outcome *outcome)
{
	int ends[2];
	pid_t child;
	bool got;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	child = fork();
	if (child == 0)
		run_child(trial, ends[1]);
	close(ends[1]);
	got = child > 0 && read_whole(ends[0], outcome, sizeof(*outcome));
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return got;
}

enum trial_result trial_run(const struct trial_order *order, struct program_run *said, struct diag *diag)
{
	struct trial trial = { .order = order };
	struct outcome outcome;

	memset(said, 0, sizeof(*said));
	if (resolve(order->unbound, trial.unbound, diag) != 0 || resolve(order->library, trial.library, diag) != 0 ||
	    (order->user != NULL && find_user(&trial, order->user, diag) != 0))
		return TRIAL_UNKNOWN;
	/* The child must not print again what waits here. */
	fflush(NULL);
	if (!run_trial(&trial, &outcome)) {
		diag_set(diag, order->unbound, 0, 0, "could not be tried: %m");
		return TRIAL_UNKNOWN;
	}
	*said = outcome.said;
	if (outcome.result != TRIAL_STARTED && diag != NULL)
		*diag = outcome.diag;
	return outcome.result;
}
