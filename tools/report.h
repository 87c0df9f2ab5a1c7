/*
 * report.h: what the sections of `verdictctl report` share.
 *
 * A section is a row of the table in report_page.c and one function, which asks the digest (store/digest.h) and writes
 * HTML. Nothing of a day file reaches the page but through html_out.h. The page has no script, loads nothing, and
 * says so to the browser; pictures are SVG in the page, with lengths in percent, so that they fit any width without
 * stretching their text.
 *
 * The same day files and window give the same octets: every SELECT says its order to the end, and no clock is read.
 *
 * Threads: a report belongs to its caller.
 */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <sqlite3.h>

#include "policy/diag.h"
#include "store/digest.h"

#define REPORT_ROWS 15              /* of a table */
#define REPORT_FILES_MAX 16         /* that are named as left out */

struct report {
	struct query *query;             /* borrowed */
	FILE *to;                        /* borrowed */
	int64_t from_s, to_s, step_s;    /* to_s is behind the last moment */
	char left_out[REPORT_FILES_MAX][512];   /* files, and why */
	unsigned left_out_count;
	unsigned aside;                         /* of them: damaged, and set aside */
	unsigned passed_over;                   /* of them, those that cannot be read: others went away meanwhile */
	int64_t answers[DIGEST_OUTCOMES], all;
	int64_t clients, domains, resolvers, received, missing;
	size_t popular;                  /* names that were given as such */
	bool failed;
	struct diag diag;                /* when failed */
};

extern const char report_style[];

/* What an outcome is called, and its class of the style. */
extern const char *const report_outcomes[DIGEST_OUTCOMES], *const report_classes[DIGEST_OUTCOMES];

/* --- asking --------------------------------------------------------------------------------------------------- */

/* A statement; NULL when something failed, now or before. */
sqlite3_stmt *report_ask(struct report *report, const char *select);

/* The next row; false at the end, and then the statement is gone. Takes NULL. */
bool report_next(struct report *report, sqlite3_stmt **statement);

/* The first number of the first row; 0: there is none. */
int64_t report_number(struct report *report, const char *select);

/* --- writing -------------------------------------------------------------------------------------------------- */

/* A column of a row: a text; a name that is kept as a key; an address; a time in seconds since 1970. */
void report_text(const struct report *report, sqlite3_stmt *statement, int column);
void report_name(const struct report *report, sqlite3_stmt *statement, int column);
void report_client(const struct report *report, sqlite3_stmt *statement, int column);

/* A cell with a number and a bar of that share of `most`. */
void report_bar(const struct report *report, const char *label, const char *class, int64_t value, int64_t most);

/* A cell as small print; what follows is its text. */
void report_cell(const struct report *report, const char *label);

/* Heads of a table; `columns` ends in NULL; those that begin with '#' are of numbers. */
void report_table(const struct report *report, const char *caption, const char *const *columns);
void report_table_end(const struct report *report);

/* "of N, the first M are shown", where that is so. */
void report_rest(const struct report *report, int64_t all, int64_t shown, const char *what);

void report_share(const struct report *report, int64_t part, int64_t all);

/* --- pictures over time --------------------------------------------------------------------------------------- */

/* Bars of a SELECT of (at, value), rising, in a strip that begins `top` pixels down and is `height` high. */
int64_t report_strip(struct report *report, const char *select, const char *class, int top, int height);

/* Days and hours at the foot of a picture. */
void report_axis(const struct report *report, int top, int bottom);

/* The least of usual steps, in seconds, that cuts the window into no more than `most`. */
int64_t report_step_for(const struct report *report, int64_t most);

/* "2 h" */
void report_step(const struct report *report);

/* Percent of the window's width. */
double report_place(const struct report *report, int64_t seconds);

/* --- sections, and what is beside them -------------------------------------------------------------------------- */

void report_time(struct report *report);
void report_lists(struct report *report);
void report_detectors(struct report *report);
void report_attack(struct report *report);
void report_newcomers(struct report *report);
void report_clients(struct report *report);
void report_complete(struct report *report);
void report_doubtful(struct report *report);

/* Before the page: names that many ask for everywhere, or NULL. 0; -1 with report->diag. */
int report_read_popular(struct report *report, const char *path);

/* The whole page. 0; -1 with report->diag. */
int report_page(struct report *report);

/* An ATT&CK Navigator layer of the techniques. 0; -1 with report->diag. */
int report_layer(struct report *report);

#endif
