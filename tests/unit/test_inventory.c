/* test_inventory.c: who may serve a zone, and what the verdict says when others do. */
#include "policy/inventory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/evaluate.h"
#include "policy/snapshot.h"
#include "tests/unit/fake_list.h"

static const struct fake_rule pass_rules[] = { { .name = "www.bank.test", .action = ACTION_PASS } };
static const struct fake_list lists[] = {
	{ .name = "pass", .rules = pass_rules, .count = 1, .action = ACTION_PASS },
};

static struct snapshot *build(enum action action, enum mode mode)
{
	static struct list_conf list_confs[1];
	struct name servers[] = { fake_name("ns1.bank.test"), fake_name("ns2.host.test") };
	struct name other = fake_name("ns.child.test");
	struct network networks[] = { { { ADDRESS_INET, 0, { 192, 0, 2, 0 } }, 24 },
		{ { ADDRESS_INET6, 0, { 0x20, 0x01, 0x0d, 0xb8 } }, 32 } };
	struct inventory_conf inventories[] = {
		{ .zone = fake_name("bank.test"), .servers = servers, .server_count = 2, .networks = networks, .network_count = 2,
			.action = action },
		{ .zone = fake_name("child.bank.test"), .servers = &other, .server_count = 1, .action = action },
	};
	struct snapshot *snapshot;
	struct conf conf;

	fake_conf(&conf, list_confs, lists, 1);
	conf.mode = mode;
	conf.inventories = inventories;
	conf.inventory_count = 2;
	snapshot = snapshot_build(&conf, 1000, NULL, NULL);
	assert_non_null(snapshot);
	return snapshot;
}

static size_t show(const void *source, server_visit visit, void *arg)
{
	visit(arg, source);
	return 0;
}

struct scene {
	const char *qname, *server;          /* the root: not known */
	uint8_t address[4];                  /* of zeros: not known */
	uint8_t zone_labels, configured_labels;
	enum trigger trigger;                /* NONE: it may serve it */
	const char *why;
};

/* `unlisted_in` is what was told before of the question, and is told now. */
static void judge_at(const struct snapshot *snapshot, const struct scene *scene, bool question, uint64_t *unlisted_in,
		     struct verdict *verdict)
{
	const struct name name = fake_name(scene->server);
	struct server server = { .name = name.octets, .name_length = name.length, .zone_labels = scene->zone_labels,
		.configured_labels = scene->configured_labels };
	struct facts facts = fake_question(scene->qname);

	if (scene->address[0] != 0) {
		server.address.family = ADDRESS_INET;
		memcpy(server.address.octets, scene->address, 4);
	}
	facts.servers = show;
	facts.servers_source = &server;
	facts.unlisted_in = *unlisted_in;
	if (question)
		evaluate_question(snapshot, &facts, verdict);
	else
		evaluate_answer(snapshot, &facts, verdict);
	*unlisted_in = verdict->unlisted_in;
}

static void judge(const struct snapshot *snapshot, const struct scene *scene, struct verdict *verdict)
{
	uint64_t unlisted_in = 0;

	judge_at(snapshot, scene, false, &unlisted_in, verdict);
}

