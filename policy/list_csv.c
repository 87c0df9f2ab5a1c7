/*
 * list_csv.c: tables (RFC 4180, and its kin with tabs, semicolons and bars): one column holds the names, or the
 * addresses when the trigger is one of addresses.
 *
 * The separator is the one of which the first rows have most; the column is the one that the configuration says, by
 * number or by its header, else the first of those in which most of the first rows have something usable.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/list_entry.h"
#include "policy/list_token.h"

#define COLUMNS_MAX 64         /* looked at when the column is found by content */
#define SAMPLE_ROWS 100

static const char separators[] = ",\t;|";

struct csv {
	struct list_reader *reader;
	struct rule rule;
	char separator;
	size_t column;              /* from 0 */
	bool addresses;
};

/* A field: its octets without quotes and blanks; `broken` when they cannot be had without copying. */
struct field {
	const char *text;
	const char *end;
	bool broken;
};

/* Where a row is read. Quoted fields may go on over lines; they do so for at most LIST_LINE_MAX octets. */
struct row {
	struct list_line line;      /* the number is that of the first line */
	const char *at;
	bool ended;
};

static bool row_begin(struct list_reader *reader, struct row *row)
{
	row->ended = false;
	if (!list_next_entry(reader, &row->line))
		return false;
	row->at = row->line.text;
	return true;
}

/* Does the field end behind that quote? */
static bool ends_field(const struct row *row, const char *quote, char separator)
{
	const char *next = quote + 1;

	while (next < row->line.end && *next != separator && token_is_blank(*next))
		next++;
	return next == row->line.end || *next == separator;
}

/* The first quote that is not doubled; NULL: none on what the row has of lines. */
static const char *next_quote(const struct row *row, const char *at, bool *doubled)
{
	for (;;) {
		at = memchr(at, '"', (size_t)(row->line.end - at));
		if (at == NULL || at + 1 == row->line.end || at[1] != '"')
			return at;
		*doubled = true;
		at += 2;
	}
}

/*
 * Finds the quote that ends what begins at `text`; the row takes in lines that the field goes on over. NULL: there is
 * none, or what looks like it is not where a field ends. Then the row is its one line: a stray quote must not take
 * the rows behind it, silently, up to the next one.
 */
static const char *find_quote(struct list_reader *reader, struct row *row, const char *text, char separator,
	bool *doubled)
{
	const struct list_line first = row->line;
	const char *const next_row = reader->at, *quote;
	const size_t lines = reader->stats.lines;
	struct list_line next;

	for (quote = next_quote(row, text, doubled); quote == NULL; quote = next_quote(row, next.text, doubled)) {
		/* What lies further behind than that may not be there any more. */
		if (reader->at - text > LIST_LINE_MAX || !list_next_line(reader, &next) ||
		    next.end - text > LIST_LINE_MAX)
			break;
		row->line.end = next.end;
	}
	if (quote != NULL && ends_field(row, quote, separator))
		return quote;
	row->line = first;
	reader->at = next_row;
	reader->stats.lines = lines;
	return NULL;
}

/* The next field of the row; false when there is none. */
static bool row_next(struct list_reader *reader, struct row *row, char separator, struct field *field)
{
	const char *text, *stop, *end;

	if (row->ended)
		return false;
	*field = (struct field){ .broken = false };
	text = row->at;
	while (text < row->line.end && token_is_blank(*text) && *text != separator)
		text++;
	stop = text;
	if (text < row->line.end && *text == '"') {
		stop = find_quote(reader, row, text + 1, separator, &field->broken);
		field->text = text + 1;
		field->end = stop;
		field->broken |= stop == NULL;
		stop = stop == NULL ? text : stop + 1;
	}
	end = memchr(stop, separator, (size_t)(row->line.end - stop));
	row->ended = end == NULL;
	end = end == NULL ? row->line.end : end;
	row->at = row->ended ? end : end + 1;
	if (field->text == NULL) {
		field->text = text;
		field->end = token_trim(text, end);
	}
	return true;
}

/* Makes the field the rule's name or network. */
static enum skip_reason read_field(struct csv *csv, const struct field *field)
{
	const char *text = field->text;

	if (field->broken)
		return SKIP_SYNTAX;
	text = token_skip_blanks(text, field->end);
	if (csv->addresses)
		return list_read_network(&csv->rule, text, field->end);
	return list_read_pattern(&csv->rule, text, field->end, csv->reader->below);
}

/* --- finding separator and column ------------------------------------------------------------------------------- */

static bool is_comment(const struct row *row)
{
	const char *text = token_skip_blanks(row->line.text, row->line.end);

	return text == row->line.end || *text == '#';
}

static char find_separator(const struct list_reader *reader)
{
	struct list_reader copy = list_reader_ahead(reader);
	size_t counts[sizeof(separators)] = { 0 }, rows = 0;
	struct row row;
	unsigned i, best = 0;

	while (rows < SAMPLE_ROWS && row_begin(&copy, &row)) {
		if (is_comment(&row))
			continue;
		rows++;
		for (i = 0; separators[i] != '\0'; i++)
			counts[i] += memchr(row.line.text, separators[i],
				(size_t)(row.line.end - row.line.text)) != NULL;
	}
	for (i = 0; separators[i] != '\0'; i++)
		if (counts[i] > counts[best])
			best = i;
	return separators[best];
}

