/*
 * file.h: a whole file in memory, read so that nobody who writes to it can hurt the process.
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

struct file_text {
	char *octets;     /* `length` of them and a NUL; may be changed; NULL once released */
	size_t length;
	int64_t modified; /* mtime, in seconds since 1970 */
};

/* Reads the file at `path`, at most `max_octets`. NULL on success: *text is then owned and needs file_release. Else a
 * constant text that says what is wrong and what would be right, for people, and *text is untouched. */
const char *file_load(struct file_text *text, const char *path, size_t max_octets);

void file_release(struct file_text *text);

#endif
