/* test_manual.c: verdict.conf(5) has every option of the table, and no other. */
#include "policy/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT_MAX 131072
#define COLUMNS 7   /* clause, key, type, limits, default, unit, help */

static char manual[TEXT_MAX], table[TEXT_MAX];

static int read_both(void **state)
{
	const char *source = getenv("srcdir");
	char path[4096];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/doc/verdict.conf.5", source != NULL ? source : ".");
	file = fopen(path, "r");
	if (file == NULL || fread(manual, 1, sizeof(manual) - 1, file) == 0)
		return -1;
	fclose(file);
	file = fmemopen(table, sizeof(table), "w");
	if (file == NULL)
		return -1;
	conf_print_options(file);
	return fclose(file);
}

/* Macros are no part of what is said. */
static void cut_all(char *text, const char *macro)
{
	size_t length = strlen(macro);

	while ((text = strstr(text, macro)) != NULL)
		memmove(text, text + length, strlen(text + length) + 1);
}

/* The option's paragraph as one line: from its `.It` to the next. */
static void find_paragraph(const char *clause, const char *key, char *to, size_t cap)
{
	char heading[64], item[64];
	const char *begin, *end;

	snprintf(heading, sizeof(heading), "\n.Sh CLAUSE %.*s\n", (int)strlen(clause) - 1, clause);
	snprintf(item, sizeof(item), "\n.It Ic %s ", key);
	begin = strcasestr(manual, heading);
	begin = begin != NULL ? strstr(begin, item) : NULL;
	if (begin == NULL)
		fail_msg("%s is not in the manual", key);
	end = strstr(begin + 1, "\n.It ");
	snprintf(to, cap, "%.*s", (int)(end != NULL ? (size_t)(end - begin) : strlen(begin)), begin);
	for (char *at = to; (at = strchr(at, '\n')) != NULL;)
		*at = ' ';
	cut_all(to, " .Cm");
	cut_all(to, " .Pa");
	for (char *at = to; (at = strstr(at, " ;")) != NULL;)
		memmove(at, at + 1, strlen(at + 1) + 1);
}

static void check_row(char *row)
{
	char *columns[COLUMNS], *rest = row, paragraph[TEXT_MAX];
	const char *fallback;

	for (int i = 0; i < COLUMNS; i++) {
		columns[i] = strsep(&rest, "\t");
		assert_non_null(columns[i]);
	}
	find_paragraph(columns[0], columns[1], paragraph, sizeof(paragraph));
	fallback = columns[4];
	if (strcmp(fallback, "required") == 0)
		assert_non_null(strstr(paragraph, "Required."));
	else if (strstr(paragraph, fallback) == NULL)
		fail_msg("%s: the manual does not say that the default is: %s", columns[1], fallback);
}

static void manual_has_every_option_with_its_default(void **state)
{
	static char rows[TEXT_MAX];
	char *rest = rows, *row;
	unsigned count = 0;

	(void)state;
	memcpy(rows, table, sizeof(rows));
	while ((row = strsep(&rest, "\n")) != NULL && *row != '\0') {
		check_row(row);
		count++;
	}
	assert_true(count > 10);
}

static void manual_has_no_other_option(void **state)
{
	char key[64], wanted[80];

	(void)state;
	for (const char *at = manual; (at = strstr(at, "\n.It Ic ")) != NULL;) {
		at += strlen("\n.It Ic ");
		assert_int_equal(sscanf(at, "%63s", key), 1);
		snprintf(wanted, sizeof(wanted), "\t%s\t", key);
		if (strstr(table, wanted) == NULL)
			fail_msg("%s is in the manual only", key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_has_every_option_with_its_default),
		cmocka_unit_test(manual_has_no_other_option),
	};

	return cmocka_run_group_tests_name("manual", tests, read_both, NULL);
}
