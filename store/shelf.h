/*
 * shelf.h: the day files of a directory: their names, which there are, and setting one aside.
 *
 * Threads: no shared state.
 */
#ifndef STORE_SHELF_H
#define STORE_SHELF_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "store/event.h"

#define SHELF_NAME_MAX 64
#define SHELF_PATH_MAX 4096

struct shelf_file {
	int64_t day_s;                   /* first moment of the day, since 1970 */
	enum store_class class;
	uint64_t octets;                 /* with what is in its WAL */
	bool aside;                      /* it was set aside */
	char path[SHELF_PATH_MAX];
};

/* Writes DIRECTORY/YYYY-MM-DD-CLASS.sqlite; `path` holds SHELF_PATH_MAX. */
void shelf_path(const char *directory, int64_t day_s, enum store_class class, char *path);

/* The files of days that touch from_s .. to_s, the oldest first, plain before verdicts. Owned (free), NULL when there
 * are none; *count says how many. -1: *diag. */
int shelf_list(const char *directory, int64_t from_s, int64_t to_s, struct shelf_file **files, unsigned *count,
	struct diag *diag);

/* Those of all days, and what was set aside. */
int shelf_list_all(const char *directory, struct shelf_file **files, unsigned *count, struct diag *diag);

/* What was set aside of days that touch from_s .. to_s: `tell` is called with a line about each. Returns how many. */
unsigned shelf_tell_aside(const char *directory, int64_t from_s, int64_t to_s, void (*tell)(void *arg, const char *text),
	void *arg);

/* Is all that is there of a file, and of what SQLite has beside it, a regular file? Who opens a FIFO waits, a device can do
 * anything, and a link (unless `follow`) leads out of the directory. */
bool shelf_is_regular(const char *path, bool follow);
#define SHELF_IRREGULAR "it, or its -wal, -shm or -journal, is no regular file"

/* Renames a file, and what SQLite has beside it, to *.damaged, *.damaged-1 and so on. */
int shelf_set_aside(const char *path, struct diag *diag);

/* Removes a file and what SQLite has beside it. */
int shelf_remove(const char *path, struct diag *diag);

/* Removes what SQLite had beside files that are not there: of a removal that did not end, or of who opened one that was
 * going. For who has the directory's lock. */
void shelf_sweep(const char *directory);

#endif
