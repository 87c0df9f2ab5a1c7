/* hunt_print.c: sections as tables for people, or as members of one JSON object. */
#include "tools/hunt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/json_line.h"

#define WIDTH_ROWS 200               /* so many rows say how wide a column is */
#define WIDTH_MAX 64u
#define CELL_MAX 4200

/* --- cells -------------------------------------------------------------------------------------------------- */

static void write_time(int64_t ms, bool json, char *to, size_t cap)
{
	time_t seconds = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
	struct tm day = { .tm_year = 70, .tm_mday = 1 };

	gmtime_r(&seconds, &day);
	if (json)
		snprintf(to, cap, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
			day.tm_hour, day.tm_min, day.tm_sec, (int)((ms % 1000 + 1000) % 1000));
	else
		snprintf(to, cap, "%04d-%02d-%02d %02d:%02d:%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
			day.tm_hour, day.tm_min, day.tm_sec);
}

static void write_cell(sqlite3_stmt *row, int at, const struct hunt_column *column, char *to)
{
	const char *text = (const char *)sqlite3_column_text(row, at);

	if (text == NULL)
		strcpy(to, "-");
	else if (column->kind == HUNT_TIME)
		write_time(sqlite3_column_int64(row, at), false, to, CELL_MAX);
	else if (column->kind == HUNT_FLAG)
		strcpy(to, sqlite3_column_int(row, at) != 0 ? column->key : "");
	else
		term_escape(to, CELL_MAX, text, (size_t)sqlite3_column_bytes(row, at));
}

static enum term_style style_of(const struct hunt_column *column, const char *cell)
{
	if (column->kind == HUNT_FLAG)
		return STYLE_WARN;
	if (column->kind == HUNT_TIME)
		return STYLE_FAINT;
	if (column->kind != HUNT_VERDICT || *cell == '-' || strncmp(cell, "allow", 5) == 0 || strncmp(cell, "pass", 4) == 0)
		return STYLE_PLAIN;
	return strncmp(cell, "observe", 7) == 0 ? STYLE_WARN : STYLE_BAD;
}

static void put_cell(struct hunt *hunt, const struct hunt_column *column, const char *cell, unsigned width, bool last)
{
	enum term_style style = style_of(column, cell);
	int pad = (int)width - (int)strlen(cell);

	if (column->kind == HUNT_COUNT)
		printf("%*s", pad > 0 ? pad : 0, "");
	printf("%s%s%s", term_on(&hunt->term, style), cell, term_off(&hunt->term, style));
	if (!last)
		printf("%*s", (column->kind != HUNT_COUNT && pad > 0 ? pad : 0) + 2, "");
}

/* --- tables ------------------------------------------------------------------------------------------------- */

/* Rows that say how wide columns are, read once: a row may take long to find. */
struct ahead {
	char *cells[WIDTH_ROWS][HUNT_COLUMNS_MAX]; /* owned; malloc */
	unsigned count, at;
	int code;                    /* of the step behind them */
};

static bool read_row(sqlite3_stmt *rows, const struct hunt_column *columns, char *cells[], unsigned *widths)
{
	static char cell[CELL_MAX];

	for (int i = 0; columns[i].key != NULL; i++) {
		unsigned width;

		write_cell(rows, i, &columns[i], cell);
		cells[i] = strdup(cell);
		if (cells[i] == NULL)
			return false;
		width = (unsigned)strlen(cell);
		widths[i] = width <= widths[i] ? widths[i] : width < WIDTH_MAX ? width : WIDTH_MAX;
	}
	return true;
}

static void read_ahead(struct ahead *ahead, sqlite3_stmt *rows, const struct hunt_column *columns, unsigned *widths)
{
	for (int i = 0; columns[i].key != NULL; i++)
		widths[i] = (unsigned)strlen(columns[i].key);
	while (ahead->count < WIDTH_ROWS && (ahead->code = sqlite3_step(rows)) == SQLITE_ROW)
		if (!read_row(rows, columns, ahead->cells[ahead->count++], widths)) {
			ahead->code = SQLITE_NOMEM;
			return;
		}
}

