/* test_snapshot.c: what building counts, merges, leaves out and refuses. */
#include "policy/snapshot.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "policy/snapshot_parts.h"
#include "tests/unit/fake_list.h"

#define TYPE_A 1

static struct snapshot *build_one(const struct fake_rule *rules, size_t count, struct build_report *report)
{
	struct fake_list list = { .name = "l", .rules = rules, .count = count };
	struct diag diag;
	struct snapshot *snapshot = fake_snapshot(&list, 1, MODE_ENFORCE, report, &diag);

	assert_non_null(snapshot);
	return snapshot;
}

static const struct {
	const char *why;
	struct fake_rule rules[4];
	size_t count;
	size_t entries;
	size_t duplicates;
} merges[] = {
	{ "once", { { .name = "a.b" } }, 1, 1, 0 },
	{ "the same twice", { { .name = "a.b" }, { .name = "A.B" } }, 2, 1, 1 },
	{ "exact and below are one", { { .name = "=a.b" }, { .name = "*.a.b" } }, 2, 1, 0 },
	{ "below and exact too", { { .name = "*.a.b" }, { .name = "=a.b" }, { .name = "a.b" } }, 3, 1, 1 },
	{ "what both say already", { { .name = "a.b" }, { .name = "=a.b" }, { .name = "*.a.b" } }, 3, 1, 2 },
	{ "the rest of a rule is new", { { .name = "=a.b" }, { .name = "a.b" } }, 2, 1, 0 },
	{ "another action for the rest",
	  { { .name = "=a.b" }, { .name = "*.a.b", .action = ACTION_PASS } }, 2, 2, 0 },
	{ "a contradiction: the first stands",
	  { { .name = "a.b" }, { .name = "a.b", .action = ACTION_PASS } }, 2, 1, 1 },
	{ "a third one is covered by two",
	  { { .name = "=a.b" }, { .name = "*.a.b", .action = ACTION_PASS }, { .name = "a.b" } }, 3, 2, 1 },
	{ "the root is no rule", { { .name = "." }, { .name = "*.." }, { .name = "a" } }, 3, 1, 0 },
};

static void rules_about_one_name_become_few_entries(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
		struct build_report report;
		struct snapshot *snapshot = build_one(merges[i].rules, merges[i].count, &report);

		if (set_entries(snapshot->set) != merges[i].entries ||
		    report.lists[0].duplicates != merges[i].duplicates)
			fail_msg("%s: %zu entries, %zu duplicates", merges[i].why, set_entries(snapshot->set),
				 report.lists[0].duplicates);
		assert_int_equal(snapshot_rule_count(snapshot), merges[i].count);
		build_report_fini(&report);
		snapshot_destroy(&snapshot);
		assert_null(snapshot);
	}
}

