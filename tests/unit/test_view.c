/* test_view.c: what can be seen of the detectors' memory, and that looking changes nothing. */
#include "detect/view.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define DAY_MS INT64_C(86400000)
#define NXDOMAIN 3

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	struct address client;
	int64_t now_ms;
	uint64_t ordinal;
} here;

static int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };

	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	here.now_ms = START;
	here.client = (struct address){ .family = ADDRESS_INET, .octets = { 192, 0, 2, 1 } };
	here.detect = detect_create(&detect_sizes_small, suffix_list(path, "com\nnet\norg\n"), &key, START, &diag);
	remove(path);
	return here.detect == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

static size_t show_address(const void *source, record_visit visit, void *arg)
{
	const struct facts *facts = source;
	const uint8_t octets[] = { (uint8_t)(20 + here.ordinal), 7, 7, 7 };
	const struct record record = { SECTION_ANSWER, facts->qname.octets, facts->qname.length, RRTYPE_A, 1, 60, octets, 4 };

	visit(arg, &record);
	return 0;
}

/* Each time another address. */
static void ask_for_address(const char *text)
{
	struct facts facts = { .qtype = RRTYPE_A, .qclass = 1, .client = here.client, .records = show_address };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .ordinal = here.ordinal++,
		.now_ms = here.now_ms };

	facts.source = &facts;
	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	detect_answer(here.detect, here.conf, &sight, &here.detections);
}

static void ask(const char *text, uint16_t type, uint16_t rcode)
{
	struct facts facts = { .qtype = type, .qclass = 1, .rcode = rcode, .client = here.client };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .ordinal = here.ordinal++,
		.now_ms = here.now_ms };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	detect_answer(here.detect, here.conf, &sight, &here.detections);
}

static void tunnel(unsigned names)
{
	char text[100];

	for (unsigned i = 0; i < names; i++) {
		for (unsigned at = 0; at < 40; at++)
			text[at] = "abcdefghijklmnopqrstuvwxyz234567"[rand() % 32];
		strcpy(text + 40, ".evil.com");
		ask(text, RRTYPE_TXT, 0);
		here.now_ms += 500;
	}
}

static struct view look_at(const char *text, const struct address *client)
{
	struct view view;
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	detect_view(here.detect, here.conf, &name, client, 0, here.now_ms / 1000, &view);
	return view;
}

static const struct view_measure *measure_of(const struct view *view, enum detector detector, const char *name)
{
	for (unsigned i = 0; i < view->detectors[detector].count; i++)
		if (strcmp(view->detectors[detector].measures[i].name, name) == 0)
			return &view->detectors[detector].measures[i];
	fail_msg("%s has no %s", detector_table[detector].name, name);
	return NULL;
}

static void knows_nothing_of_what_nobody_asked_for(void **state)
{
	struct view view;

	(void)state;
	tunnel(3);
	view = look_at("other.net", &here.client);
	assert_false(view.has_zone || view.has_pair || view.was_asked);
	assert_true(view.has_client);
	assert_int_equal(view.zone_labels, 2);
	view = look_at("com", NULL);
	assert_int_equal(view.zone_labels, 0);
	assert_false(view.has_zone || view.has_client || view.has_pair);
	view = look_at(".", &here.client);
	assert_false(view.has_zone || view.has_pair);
}

static void a_tunnel_is_seen_with_its_octets_and_its_tier(void **state)
{
	static const struct { unsigned names; enum tier tier; } rows[] = {
		{ 2, TIER_NONE }, { 30, TIER_LOW }, { 100, TIER_HIGH }, { 200, TIER_BLOCK },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view view;

		end(NULL);
		start(NULL);
		tunnel(rows[i].names);
		view = look_at("any.name.evil.com", &here.client);
		assert_true(view.has_zone && view.has_client && view.has_pair && view.was_asked);
		assert_int_equal(view.zone.names, rows[i].names);
		assert_int_equal(view.zone.first_s, START / 1000);
		assert_int_equal(view.zone.clients, 1);
		assert_int_equal(view.detectors[DETECTOR_TUNNEL].tier, rows[i].tier);
		assert_int_equal(view.detectors[DETECTOR_TUNNEL].said, rows[i].tier);
		assert_int_equal(measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->crossed, rows[i].tier != TIER_NONE);
		assert_true(view.pair.own_octets > 15 * rows[i].names);
		assert_int_equal(view.pair.points, here.detections.points);
	}
}

