/* test_detect_kinds.c: what each detector tells, but those of tunnels. */
#include "detect/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/detecting.h"

static void a_sweep_of_addresses_is_told_and_a_desktop_is_not(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "%u.%u.0.10.in-addr.arpa", i % 250, i);
		ask(name, RRTYPE_PTR, 3);
	}
	assert_int_equal(said(DETECTOR_RECON), 0);
	here.client = 1;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u.7.0.10.in-addr.arpa", i);
		ask(name, RRTYPE_PTR, 3);
	}
	assert_int_equal(said(DETECTOR_RECON), 1);
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 0);
}

/* Who looks at another network in between, or at a third, is told as one who does not. */
static void a_sweep_with_others_in_between_is_told(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 72; i++) {
		/* Less than what is told of wherever it is. */
		snprintf(name, sizeof(name), "%u.8.0.10.in-addr.arpa", i % 45);
		ask(name, RRTYPE_PTR, 3);
		snprintf(name, sizeof(name), "%u.7.0.10.in-addr.arpa", i);
		ask(name, RRTYPE_PTR, 3);
		ask("1.99.0.10.in-addr.arpa", RRTYPE_PTR, 3);
	}
	assert_int_equal(said(DETECTOR_RECON), 1);
}

static void names_tried_below_a_zone_are_told(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "host%u.victim.com", i);
		ask(name, RRTYPE_A, i % 10 == 0 ? 0 : 3);
	}
	assert_int_equal(said(DETECTOR_RECON), 1);
}

static void a_flood_of_random_names_is_told_unless_they_exist(void **state)
{
	char label[64], name[100];

	(void)state;
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < 9000; i++) {
			random_label(label, 10);
			snprintf(name, sizeof(name), "%s.%s", label, turn == 0 ? "fine.com" : "victim.com");
			here.client = i % 500;
			here.now_ms += 5;
			ask(name, RRTYPE_A, turn == 0 ? 0 : 3);
			if (turn == 0)
				assert_int_equal(said(DETECTOR_RANDOM_SUBDOMAIN), 0);
		}
	assert_true(here.said[DETECTOR_RANDOM_SUBDOMAIN][TIER_BLOCK] > 0);
}

static bool is_called_for(enum detector detector)
{
	return here.detections.call.reaction == REACTION_BLOCK && here.detections.call.lead.detector == detector;
}

static void a_flood_is_to_be_denied_unless_the_zone_is_vouched_for(void **state)
{
	static const struct { unsigned traits; bool denied; const char *why; } rows[] = {
		{ 0, true, "nobody vouches for it" }, { TRAIT_POPULAR, false, "popular" },
		{ TRAIT_APPROVED, false, "approved" }, { TRAIT_INTERNAL, false, "internal" },
	};
	char label[64], name[100];

	(void)state;
	for (unsigned row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		unsigned calls = 0;

		here.conf[DETECTOR_RANDOM_SUBDOMAIN].reaction = REACTION_BLOCK;
		here.traits = rows[row].traits;
		for (unsigned i = 0; i < 9000; i++) {
			random_label(label, 10);
			snprintf(name, sizeof(name), "%s.victim%u.com", label, row);
			here.client = i % 500;
			here.now_ms += 5;
			ask(name, RRTYPE_A, 3);
			calls += is_called_for(DETECTOR_RANDOM_SUBDOMAIN);
		}
		if ((calls > 0) != rows[row].denied)
			fail_msg("%s", rows[row].why);
		here.client = 1000;
		snprintf(name, sizeof(name), "www.victim%u.com", row);
		ask(name, RRTYPE_A, 0);
		if (is_called_for(DETECTOR_RANDOM_SUBDOMAIN))
			fail_msg("a name that there is, %s", rows[row].why);
	}
}

