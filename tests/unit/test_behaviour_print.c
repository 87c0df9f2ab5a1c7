/* test_behaviour_print.c: a flag as a person reads it. */
#include "tools/behaviour_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/live.h"

#define NOW 1700000000

/* In the place of tools/live.c, which asks a resolver. */
char *live_span(int64_t seconds, char *to)
{
	snprintf(to, LIVE_TEXT_MAX, "%d s", (int)seconds);
	return to;
}

char *live_time(int64_t seconds, char *to)
{
	snprintf(to, LIVE_TEXT_MAX, "%d", (int)seconds);
	return to;
}

static char *print(const json_t *flag)
{
	const struct term term = { 0 };
	char *text = NULL;
	size_t octets = 0;
	FILE *to = open_memstream(&text, &octets);

	assert_non_null(to);
	flag_print(flag, NOW, &term, to);
	fclose(to);
	return text;
}

static void hits_are_counted_in_words(void **state)
{
	static const struct { int hits; const char *says, *why; } rows[] = {
		{ 0, "300 s left, 0 hits\n", "none" },
		{ 1, "300 s left, 1 hit\n", "one alone" },
		{ 2, "300 s left, 2 hits\n", "two" },
		{ 21, "300 s left, 21 hits\n", "a number that ends in one" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *flag = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i}", "state", "alert", "zone", "evil.example",
			"client", "192.0.2.7/32", "detector", "tunnel", "tier", "low", "why", "much is said", "since", NOW - 60, "until",
			NOW + 300, "hits", rows[i].hits);
		char *text = print(flag);

		if (strstr(text, rows[i].says) == NULL || strstr(text, "evil.example by 192.0.2.7/32: tunnel (low)\n") == NULL)
			fail_msg("%s: %s", rows[i].why, text);
		free(text);
		json_decref(flag);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(hits_are_counted_in_words) };

	return cmocka_run_group_tests_name("behaviour_print", tests, NULL, NULL);
}
