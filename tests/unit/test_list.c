/* test_list.c: what the golden cases cannot show: ownership, no memory, long lines, the plain name scanner's law. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/list_reader.h"
#include "tests/unit/temp_file.h"

struct counting {
	size_t rules;
	size_t room;   /* false from then on */
};

static bool count(void *arg, const struct rule *rule)
{
	struct counting *counting = arg;

	(void)rule;
	if (counting->rules == counting->room)
		return false;
	counting->rules++;
	return true;
}

static int load_text(enum list_format format, const char *text, size_t length, struct counting *counting,
	struct list_stats *stats, struct diag *diag)
{
	char path[TEMP_PATH_MAX];
	struct list_conf conf = { .name = "test", .file = temp_file(path, text, length), .format = format };
	int result = list_load(&conf, 0, count, counting, stats, diag);

	unlink(path);
	return result;
}

static void every_reason_has_a_text(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < SKIP_COUNT; i++)
		assert_non_null(skip_texts[i]);
}

static void success_leaves_the_diag_and_failure_the_stats_alone(void **state)
{
	struct counting counting = { .room = SIZE_MAX };
	struct list_stats stats = { .lines = 4711 };
	struct diag diag = { .line = 4711 };

	(void)state;
	assert_int_equal(load_text(FORMAT_DOMAINS, "", 0, &counting, &stats, &diag), -1);
	assert_int_equal(stats.lines, 4711);
	assert_int_not_equal(diag.line, 4711);
	diag.line = 4711;
	assert_int_equal(load_text(FORMAT_DOMAINS, "a.example", 9, &counting, &stats, &diag), 0);
	assert_int_equal(diag.line, 4711);
	assert_int_equal(stats.lines, 1);
	assert_int_equal(stats.rules, 1);
	assert_int_equal(stats.octets, 9);
	assert_int_equal(stats.serial, 0);
}

static void stops_when_the_sink_has_no_memory(void **state)
{
	static const char *const texts[FORMAT_COUNT] = {
		"a.example\nb.example\nc.example\n", "::1 a.example b.example\n::1 c.example\n",
		"*.a.example\nb.example\nc.example\n",
		"a.example CNAME .\nb.example A 192.0.2.1\nc.example CNAME .\n",
		"||a.example^\n@@||b.example^\n||c.example^\n", "address=/a.example/b.example/\nlocal=/c.example/\n",
		"local-zone: a.example static\nlocal-zone: b.example deny\nlocal-zone: c.example refuse\n",
		"192.0.2.1\n192.0.2.2\n192.0.2.3\n", "a.example,1\nb.example,2\nc.example,3\n", "a.example\nb.example\n",
	};
	unsigned format;

	(void)state;
	for (format = 0; format < FORMAT_COUNT; format++) {
		struct counting counting = { .room = 1 };
		struct list_stats stats;
		struct diag diag;

		assert_int_equal(load_text((enum list_format)format, texts[format], strlen(texts[format]), &counting,
			&stats, &diag), -1);
		assert_int_equal(counting.rules, 1);
		assert_string_equal(diag.text, "out of memory");
	}
}

#define MANY 100000
#define MANY_OCTETS ((size_t)MANY * 21)

/* Every name with its number, so that one that is torn or lost shows. */
static bool next_number(void *arg, const struct rule *rule)
{
	unsigned *number = arg;
	char expected[32];
	char text[NAME_TEXT_MAX];

	snprintf(expected, sizeof(expected), "number%06u.example", *number);
	assert_string_equal(name_to_text(&rule->name, text), expected);
	assert_int_equal(rule->line, *number + 1);
	++*number;
	return true;
}

static void names_are_whole_where_two_pieces_of_a_file_meet(void **state)
{
	char path[TEMP_PATH_MAX], *text = malloc(MANY_OCTETS + 1);
	struct list_conf conf = { .name = "test", .format = FORMAT_DOMAINS };
	struct list_stats stats;
	unsigned number = 0;
	unsigned i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < MANY; i++)
		snprintf(text + (size_t)i * 21, 22, "number%06u.example\n", i);
	conf.file = temp_file(path, text, (size_t)MANY * 21);
	assert_int_equal(list_load(&conf, 0, next_number, &number, &stats, NULL), 0);
	assert_int_equal(number, MANY);
	unlink(path);
	free(text);
}

