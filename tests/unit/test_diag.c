/* test_diag.c: errors that name the place and are safe to print. */
#include "policy/diag.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *file;
	unsigned line;
	unsigned column;
	const char *text;
	const char *shown;
	const char *why;
} rows[] = {
	{ "a.conf", 7, 12, "score", "a.conf:7:12: score", "all is known" },
	{ "a.conf", 7, 0, "score", "a.conf:7: score", "no column" },
	{ "a.conf", 0, 0, "score", "a.conf: score", "no line" },
	{ "a.conf", 0, 3, "score", "a.conf: score", "a column without a line says nothing" },
	{ NULL, 0, 0, "score", "score", "no file" },
	{ "\033[2Jf\n", 1, 0, "x", "\\027[2Jf\\010:1: x", "a file name that would clear the screen" },
	{ "f", 1, 0, "\033]0;x\a \303\251 \177", "f:1: \\027]0;x\\007 \\195\\169 \\127", "a text that would" },
};

static void tells_the_place_and_escapes(void **state)
{
	char text[1024];
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&diag, 'X', sizeof(diag));
		assert_int_equal(diag_set(&diag, rows[i].file, rows[i].line, rows[i].column, "%s", rows[i].text), -1);
		if (strcmp(diag_format(&diag, text, sizeof(text)), rows[i].shown) != 0)
			fail_msg("%s: %s", rows[i].why, text);
	}
}

static void a_null_diag_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(diag_set(NULL, "f", 1, 1, "x"), -1);
}

static void a_long_path_loses_its_front(void **state)
{
	char path[600];
	struct diag diag;

	(void)state;
	memset(path, 'a', sizeof(path));
	strcpy(path + sizeof(path) - 9, "/end.txt");
	diag_set(&diag, path, 0, 0, "x");
	assert_memory_equal(diag.file, "...aaa", 6);
	assert_true(strlen(diag.file) > sizeof(diag.file) - 8);
	assert_string_equal(diag.file + strlen(diag.file) - 8, "/end.txt");
	path[sizeof(path) - 100] = '\n';
	diag_set(&diag, path, 0, 0, "x");
	assert_non_null(strstr(diag.file, "\\010"));
	assert_true(strlen(diag.file) < sizeof(diag.file));
}

static void a_long_text_is_cut_between_escapes(void **state)
{
	char long_text[2000];
	struct diag diag;
	size_t octets;

	(void)state;
	memset(long_text, 1, sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	diag_set(&diag, "f", 0, 0, "%s", long_text);
	octets = strlen(diag.text);
	assert_int_equal(octets % 4, 0);
	assert_true(octets > 500);
	assert_string_equal(diag.text + octets - 4, "\\001");
}

static void may_quote_itself(void **state)
{
	struct diag diag;
	char text[1024];

	(void)state;
	diag_set(&diag, "f", 3, 0, "inner");
	diag_set(&diag, diag.file, 4, 0, "outer: %s", diag.text);
	assert_string_equal(diag_format(&diag, text, sizeof(text)), "f:4: outer: inner");
}

static void format_stays_inside(void **state)
{
	struct diag diag;
	char text[8] = "1234567";

	(void)state;
	diag_set(&diag, "f", 3, 0, "inner");
	diag_format(&diag, text, 4);
	assert_string_equal(text, "f:3");
	assert_int_equal(text[4], '5');
	diag_format(&diag, text, 0);
	assert_string_equal(text, "f:3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_place_and_escapes),
		cmocka_unit_test(a_null_diag_is_allowed),
		cmocka_unit_test(a_long_path_loses_its_front),
		cmocka_unit_test(a_long_text_is_cut_between_escapes),
		cmocka_unit_test(may_quote_itself),
		cmocka_unit_test(format_stays_inside),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
