/* test_list_rpz.c: the fast path and libldns give the same rules on made zones (test_list_real.c has real ones). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list_reader.h"
#include "tests/unit/read_zone.h"

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* One of the words of `from`, which ends with NULL. */
static const char *one_of(uint64_t *seed, const char *const *from)
{
	size_t count = 0;

	while (from[count] != NULL)
		count++;
	return from[next_random(seed) % count];
}

static void write_record(FILE *to, uint64_t *seed)
{
	static const char *const owners[] = { "evil.example", "*.evil.example", "EVIL.example.", "evil.com.rpz.test.",
		"*.evil.com.rpz.test.", "@", "*", "*.", ".", "", "1.2.3.4", "32.1.2.0.192.rpz-ip",
		"24.0.2.0.192.rpz-client-ip", "48.zz.1.db8.2001.rpz-nsip", "33.1.2.0.192.rpz-ip", "*.ns.evil.rpz-nsdname",
		"rpz-nsdname", "24.1.2.0.192.rpz-ip", "_x.y", "a..b", "a.*.b",
		"rpz.test.", "*.rpz.test.", "a\\.b", "**.a", "*..", "\xc3\xa4.example", NULL };
	static const char *const heads[] = { "", " 60", " IN", " 60 IN", " IN 60", " 1h", "\tin", " CH", " 60 60",
		" CLASS1", " 2147483648", NULL };
	static const char *const types[] = { " CNAME", "\tcname ", " CNAME \t", " A", " A", "\ta ", " AAAA", " aaaa\t",
		" TXT", " CNAMEX", " AA", " NS", NULL };
	static const char *const targets[] = { " .", " *.", " rpz-passthru.", " rpz-drop.",
		" RPZ-TCP-ONLY.", " rpz-other.",
		" garden.example.", " garden", " *.garden.example.", " evil.example.",
		" evil.example", " @", " 192.0.2.1",
		" 192.0.2.1;x", " 192.0.2.01", " 192.0.2", " 2001:db8::1", " 2001:DB8::", " ::ffff:192.0.2.1", " ::",
		" 2001:db8::1::", " fe80::1%lo", " 0x7f000001", " 1.2.3.4.5", " 32.1.2.0.192.", " *.32.1.2.0.192.",
		" \"a ; b\"", " \\100.", " *..", " a..b", "", NULL };
	static const char *const ends[] = { "", " ", " ; comment", ";comment", "\t;", " x", "\r", NULL };

	fprintf(to, "%s%s%s%s%s\n", one_of(seed, owners), one_of(seed, heads), one_of(seed, types),
		one_of(seed, targets),
		one_of(seed, ends));
}

/* Fifty made zones of every head and thousands of records, right and wrong. */
static void made_zones_are_the_same_both_ways(void **state)
{
	static const char *const starts[] = { "", "$ORIGIN rpz.test.\n", "$TTL 1h\n",
		"@ SOA ns root 7 1h 1h 1h 1h\n NS ns\n", "rpz.test. 60 IN SOA ns root 7 1 1 1 1\n",
		"$ORIGIN test.\nrpz IN SOA ns root (\n7 ; serial\n1 1 1 1 )\n", NULL };
	const char *given = getenv("TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	size_t rules = 0;
	unsigned round, i;

	(void)state;
	print_message("# seed %llu (TEST_SEED)\n", (unsigned long long)seed);
	for (round = 0; round < 50; round++) {
		char *text = NULL;
		size_t length = 0, read;
		FILE *to = open_memstream(&text, &length);
		const char *wrong;

		fputs(one_of(&seed, starts), to);
		for (i = 0; i < 400; i++) {
			write_record(to, &seed);
			if (next_random(&seed) % 100 == 0)
				fputs("$ORIGIN sub\n", to);
			/* What makes a good list of it, so that its counts are compared too. */
			fprintf(to, "good%u CNAME .\ngood%u CNAME .\n", i, i);
		}
		fclose(to);
		wrong = zone_differs(text, length, round % 2 == 0 ? NULL : "rpz.test", &read);
		if (wrong != NULL)
			fail_msg("zone %u: %s", round, wrong);
		rules += read;
		free(text);
	}
	assert_in_range(rules, 20000, 60000);
}

/* 4,096 lines fit into one record, one more does not. */
static void a_record_may_have_4096_lines_and_no_more(void **state)
{
	unsigned extra;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		struct zone_outcome outcome;
		char *text = NULL;
		size_t length = 0;
		FILE *to = open_memstream(&text, &length);
		unsigned i;

		fputs("evil.com CNAME .\nweb TXT ( a", to);
		for (i = 0; i < LIST_RECORD_LINES_MAX - 1 + extra; i++)
			fputs("\n", to);
		fputs(")\n", to);
		fclose(to);
		read_zone(&outcome, text, length, NULL, false);
		assert_int_equal(outcome.result, extra == 0 ? 0 : -1);
		if (extra > 0)
			assert_int_equal(outcome.diag.line, 2);
		free(outcome.rules);
		free(text);
	}
}

static void a_record_over_64_kib_is_refused(void **state)
{
	struct zone_outcome outcome;
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	unsigned i;

	(void)state;
	fputs("evil.com CNAME .\nweb TXT (", to);
	for (i = 0; i < 100; i++)
		fprintf(to, "\"%0999u\"\n", i);
	fputs(")\n", to);
	fclose(to);
	read_zone(&outcome, text, length, NULL, false);
	assert_int_equal(outcome.result, -1);
	assert_int_equal(outcome.diag.line, 2);
	assert_non_null(strstr(outcome.diag.text, "parenthesis"));
	free(outcome.rules);
	free(text);
}

/* A relative target that fits alone and not with its origin. */
static void rdata_names_over_255_octets_never_pass(void **state)
{
	static char text[1024];
	static const char label[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct zone_outcome outcome;

	(void)state;
	snprintf(text, sizeof(text),
		"$ORIGIN %s.%s.rpz.test.\nx MX 10 %s.%s.%s.%s\ny CNAME %s.%s.%s.%s\ngood CNAME .\n"
		"fine CNAME .\n", label, label, label, label, label, label, label, label, label, label);
	read_zone(&outcome, text, strlen(text), NULL, false);
	assert_int_equal(outcome.result, 0);
	assert_int_equal(outcome.stats.rules, 2);
	assert_int_equal(outcome.stats.skipped[SKIP_RECORD], 2);
	free(outcome.rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_zones_are_the_same_both_ways),
		cmocka_unit_test(a_record_may_have_4096_lines_and_no_more),
		cmocka_unit_test(a_record_over_64_kib_is_refused),
		cmocka_unit_test(rdata_names_over_255_octets_never_pass),
	};

	return cmocka_run_group_tests_name("list_rpz", tests, NULL, NULL);
}
