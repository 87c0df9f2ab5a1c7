/*
 * test_groups.c: one answer judged for clients of different groups: all that keeps answers out of shared caches rests
 * on it. The groups that a list serves are set in the snapshot, as no configuration has 64 of them.
 */
#include "policy/evaluate.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/snapshot_parts.h"
#include "tests/unit/fake_list.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OURS 1u       /* the client's own group */
#define OTHERS (~UINT64_C(1))
#define LISTS 3

static const struct fake_rule rules[] = { { .name = "x" } };

static const struct {
	const char *why;
	struct { enum action action; uint64_t groups; bool shadow; } lists[LISTS];
	enum action action;
	const char *rule;        /* the list that decides or observes */
	const char *shadow;
	bool denied_to_some;
	bool differs;
} rows[] = {
	{ "a list that serves all",
	  { { ACTION_NXDOMAIN, GROUPS_ALL, false } }, ACTION_NXDOMAIN, "0", "", true, false },
	{ "a list for the client alone",
	  { { ACTION_NXDOMAIN, OURS, false } }, ACTION_NXDOMAIN, "0", "", true, true },
	{ "a list for others alone",
	  { { ACTION_NXDOMAIN, OTHERS, false } }, ACTION_ALLOW, "", "", true, true },
	{ "others are denied first, then all pass",
	  { { ACTION_REFUSE, OTHERS, false }, { ACTION_PASS, GROUPS_ALL, false } },
	  ACTION_PASS, "1", "", true, true },
	{ "the client is denied first, then all pass",
	  { { ACTION_REFUSE, OURS, false }, { ACTION_PASS, GROUPS_ALL, false } },
	  ACTION_REFUSE, "0", "", true, true },
	{ "the client passes first, then all are denied",
	  { { ACTION_PASS, OURS, false }, { ACTION_REFUSE, GROUPS_ALL, false } }, ACTION_PASS, "0", "", true, true },
	{ "all pass first, so nobody is denied",
	  { { ACTION_PASS, GROUPS_ALL, false }, { ACTION_REFUSE, OTHERS, false } },
	  ACTION_PASS, "0", "", false, false },
	{ "what serves no group says nothing",
	  { { ACTION_REFUSE, 0, false }, { ACTION_PASS, GROUPS_ALL, false } }, ACTION_PASS, "1", "", false, false },
	{ "others' observing list is not reported",
	  { { ACTION_OBSERVE, OTHERS, false } }, ACTION_ALLOW, "", "", false, false },
	{ "others' shadow is not reported",
	  { { ACTION_NXDOMAIN, OTHERS, true }, { ACTION_DROP, OURS, true } }, ACTION_ALLOW, "", "1", false, false },
	{ "others' decision does not end the client's shadow",
	  { { ACTION_NXDOMAIN, OTHERS, false }, { ACTION_DROP, GROUPS_ALL, true } },
	  ACTION_ALLOW, "", "1", true, true },
};

static struct snapshot *build(size_t row)
{
	static struct fake_list lists[LISTS];
	static const char *const names[LISTS] = { "0", "1", "2" };
	struct snapshot *snapshot;
	struct diag diag;
	size_t i;

	for (i = 0; i < LISTS; i++)
		lists[i] = (struct fake_list){ .name = names[i], .rules = rules,
			.count = rows[row].lists[i].action == ACTION_ALLOW ? 0 : COUNT(rules),
			.action = rows[row].lists[i].action, .shadow = rows[row].lists[i].shadow };
	snapshot = fake_snapshot(lists, LISTS, MODE_ENFORCE, NULL, &diag);
	assert_non_null(snapshot);
	for (i = 0; i < LISTS; i++)
		snapshot->lists[i].groups = rows[row].lists[i].groups;
	snapshot->all_groups = GROUPS_ALL;
	return snapshot;
}

static void each_group_is_decided_by_its_own_lists(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct snapshot *snapshot = build(i);
		struct facts facts = fake_question("a.x");
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		if (verdict.action != rows[i].action || strcmp(verdict.rule.list, rows[i].rule) != 0 ||
		    strcmp(verdict.shadow.list, rows[i].shadow) != 0)
			fail_msg("%s: %s by `%s`, shadow `%s`", rows[i].why, action_table[verdict.action].name,
				 verdict.rule.list, verdict.shadow.list);
		if (verdict.denied_to_some != rows[i].denied_to_some || verdict.differs != rows[i].differs)
			fail_msg("%s: denied to some %d, differs %d", rows[i].why, verdict.denied_to_some,
				 verdict.differs);
		snapshot_destroy(&snapshot);
	}
}

/* `a.x` leads to `b.x`. */
static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct name *names = source;
	struct record record = { .section = SECTION_ANSWER, .owner = names[0].octets, .owner_length = names[0].length,
		.type = 5, .class = 1, .rdata = names[1].octets, .rdata_length = names[1].length };

	visit(arg, &record);
	return 0;
}

/* The client is through at the first name, but a later one can still be denied to somebody else. */
static void a_chain_is_judged_on_for_the_others(void **state)
{
	static const struct fake_rule first[] = { { .name = "=a.x" } }, second[] = { { .name = "=b.x" } };
	static const struct fake_list lists[] = {
		{ .name = "0", .rules = first, .count = 1, .action = ACTION_PASS },
		{ .name = "1", .rules = second, .count = 1, .action = ACTION_REFUSE },
	};
	const struct name names[2] = { fake_name("a.x"), fake_name("b.x") };
	struct facts facts = fake_question("a.x");
	struct snapshot *snapshot;
	struct verdict verdict;
	struct diag diag;

	(void)state;
	snapshot = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	assert_non_null(snapshot);
	snapshot->all_groups = GROUPS_ALL;
	snapshot->lists[0].groups = OURS;
	snapshot->lists[1].groups = GROUPS_ALL;
	facts.records = show;
	facts.source = names;
	evaluate_answer(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_PASS);
	assert_true(verdict.final && verdict.differs && verdict.denied_to_some);
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_group_is_decided_by_its_own_lists),
		cmocka_unit_test(a_chain_is_judged_on_for_the_others),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
