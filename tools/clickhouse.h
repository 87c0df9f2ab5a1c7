/*
 * clickhouse.h: one question at a time to ClickHouse's HTTP interface, and rows as they come.
 *
 * The server is told to have the whole answer before it says 200, so that an error is never half an answer. What is
 * held is one row; an answer ends as an error past CLICKHOUSE_ANSWER_MAX. Redirects are not followed: a password goes
 * to nobody else.
 *
 * ERRORS. -1 with *diag, whose text has no octet of the server's that a terminal would obey.
 *
 * Threads: a connection belongs to its caller; clickhouse_open comes before other threads.
 */
#ifndef TOOLS_CLICKHOUSE_H
#define TOOLS_CLICKHOUSE_H

#include <stdbool.h>

#include "policy/diag.h"
#include "tools/tsv_rows.h"

#define CLICKHOUSE_CONNECT_S 10
#define CLICKHOUSE_SILENT_S 600              /* so long it may think, stand still or drip */
#define CLICKHOUSE_DRIP 1000                 /* octets a second that are no drip */
#define CLICKHOUSE_ANSWER_MAX ((size_t)4 << 30)

struct clickhouse;

struct clickhouse_options {
	const char *url;                     /* http:// or https://, without user and password */
	const char *password_file;           /* one line, USER:PASSWORD; NULL: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD */
	const char *ca;                      /* a file of certificates that sign the server's; NULL: the system's */
};

/* Owned; NULL: *diag. It does not speak to the server yet. */
struct clickhouse *clickhouse_open(const struct clickhouse_options *options, struct diag *diag);
void clickhouse_close(struct clickhouse **clickhouse);

/* Sends a statement. Each row of the answer goes to `row`, which says false with *diag when it wants no more. */
int clickhouse_ask(struct clickhouse *clickhouse, const char *statement,
	bool (*row)(void *arg, const struct tsv_row *row), void *arg, struct diag *diag);

/* The code that the last error began with (`Code: 60`); 0: none. */
int clickhouse_code(const struct clickhouse *clickhouse);

#endif
