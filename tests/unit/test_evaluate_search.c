/* test_evaluate_search.c: a search begun, ended or remembered finds what a whole one finds. */
#include "policy/evaluate.h"

#include "tests/unit/evaluating.h"

/* Without a rule for a top-level domain, for which no search is begun. */
static void a_search_begun_finds_what_a_whole_one_finds(void **state)
{
	static const struct fake_rule rules[] = {
		{ .name = "bad.test" }, { .name = "=a.fine.test" }, { .name = "c.d.e.f.g.fine.test" },
	};
	static const struct { const char *qname, *rule; } rows[] = {
		{ ".", "" }, { "test", "" }, { "bad.test", "bad.test" }, { "bat.test", "" }, { "x.bad.test", "*.bad.test" },
		{ "a.b.bad.test", "*.bad.test" }, { "fine.test", "" }, { "a.fine.test", "a.fine.test" },
		{ "b.a.fine.test", "" }, { "c.d.e.f.g.fine.test", "c.d.e.f.g.fine.test" },
		{ "b.c.d.e.f.g.fine.test", "*.c.d.e.f.g.fine.test" }, { "d.e.f.g.fine.test", "" },
	};
	static const struct fake_list list = { .name = "l", .rules = rules, .count = COUNT(rules) };
	struct diag diag;
	struct snapshot *plain = fake_snapshot(&list, 1, MODE_ENFORCE, NULL, &diag);
	struct snapshot *other = fake_snapshot(&list, 1, MODE_ENFORCE, NULL, &diag);   /* its hashes have another key */
	char text[NAME_TEXT_MAX + 2];

	(void)state;
	assert_true(plain != NULL && other != NULL);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct facts facts = fake_question(rows[i].qname);
		struct match_start start;
		struct verdict verdict;

		evaluate_begin(plain, &facts, NULL, &start);
		for (unsigned turn = 0; turn < 3; turn++) {
			if (turn < 2)
				evaluate_question(plain, &facts, &verdict);
			else
				evaluate_answer(other, &facts, &verdict);
			if (strcmp(rule_match_text(&verdict.rule, text), rows[i].rule) != 0)
				fail_msg("%s: %s in turn %u", rows[i].qname, text, turn);
		}
	}
	snapshot_destroy(&other);
	snapshot_destroy(&plain);
}

static void a_memo_of_one_policy_knows_nothing_of_another(void **state)
{
	struct match_memo *memo = match_memo_create();

	(void)state;
	assert_non_null(memo);
	match_memo_turn(memo, 1);
	match_memo_put(memo, 7, match_find(3, 1));
	match_memo_turn(memo, 1);
	assert_int_equal(match_memo_get(memo, 7), match_find(3, 1));
	assert_int_equal(match_memo_get(memo, 7 + MATCH_MEMO_LINES), 0);
	match_memo_turn(memo, 2);
	assert_int_equal(match_memo_get(memo, 7), 0);
	free(memo);
}

static void a_memo_keeps_a_name_once(void **state)
{
	struct match_memo *memo = match_memo_create();

	(void)state;
	assert_non_null(memo);
	for (uint64_t i = 0; i < MATCH_MEMO_SLOTS; i++)
		match_memo_put(memo, 7 + i * MATCH_MEMO_LINES, match_find((uint16_t)(i + 1), 0));
	for (unsigned turn = 0; turn < MATCH_MEMO_SLOTS; turn++)
		match_memo_put(memo, 7, match_find(1, 0));
	for (uint64_t i = 0; i < MATCH_MEMO_SLOTS; i++)
		assert_int_equal(match_memo_get(memo, 7 + i * MATCH_MEMO_LINES), match_find((uint16_t)(i + 1), 0));
	free(memo);
}

static void what_one_policy_found_late_is_not_kept_for_the_next(void **state)
{
	static const struct fake_rule rules[] = { { .name = "a.b.test" } };
	const struct fake_list list = { .name = "l", .rules = rules, .count = 1, .action = ACTION_REFUSE };
	struct match_memo *memo = match_memo_create();
	struct facts before = fake_question("a.b.test"), after = before;
	struct snapshot *policies[2];
	struct match_start starts[2];
	struct verdict verdict;
	struct diag diag;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		policies[i] = fake_snapshot(&list, 1, MODE_ENFORCE, NULL, &diag);
	assert_true(memo != NULL && policies[0] != NULL && policies[1] != NULL);
	evaluate_begin(policies[0], &before, memo, &starts[0]);
	evaluate_begin(policies[1], &after, memo, &starts[1]);
	evaluate_question(policies[0], &before, &verdict);
	assert_int_equal(verdict.action, ACTION_REFUSE);
	assert_int_equal(match_memo_get(memo, starts[0].low), 0);
	evaluate_question(policies[1], &after, &verdict);
	assert_int_equal(verdict.action, ACTION_REFUSE);
	assert_int_not_equal(match_memo_get(memo, starts[1].low), 0);
	for (unsigned i = 0; i < 2; i++)
		snapshot_destroy(&policies[i]);
	free(memo);
}

