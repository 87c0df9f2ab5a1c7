/* test_detect.c: answers in, detections out, over time. */
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

static void tunnel(unsigned names, const char *zone)
{
	char label[64], text[300];

	for (unsigned i = 0; i < names; i++) {
		random_label(label, 40);
		snprintf(text, sizeof(text), "%s.%s", label, zone);
		ask(text, RRTYPE_TXT, 0);
		here.now_ms += 500;
	}
}

static void a_tunnel_crosses_each_tier_once(void **state)
{
	(void)state;
	tunnel(400, "evil.com");
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 1);
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_HIGH], 1);
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_BLOCK], 1);
	assert_int_equal(here.said[DETECTOR_WEAK_CHANNEL][TIER_LOW], 1);
}

static void data_below_a_zone_is_a_tunnel_whatever_the_type(void **state)
{
	static const struct { const char *zone; uint16_t type; unsigned low; } rows[] = {
		{ "evil.com", RRTYPE_PTR, 1 }, { "evil.net", RRTYPE_A, 1 }, { "7.0.10.in-addr.arpa", RRTYPE_PTR, 0 },
	};
	char label[64], text[300];

	(void)state;
	for (unsigned row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		memset(here.said, 0, sizeof(here.said));
		for (unsigned i = 0; i < 60; i++) {
			random_label(label, 40);
			snprintf(text, sizeof(text), "%s.%s", label, rows[row].zone);
			ask(text, rows[row].type, 0);
			here.now_ms += 500;
		}
		assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], rows[row].low);
	}
}

static void it_is_said_again_after_half_an_hour_with_a_count(void **state)
{
	unsigned before;

	(void)state;
	tunnel(400, "evil.com");
	before = said(DETECTOR_TUNNEL);
	here.now_ms += 1500000;
	tunnel(10, "evil.com");
	assert_int_equal(said(DETECTOR_TUNNEL), before);
	here.now_ms += 400000;
	tunnel(1, "evil.com");
	assert_int_equal(said(DETECTOR_TUNNEL), before + 1);
	assert_true(here.detections.items[0].repeated > 100);
}

static void the_same_names_again_are_no_tunnel(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		srand(5);
		tunnel(10, "evil.com");
	}
	assert_int_equal(said(DETECTOR_TUNNEL), 0);
}

static void traits_and_caches_keep_names_out(void **state)
{
	char label[64], text[300];

	(void)state;
	for (unsigned trait = TRAIT_POPULAR; trait <= TRAIT_INTERNAL; trait *= 2) {
		here.traits = trait;
		tunnel(200, "evil.com");
	}
	here.traits = TRAIT_NONE;
	for (unsigned i = 0; i < 300; i++) {
		random_label(label, 40);
		snprintf(text, sizeof(text), "%s.evil.com", label);
		ask_with(text, RRTYPE_TXT, 0, PATH_CACHED, NULL);
	}
	assert_int_equal(said(DETECTOR_TUNNEL), 0);
}

static void a_zone_that_is_old_and_has_many_clients_is_not_to_be_blocked(void **state)
{
	(void)state;
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 7;   /* nothing is new yet, so nothing is young */
	for (unsigned i = 0; i < 400; i++) {
		here.client = i % 5;
		tunnel(1, "busy.com");
	}
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_BLOCK], 0);
	assert_true(here.said[DETECTOR_TUNNEL][TIER_HIGH] >= 1);
	assert_int_equal(said(DETECTOR_WEAK_CHANNEL), 0);
	assert_int_equal(said(DETECTOR_NEWLY_OBSERVED), 0);
}

/* Who fills the table until a zone of many is forgotten, and forges a few clients, must not make it one of a few. */
static void a_zone_that_was_forgotten_may_have_many_clients(void **state)
{
	char text[32];

	(void)state;
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 7;
	for (here.client = 0; here.client < 5; here.client++)
		ask("www.busy.com", RRTYPE_A, 0);
	here.now_ms += 60000;
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(text, sizeof(text), "z%u.net", i);
		ask(text, RRTYPE_A, 0);
	}
	memset(here.said, 0, sizeof(here.said));
	for (unsigned i = 0; i < 400; i++) {
		here.client = i % 3;
		tunnel(1, "busy.com");
	}
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_BLOCK], 0);
	assert_true(here.said[DETECTOR_TUNNEL][TIER_HIGH] >= 1);
	here.now_ms += INT64_C(86400) * 1000;
	for (unsigned i = 0; i < 400; i++) {
		here.client = i % 3;
		tunnel(1, "busy.com");
	}
	assert_true(here.said[DETECTOR_TUNNEL][TIER_BLOCK] >= 1);
}