/* A name of one label is a word. */
static bool is_usable(struct csv *csv, const struct field *field)
{
	return read_field(csv, field) == SKIP_COUNT && (csv->addresses || csv->rule.name.labels > 1);
}

/* How many of the first rows have a name, or an address, in each column. */
static void count_usable(struct csv *csv, size_t *counts)
{
	struct list_reader copy = list_reader_ahead(csv->reader);
	struct field field;
	size_t rows = 0, i;
	struct row row;

	memset(counts, 0, COLUMNS_MAX * sizeof(*counts));
	while (rows < SAMPLE_ROWS && row_begin(&copy, &row)) {
		if (is_comment(&row))
			continue;
		rows++;
		for (i = 0; i < COLUMNS_MAX && row_next(&copy, &row, csv->separator, &field); i++)
			counts[i] += is_usable(csv, &field);
	}
}

static size_t largest(const size_t *counts)
{
	size_t i, best = 0;

	for (i = 0; i < COLUMNS_MAX; i++)
		if (counts[i] > counts[best])
			best = i;
	return best;
}

/* Names are looked for where addresses are: nothing but the trigger says what the list is about. */
static int refuse_addresses(struct csv *csv, const size_t *names, bool by_content)
{
	size_t addresses[COLUMNS_MAX], column = csv->column;

	if (csv->addresses || column >= COLUMNS_MAX || names[column] > 0)
		return 0;
	csv->addresses = true;
	count_usable(csv, addresses);
	csv->addresses = false;
	if (by_content)
		column = largest(addresses);
	if (addresses[column] == 0)
		return 0;
	return diag_set(csv->reader->diag, csv->reader->conf->file, 0, 0,
		"has addresses and no names in column %zu: set `trigger:` to what they are compared with, "
		"`ip`, `client-ip` or `nsip`", column + 1);
}

/* The column with that header in the first row; 0 when there is none, which no column is. */
static size_t find_header(struct csv *csv, const char *header)
{
	struct list_reader copy = list_reader_ahead(csv->reader);
	struct field field;
	struct row row;
	size_t i;

	do {
		if (!row_begin(&copy, &row))
			return 0;
	} while (is_comment(&row));
	for (i = 1; row_next(&copy, &row, csv->separator, &field); i++)
		if (!field.broken && strlen(header) == (size_t)(field.end - field.text) &&
		    strncasecmp(header, field.text, strlen(header)) == 0)
			return i;
	return 0;
}

static int choose_column(struct csv *csv)
{
	const struct list_conf *conf = csv->reader->conf;
	size_t counts[COLUMNS_MAX];
	char *end;
	unsigned long number = strtoul(conf->column, &end, 10);

	count_usable(csv, counts);
	if (*conf->column == '\0') {
		csv->column = largest(counts);
		return refuse_addresses(csv, counts, true);
	}
	if (*end != '\0' || *conf->column < '0' || *conf->column > '9')
		number = find_header(csv, conf->column);
	if (number == 0)
		return diag_set(csv->reader->diag, conf->file, 0, 0, "has no column `%s` in its first row: "
			"set `column:` to one of its headers, or to a number from 1", conf->column);
	csv->column = number - 1;
	return refuse_addresses(csv, counts, false);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

/* `header`: it may be one, and then says nothing. */
static int read_row(struct csv *csv, struct row *row, bool header)
{
	struct list_reader *reader = csv->reader;
	enum skip_reason reason = SKIP_COLUMN;
	struct field field;
	size_t i;

	for (i = 0; row_next(reader, row, csv->separator, &field); i++)
		if (i == csv->column)
			reason = field.text == field.end ? SKIP_COLUMN : read_field(csv, &field);
	if (header && (reason != SKIP_COUNT || (!csv->addresses && csv->rule.name.labels == 1)))
		return 0;
	if (reason == SKIP_COUNT) {
		csv->rule.line = row->line.number;
		return list_emit(reader, &csv->rule);
	}
	list_skip(reader, reason, row->line.number, row->line.text);
	return 0;
}

int list_read_csv(struct list_reader *reader)
{
	struct csv csv = { .reader = reader, .rule = { .trigger = reader->trigger, .action = ACTION_ALLOW },
		.separator = find_separator(reader) };
	bool first = true;
	struct row row;

	csv.addresses = reader->trigger == TRIGGER_IP || reader->trigger == TRIGGER_CLIENT_IP ||
		reader->trigger == TRIGGER_NSIP;
	if (choose_column(&csv) != 0)
		return -1;
	while (row_begin(reader, &row)) {
		if (is_comment(&row))
			continue;
		if (read_row(&csv, &row, first) != 0)
			return -1;
		first = false;
	}
	return 0;
}