static void free_ahead(struct ahead *ahead)
{
	for (unsigned row = 0; row < ahead->count; row++)
		for (unsigned i = 0; i < HUNT_COLUMNS_MAX; i++)
			free(ahead->cells[row][i]);
}

/* `cells`: of the next row, or NULL where `rows` has it. */
static int next_row(struct ahead *ahead, sqlite3_stmt *rows, char ***cells)
{
	*cells = NULL;
	if (ahead->code == SQLITE_NOMEM)
		return SQLITE_NOMEM;
	if (ahead->at < ahead->count) {
		*cells = ahead->cells[ahead->at++];
		return SQLITE_ROW;
	}
	return ahead->code == SQLITE_ROW ? sqlite3_step(rows) : ahead->code;
}

static void print_headings(struct hunt *hunt, const struct hunt_column *columns, const unsigned *widths)
{
	printf("  %s", term_on(&hunt->term, STYLE_FAINT));
	for (int i = 0; columns[i].key != NULL; i++) {
		bool last = columns[i + 1].key == NULL;
		int width = (int)widths[i];

		printf(columns[i].kind == HUNT_COUNT ? "%*s%s" : "%-*s%s", last && columns[i].kind != HUNT_COUNT ? 0 : width,
			columns[i].kind == HUNT_FLAG ? "" : columns[i].key, last ? "" : "  ");
	}
	printf("%s\n", term_off(&hunt->term, STYLE_FAINT));
}

/* Who knows how many there are need not read them. */
static bool is_enough(const struct hunt *hunt, uint64_t printed)
{
	return hunt->limit != 0 && printed == hunt->limit && hunt->all != HUNT_COUNTED;
}

static void count_left_out(const struct hunt *hunt, uint64_t printed, int64_t *left_out)
{
	if (!is_enough(hunt, printed))
		return;
	*left_out = hunt->all == HUNT_UNCOUNTED ? HUNT_UNCOUNTED : hunt->all - (int64_t)printed;
}

static int print_table(struct hunt *hunt, const char *title, const struct hunt_column *columns, sqlite3_stmt *rows,
	int64_t *left_out)
{
	static char cell[CELL_MAX];
	struct ahead ahead = { .count = 0 };
	unsigned widths[HUNT_COLUMNS_MAX];
	uint64_t printed = 0;
	char **cells;
	int code;

	read_ahead(&ahead, rows, columns, widths);
	while ((code = is_enough(hunt, printed) ? SQLITE_DONE : next_row(&ahead, rows, &cells)) == SQLITE_ROW) {
		if (hunt->limit != 0 && printed == hunt->limit) {
			++*left_out;
			continue;
		}
		if (printed++ == 0) {
			printf("\n%s%s%s\n", term_on(&hunt->term, STYLE_STRONG), title, term_off(&hunt->term, STYLE_STRONG));
			print_headings(hunt, columns, widths);
		}
		fputs("  ", stdout);
		for (int i = 0; columns[i].key != NULL; i++) {
			if (cells == NULL)
				write_cell(rows, i, &columns[i], cell);
			put_cell(hunt, &columns[i], cells != NULL ? cells[i] : cell, widths[i], columns[i + 1].key == NULL);
		}
		putchar('\n');
	}
	free_ahead(&ahead);
	count_left_out(hunt, printed, left_out);
	if (*left_out == HUNT_UNCOUNTED)
		printf("  %s... more: --limit 0 shows all%s\n", term_on(&hunt->term, STYLE_FAINT),
			term_off(&hunt->term, STYLE_FAINT));
	else if (*left_out > 0)
		printf("  %s... %" PRId64 " more: --limit 0 shows all%s\n", term_on(&hunt->term, STYLE_FAINT), *left_out,
			term_off(&hunt->term, STYLE_FAINT));
	hunt->rows += printed;
	return code;
}

