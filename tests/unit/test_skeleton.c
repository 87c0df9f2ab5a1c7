/* test_skeleton.c: what a person would not tell apart, and what is one letter off. */
#include "detect/skeleton.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void folds_what_looks_alike(void **state)
{
	static const struct { const char *label, *skeleton, *why; } rows[] = {
		{ "example", "example", "nothing to fold" },
		{ "examp1e", "example", "one for l" },
		{ "g00gle", "google", "nought for o" },
		{ "rnicrosoft", "microsoft", "r and n for m" },
		{ "vvikipedia", "wikipedia", "two v for w" },
		{ "xn--pypal-4ve", "paypal", "Cyrillic a, decoded" },
		{ "xn--80ak6aa92e", "apple", "all Cyrillic" },
		{ "xn--mnchen-3ya", "munchen", "u with two dots" },
		{ "xn--fiqs8s", "\xff\xff", "looks like nothing Latin" },
		{ "xn--", "", "nothing encoded" },
		{ "xn--a-\xff\xff", "", "not Punycode" },
		{ "xn--99999999999999", "", "beyond Unicode" },
		{ "xn--a-b", "", "ends inside a number" },
		{ "r", "r", "one letter" },
		{ "", "", "none" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct skeleton skeleton;

		skeleton_make(&skeleton, (const uint8_t *)rows[i].label, strlen(rows[i].label));
		if (skeleton.length != strlen(rows[i].skeleton) ||
		    memcmp(skeleton.octets, rows[i].skeleton, skeleton.length) != 0)
			fail_msg("%s: %s: %.*s", rows[i].why, rows[i].label, (int)skeleton.length, (const char *)skeleton.octets);
	}
}

static void stays_inside_whatever_octets_come(void **state)
{
	uint8_t label[SKELETON_MAX];
	struct skeleton skeleton;

	(void)state;
	srand(7);
	for (unsigned round = 0; round < 200000; round++) {
		const size_t length = (size_t)rand() % (SKELETON_MAX + 1);

		for (size_t i = 0; i < length; i++)
			label[i] = round % 2 == 0 ? (uint8_t)rand() : (uint8_t)"abyz0189-"[rand() % 9];
		if (length >= 4 && round % 4 != 0)
			memcpy(label, "xn--", 4);
		skeleton_make(&skeleton, label, length);
		assert_true(skeleton.length <= length);
	}
}

/* The naive definition: all that one step makes of `a`. */
static bool is_near_naive(const char *a, const char *b)
{
	const size_t a_length = strlen(a), b_length = strlen(b);
	char other[16];

	for (size_t i = 0; i < a_length; i++) {
		strcpy(other, a);
		if (i < b_length)
			other[i] = b[i];
		if (strcmp(other, b) == 0 && strcmp(a, b) != 0)
			return true;
		memmove(other, a, a_length + 1);
		memmove(other + i, a + i + 1, a_length - i);
		if (strcmp(other, b) == 0)
			return true;
		memmove(other, a, a_length + 1);
		if (i + 1 < a_length) {
			other[i] = a[i + 1];
			other[i + 1] = a[i];
			if (strcmp(other, b) == 0 && strcmp(a, b) != 0)
				return true;
		}
	}
	for (size_t i = 0; i <= a_length && b_length == a_length + 1; i++) {
		memcpy(other, a, i);
		other[i] = b[i];
		memcpy(other + i + 1, a + i, a_length - i + 1);
		if (strcmp(other, b) == 0)
			return true;
	}
	return false;
}

static void near_is_what_one_step_reaches(void **state)
{
	char a[8], b[8];
	unsigned near = 0;

	(void)state;
	srand(11);
	for (unsigned round = 0; round < 300000; round++) {
		const int a_length = rand() % 6, b_length = rand() % 6;
		bool expected;

		for (int i = 0; i <= a_length; i++)
			a[i] = i < a_length ? (char)('a' + rand() % 3) : '\0';
		for (int i = 0; i <= b_length; i++)
			b[i] = i < b_length ? (char)('a' + rand() % 3) : '\0';
		expected = is_near_naive(a, b);
		near += expected;
		if (label_is_near((const uint8_t *)a, strlen(a), (const uint8_t *)b, strlen(b)) != expected)
			fail_msg("%s %s: should be %d", a, b, expected);
	}
	assert_true(near > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_what_looks_alike),
		cmocka_unit_test(stays_inside_whatever_octets_come),
		cmocka_unit_test(near_is_what_one_step_reaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
