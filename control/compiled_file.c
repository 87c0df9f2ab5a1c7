/* compiled_file.c: opens and replaces the compiled policy. */
#include "control/compiled_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/compiled.h"

#define MODE 0640

char *compiled_file_path(const struct conf *conf)
{
	char *path;

	if (conf->live.compiled_policy != NULL)
		return strdup(conf->live.compiled_policy);
	return asprintf(&path, "%s/" COMPILED_FILE_NAME, conf->state_directory) < 0 ? NULL : path;
}

/* --- what it is made of ----------------------------------------------------------------------------------------- */

static const char *path_of(void *arg, size_t index)
{
	return stamps_path(arg, index);
}

/* all: owned by the caller then. False: no memory. */
static bool sources_of(const struct stamps *stamps, struct compiled_source **all, struct compiled_sources *sources)
{
	const size_t count = stamps_count(stamps);

	*all = calloc(count + 1, sizeof(**all));
	if (*all == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct stamp_marks marks = stamps_marks(stamps, i);

		(*all)[i] = (struct compiled_source){ marks.inode, marks.octets, marks.content_ns, marks.node_ns };
	}
	*sources = (struct compiled_sources){ .all = *all, .count = count, .path = path_of,
		.arg = (void *)(uintptr_t)stamps };
	return true;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static int check_trust(int fd, const char *path, struct diag *diag)
{
	struct stat info;

	if (fstat(fd, &info) != 0)
		return diag_set(diag, path, 0, 0, "%s", strerror(errno));
	if (!S_ISREG(info.st_mode))
		return diag_set(diag, path, 0, 0, "is no regular file");
	if (info.st_uid != 0 && info.st_uid != geteuid())
		return diag_set(diag, path, 0, 0, "belongs to user %u: it must be root's or this resolver's own (user %u)",
			(unsigned)info.st_uid, (unsigned)geteuid());
	if ((info.st_mode & (S_IWGRP | S_IWOTH | S_IROTH)) != 0)
		return diag_set(diag, path, 0, 0, "has mode %04o: nobody but its owner may write to it, and others may not "
			"read it (0640)", (unsigned)(info.st_mode & 07777));
	return 0;
}

/* -1 with *diag set, or without a text when there is no file. */
static int open_file(const char *path, struct diag *diag)
{
	/* Not to wait for whoever writes to a FIFO. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && check_trust(fd, path, diag) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	else if (errno == ELOOP)
		diag_set(diag, path, 0, 0, "is a link");
	else if (errno != ENOENT && errno != ENOTDIR)
		diag_set(diag, path, 0, 0, "%s", strerror(errno));
	return -1;
}

struct snapshot *compiled_file_load(const char *path, const struct compiled_file_order *order,
	struct build_report *report, struct diag *diag)
{
	struct compiled_sources sources;
	struct compiled_source *all;
	struct snapshot *snapshot = NULL;
	int fd;

	*report = (struct build_report){ .list_count = 0 };
	diag->text[0] = '\0';
	fd = open_file(path, diag);
	if (fd < 0)
		return NULL;
	if (sources_of(order->stamps, &all, &sources)) {
		const struct compiled_order read_order = { .fd = fd, .path = path, .conf = order->conf,
			.sources = &sources, .before = order->before, .now = order->now };

		snapshot = compiled_read(&read_order, report, diag);
		free(all);
	} else {
		diag_set(diag, path, 0, 0, "out of memory");
	}
	close(fd);
	return snapshot;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* -1: no such folder. */
static int open_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	const int fd = folder != NULL ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	free(folder);
	return fd;
}

/* What root writes is for a resolver that is not root: its group is that of the folder, as a folder with the set-group
 * bit would have it. A root that may not do that writes for itself. */
static int give_group(int fd, int folder)
{
	struct stat info;

	if (geteuid() != 0)
		return 0;
	return fstat(folder, &info) == 0 && (fchown(fd, (uid_t)-1, info.st_gid) == 0 || errno == EPERM) ? 0 : -1;
}

/* The rename is to outlive a crash, too. */
static int replace(const char *from, int fd, const char *path, struct diag *diag)
{
	const int folder = open_folder(path);
	int result = 0;

	if (folder < 0 || give_group(fd, folder) != 0 || fchmod(fd, MODE) != 0 || fsync(fd) != 0 ||
	    rename(from, path) != 0 || fsync(folder) != 0)
		result = diag_set(diag, path, 0, 0, "cannot be put in place: %s", strerror(errno));
	if (folder >= 0)
		close(folder);
	return result;
}

int compiled_file_save(const char *path, const struct snapshot *snapshot, const struct build_report *report,
	const struct stamps *stamps, uint64_t *octets, struct diag *diag)
{
	struct compiled_source *all = NULL;
	struct compiled_sources sources;
	char *temporary;
	int fd, result;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return diag_set(diag, path, 0, 0, "out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		result = diag_set(diag, path, 0, 0, "cannot be written: %s", strerror(errno));
	else if (!sources_of(stamps, &all, &sources))
		result = diag_set(diag, path, 0, 0, "out of memory");
	else
		result = compiled_write(fd, path, snapshot, report, &sources, octets, diag);
	if (result == 0)
		result = replace(temporary, fd, path, diag);
	if (fd >= 0) {
		close(fd);
		if (result != 0)
			unlink(temporary);
	}
	free(all);
	free(temporary);
	return result;
}