/* Twice as many rules as entries: the memory is that of the entries, and duplicates are not counted twice for it. */
static void a_merged_list_takes_half_the_memory(void **state)
{
	static char names[40000][16];
	static struct fake_rule rules[40001];
	struct build_report report;
	struct snapshot *snapshot;
	size_t i;

	(void)state;
	for (i = 0; i < 40000; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%zu.x", i % 2 == 0 ? "=" : "*.", i / 2);
		rules[i] = (struct fake_rule){ .name = names[i] };
	}
	rules[i].name = "=1.x";
	snapshot = build_one(rules, 40001, &report);
	assert_int_equal(set_entries(snapshot->set), 20000);
	assert_true(snapshot_octets(snapshot) < 20000 * 13 + 8192);
	assert_int_equal(report.lists[0].duplicates, 1);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

static void a_name_in_many_lists_takes_one_slot(void **state)
{
	static const struct fake_rule rules[] = { { .name = "a.b" } };
	struct fake_list lists[2] = { { .name = "l", .rules = rules, .count = 1 },
				      { .name = "m", .rules = rules, .count = 1 } };
	struct build_report report;
	struct diag diag;
	struct snapshot *snapshot = fake_snapshot(lists, 2, MODE_ENFORCE, &report, &diag);

	(void)state;
	assert_non_null(snapshot);
	assert_int_equal(set_entries(snapshot->set), 1);
	assert_int_equal(snapshot_rule_count(snapshot), 2);
	assert_int_equal(report.list_count, 2);
	assert_int_equal(report.lists[1].duplicates, 0);
	assert_int_equal(report.lists[1].stats.serial, 7);
	build_report_fini(&report);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

/* 70,000 names with as many different addresses: more than 16 bits can number. */
static void too_many_classes_cost_no_other_list_a_rule(void **state)
{
	enum { COUNT = 70000 };
	static const struct fake_rule other[] = { { .name = "a" }, { .name = "=b", .action = ACTION_DROP } };
	static char names[COUNT][16];
	static char rdata[COUNT][4];
	static struct fake_rule rules[COUNT];
	const struct fake_list lists[2] = { { .name = "l", .rules = rules, .count = COUNT },
					    { .name = "m", .rules = other, .count = 2 } };
	struct build_report report;
	struct snapshot *snapshot;
	struct diag diag;
	uint32_t i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "=%u.x", i);
		memcpy(rdata[i], &i, 4);
		rules[i] = (struct fake_rule){ names[i], ACTION_LOCAL_DATA, TYPE_A, rdata[i], 4, 60 };
	}
	snapshot = fake_snapshot(lists, 2, MODE_ENFORCE, &report, &diag);
	assert_non_null(snapshot);
	assert_int_equal(report.lists[0].stats.rules, CLASSES_OF_DATA_MAX);
	assert_int_equal(report.lists[0].stats.skipped[SKIP_TOO_MANY], COUNT - CLASSES_OF_DATA_MAX);
	assert_int_equal(report.lists[0].stats.skipped_line[SKIP_TOO_MANY], CLASSES_OF_DATA_MAX + 1);
	assert_int_equal(report.lists[1].stats.rules, 2);
	assert_int_equal(report.lists[1].stats.skipped[SKIP_TOO_MANY], 0);
	assert_int_equal(set_entries(snapshot->set), CLASSES_OF_DATA_MAX + 2);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

static void too_many_records_of_an_owner_are_skipped_and_counted(void **state)
{
	static struct fake_rule rules[70];
	static char rdata[70][4];
	struct build_report report;
	struct snapshot *snapshot;
	char i;

	(void)state;
	for (i = 0; i < 70; i++) {
		rdata[(int)i][3] = i;
		rules[(int)i] = (struct fake_rule){ "=a.x", ACTION_LOCAL_DATA, TYPE_A, rdata[(int)i], 4, 60 };
	}
	snapshot = build_one(rules, 70, &report);
	assert_int_equal(report.lists[0].stats.rules, 64);
	assert_int_equal(report.lists[0].stats.skipped[SKIP_TOO_MANY], 6);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

static void equal_local_data_is_one_class(void **state)
{
	enum { COUNT = 70000 };
	static char names[COUNT][16];
	static struct fake_rule rules[COUNT];
	struct build_report report;
	struct snapshot *snapshot;
	uint32_t i;

	(void)state;
	for (i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "=%u.x", i);
		rules[i] = (struct fake_rule){ names[i], ACTION_LOCAL_DATA, TYPE_A, "\300\0\2\1", 4, 60 };
	}
	snapshot = build_one(rules, COUNT, &report);
	assert_int_equal(set_entries(snapshot->set), COUNT);
	assert_int_equal(snapshot->class_count, 2);
	assert_true(snapshot_octets(snapshot) < COUNT * 13);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

static void a_list_that_fails_fails_the_build(void **state)
{
	static const struct fake_rule rules[] = {
		{ .name = "a.b" }, { "=c.d", ACTION_LOCAL_DATA, TYPE_A, "\300\0\2\1", 4, 60 },
	};
	struct fake_list lists[2] = { { .name = "l", .rules = rules, .count = 2 },
				      { .name = "m", .rules = rules, .count = 2, .fails = true } };
	struct build_report report = { .list_count = 5 };
	struct diag diag;

	(void)state;
	assert_null(fake_snapshot(lists, 2, MODE_ENFORCE, &report, &diag));
	assert_string_equal(diag.text, "not a list");
	assert_int_equal(report.list_count, 0);
	assert_null(report.lists);
}

/* The linker puts these in the place of what the policy core calls; `left` counts down to the call that fails. */
static long left = -1;

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t octets);
void *__real_calloc(size_t count, size_t octets);
void *__real_realloc(void *old, size_t octets);
void *__real_mmap(void *at, size_t octets, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t octets);
void *__wrap_calloc(size_t count, size_t octets);
void *__wrap_realloc(void *old, size_t octets);
void *__wrap_mmap(void *at, size_t octets, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t octets)
{
	return fails() ? NULL : __real_malloc(octets);
}

void *__wrap_calloc(size_t count, size_t octets)
{
	return fails() ? NULL : __real_calloc(count, octets);
}

void *__wrap_realloc(void *old, size_t octets)
{
	return fails() ? NULL : __real_realloc(old, octets);
}

void *__wrap_mmap(void *at, size_t octets, int protection, int flags, int file, off_t offset)
{
	return fails() ? MAP_FAILED : __real_mmap(at, octets, protection, flags, file, offset);
}

/* Whatever call fails, the build says so, and a sanitizer finds nothing left behind. */
static void without_memory_a_build_fails_and_leaves_nothing(void **state)
{
	static char names[200][16];
	static struct fake_rule rules[200];
	struct fake_list list = { .name = "l", .rules = rules, .count = 200 };
	struct network network = { { .family = ADDRESS_INET, .octets = { 10 } }, 8 };
	struct group_conf group = { .name = "g", .networks = &network, .network_count = 1, .interfaces = &network,
		.interface_count = 1 };
	struct snapshot *snapshot = NULL;
	struct list_conf list_conf;
	struct conf conf;
	unsigned failed = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%u.x", i % 2 == 0 ? "=" : "*.", i / 2);
		rules[i] = (struct fake_rule){ .name = names[i], .action = (enum action)(i / 4 % ACTION_LOCAL_DATA) };
		if (i % 4 == 3)
			rules[i] = (struct fake_rule){ names[i], ACTION_LOCAL_DATA, TYPE_A, names[i], 4, 60 };
	}
	fake_conf(&conf, &list_conf, &list, 1);
	conf.groups = &group;
	conf.group_count = 1;
	while (snapshot == NULL && failed < 200) {
		struct build_report report;
		struct diag diag = { .text = "" };

		left = (long)failed;
		snapshot = snapshot_build(&conf, 0, &report, &diag);
		left = -1;
		if (snapshot == NULL) {
			failed++;
			assert_non_null(strstr(diag.text, "out of memory"));
			assert_null(report.lists);
		}
		build_report_fini(&report);
	}
	assert_non_null(snapshot);
	assert_in_range(failed, 15, 199);
	snapshot_destroy(&snapshot);
}

