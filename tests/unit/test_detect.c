/* test_detect.c: answers in, detections out, over time. */
#include "detect/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect/look.h"
#include "policy/rrtype.h"
#include "tests/unit/temp_file.h"

#define START 1700000000000
#define ANSWERS_MAX 40u
#define DAY_MS 86400000

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detections detections;
	int64_t now_ms;
	unsigned traits;
	uint64_t ordinal;
	uint32_t client;
	uint32_t said[DETECTOR_COUNT][TIER_COUNT];
} here;

static int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	char text[8192], path[TEMP_PATH_MAX];
	size_t used = (size_t)snprintf(text, sizeof(text), "// ===BEGIN ICANN DOMAINS===\ncom\nnet\norg\nco.uk\narpa\nin-addr.arpa\n");
	struct diag diag = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "tld%u\n", i);
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.conf[DETECTOR_NEWLY_OBSERVED].values[0] = 0;
	here.now_ms = START;
	here.detect = detect_create(&detect_sizes_small, temp_file(path, text, used), &key, START, &diag);
	remove(path);
	if (here.detect == NULL)
		fprintf(stderr, "%s\n", diag.text);
	return here.detect == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

/* Records of one answer, all of one type. */
struct given {
	const struct name *owner;
	uint16_t type;
	uint32_t ttl;
	unsigned count;
	const uint8_t *rdata[ANSWERS_MAX];
	uint16_t length;
};

static size_t show(const void *source, record_visit visit, void *arg)
{
	const struct given *given = source;

	for (unsigned i = 0; i < given->count; i++) {
		const struct record record = { SECTION_ANSWER, given->owner->octets, given->owner->length, given->type, 1, given->ttl,
			given->rdata[i], given->length };

		if (!visit(arg, &record))
			break;
	}
	return 0;
}

/* One question and what became of it. */
static void ask_with(const char *text, uint16_t type, uint16_t rcode, enum answer_path path, struct given *given)
{
	struct facts facts = { .qtype = type, .qclass = 1, .rcode = rcode };
	struct sight sight = { .facts = &facts, .path = path, .traits = here.traits, .ordinal = here.ordinal++,
		.now_ms = here.now_ms };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client.family = ADDRESS_INET;
	memcpy(facts.client.octets, &here.client, 4);
	if (given != NULL) {
		given->owner = &facts.qname;
		facts.records = show;
		facts.source = given;
	}
	detect_answer(here.detect, here.conf, &sight, &here.detections);
	for (size_t i = 0; i < here.detections.count; i++)
		here.said[here.detections.items[i].detector][here.detections.items[i].tier]++;
}

static void ask(const char *text, uint16_t type, uint16_t rcode)
{
	ask_with(text, type, rcode, PATH_RESOLVED, NULL);
}

static unsigned said(enum detector detector)
{
	unsigned sum = 0;

	for (unsigned tier = 0; tier < TIER_COUNT; tier++)
		sum += here.said[detector][tier];
	return sum;
}

static void random_label(char *to, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		to[i] = "abcdefghijklmnopqrstuvwxyz234567"[rand() % 32];
	to[length] = '\0';
}

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
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "_dkim%u.mail.com", i);
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
	given.ttl = 3600;
	for (unsigned i = 0; i < 100; i++)
		ask_with("poll.good.com", RRTYPE_TXT, 0, PATH_RESOLVED, &given);
	assert_int_equal(said(DETECTOR_TUNNEL_DOWN), 1);
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
		unsigned said;
		struct { uint8_t network; uint16_t rcode; } answers[2];  /* in turn; network 0: no address */
		const char *why;
	} rows[] = {
		{ "www.flips.com", 60, 60000, 1, { { 192, 0 }, { 198, 0 } }, "three changes within an hour" },
		{ "www.there.com", 60, 60000, 1, { { 192, 0 }, { 0, 3 } }, "there, and not, and there" },
		{ "www.slow.com", 60, 1800000, 0, { { 192, 0 }, { 198, 0 } }, "two at most" },
		{ "www.long.com", 300, 60000, 0, { { 192, 0 }, { 198, 0 } }, "what lives for long changes when it does" },
		{ "www.never.com", 60, 60000, 0, { { 0, 0 }, { 0, 3 } }, "no address, whatever the reason" },
		{ "www.broken.com", 60, 60000, 0, { { 192, 0 }, { 0, 2 } }, "nobody answers now and then" },
	};

	(void)state;
	for (unsigned row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		struct given given = { .type = RRTYPE_A, .ttl = rows[row].ttl, .length = 4 };

		memset(here.said, 0, sizeof(here.said));
		for (unsigned i = 0; i < 4; i++, here.now_ms += rows[row].step_ms) {
			given.rdata[0] = (const uint8_t[]){ rows[row].answers[i % 2].network, 0, 2, 1 };
			given.count = rows[row].answers[i % 2].network != 0;
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
		WITH(small_parts_of_many_clients_are_no_tunnel),
		WITH(one_among_many_clients_is_told_of_its_own_part),
		WITH(names_without_a_top_level_domain_are_one_zone_a_client),
		WITH(data_that_comes_back_counts_where_it_is_new_or_short_lived),
		WITH(keys_are_data_within_a_dozen_of_names),
		WITH(a_label_does_not_hide_what_nothing_else_asks_for),
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
		WITH(what_a_feed_has_is_tagged_and_weighs_a_point_beside_others), WITH(what_is_new_is_said_once),
		WITH(the_weightiest_is_said_where_there_is_no_room_for_all),
		WITH(a_known_zone_that_leads_elsewhere_is_tagged),
		WITH(an_answer_that_changes_to_and_fro_is_told),
		WITH(canaries_are_told_and_what_is_below_them_is_not),
		WITH(a_beacon_is_told_and_a_ttl_is_none),
		WITH(anything_can_come),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
