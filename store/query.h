/*
 * query.h: one question to all day files of a window, and one answer.
 *
 * A query has a workspace, an SQLite database of its own that nobody else sees; what does not fit in its page cache
 * (QUERY_CACHE_KIB) lies in a temporary file. Each day file in turn is attached to it as `day`, read-only, and
 * statements gather from it into tables of the workspace: counts add up, first is the least, last the greatest. Then
 * the workspace is asked. So memory is the same for one file and a thousand.
 *
 * A statement may name these parameters:
 *
 *     :day            first moment of the file's day, ms since 1970: time in the file + :day is a time for the workspace
 *     :from, :to      the window in ms of that day, both included, as `first` and `last` are
 *     :from_us, :to_us   the same for `at`
 *     :begin, :end    the window in ms since 1970
 *     :class          of the file, enum store_class
 *
 * and those that query_bind_* gave a value. Values never become part of a statement's text.
 *
 * ERRORS. -1 with *diag. A file that cannot be read, is damaged or is of a later release is told, counted in
 * query_passed_over, nothing of it is in the workspace, and the rest answers. One that retention or somebody else removes
 * after the query has begun is told, too, and counted in query_gone. What comes after that is not asked.
 *
 * Threads: a query belongs to its caller. Any number of processes may read while one collects.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "policy/diag.h"
#include "store/event.h"

#define QUERY_CACHE_KIB 65536
#define QUERY_PARAMETERS 32
#define QUERY_VALUE_MAX 65536
#define QUERY_BEGIN INT64_C(-62135596800000)     /* year 1 */
#define QUERY_END INT64_C(253402300799999)       /* year 9999 */

/* Sets of day files: a bit of enum store_class each. */
#define QUERY_VERDICTS (1u << STORE_VERDICTS)
#define QUERY_ALL (1u << STORE_PLAIN | 1u << STORE_VERDICTS)

struct query;

struct query_options {
	const char *directory;                       /* borrowed for the call */
	int64_t from_ms, to_ms;                      /* since 1970, both included; QUERY_BEGIN, QUERY_END: no limit */
	/* Something that the user should know, one line. */
	void (*tell)(void *arg, const char *text);
	/* Before each file; `done` files of `of` were read. May be NULL. */
	void (*progress)(void *arg, unsigned done, unsigned of);
	void *arg;
};

/* Owned; NULL: *diag. */
struct query *query_open(const struct query_options *options, struct diag *diag);
void query_close(struct query **query);

/* A value for a parameter, ':' included, copied; a former one of that name is replaced. False: no room. */
bool query_bind_text(struct query *query, const char *parameter, const char *text);
bool query_bind_octets(struct query *query, const char *parameter, const void *octets, size_t count);
bool query_bind_number(struct query *query, const char *parameter, int64_t number);

/* Any value that a statement may name, as it is before a file is asked (a day of 0). False: there is none of that name. */
enum query_kind { QUERY_TEXT, QUERY_OCTETS, QUERY_NUMBER };
struct query_value {
	enum query_kind kind;
	const char *octets;                          /* borrowed until it is bound again */
	size_t count;
	int64_t number;
};
bool query_value(struct query *query, const char *parameter, struct query_value *value);

/* The workspace, for functions of SQL that the caller adds. Borrowed. */
sqlite3 *query_workspace(struct query *query);

/* Runs statements in the workspace, `;` between them. */
int query_run(struct query *query, const char *statements, struct diag *diag);

/* Runs statements for each file of those classes: the window's, oldest first. */
int query_gather(struct query *query, unsigned classes, const char *statements, struct diag *diag);

/* The same, once more: a collector that had committed to a file that was asked has done so to all of them by now. */
int query_gather_settled(struct query *query, unsigned classes, const char *statements, struct diag *diag);

/* The same for all files of days before the window. */
int query_gather_before(struct query *query, unsigned classes, const char *statements, struct diag *diag);

/* A statement on the workspace with its values. Owned (sqlite3_finalize); NULL: *diag. */
sqlite3_stmt *query_ask(struct query *query, const char *statement, struct diag *diag);

/* The same for the first of some statements; *statements goes to the next. */
sqlite3_stmt *query_ask_next(struct query *query, const char **statements, struct diag *diag);

/* Files of the window; of them those that could not be read, and those that were removed meanwhile. */
unsigned query_files(const struct query *query);
unsigned query_passed_over(const struct query *query);
unsigned query_gone(const struct query *query);

#endif
