/*
 * query_parts.h: what query.c and query_day.c share.
 */
#ifndef STORE_QUERY_PARTS_H
#define STORE_QUERY_PARTS_H

#include "store/query.h"
#include "store/shelf.h"

#define PARAMETER_MAX 32

struct parameter {
	char name[PARAMETER_MAX];
	enum query_kind kind;
	char *octets;                                /* owned */
	size_t count;
	int64_t number;
};

struct query {
	sqlite3 *db;
	char directory[SHELF_PATH_MAX];
	int64_t from_ms, to_ms, day_ms;              /* day_ms and class: of the file that is attached */
	enum store_class class;
	struct parameter parameters[QUERY_PARAMETERS];
	unsigned parameter_count;
	struct query_file *listed;                   /* owned: the shelf as it was when a file was asked for first */
	unsigned listed_count;
	bool is_listed;
	unsigned files, passed_over, gone;
	void (*tell)(void *arg, const char *text);
	void (*progress)(void *arg, unsigned done, unsigned of);
	void *arg;
};

struct query_file {
	struct shelf_file file;
	bool left_out;                               /* it was said that it is passed over, or gone */
};

/* Runs statements until one fails. SQLite's code. */
int query_step(struct query *query, const char *statements);

#endif
