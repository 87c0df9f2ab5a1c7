/* test_verdict.c: empty, demoted and told verdicts. */
#include "policy/verdict.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void set_rule(struct rule_match *match, const char *list, const char *name, bool wildcard, enum action action)
{
	match->trigger = TRIGGER_QNAME;
	match->action = action;
	snprintf(match->list, sizeof(match->list), "%s", list);
	match->wildcard = wildcard;
	assert_null(name_from_text(&match->rule_name, name, strlen(name)));
}

static struct verdict denial(const char *list, const char *name, bool wildcard)
{
	struct verdict verdict;

	verdict_init(&verdict);
	verdict.action = ACTION_REFUSE;
	set_rule(&verdict.rule, list, name, wildcard, ACTION_REFUSE);
	return verdict;
}

static void init_leaves_nothing_of_the_last_one(void **state)
{
	char text[NAME_TEXT_MAX + 2];
	struct verdict verdict;

	(void)state;
	memset(&verdict, 0xff, sizeof(verdict));
	verdict_init(&verdict);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_int_equal(verdict.rule.trigger, TRIGGER_NONE);
	assert_int_equal(verdict.shadow.trigger, TRIGGER_NONE);
	assert_string_equal(verdict.rule.list, "");
	assert_string_equal(verdict.rule.category, "");
	assert_string_equal(verdict.shadow.attack, "");
	assert_int_equal(verdict.rule.ede, EDE_NONE);
	assert_false(verdict.denied_to_some || verdict.differs || verdict.final);
	assert_null(verdict.data);
	assert_int_equal(verdict.rule.rule_name.length, 1);
	assert_string_equal(rule_match_text(&verdict.rule, text), "");
}

static void demote_moves_a_denial_to_shadow(void **state)
{
	struct verdict verdict = denial("l", "example.com", false);

	(void)state;
	verdict.data = (const struct local_data *)(const void *)&verdict;
	verdict.denied_to_some = true;
	assert_true(verdict_demote(&verdict));
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_int_equal(verdict.rule.trigger, TRIGGER_NONE);
	assert_int_equal(verdict.shadow.action, ACTION_REFUSE);
	assert_string_equal(verdict.shadow.list, "l");
	assert_null(verdict.data);
	assert_true(verdict.denied_to_some);
	assert_false(verdict_demote(&verdict));
}

static void demote_keeps_an_earlier_shadow(void **state)
{
	struct verdict verdict = denial("l", "example.com", false);

	(void)state;
	set_rule(&verdict.shadow, "earlier", "x", false, ACTION_NODATA);
	assert_true(verdict_demote(&verdict));
	assert_string_equal(verdict.shadow.list, "earlier");
	assert_int_equal(verdict.rule.trigger, TRIGGER_NONE);
}

/* What a shadow list observes would have changed nothing: it must not hide a denial that came too late. */
static void demote_puts_a_denial_over_an_observing_shadow(void **state)
{
	struct verdict verdict = denial("l", "example.com", false);

	(void)state;
	set_rule(&verdict.shadow, "watching", "x", false, ACTION_OBSERVE);
	assert_true(verdict_demote(&verdict));
	assert_string_equal(verdict.shadow.list, "l");
	assert_int_equal(verdict.shadow.action, ACTION_REFUSE);
}

static void demote_lets_a_pass_stand(void **state)
{
	struct verdict verdict = denial("l", "example.com", false);

	(void)state;
	verdict.action = ACTION_PASS;
	assert_false(verdict_demote(&verdict));
	assert_int_equal(verdict.rule.trigger, TRIGGER_QNAME);
}

static void copies_all_that_is_set(void **state)
{
	struct verdict verdict = denial("l", "example.com", true), copy;
	char text[NAME_TEXT_MAX + 2];

	(void)state;
	verdict.rule.matched_name = verdict.rule.rule_name;
	verdict.rule.serial = 7;
	verdict.rule.chain = 2;
	verdict.shadow = (struct rule_match){ .trigger = TRIGGER_IP, .action = ACTION_DROP, .category = "c", .attack = "T1",
		.prefix_length = 24, .address = { ADDRESS_INET, 0, { 192, 0, 2 } }, .rule_name.length = 1,
		.matched_address = { ADDRESS_INET, 0, { 192, 0, 2, 9 } } };
	verdict.denied_to_some = verdict.differs = verdict.final = true;
	verdict.group = 3;
	strcpy(verdict.group_name, "branch");
	verdict.ttl = 60;
	verdict.unlisted_in = 5;
	verdict.data = (const struct local_data *)(const void *)&verdict;
	memset(&copy, 0xff, sizeof(copy));
	verdict_copy(&copy, &verdict);
	assert_int_equal(copy.action, ACTION_REFUSE);
	assert_string_equal(rule_match_text(&copy.rule, text), "*.example.com");
	assert_true(name_equal(&copy.rule.matched_name, &verdict.rule.matched_name));
	assert_true(copy.rule.serial == 7 && copy.rule.chain == 2 && copy.rule.ede == verdict.rule.ede);
	assert_string_equal(rule_match_text(&copy.shadow, text), "192.0.2.0/24");
	assert_string_equal(copy.shadow.category, "c");
	assert_string_equal(copy.shadow.attack, "T1");
	assert_memory_equal(&copy.shadow.matched_address, &verdict.shadow.matched_address, sizeof(struct address));
	assert_int_equal(copy.shadow.matched_name.length, 0);
	assert_true(copy.denied_to_some && copy.differs && copy.final);
	assert_true(copy.group == 3 && copy.ttl == 60 && copy.unlisted_in == 5 && copy.data == verdict.data);
	assert_string_equal(copy.group_name, "branch");
	verdict_init(&verdict);
	verdict_copy(&copy, &verdict);
	assert_int_equal(copy.rule.trigger, TRIGGER_NONE);
	assert_string_equal(copy.shadow.list, "");
	assert_string_equal(copy.group_name, "");
}