/* One that two policies use in turn, asked for more names than it has room for, with rules above most of them: the
 * shortest rule is of the first list, and so comes before the others. */
static void a_memo_changes_no_verdict(void **state)
{
	enum { NAMES = 3 * MATCH_MEMO_LINES * MATCH_MEMO_SLOTS / 5 * 5 };
	static struct fake_rule all[NAMES], odd[(NAMES + 1) / 2], shortest[NAMES / 5];
	static char names[NAMES][sizeof("d.c.b.a.n12345.test")];
	const struct fake_list one[2] = { { .name = "shortest", .rules = shortest, .count = NAMES / 5 },
		{ .name = "all", .rules = all, .count = NAMES } };
	const struct fake_list other = { .name = "odd", .rules = odd, .count = COUNT(odd) };
	struct match_memo *memo = match_memo_create();
	struct snapshot *policies[2];
	unsigned wrong = 0;
	struct diag diag;

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		snprintf(names[i], sizeof(names[i]), "%sn%zu.test", &"d.c.b.a."[i % 5 * 2], i - i % 5);
		all[i].name = odd[i / 2].name = shortest[i / 5].name = names[i];
	}
	policies[0] = fake_snapshot(one, COUNT(one), MODE_ENFORCE, NULL, &diag);
	policies[1] = fake_snapshot(&other, 1, MODE_ENFORCE, NULL, &diag);
	assert_true(memo != NULL && policies[0] != NULL && policies[1] != NULL);
	for (size_t turn = 0; turn < (size_t)8 * NAMES; turn++) {
		const struct snapshot *policy = policies[turn / 1000 % 2];
		struct facts facts = fake_question(names[turn % 7 == 0 ? turn % NAMES : turn % 100]), plain = facts;
		struct verdict with, without;
		struct match_start start;

		evaluate_begin(policy, &facts, memo, &start);
		evaluate_question(policy, &facts, &with);
		evaluate_question(policy, &plain, &without);
		wrong += with.action != without.action || !name_equal(&with.rule.rule_name, &without.rule.rule_name) ||
			strcmp(with.rule.list, without.rule.list) != 0 || with.unlisted_in != without.unlisted_in;
	}
	assert_int_equal(wrong, 0);
	for (unsigned i = 0; i < 2; i++)
		snapshot_destroy(&policies[i]);
	free(memo);
}
/* Unlike the filter alone, a search that has ended does not err; what comes behind it finds the same. */
static void a_search_that_has_ended_says_which_questions_are_plain(void **state)
{
	static const struct fake_rule rules[] = { { .name = "bad.test" }, { .name = "=a.b.exact.test" } };
	static const struct fake_list list = { .name = "l", .rules = rules, .count = COUNT(rules) };
	static const struct { const char *qname; bool plain; } rows[] = {
		{ ".", true }, { "test", true }, { "bad.test", false }, { "x.bad.test", false }, { "xbad.test", true },
		{ "a.b.exact.test", false }, { "x.a.b.exact.test", true }, { "b.exact.test", true }, { "x.b.exact.test", true },
	};
	struct match_memo *memo = match_memo_create();
	struct override override = { .id = 1, .action = ACTION_PASS, .name = fake_name("nothing.example") };
	struct diag diag;
	struct snapshot *plain = fake_snapshot(&list, 1, MODE_ENFORCE, NULL, &diag);
	struct snapshot *derived = plain != NULL ? snapshot_derive(plain, override_set_create(&override, 1)) : NULL;

	(void)state;
	assert_true(memo != NULL && derived != NULL);
	assert_true(evaluate_plain_number(plain) != 0);
	assert_int_equal(evaluate_plain_number(derived), 0);
	for (size_t i = 0; i < 3 * COUNT(rows); i++) {
		const char *qname = rows[i % COUNT(rows)].qname;
		struct facts facts = fake_question(qname);
		struct verdict verdict;
		struct match_start start;
		uint64_t number;

		evaluate_begin(plain, &facts, i < COUNT(rows) ? NULL : memo, &start);
		number = evaluate_end_plain(plain, &facts, &start);
		evaluate_question(plain, &facts, &verdict);
		if (number != (rows[i % COUNT(rows)].plain ? evaluate_plain_number(plain) : 0) ||
		    verdict.unlisted_in != number || (verdict.action == ACTION_ALLOW) != (number != 0))
			fail_msg("%s", qname);
		evaluate_begin(derived, &facts, NULL, &start);
		assert_int_equal(evaluate_end_plain(derived, &facts, &start), 0);
	}
	snapshot_destroy(&derived);
	snapshot_destroy(&plain);
	free(memo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_search_begun_finds_what_a_whole_one_finds),
		cmocka_unit_test(a_memo_of_one_policy_knows_nothing_of_another),
		cmocka_unit_test(a_memo_keeps_a_name_once),
		cmocka_unit_test(what_one_policy_found_late_is_not_kept_for_the_next),
		cmocka_unit_test(a_memo_changes_no_verdict),
		cmocka_unit_test(a_search_that_has_ended_says_which_questions_are_plain),
	};

	return cmocka_run_group_tests_name("evaluate_search", tests, build, destroy);
}
