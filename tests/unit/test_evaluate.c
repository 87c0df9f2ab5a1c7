/* test_evaluate.c: the order of precedence, and chains that stand in disorder, loop or lie. */
#include "policy/evaluate.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/local_data.h"
#include "policy/override.h"
#include "tests/unit/fake_list.h"

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_DNAME 39
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct fake_rule pass_rules[] = {
	{ .name = "good.bad.test", .action = ACTION_PASS }, { .name = "=only.bad.test", .action = ACTION_PASS },
};
static const struct fake_rule observe_rules[] = {
	{ .name = "seen.test" }, { .name = "bad.test" },
};
static const struct fake_rule mixed_rules[] = {
	{ .name = "bad.test" },
	{ .name = "=exact.test" },
	{ .name = "*.wild.test" },
	{ .name = "deep.bad.test", .action = ACTION_REFUSE },
	{ .name = "*.deep.bad.test", .action = ACTION_DROP },
	{ .name = "look.deep.bad.test", .action = ACTION_OBSERVE },
	{ .name = "zip", .action = ACTION_NODATA },
	{ .name = "=data.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\11",
	  .rdata_length = 4, .ttl = 60 },
	{ .name = "=data.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\12",
	  .rdata_length = 4, .ttl = 50 },
	{ .name = "=empty.test", .action = ACTION_LOCAL_DATA },
	{ .name = "tcp.test", .action = ACTION_TRUNCATE },
};
static const struct fake_rule shadow_rules[] = {
	{ .name = "later.test" }, { .name = "bad.test" }, { .name = "later.zip" },
};
static const struct fake_rule sink_rules[] = {
	{ .name = "later.test", .action = ACTION_PASS }, { .name = "sink.test" }, { .name = "bad.test" },
	{ .name = "seen.test.zip" },
	{ .name = "=sunk.test", .action = ACTION_LOCAL_DATA, .type = TYPE_A, .rdata = "\300\0\2\11",
	  .rdata_length = 4 },
};

static const struct fake_list lists[] = {
	{ .name = "pass", .rules = pass_rules, .count = COUNT(pass_rules), .action = ACTION_PASS },
	{ .name = "observe", .rules = observe_rules, .count = COUNT(observe_rules), .action = ACTION_OBSERVE,
	  .ede = EDE_CENSORED },
	{ .name = "shadow", .rules = shadow_rules, .count = COUNT(shadow_rules), .shadow = true },
	{ .name = "mixed", .rules = mixed_rules, .count = COUNT(mixed_rules), .ede = EDE_FILTERED },
	{ .name = "sink", .rules = sink_rules, .count = COUNT(sink_rules), .action = ACTION_SINKHOLE,
	  .sinkhole = "\300\0\2\1" },
};

static struct snapshot *snapshot;

static int build(void **state)
{
	struct diag diag;

	(void)state;
	snapshot = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	return snapshot == NULL ? -1 : 0;
}

static int destroy(void **state)
{
	(void)state;
	snapshot_destroy(&snapshot);
	return 0;
}

static const struct {
	const char *qname;
	enum action action;
	const char *list;
	const char *rule;
	const char *shadow;    /* list of the shadow verdict */
	bool final;
	const char *why;
} questions[] = {
	{ "fine.test", ACTION_ALLOW, "", "", "", false, "nobody says anything" },
	{ ".", ACTION_ALLOW, "", "", "", false, "the root matches nothing" },
	{ "test", ACTION_ALLOW, "", "", "", false, "a parent of rules matches none" },
	{ "bad.test", ACTION_NXDOMAIN, "mixed", "bad.test", "shadow", true, "a plain rule matches itself" },
	{ "a.b.bad.test", ACTION_NXDOMAIN, "mixed", "*.bad.test", "shadow", true, "and what is below" },
	{ "xbad.test", ACTION_ALLOW, "", "", "", false, "the end of a label is no label" },
	{ "exact.test", ACTION_NXDOMAIN, "mixed", "exact.test", "", true, "an exact rule matches itself" },
	{ "a.exact.test", ACTION_ALLOW, "", "", "", false, "and nothing below" },
	{ "wild.test", ACTION_ALLOW, "", "", "", false, "a wildcard does not match its own name" },
	{ "a.wild.test", ACTION_NXDOMAIN, "mixed", "*.wild.test", "", true, "but what is below" },
	{ "a.b.c.wild.test", ACTION_NXDOMAIN, "mixed", "*.wild.test", "", true, "however far" },
	{ "deep.bad.test", ACTION_REFUSE, "mixed", "deep.bad.test", "shadow", true,
	  "the longest name of a list wins" },
	{ "x.deep.bad.test", ACTION_REFUSE, "mixed", "*.deep.bad.test", "shadow", true,
	  "the first of two rules that say different things stands" },
	{ "good.bad.test", ACTION_PASS, "pass", "good.bad.test", "", true,
	  "an earlier list that passes is final, and a shadow behind it would not have decided" },
	{ "x.only.bad.test", ACTION_NXDOMAIN, "mixed", "*.bad.test", "shadow", true, "an exact pass does not cover" },
	{ "seen.test", ACTION_OBSERVE, "observe", "seen.test", "", false, "observe when nothing decides" },
	{ "x.look.deep.bad.test", ACTION_SINKHOLE, "sink", "*.bad.test", "shadow", true,
	  "an observe rule keeps its own list from deciding, not a later one" },
	{ "a.zip", ACTION_NODATA, "mixed", "*.zip", "", true, "a rule may be a top-level domain" },
	{ "later.zip", ACTION_NODATA, "mixed", "*.zip", "shadow", true, "a shadow that would have decided is told" },
	{ "later.test", ACTION_SINKHOLE, "sink", "later.test", "shadow", true,
	  "the list's own action replaces the rule's" },
	{ "empty.test", ACTION_NODATA, "mixed", "empty.test", "", true, "local data without records is NODATA" },
};

