/*
 * directory.h: a directory of a test's own, and files in it that are damaged on purpose.
 */
#ifndef TESTS_DIRECTORY_H
#define TESTS_DIRECTORY_H

#include <stdint.h>
#include <sys/types.h>

struct directory {
	int fd;
	char path[64];
};

struct directory directory_make(void);

/* With everything in it. */
void directory_remove(struct directory *directory);

void directory_forget(struct directory *directory, const char *name);
unsigned directory_mode(struct directory *directory, const char *name);
off_t directory_size(struct directory *directory, const char *name);
void directory_poke(struct directory *directory, const char *name, off_t offset, uint8_t octet);
/* Overwrites, or makes a file of mode 0600. */
void directory_write(struct directory *directory, const char *name, off_t offset, const void *octets, size_t count);
void directory_cut(struct directory *directory, const char *name, off_t size);

/* How many files have names that begin so? */
unsigned directory_count(struct directory *directory, const char *prefix);

/* Sets the first octet of the `nth` (from 0) 32-bit number in the file that is `value`. */
void directory_poke_where(struct directory *directory, const char *name, uint32_t value, unsigned nth, uint8_t octet);

#endif