/* Of one row: what is not there is left out. */
static int print_card(struct hunt *hunt, const char *title, const struct hunt_column *columns, sqlite3_stmt *rows)
{
	static char cell[CELL_MAX];
	int code;

	while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
		printf("\n%s%s%s\n", term_on(&hunt->term, STYLE_STRONG), title, term_off(&hunt->term, STYLE_STRONG));
		hunt->rows++;
		for (int i = 0; columns[i].key != NULL; i++) {
			if (sqlite3_column_type(rows, i) == SQLITE_NULL)
				continue;
			write_cell(rows, i, &columns[i], cell);
			printf("  %s%-13s%s ", term_on(&hunt->term, STYLE_FAINT), columns[i].key, term_off(&hunt->term, STYLE_FAINT));
			put_cell(hunt, &columns[i], cell, 0, true);
			putchar('\n');
		}
	}
	return code;
}

/* --- JSON --------------------------------------------------------------------------------------------------- */

static void put_member(struct json_line *line, const struct hunt_column *column, sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);
	char time[64];

	if (text == NULL)
		return;
	json_line_key(line, column->key);
	switch (column->kind) {
	case HUNT_COUNT:
		json_line_integer(line, sqlite3_column_int64(row, at));
		break;
	case HUNT_FLAG:
		json_line_raw(line, sqlite3_column_int(row, at) != 0 ? "true" : "false",
			sqlite3_column_int(row, at) != 0 ? 4 : 5);
		break;
	case HUNT_TIME:
		write_time(sqlite3_column_int64(row, at), true, time, sizeof(time));
		json_line_string(line, time, strlen(time));
		break;
	case HUNT_TEXT:
	case HUNT_VERDICT:
		json_line_string(line, text, (size_t)sqlite3_column_bytes(row, at));
		break;
	}
}

static int print_array(struct hunt *hunt, const char *key, const struct hunt_column *columns, sqlite3_stmt *rows,
	int64_t *left_out)
{
	struct json_line line = { .octets = NULL };
	uint64_t printed = 0;
	int code;

	printf(",\"%s\":[", key);
	while ((code = is_enough(hunt, printed) ? SQLITE_DONE : sqlite3_step(rows)) == SQLITE_ROW) {
		if (hunt->limit != 0 && printed == hunt->limit) {
			++*left_out;
			continue;
		}
		json_line_reset(&line);
		json_line_open(&line, '{');
		for (int i = 0; columns[i].key != NULL; i++)
			put_member(&line, &columns[i], rows, i);
		json_line_close(&line, '}');
		if (line.failed) {
			code = SQLITE_NOMEM;
			break;
		}
		if (printed++ > 0)
			putchar(',');
		fwrite(line.octets, 1, line.used, stdout);
	}
	putchar(']');
	count_left_out(hunt, printed, left_out);
	json_line_fini(&line);
	return code;
}

/* --- sections ----------------------------------------------------------------------------------------------- */

static int print(struct hunt *hunt, const char *key, const struct hunt_column *columns, const char *select, bool card)
{
	sqlite3_stmt *rows = query_ask(hunt->query, select, &hunt->diag);
	int64_t left_out = 0;
	char title[64];
	int code;

	if (rows == NULL)
		return -1;
	snprintf(title, sizeof(title), "%s", key);
	for (char *at = title; *at != '\0'; at++)
		*at = *at == '_' ? ' ' : *at;
	code = hunt->json ? print_array(hunt, key, columns, rows, &left_out) :
		card ? print_card(hunt, title, columns, rows) : print_table(hunt, title, columns, rows, &left_out);
	hunt->all = HUNT_COUNTED;
	if (left_out != 0 && hunt->left_out_count < HUNT_SECTIONS_MAX)
		hunt->left_out[hunt->left_out_count++] = (struct hunt_left_out){ key, left_out };
	if (code != SQLITE_DONE)
		diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(query_workspace(hunt->query)));
	sqlite3_finalize(rows);
	return code == SQLITE_DONE ? 0 : -1;
}

int hunt_section(struct hunt *hunt, const char *key, const struct hunt_column *columns, const char *select)
{
	return print(hunt, key, columns, select, false);
}

int hunt_card(struct hunt *hunt, const char *key, const struct hunt_column *columns, const char *select)
{
	return print(hunt, key, columns, select, true);
}

