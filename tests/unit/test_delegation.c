/* test_delegation.c: what zones look like, how they are signed and who serves them. */
#include "detect/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define DAY_MS 86400000

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	int64_t now_ms;
	unsigned traits;
	uint32_t client;
	const char *servers[4];              /* of the zone: names, each with an address */
	uint8_t networks[4];                 /* 192.0.N.1 */
	unsigned zone_labels;
	uint8_t leads_to;                    /* 192.0.N.1; 0: 192.0.2.1 */
	bool asked;                          /* for them */
} here;

static int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	static const char *const brands[] = { "www.example-bank.com", "paypal.com", "abc.org" };
	char path[TEMP_PATH_MAX];
	struct name names[sizeof(brands) / sizeof(brands[0])];
	struct diag diag = { 0 };

	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	here.now_ms = START;
	here.detect = detect_create(&detect_sizes_small, suffix_list(path, "com\nnet\norg\nco.uk\narpa\n"),
		&key, START, &diag);
	remove(path);
	if (here.detect == NULL)
		return -1;
	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
		if (name_from_text(&names[i], brands[i], strlen(brands[i])) != NULL)
			return -1;
	return detect_protect(here.detect, names, sizeof(names) / sizeof(names[0]));
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct facts *facts = source;
	const uint8_t address[] = { 192, 0, here.leads_to != 0 ? here.leads_to : 2, 1 };
	const struct record record = { SECTION_ANSWER, facts->qname.octets, facts->qname.length,
		facts->qtype, 1, 300, address, sizeof(address) };

	visit(arg, &record);
	return 0;
}

static size_t show_servers(const void *source, server_visit visit, void *arg)
{
	(void)source;
	here.asked = true;
	for (unsigned i = 0; i < 4 && here.servers[i] != NULL; i++) {
		struct server server = { .address = { ADDRESS_INET, 0, { 192, 0, here.networks[i], 1 } },
			.zone_labels = (uint8_t)here.zone_labels };
		struct name name;

		assert_null(name_from_text(&name, here.servers[i], strlen(here.servers[i])));
		server.name = name.octets;
		server.name_length = name.length;
		if (!visit(arg, &server))
			break;
	}
	return 0;
}

/* `type` is that of the record that answers, too; 0: none does. */
static const struct detection *ask(const char *text, uint16_t type, enum security security, enum detector detector)
{
	struct facts facts = { .qtype = type != 0 ? type : RRTYPE_A, .qclass = 1,
		.rcode = security == SECURITY_BOGUS ? 2 : 0 };
	struct sight sight = { .facts = &facts, .traits = here.traits, .now_ms = here.now_ms, .security = security,
		.path = security == SECURITY_BOGUS ? PATH_SERVFAIL : PATH_RESOLVED };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client.family = ADDRESS_INET;
	memcpy(facts.client.octets, &here.client, 4);
	if (type != 0 && security != SECURITY_BOGUS) {
		facts.records = show;
		facts.source = &facts;
	}
	if (here.servers[0] != NULL)
		facts.servers = show_servers;
	detect_answer(here.detect, here.conf, &sight, &here.detections);
	for (size_t i = 0; i < here.detections.count; i++)
		if (here.detections.items[i].detector == detector)
			return &here.detections.items[i];
	return NULL;
}

/* --- look-alikes ------------------------------------------------------------------------------------------------ */

