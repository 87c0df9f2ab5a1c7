/* test_nxdomain_burst.c: names that look generated, and clients that look for many in vain. */
#include "detect/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define MISSING 3

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	int64_t now_ms;
	unsigned traits, tags, bursts, value;
	uint64_t ordinal;
	uint32_t seed;
} here;

static int start(void **state)
{
	static const struct hash_key key = { 3, 4 };
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };

	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.now_ms = START;
	here.seed = 7;
	here.detect = detect_create(&detect_sizes_small, suffix_list(path, "com\nnet\norg\nco.uk\narpa\n"), &key, START, &diag);
	remove(path);
	return here.detect == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

static void ask_on(const char *text, uint16_t rcode, enum answer_path path)
{
	struct facts facts = { .qtype = RRTYPE_A, .qclass = 1, .rcode = rcode };
	struct sight sight = { .facts = &facts, .path = path, .traits = here.traits, .ordinal = here.ordinal++,
		.now_ms = here.now_ms };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client.family = ADDRESS_INET;
	facts.client.octets[3] = 1;
	detect_answer(here.detect, here.conf, &sight, &here.detections);
	for (size_t i = 0; i < here.detections.count; i++) {
		here.tags += here.detections.items[i].detector == DETECTOR_GENERATED_NAME;
		if (here.detections.items[i].detector == DETECTOR_NXDOMAIN_BURST) {
			assert_int_equal(here.detections.items[i].tier, TIER_ALERT);
			here.bursts++;
			here.value = here.detections.items[i].value;
		}
	}
	here.now_ms += 1000;
}

static void ask(const char *text, uint16_t rcode)
{
	ask_on(text, rcode, PATH_RESOLVED);
}

/* So many letters that nobody would put together. */
static const char *random_label(char to[32], unsigned length)
{
	for (unsigned i = 0; i < length; i++) {
		here.seed = here.seed * 1664525 + 1013904223;
		to[i] = "bcdfghjklmnpqrstvwxzaeiouy"[(here.seed >> 16) % 26];
	}
	to[length] = '\0';
	return to;
}

/* Names that end so. */
static void ask_generated(const char *end_of_name, unsigned count, uint16_t rcode)
{
	char name[128], label[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%s", random_label(label, 18), end_of_name);
		ask(name, rcode);
	}
}

static void ask_words(const char *end_of_name, unsigned count, uint16_t rcode)
{
	static const char *const first[] = { "river", "green", "paper", "north", "silver", "garden", "music", "winter" };
	static const char *const second[] = { "house", "market", "school", "street", "travel", "hotel" };
	char name[128];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%s%s", first[i % 8], second[i / 8 % 6], end_of_name);
		ask(name, rcode);
	}
}

/* --- the name ----------------------------------------------------------------------------------------------------- */

static void tags_a_generated_zone_once(void **state)
{
	(void)state;
	ask("www.qwmzxivkjtbghnrfeo.com", 0);
	assert_int_equal(here.tags, 1);
	assert_int_equal(here.detections.items[0].tier, TIER_TAG);
	assert_int_equal(here.detections.points, 0);
	here.now_ms += 7200000;
	ask("mail.qwmzxivkjtbghnrfeo.com", 0);
	assert_int_equal(here.tags, 1);
}

static void tags_no_label_but_the_zones(void **state)
{
	(void)state;
	ask("qwmzxivkjtbghnrfeo.gardenmarket.com", 0);
	ask("qwmzxivkjtbghnrfeo.cloudfront.net", 0);
	ask("greenriver.co.uk", 0);
	assert_int_equal(here.tags, 0);
	ask("qwmzxivkjtbghnrfeo.duckdns.org", 0);
	assert_int_equal(here.tags, 1);
}

static void tags_at_the_score_that_is_wanted(void **state)
{
	(void)state;
	ask("qwmzxivkjtbghnrfeo.com", 0);
	here.conf[DETECTOR_GENERATED_NAME].values[0] = here.detections.items[0].value + 1;
	ask("qwmzxivkjtbghnrfeo.net", 0);
	assert_int_equal(here.tags, 1);
	here.conf[DETECTOR_GENERATED_NAME].values[0]--;
	ask("qwmzxivkjtbghnrfeo.org", 0);
	assert_int_equal(here.tags, 2);
}

