/* file.c: reading a whole file that others may be writing to. */
#include "policy/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char changed[] = "changed while it was read: write a new file and rename it over the old one";

static const char *explain_errno(int error)
{
	switch (error) {
	case ENOENT: return "does not exist";
	case ENOTDIR: return "does not exist: a part of its path is no directory";
	case EACCES: case EPERM: return "may not be read: let the user that reads it (the resolver's) read it";
	case ELOOP: return "is a link that leads to itself";
	case ENAMETOOLONG: return "has a name that is too long";
	case EMFILE: case ENFILE: return "cannot be opened: too many files are open";
	case ENXIO: return "is no regular file";
	case ENOMEM: return "does not fit into memory";
	default: return strerror(error);
	}
}

/* One octet more than the file: room for the NUL, and what tells a file that grew. */
static const char *read_octets(int fd, char *octets, size_t length)
{
	size_t used = 0;

	while (used <= length) {
		ssize_t got = read(fd, octets + used, length + 1 - used);

		if (got == 0)
			break;
		if (got > 0)
			used += (size_t)got;
		else if (errno != EINTR)
			return explain_errno(errno);
	}
	if (used != length)
		return changed;
	octets[length] = '\0';
	return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static const char *load(struct file_text *text, int fd, size_t max_octets)
{
	struct stat before, after;
	const char *wrong;
	size_t length;
	char *octets;

	if (fstat(fd, &before) != 0)
		return explain_errno(errno);
	if (S_ISDIR(before.st_mode))
		return "is a directory: name a file in it";
	if (!S_ISREG(before.st_mode))
		return "is no regular file";
	if (before.st_size < 0 || (uintmax_t)before.st_size > max_octets)
		return "is too large to be what it should be";
	length = (size_t)before.st_size;
	octets = mmap(NULL, length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (octets == MAP_FAILED)
		return explain_errno(ENOMEM);
	wrong = read_octets(fd, octets, length);
	if (wrong == NULL && (fstat(fd, &after) != 0 || !same_file(&before, &after)))
		wrong = changed;
	if (wrong != NULL) {
		munmap(octets, length + 1);
		return wrong;
	}
	text->octets = octets;
	text->length = length;
	text->modified = before.st_mtim.tv_sec;
	return NULL;
}

const char *file_load(struct file_text *text, const char *path, size_t max_octets)
{
	/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	const char *wrong;

	if (fd < 0)
		return explain_errno(errno);
	wrong = load(text, fd, max_octets);
	close(fd);
	return wrong;
}

void file_release(struct file_text *text)
{
	if (text->octets != NULL)
		munmap(text->octets, text->length + 1);
	text->octets = NULL;
	text->length = 0;
}
