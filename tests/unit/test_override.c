/* test_override.c: what an operator decides for a while comes before every list, and costs no second policy. */
#include "policy/override.h"

#include "tests/unit/overriding.h"

static void the_longest_name_then_the_longest_prefix_then_the_latest_wins(void **state)
{
	const struct override overrides[] = {
		make(1, "bad.test", ACTION_PASS, EVERYBODY, 10),
		make(2, "worse.bad.test", ACTION_NXDOMAIN, EVERYBODY, 5),
		make(3, "good.test", ACTION_NXDOMAIN, OURS, 10),
		make(4, "good.test", ACTION_PASS, MINE, 9),
		make(5, "twice.test", ACTION_PASS, EVERYBODY, 10),
		make(6, "twice.test", ACTION_NXDOMAIN, EVERYBODY, 11),
		make(7, "same.test", ACTION_NXDOMAIN, EVERYBODY, 10),
		make(8, "same.test", ACTION_PASS, EVERYBODY, 10),
	};
	static const struct {
		const char *name;
		uint8_t client;
		enum action action;
		uint32_t id;             /* 0: a list, or nothing, decides */
		bool denied, differs;
		const char *why;
	} rows[] = {
		{ "bad.test", 1, ACTION_PASS, 1, false, false, "allowed for everybody" },
		{ "www.bad.test", 1, ACTION_PASS, 1, false, false, "and all below it" },
		{ "worse.bad.test", 1, ACTION_NXDOMAIN, 2, true, false, "the longer name" },
		{ "a.worse.bad.test", 1, ACTION_NXDOMAIN, 2, true, false, "below the longer name" },
		{ "good.test", 2, ACTION_NXDOMAIN, 3, true, true, "denied for a network" },
		{ "good.test", 1, ACTION_PASS, 4, true, true, "a longer prefix" },
		{ "good.test", 200, ACTION_PASS, 0, true, true, "others keep what the list says" },
		{ "twice.test", 1, ACTION_NXDOMAIN, 6, true, false, "the later one" },
		{ "same.test", 1, ACTION_PASS, 8, false, false, "of one second the higher number" },
		{ "xbad.test", 1, ACTION_ALLOW, 0, false, false, "no suffix of labels" },
		{ "test", 1, ACTION_ALLOW, 0, false, false, "above" },
	};
	struct snapshot *snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct facts facts = question(rows[i].name, rows[i].client);
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		if (verdict.action != rows[i].action || verdict.denied_to_some != rows[i].denied ||
		    verdict.differs != rows[i].differs ||
		    (rows[i].id != 0 ? verdict.rule.serial != rows[i].id || !verdict.final ||
			    strcmp(verdict.rule.list, "(override)") != 0 : strcmp(verdict.rule.list, "(override)") == 0))
			fail_msg("%s: %s by %s %u, denied %d, differs %d", rows[i].why, action_table[verdict.action].name,
				verdict.rule.list, verdict.rule.serial, verdict.denied_to_some, verdict.differs);
	}
	snapshot_destroy(&snapshot);
}

static void a_denial_says_all_that_a_list_would(void **state)
{
	const struct override overrides[] = { make(77, "new.test", ACTION_NXDOMAIN, EVERYBODY, 1) };
	struct snapshot *snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));
	const struct facts facts = question("www.new.test", 1);
	char text[EDE_TEXT_MAX];
	struct verdict verdict;

	(void)state;
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.rule.trigger, TRIGGER_QNAME);
	assert_true(verdict.rule.wildcard);
	assert_int_equal(verdict.rule.ede, EDE_BLOCKED);
	assert_int_equal(verdict.ttl, OVERRIDE_TTL);
	assert_string_equal(rule_match_text(&verdict.rule, text), "*.new.test");
	assert_true(verdict_ede_text(&verdict, NULL, text, sizeof(text)) > 0);
	assert_string_equal(text, "list (override), rule *.new.test");
	snapshot_destroy(&snapshot);
}