static void tells_list_rule_and_incident(void **state)
{
	struct verdict verdict = denial("mal\x1bware", "bad.example", true);
	char text[EDE_TEXT_MAX];
	size_t octets = verdict_ede_text(&verdict, "0123456789ab.2.17", text, sizeof(text));

	(void)state;
	assert_int_equal(octets, strlen(text));
	assert_string_equal(text, "list mal?ware, rule *.bad.example, incident 0123456789ab.2.17");
	verdict_ede_text(&verdict, NULL, text, sizeof(text));
	assert_string_equal(text, "list mal?ware, rule *.bad.example");
}

/* Each octet, at each place of a name of each length. */
static void shows_no_octet_of_a_list_that_is_not_printable(void **state)
{
	char list[LIST_NAME_MAX], expected[EDE_TEXT_MAX], text[EDE_TEXT_MAX];

	(void)state;
	for (size_t length = 1; length < sizeof(list); length++) {
		for (unsigned octet = 1; octet < 256; octet++) {
			const bool good = octet >= 0x20 && octet < 0x7f;
			struct verdict verdict;

			memset(list, 0, sizeof(list));
			memset(list, octet % 2 != 0 ? 'l' : 0xff, length);
			list[octet % length] = (char)octet;
			snprintf(expected, sizeof(expected), "list %s, rule bad.example", list);
			for (char *at = expected; *at != '\0'; at++)
				*at = (unsigned char)*at == 0xff ? '?' : *at;
			expected[5 + octet % length] = good ? (char)octet : '?';
			verdict = denial(list, "bad.example", false);
			verdict_ede_text(&verdict, NULL, text, sizeof(text));
			assert_string_equal(text, expected);
		}
	}
}

static void tells_prefixes_and_their_trigger(void **state)
{
	static const struct { struct address address; uint8_t length; enum trigger trigger; const char *text; } rows[] = {
		{ { ADDRESS_INET, 0, { 192, 0, 2 } }, 24, TRIGGER_IP, "list l, rule 192.0.2.0/24 (IP), incident 1.2.3" },
		{ { ADDRESS_INET, 0, { 10 } }, 32, TRIGGER_CLIENT_IP, "list l, rule 10.0.0.0/32 (CLIENT-IP), incident 1.2.3" },
		{ { ADDRESS_INET6, 0, { 0x20, 1, 0xd, 0xb8 } }, 32, TRIGGER_NSIP,
		  "list l, rule 2001:db8::/32 (NSIP), incident 1.2.3" },
		{ { ADDRESS_NONE, 0, { 0 } }, 0, TRIGGER_NSDNAME, "list l, rule ns.example (NSDNAME), incident 1.2.3" },
	};
	char text[EDE_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict verdict = denial("l", "ns.example", false);

		verdict.rule.trigger = rows[i].trigger;
		verdict.rule.address = rows[i].address;
		verdict.rule.prefix_length = rows[i].length;
		verdict_ede_text(&verdict, "1.2.3", text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

static void says_nothing_without_a_rule(void **state)
{
	struct verdict verdict;
	char text[EDE_TEXT_MAX] = "old";

	(void)state;
	verdict_init(&verdict);
	assert_int_equal(verdict_ede_text(&verdict, "1.2.3", text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void cuts_the_rule_and_keeps_the_incident(void **state)
{
	char list[LIST_NAME_MAX];
	char rule[NAME_TEXT_MAX] = "";
	struct verdict verdict;
	char text[EDE_TEXT_MAX + 8];
	unsigned i;
	size_t cap;

	(void)state;
	for (i = 0; i < 250; i++)
		strcat(rule, i % 50 == 49 ? "." : "\\007");
	memset(list, 'l', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	verdict = denial(list, rule, true);
	assert_int_equal(verdict_ede_text(&verdict, "0123456789ab.2.17", text, EDE_TEXT_MAX), EDE_TEXT_MAX - 1);
	assert_non_null(strstr(text, "..., incident 0123456789ab.2.17"));
	for (cap = 0; cap <= EDE_TEXT_MAX; cap++) {
		memset(text, 'Z', sizeof(text));
		verdict_ede_text(&verdict, "0123456789ab.2.17", text, cap);
		assert_int_equal(text[cap], 'Z');
		if (cap != 0)
			assert_true(strlen(text) < cap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_leaves_nothing_of_the_last_one),
		cmocka_unit_test(demote_moves_a_denial_to_shadow),
		cmocka_unit_test(demote_keeps_an_earlier_shadow),
		cmocka_unit_test(demote_puts_a_denial_over_an_observing_shadow),
		cmocka_unit_test(demote_lets_a_pass_stand),
		cmocka_unit_test(copies_all_that_is_set),
		cmocka_unit_test(tells_list_rule_and_incident),
		cmocka_unit_test(shows_no_octet_of_a_list_that_is_not_printable),
		cmocka_unit_test(tells_prefixes_and_their_trigger),
		cmocka_unit_test(says_nothing_without_a_rule),
		cmocka_unit_test(cuts_the_rule_and_keeps_the_incident),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