static void clients_behind_mapped_addresses_are_told_apart(void **state)
{
	struct address first = { .family = ADDRESS_INET6, .octets = { [10] = 0xff, 0xff, 10, 0, 0, 1 } }, second = first;
	const struct address plain = { .family = ADDRESS_INET, .octets = { 10, 0, 0, 1 } };

	(void)state;
	second.octets[15] = 2;
	assert_true(look_hash_client(here.detect, &first) != look_hash_client(here.detect, &second));
	assert_true(look_hash_client(here.detect, &first) == look_hash_client(here.detect, &plain));
	second.octets[0] = first.octets[0] = 0x20;
	assert_true(look_hash_client(here.detect, &first) == look_hash_client(here.detect, &second));
}

static void clients_that_all_have_one_64_are_told_apart(void **state)
{
	static const struct { uint8_t octets[2]; const char *why; } rows[] = {
		{ { 0xfe, 0x80 }, "link-local" }, { { 0x01, 0x00 }, "pseudonyms of frames" },
	};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct address first = { .family = ADDRESS_INET6, .octets = { rows[row].octets[0], rows[row].octets[1] } };
		struct address second = first;

		first.octets[15] = 1;
		second.octets[15] = 2;
		if (look_hash_client(here.detect, &first) == look_hash_client(here.detect, &second))
			fail_msg("%s", rows[row].why);
	}
}

/* 40 characters of 5 bits are 25 octets a name. */
static void small_parts_of_many_clients_are_no_tunnel(void **state)
{
	static const struct { unsigned clients, names; bool told; const char *why; } rows[] = {
		{ 50, 150, false, "over the threshold, by 50 clients with 75 octets each" },
		{ 50, 250, true, "what could be denied, whoever it was" },
		{ 5, 150, true, "750 octets each" },
		{ 3, 45, true, "375 octets each" },
	};

	for (unsigned row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		end(state);
		start(state);
		for (unsigned i = 0; i < rows[row].names; i++) {
			here.client = i % rows[row].clients;
			tunnel(1, "busy.com");
		}
		if ((said(DETECTOR_TUNNEL) > 0) != rows[row].told)
			fail_msg("%s", rows[row].why);
	}
}

static void one_among_many_clients_is_told_of_its_own_part(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		here.client = i % 50;
		tunnel(1, "busy.com");
	}
	assert_int_equal(said(DETECTOR_TUNNEL), 0);
	here.client = 77;
	tunnel(15, "busy.com");
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 1);
}

static void names_without_a_top_level_domain_are_one_zone_a_client(void **state)
{
	(void)state;
	tunnel(100, "pirate");
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 1);
	tunnel(20, "in-addr.arpa");
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 1);
}

static void data_that_comes_back_counts_where_it_is_new_or_short_lived(void **state)
{
	uint8_t text[200] = { 199 };
	struct given given = { .type = RRTYPE_TXT, .ttl = 0, .count = 1, .rdata = { text }, .length = sizeof(text) };
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "_dkim%u.mail.com", i / 2);
		ask_with(name, RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 0);
	for (unsigned i = 0; i < 300; i++)
		ask_with("poll.same.com", RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 0);
	for (unsigned i = 0; i < 30; i++) {
		text[1] = (uint8_t)i;
		ask_with("poll.evil.com", RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 1);
	for (unsigned i = 0; i < 30; i++) {
		text[1] = (uint8_t)i;
		ask_with("k._domainkey.drip.com", RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 2);
	given.ttl = 3600;
	for (unsigned i = 0; i < 100; i++)
		ask_with("poll.good.com", RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 2);
}

static void who_may_issue_certificates_is_data(void **state)
{
	static const uint8_t data[200] = { 0, 5, 'i', 's', 's', 'u', 'e' };
	struct given given = { .type = 257, .ttl = 3600, .count = 1, .rdata = { data }, .length = sizeof(data) };
	char text[64];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "%u.evil.com", i);
		ask_with(text, 257, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(here.said[DETECTOR_TUNNEL_DOWN][TIER_ALERT], 1);
}

static void keys_are_data_within_a_dozen_of_names(void **state)
{
	static const uint8_t data[190] = { 1, 2 };
	struct given given = { .type = RRTYPE_KEY, .ttl = 3, .count = 1, .rdata = { data }, .length = sizeof(data) };
	char text[64];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "%ux.dns2tcp.com", i);
		ask_with(text, RRTYPE_KEY, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 0);
	ask_with("last.dns2tcp.com", RRTYPE_KEY, 0, PATH_RESOLVED, &given);
	assert_int_equal(here.said[DETECTOR_TUNNEL_DOWN][TIER_ALERT], 1);
}