static void an_option_moves_the_threshold(void **state)
{
	struct view view;

	(void)state;
	tunnel(30);
	here.conf[DETECTOR_TUNNEL].values[0] = 5000;
	here.conf[DETECTOR_TUNNEL].values[1] = 5000;
	view = look_at("evil.com", NULL);
	assert_int_equal(measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->threshold, 5000);
	assert_false(measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->crossed);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].tier, TIER_NONE);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].said, TIER_NONE);   /* of nobody */
}

static void looking_changes_nothing(void **state)
{
	struct view first, second;

	(void)state;
	tunnel(30);
	first = look_at("evil.com", &here.client);
	for (unsigned i = 0; i < 100; i++)
		second = look_at("evil.com", &here.client);
	assert_memory_equal(&first, &second, sizeof(first));
	here.now_ms += 40 * DAY_MS;
	second = look_at("evil.com", &here.client);
	assert_int_equal(second.zone.last_s, first.zone.last_s);
	here.now_ms -= 40 * DAY_MS;
	second = look_at("evil.com", &here.client);
	assert_memory_equal(&first, &second, sizeof(first));
}

static void sums_and_windows_are_as_of_now(void **state)
{
	uint32_t before;
	struct view view;

	(void)state;
	tunnel(100);
	ask("gone.net", RRTYPE_A, NXDOMAIN);
	view = look_at("evil.com", &here.client);
	before = measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->value;
	assert_int_equal(view.client.missing, 1);
	here.now_ms += 600 * 1000;
	view = look_at("evil.com", &here.client);
	assert_in_range(measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->value, before / 2 - 3, before / 2 + 3);
	assert_int_equal(view.client.answers, 0);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].said, TIER_HIGH);
	here.now_ms += 7200 * 1000;
	view = look_at("evil.com", &here.client);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].said, TIER_NONE);
	assert_int_equal(view.pair.points, 0);
}

static void a_clock_that_jumped_back_is_endured(void **state)
{
	struct view view;

	(void)state;
	tunnel(100);
	here.now_ms = 1000;
	view = look_at("evil.com", &here.client);
	assert_true(view.has_zone);
	assert_true(measure_of(&view, DETECTOR_TUNNEL, "octets_10m")->value > 1000);
}

static void others_clients_are_others(void **state)
{
	struct address other = here.client;
	struct view view;

	(void)state;
	tunnel(100);
	other.octets[3] = 2;
	view = look_at("evil.com", &other);
	assert_true(view.has_zone);
	assert_false(view.has_client || view.has_pair);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].tier, TIER_HIGH);
	assert_int_equal(view.detectors[DETECTOR_TUNNEL].said, TIER_NONE);
}

static void a_burst_is_the_clients(void **state)
{
	char text[64];
	struct view view;

	(void)state;
	for (unsigned i = 0; i < 45; i++) {
		snprintf(text, sizeof(text), "%c%ctree%ctable.com", 'a' + i % 26, 'a' + i / 26, 'a' + i % 7);
		ask(text, RRTYPE_A, NXDOMAIN);
	}
	view = look_at("unrelated.org", &here.client);
	assert_false(view.has_zone);
	assert_int_equal(view.client.missing, 45);
	assert_in_range(measure_of(&view, DETECTOR_NXDOMAIN_BURST, "zones")->value, 40, 50);
	assert_true(measure_of(&view, DETECTOR_NXDOMAIN_BURST, "failures")->crossed);
	assert_int_equal(view.detectors[DETECTOR_NXDOMAIN_BURST].tier, TIER_ALERT);
}

static void children_are_counted_for_both(void **state)
{
	char text[64];
	struct view view;

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		snprintf(text, sizeof(text), "host%u.corp.com", i);
		ask(text, RRTYPE_A, NXDOMAIN);
	}
	view = look_at("corp.com", &here.client);
	assert_int_equal(measure_of(&view, DETECTOR_RECON, "children")->value, 60);
	assert_int_equal(measure_of(&view, DETECTOR_RECON, "missing")->value, 100);
	assert_int_equal(view.detectors[DETECTOR_RECON].tier, TIER_ALERT);
	assert_int_equal(view.detectors[DETECTOR_RECON].said, TIER_ALERT);
}

