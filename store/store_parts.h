/*
 * store_parts.h: what store.c and store_keep.c share.
 */
#ifndef STORE_STORE_PARTS_H
#define STORE_STORE_PARTS_H

#include <libpsl.h>

#include "store/day.h"
#include "store/shelf.h"
#include "store/store.h"

#define OPEN_MAX 8                   /* files at a time: both classes of four days, for who sends what waited */
#define CHECKED_MAX 80               /* files that were looked through since the start: of 31 days and more */

struct open_day {
	struct day *day;                 /* owned; NULL: free */
	int64_t day_s;
	enum store_class class;
	uint64_t used;
};

struct store {
	char directory[SHELF_PATH_MAX - SHELF_NAME_MAX];
	int lock, directory_fd;
	psl_ctx_t *suffixes;             /* owned */
	struct day_shared shared;
	struct open_day open[OPEN_MAX];
	struct open_day checked[CHECKED_MAX];
	unsigned checked_count;
	uint64_t clock;
	struct store_counts counts;
	void (*tell)(void *arg, const char *text);
	void *arg;
};

#endif