/* The first line that cannot be read is what an error is made of when millions of octets have been read since. */
static void remembers_the_first_bad_line_of_a_large_file(void **state)
{
	char *text = malloc(MANY_OCTETS + 1), message[1024];
	struct counting counting = { .room = SIZE_MAX };
	struct list_stats stats;
	struct diag diag;
	unsigned i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < MANY; i++)
		snprintf(text + (size_t)i * 21, 22, i < 10 ? "number%06u.example\n" : i == 10 ?
			"address=/a.example/\n " : "%06u what is this?\n ", i);
	assert_int_equal(load_text(FORMAT_DOMAINS, text, (size_t)MANY * 21, &counting, &stats, &diag), -1);
	assert_non_null(strstr(diag_format(&diag, message, sizeof(message)), "dnsmasq"));
	free(text);
}

/* A line over 64 KiB costs that line alone, in every format. */
static void a_line_over_64_kib_is_skipped_and_counted(void **state)
{
	static char text[200000];
	static const char *const before[FORMAT_COUNT] = {
		"a.example\nb.example\n", "::1 a.example\n::1 b.example\n", "a.example\nb.example\n",
		"a.example CNAME .\nb.example CNAME .\n", "||a.example^\n||b.example^\n",
		"address=/a.example/\naddress=/b.example/\n",
		"local-zone: a.example static\nlocal-zone: b.example static\n", "192.0.2.1\n192.0.2.2\n",
		"a.example,1\nb.example,2\n", "a.example\nb.example\n",
	};
	unsigned format;

	(void)state;
	for (format = 0; format < FORMAT_COUNT; format++) {
		struct counting counting = { .room = SIZE_MAX };
		struct list_stats stats;
		size_t used = strlen(before[format]);

		memset(text, 'x', sizeof(text));
		memcpy(text, before[format], used);
		text[used + 70000] = '\n';
		memcpy(text + used + 70001, before[format], used);
		assert_int_equal(load_text((enum list_format)format, text, used + 70001 + used, &counting,
			&stats, NULL), 0);
		assert_int_equal(stats.rules, 4);
		assert_int_equal(stats.lines, 5);
		assert_int_equal(stats.skipped[SKIP_LINE_LONG], 1);
		assert_int_equal(stats.skipped_line[SKIP_LINE_LONG], 3);
	}
}

static void a_nul_behind_the_first_4_kib_costs_its_line_alone(void **state)
{
	static char text[5020];
	struct counting counting = { .room = SIZE_MAX };
	struct list_stats stats;
	size_t i;

	(void)state;
	for (i = 0; i < 5000; i += 10)
		memcpy(text + i, "a.example\n", 10);
	memcpy(text + 5000, "b\0example\nc.example\n", 20);
	assert_int_equal(load_text(FORMAT_DOMAINS, text, 5020, &counting, &stats, NULL), 0);
	assert_int_equal(stats.rules, 501);
	assert_int_equal(stats.skipped[SKIP_NAME], 1);
	assert_int_equal(stats.skipped_line[SKIP_NAME], 501);
}

#define HOLE_OCTETS ((off_t)300 << 20)

/* A line of 300 MiB, from a file with a hole. */
static void a_huge_line_costs_no_memory(void **state)
{
	static const char before[] = "a.example\n", after[] = "\nb.example\n";
	char path[TEMP_PATH_MAX], text[8000];
	struct list_conf conf = { .name = "test", .file = path };
	struct counting counting = { .room = SIZE_MAX };
	struct rusage start, end;
	struct list_stats stats;
	struct diag diag;
	/* Detection and csv look ahead before they read. */
	static const enum list_format formats[] = { FORMAT_DOMAINS, FORMAT_WILDCARD, FORMAT_DETECT, FORMAT_CSV };
	size_t i;
	FILE *file;

	(void)state;
	for (i = 0; i < sizeof(text); i += sizeof(before) - 1)
		memcpy(text + i, before, sizeof(before) - 1);
	temp_file(path, text, sizeof(text));
	file = fopen(path, "r+");
	assert_non_null(file);
	if (fseeko(file, HOLE_OCTETS, SEEK_SET) != 0 || fputs(after, file) < 0 || fclose(file) != 0)
		fail();
	getrusage(RUSAGE_SELF, &start);
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		conf.format = formats[i];
		assert_int_equal(list_load(&conf, 0, count, &counting, &stats, &diag), 0);
		assert_int_equal(stats.rules, 801);
		assert_int_equal(stats.skipped[SKIP_LINE_LONG], 1);
		assert_int_equal(stats.skipped_line[SKIP_LINE_LONG], 801);
	}
	getrusage(RUSAGE_SELF, &end);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)   /* their own memory grows with ours */
	assert_true(end.ru_maxrss - start.ru_maxrss < 16 * 1024);
