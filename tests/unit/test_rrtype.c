/* test_rrtype.c: record types by name. */
#include "policy/rrtype.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void knows_types_by_name_and_number(void **state)
{
	static const struct { const char *text; uint16_t type; } rows[] = {
		{ "A", 1 }, { "aaaa", 28 }, { "Https", 65 }, { "ANY", 255 }, { "CAA", 257 }, { "TYPE1", 1 },
		{ "type65535", 65535 }, { "TYPE0", 0 }, { "TYPE65536", 0 }, { "TYPE", 0 }, { "TYPE1x", 0 }, { "TYPE-1", 0 },
		{ "TYPE000001", 0 }, { "AX", 0 }, { "", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint16_t type = 0;

		assert_int_equal(rrtype_from_text(&type, rows[i].text, strlen(rows[i].text)), rows[i].type != 0);
		assert_int_equal(type, rows[i].type);
	}
}

static void reads_several_or_none(void **state)
{
	struct rrtypes types = { .count = 0 };

	(void)state;
	assert_null(rrtypes_from_text(&types, " A\tAAAA  HTTPS A "));
	assert_int_equal(types.count, 3);
	assert_true(rrtypes_have(&types, 65) && !rrtypes_have(&types, 64));
	assert_non_null(rrtypes_from_text(&types, "MX NONE"));
	assert_non_null(rrtypes_from_text(&types, "  "));
	assert_int_equal(types.count, 3);   /* all or nothing */
}

static void takes_thirty_two_and_no_more(void **state)
{
	struct rrtypes types = { .count = 0 };
	unsigned i;

	(void)state;
	for (i = 1; i <= RRTYPES_MAX; i++)
		assert_true(rrtypes_add(&types, (uint16_t)i));
	assert_false(rrtypes_add(&types, 999));
	assert_true(rrtypes_add(&types, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_types_by_name_and_number),
		cmocka_unit_test(reads_several_or_none),
		cmocka_unit_test(takes_thirty_two_and_no_more),
	};

	return cmocka_run_group_tests_name("rrtype", tests, NULL, NULL);
}