static void addresses_inside_are_told_by_answer(void **state)
{
	static const struct {
		uint8_t octets[4];
		unsigned times;
		const char *why;
	} rows[] = {
		{ { 192, 0, 2, 1 }, 0, "outside" }, { { 10, 0, 0, 1 }, 1, "10/8" }, { { 172, 31, 255, 255 }, 1, "172.16/12" },
		{ { 172, 32, 0, 1 }, 0, "behind it" }, { { 192, 168, 0, 1 }, 1, "192.168/16" }, { { 100, 127, 0, 1 }, 1, "CGNAT" },
		{ { 100, 128, 0, 1 }, 0, "behind it" }, { { 169, 254, 169, 254 }, 1, "link-local" }, { { 127, 0, 0, 1 }, 0, "loopback" },
	};
	char name[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 1, .rdata = { rows[i].octets }, .length = 4 };
		const unsigned before = said(DETECTOR_REBINDING);

		snprintf(name, sizeof(name), "row%u.zone%u.com", i, i);
		ask_with(name, RRTYPE_A, 0, PATH_RESOLVED, &given);
		if (said(DETECTOR_REBINDING) - before != rows[i].times)
			fail_msg("%s", rows[i].why);
	}
}

static void a_networks_own_names_lead_inside_as_they_should(void **state)
{
	static const uint8_t inside[] = { 10, 0, 0, 1 };
	static const struct { const char *name; unsigned said; } rows[] = {
		{ "nas.lan", 0 }, { "host.dc.corp", 0 }, { "router.home.arpa", 0 }, { "printer.office", 0 }, { "nas.evil.com", 1 },
	};
	struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 1, .length = 4, .rdata = { inside } };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask_with(rows[i].name, RRTYPE_A, 0, PATH_RESOLVED, &given);
		if (said(DETECTOR_REBINDING) != rows[i].said)
			fail_msg("%s", rows[i].name);
	}
}

static void a_name_that_moves_inside_is_told(void **state)
{
	static const uint8_t outside[] = { 192, 0, 2, 1 }, loopback[] = { 127, 0, 0, 1 };
	struct given given = { .type = RRTYPE_A, .ttl = 1, .count = 1, .rdata = { outside }, .length = 4 };

	(void)state;
	ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	given.rdata[0] = loopback;
	here.client = 1;
	ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_REBINDING_FLIP), 0);
	here.client = 0;
	ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_REBINDING_FLIP), 1);
}

/* What counts is when it led outside last, and not first. */
static void a_name_that_moves_inside_late_is_told(void **state)
{
	static const uint8_t outside[] = { 192, 0, 2, 1 }, inside[] = { 10, 0, 0, 1 };
	struct given given = { .type = RRTYPE_A, .ttl = 1, .count = 1, .rdata = { outside }, .length = 4 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
		here.now_ms += 1700 * 1000;
	}
	given.rdata[0] = inside;
	ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_REBINDING_FLIP), 1);
	here.now_ms += 3601 * 1000;
	ask_with("flip.evil.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_REBINDING_FLIP), 1);
}

static void fluxing_addresses_of_a_young_zone_are_told(void **state)
{
	uint8_t addresses[ANSWERS_MAX][4];
	struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 5, .length = 4 };

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < given.count; i++) {
			const uint8_t octets[4] = { (uint8_t)(11 + round * 5 + i), (uint8_t)(20 + round), 2, (uint8_t)i };

			memcpy(addresses[i], octets, 4);
			given.rdata[i] = addresses[i];
		}
		ask_with("www.flux.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
		given.ttl = 60;
	}
	assert_int_equal(said(DETECTOR_FAST_FLUX), 1);
}

/* Of as many networks as a fluxing one: hosts of their own, a pool that is told whole each time, and another family. */
static void what_stays_does_not_flux(void **state)
{
	uint8_t addresses[ANSWERS_MAX][4];
	struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 1, .length = 4 };
	char text[64];

	(void)state;
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 20; i++) {
			const uint8_t octets[4] = { (uint8_t)(11 + i), 20, 2, 1 };

			memcpy(addresses[0], octets, 4);
			given.rdata[0] = addresses[0];
			snprintf(text, sizeof(text), "host%u.many.com", i);
			ask_with(text, RRTYPE_A, 0, PATH_RESOLVED, &given);
		}
	given.count = ANSWERS_MAX;
	for (unsigned i = 0; i < given.count; i++) {
		const uint8_t octets[4] = { (uint8_t)(11 + i), 30, 2, 1 };

		memcpy(addresses[i], octets, 4);
		given.rdata[i] = addresses[i];
	}
	for (unsigned round = 0; round < 3; round++)
		ask_with("www.pool.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	given.count = ANSWERS_MAX / 2;
	ask_with("www.both.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	for (unsigned i = 0; i < given.count; i++)
		addresses[i][0] += 50;
	ask_with("www.both.com", RRTYPE_AAAA, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_FAST_FLUX), 0);
}