#endif
	conf.octets_max = 1 << 20;
	assert_int_equal(list_load(&conf, 0, count, &counting, &stats, &diag), -1);
	assert_non_null(strstr(diag.text, "size-max"));
	unlink(path);
}

/* Looking ahead for the column reads more than is kept behind. */
static void wide_rows_are_there_after_looking_ahead(void **state)
{
	static char text[400 * 4096];
	struct counting counting = { .room = SIZE_MAX };
	struct list_stats stats;
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (i = 0; i < sizeof(text); i += 4096) {
		memcpy(text + i, "1,a.example,", 12);
		text[i + 4095] = '\n';
	}
	assert_int_equal(load_text(FORMAT_CSV, text, sizeof(text), &counting, &stats, NULL), 0);
	assert_int_equal(stats.rules, 400);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* Wherever the plain scanner takes a whole text, the full grammar takes it too and gives the same name. */
static void the_plain_scanner_agrees_with_the_full_grammar(void **state)
{
	static const char alphabet[] = "aZ09-_....";
	const char *given = getenv("TEST_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	unsigned round, taken = 0;

	(void)state;
	print_message("# seed %llu (TEST_SEED)\n", (unsigned long long)seed);
	for (round = 0; round < 200000; round++) {
		char text[300];
		size_t i, length = next_random(&seed) % (round % 10 == 0 ? sizeof(text) : 70);
		/* Mostly without dots, so that long labels come up. */
		size_t letters = round % 3 == 0 ? sizeof(alphabet) - 1 : 7;
		struct name plain, full;
		enum skip_reason reason;
		const char *end, *wrong;

		for (i = 0; i < length; i++)
			text[i] = alphabet[next_random(&seed) % letters];
		end = list_scan_name(&plain, text, text + length, &reason);
		wrong = name_from_text(&full, text, length);
		assert_ptr_equal(end, text + length);
		if ((reason == SKIP_COUNT) != (wrong == NULL) ||
		    (wrong == NULL && (!name_equal(&plain, &full) || plain.labels != full.labels)))
			fail_msg("%.*s: %s", (int)length, text, wrong != NULL ? wrong : "different names");
		taken += wrong == NULL;
	}
	/* Both kinds must have come up, or the law was not tried. */
	assert_in_range(taken, 10000, 190000);
}

static void scans_up_to_what_is_no_name(void **state)
{
	static const struct {
		const char *text;
		size_t stops;
		enum skip_reason reason;
		const char *why;
	} rows[] = {
		{ "a.b c", 3, SKIP_COUNT, "a blank" },
		{ "a.b.\t", 4, SKIP_COUNT, "a trailing dot belongs to it" },
		{ ". x", 1, SKIP_COUNT, "the root" },
		{ "", 0, SKIP_NAME, "nothing" },
		{ "#", 0, SKIP_NAME, "nothing plain" },
		{ "a..b", 4, SKIP_NAME, "an empty label" },
		{ ".a", 2, SKIP_NAME, "a leading dot" },
		{ "a/b", 1, SKIP_COUNT, "the caller looks at what comes next" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct name name;
		enum skip_reason reason;
		const char *end = list_scan_name(&name, rows[i].text, rows[i].text + strlen(rows[i].text), &reason);

		if ((size_t)(end - rows[i].text) != rows[i].stops || reason != rows[i].reason)
			fail_msg("`%s`: %s", rows[i].text, rows[i].why);
	}
}

/* The owner of the record before the long line must not get what was meant for the one on it. */
static void nothing_inherits_from_an_rpz_line_over_64_kib(void **state)
{
	static const char before[] = "a.example CNAME rpz-passthru.\n";
	static const char after[] = "\n CNAME rpz-drop.\nb.example CNAME .\n";
	static char text[70000 + sizeof(before) + sizeof(after)];
	struct counting counting = { .room = SIZE_MAX };
	struct list_stats stats;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, before, sizeof(before) - 1);
	memcpy(text + sizeof(text) - sizeof(after), after, sizeof(after) - 1);
	assert_int_equal(load_text(FORMAT_RPZ, text, sizeof(text) - 1, &counting, &stats, NULL), 0);
	assert_int_equal(stats.rules, 2);
	assert_int_equal(stats.skipped[SKIP_LINE_LONG], 2);
}

/* What list_load makes of a zone that expires 600 s behind its mtime. */
static int load_zone(enum expire_mode expire, int64_t age, const char *text, struct counting *counting,
	struct list_stats *stats, struct diag *diag)
{
	static const struct timespec modified[2] = { { .tv_sec = 1000000 }, { .tv_sec = 1000000 } };
	char path[TEMP_PATH_MAX];
	struct list_conf conf = { .name = "test", .file = path, .format = FORMAT_RPZ, .expire = expire };
	int result;

	temp_file(path, text, strlen(text));
	assert_int_equal(utimensat(AT_FDCWD, path, modified, 0), 0);
	*counting = (struct counting){ .room = SIZE_MAX };
	result = list_load(&conf, 1000000 + age, count, counting, stats, diag);
	unlink(path);
	return result;
}

#define ZONE_SOA "@ SOA ns. admin. 7 60 60 600 60\n"

static void an_expired_zone_is_kept_or_withdrawn(void **state)
{
	static const char zone[] = "$ORIGIN rpz.example.\n" ZONE_SOA "a.example CNAME .\n@ SOA ns. admin. 9 6 6 6 6\n"
		"b.example CNAME *.\nb.example A 192.0.2.1\n8.0.0.0.10.rpz-ip CNAME .\n";
	static const struct {
		enum expire_mode expire;
		int64_t age;
		size_t rules, withheld;
	} rows[] = {
		{ EXPIRE_WITHDRAW, 599, 4, 0 }, { EXPIRE_WITHDRAW, 600, 0, 4 }, { EXPIRE_KEEP, 599, 4, 0 },
		{ EXPIRE_KEEP, 100000, 4, 0 },
	};
	struct list_stats stats;
	struct counting counting;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(load_zone(rows[i].expire, rows[i].age, zone, &counting, &stats, NULL), 0);
		assert_int_equal(counting.rules, rows[i].rules);
		assert_int_equal(stats.rules, rows[i].rules);
		assert_int_equal(stats.withheld, rows[i].withheld);
		/* A transfer as text ends with the SOA once more. */
		assert_int_equal(stats.serial, 7);
		assert_int_equal(stats.expire, 600);
		assert_int_equal(list_expires_at(&stats), 1000600);
	}
}

static void what_is_to_be_withdrawn_begins_with_its_soa(void **state)
{
	static const char zone[] = "$ORIGIN rpz.example.\na.example CNAME .\n" ZONE_SOA;
	struct list_stats stats;
	struct counting counting;
	struct diag diag;

	(void)state;
	assert_int_equal(load_zone(EXPIRE_KEEP, 0, zone, &counting, &stats, &diag), 0);
	assert_int_equal(load_zone(EXPIRE_WITHDRAW, 0, zone, &counting, &stats, &diag), -1);
	assert_int_equal(diag.line, 3);
	assert_non_null(strstr(diag.text, "put it first"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_text),
		cmocka_unit_test(success_leaves_the_diag_and_failure_the_stats_alone),
		cmocka_unit_test(stops_when_the_sink_has_no_memory),
		cmocka_unit_test(names_are_whole_where_two_pieces_of_a_file_meet),
		cmocka_unit_test(remembers_the_first_bad_line_of_a_large_file),
		cmocka_unit_test(a_line_over_64_kib_is_skipped_and_counted),
		cmocka_unit_test(nothing_inherits_from_an_rpz_line_over_64_kib),
		cmocka_unit_test(a_nul_behind_the_first_4_kib_costs_its_line_alone),
		cmocka_unit_test(a_huge_line_costs_no_memory),
		cmocka_unit_test(wide_rows_are_there_after_looking_ahead),
		cmocka_unit_test(the_plain_scanner_agrees_with_the_full_grammar),
		cmocka_unit_test(scans_up_to_what_is_no_name),
		cmocka_unit_test(an_expired_zone_is_kept_or_withdrawn),
		cmocka_unit_test(what_is_to_be_withdrawn_begins_with_its_soa),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
