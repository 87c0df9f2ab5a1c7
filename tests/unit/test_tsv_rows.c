/* test_tsv_rows.c: rows out of pieces of tab-separated text. */
#include "tools/tsv_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct taken {
	char text[512];              /* columns with '|' behind each, rows with '/' */
	size_t used;
	unsigned rows, most;
};

static bool take(void *arg, const struct tsv_row *row)
{
	struct taken *taken = arg;

	for (unsigned i = 0; i < row->count; i++) {
		assert_int_equal(row->columns[i][row->octets[i]], '\0');
		memcpy(taken->text + taken->used, row->columns[i], row->octets[i]);
		taken->used += row->octets[i];
		taken->text[taken->used++] = '|';
	}
	taken->text[taken->used++] = '/';
	return ++taken->rows != taken->most;
}

static void gives_rows_however_the_text_is_cut(void **state)
{
	static const struct { const char *why, *text; const char *rows; size_t octets; bool whole; } rows[] = {
		{ "nothing", "", "", 0, true },
		{ "one", "a\tb\n", "a|b|/", 5, true },
		{ "empty columns, and a row of one", "\t\n\n", "||/|/", 5, true },
		{ "escapes", "\\t\\n\\\\\\'\\b\\f\\r\tx\\qy\n", "\t\n\\'\b\f\r|xqy|/", 13, true },
		{ "a NUL", "a\\0b\tc\n", "a\0b|c|/", 7, true },
		{ "an escaped tab divides nothing", "a\\\tb\n", "a\tb|/", 5, true },
		{ "a backslash at the end", "a\\\n", "a\\|/", 4, true },
		{ "no end", "a\tb\nc", "a|b|/", 5, false },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++)
		for (size_t piece = 1; piece < 9; piece++) {
			struct taken taken = { .used = 0 };
			struct tsv_rows reading = { .row = take, .arg = &taken };
			size_t octets = strlen(rows[i].text);

			for (size_t at = 0; at < octets; at += piece)
				assert_true(tsv_rows_take(&reading, rows[i].text + at, octets - at < piece ? octets - at : piece));
			if (tsv_rows_are_whole(&reading) != rows[i].whole || taken.used != rows[i].octets ||
					memcmp(taken.text, rows[i].rows, taken.used) != 0)
				fail_msg("%s, in pieces of %zu: %.*s", rows[i].why, piece, (int)taken.used, taken.text);
			tsv_rows_fini(&reading);
		}
}

static void refuses_more_columns_than_it_holds(void **state)
{
	static char text[TSV_COLUMNS_MAX + 1];
	struct taken taken = { .used = 0 };
	struct tsv_rows reading = { .row = take, .arg = &taken };

	(void)state;
	memset(text, '\t', sizeof(text));
	text[TSV_COLUMNS_MAX - 1] = '\n';
	assert_true(tsv_rows_take(&reading, text, TSV_COLUMNS_MAX));
	text[TSV_COLUMNS_MAX - 1] = '\t';
	text[TSV_COLUMNS_MAX] = '\n';
	assert_false(tsv_rows_take(&reading, text, sizeof(text)));
	assert_non_null(reading.wrong);
	assert_int_equal(taken.rows, 1);
	tsv_rows_fini(&reading);
}

static void holds_no_more_than_a_row_may_have(void **state)
{
	char *text = malloc(1 << 20);
	struct taken taken = { .used = 0 };
	struct tsv_rows reading = { .row = take, .arg = &taken };
	size_t octets = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 1 << 20);
	while (tsv_rows_take(&reading, text, 1 << 20))
		octets += 1 << 20;
	assert_true(octets < TSV_ROW_MAX);
	assert_non_null(reading.wrong);
	assert_false(tsv_rows_take(&reading, "\n", 1));
	assert_int_equal(taken.rows, 0);
	tsv_rows_fini(&reading);
	free(text);
}

static void stops_when_nobody_wants_more(void **state)
{
	struct taken taken = { .most = 2 };
	struct tsv_rows reading = { .row = take, .arg = &taken };

	(void)state;
	assert_false(tsv_rows_take(&reading, "a\nb\nc\n", 6));
	assert_null(reading.wrong);
	assert_int_equal(taken.rows, 2);
	tsv_rows_fini(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_rows_however_the_text_is_cut), cmocka_unit_test(refuses_more_columns_than_it_holds),
		cmocka_unit_test(holds_no_more_than_a_row_may_have), cmocka_unit_test(stops_when_nobody_wants_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
