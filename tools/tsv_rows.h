/*
 * tsv_rows.h: rows of tab-separated text as ClickHouse writes it (format TabSeparated: `\t`, `\n`, `\\` and so on stand
 * for octets), out of pieces that end anywhere.
 *
 * The bounds are on what is held at once: a row of TSV_ROW_MAX octets with TSV_COLUMNS_MAX columns.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_TSV_ROWS_H
#define TOOLS_TSV_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#define TSV_ROW_MAX ((size_t)8 * 1024 * 1024)
#define TSV_COLUMNS_MAX 64u

struct tsv_row {
	unsigned count;
	const char *columns[TSV_COLUMNS_MAX];        /* each ends with a NUL, and may have others; until the next row */
	size_t octets[TSV_COLUMNS_MAX];
};

struct tsv_rows {
	/* False ends the reading. */
	bool (*row)(void *arg, const struct tsv_row *row);
	void *arg;
	char *line;                                  /* owned: the row that has begun */
	size_t used, cap;
	const char *wrong;                           /* why no row is taken any more; NULL: nothing is wrong */
};

/* False: `wrong` says why, or the callback wants no more (`wrong` is NULL). */
bool tsv_rows_take(struct tsv_rows *rows, const char *octets, size_t count);

/* Did the text end with a row's end? */
bool tsv_rows_are_whole(const struct tsv_rows *rows);

void tsv_rows_fini(struct tsv_rows *rows);

#endif
