/*
 * file_out.h: Frame Streams files on disk, one after the other.
 *
 * What stands at the path when a file is begun becomes FILE.1 (unless it has no frames: then it is replaced), and that FILE.2, up to a number; a link or anything else
 * that is no file is refused. A file that is ended has STOP behind its frames; one without is of a process that runs or
 * was killed. Mode 0640.
 *
 * Threads: one at a time.
 */
#ifndef DNSTAP_FILE_OUT_H
#define DNSTAP_FILE_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file_out;

/* `keep` old files, at least 1. `path` is copied. Owned; NULL: no memory. */
struct file_out *file_out_create(const char *path, const char *content_type, unsigned keep);

/* Closes the file without STOP when it is still open. */
void file_out_destroy(struct file_out **file);

/* Begins the next file. -1 with errno. */
int file_out_begin(struct file_out *file);

/* Ends the file with STOP. */
void file_out_end(struct file_out *file);
bool file_out_is_open(const struct file_out *file);

/* Appends; what a full disk does not take can be offered again from there: returns how much was taken. -1 with errno:
 * another fault. */
ssize_t file_out_write(struct file_out *file, const uint8_t *octets, size_t count);

/* Takes the last `octets` back, which are a part of a frame. False: that can not be done. */
bool file_out_retreat(struct file_out *file, size_t octets);

/* Closes the file as it is. */
void file_out_cut(struct file_out *file);

/* Has somebody removed the open file? What is written to it then, nobody can read. */
bool file_out_is_removed(const struct file_out *file);

/* Octets in the open file; and is there any frame? */
uint64_t file_out_size(const struct file_out *file);
bool file_out_has_frames(const struct file_out *file);

/* Descriptors, owned by the caller, of files that were written to since it was last asked: the open one, and the one
 * that was ended last. Returns how many. */
#define FILE_OUT_DIRTY_MAX 2u
unsigned file_out_take_dirty(struct file_out *file, int *files);

#endif