static void put_moment(struct json_line *line, const char *key, int64_t ms)
{
	char text[64];

	if (ms == QUERY_BEGIN || ms == QUERY_END)
		return;
	write_time(ms, true, text, sizeof(text));
	json_line_text(line, key, text);
}

static void begin_json(struct hunt *hunt, const char *name)
{
	struct json_line line = { .octets = NULL };

	json_line_open(&line, '{');
	json_line_text(&line, "hunt", name);
	json_line_text(&line, "asked", hunt->asked);
	put_moment(&line, "from", hunt->from_ms);
	put_moment(&line, "to", hunt->to_ms);
	if (!line.failed)
		fwrite(line.octets, 1, line.used, stdout);
	json_line_fini(&line);
}

void hunt_begin(struct hunt *hunt, const char *name)
{
	char asked[512] = "", from[64] = "the beginning", to[64] = "now";

	if (hunt->json) {
		begin_json(hunt, name);
		return;
	}
	if (hunt->asked != NULL)
		term_escape(asked, sizeof(asked), hunt->asked, strlen(hunt->asked));
	if (hunt->from_ms != QUERY_BEGIN)
		write_time(hunt->from_ms, false, from, sizeof(from));
	if (hunt->to_ms != QUERY_END)
		write_time(hunt->to_ms, false, to, sizeof(to));
	printf("%s%s%s%s%s, from %s to %s, UTC\n", term_on(&hunt->term, STYLE_STRONG), name, *asked != '\0' ? " " : "", asked,
		term_off(&hunt->term, STYLE_STRONG), from, to);
}

void hunt_end(struct hunt *hunt)
{
	unsigned passed_over = query_passed_over(hunt->query), gone = query_gone(hunt->query);
	unsigned files = hunt->remote != NULL ? hunt->files : query_files(hunt->query);

	if (hunt->raw)
		return;
	if (!hunt->json) {
		if (files == 0)
			puts("\nno day file of that time");
		else if (hunt->rows == 0)
			puts("\nnothing");
		if (hunt->aside > 0)
			printf("\n%sincomplete: %u damaged day files of that time were set aside%s\n", term_on(&hunt->term, STYLE_BAD),
				hunt->aside, term_off(&hunt->term, STYLE_BAD));
		if (passed_over > 0)
			printf("\n%sincomplete: %u of %u day files could not be read%s\n", term_on(&hunt->term, STYLE_BAD),
				passed_over, files, term_off(&hunt->term, STYLE_BAD));
		if (gone > 0)
			printf("\n%u of %u day files were removed meanwhile\n", gone, files);
		return;
	}
	printf(",\"damaged\":%u", hunt->aside);
	printf(",\"left_out\":{");
	for (unsigned i = 0; i < hunt->left_out_count; i++) {
		const struct hunt_left_out *left_out = &hunt->left_out[i];

		printf("%s\"%s\":", i > 0 ? "," : "", left_out->section);
		if (left_out->rows == HUNT_UNCOUNTED)
			printf("null");
		else
			printf("%" PRId64, left_out->rows);
	}
	printf("},\"files\":%u,\"passed_over\":%u,\"gone\":%u}\n", files, passed_over, gone);
}

int hunt_timeline(struct hunt *hunt)
{
	static const struct hunt_column columns[] = {
		{ "time", HUNT_TIME }, { "client", HUNT_TEXT }, { "name", HUNT_TEXT }, { "type", HUNT_TEXT },
		{ "rcode", HUNT_TEXT }, { "path", HUNT_TEXT }, { "resolver", HUNT_TEXT }, { "number", HUNT_TEXT },
		{ "verdict", HUNT_VERDICT }, { NULL, HUNT_TEXT }
	};

	return hunt_section(hunt, "timeline", columns, "SELECT " HUNT_MS("at") ", address_text(client), name_text(key),"
		" type_text(type), rcode_text(rcode), path_text(path), sensor, number, verdict FROM moment"
		" ORDER BY at, sensor, number, client, key, type");
}