static void a_look_alike_is_said_as_what_it_is(void **state)
{
	static const struct { const char *name; enum tier tier; const char *why; } rows[] = {
		{ "www.examp1e-bank.com", TIER_ALERT, "looks the same" },
		{ "login.xn--pypal-4ve.net", TIER_ALERT, "looks the same when decoded" },
		{ "exampel-bank.org", TIER_LOW, "two letters changed over" },
		{ "paypall.tld7", TIER_LOW, "one letter more" },
		{ "paypal-login.net", TIER_LOW, "between hyphens, at the beginning" },
		{ "my-paypal.net", TIER_LOW, "at the end" },
		{ "secure-paypal-login.net", TIER_LOW, "in the middle" },
		{ "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v-w-x-y-z-1-2-3-4-5-6.net", TIER_NONE, "no token of many" },
		{ "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t-u-v-w-x-y-z-1-2--paypal.net", TIER_LOW, "the last of many" },
		{ "--paypal--.net", TIER_LOW, "between more than one" },
		{ "x-paypals-y.net", TIER_NONE, "a longer word" },
		{ "paypal.co.uk", TIER_TAG, "the same elsewhere" },
		{ "mypaypal.net", TIER_NONE, "no token" },
		{ "www.paypal.com", TIER_NONE, "itself" },
		{ "pay.example-bank.com", TIER_NONE, "itself, by the zone that holds it" },
		{ "abd.org", TIER_NONE, "too short for one letter to count" },
		{ "my-abc.net", TIER_NONE, "too short for a token" },
		{ "wikipedia.org", TIER_NONE, "something else" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct detection *found = ask(rows[i].name, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_LOOK_ALIKE);

		if ((found != NULL ? found->tier : TIER_NONE) != rows[i].tier)
			fail_msg("%s: %s: %d", rows[i].name, rows[i].why, found != NULL ? found->tier : 0);
	}
}

static void an_approved_look_alike_is_not_said(void **state)
{
	(void)state;
	here.traits = TRAIT_APPROVED;
	assert_null(ask("www.examp1e-bank.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_LOOK_ALIKE));
}

static void other_protected_names_are_looked_at_anew(void **state)
{
	struct name name;

	(void)state;
	assert_null(ask("wikipedja.org", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_LOOK_ALIKE));
	assert_null(name_from_text(&name, "wikipedia.org", 13));
	assert_int_equal(detect_protect(here.detect, &name, 1), 0);
	assert_non_null(ask("wikipedja.org", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_LOOK_ALIKE));
}

/* --- signatures ------------------------------------------------------------------------------------------------- */

static void sign_for(const char *name, unsigned days)
{
	for (unsigned day = 0; day <= days; day++) {
		assert_null(ask(name, RRTYPE_A, SECURITY_SECURE, DETECTOR_DNSSEC_DROP));
		here.now_ms += DAY_MS;
	}
}

static void a_zone_that_was_signed_and_is_not_is_said(void **state)
{
	const struct detection *found;

	(void)state;
	sign_for("signed.com", 7);
	found = ask("signed.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP);
	assert_non_null(found);
	assert_int_equal(found->tier, TIER_ALERT);
	assert_int_equal(found->value, 8);
}

static void a_protected_zone_is_watched_whoever_vouches_for_it(void **state)
{
	static const unsigned traits[] = { TRAIT_POPULAR, TRAIT_APPROVED, TRAIT_INTERNAL };

	(void)state;
	here.conf[DETECTOR_DNSSEC_DROP].reaction = REACTION_BLOCK;
	for (size_t i = 0; i < sizeof(traits) / sizeof(traits[0]); i++) {
		here.traits = traits[i];
		sign_for("paypal.com", 8);
		sign_for("signed.com", 8);
		assert_null(ask("signed.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP));
		assert_non_null(ask("paypal.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP));
		assert_int_equal(here.detections.count, 1);
		assert_int_equal(here.detections.call.reaction, REACTION_ALERT);
		here.now_ms += DAY_MS;
	}
}

static void each_of_a_thousand_protected_zones_is_watched(void **state)
{
	enum { COUNT = 1000 };
	struct name *names = calloc(COUNT, sizeof(*names));
	char text[64];

	(void)state;
	assert_non_null(names);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(text, sizeof(text), "www.bank%u.com", i);
		assert_null(name_from_text(&names[i], text, strlen(text)));
	}
	assert_int_equal(detect_protect(here.detect, names, COUNT), 0);
	here.traits = TRAIT_POPULAR;
	for (unsigned i = 0; i < 2 * COUNT; i += 40) {
		snprintf(text, sizeof(text), "bank%u.com", i);
		sign_for(text, 8);
		assert_true((ask(text, RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP) != NULL) == (i < COUNT));
	}
	free(names);
}

static void one_that_was_signed_for_days_alone_is_not(void **state)
{
	(void)state;
	sign_for("signed.com", 3);
	assert_null(ask("signed.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP));
}

static void what_says_nothing_of_the_zone_does_not_count(void **state)
{
	static const struct { const char *name; uint16_t type; const char *why; } rows[] = {
		{ "sub.signed.com", RRTYPE_A, "a name that was never signed may be in an unsigned zone below" },
		{ "signed.com", RRTYPE_CNAME, "an alias leads to other zones" },
		{ "signed.com", 0, "opt-out leaves what is not there unsigned" },
	};

	(void)state;
	sign_for("www.signed.com", 8);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ask(rows[i].name, rows[i].type, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP) != NULL)
			fail_msg("%s", rows[i].why);
	assert_non_null(ask("www.signed.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP));
}

static void three_failures_in_a_row_are_said(void **state)
{
	(void)state;
	sign_for("signed.com", 8);
	assert_null(ask("a.signed.com", RRTYPE_A, SECURITY_BOGUS, DETECTOR_DNSSEC_DROP));
	assert_null(ask("b.signed.com", RRTYPE_A, SECURITY_BOGUS, DETECTOR_DNSSEC_DROP));
	assert_null(ask("signed.com", RRTYPE_A, SECURITY_SECURE, DETECTOR_DNSSEC_DROP));
	assert_null(ask("a.signed.com", RRTYPE_A, SECURITY_BOGUS, DETECTOR_DNSSEC_DROP));
	assert_null(ask("b.signed.com", RRTYPE_A, SECURITY_BOGUS, DETECTOR_DNSSEC_DROP));
	assert_non_null(ask("c.signed.com", RRTYPE_A, SECURITY_BOGUS, DETECTOR_DNSSEC_DROP));
}

static void a_zone_that_stays_unsigned_is_one_in_the_end(void **state)
{
	unsigned said = 0;

	(void)state;
	sign_for("signed.com", 8);
	for (unsigned day = 0; day < 30; day++) {
		said += ask("signed.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP) != NULL;
		here.now_ms += DAY_MS;
	}
	assert_int_equal(said, 8);
}

/* --- name servers ----------------------------------------------------------------------------------------------- */

static void serve(const char *first, uint8_t first_network, const char *second, uint8_t second_network)
{
	here.servers[0] = first;
	here.servers[1] = second;
	here.networks[0] = first_network;
	here.networks[1] = second_network;
	here.zone_labels = 2;
}

static void a_new_zone_is_judged_by_its_servers(void **state)
{
	static const struct {
		const char *name, *servers[2];
		uint8_t networks[2];
		bool said;
		const char *why;
	} rows[] = {
		{ "www.one.com", { "ns1.one.com", "ns2.one.com" }, { 1, 1 }, true, "its own, in one network" },
		{ "www.two.com", { "ns1.two.com", "ns2.two.com" }, { 1, 2 }, false, "its own, in two" },
		{ "www.three.com", { "ns1.host.net", "ns2.host.net" }, { 3, 3 }, true, "of a hoster that is new itself" },
		{ "www.four.com", { "ns1.host.net", "ns2.host.net" }, { 3, 3 }, false, "of one that is not any more" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		serve(rows[i].servers[0], rows[i].networks[0], rows[i].servers[1], rows[i].networks[1]);
		if ((ask(rows[i].name, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_NAME_SERVER) != NULL) != rows[i].said)
			fail_msg("%s", rows[i].why);
	}
}

static void servers_are_asked_for_once_an_hour(void **state)
{
	(void)state;
	serve("ns1.host.net", 1, NULL, 0);
	ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_NAME_SERVER);
	assert_true(here.asked);
	here.asked = false;
	ask("mail.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_NAME_SERVER);
	assert_false(here.asked);
	here.now_ms += 3600 * 1000;
	ask("mail.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_NAME_SERVER);
	assert_true(here.asked);
}

static void live_for(const char *name, unsigned days)
{
	for (unsigned day = 0; day < days; day++) {
		assert_null(ask(name, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
		here.now_ms += DAY_MS;
	}
}

static void a_zone_that_moves_to_new_servers_is_said(void **state)
{
	const struct detection *found;

	(void)state;
	serve("ns1.host.net", 1, "ns2.host.net", 2);
	live_for("www.one.com", 8);
	serve("ns1.evil.org", 9, NULL, 0);
	found = ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
	assert_non_null(found);
	assert_int_equal(found->tier, TIER_ALERT);
	assert_int_equal(found->value, 2);
}

static void a_move_to_known_servers_is_not_said(void **state)
{
	(void)state;
	serve("ns1.big.net", 1, NULL, 0);
	live_for("www.other.com", 1);
	serve("ns1.host.net", 1, "ns2.host.net", 2);
	live_for("www.one.com", 8);
	serve("ns1.big.net", 1, NULL, 0);
	assert_null(ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
}

static void any_move_of_a_protected_zone_is_said(void **state)
{
	const struct detection *found;

	(void)state;
	serve("ns1.big.net", 1, NULL, 0);
	live_for("www.other.com", 1);
	serve("ns1.host.net", 1, "ns2.host.net", 2);
	live_for("www.paypal.com", 8);
	serve("ns2.host.net", 2, "ns1.host.net", 1);
	live_for("www.paypal.com", 1);
	serve("ns1.big.net", 1, NULL, 0);
	found = ask("www.paypal.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
	assert_non_null(found);
	assert_int_equal(found->tier, TIER_HIGH);
}

/* Whoever changes glue at a registrar leaves the names as they are. */
static void servers_of_the_same_names_elsewhere_are_said_of_a_protected_zone(void **state)
{
	static const struct { const char *zone, *ns; bool said; } rows[] = {
		{ "paypal.com", "ns1.dns-host.net", true }, { "shop.com", "ns1.other-host.net", false },
	};
	struct name shop;

	(void)state;
	here.zone_labels = 2;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct detection *found;

		here.servers[0] = rows[i].ns;
		for (unsigned day = 0; day < 10; day++, here.now_ms += DAY_MS) {
			here.networks[0] = (uint8_t)(7 + day % 2);
			assert_null(ask(rows[i].zone, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
		}
		here.networks[0] = 66;
		found = ask(rows[i].zone, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
		if (rows[i].said != (found != NULL && found->tier == TIER_HIGH && found->value == 1))
			fail_msg("%s", rows[i].zone);
		/* What was not looked at for long is learned anew, and so is what is protected since today. */
		here.now_ms += INT64_C(40) * DAY_MS;
		here.networks[0] = 67;
		assert_null(ask(rows[i].zone, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
	}
	assert_null(name_from_text(&shop, "shop.com", 8));
	live_for("shop.com", 10);
	detect_protect(here.detect, &shop, 1);
	here.networks[0] = 68;
	live_for("shop.com", 10);
	here.networks[0] = 69;
	assert_non_null(ask("shop.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
}

/* Everybody knows such a zone, and so does whoever takes over its servers: it is told of, and denied to nobody. */
static void servers_of_a_protected_zone_are_watched_whoever_vouches_for_it(void **state)
{
	static const struct { unsigned traits; const char *first, *second; } rows[] = {
		{ TRAIT_POPULAR, "ns1.one-evil.org", "ns1.one-worse.org" },
		{ TRAIT_APPROVED, "ns1.two-evil.org", "ns1.two-worse.org" },
		{ TRAIT_INTERNAL, "ns1.three-evil.org", "ns1.three-worse.org" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct detection *found;

		end(state);
		start(state);
		here.conf[DETECTOR_DELEGATION_CHANGE].reaction = REACTION_BLOCK;
		here.traits = rows[i].traits;
		serve("ns1.host.net", 1, "ns2.host.net", 2);
		live_for("www.paypal.com", 8);
		live_for("www.one.com", 8);
		serve(rows[i].first, 9, NULL, 0);
		assert_null(ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
		found = ask("www.paypal.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
		assert_non_null(found);
		assert_int_equal(found->tier, TIER_HIGH);
		assert_int_equal(found->value, 2);
		assert_int_equal(here.detections.count, 1);
		assert_int_equal(here.detections.call.reaction, REACTION_ALERT);
		/* Together with signatures that vanish there are points enough for a denial of any other zone. */
		here.now_ms += DAY_MS;
		sign_for("paypal.com", 8);
		here.conf[DETECTOR_DNSSEC_DROP].reaction = REACTION_BLOCK;
		serve(rows[i].second, 10, NULL, 0);
		ask("paypal.com", RRTYPE_A, SECURITY_INSECURE, DETECTOR_DNSSEC_DROP);
		assert_int_equal(here.detections.count, 2);
		assert_int_equal(here.detections.call.reaction, REACTION_ALERT);
	}
}

static void servers_of_the_zone_above_do_not_count(void **state)
{
	(void)state;
	serve("ns1.host.net", 1, NULL, 0);
	live_for("www.paypal.com", 8);
	serve("a.registry.org", 9, NULL, 0);
	here.zone_labels = 1;
	assert_null(ask("www.paypal.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
}

/* To servers that somebody else has had for long: one point. */
static void move_servers(void)
{
	serve("ns1.big.net", 1, NULL, 0);
	live_for("www.other.com", 1);
	serve("ns1.host.net", 1, "ns2.host.net", 2);
	live_for("www.one.com", 8);
	serve("ns1.big.net", 1, NULL, 0);
}

static void a_record_that_moves_within_a_day_of_the_servers_is_said(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned hours;
		uint8_t to;
		bool said;
		const char *why;
	} rows[] = {
		{ "www.one.com", "www.one.com", 20, 77, true, "the same name, elsewhere" },
		{ "www.one.com", "www.one.com", 26, 77, false, "too late" },
		{ "www.one.com", "www.one.com", 20, 2, false, "where it was" },
		{ "www.one.com", "new.one.com", 20, 77, false, "a new name is somewhere" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct detection *found;

		end(state);
		start(state);
		move_servers();
		assert_null(ask(rows[i].before, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
		here.now_ms += rows[i].hours * INT64_C(3600000);
		here.leads_to = rows[i].to;
		found = ask(rows[i].after, RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
		if ((found != NULL) != rows[i].said || (found != NULL && (found->tier != TIER_ALERT || found->value != 2)))
			fail_msg("%s", rows[i].why);
	}
}

static void one_that_moved_before_the_servers_were_looked_at_is_said(void **state)
{
	const struct detection *found;

	(void)state;
	move_servers();
	serve("ns1.host.net", 1, "ns2.host.net", 2);
	assert_null(ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
	serve("ns1.big.net", 1, NULL, 0);
	here.leads_to = 77;
	here.now_ms += 60 * 1000;
	assert_null(ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE));
	here.now_ms += 3600 * 1000;
	found = ask("www.one.com", RRTYPE_A, SECURITY_UNKNOWN, DETECTOR_DELEGATION_CHANGE);
	assert_non_null(found);
	assert_int_equal(found->value, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_look_alike_is_said_as_what_it_is, start, end),
		cmocka_unit_test_setup_teardown(an_approved_look_alike_is_not_said, start, end),
		cmocka_unit_test_setup_teardown(other_protected_names_are_looked_at_anew, start, end),
		cmocka_unit_test_setup_teardown(a_zone_that_was_signed_and_is_not_is_said, start, end),
		cmocka_unit_test_setup_teardown(one_that_was_signed_for_days_alone_is_not, start, end),
		cmocka_unit_test_setup_teardown(a_protected_zone_is_watched_whoever_vouches_for_it, start, end),
		cmocka_unit_test_setup_teardown(each_of_a_thousand_protected_zones_is_watched, start, end),
		cmocka_unit_test_setup_teardown(what_says_nothing_of_the_zone_does_not_count, start, end),
		cmocka_unit_test_setup_teardown(three_failures_in_a_row_are_said, start, end),
		cmocka_unit_test_setup_teardown(a_zone_that_stays_unsigned_is_one_in_the_end, start, end),
		cmocka_unit_test_setup_teardown(a_new_zone_is_judged_by_its_servers, start, end),
		cmocka_unit_test_setup_teardown(servers_are_asked_for_once_an_hour, start, end),
		cmocka_unit_test_setup_teardown(a_zone_that_moves_to_new_servers_is_said, start, end),
		cmocka_unit_test_setup_teardown(a_move_to_known_servers_is_not_said, start, end),
		cmocka_unit_test_setup_teardown(any_move_of_a_protected_zone_is_said, start, end),
		cmocka_unit_test_setup_teardown(servers_of_the_same_names_elsewhere_are_said_of_a_protected_zone, start, end),
		cmocka_unit_test_setup_teardown(servers_of_a_protected_zone_are_watched_whoever_vouches_for_it, start, end),
		cmocka_unit_test_setup_teardown(servers_of_the_zone_above_do_not_count, start, end),
		cmocka_unit_test_setup_teardown(a_record_that_moves_within_a_day_of_the_servers_is_said, start, end),
		cmocka_unit_test_setup_teardown(one_that_moved_before_the_servers_were_looked_at_is_said, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
