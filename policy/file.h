/*
 * file.h: a whole file in memory, at once or piece by piece, read so that nobody who writes to it can hurt the
 * process.
 *
 * The file is copied, never mapped: a mapped file that somebody truncates would end the resolver with SIGBUS. Only
 * regular files are read (a FIFO would hang), and one that changes while it is read is refused. Links are followed.
 *
 * Threads: no shared state.
 */
#ifndef POLICY_FILE_H
#define POLICY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct file_text {
	char *octets;     /* `length` of them and a NUL; may be changed; NULL once released */
	size_t length;
	int64_t modified; /* mtime, in seconds since 1970 */
};

/* What is wrong with a file of more octets than the caller allows. */
extern const char file_too_large[];

/* Reads the file at `path`, at most `max_octets`. NULL on success: *text is then owned and needs file_release. Else a
 * constant text that says what is wrong and what would be right, for people, and *text is untouched. */
const char *file_load(struct file_text *text, const char *path, size_t max_octets);

void file_release(struct file_text *text);

/*
 * The same piece by piece: there is room for all of the file, but only what was read and not forgotten takes memory.
 */
struct file_stream {
	char *octets;       /* octets[0] to octets[filled - 1] were read; a NUL is behind them */
	size_t length;      /* of the whole file */
	size_t filled;
	size_t forgotten;   /* octets before it were given back and read as NULs, but for those kept */
	int fd;
	struct stat before;
};

/* Opens and reads nothing yet. As file_load; *stream is then owned and needs file_close. */
const char *file_open(struct file_stream *stream, const char *path, size_t max_octets);

/* Reads on. NULL, or what is wrong; the last piece says so when the file changed while it was read. */
const char *file_more(struct file_stream *stream);

/* Gives back what lies before `here`, but for the pieces in which `kept` (NULL: none) and what follows it lie. */
void file_forget(struct file_stream *stream, const char *here, const char *kept);

/* Gives back the last whole piece before `end`. */
void file_forget_piece(struct file_stream *stream, const char *end);

/* Reads all that is left. NULL: *text is then owned and *stream closed; else *text is untouched. */
const char *file_rest(struct file_stream *stream, struct file_text *text);

void file_close(struct file_stream *stream);

#endif
