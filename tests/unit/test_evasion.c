/* test_evasion.c: those who want to be missed, and those who want others to look guilty. */
#include "detect/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect/look.h"
#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define NXDOMAIN 3

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	uint32_t said[DETECTOR_COUNT][TIER_COUNT];
	enum reaction called;
	int64_t now_ms;
	unsigned traits;
	uint8_t client;
} here;

static struct detect *create(uint64_t secret)
{
	const struct hash_key key = { secret, 2 };
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };
	struct detect *detect;

	detect = detect_create(&detect_sizes_small, suffix_list(path, "com\nnet\norg\narpa\nin-addr.arpa\nip6.arpa\n"),
		&key, START, &diag);
	remove(path);
	return detect;
}

static int start(void **state)
{
	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	here.conf[DETECTOR_TUNNEL].reaction = REACTION_BLOCK;
	here.conf[DETECTOR_RECON].reaction = here.conf[DETECTOR_NXDOMAIN_BURST].reaction = REACTION_ALERT;
	here.now_ms = START;
	here.client = 1;
	here.detect = create(1);
	return here.detect == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

static void ask(const char *text, uint16_t type, uint16_t rcode)
{
	struct facts facts = { .qtype = type, .qclass = 1, .rcode = rcode,
		.client = { .family = ADDRESS_INET, .octets = { 192, 0, 2, here.client } } };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .traits = here.traits, .now_ms = here.now_ms };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	detect_answer(here.detect, here.conf, &sight, &here.detections);
	for (size_t i = 0; i < here.detections.count; i++)
		here.said[here.detections.items[i].detector][here.detections.items[i].tier]++;
	if (here.detections.call.reaction > here.called)
		here.called = here.detections.call.reaction;
}

static char letter(void)
{
	return "abcdefghijklmnopqrstuvwxyz234567"[rand() % 32];
}

static void ask_data(const char *zone)
{
	char text[300];

	for (unsigned i = 0; i < 40; i++)
		text[i] = letter();
	snprintf(text + 40, sizeof(text) - 40, ".%s", zone);
	ask(text, RRTYPE_A, 0);
	here.now_ms += 500;
}

static struct view look_at(const char *text)
{
	const struct address client = { .family = ADDRESS_INET, .octets = { 192, 0, 2, here.client } };
	struct view view;
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	detect_view(here.detect, here.conf, &name, &client, here.traits, here.now_ms / 1000, &view);
	return view;
}

/* --- to be missed ------------------------------------------------------------------------------------------------- */

/* Each name shares its ends with one of the last four: only a letter in the middle is new. */
static void affixes_that_are_interleaved_hide_a_tunnel_for_a_while(void **state)
{
	char frames[4][64];
	unsigned names = 0;

	(void)state;
	for (unsigned frame = 0; frame < 4; frame++) {
		for (unsigned i = 0; i < 50; i++)
			frames[frame][i] = letter();
		strcpy(frames[frame] + 50, ".evil.com");
	}
	while (here.said[DETECTOR_TUNNEL][TIER_ALERT] == 0 && names < 2000) {
		char *frame = frames[names++ % 4];

		frame[20 + rand() % 10] = letter();
		ask(frame, RRTYPE_A, 0);
		here.now_ms += 20000;
	}
	/* 8,192 octets of all characters; of what is new it is too little. */
	assert_in_range(names, 250, 350);
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 0);
	assert_true(look_at("evil.com").detectors[DETECTOR_TUNNEL].measures[1].value < 1024);
}

/* What one zone may carry unseen is bounded, and so each of many costs its owner a registration. */
static void each_of_many_zones_is_weighed_by_itself(void **state)
{
	char zone[32];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(zone, sizeof(zone), "zone%u.com", i % 100);
		ask_data(zone);
	}
	assert_int_equal(here.said[DETECTOR_WEAK_CHANNEL][TIER_LOW], 100);
	assert_int_equal(here.said[DETECTOR_NEWLY_OBSERVED][TIER_TAG], 100);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(zone, sizeof(zone), "zone%u.com", i);
		assert_true(look_at(zone).pair.points >= 1);
	}
}

