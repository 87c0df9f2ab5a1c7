/* test_name.c: names from the wire and from text, and back. */
#include "policy/name.h"

#define LABEL_MAX 63

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define W63 "\77" L63

static const struct {
	const char *wire;
	size_t octets;
	const char *text;    /* NULL: no name */
	const char *why;
} wires[] = {
	{ "\0", 1, ".", "the root" },
	{ "\3WwW\7ExAmple\0", 13, "www.example", "upper case is lowered" },
	{ "\3www\0rest", 9, "www", "what follows the name is not read" },
	{ "\1.\2\0\377\0", 6, "\\046.\\000\\255", "any octet may stand in a label" },
	{ "", 0, NULL, "nothing at all" },
	{ "\3ww", 3, NULL, "the label is cut off" },
	{ "\3www", 4, NULL, "the root is cut off" },
	{ "\300\0", 2, NULL, "a compression pointer" },
	{ "\100" L63 "l\0", 66, NULL, "a label of 64 octets" },
	{ W63 "\0", 65, L63, "a label of 63 octets" },
	{ W63 W63 W63 "\75" "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi\0", 255,
	  L63 "." L63 "." L63 "." "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi", "255 octets" },
	{ W63 W63 W63 "\76" "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij\0", 256, NULL,
	  "256 octets" },
};

static void reads_wire_form(void **state)
{
	char text[NAME_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
		/* A copy of exactly that size: a sanitizer sees a read behind it. */
		uint8_t *copy = malloc(wires[i].octets + (wires[i].octets == 0));
		struct name name = { .length = 99 };
		bool good;

		assert_non_null(copy);
		memcpy(copy, wires[i].wire, wires[i].octets);
		good = name_from_wire(&name, copy, wires[i].octets);
		free(copy);
		if (good != (wires[i].text != NULL))
			fail_msg("%s", wires[i].why);
		if (!good)
			assert_int_equal(name.length, 99);
		else if (strcmp(name_to_text(&name, text), wires[i].text) != 0)
			fail_msg("%s: %s", wires[i].why, text);
	}
}

static const struct {
	const char *text;
	const char *wrong;     /* NULL: good */
	const char *back;
	unsigned labels;
	const char *why;
} texts[] = {
	{ ".", NULL, ".", 0, "the root" },
	{ "Example.COM", NULL, "example.com", 2, "no trailing dot" },
	{ "example.com.", NULL, "example.com", 2, "a trailing dot" },
	{ "a\\.b.c", NULL, "a\\046b.c", 2, "an escaped dot is part of the label" },
	{ "\\065\\066", NULL, "ab", 1, "decimal escapes are lowered too" },
	{ "*._x-1.d", NULL, "*._x-1.d", 3, "what stays plain" },
	{ "\\000\\255", NULL, "\\000\\255", 1, "the smallest and the largest octet" },
	{ L63, NULL, L63, 1, "a label of 63" },
	{ "", "empty name", NULL, 0, "nothing" },
	{ "..", "empty label", NULL, 0, "only dots" },
	{ ".a", "empty label", NULL, 0, "a dot in front" },
	{ "a..b", "empty label", NULL, 0, "two dots" },
	{ "a..", "empty label", NULL, 0, "two dots at the end" },
	{ L63 "l", "label over 63 octets", NULL, 0, "a label of 64" },
	{ L63 "." L63 "." L63 "." L63, "name over 255 octets", NULL, 0, "257 octets" },
	{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij",
	  "name over 255 octets", NULL, 0, "256 octets" },
	{ L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi.", NULL,
	  L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi", 4, "255 octets" },
	{ "a\\", "escape that is neither \\X nor \\DDD up to 255", NULL, 0, "a backslash at the end" },
	{ "a\\25", "escape that is neither \\X nor \\DDD up to 255", NULL, 0, "two digits" },
	{ "a\\256", "escape that is neither \\X nor \\DDD up to 255", NULL, 0, "more than an octet" },
	{ "a\\1b2", "escape that is neither \\X nor \\DDD up to 255", NULL, 0, "a letter among the digits" },
	{ "a b", "octet outside printable ASCII that is not written as \\DDD", NULL, 0, "a blank" },
	{ "caf\303\251", "octet outside printable ASCII that is not written as \\DDD", NULL, 0, "UTF-8" },
};

static void reads_text(void **state)
{
	char text[NAME_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct name name = { .length = 99 };
		const char *wrong = name_from_text(&name, texts[i].text, strlen(texts[i].text));

		if ((wrong == NULL) != (texts[i].wrong == NULL))
			fail_msg("%s: %s", texts[i].why, wrong);
		if (wrong != NULL) {
			assert_string_equal(wrong, texts[i].wrong);
			assert_int_equal(name.length, 99);
			continue;
		}
		assert_string_equal(name_to_text(&name, text), texts[i].back);
		assert_int_equal(name.labels, texts[i].labels);
	}
}

static struct name of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static void takes_127_labels_and_not_128(void **state)
{
	char text[2 * 128];
	struct name name;
	size_t i;

	(void)state;
	for (i = 0; i < 128; i++)
		memcpy(text + 2 * i, "a.", 2);
	assert_null(name_from_text(&name, text, 2 * 127));
	assert_int_equal(name.labels, 127);
	assert_int_equal(name.length, 255);
	assert_non_null(name_from_text(&name, text, 2 * 128));
}

static void the_longest_text_fits(void **state)
{
	uint8_t wire[NAME_OCTETS_MAX];
	char text[NAME_TEXT_MAX];
	struct name name;
	struct name back;

	(void)state;
	memset(wire, 0xff, sizeof(wire));
	wire[0] = wire[64] = wire[128] = 63;
	wire[192] = 61;
	wire[254] = 0;
	assert_true(name_from_wire(&name, wire, sizeof(wire)));
	name_to_text(&name, text);
	assert_true(strlen(text) < NAME_TEXT_MAX);
	assert_null(name_from_text(&back, text, strlen(text)));
	assert_true(name_equal(&name, &back));
}

static const struct {
	const char *name;
	const char *parent;
	bool below;
	const char *why;
} families[] = {
	{ "a.b.c", "b.c", true, "a child" },
	{ "b.c", "b.c", true, "itself" },
	{ "b.c", ".", true, "everything is below the root" },
	{ ".", ".", true, "the root too" },
	{ ".", "c", false, "the root is below nothing else" },
	{ "xb.c", "b.c", false, "the end of a label is no label" },
	{ "a.\\001b", "b", false, "a length octet inside a label is none" },
	{ "b.c", "a.b.c", false, "a parent" },
	{ "a.b.d", "b.c", false, "another one" },
};

static void knows_what_is_below(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct name name = of(families[i].name);
		struct name parent = of(families[i].parent);

		if (name_is_below(&name, &parent) != families[i].below)
			fail_msg("%s", families[i].why);
	}
}