static void options_hold_for_overrides_too(void **state)
{
	const struct override overrides[] = { make(1, "new.test", ACTION_NXDOMAIN, EVERYBODY, 1) };
	struct facts facts = question("new.test", 1);
	struct snapshot *snapshot;
	struct verdict verdict;

	(void)state;
	fake_options.max_policy_ttl = 5;
	fake_options.qname_wait_recurse = true;
	snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.ttl, 5);
	assert_false(verdict.final);
	snapshot_destroy(&snapshot);
	fake_options = (struct policy_options){ .recursive_only = true };
	snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));
	facts.recursion_desired = false;
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_true(verdict.denied_to_some && verdict.differs);
	snapshot_destroy(&snapshot);
	fake_options = (struct policy_options){ .qname_wait_recurse = false };
}

static void in_shadow_it_is_reported_and_nothing_else(void **state)
{
	const struct override overrides[] = { make(9, "new.test", ACTION_NXDOMAIN, EVERYBODY, 1) };
	struct snapshot *snapshot = with(MODE_SHADOW, overrides, COUNT(overrides));
	const struct facts facts = question("new.test", 1);
	struct verdict verdict;

	(void)state;
	evaluate_question(snapshot, &facts, &verdict);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_false(verdict.denied_to_some);
	assert_int_equal(verdict.shadow.serial, 9);
	snapshot_destroy(&snapshot);
}

/* --- explanation ------------------------------------------------------------------------------------------------ */

static void an_explanation_tells_overrides_first(void **state)
{
	const struct override overrides[] = {
		make(1, "bad.test", ACTION_PASS, EVERYBODY, 10),
		make(2, "test", ACTION_NXDOMAIN, EVERYBODY, 5),
		make(3, "bad.test", ACTION_NXDOMAIN, MINE, 10),
	};
	struct snapshot *snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));
	const struct facts facts = question("bad.test", 2);
	struct told told = { .last = NULL };
	struct verdict verdict;

	(void)state;
	explain_question(snapshot, &facts, tell, &told, &verdict);
	assert_string_equal(told.text, "(override) 3: override is for other clients\n(override) 1: won\n"
		"(override) 2: a more specific override decided\ndeny 0: an override decided\n");
	assert_string_equal(told.last->who, "alice");
	assert_string_equal(told.last->why, "a reason");
	snapshot_destroy(&snapshot);
}

/* --- sharing ---------------------------------------------------------------------------------------------------- */

static enum action action_of(const struct snapshot *snapshot, const char *name)
{
	const struct facts facts = question(name, 1);
	struct verdict verdict;

	evaluate_question(snapshot, &facts, &verdict);
	return verdict.action;
}

static void the_base_stays_as_it_is_and_may_go_first_or_last(void **state)
{
	const struct override override = make(1, "bad.test", ACTION_PASS, EVERYBODY, 10);
	struct snapshot *first = base(MODE_ENFORCE);
	struct snapshot *second = snapshot_derive(first, override_set_create(&override, 1));
	struct snapshot *third = snapshot_derive(second, NULL);

	(void)state;
	assert_int_equal(action_of(first, "bad.test"), ACTION_REFUSE);
	assert_int_equal(action_of(second, "bad.test"), ACTION_PASS);
	assert_int_equal(action_of(third, "bad.test"), ACTION_REFUSE);
	assert_ptr_equal(first->set, third->set);
	assert_true(snapshot_octets(second) > snapshot_octets(first));
	snapshot_destroy(&second);
	assert_int_equal(action_of(first, "bad.test"), ACTION_REFUSE);
	snapshot_destroy(&first);
	assert_int_equal(action_of(third, "bad.test"), ACTION_REFUSE);
	snapshot_destroy(&third);
	assert_null(third);
}

static void what_is_for_some_clients_counts_as_a_rule_for_clients(void **state)
{
	const struct override ours = make(1, "a.test", ACTION_PASS, OURS, 1), all = make(2, "a.test", ACTION_PASS,
		EVERYBODY, 1);
	struct snapshot *first = with(MODE_ENFORCE, &ours, 1), *second = with(MODE_ENFORCE, &all, 1);

	(void)state;
	assert_int_equal(snapshot_triggers(first), 1u << TRIGGER_QNAME | 1u << TRIGGER_CLIENT_IP);
	assert_int_equal(snapshot_triggers(second), 1u << TRIGGER_QNAME);
	snapshot_destroy(&first);
	snapshot_destroy(&second);
}

