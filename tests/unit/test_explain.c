/* test_explain.c: every matching rule is told, in order, with why it won or lost, and never against the verdict. */
#include "policy/explain.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_list.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_rule observe_rules[] = { { .name = "test" }, { .name = "seen.net" } };
static const struct fake_rule shadow_rules[] = { { .name = "bad.test" }, { .name = "ghost.net" } };
static const struct fake_rule first_rules[] = {
	{ .name = "bad.test" }, { .name = "=a.bad.test", .action = ACTION_REFUSE },
};
static const struct fake_rule second_rules[] = { { .name = "a.bad.test" }, { .name = "*.net.seen.net" } };
static const struct fake_rule watch_rules[] = { { .name = "test" }, { .name = "net" } };

static const struct fake_list lists[] = {
	{ .name = "observe", .rules = observe_rules, .count = 2, .action = ACTION_OBSERVE },
	{ .name = "shadow", .rules = shadow_rules, .count = 2, .shadow = true },
	{ .name = "first", .rules = first_rules, .count = 2 },
	{ .name = "second", .rules = second_rules, .count = 2, .action = ACTION_DROP },
	{ .name = "watch", .rules = watch_rules, .count = 2, .action = ACTION_OBSERVE },
};

struct told {
	char text[1024];
	size_t won;
	size_t stop_at;
	size_t count;
};

static bool tell(void *arg, const struct explain_candidate *candidate)
{
	struct told *told = arg;
	char rule[NAME_TEXT_MAX + 2];
	size_t used = strlen(told->text);

	snprintf(told->text + used, sizeof(told->text) - used, "%zu:%s:%s:%s%s: %s\n", candidate->list_index,
		 candidate->match.list, action_table[candidate->match.action].name,
		 rule_match_text(&candidate->match, rule), candidate->shadow ? ":shadow" : "",
		 candidate->won ? "won" : candidate->why_not);
	assert_true(candidate->won == (candidate->why_not == NULL));
	told->won += candidate->won;
	return ++told->count != told->stop_at;
}

static const struct {
	const char *qname;
	enum action action;
	const char *told;
	const char *why;
} rows[] = {
	{ "fine.example", ACTION_ALLOW, "", "nothing matches" },
	{ "a.bad.test", ACTION_REFUSE,
	  "0:observe:observe:*.test: observe never decides\n"
	  "1:shadow:nxdomain:*.bad.test:shadow: list is in shadow\n"
	  "2:first:refuse:a.bad.test: won\n"
	  "2:first:nxdomain:*.bad.test: less specific rule of the same list\n"
	  "3:second:drop:a.bad.test: list comes later\n"
	  "4:watch:observe:*.test: observe never decides\n", "all that can be said" },
	{ "x.seen.net", ACTION_OBSERVE,
	  "0:observe:observe:*.seen.net: won\n"
	  "4:watch:observe:*.net: observe never decides\n", "the first that observes is what the verdict names" },
	{ "ghost.net", ACTION_OBSERVE,
	  "1:shadow:nxdomain:ghost.net:shadow: list is in shadow\n"
	  "4:watch:observe:*.net: won\n", "shadow and observe" },
};

static void tells_every_rule_and_its_fate(void **state)
{
	struct diag diag;
	struct snapshot *snapshot = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	size_t i;

	(void)state;
	assert_non_null(snapshot);
	for (i = 0; i < COUNT(rows); i++) {
		struct facts facts = fake_question(rows[i].qname);
		struct told told = { .count = 0 };
		struct verdict verdict;

		explain_question(snapshot, &facts, tell, &told, &verdict);
		if (strcmp(told.text, rows[i].told) != 0)
			fail_msg("%s: %s", rows[i].why, told.text);
		assert_int_equal(verdict.action, rows[i].action);
		assert_int_equal(told.won, verdict.rule.trigger != TRIGGER_NONE);
	}
	snapshot_destroy(&snapshot);
}

static void a_visit_that_has_enough_ends_it(void **state)
{
	struct diag diag;
	struct snapshot *snapshot = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	struct facts facts = fake_question("a.bad.test");
	struct told told = { .stop_at = 3 };
	struct verdict verdict;

	(void)state;
	assert_non_null(snapshot);
	explain_question(snapshot, &facts, tell, &told, &verdict);
	assert_int_equal(told.count, 3);
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_every_rule_and_its_fate),
		cmocka_unit_test(a_visit_that_has_enough_ends_it),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