static void cuts_labels_off(void **state)
{
	struct name name = of("a.bcd.e");
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_ptr_equal(name_suffix(&name, 0), name.octets);
	assert_string_equal(name_wire_to_text(name_suffix(&name, 1), name.length - 2u, text), "bcd.e");
	assert_int_equal(*name_suffix(&name, 3), 0);
}

static void a_cut_wire_name_prints_what_there_is(void **state)
{
	char text[NAME_TEXT_MAX];

	(void)state;
	assert_string_equal(name_wire_to_text((const uint8_t *)"\1a\77b", 4, text), "a");
	assert_string_equal(name_wire_to_text((const uint8_t *)"", 0, text), ".");
}

/* The example of RFC 4034 section 6.1, with `example` and the names below it. */
static void names_have_the_canonical_order(void **state)
{
	static const char *const rising[] = {
		".", "example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE", "z.example",
		"\\001.z.example", "*.z.example", "\\200.z.example",
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rising) / sizeof(rising[0]); i++)
		for (j = 0; j < sizeof(rising) / sizeof(rising[0]); j++) {
			struct name a, b;
			int order;

			assert_null(name_from_text(&a, rising[i], strlen(rising[i])));
			assert_null(name_from_text(&b, rising[j], strlen(rising[j])));
			order = name_compare(&a, &b);
			if (!(i < j ? order < 0 : i > j ? order > 0 : order == 0))
				fail_msg("%s and %s", rising[i], rising[j]);
		}
}

/* All lengths, so that every octet stands at every place of a word. */
/* Names are written in blocks where nothing has to be escaped, wherever the octet stands that has to be. */
static void every_octet_is_written_alike_everywhere(void **state)
{
	char expected[NAME_TEXT_MAX], text[NAME_TEXT_MAX];

	(void)state;
	for (unsigned octet = 0; octet <= UINT8_MAX; octet++) {
		for (size_t length = 3; length <= NAME_OCTETS_MAX; length += 1 + length / 40) {
			struct name name = { .length = (uint8_t)length };
			size_t at = 0;

			while (at + 1 < length) {
				size_t label = length - at - 2 < 19 ? length - at - 2 : 19;

				label -= length - at - 2 - label == 1;
				name.octets[at] = (uint8_t)label;
				memset(name.octets + at + 1, 'x', label);
				name.labels++;
				at += 1 + label;
			}
			name.octets[(octet * 7 + length) % name.octets[0] + 1] = (uint8_t)octet;
			name_wire_to_text(name.octets, length, expected);
			if (strcmp(name_to_text(&name, text), expected) != 0)
				fail_msg("octet %u, length %zu: %s, not %s", octet, length, text, expected);
		}
	}
}

static void lowers_capital_letters_and_nothing_else(void **state)
{
	uint8_t wire[1 + LABEL_MAX + 1];
	struct name name;
	unsigned length, first, i;

	(void)state;
	for (length = 1; length <= LABEL_MAX; length++) {
		for (first = 0; first < 256; first++) {
			wire[0] = (uint8_t)length;
			for (i = 0; i < length; i++)
				wire[1 + i] = (uint8_t)(first + i);
			wire[1 + length] = 0;
			assert_true(name_from_wire(&name, wire, length + 2));
			assert_int_equal(name.octets[length + 1], 0);
			for (i = 0; i < length; i++)
				assert_int_equal(name.octets[1 + i],
					wire[1 + i] >= 'A' && wire[1 + i] <= 'Z' ? wire[1 + i] + 0x20 : wire[1 + i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_wire_form),
		cmocka_unit_test(reads_text),
		cmocka_unit_test(takes_127_labels_and_not_128),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(knows_what_is_below),
		cmocka_unit_test(cuts_labels_off),
		cmocka_unit_test(a_cut_wire_name_prints_what_there_is),
		cmocka_unit_test(names_have_the_canonical_order),
		cmocka_unit_test(every_octet_is_written_alike_everywhere),
		cmocka_unit_test(lowers_capital_letters_and_nothing_else),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