/* Also after the policy has changed: what one snapshot says of its rules is nothing to another. */
static void knows_no_more_than_that_its_own_lists_have_no_rule(void **state)
{
	struct facts fine = fake_question("fine.test"), bad = fake_question("bad.test");
	struct snapshot *derived = snapshot_derive(snapshot, NULL);
	struct verdict verdict, again;

	(void)state;
	assert_non_null(derived);
	evaluate_question(snapshot, &bad, &verdict);
	assert_int_equal(verdict.unlisted_in, 0);
	evaluate_question(derived, &fine, &verdict);
	evaluate_question(snapshot, &fine, &again);
	assert_true(verdict.unlisted_in != 0 && again.unlisted_in != 0 && verdict.unlisted_in != again.unlisted_in);
	/* Were it believed, it would be allowed. */
	bad.unlisted_in = verdict.unlisted_in;
	evaluate_answer(snapshot, &bad, &again);
	assert_int_equal(again.action, ACTION_NXDOMAIN);
	evaluate_answer(derived, &bad, &again);
	assert_int_equal(again.action, ACTION_ALLOW);
	evaluate_answer(derived, &fine, &again);
	assert_int_equal(again.unlisted_in, 0);
	snapshot_destroy(&derived);
}

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

static void judges_questions_in_order_of_precedence(void **state)
{
	char rule[NAME_TEXT_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(questions); i++) {
		struct facts facts = fake_question(questions[i].qname);
		struct verdict verdict;

		memset(&verdict, 0xa5, sizeof(verdict));
		evaluate_question(snapshot, &facts, &verdict);
		rule_match_text(&verdict.rule, rule);
		if (verdict.action != questions[i].action || strcmp(verdict.rule.list, questions[i].list) != 0 ||
		    strcmp(rule, questions[i].rule) != 0 || strcmp(verdict.shadow.list, questions[i].shadow) != 0 ||
		    verdict.final != questions[i].final ||
		    verdict.denied_to_some != action_table[questions[i].action].denies)
			fail_msg("%s: %s: %s by %s of %s, shadow %s", questions[i].qname, questions[i].why,
				 action_table[verdict.action].name, rule, verdict.rule.list, verdict.shadow.list);
		assert_false(verdict.differs);
	}
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

static size_t show_no_record(const void *source, record_visit visit, void *arg)
{
	(void)source;
	(void)visit;
	(void)arg;
	return 0;
}

/* The filter may err, but not for all of so many names. */
static void most_names_are_known_to_be_plain(void **state)
{
	static const char *const fine[] = { "fine.test", "xbad.test", "a.fine.test", "test", "other", "www.example.com",
		"a.b.c.d.e.f.g.example.com", "." };
	struct override override = { .id = 1, .action = ACTION_PASS, .name = fake_name("nothing.example") };
	struct override_set *overrides = override_set_create(&override, 1);
	struct snapshot *derived = snapshot_derive(snapshot, overrides);
	size_t plain = 0;

	(void)state;
	assert_non_null(derived);
	for (size_t i = 0; i < COUNT(questions); i++) {
		const struct facts facts = fake_question(questions[i].qname);

		if (questions[i].list[0] != '\0' || questions[i].shadow[0] != '\0')
			assert_false(evaluate_is_plain(snapshot, &facts));
	}
	for (size_t i = 0; i < COUNT(fine); i++) {
		struct facts facts = fake_question(fine[i]);

		plain += evaluate_is_plain(snapshot, &facts);
		assert_false(evaluate_is_plain(derived, &facts));
		facts.records = show_no_record;
		assert_false(evaluate_is_plain(snapshot, &facts));
		facts.leads_nowhere = true;
		plain += evaluate_is_plain(snapshot, &facts);
	}
	assert_in_range(plain, COUNT(fine), 2 * COUNT(fine));
	snapshot_destroy(&derived);
}

/* Of this policy alone, and only where nothing that the question does not show can lead to a rule. */
static void a_name_that_was_searched_for_is_known_to_be_plain(void **state)
{
	struct override override = { .id = 1, .action = ACTION_REFUSE, .name = fake_name("fine.test") };
	struct snapshot *derived = snapshot_derive(snapshot, override_set_create(&override, 1));
	struct facts facts = fake_question("fine.test"), other = fake_question("other");
	struct verdict verdict;

	(void)state;
	assert_non_null(derived);
	assert_false(evaluate_is_known_plain(snapshot, &facts));
	evaluate_question(snapshot, &facts, &verdict);
	facts.unlisted_in = verdict.unlisted_in;
	assert_true(evaluate_is_known_plain(snapshot, &facts));
	assert_false(evaluate_is_known_plain(derived, &facts));
	facts.records = show_no_record;
	assert_false(evaluate_is_known_plain(snapshot, &facts));
	facts.leads_nowhere = true;
	assert_true(evaluate_is_known_plain(snapshot, &facts));
	evaluate_question(derived, &facts, &verdict);
	assert_int_equal(verdict.unlisted_in, 0);
	assert_int_equal(verdict.action, ACTION_REFUSE);
	evaluate_question(derived, &other, &verdict);
	other.unlisted_in = verdict.unlisted_in;
	assert_true(verdict.unlisted_in != 0);
	assert_false(evaluate_is_known_plain(derived, &other));
	snapshot_destroy(&derived);
}

static void tells_all_of_the_list(void **state)
{
	struct facts facts = fake_question("a.sink.test");
	struct verdict verdict;

	(void)state;
	evaluate_question(snapshot, &facts, &verdict);
	assert_string_equal(verdict.rule.category, "cat-sink");
	assert_string_equal(verdict.rule.attack, "T4");
	assert_int_equal(verdict.rule.serial, 7);
	assert_int_equal(verdict.rule.trigger, TRIGGER_QNAME);
	assert_int_equal(verdict.rule.ede, EDE_FORGED);
	assert_true(verdict.rule.wildcard);
	assert_int_equal(verdict.rule.rule_name.labels, 2);
	assert_int_equal(verdict.ttl, 304);
	assert_non_null(verdict.data);
	assert_int_equal(local_data_count(verdict.data), 1);
	assert_memory_equal(local_data_at(verdict.data, 0).rdata, "\300\0\2\1", 4);
	assert_int_equal(local_data_at(verdict.data, 0).ttl, 304);
}

static void the_code_is_the_list_s_or_the_action_s(void **state)
{
	static const struct { const char *qname; int ede; } rows[] = {
		{ "exact.test", EDE_FILTERED }, { "sink.test", EDE_FORGED }, { "good.bad.test", EDE_NONE },
		{ "seen.test", EDE_NONE },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct facts facts = fake_question(rows[i].qname);
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		assert_int_equal(verdict.rule.ede, rows[i].ede);
	}
}

static void local_data_is_the_rule_s_and_a_sinkhole_the_list_s(void **state)
{
	struct facts facts = fake_question("data.test");
	struct verdict verdict;

	(void)state;
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_LOCAL_DATA);
	assert_int_equal(local_data_count(verdict.data), 2);
	assert_int_equal(local_data_at(verdict.data, 0).ttl, 50);
	assert_memory_equal(local_data_at(verdict.data, 1).rdata, "\300\0\2\12", 4);
	facts = fake_question("sunk.test");
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_SINKHOLE);
	assert_memory_equal(local_data_at(verdict.data, 0).rdata, "\300\0\2\1", 4);
}

