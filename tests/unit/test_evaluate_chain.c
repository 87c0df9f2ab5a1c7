/* test_evaluate_chain.c: chains that stand in disorder, loop or lie. */
#include "policy/evaluate.h"

#include "tests/unit/evaluating.h"

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
		cmocka_unit_test(judges_each_name_of_a_chain),
		cmocka_unit_test(a_verdict_on_the_question_stands_whatever_the_answer),
		cmocka_unit_test(without_records_an_answer_is_its_question),
		cmocka_unit_test(judges_every_name_of_a_long_chain),
		cmocka_unit_test(a_target_that_is_no_name_is_not_followed),
	};

	return cmocka_run_group_tests_name("evaluate_chain", tests, build, destroy);
}
