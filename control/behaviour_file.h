/*
 * behaviour_file.h: what detectors remember, and the flags in force, over restarts: DIRECTORY/detectors.
 *
 * Written beside (mode 0600: it holds the key of all hashes) and renamed, so that it is always whole; its form is that
 * of detect/saved.h with the flags behind. A file that is damaged is renamed to `detectors.damaged`.
 *
 * Threads: one at a time for each directory.
 */
#ifndef CONTROL_BEHAVIOUR_FILE_H
#define CONTROL_BEHAVIOUR_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/flag_book.h"
#include "detect/detect.h"
#include "policy/diag.h"
#include "policy/file.h"

/* Gives up after `timeout_ms`. `sync`: waits until it is on the disk. 0; -1 with *diag set: the old file stays. */
int behaviour_file_write(const char *directory, struct detect *detect, struct flag_book *book, unsigned timeout_ms,
	bool sync, struct diag *diag);

/* Reads the file. True: it is whole; *file is owned (file_release), and detectors have to be created with *key. False:
 * there is none; or, with *diag set, it cannot be used, is set aside, and the diag says so. */
bool behaviour_file_read(const char *directory, const struct detect_sizes *sizes, struct file_text *file,
	struct hash_key *key, struct diag *diag);

/* Puts back what was read, into detectors without a past. NULL, else why it cannot be used: then they have to be created
 * anew. */
const char *behaviour_file_restore(const struct file_text *file, struct detect *detect, struct flag_book *book,
	int64_t now);

/* Flags as octets and back; what makes no sense is left out. */
struct flag *flags_read(const uint8_t *octets, size_t length, size_t *count);

#endif
