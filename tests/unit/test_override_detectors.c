/* test_override_detectors.c: what detectors have decided comes behind every list. */
#include "policy/override.h"

#include "tests/unit/overriding.h"

static struct override made_by_detector(uint64_t id, const char *name, const char *client, uint8_t length)
{
	struct override override = make(id, name, ACTION_NXDOMAIN, client, length, 20);

	strcpy(override.who, OVERRIDE_WHO_DETECTOR "tunnel");
	return override;
}

static void detectors_deny_what_nothing_else_decides(void **state)
{
	const struct override overrides[] = {
		made_by_detector(1, "test", EVERYBODY),
		make(2, "open.test", ACTION_PASS, EVERYBODY, 5),
		made_by_detector(3, "www.open.test", EVERYBODY),
		make(4, "twice.test", ACTION_NXDOMAIN, EVERYBODY, 5),
		made_by_detector(5, "twice.test", EVERYBODY),
		made_by_detector(6, "one.example", MINE),
	};
	static const struct {
		const char *name;
		uint8_t client;
		enum action action;
		const char *list;
		uint32_t id;
		bool denied, differs;
		const char *why;
	} rows[] = {
		{ "good.test", 1, ACTION_PASS, "pass", 0, false, false, "a list passes what is in a flagged zone" },
		{ "www.good.test", 1, ACTION_PASS, "pass", 0, false, false, "and what is below" },
		{ "bad.test", 1, ACTION_REFUSE, "deny", 0, true, false, "a list denies it in its own way" },
		{ "www.open.test", 1, ACTION_PASS, "(override)", 2, false, false, "an operator's shorter name" },
		{ "twice.test", 1, ACTION_NXDOMAIN, "(override)", 4, true, false, "an operator's for the same name" },
		{ "seen.test", 1, ACTION_NXDOMAIN, "(override)", 1, true, false, "observing decides nothing" },
		{ "known.test", 1, ACTION_ALLOW, "", 0, false, false, "popular" },
		{ "new.test", 1, ACTION_NXDOMAIN, "(override)", 1, true, false, "registered of late is no merit" },
		{ "other.test", 1, ACTION_NXDOMAIN, "(override)", 1, true, false, "nobody cares" },
		{ "one.example", 1, ACTION_NXDOMAIN, "(override)", 6, true, true, "for one client" },
		{ "one.example", 2, ACTION_ALLOW, "", 0, true, true, "and no other" },
	};
	struct snapshot *snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct facts facts = question(rows[i].name, rows[i].client);
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		if (verdict.action != rows[i].action || strcmp(verdict.rule.list, rows[i].list) != 0 ||
		    (rows[i].id != 0 && verdict.rule.serial != rows[i].id) ||
		    verdict.denied_to_some != rows[i].denied ||
		    verdict.differs != rows[i].differs || (rows[i].action == ACTION_NXDOMAIN && !verdict.final))
			fail_msg("%s: %s by %s %u, denied %d, differs %d, final %d", rows[i].why,
				action_table[verdict.action].name, verdict.rule.list, verdict.rule.serial,
				verdict.denied_to_some, verdict.differs, verdict.final);
	}
	snapshot_destroy(&snapshot);
}

#define CHAIN_MAX 3u

/* Names, each an alias of the next one. */
struct chain {
	const char *names[CHAIN_MAX];
};

static size_t show_chain(const void *source, record_visit visit, void *arg)
{
	const struct chain *chain = source;

	for (size_t i = 0; i + 1 < CHAIN_MAX && chain->names[i + 1] != NULL; i++) {
		const struct name owner = fake_name(chain->names[i]), target = fake_name(chain->names[i + 1]);
		const struct record record = { .section = SECTION_ANSWER, .owner = owner.octets, .owner_length = owner.length,
			.type = TYPE_CNAME, .class = 1, .ttl = 60, .rdata = target.octets, .rdata_length = target.length };

		if (!visit(arg, &record))
			break;
	}
	return 0;
}

/* Whoever publishes an alias answers for where it leads; a flag is what anybody's questions can bring about. */
static struct verdict judge_chain(const struct snapshot *snapshot, const struct chain *chain)
{
	struct facts facts = question(chain->names[0], 1);
	struct verdict verdict;

	facts.records = show_chain;
	facts.source = chain;
	evaluate_question(snapshot, &facts, &verdict);
	if (!(action_table[verdict.action].denies && verdict.final))
		evaluate_answer(snapshot, &facts, &verdict);
	return verdict;
}