static void what_a_feed_has_is_tagged_and_weighs_a_point_beside_others(void **state)
{
	const uint32_t registered[] = { 0, 1 };

	(void)state;
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 7;
	for (unsigned i = 0; i < 2; i++) {
		char zone[16], null[32];

		snprintf(zone, sizeof(zone), "zone%u.com", i);
		snprintf(null, sizeof(null), "data.%s", zone);
		here.traits = TRAIT_NONE;
		ask(zone, RRTYPE_A, 0);
		here.traits = registered[i] ? TRAIT_REGISTERED : TRAIT_NONE;
		ask(zone, RRTYPE_A, 0);   /* known, and in the days when nothing is new */
		assert_int_equal(here.said[DETECTOR_NEWLY_OBSERVED][TIER_TAG], registered[i]);
		assert_int_equal(here.detections.points, 0);   /* by itself it says nothing against anybody */
		if (registered[i])
			assert_int_equal(here.detections.items[0].features[0].name, FEATURE_REGISTERED);
		ask(null, RRTYPE_NULL, 0);
		assert_int_equal(here.said[DETECTOR_ODD_TYPE][TIER_LOW], i + 1);
		assert_int_equal(here.detections.points, 1 + registered[i]);
	}
}

static void what_is_new_is_said_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		ask("www.fresh.com", RRTYPE_A, 0);
	ask("other.fresh.com", RRTYPE_A, 0);
	assert_int_equal(said(DETECTOR_NEWLY_OBSERVED), 1);
}

/* Whoever has little things said of him must not have the one that matters left out. */
static void the_weightiest_is_said_where_there_is_no_room_for_all(void **state)
{
	struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 1, .length = 4,
		.rdata = { (const uint8_t[]){ 10, 0, 0, 1 } } };

	(void)state;
	here.conf[DETECTOR_TUNNEL].values[0] = 1;
	here.conf[DETECTOR_WEAK_CHANNEL].values[0] = here.conf[DETECTOR_WEAK_CHANNEL].values[3] = 1;
	here.conf[DETECTOR_GENERATED_NAME].values[0] = 1;
	ask_with("mfzwizltoq2gk43u.xq7kz9vwpj3h.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(here.detections.count, DETECTIONS_MAX);
	assert_int_equal(here.said[DETECTOR_REBINDING][TIER_ALERT], 1);
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 1);
	assert_int_equal(here.said[DETECTOR_WEAK_CHANNEL][TIER_LOW], 1);
}