/* Below a popular zone names carry what they like; what is about the client is seen all the same. */
static void a_popular_zone_hides_names_and_not_clients(void **state)
{
	(void)state;
	here.traits = TRAIT_POPULAR;
	for (unsigned i = 0; i < 300; i++)
		ask_data("popular.com");
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_LOW], 0);
	assert_int_equal(here.called, REACTION_OFF);
	ask("x.popular.com", RRTYPE_NULL, 0);
	assert_int_equal(here.said[DETECTOR_ODD_TYPE][TIER_LOW], 1);
	ask("popular.com", RRTYPE_ANY, 0);
	assert_int_equal(here.said[DETECTOR_RECON][TIER_LOW], 1);
}

/* A slow tunnel, and between two of its names more zones and clients than the tables hold. */
static void a_flood_does_not_wash_a_slow_tunnel_away(void **state)
{
	const size_t octets = detect_octets(here.detect);
	char text[64];
	unsigned names = 0;

	(void)state;
	while (here.said[DETECTOR_TUNNEL][TIER_LOW] == 0 && names < 120) {
		here.client = 1;
		ask_data("slow.com");
		names++;
		for (unsigned i = 0; i < 5000; i++) {
			here.client = (uint8_t)(2 + i % 250);
			snprintf(text, sizeof(text), "flood%u-%u.com", names, i);
			ask(text, RRTYPE_A, 0);
		}
		here.now_ms += 30000;
	}
	assert_in_range(names, 20, 60);
	assert_int_equal(detect_octets(here.detect), octets);
	here.client = 1;
	assert_int_equal(look_at("slow.com").zone.names, names);
}

/* --- to make others look guilty ----------------------------------------------------------------------------------- */

static void have_one_of_many_tunnel(void)
{
	for (here.client = 1; here.client < 20; here.client++)
		ask("www.bank.com", RRTYPE_A, 0);
	here.client = 7;
	for (unsigned i = 0; i < 600; i++)
		ask_data("bank.com");
	assert_true(here.said[DETECTOR_TUNNEL][TIER_HIGH] > 0);
}

/* Whoever sends in the name of one client gets it denied one zone of his own choice, and no popular one. */
static void a_spoofed_client_loses_no_zone_that_matters(void **state)
{
	char text[64];

	(void)state;
	/* A zone that the world uses. */
	for (here.client = 1; here.client < 20; here.client++)
		ask("www.bank.com", RRTYPE_A, 0);
	here.now_ms += INT64_C(60) * 86400 * 1000;
	have_one_of_many_tunnel();
	assert_int_equal(here.called, REACTION_ALERT);
	/* What is about a client denies no zone at all. */
	here.called = REACTION_OFF;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%u.2.0.192.in-addr.arpa", i);
		ask(text, RRTYPE_PTR, NXDOMAIN);
	}
	assert_true(here.said[DETECTOR_RECON][TIER_ALERT] > 0);
	assert_int_equal(here.called, REACTION_ALERT);
}

/* Before a machine has learned the time no zone that it knew is young. */
static void nor_does_one_while_the_clock_is_not_set(void **state)
{
	(void)state;
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 7;
	detect_shift(here.detect, 60 - START / 1000);
	here.now_ms = 60000;
	have_one_of_many_tunnel();
	assert_int_equal(here.said[DETECTOR_TUNNEL][TIER_BLOCK], 0);
	assert_int_equal(here.called, REACTION_ALERT);
}

/* Who looks up addresses has no part in their tree's record, so that it looks as if hardly anybody used it. */
static void a_spoofed_client_keeps_the_trees_of_addresses(void **state)
{
	static const char *const zones[] = { "10.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa" };

	(void)state;
	for (unsigned zone = 0; zone < sizeof(zones) / sizeof(zones[0]); zone++) {
		here.called = REACTION_OFF;
		here.said[DETECTOR_TUNNEL][TIER_BLOCK] = 0;
		for (unsigned i = 0; i < 300; i++)
			ask_data(zones[zone]);
		assert_true(here.said[DETECTOR_TUNNEL][TIER_BLOCK] > 0);
		assert_int_equal(here.called, REACTION_ALERT);
	}
}