static void what_leads_to_a_flagged_zone_is_denied_unless_everybody_knows_it(void **state)
{
	const struct override overrides[] = {
		made_by_detector(1, "flagged.example", EVERYBODY), make(2, "evil.example", ACTION_NXDOMAIN, EVERYBODY, 5),
	};
	static const struct {
		struct chain chain;
		enum action action;
		unsigned at;             /* of the chain */
		bool denied;             /* to somebody */
		const char *why;
	} rows[] = {
		{ { { "a.flagged.example" } }, ACTION_NXDOMAIN, 0, true, "the zone itself" },
		{ { { "other.test", "a.flagged.example" } }, ACTION_NXDOMAIN, 1, true, "a name that nobody knows" },
		{ { { "new.test", "a.flagged.example" } }, ACTION_NXDOMAIN, 1, true, "one that was registered of late" },
		{ { { "known.test", "a.flagged.example" } }, ACTION_ALLOW, 0, false, "a popular one" },
		{ { { "other.test", "known.test", "a.flagged.example" } }, ACTION_ALLOW, 0, false, "by a popular one" },
		{ { { "good.test", "a.flagged.example" } }, ACTION_PASS, 0, false, "what a list passes" },
		{ { { "bad.test", "a.flagged.example" } }, ACTION_REFUSE, 0, true, "what a list denies, in its own way" },
		{ { { "a.flagged.example", "known.test" } }, ACTION_NXDOMAIN, 0, true, "leading to a popular name gains nothing" },
		{ { { "other.test", "a.flagged.example", "known.test" } }, ACTION_NXDOMAIN, 1, true, "nor does it later" },
		{ { { "known.test", "a.evil.example" } }, ACTION_NXDOMAIN, 1, true, "what an operator denies is denied" },
	};
	struct snapshot *enforcing = with(MODE_ENFORCE, overrides, COUNT(overrides));
	struct snapshot *shadow = with(MODE_SHADOW, overrides, COUNT(overrides));

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const bool denies = action_table[rows[i].action].denies;
		struct verdict verdict = judge_chain(enforcing, &rows[i].chain);

		if (verdict.action != rows[i].action || verdict.rule.chain != rows[i].at ||
		    verdict.denied_to_some != rows[i].denied)
			fail_msg("%s: %s at %u, denied %d", rows[i].why, action_table[verdict.action].name, verdict.rule.chain,
				verdict.denied_to_some);
		/* What is spared would not have been denied either. */
		if (verdict.shadow.trigger != TRIGGER_NONE)
			fail_msg("%s: %s in shadow", rows[i].why, action_table[verdict.shadow.action].name);
		verdict = judge_chain(shadow, &rows[i].chain);
		if (action_table[verdict.action].denies || (denies && verdict.shadow.action != rows[i].action) ||
		    (!denies && action_table[verdict.shadow.action].denies))
			fail_msg("%s: would be %s", rows[i].why, action_table[verdict.shadow.action].name);
	}
	snapshot_destroy(&enforcing);
	snapshot_destroy(&shadow);
}

static void in_shadow_lists_come_before_detectors_too(void **state)
{
	const struct override overrides[] = { made_by_detector(1, "test", EVERYBODY) };
	static const struct { const char *name, *list; } rows[] = {
		{ "good.test", "pass" }, { "seen.test", "(override)" }, { "known.test", "" }, { "other.test", "(override)" },
	};
	struct snapshot *snapshot = with(MODE_SHADOW, overrides, COUNT(overrides));

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct facts facts = question(rows[i].name, 1);
		struct verdict verdict;

		evaluate_question(snapshot, &facts, &verdict);
		assert_int_equal(verdict.action, ACTION_ALLOW);
		assert_false(verdict.denied_to_some);
		assert_string_equal(verdict.shadow.list, rows[i].list);
	}
	snapshot_destroy(&snapshot);
}

static void an_explanation_tells_detectors_last(void **state)
{
	const struct override overrides[] = {
		made_by_detector(1, "test", EVERYBODY), make(2, "open.test", ACTION_PASS, EVERYBODY, 5),
	};
	static const struct { const char *name, *text; } rows[] = {
		{ "good.test", "pass 0: won\n(override) 1: a list decided, and lists come before detectors\n" },
		{ "other.test", "(override) 1: won\n" },
		{ "open.test", "(override) 2: won\n(override) 1: another override decided\n" },
		{ "known.test", "popular 0: list tells what is known of names, and never decides\n"
			"(override) 1: detectors deny nothing that is popular, approved or internal\n" },
	};
	struct snapshot *snapshot = with(MODE_ENFORCE, overrides, COUNT(overrides));

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct facts facts = question(rows[i].name, 1);
		struct told told = { .last = NULL };
		struct verdict verdict;

		explain_question(snapshot, &facts, tell, &told, &verdict);
		assert_string_equal(told.text, rows[i].text);
	}
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(detectors_deny_what_nothing_else_decides),
		cmocka_unit_test(what_leads_to_a_flagged_zone_is_denied_unless_everybody_knows_it),
		cmocka_unit_test(in_shadow_lists_come_before_detectors_too),
		cmocka_unit_test(an_explanation_tells_detectors_last),
	};

	return cmocka_run_group_tests_name("override_detectors", tests, NULL, NULL);
}