/* --- the burst ---------------------------------------------------------------------------------------------------- */

static void six_generated_names_are_a_burst(void **state)
{
	(void)state;
	ask_generated(".com", 5, MISSING);
	assert_int_equal(here.bursts, 0);
	ask_generated(".com", 1, MISSING);
	assert_int_equal(here.bursts, 1);
	assert_int_equal(here.value, 6);
	ask_generated(".net", 10, MISSING);
	assert_int_equal(here.bursts, 1);
}

static void only_names_that_are_missing_and_count(void **state)
{
	static const struct { const char *end_of_name; uint16_t rcode; unsigned traits; const char *why; } rows[] = {
		{ ".com", 0, 0, "it is there" },
		{ ".com", 2, 0, "a server that fails says nothing of the name" },
		{ "", MISSING, 0, "a single label is a browser's probe or a search list's" },
		{ ".local", MISSING, 0, "multicast DNS" },
		{ ".lan", MISSING, 0, "a router's" },
		{ ".home", MISSING, 0, "a router's" },
		{ ".internal", MISSING, 0, "one's own" },
		{ ".corp", MISSING, 0, "one's own" },
		{ ".in-addr.arpa", MISSING, 0, "an address" },
		{ ".gardenmarket.com", MISSING, 0, "all below one zone" },
		{ ".com", MISSING, TRAIT_INTERNAL, "the operator's own" },
		{ ".com", MISSING, TRAIT_APPROVED, "the operator vouches for it" },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		here.traits = rows[i].traits;
		ask_generated(rows[i].end_of_name, 45, rows[i].rcode);
		if (here.bursts > 0)
			fail_msg("*%s: %s", rows[i].end_of_name, rows[i].why);
		here.now_ms += 3600000;
	}
}

static void unknown_top_level_domains_count_by_two_labels(void **state)
{
	char name[64];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "h%u.qwmzxivkjtbghnrfeo.bazar", i);
		ask(name, MISSING);
	}
	assert_int_equal(here.bursts, 0);
	ask_generated(".bazar", 5, MISSING);
	assert_int_equal(here.bursts, 1);
}

static void typing_errors_dilute_and_time_forgets(void **state)
{
	(void)state;
	ask_words(".com", 30, MISSING);
	ask_generated(".com", 6, MISSING);
	assert_int_equal(here.bursts, 0);
	here.now_ms += 3600000;
	ask_generated(".com", 5, MISSING);
	here.now_ms += 601000;
	ask_generated(".com", 5, MISSING);
	assert_int_equal(here.bursts, 0);
}

static void forty_names_are_a_burst_whatever_they_look_like(void **state)
{
	(void)state;
	ask_words(".com", 35, MISSING);
	assert_int_equal(here.bursts, 0);
	ask_words(".net", 10, MISSING);
	assert_int_equal(here.bursts, 1);
	assert_true(here.value >= 40);
}

/* What is asked again and again is answered from the cache, and is there. */
static void answers_from_the_cache_are_answers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 160; i++)
		ask_on("www.gardenmarket.com", 0, i == 0 ? PATH_RESOLVED : PATH_CACHED);
	ask_words(".com", 48, MISSING);
	assert_int_equal(here.bursts, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tags_a_generated_zone_once, start, end),
		cmocka_unit_test_setup_teardown(tags_no_label_but_the_zones, start, end),
		cmocka_unit_test_setup_teardown(tags_at_the_score_that_is_wanted, start, end),
		cmocka_unit_test_setup_teardown(six_generated_names_are_a_burst, start, end),
		cmocka_unit_test_setup_teardown(only_names_that_are_missing_and_count, start, end),
		cmocka_unit_test_setup_teardown(unknown_top_level_domains_count_by_two_labels, start, end),
		cmocka_unit_test_setup_teardown(typing_errors_dilute_and_time_forgets, start, end),
		cmocka_unit_test_setup_teardown(forty_names_are_a_burst_whatever_they_look_like, start, end),
		cmocka_unit_test_setup_teardown(answers_from_the_cache_are_answers, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
