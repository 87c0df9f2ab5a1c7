/* test_name_score.c: a label in, thousandths out. */
#include "detect/name_score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LABEL_MAX 63

static const struct { const char *label; int score; } vector[] = {
#include "tests/unit/name_vector.h"
};

static int score_text(const char *label)
{
	return name_score((const uint8_t *)label, strlen(label));
}

static void scores_as_the_script_that_learned(void **state)
{
	unsigned wrong = 0, generated = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		const int score = score_text(vector[i].label);

		generated += score >= 900;
		if (score == vector[i].score)
			continue;
		fprintf(stderr, "%s: %d, and the script has %d\n", vector[i].label, score, vector[i].score);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	assert_true(generated > 50);
}

static void refuses_what_is_no_plain_label(void **state)
{
	static const struct { const char *label, *why; } rows[] = {
		{ "", "nothing to look at" },
		{ "xn--bcher-kva", "what is shown to a person is something else" },
		{ "_dmarc", "names of hosts have no such letters" },
		{ "a b", "nor these" },
		{ "caf\xc3\xa9", "nor octets that are no ASCII" },
		{ "UPPER", "a name is in lower case past the edge" },
	};
	uint8_t octets[LABEL_MAX + 1];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (score_text(rows[i].label) != NAME_SCORE_NONE)
			fail_msg("%s was scored: %s", rows[i].label, rows[i].why);
	memset(octets, 'a', sizeof(octets));
	assert_true(name_score(octets, LABEL_MAX) >= 0);
	assert_int_equal(name_score(octets, LABEL_MAX + 1), NAME_SCORE_NONE);
}

/* Every length and every octet, whatever the tables hold. */
static void stays_within_bounds(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t octets[LABEL_MAX];
		const size_t length = 1 + round % LABEL_MAX;
		int score;

		for (size_t i = 0; i < length; i++) {
			seed = seed * 1664525 + 1013904223;
			octets[i] = (uint8_t)(round % 3 == 0 ? seed >> 24 : (uint32_t)"abcdefghijklmnopqrstuvwxyz0123456789-"[(seed >> 16) % 37]);
		}
		score = name_score(octets, length);
		assert_true((score >= 0 && score <= 1000) || score == NAME_SCORE_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_as_the_script_that_learned),
		cmocka_unit_test(refuses_what_is_no_plain_label),
		cmocka_unit_test(stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
