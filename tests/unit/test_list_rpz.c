/* test_list_rpz.c: the fast path and libldns give the same rules, on made zones and on real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/file.h"
#include "policy/list_reader.h"

/* All rules of one reading, as text. */
struct outcome {
	char *rules;
	size_t octets;
	FILE *to;
	struct list_stats stats;
	struct diag diag;
	int result;
};

static bool write_rule(void *arg, const struct rule *rule)
{
	struct outcome *outcome = arg;
	char text[NAME_TEXT_MAX];
	unsigned i;

	fprintf(outcome->to, "%u %d%d %s %d", rule->line, rule->exact, rule->below, name_to_text(&rule->name, text),
		(int)rule->action);
	if (rule->rdata != NULL) {
		fprintf(outcome->to, " %u %u ", rule->ttl, rule->type);
		for (i = 0; i < rule->rdata_length; i++)
			fprintf(outcome->to, "%02x", rule->rdata[i]);
	}
	fputc('\n', outcome->to);
	return true;
}

static void read_zone(struct outcome *outcome, const char *text, size_t length, const char *zone, bool no_fast_path)
{
	static char file[] = "zone";
	struct list_conf conf = { .name = "test", .file = file, .format = FORMAT_RPZ, .ttl = 300 };
	struct list_reader reader = { .conf = &conf, .visit = write_rule, .arg = outcome, .diag = &outcome->diag,
		.no_fast_path = no_fast_path };

	memset(outcome, 0, sizeof(*outcome));
	if (zone != NULL)
		assert_null(name_from_text(&conf.zone, zone, strlen(zone)));
	outcome->to = open_memstream(&outcome->rules, &outcome->octets);
	assert_non_null(outcome->to);
	outcome->result = list_read(&reader, text, length);
	outcome->stats = reader.stats;
	fclose(outcome->to);
}

/* Returns how many rules both ways gave. */
static size_t both_ways(const char *text, size_t length, const char *zone)
{
	struct outcome fast, full;
	size_t rules;
	unsigned i;

	read_zone(&fast, text, length, zone, false);
	read_zone(&full, text, length, zone, true);
	assert_int_equal(fast.result, full.result);
	if (strcmp(fast.rules, full.rules) != 0) {
		for (i = 0; fast.rules[i] == full.rules[i]; i++)
			;
		fail_msg("differ from here on: %.100s", full.rules + i);
	}
	for (i = 0; i < SKIP_COUNT; i++) {
		assert_int_equal(fast.stats.skipped[i], full.stats.skipped[i]);
		assert_int_equal(fast.stats.skipped_line[i], full.stats.skipped_line[i]);
	}
	assert_int_equal(fast.stats.lines, full.stats.lines);
	assert_int_equal(fast.stats.serial, full.stats.serial);
	rules = fast.stats.rules;
	free(fast.rules);
	free(full.rules);
	return rules;
}

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
		"*.evil.com.rpz.test.", "@", "*", "*.", ".", "", "1.2.3.4", "32.1.2.0.192.rpz-ip", "_x.y", "a..b", "a.*.b",
		"rpz.test.", "*.rpz.test.", "a\\.b", "**.a", "*..", "\xc3\xa4.example", NULL };
	static const char *const heads[] = { "", " 60", " IN", " 60 IN", " IN 60", " 1h", "\tin", " CH", " 60 60",
		" CLASS1", " 2147483648", NULL };
	static const char *const types[] = { " CNAME", "\tcname ", " CNAME \t", " A", " TXT", " CNAMEX", " NS", NULL };
	static const char *const targets[] = { " .", " *.", " rpz-passthru.", " rpz-drop.", " RPZ-TCP-ONLY.", " rpz-other.",
		" garden.example.", " garden", " *.garden.example.", " evil.example.", " evil.example", " @", " 192.0.2.1",
		" \"a ; b\"", " \\100.", " *..", " a..b", "", NULL };
	static const char *const ends[] = { "", " ", " ; comment", ";comment", "\t;", " x", "\r", NULL };

	fprintf(to, "%s%s%s%s%s\n", one_of(seed, owners), one_of(seed, heads), one_of(seed, types), one_of(seed, targets),
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
		size_t length = 0;
		FILE *to = open_memstream(&text, &length);

		fputs(one_of(&seed, starts), to);
		for (i = 0; i < 400; i++) {
			write_record(to, &seed);
			if (next_random(&seed) % 100 == 0)
				fputs("$ORIGIN sub\n", to);
			/* What makes a good list of it, so that its counts are compared too. */
			fprintf(to, "good%u CNAME .\ngood%u CNAME .\n", i, i);
		}
		fclose(to);
		rules += both_ways(text, length, round % 2 == 0 ? NULL : "rpz.test");
		free(text);
	}
	assert_in_range(rules, 20000, 60000);
}

/* The number of lines that are `owner CNAME target`, counted without the reader. */
static size_t count_cnames(const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	size_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), " CNAME ", 7)) != NULL) {
		at += 7;
		count++;
	}
	return count;
}

static void real_zone(const char *name, const char *zone)
{
	const char *folder = getenv("VERDICT_DATA"), *srcdir = getenv("srcdir");
	struct file_text text;
	char path[4096];

	if (folder != NULL)
		snprintf(path, sizeof(path), "%s/rpz/%s", folder, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/data/rpz/%s", srcdir != NULL ? srcdir : ".", name);
	if (file_load(&text, path, (size_t)1 << 30) != NULL) {
		print_message("# SKIPPED: there is no %s; set VERDICT_DATA to the folder of the real lists\n", path);
		skip();
	}
	assert_int_equal(both_ways(text.octets, text.length, zone), count_cnames(text.octets, text.length));
	file_release(&text);
}

static void a_real_zone_without_soa_is_the_same_both_ways(void **state)
{
	(void)state;
	real_zone("rpz_ph00lt0_noSOA.zone", NULL);
}

static void a_real_zone_with_wildcards_is_the_same_both_ways(void **state)
{
	(void)state;
	real_zone("rpz_rodrigo_wildcards.zone", "rpz");
}

/* 4,096 lines fit into one record, one more does not. */
static void a_record_may_have_4096_lines_and_no_more(void **state)
{
	unsigned extra;

	(void)state;
	for (extra = 0; extra < 2; extra++) {
		struct outcome outcome;
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
	struct outcome outcome;
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
	struct outcome outcome;

	(void)state;
	snprintf(text, sizeof(text), "$ORIGIN %s.%s.rpz.test.\nx MX 10 %s.%s.%s.%s\ny CNAME %s.%s.%s.%s\ngood CNAME .\n"
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
		cmocka_unit_test(a_real_zone_without_soa_is_the_same_both_ways),
		cmocka_unit_test(a_real_zone_with_wildcards_is_the_same_both_ways),
		cmocka_unit_test(a_record_may_have_4096_lines_and_no_more),
		cmocka_unit_test(a_record_over_64_kib_is_refused),
		cmocka_unit_test(rdata_names_over_255_octets_never_pass),
	};

	return cmocka_run_group_tests_name("list_rpz", tests, NULL, NULL);
}