static void a_known_zone_that_leads_elsewhere_is_tagged(void **state)
{
	static const uint8_t here_too[] = { 192, 0, 2, 9 }, near[] = { 192, 0, 2, 1 }, far[] = { 198, 51, 100, 1 };
	struct given given = { .type = RRTYPE_A, .ttl = 60, .count = 1, .rdata = { near }, .length = 4 };

	(void)state;
	ask_with("a.moves.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	given.rdata[0] = far;
	ask_with("b.moves.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_CHANGED_RESOLUTION), 0);   /* it is young */
	here.now_ms += 8 * (int64_t)DAY_MS;
	given.rdata[0] = here_too;
	ask_with("c.moves.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_CHANGED_RESOLUTION), 0);   /* the same network */
	given.rdata[0] = (const uint8_t[]){ 203, 0, 113, 1 };
	ask_with("d.moves.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
	assert_int_equal(here.said[DETECTOR_CHANGED_RESOLUTION][TIER_TAG], 1);
}

static void an_answer_that_changes_to_and_fro_is_told(void **state)
{
	static const struct {
		const char *name;
		uint32_t ttl;
		int64_t step_ms;
		unsigned clients;        /* that ask in turn */
		unsigned said;
		struct { uint8_t network; uint16_t rcode; } answers[2];  /* in turn; network 0: no address */
		const char *why;
	} rows[] = {
		{ "www.flips.com", 60, 60000, 1, 1, { { 192, 0 }, { 198, 0 } }, "three changes within an hour" },
		{ "www.there.com", 60, 60000, 1, 1, { { 192, 0 }, { 0, 3 } }, "there, and not, and there" },
		{ "www.slow.com", 60, 1800000, 1, 0, { { 192, 0 }, { 198, 0 } }, "two at most" },
		{ "www.long.com", 300, 60000, 1, 0, { { 192, 0 }, { 198, 0 } }, "what lives for long changes when it does" },
		{ "www.never.com", 60, 60000, 1, 0, { { 0, 0 }, { 0, 3 } }, "no address, whatever the reason" },
		{ "www.broken.com", 60, 60000, 1, 0, { { 192, 0 }, { 0, 2 } }, "nobody answers now and then" },
		{ "www.apart.com", 60, 60000, 2, 1, { { 192, 0 }, { 198, 0 } }, "each client has an answer of its own" },
		{ "www.shown.com", 60, 60000, 2, 1, { { 192, 0 }, { 0, 3 } }, "one of them has none" },
		{ "www.alike.com", 60, 60000, 2, 0, { { 192, 0 }, { 192, 0 } }, "all clients have the same" },
	};

	(void)state;
	for (unsigned row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct given given = { .type = RRTYPE_A, .ttl = rows[row].ttl, .length = 4 };

		memset(here.said, 0, sizeof(here.said));
		for (unsigned i = 0; i < 4; i++, here.now_ms += rows[row].step_ms) {
			given.rdata[0] = (const uint8_t[]){ rows[row].answers[i % 2].network, 0, 2, 1 };
			given.count = rows[row].answers[i % 2].network != 0;
			here.client = i % rows[row].clients;
			ask_with(rows[row].name, RRTYPE_A, rows[row].answers[i % 2].rcode, PATH_RESOLVED, &given);
		}
		if (said(DETECTOR_CONDITIONAL_ANSWER) != rows[row].said)
			fail_msg("%s", rows[row].why);
	}
}

static void canaries_are_told_and_what_is_below_them_is_not(void **state)
{
	static const char *const names[] = { "use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com",
		"_dns.resolver.arpa", "www.use-application-dns.net", "icloud.com" };

	(void)state;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(here.said, 0, sizeof(here.said));
		here.client = i;
		ask(names[i], RRTYPE_A, 0);
		assert_int_equal(here.said[DETECTOR_RESOLVER_BYPASS][TIER_LOW], i < 4);
	}
}

static void a_beacon_is_told_and_a_ttl_is_none(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ask("c2.evil.com", RRTYPE_A, 0);
		here.now_ms += 60000 + rand() % 1000;
	}
	assert_int_equal(said(DETECTOR_BEACON), 1);
	for (unsigned i = 0; i < 20; i++) {
		struct given given = { .type = RRTYPE_A, .ttl = 60, .length = 4, .count = 1,
			.rdata = { (const uint8_t *)"\300\0\2\1" } };

		ask_with("www.expires.com", RRTYPE_A, 0, PATH_RESOLVED, &given);
		here.now_ms += 60000 + rand() % 1000;
	}
	assert_int_equal(said(DETECTOR_BEACON), 1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		WITH(a_sweep_of_addresses_is_told_and_a_desktop_is_not),
		WITH(a_sweep_with_others_in_between_is_told),
		WITH(names_tried_below_a_zone_are_told),
		WITH(a_flood_of_random_names_is_told_unless_they_exist),
		WITH(a_flood_is_to_be_denied_unless_the_zone_is_vouched_for),
		WITH(addresses_inside_are_told_by_answer),
		WITH(a_networks_own_names_lead_inside_as_they_should),
		WITH(a_name_that_moves_inside_is_told),
		WITH(a_name_that_moves_inside_late_is_told),
		WITH(fluxing_addresses_of_a_young_zone_are_told),
		WITH(what_stays_does_not_flux),
		WITH(what_a_feed_has_is_tagged_and_weighs_a_point_beside_others),
		WITH(what_is_new_is_said_once),
		WITH(the_weightiest_is_said_where_there_is_no_room_for_all),
		WITH(a_known_zone_that_leads_elsewhere_is_tagged),
		WITH(an_answer_that_changes_to_and_fro_is_told),
		WITH(canaries_are_told_and_what_is_below_them_is_not),
		WITH(a_beacon_is_told_and_a_ttl_is_none),
	};

	return cmocka_run_group_tests_name("detect_kinds", tests, NULL, NULL);
}
