/*
 * file_out.c: Frame Streams files on disk, one after the other.
 */
#include "dnstap/file_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnstap/spool_segment.h"

#define FILE_MODE 0640

struct file_out {
	char *path;
	unsigned keep;
	int fd;                     /* -1: none */
	int ended;                  /* the file before, kept until it is synced; -1: none */
	bool dirty;
	bool syncs;                 /* somebody asks for what is dirty */
	uint64_t octets;
	struct segment_ends ends;
};

struct file_out *file_out_create(const char *path, const char *content_type, unsigned keep)
{
	struct file_out *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->fd = file->ended = -1;
	file->keep = keep > 0 ? keep : 1;
	file->path = strdup(path);
	if (file->path && segment_make_ends(&file->ends, content_type))
		return file;
	file_out_destroy(&file);
	errno = ENOMEM;
	return NULL;
}

void file_out_destroy(struct file_out **file)
{
	if (!*file)
		return;
	file_out_cut(*file);
	if ((*file)->ended >= 0)
		close((*file)->ended);
	free((*file)->path);
	free(*file);
	*file = NULL;
}

/* Renames FILE.n to FILE.n+1; `number` 0 is FILE. A step that is not there is no error. */
static int shift(const struct file_out *file, unsigned number)
{
	char *from = NULL, *to = NULL;
	int result = -1;

	if ((number == 0 ? asprintf(&from, "%s", file->path) : asprintf(&from, "%s.%u", file->path, number)) < 0)
		from = NULL;
	if (asprintf(&to, "%s.%u", file->path, number + 1) < 0)
		to = NULL;
	if (from && to)
		result = rename(from, to) == 0 || errno == ENOENT ? 0 : -1;
	free(from);
	free(to);
	return result;
}

/* Nothing but START and perhaps STOP: to keep it would push out files that have frames. */
static bool is_empty(const struct file_out *file, off_t size)
{
	uint8_t octets[2 * SEGMENT_CONTROL_MAX];
	size_t start = file->ends.start_octets, stop = file->ends.stop_octets;
	int fd = size == (off_t)start || size == (off_t)(start + stop)
		? open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	ssize_t got = fd < 0 ? -1 : read(fd, octets, sizeof(octets));

	if (fd >= 0)
		close(fd);
	return got == (ssize_t)size && memcmp(octets, file->ends.start, start) == 0
		&& (got == (ssize_t)start || memcmp(octets + start, file->ends.stop, stop) == 0);
}

/* Only a file of ours or of an operator is moved; -1 with errno for anything else at the path. */
static int move_old(const struct file_out *file)
{
	struct stat status;
	unsigned number;

	if (lstat(file->path, &status) != 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : S_ISLNK(status.st_mode) ? ELOOP : EINVAL;
		return -1;
	}
	if (is_empty(file, status.st_size))
		return unlink(file->path);
	for (number = file->keep; number-- > 0;)
		if (shift(file, number) != 0)
			return -1;
	return 0;
}

int file_out_begin(struct file_out *file)
{
	ssize_t done;

	file_out_end(file);
	if (move_old(file) != 0)
		return -1;
	/* O_EXCL: who puts a file there between the two calls does not get our frames. */
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (file->fd < 0)
		return -1;
	file->octets = 0;
	done = file_out_write(file, file->ends.start, file->ends.start_octets);
	if (done == (ssize_t)file->ends.start_octets)
		return 0;
	/* No room even for this: nothing is lost with it. */
	int error = done < 0 ? errno : ENOSPC;
	close(file->fd);
	file->fd = -1;
	(void)unlink(file->path);
	errno = error;
	return -1;
}

void file_out_end(struct file_out *file)
{
	if (file->fd < 0)
		return;
	(void)file_out_write(file, file->ends.stop, file->ends.stop_octets);
	file_out_cut(file);
}

void file_out_cut(struct file_out *file)
{
	if (file->fd < 0)
		return;
	if (file->dirty && file->syncs && file->ended < 0)
		file->ended = file->fd;
	else
		close(file->fd);
	file->fd = -1;
	file->dirty = false;
}

bool file_out_is_open(const struct file_out *file)
{
	return file->fd >= 0;
}

bool file_out_is_removed(const struct file_out *file)
{
	struct stat status;

	return file->fd >= 0 && fstat(file->fd, &status) == 0 && status.st_nlink == 0;
}

ssize_t file_out_write(struct file_out *file, const uint8_t *octets, size_t count)
{
	size_t taken = 0;

	while (taken < count) {
		ssize_t done = write(file->fd, octets + taken, count - taken);

		if (done < 0 && errno == EINTR)
			continue;
		/* A fault behind a part of it comes again with the rest. */
		if (done < 0 && errno != ENOSPC && errno != EDQUOT && errno != EAGAIN && taken == 0)
			return -1;
		if (done <= 0)
			break;
		taken += (size_t)done;
	}
	file->octets += taken;
	file->dirty |= taken > 0;
	return (ssize_t)taken;
}

bool file_out_retreat(struct file_out *file, size_t octets)
{
	if (octets > file->octets || ftruncate(file->fd, (off_t)(file->octets - octets)) != 0)
		return false;
	file->octets -= octets;
	return true;
}

bool file_out_has_frames(const struct file_out *file)
{
	return file->octets > file->ends.start_octets;
}

unsigned file_out_take_dirty(struct file_out *file, int *files)
{
	unsigned count = 0;

	file->syncs = true;
	if (file->ended >= 0)
		files[count++] = file->ended;
	file->ended = -1;
	if (file->fd < 0 || !file->dirty || (files[count] = fcntl(file->fd, F_DUPFD_CLOEXEC, 0)) < 0)
		return count;
	file->dirty = false;
	return count + 1;
}

uint64_t file_out_size(const struct file_out *file)
{
	return file->octets;
}
