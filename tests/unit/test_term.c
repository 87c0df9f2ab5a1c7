/* test_term.c: nothing but printable ASCII gets out. */
#include "tools/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *from;
	size_t octets;
	size_t cap;
	const char *wanted;
	const char *why;
};

static const struct row rows[] = {
	{ "", 0, 8, "", "nothing is nothing" },
	{ "www.example", 11, 12, "www.example", "what fits to the last octet is not cut" },
	{ "www.example", 11, 11, "www.exa...", "one octet too many is cut, with dots" },
	{ "\033[31m", 5, 16, "\\027[31m", "an escape sequence is spelled out" },
	{ "a\0b", 3, 16, "a\\000b", "a NUL is an octet like others" },
	{ "\302\205", 2, 16, "\\194\\133", "C1 codes hide in UTF-8" },
	{ "\342\200\256", 3, 16, "\\226\\128\\174", "so do bidirectional marks" },
	{ "\177", 1, 8, "\\127", "DEL is no letter" },
	{ "ab\033", 3, 6, "ab...", "an escape is never cut in two" },
	{ "ab\033", 3, 7, "ab\\027", "an escape that fits stays" },
	{ "\033\033", 2, 4, "...", "not even at the beginning" },
	{ "abc", 3, 3, "..", "as many dots as there is room for" },
	{ "abc", 3, 1, "", "room for the NUL alone" },
	{ "\\027", 4, 16, "\\027", "a backslash is a letter: names come escaped already" },
};

static void escapes_and_cuts(void **state)
{
	char to[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t length;

		memset(to, 'x', sizeof(to));
		length = term_escape(to, rows[i].cap, rows[i].from, rows[i].octets);
		if (strcmp(to, rows[i].wanted) != 0)
			fail_msg("%s: '%s', not '%s'", rows[i].why, to, rows[i].wanted);
		assert_int_equal(length, strlen(to));
		assert_int_equal(to[rows[i].cap], 'x');
	}
}

static void every_octet_comes_out_printable(void **state)
{
	char to[1025];
	uint8_t all[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	for (size_t cap = 1; cap <= sizeof(to); cap++) {
		size_t length = term_escape(to, cap, all, sizeof(all));

		assert_true(length < cap);
		assert_true(term_is_clean(to, length));
	}
	assert_false(term_is_clean(all, sizeof(all)));
}

static void has_no_colour_where_it_is_off(void **state)
{
	const struct term plain = { .colour = false }, coloured = { .colour = true };

	(void)state;
	for (int style = 0; style < STYLE_COUNT; style++) {
		assert_string_equal(term_on(&plain, (enum term_style)style), "");
		assert_string_equal(term_off(&plain, (enum term_style)style), "");
		assert_int_equal(*term_on(&coloured, (enum term_style)style) == '\0',
			*term_off(&coloured, (enum term_style)style) == '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_and_cuts),
		cmocka_unit_test(every_octet_comes_out_printable),
		cmocka_unit_test(has_no_colour_where_it_is_off),
	};

	return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