static void no_record_outlives_the_lid_on_ttls(void **state)
{
	struct facts facts = fake_question("data.test");
	struct snapshot *lidded;
	struct verdict verdict;
	struct diag diag;

	(void)state;
	fake_options.max_policy_ttl = 55;
	lidded = fake_snapshot(lists, COUNT(lists), MODE_ENFORCE, NULL, &diag);
	fake_options.max_policy_ttl = 0;
	assert_non_null(lidded);
	evaluate_question(lidded, &facts, &verdict);
	assert_int_equal(verdict.ttl, 55);
	assert_int_equal(local_data_at(verdict.data, 0).ttl, 50);   /* 60 and 50, one for the RRset */
	facts = fake_question("sunk.test");
	evaluate_question(lidded, &facts, &verdict);
	assert_int_equal(local_data_at(verdict.data, 0).ttl, 55);
	snapshot_destroy(&lidded);
}

static void truncates_over_udp_only_and_says_that_clients_differ(void **state)
{
	static const struct { enum transport transport; enum action action; } rows[] = {
		{ TRANSPORT_UDP, ACTION_TRUNCATE }, { TRANSPORT_UNKNOWN, ACTION_TRUNCATE },
		{ TRANSPORT_TCP, ACTION_PASS }, { TRANSPORT_DOT, ACTION_PASS }, { TRANSPORT_DOH, ACTION_PASS },
		{ TRANSPORT_DOQ, ACTION_PASS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct facts facts = fake_question("tcp.test");
		struct verdict verdict;

		facts.transport = rows[i].transport;
		evaluate_question(snapshot, &facts, &verdict);
		assert_int_equal(verdict.action, rows[i].action);
		assert_int_equal(verdict.rule.action, ACTION_TRUNCATE);
		assert_true(verdict.differs && verdict.denied_to_some && verdict.final);
	}
}

static void in_shadow_mode_nothing_is_denied(void **state)
{
	struct facts facts = fake_question("bad.test");
	struct verdict verdict;
	struct diag diag;
	struct snapshot *shadow = fake_snapshot(lists, COUNT(lists), MODE_SHADOW, NULL, &diag);

	(void)state;
	assert_non_null(shadow);
	evaluate_question(shadow, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_false(verdict.denied_to_some || verdict.final);
	assert_int_equal(verdict.rule.trigger, TRIGGER_NONE);
	/* The observe list comes first, but what would have decided is worth more. */
	assert_string_equal(verdict.shadow.list, "shadow");
	assert_int_equal(verdict.shadow.action, ACTION_NXDOMAIN);
	facts = fake_question("seen.test");
	evaluate_question(shadow, &facts, &verdict);
	assert_int_equal(verdict.shadow.action, ACTION_OBSERVE);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	snapshot_destroy(&shadow);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

struct row {
	const char *owner;
	uint16_t type;
	const char *target;    /* NULL: an address */
	enum record_section section;
};

/* Records in memory that lives for the visit of one record only: whoever keeps a pointer is seen by a sanitizer. */
static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct row *row;
	bool going = true;

	for (row = source; going && row->owner != NULL; row++) {
		struct name *owner = malloc(sizeof(*owner));
		struct name *target = malloc(sizeof(*target));
		struct record record = { .section = row->section, .type = row->type, .class = 1, .ttl = 60 };

		assert_true(owner != NULL && target != NULL);
		*owner = fake_name(row->owner);
		*target = fake_name(row->target == NULL ? "address" : row->target);
		owner->octets[1] = (uint8_t)(owner->length > 1 ? owner->octets[1] & 0xdf : 0);
		record.owner = owner->octets;
		record.owner_length = owner->length;
		record.rdata = target->octets;
		record.rdata_length = row->target == NULL ? 4 : target->length;
		going = visit(arg, &record);
		free(owner);
		free(target);
	}
	return 0;
}

static struct facts answer(const char *qname, const struct row *rows)
{
	struct facts facts = fake_question(qname);

	facts.records = show;
	facts.source = rows;
	return facts;
}

static const struct {
	struct row rows[8];
	enum action action;
	unsigned chain;
	const char *rule;
	bool denied_to_some;   /* evaluate_denied_to_some */
	const char *why;
} answers[] = {
	{ { { "q.test", TYPE_A, NULL, 0 } }, ACTION_ALLOW, 0, "", false, "no alias" },
	{ { { "q.test", TYPE_CNAME, "bad.test", 0 }, { "bad.test", TYPE_A, NULL, 0 } }, ACTION_NXDOMAIN, 1,
	  "bad.test", true, "the target is listed" },
	{ { { "q.test", TYPE_CNAME, "a.test", 0 }, { "a.test", TYPE_CNAME, "b.bad.test", 0 },
	    { "b.bad.test", TYPE_A, NULL, 0 } }, ACTION_NXDOMAIN, 2, "*.bad.test", true, "the second target is" },
	{ { { "b.test", TYPE_CNAME, "exact.test", 0 }, { "a.test", TYPE_CNAME, "b.test", 0 },
	    { "q.test", TYPE_CNAME, "a.test", 0 } }, ACTION_NXDOMAIN, 3, "exact.test", true, "in disorder" },
	{ { { "q.test", TYPE_CNAME, "good.bad.test", 0 }, { "good.bad.test", TYPE_CNAME, "bad.test", 0 } },
	  ACTION_PASS, 1, "good.bad.test", true, "what comes after a pass is passed, but kept from caches" },
	{ { { "q.test", TYPE_CNAME, "seen.test", 0 }, { "seen.test", TYPE_CNAME, "exact.test", 0 } },
	  ACTION_NXDOMAIN, 2, "exact.test", true, "an observed name does not end the chain" },
	{ { { "q.test", TYPE_CNAME, "seen.test", 0 } }, ACTION_OBSERVE, 1, "seen.test", false, "an observed target" },
	{ { { "q.test", TYPE_CNAME, "a.test", 0 }, { "a.test", TYPE_CNAME, "q.test", 0 } }, ACTION_ALLOW, 0, "",
	  false, "a loop ends" },
	{ { { "q.test", TYPE_CNAME, "q.test", 0 } }, ACTION_ALLOW, 0, "", false, "a short loop too" },
	{ { { "other.test", TYPE_CNAME, "bad.test", 0 } }, ACTION_ALLOW, 0, "", true,
	  "an alias of another name is not on the chain, but kept from caches" },
	{ { { "q.test", TYPE_CNAME, "bad.test", SECTION_AUTHORITY } }, ACTION_ALLOW, 0, "", false,
	  "the answer section only" },
	{ { { "bad.test", TYPE_A, NULL, 0 } }, ACTION_ALLOW, 0, "", true, "a listed owner is kept from caches" },
	{ { { "d.test", TYPE_DNAME, "bad.test", 0 }, { "q.d.test", TYPE_CNAME, "q.bad.test", 0 } }, ACTION_ALLOW, 0,
	  "", true, "a DNAME's target is kept from caches" },
	{ { { "d.test", TYPE_DNAME, "bad.test", 0 } }, ACTION_ALLOW, 0, "", true, "and so without its CNAME" },
	{ { { "q.test", TYPE_CNAME, "sink.test", 0 } }, ACTION_SINKHOLE, 1, "sink.test", true,
	  "with the list's data" },
};

static void judges_each_name_of_a_chain(void **state)
{
	char rule[NAME_TEXT_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(answers); i++) {
		struct facts facts = answer("q.test", answers[i].rows);
		struct verdict verdict;

		evaluate_answer(snapshot, &facts, &verdict);
		rule_match_text(&verdict.rule, rule);
		if (verdict.action != answers[i].action || verdict.rule.chain != answers[i].chain ||
		    strcmp(rule, answers[i].rule) != 0)
			fail_msg("%s: %s by %s at %u", answers[i].why, action_table[verdict.action].name, rule,
				 verdict.rule.chain);
		if (evaluate_denied_to_some(snapshot, &facts) != answers[i].denied_to_some)
			fail_msg("%s: denied to some", answers[i].why);
		if (verdict.action == ACTION_SINKHOLE)
			assert_non_null(verdict.data);
	}
}

static void a_verdict_on_the_question_stands_whatever_the_answer(void **state)
{
	static const struct row rows[] = { { "good.bad.test", TYPE_CNAME, "bad.test", 0 }, { NULL, 0, NULL, 0 } };
	struct facts facts = answer("good.bad.test", rows);
	struct verdict verdict;

	(void)state;
	evaluate_answer(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_PASS);
	assert_int_equal(verdict.rule.chain, 0);
	assert_false(verdict.denied_to_some);
}

static void without_records_an_answer_is_its_question(void **state)
{
	struct facts facts = fake_question("bad.test");
	struct verdict verdict;

	(void)state;
	evaluate_answer(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_NXDOMAIN);
	assert_false(evaluate_denied_to_some(snapshot, &facts));
}

/* q.test -> h1.test -> ... -> hN.test -> bad.test */
static enum action after_hops(unsigned hops, bool backwards)
{
	static char names[32][16];
	struct row rows[40];
	struct verdict verdict;
	struct facts facts;
	unsigned i;

	memset(rows, 0, sizeof(rows));
	for (i = 0; i <= hops; i++)
		snprintf(names[i], sizeof(names[i]), i == 0 ? "q.test" : i == hops ? "bad.test" : "h%u.test", i);
	for (i = 0; i < hops; i++)
		rows[backwards ? hops - 1 - i : i] = (struct row){ names[i], TYPE_CNAME, names[i + 1], 0 };
	facts = answer("q.test", rows);
	evaluate_answer(snapshot, &facts, &verdict);
	return verdict.action;
}

/* Unbound resolves chains as long as its max-query-restarts says. */
static void judges_every_name_of_a_long_chain(void **state)
{
	(void)state;
	assert_int_equal(after_hops(16, false), ACTION_NXDOMAIN);
	assert_int_equal(after_hops(16, true), ACTION_NXDOMAIN);
	assert_int_equal(after_hops(17, false), ACTION_NXDOMAIN);
	assert_int_equal(after_hops(17, true), ACTION_NXDOMAIN);
	assert_int_equal(after_hops(31, false), ACTION_NXDOMAIN);
}

static size_t show_one(const void *source, record_visit visit, void *arg)
{
	visit(arg, source);
	return 0;
}

static void a_target_that_is_no_name_is_not_followed(void **state)
{
	static const struct { const char *rdata; uint16_t octets; const char *why; } rows[] = {
		{ "\3bad\4test", 9, "cut off" },
		{ "\3bad\4test\0\0", 11, "octets behind it" },
		{ "\300\0", 2, "a pointer" },
		{ "", 0, "nothing" },
	};
	struct name owner = fake_name("q.test");
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		uint8_t *copy = malloc(rows[i].octets + (rows[i].octets == 0));
		struct record record = {
			.section = SECTION_ANSWER, .owner = owner.octets, .owner_length = owner.length,
			.type = TYPE_CNAME, .class = 1, .rdata = copy, .rdata_length = rows[i].octets,
		};
		struct facts facts = fake_question("q.test");
		struct verdict verdict;

		assert_non_null(copy);
		memcpy(copy, rows[i].rdata, rows[i].octets);
		facts.records = show_one;
		facts.source = &record;
		evaluate_answer(snapshot, &facts, &verdict);
		if (verdict.action != ACTION_ALLOW || evaluate_denied_to_some(snapshot, &facts))
			fail_msg("%s", rows[i].why);
		record.owner = copy;
		record.owner_length = (uint8_t)rows[i].octets;
		assert_false(i != 1 && evaluate_denied_to_some(snapshot, &facts));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_no_more_than_that_its_own_lists_have_no_rule),
		cmocka_unit_test(a_search_begun_finds_what_a_whole_one_finds),
		cmocka_unit_test(a_memo_of_one_policy_knows_nothing_of_another),
		cmocka_unit_test(a_memo_keeps_a_name_once),
		cmocka_unit_test(what_one_policy_found_late_is_not_kept_for_the_next),
		cmocka_unit_test(a_memo_changes_no_verdict),
		cmocka_unit_test(judges_questions_in_order_of_precedence),
		cmocka_unit_test(a_search_that_has_ended_says_which_questions_are_plain),
		cmocka_unit_test(most_names_are_known_to_be_plain),
		cmocka_unit_test(a_name_that_was_searched_for_is_known_to_be_plain),
		cmocka_unit_test(tells_all_of_the_list),
		cmocka_unit_test(the_code_is_the_list_s_or_the_action_s),
		cmocka_unit_test(local_data_is_the_rule_s_and_a_sinkhole_the_list_s),
		cmocka_unit_test(no_record_outlives_the_lid_on_ttls),
		cmocka_unit_test(truncates_over_udp_only_and_says_that_clients_differ),
		cmocka_unit_test(in_shadow_mode_nothing_is_denied),
		cmocka_unit_test(judges_each_name_of_a_chain),
		cmocka_unit_test(a_verdict_on_the_question_stands_whatever_the_answer),
		cmocka_unit_test(without_records_an_answer_is_its_question),
		cmocka_unit_test(judges_every_name_of_a_long_chain),
		cmocka_unit_test(a_target_that_is_no_name_is_not_followed),
	};

	return cmocka_run_group_tests_name("evaluate", tests, build, destroy);
}