static void servers_that_are_not_known_are_denied(void **state)
{
	static const struct scene rows[] = {
		{ "www.bank.test", "ns1.bank.test", { 192, 0, 2, 53 }, 2, 0, TRIGGER_NONE, "name and address are known" },
		{ "www.bank.test", "ns2.host.test", { 0 }, 2, 0, TRIGGER_NONE, "the address is not to be had" },
		{ "www.bank.test", ".", { 192, 0, 2, 1 }, 2, 0, TRIGGER_NONE, "the name is not to be had" },
		{ "www.bank.test", "ns1.evil.test", { 192, 0, 2, 53 }, 2, 0, TRIGGER_NSDNAME, "another name" },
		{ "www.bank.test", "ns1.bank.test", { 203, 0, 113, 1 }, 2, 0, TRIGGER_NSIP, "another address" },
		{ "www.bank.test", ".", { 203, 0, 113, 1 }, 2, 0, TRIGGER_NSIP, "another address of nobody" },
		{ "bank.test", "ns1.evil.test", { 0 }, 2, 0, TRIGGER_NSDNAME, "the zone itself" },
		{ "a.deep.bank.test", "ns1.evil.test", { 0 }, 3, 0, TRIGGER_NSDNAME, "a zone below it" },
		{ "www.bank.test", "ns1.registry.test", { 203, 0, 113, 1 }, 1, 0, TRIGGER_NONE, "a server of the zone above" },
		{ "www.other.test", "ns1.evil.test", { 203, 0, 113, 1 }, 2, 0, TRIGGER_NONE, "another zone" },
		{ "xbank.test", "ns1.evil.test", { 0 }, 2, 0, TRIGGER_NONE, "another zone that ends alike" },
		{ "www.bank.test", "ns1.evil.test", { 0 }, 2, UINT8_MAX, TRIGGER_NONE, "a forward" },
		{ "www.bank.test", "ns1.evil.test", { 0 }, 2, 2, TRIGGER_NONE, "a stub of the zone" },
		{ "www.bank.test", "ns1.evil.test", { 0 }, 2, 1, TRIGGER_NSDNAME, "a stub above it" },
		{ "x.child.bank.test", "ns.child.test", { 203, 0, 113, 1 }, 3, 0, TRIGGER_NONE, "a longer zone of its own" },
		{ "x.child.bank.test", "ns1.bank.test", { 192, 0, 2, 53 }, 3, 0, TRIGGER_NSDNAME, "the shorter does not serve it" },
		{ "x.child.bank.test", "ns1.bank.test", { 192, 0, 2, 53 }, 2, 0, TRIGGER_NONE, "but the zone above it" },
		{ "www.bank.test", "ns1.evil.test", { 0 }, SERVER_ZONE_UNKNOWN, 0, TRIGGER_NSDNAME, "nobody says which zone" },
	};
	struct snapshot *snapshot = build(ACTION_REFUSE, MODE_ENFORCE);
	struct verdict verdict;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool intruder = rows[i].trigger != TRIGGER_NONE;

		judge(snapshot, &rows[i], &verdict);
		if ((verdict.action == ACTION_REFUSE) != intruder || verdict.denied_to_some != intruder ||
		    (intruder && verdict.rule.trigger != rows[i].trigger))
			fail_msg("%s: %s", rows[i].why, trigger_names[verdict.rule.trigger]);
		if (intruder)
			assert_string_equal(verdict.rule.list, INVENTORY_LIST_NAME);
		assert_false(verdict.differs);
	}
	snapshot_destroy(&snapshot);
}

static const struct scene hijack = { "www.bank.test", "ns1.evil.test", { 0 }, 2, 0, TRIGGER_NSDNAME, "" };

/* What the caches knew of the servers at the question need not be what the answer says. */
static void lists_are_looked_up_when_the_servers_turn_out_to_be_known(void **state)
{
	static const struct scene known = { "www.bank.test", "ns1.bank.test", { 192, 0, 2, 53 }, 2, 0, TRIGGER_NONE, "" };
	struct snapshot *snapshot = build(ACTION_REFUSE, MODE_ENFORCE);
	uint64_t unlisted_in = 0;
	struct verdict verdict;

	(void)state;
	judge_at(snapshot, &hijack, true, &unlisted_in, &verdict);
	assert_int_equal(verdict.action, ACTION_REFUSE);
	judge_at(snapshot, &known, false, &unlisted_in, &verdict);
	assert_int_equal(verdict.action, ACTION_PASS);
	snapshot_destroy(&snapshot);
}

static void observing_lets_lists_decide(void **state)
{
	struct snapshot *snapshot = build(ACTION_OBSERVE, MODE_ENFORCE);
	struct scene other = hijack;
	struct verdict verdict;

	(void)state;
	judge(snapshot, &hijack, &verdict);
	assert_int_equal(verdict.action, ACTION_PASS);
	other.qname = "mail.bank.test";
	judge(snapshot, &other, &verdict);
	assert_int_equal(verdict.action, ACTION_OBSERVE);
	assert_string_equal(verdict.rule.attack, INVENTORY_ATTACK);
	assert_false(verdict.denied_to_some);
	snapshot_destroy(&snapshot);
}

static void shadow_only_says_so(void **state)
{
	struct snapshot *snapshot = build(ACTION_REFUSE, MODE_SHADOW);
	struct verdict verdict;

	(void)state;
	judge(snapshot, &hijack, &verdict);
	assert_int_equal(verdict.action, ACTION_ALLOW);
	assert_string_equal(verdict.shadow.list, INVENTORY_LIST_NAME);
	assert_int_equal(verdict.shadow.action, ACTION_REFUSE);
	assert_false(verdict.denied_to_some);
	snapshot_destroy(&snapshot);
}

static void it_asks_for_servers_without_any_rule(void **state)
{
	struct snapshot *snapshot = build(ACTION_REFUSE, MODE_ENFORCE);
	const unsigned both = 1u << TRIGGER_NSDNAME | 1u << TRIGGER_NSIP;

	(void)state;
	assert_int_equal(snapshot_server_triggers(snapshot), both);
	assert_true(snapshot_has_inventory(snapshot));
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_that_are_not_known_are_denied),
		cmocka_unit_test(lists_are_looked_up_when_the_servers_turn_out_to_be_known),
		cmocka_unit_test(observing_lets_lists_decide),
		cmocka_unit_test(shadow_only_says_so),
		cmocka_unit_test(it_asks_for_servers_without_any_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