static void a_beacon_shows_its_rhythm(void **state)
{
	struct view view;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ask("tick.com", RRTYPE_A, 0);
		here.now_ms += 60000;
	}
	view = look_at("tick.com", &here.client);
	assert_int_equal(measure_of(&view, DETECTOR_BEACON, "interval")->value, 60);
	assert_int_equal(view.detectors[DETECTOR_BEACON].tier, TIER_LOW);
	assert_int_equal(view.detectors[DETECTOR_BEACON].said, TIER_LOW);
}

static void what_fluxes_is_what_turns(void **state)
{
	char text[64];
	struct view view;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		ask_for_address("www.flux.com");
		snprintf(text, sizeof(text), "host%u.pool.com", i);
		ask_for_address(text);
	}
	view = look_at("flux.com", &here.client);
	assert_true(measure_of(&view, DETECTOR_FAST_FLUX, "turned")->value >= 75);
	assert_int_equal(view.detectors[DETECTOR_FAST_FLUX].tier, TIER_LOW);
	assert_int_equal(view.detectors[DETECTOR_FAST_FLUX].said, TIER_LOW);
	view = look_at("pool.com", &here.client);
	assert_int_equal(measure_of(&view, DETECTOR_FAST_FLUX, "turned")->value, 0);
	assert_true(measure_of(&view, DETECTOR_FAST_FLUX, "score")->crossed);
	assert_int_equal(view.detectors[DETECTOR_FAST_FLUX].tier, TIER_NONE);
	assert_int_equal(view.detectors[DETECTOR_FAST_FLUX].said, TIER_NONE);
}

/* What was there before the memory has no age. */
static void a_zone_from_before_has_no_age(void **state)
{
	struct view view;

	(void)state;
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 7;
	ask("www.known.com", RRTYPE_A, 0);
	view = look_at("known.com", NULL);
	assert_int_equal(view.zone.first_s, 0);
	assert_int_equal(measure_of(&view, DETECTOR_WEAK_CHANNEL, "days")->value, VIEW_LONG);
	assert_false(measure_of(&view, DETECTOR_WEAK_CHANNEL, "days")->crossed);
}

/* Names below no top-level domain are one zone for each client. */
static void a_zone_of_ones_own_wants_a_client(void **state)
{
	struct view view;

	(void)state;
	ask("a.nowhere", RRTYPE_A, NXDOMAIN);
	view = look_at("b.nowhere", &here.client);
	assert_true(view.has_zone && view.has_pair);
	view = look_at("b.nowhere", NULL);
	assert_false(view.has_zone || view.has_pair);
}

#define ANSWERS 20000u

static void *work(void *arg)
{
	struct facts facts = { .qtype = RRTYPE_A, .qclass = 1, .rcode = NXDOMAIN, .client = here.client };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .now_ms = START };
	struct detections said;
	char text[64];

	for (unsigned i = 0; i < ANSWERS; i++) {
		snprintf(text, sizeof(text), "name%u.zone%u.com", i, i % 4);
		if (name_from_text(&facts.qname, text, strlen(text)) != NULL)
			return arg;
		detect_answer(here.detect, here.conf, &sight, &said);
	}
	return NULL;
}

/* For TSan, too: no record is seen half written. */
static void looks_beside_workers(void **state)
{
	pthread_t workers[2];
	void *failed;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&workers[i], NULL, work, here.detect), 0);
	for (unsigned i = 0; i < 2000; i++) {
		const struct view view = look_at("zone1.com", &here.client);

		if (view.has_zone && (view.zone.names > ANSWERS || view.zone.clients > 1 || view.zone.last_s != START / 1000))
			fail_msg("%u names, %u clients", view.zone.names, view.zone.clients);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(workers[i], &failed);
		assert_null(failed);
	}
	/* Who asks at the same moment for the same is told twice that it is new (detect/bloom.h). */
	assert_in_range(look_at("zone1.com", &here.client).zone.names, 1, ANSWERS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(f) cmocka_unit_test_setup_teardown(f, start, end)
		test(knows_nothing_of_what_nobody_asked_for),
		test(a_tunnel_is_seen_with_its_octets_and_its_tier),
		test(an_option_moves_the_threshold),
		test(looking_changes_nothing),
		test(sums_and_windows_are_as_of_now),
		test(a_clock_that_jumped_back_is_endured),
		test(others_clients_are_others),
		test(a_burst_is_the_clients),
		test(children_are_counted_for_both),
		test(a_beacon_shows_its_rhythm),
		test(what_fluxes_is_what_turns),
		test(a_zone_from_before_has_no_age),
		test(a_zone_of_ones_own_wants_a_client),
		test(looks_beside_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
