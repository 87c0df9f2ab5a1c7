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

/* Whole pages, also where those have 64 KiB. */
#define PIECE_OCTETS ((size_t)1 << 16)

const char file_too_large[] = "is too large to be what it should be";
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

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* NULL, or what is wrong with it; then the caller closes the file. */
static const char *prepare(struct file_stream *stream, size_t max_octets)
{
	const struct stat *info = &stream->before;

	if (fstat(stream->fd, &stream->before) != 0)
		return explain_errno(errno);
	if (S_ISDIR(info->st_mode))
		return "is a directory: name a file in it";
	if (!S_ISREG(info->st_mode))
		return "is no regular file";
	if (info->st_size < 0 || (uintmax_t)info->st_size > max_octets)
		return file_too_large;
	stream->length = (size_t)info->st_size;
	/* Small pages: what is given back must not be part of a huge one. */
	stream->octets = mmap(NULL, stream->length + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stream->octets == MAP_FAILED)
		return explain_errno(ENOMEM);
	(void)madvise(stream->octets, stream->length + 1, MADV_NOHUGEPAGE);
	return NULL;
}

const char *file_open(struct file_stream *stream, const char *path, size_t max_octets)
{
	struct file_stream opened = { .octets = NULL };
	const char *wrong;

	/* O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. */
	opened.fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (opened.fd < 0)
		return explain_errno(errno);
	wrong = prepare(&opened, max_octets);
	if (wrong != NULL)
		close(opened.fd);
	else
		*stream = opened;
	return wrong;
}

void file_close(struct file_stream *stream)
{
	if (stream->octets == NULL)
		return;
	munmap(stream->octets, stream->length + 1);
	close(stream->fd);
	stream->octets = NULL;
}

/* Reads up to octet `to`, which may be one more than the file has: what tells a file that grew. */
static const char *read_to(struct file_stream *stream, size_t to)
{
	while (stream->filled < to) {
		ssize_t got = read(stream->fd, stream->octets + stream->filled, to - stream->filled);

		if (got == 0)
			break;
		if (got > 0)
			stream->filled += (size_t)got;
		else if (errno != EINTR)
			return explain_errno(errno);
	}
	return NULL;
}

const char *file_more(struct file_stream *stream)
{
	size_t left = stream->length - stream->filled;
	struct stat after;
	const char *wrong;

	if (left > PIECE_OCTETS) {
		size_t to = stream->filled + PIECE_OCTETS;

		wrong = read_to(stream, to);
		return wrong == NULL && stream->filled < to ? changed : wrong;
	}
	wrong = read_to(stream, stream->length + 1);
	if (wrong != NULL)
		return wrong;
	if (stream->filled != stream->length || fstat(stream->fd, &after) != 0 ||
	    !same_file(&stream->before, &after)) {
		stream->filled = stream->filled < stream->length ? stream->filled : stream->length;
		return changed;
	}
	stream->octets[stream->length] = '\0';
	return NULL;
}

void file_forget(struct file_stream *stream, const char *here, const char *kept)
{
	size_t end = (size_t)(here - stream->octets) / PIECE_OCTETS * PIECE_OCTETS;
	size_t from = kept == NULL ? SIZE_MAX : (size_t)(kept - stream->octets) / PIECE_OCTETS * PIECE_OCTETS;

	for (; stream->forgotten < end; stream->forgotten += PIECE_OCTETS)
		if (stream->forgotten != from && stream->forgotten != from + PIECE_OCTETS)
			(void)madvise(stream->octets + stream->forgotten, PIECE_OCTETS, MADV_DONTNEED);
}

void file_forget_piece(struct file_stream *stream, const char *end)
{
	size_t to = (size_t)(end - stream->octets) / PIECE_OCTETS * PIECE_OCTETS;

	if (to >= PIECE_OCTETS)
		(void)madvise(stream->octets + to - PIECE_OCTETS, PIECE_OCTETS, MADV_DONTNEED);
}

const char *file_rest(struct file_stream *stream, struct file_text *text)
{
	const char *wrong;

	do
		wrong = file_more(stream);
	while (wrong == NULL && stream->filled < stream->length);
	if (wrong != NULL)
		return wrong;
	close(stream->fd);
	text->octets = stream->octets;
	text->length = stream->length;
	text->modified = stream->before.st_mtim.tv_sec;
	stream->octets = NULL;
	return NULL;
}

const char *file_load(struct file_text *text, const char *path, size_t max_octets)
{
	struct file_stream stream;
	const char *wrong = file_open(&stream, path, max_octets);

	if (wrong != NULL)
		return wrong;
	wrong = file_rest(&stream, text);
	file_close(&stream);
	return wrong;
}

void file_release(struct file_text *text)
{
	if (text->octets != NULL)
		munmap(text->octets, text->length + 1);
	text->octets = NULL;
	text->length = 0;
}
