/* tsv_rows.c: rows of tab-separated text. */
#include "tools/tsv_rows.h"

#include <stdlib.h>
#include <string.h>

static char unescaped(char letter)
{
	static const char letters[] = "btnfr0", octets[] = { '\b', '\t', '\n', '\f', '\r', '\0' };
	const char *at = letter != '\0' ? strchr(letters, letter) : NULL;

	return at != NULL ? octets[at - letters] : letter;
}

/* In place: a text gets no longer. */
static bool take_line(struct tsv_rows *rows)
{
	struct tsv_row row = { .count = 0 };
	char *from = rows->line, *end = rows->line + rows->used, *to = rows->line;

	for (bool more = true; more; row.count++) {
		if (row.count == TSV_COLUMNS_MAX) {
			rows->wrong = "a row has too many columns";
			return false;
		}
		row.columns[row.count] = to;
		while (from < end && *from != '\t') {
			bool escaped = *from == '\\' && end - from > 1;

			*to++ = escaped ? unescaped(from[1]) : *from;
			from += escaped ? 2 : 1;
		}
		row.octets[row.count] = (size_t)(to - row.columns[row.count]);
		more = from++ < end;
		*to++ = '\0';
	}
	rows->used = 0;
	return rows->row(rows->arg, &row);
}

/* With room for the NUL behind the last column. */
static bool add(struct tsv_rows *rows, const char *octets, size_t count)
{
	if (count >= TSV_ROW_MAX - rows->used) {
		rows->wrong = "a row is too long";
		return false;
	}
	if (count >= rows->cap - rows->used) {
		size_t cap = 2 * (rows->used + count) + 4096;
		char *line = realloc(rows->line, cap);

		if (line == NULL) {
			rows->wrong = "no memory for a row";
			return false;
		}
		rows->line = line;
		rows->cap = cap;
	}
	memcpy(rows->line + rows->used, octets, count);
	rows->used += count;
	return true;
}

bool tsv_rows_take(struct tsv_rows *rows, const char *octets, size_t count)
{
	while (count > 0) {
		const char *end = memchr(octets, '\n', count);
		size_t part = end != NULL ? (size_t)(end - octets) : count;

		if (rows->wrong != NULL || !add(rows, octets, part) || (end != NULL && !take_line(rows)))
			return false;
		part += end != NULL ? 1 : 0;
		octets += part;
		count -= part;
	}
	return true;
}

bool tsv_rows_are_whole(const struct tsv_rows *rows)
{
	return rows->wrong == NULL && rows->used == 0;
}

void tsv_rows_fini(struct tsv_rows *rows)
{
	free(rows->line);
	rows->line = NULL;
}
