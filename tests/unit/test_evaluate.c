/* test_evaluate.c: the order of precedence, and what is known to be plain. */
#include "policy/evaluate.h"

#include "tests/unit/evaluating.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_no_more_than_that_its_own_lists_have_no_rule),
		cmocka_unit_test(judges_questions_in_order_of_precedence),
		cmocka_unit_test(most_names_are_known_to_be_plain),
		cmocka_unit_test(a_name_that_was_searched_for_is_known_to_be_plain),
		cmocka_unit_test(tells_all_of_the_list),
		cmocka_unit_test(the_code_is_the_list_s_or_the_action_s),
		cmocka_unit_test(local_data_is_the_rule_s_and_a_sinkhole_the_list_s),
		cmocka_unit_test(no_record_outlives_the_lid_on_ttls),
		cmocka_unit_test(truncates_over_udp_only_and_says_that_clients_differ),
		cmocka_unit_test(in_shadow_mode_nothing_is_denied),
	};

	return cmocka_run_group_tests_name("evaluate", tests, build, destroy);
}