static void a_label_does_not_hide_what_nothing_else_asks_for(void **state)
{
	static const uint8_t data[200] = { 7 };
	struct given given = { .type = RRTYPE_NULL, .ttl = 0, .count = 1, .rdata = { data }, .length = sizeof(data) };
	char text[64];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "_%u.evil.com", i);
		ask_with(text, RRTYPE_NULL, 0, PATH_RESOLVED, &given);
	}
	assert_int_equal(here.said[DETECTOR_TUNNEL_DOWN][TIER_ALERT], 1);
	ask("_ta-4f66.other.com", RRTYPE_NULL, 0);
	ask("_ta-4f66.more.com", RRTYPE_PRIVATE_FIRST, 0);
	assert_int_equal(said(DETECTOR_ODD_TYPE), 2);
}

/* Up to 127 labels, of any octets. Returns the length. */
static size_t random_wire(uint8_t *wire, unsigned longest)
{
	const size_t end = (size_t)rand() % NAME_OCTETS_MAX;
	size_t used = 0;

	while (used + 1 < end) {
		const size_t length = 1 + (size_t)rand() % longest, room = end - used - 1;

		wire[used] = (uint8_t)(length < room ? length : room);
		for (unsigned i = 0; i < wire[used]; i++)
			wire[used + 1 + i] = (uint8_t)rand();
		used += 1u + wire[used];
	}
	wire[used] = 0;
	return used + 1;
}

/* Whatever comes, nothing breaks: names of any octets, every type and class, clocks that jump. */
static void anything_can_come(void **state)
{
	struct facts facts = { .qclass = 1 };
	uint8_t wire[256], rdata[64];

	(void)state;
	srand(11);
	for (unsigned round = 0; round < 100000; round++) {
		struct given given = { .type = (uint16_t)rand(), .ttl = (uint32_t)rand(), .count = (unsigned)rand() % 4,
			.length = (uint16_t)(rand() % 20) };
		struct sight sight = { .facts = &facts, .path = (enum answer_path)(rand() % PATH_COUNT),
			.traits = (unsigned)rand() % 16, .ordinal = round };

		if (!name_from_wire(&facts.qname, wire, random_wire(wire, round % 4 == 0 ? 1 : 63)))
			continue;
		for (unsigned i = 0; i < sizeof(rdata); i++)
			rdata[i] = (uint8_t)rand();
		for (unsigned i = 0; i < given.count; i++)
			given.rdata[i] = rdata;
		given.owner = &facts.qname;
		facts.qtype = (uint16_t)(round % 3 == 0 ? rand() : 1);
		facts.qclass = (uint16_t)(round % 7 == 0 ? rand() : 1);
		facts.rcode = (uint16_t)(rand() % 5);
		facts.records = round % 5 == 0 ? NULL : show;
		facts.source = &given;
		facts.client.family = (enum address_family)(round % 2 == 0 ? ADDRESS_INET : ADDRESS_INET6);
		sight.now_ms = round % 100 == 0 ? (int64_t)rand() * rand() : START + round;
		detect_answer(here.detect, here.conf, &sight, &here.detections);
		assert_true(here.detections.count <= DETECTIONS_MAX);
		if (round % 1000 == 0)
			detect_turn(here.detect, sight.now_ms);
	}
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		WITH(a_tunnel_crosses_each_tier_once),
		WITH(data_below_a_zone_is_a_tunnel_whatever_the_type),
		WITH(it_is_said_again_after_half_an_hour_with_a_count),
		WITH(the_same_names_again_are_no_tunnel),
		WITH(traits_and_caches_keep_names_out),
		WITH(a_zone_that_is_old_and_has_many_clients_is_not_to_be_blocked),
		WITH(a_zone_that_was_forgotten_may_have_many_clients),
		WITH(clients_behind_mapped_addresses_are_told_apart),
		WITH(clients_that_all_have_one_64_are_told_apart),
		WITH(small_parts_of_many_clients_are_no_tunnel),
		WITH(one_among_many_clients_is_told_of_its_own_part),
		WITH(names_without_a_top_level_domain_are_one_zone_a_client),
		WITH(data_that_comes_back_counts_where_it_is_new_or_short_lived),
		WITH(who_may_issue_certificates_is_data),
		WITH(keys_are_data_within_a_dozen_of_names),
		WITH(a_label_does_not_hide_what_nothing_else_asks_for),
		WITH(anything_can_come),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