/* Nothing is made, nothing is taken. */
static void without_memory_nothing_is_derived_and_the_set_stays_its_callers(void **state)
{
	static const struct fake_list list = { .name = "l" };
	const struct override override = { .id = 1, .name = fake_name("a.example"), .action = ACTION_PASS };
	struct snapshot *base = fake_snapshot(&list, 1, MODE_ENFORCE, NULL, NULL), *derived;
	struct override_set *set = NULL;
	unsigned failed;

	(void)state;
	for (failed = 0; set == NULL && failed < 20; failed++) {
		left = (long)failed;
		set = override_set_create(&override, 1);
		left = -1;
	}
	assert_in_range(failed, 2, 10);
	left = 0;
	derived = snapshot_derive(base, set);
	left = -1;
	assert_null(derived);
	assert_int_equal(override_set_count(set), 1);
	derived = snapshot_derive(base, set);
	assert_non_null(derived);
	snapshot_destroy(&base);
	snapshot_destroy(&derived);
}

/* When a list expires can be asked without loading it again. */
static void a_report_says_when_a_list_expires(void **state)
{
	static const struct fake_rule rules[] = { { .name = "a.example" } };
	static const struct fake_list lists[] = { { .name = "kept", .rules = rules, .count = 1 },
		{ .name = "gone", .rules = rules, .count = 1, .withdrawn = true } };
	struct list_conf list_confs[2];
	struct build_report report;
	struct snapshot *snapshot;
	struct conf conf;
	struct diag diag;

	(void)state;
	fake_conf(&conf, list_confs, lists, 2);
	snapshot = snapshot_build(&conf, 1059, &report, &diag);
	assert_non_null(snapshot);
	assert_int_equal(snapshot_rule_count(snapshot), 1);
	assert_int_equal(report.lists[0].loaded_at, 1059);
	assert_int_equal(report.lists[0].expires_at, 1060);
	assert_false(report.lists[0].expired);
	assert_false(report.lists[0].withdrawn);
	assert_true(report.lists[1].withdrawn);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
	snapshot = snapshot_build(&conf, 1060, &report, &diag);
	assert_true(report.lists[0].expired);
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
}

static void refuses_more_lists_than_it_can_number(void **state)
{
	static struct fake_list lists[CONF_LISTS_MAX + 1];
	struct snapshot *snapshot;
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i <= CONF_LISTS_MAX; i++)
		lists[i].name = "l";
	assert_null(fake_snapshot(lists, CONF_LISTS_MAX + 1, MODE_ENFORCE, NULL, &diag));
	assert_string_equal(diag.text, "257 lists; at most 256 can be used");
	snapshot = fake_snapshot(lists, CONF_LISTS_MAX, MODE_ENFORCE, NULL, &diag);
	assert_non_null(snapshot);
	assert_int_equal(snapshot_rule_count(snapshot), 0);
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_about_one_name_become_few_entries),
		cmocka_unit_test(a_merged_list_takes_half_the_memory),
		cmocka_unit_test(a_name_in_many_lists_takes_one_slot),
		cmocka_unit_test(too_many_classes_cost_no_other_list_a_rule),
		cmocka_unit_test(too_many_records_of_an_owner_are_skipped_and_counted),
		cmocka_unit_test(equal_local_data_is_one_class),
		cmocka_unit_test(a_list_that_fails_fails_the_build),
		cmocka_unit_test(without_memory_a_build_fails_and_leaves_nothing),
		cmocka_unit_test(without_memory_nothing_is_derived_and_the_set_stays_its_callers),
		cmocka_unit_test(a_report_says_when_a_list_expires),
		cmocka_unit_test(refuses_more_lists_than_it_can_number),
	};

	return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}