static void a_set_of_none_is_no_set(void **state)
{
	struct snapshot *first = base(MODE_ENFORCE);
	struct snapshot *second = snapshot_derive(first, override_set_create(NULL, 0));

	(void)state;
	assert_null(second->overrides);
	snapshot_destroy(&first);
	snapshot_destroy(&second);
}

/* Each thread derives, asks and frees; the last of all frees the policy. */
static void *derive_and_ask(void *arg)
{
	const struct override override = make(1, "bad.test", ACTION_PASS, EVERYBODY, 10);
	struct snapshot *mine = arg;
	unsigned i;

	for (i = 0; i < 2000; i++) {
		struct snapshot *next = snapshot_derive(mine, override_set_create(&override, 1));

		if (action_of(next, "bad.test") != ACTION_PASS)
			abort();
		snapshot_destroy(&mine);
		mine = next;
	}
	snapshot_destroy(&mine);
	return NULL;
}

static void threads_may_share_and_leave_in_any_order(void **state)
{
	struct snapshot *first = base(MODE_ENFORCE);
	pthread_t threads[4];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, derive_and_ask, snapshot_derive(first, NULL)), 0);
	snapshot_destroy(&first);
	for (i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
}

/* --- many ------------------------------------------------------------------------------------------------------- */

static void as_many_as_there_may_be_are_found(void **state)
{
	struct override *overrides = calloc(OVERRIDES_MAX, sizeof(*overrides));
	struct snapshot *snapshot;
	char name[64];
	unsigned i;

	(void)state;
	assert_non_null(overrides);
	for (i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.l%u.test", i, i % 13);
		overrides[i] = make(i + 1, name, ACTION_NXDOMAIN, EVERYBODY, i);
	}
	snapshot = with(MODE_ENFORCE, overrides, OVERRIDES_MAX);
	for (i = 0; i < OVERRIDES_MAX; i++) {
		const struct facts facts = fake_question(name_to_text(&overrides[i].name, (char[NAME_TEXT_MAX]){ 0 }));
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		assert_int_equal(verdict.rule.serial, i + 1);
	}
	assert_int_equal(action_of(snapshot, "n1.l2.test"), ACTION_ALLOW);
	snapshot_destroy(&snapshot);
	free(overrides);
}

static void what_is_for_a_network_is_for_nobody_unknown(void **state)
{
	const struct override ours = make(1, "a.test", ACTION_PASS, OURS, 1), all = make(2, "a.test", ACTION_PASS,
		EVERYBODY, 1);
	const struct address unknown = { .family = ADDRESS_NONE };
	const struct address mapped = { .family = ADDRESS_INET6, .octets = { [10] = 0xff, 0xff, 10, 0, 0, 127 } };
	const struct address other = { .family = ADDRESS_INET, .octets = { 10, 0, 0, 128 } };

	(void)state;
	assert_false(override_is_for(&ours, &unknown));
	assert_true(override_is_for(&all, &unknown));
	assert_true(override_is_for(&ours, &mapped));
	assert_false(override_is_for(&ours, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_name_then_the_longest_prefix_then_the_latest_wins),
		cmocka_unit_test(a_denial_says_all_that_a_list_would),
		cmocka_unit_test(options_hold_for_overrides_too),
		cmocka_unit_test(in_shadow_it_is_reported_and_nothing_else),
		cmocka_unit_test(an_explanation_tells_overrides_first),
		cmocka_unit_test(the_base_stays_as_it_is_and_may_go_first_or_last),
		cmocka_unit_test(what_is_for_some_clients_counts_as_a_rule_for_clients),
		cmocka_unit_test(a_set_of_none_is_no_set),
		cmocka_unit_test(threads_may_share_and_leave_in_any_order),
		cmocka_unit_test(as_many_as_there_may_be_are_found),
		cmocka_unit_test(what_is_for_a_network_is_for_nobody_unknown),
	};

	return cmocka_run_group_tests_name("override", tests, NULL, NULL);
}