/* A client that asks for a name of a zone that another one is busy with. */
static void a_bystander_is_not_flagged(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++)
		ask_data("evil.com");
	assert_int_equal(here.called, REACTION_BLOCK);
	here.called = REACTION_OFF;
	here.client = 2;
	ask("www.evil.com", RRTYPE_A, 0);
	ask_data("evil.com");
	assert_int_equal(here.called, REACTION_OFF);
	assert_true(look_at("evil.com").pair.points < 3);
}

/* A newcomer that takes the place of what was given up begins with nothing. */
static void nothing_is_inherited(void **state)
{
	char zone[64];

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		ask_data("evil.com");
	here.now_ms += INT64_C(30) * 86400 * 1000;
	memset(here.said, 0, sizeof(here.said));
	for (unsigned i = 0; i < 50000; i++) {
		snprintf(zone, sizeof(zone), "honest%u.com", i);
		ask(zone, RRTYPE_A, 0);
	}
	assert_false(look_at("evil.com").has_zone);
	for (unsigned tier = 0; tier < TIER_COUNT; tier++)
		assert_int_equal(here.said[DETECTOR_TUNNEL][tier], 0);
}

/* --- collisions --------------------------------------------------------------------------------------------------- */

#define SETS 512u                    /* of the small table of zones */
#define CROWD 64u

static uint64_t set_of(const struct detect *detect, const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return suffix_find(detect->suffixes, &name).zone >> 32 & (SETS - 1);
}

/* Zones that crowd one set by one key are spread by another, and the key is random for each memory. */
static void collisions_of_one_key_are_none_of_another(void **state)
{
	struct detect *other = create(4711);
	uint64_t seen[SETS / 64] = { 0 };
	unsigned crowd = 0, sets = 0;
	char zone[32];

	(void)state;
	assert_non_null(other);
	assert_int_equal(table_counts(here.detect->zones).capacity, SETS * 8);
	for (unsigned i = 0; crowd < CROWD; i++) {
		snprintf(zone, sizeof(zone), "c%u.com", i);
		if (set_of(here.detect, zone) != 0)
			continue;
		seen[set_of(other, zone) / 64] |= UINT64_C(1) << set_of(other, zone) % 64;
		crowd++;
	}
	for (unsigned i = 0; i < SETS / 64; i++)
		sets += (unsigned)__builtin_popcountll(seen[i]);
	/* 60 of 512 sets are to be expected. */
	assert_in_range(sets, CROWD - 16, CROWD);
	detect_destroy(&other);
}

/* Who knows the key fills a set, and what is worth most stays. */
static void a_crowded_set_keeps_the_tunnel(void **state)
{
	const uint64_t set = set_of(here.detect, "evil.com");
	unsigned crowd = 0;
	char zone[32];

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		ask_data("evil.com");
	for (unsigned i = 0; crowd < CROWD; i++) {
		snprintf(zone, sizeof(zone), "d%u.com", i);
		if (set_of(here.detect, zone) == set) {
			ask(zone, RRTYPE_A, 0);
			crowd++;
		}
	}
	assert_int_equal(look_at("evil.com").zone.names, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, start, end)
		test(affixes_that_are_interleaved_hide_a_tunnel_for_a_while),
		test(each_of_many_zones_is_weighed_by_itself),
		test(a_popular_zone_hides_names_and_not_clients),
		test(a_flood_does_not_wash_a_slow_tunnel_away),
		test(a_spoofed_client_loses_no_zone_that_matters),
		test(nor_does_one_while_the_clock_is_not_set),
		test(a_spoofed_client_keeps_the_trees_of_addresses),
		test(a_bystander_is_not_flagged),
		test(nothing_is_inherited),
		test(collisions_of_one_key_are_none_of_another),
		test(a_crowded_set_keeps_the_tunnel),
	};

	srand(1);
	return cmocka_run_group_tests_name("evasion", tests, NULL, NULL);
}
