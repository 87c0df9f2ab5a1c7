/* test_flag_book.c: when a flag is raised, denies, and ends. */
#include "control/flag_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/request.h"

#define NOW 1700000000

static const struct flag_limits limits = { .seconds = 3600, .per_minute = 20, .action = ACTION_NXDOMAIN };
static struct flag_book *book;

static int start(void **state)
{
	(void)state;
	flag_book_destroy(&book);        /* a test that begins anew for each row */
	book = flag_book_create();
	if (book == NULL)
		return -1;
	flag_book_limit(book, &limits);
	return 0;
}

static int end(void **state)
{
	(void)state;
	flag_book_destroy(&book);
	return 0;
}

static struct flag_call make(const char *zone, const char *client, enum reaction reaction, int64_t at)
{
	struct flag_call call = { .reaction = reaction, .points = 8, .answers = 2, .days = 1, .clients = 1, .at = at,
		.lead = { .detector = DETECTOR_TUNNEL, .tier = TIER_BLOCK, .reaction = REACTION_BLOCK, .feature_count = 1,
			.value = 5000, .threshold = 4096, .features = { { FEATURE_NAMES, 130 } } } };
	struct network network;

	assert_null(name_from_text(&call.zone, zone, strlen(zone)));
	assert_true(request_network(&network, client));
	call.client = network.address;
	return call;
}

static bool take(const char *zone, const char *client, enum reaction reaction, int64_t at)
{
	const struct flag_call call = make(zone, client, reaction, at);

	return flag_book_take(book, &call);
}

static size_t count(struct flag *first)
{
	size_t all;
	struct flag *flags = flag_book_copy(book, &all);

	assert_non_null(flags);
	if (all > 0 && first != NULL)
		*first = flags[0];
	free(flags);
	return all;
}

/* What the hand for changes does. */
static unsigned deny_all(uint64_t first_id)
{
	struct override override;
	struct flag flag;
	unsigned made = 0;

	while (flag_book_due(book, &flag, &override))
		flag_book_done(book, flag.id, FLAG_DENIED, first_id + made++, NULL);
	return made;
}

static void an_alert_changes_nothing(void **state)
{
	struct override override;
	struct flag flag;

	(void)state;
	assert_true(take("evil.com", "192.0.2.1", REACTION_ALERT, NOW));
	assert_false(flag_book_due(book, &flag, &override));
	assert_int_equal(count(&flag), 1);
	assert_int_equal(flag.state, FLAG_ALERT);
	assert_int_equal(flag.until, NOW + 3600);
}

static void the_same_is_one_flag_that_lasts_on(void **state)
{
	struct flag flag;

	(void)state;
	assert_true(take("evil.com", "192.0.2.1", REACTION_ALERT, NOW));
	assert_false(take("evil.com", "192.0.2.1", REACTION_ALERT, NOW + 60));
	assert_int_equal(count(&flag), 1);
	assert_int_equal(flag.hits, 4);
	assert_int_equal(flag.since, NOW);
	assert_int_equal(flag.until, NOW + 3660);
	take("evil.com", "192.0.2.2", REACTION_ALERT, NOW);
	take("worse.com", "192.0.2.1", REACTION_ALERT, NOW);
	assert_int_equal(count(NULL), 3);
}

/* Values are told without what is behind the point. */
static void a_value_that_looks_like_its_threshold_is_not_over_it(void **state)
{
	struct flag flag = { .call.lead = { .detector = DETECTOR_TUNNEL, .value = 900, .threshold = 900 } };
	char why[OVERRIDE_WHY_MAX];

	(void)state;
	assert_non_null(strstr(flag_why(&flag, why), ": 900 reaches 900 octets"));
	flag.call.lead.value = 901;
	assert_non_null(strstr(flag_why(&flag, why), ": 901 over 900 octets"));
}

static void a_block_is_due_for_that_client_alone(void **state)
{
	struct override override;
	struct flag flag;

	(void)state;
	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
	assert_true(flag_book_due(book, &flag, &override));
	assert_int_equal(override.action, ACTION_NXDOMAIN);
	assert_true(name_equal(&override.name, &flag.call.zone));
	assert_int_equal(override.client.address.family, ADDRESS_INET);
	assert_int_equal(override.client.prefix_length, 32);
	assert_int_equal(override.until, NOW + 3600);
	assert_string_equal(override.who, "detector:tunnel");
	assert_string_equal(override.why,
		"new names below the zone carry data out of the network: 5000 over 4096 octets; names=130; points=8");
	flag_book_done(book, flag.id, FLAG_DENIED, 7, NULL);
	assert_false(flag_book_due(book, &flag, &override));
	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW + 100);
	assert_false(flag_book_due(book, &flag, &override));
	count(&flag);
	assert_int_equal(flag.override, 7);
	assert_int_equal(flag.until, NOW + 3600);   /* as its denial */
}

/* So many flags become of two addresses, and the first one's denial is for that. */
static void check_hosts(const char *one, const char *other, unsigned flags, unsigned bits, unsigned last_octet)
{
	struct override override;
	struct flag flag;

	take("evil.com", one, REACTION_BLOCK, NOW);
	take("evil.com", other, REACTION_ALERT, NOW);
	assert_int_equal(count(NULL), flags);
	assert_true(flag_book_due(book, &flag, &override));
	assert_int_equal(override.client.prefix_length, bits);
	assert_int_equal(override.client.address.octets[15], last_octet);
}

static void a_host_of_ipv6_is_its_64(void **state)
{
	(void)state;
	check_hosts("2001:db8::1", "2001:db8::ffff:2", 1, 64, 0);
}

/* All hosts of a link have that /64. */
static void but_not_where_it_is_link_local(void **state)
{
	(void)state;
	check_hosts("fe80::1", "fe80::2", 2, 128, 1);
}

static void a_mapped_client_is_one_host(void **state)
{
	struct flag flag = { .call.client = { .family = ADDRESS_INET6, .octets = { [10] = 0xff, 0xff, 10, 0, 0, 1 } } };
	const struct network client = flag_client(&flag);

	(void)state;
	assert_int_equal(client.address.family, ADDRESS_INET);
	assert_int_equal(client.prefix_length, 32);
	assert_int_equal(client.address.octets[3], 1);
}

static void an_alert_may_become_a_block(void **state)
{
	(void)state;
	take("evil.com", "192.0.2.1", REACTION_ALERT, NOW);
	assert_true(take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW + 1));
	assert_int_equal(deny_all(1), 1);
}

/* A process may end between a call and its denial. */
static void what_was_due_is_denied_as_the_next_process_has_it(void **state)
{
	const struct flag_limits refusing = { .seconds = 60, .per_minute = 20, .action = ACTION_REFUSE };
	struct override override;
	struct flag *flags, flag;
	size_t all;

	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
	take("evil.com", "192.0.2.2", REACTION_BLOCK, NOW);
	take("evil.com", "192.0.2.3", REACTION_BLOCK, NOW);
	flags = flag_book_copy(book, &all);
	start(state);
	flag_book_limit(book, &refusing);
	flag_book_restore(book, flags, all, NOW + 10);
	free(flags);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(flag_book_due(book, &flag, &override));
		assert_int_equal(override.action, ACTION_REFUSE);
		flag_book_done(book, flag.id, FLAG_DENIED, i + 1, NULL);
	}
	assert_true(flag_book_due(book, &flag, &override));   /* for everybody */
	assert_int_equal(override.action, ACTION_REFUSE);
	assert_int_equal(override.until, NOW + 60);
}

static void several_clients_of_a_small_zone_deny_it_to_all(void **state)
{
	static const struct { uint32_t days, clients; unsigned made; const char *why; } rows[] = {
		{ 1, 4, 4, "it is young" },
		{ 400, 3, 4, "few use it" },
		{ 400, 4, 3, "it is old and many use it" },
	};

	(void)state;
	for (unsigned row = 0; row < 3; row++) {
		start(state);
		for (unsigned client = 0; client < 3; client++) {
			char text[32];
			struct flag_call call;

			snprintf(text, sizeof(text), "192.0.2.%u", client + 1);
			call = make("evil.com", text, REACTION_BLOCK, NOW);
			call.days = rows[row].days;
			call.clients = rows[row].clients;
			flag_book_take(book, &call);
		}
		if (deny_all(1) != rows[row].made)
			fail_msg("%s", rows[row].why);
	}
}

static void two_clients_deny_it_to_nobody_else(void **state)
{
	(void)state;
	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
	take("evil.com", "192.0.2.2", REACTION_BLOCK, NOW);
	assert_int_equal(deny_all(1), 2);
}

static void take_flood(const char *client, int64_t at)
{
	struct flag_call call = make("victim.com", client, REACTION_BLOCK, at);

	call.lead.detector = DETECTOR_RANDOM_SUBDOMAIN;
	call.days = 4000;
	call.clients = 4;
	flag_book_take(book, &call);
}

static void a_flood_is_refused_to_all_for_a_minute(void **state)
{
	struct override override;
	struct flag flag;

	(void)state;
	take_flood("192.0.2.1", NOW);
	take_flood("192.0.2.2", NOW + 5);
	assert_false(flag_book_due(book, &flag, &override));
	take_flood("192.0.2.3", NOW + 10);
	assert_true(flag_book_due(book, &flag, &override));
	assert_int_equal(override.client.address.family, ADDRESS_NONE);
	assert_int_equal(override.action, ACTION_REFUSE);
	assert_int_equal(override.until, NOW + 70);
	assert_int_equal(deny_all(1), 1);
	take_flood("192.0.2.4", NOW + 30);   /* was asked for before */
	assert_false(flag_book_due(book, &flag, &override));
	flag_book_turn(book, NOW + 70);
	assert_int_equal(count(NULL), 4);
	take_flood("192.0.2.1", NOW + 75);
	take_flood("192.0.2.2", NOW + 75);
	assert_true(flag_book_due(book, &flag, &override));   /* the third is the fourth one, 45 s ago */
	assert_int_equal(override.until, NOW + 135);
}

static void a_flood_in_one_name_denies_nobody_anything(void **state)
{
	static const struct { const char *clients[4]; int64_t apart; const char *why; } rows[] = {
		{ { "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1" }, 5, "one client" },
		{ { "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4" }, 5, "one host of IPv6" },
		{ { "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2" }, 5, "two clients" },
		{ { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" }, 60, "each another minute" },
	};

	(void)state;
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		start(state);
		for (unsigned i = 0; i < 4; i++)
			take_flood(rows[row].clients[i], NOW + i * rows[row].apart);
		if (deny_all(1) != 0)
			fail_msg("%s", rows[row].why);
	}
}

static void only_so_many_are_raised_in_a_minute(void **state)
{
	struct flag_counts counts;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "z%u.com", i);
		take(text, "192.0.2.1", REACTION_BLOCK, NOW);
	}
	flag_book_counts(book, &counts);
	assert_int_equal(counts.raised, 20);
	assert_int_equal(counts.held_back, 30);
	assert_true(take("later.com", "192.0.2.1", REACTION_BLOCK, NOW + 60));
}

static void a_flood_fills_the_book_and_no_more(void **state)
{
	const struct flag_limits all = { .seconds = 3600, .per_minute = 10000 };
	struct flag_counts counts;
	char text[32];

	(void)state;
	flag_book_limit(book, &all);
	for (unsigned i = 0; i < FLAGS_MAX + 10; i++) {
		struct flag_call call;

		snprintf(text, sizeof(text), "z%u.com", i);
		call = make(text, "192.0.2.1", REACTION_ALERT, NOW);
		flag_book_take(book, &call);
	}
	flag_book_counts(book, &counts);
	assert_int_equal(counts.in_force, FLAGS_MAX);
	assert_int_equal(counts.full, 10);
}

static void alerts_keep_no_denial_out(void **state)
{
	const struct flag_limits all = { .seconds = 3600, .per_minute = 10000 };
	struct flag_counts counts;
	struct flag flag;
	struct override override;
	char text[32];

	(void)state;
	flag_book_limit(book, &all);
	for (unsigned i = 0; i < FLAGS_MAX; i++) {
		struct flag_call call;

		snprintf(text, sizeof(text), "z%u.com", i);
		call = make(text, "192.0.2.1", REACTION_ALERT, NOW);
		flag_book_take(book, &call);
	}
	assert_true(take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW + 60));
	assert_true(flag_book_due(book, &flag, &override));
	flag_book_counts(book, &counts);
	assert_int_equal(counts.in_force, FLAGS_MAX);
}

static void alerts_do_not_use_up_the_rate_of_denials(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		snprintf(text, sizeof(text), "z%u.com", i);
		take(text, "192.0.2.1", REACTION_ALERT, NOW);
	}
	assert_true(take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW));
}

static void ends_with_its_time(void **state)
{
	(void)state;
	take("evil.com", "192.0.2.1", REACTION_ALERT, NOW);
	flag_book_turn(book, NOW + 3599);
	assert_int_equal(count(NULL), 1);
	flag_book_turn(book, NOW + 3600);
	assert_int_equal(count(NULL), 0);
}

/* A year ahead, and back; and as a file may have it. */
static void lasts_no_longer_for_a_clock_that_was_put_back(void **state)
{
	struct flag kept = { .call = make("kept.com", "192.0.2.1", REACTION_ALERT, NOW), .since = NOW, .last = NOW,
		.until = UINT32_MAX };
	struct flag flag;

	(void)state;
	take("evil.com", "192.0.2.1", REACTION_ALERT, NOW + 31536000);
	flag_book_turn(book, NOW);
	assert_int_equal(count(&flag), 1);
	assert_int_equal(flag.since, NOW);
	assert_int_equal(flag.until, NOW + 3600);
	flag_book_turn(book, NOW + 3600);
	assert_int_equal(count(NULL), 0);
	flag_book_restore(book, &kept, 1, NOW);
	assert_int_equal(count(&flag), 1);
	assert_int_equal(flag.until, NOW + FLAG_SECONDS_MAX);
}

static void lasts_as_long_where_the_clock_is_put(void **state)
{
	static const int64_t puts[] = { 31536000, -31536000, 7200, -7200 };
	int64_t now = NOW;
	struct flag flag;

	(void)state;
	take("evil.com", "192.0.2.1", REACTION_ALERT, NOW);
	for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
		now += puts[i];
		flag_book_shift(book, puts[i]);
		flag_book_turn(book, now + 3599);
		assert_int_equal(count(&flag), 1);
		assert_int_equal(flag.since, now);
		assert_int_equal(flag.until, now + 3600);
	}
	flag_book_turn(book, now + 3600);
	assert_int_equal(count(NULL), 0);
}

static void ends_with_its_override(void **state)
{
	const struct override left = { .id = 2 };

	(void)state;
	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
	take("evil.com", "192.0.2.2", REACTION_BLOCK, NOW);
	take("alert.com", "192.0.2.2", REACTION_ALERT, NOW);
	deny_all(1);
	flag_book_sync(book, &left, 1);
	assert_int_equal(count(NULL), 2);
	flag_book_sync(book, NULL, 0);
	assert_int_equal(count(NULL), 1);
}

static void ends_with_an_allow_that_covers_it(void **state)
{
	static const struct { const char *name, *client; size_t left; const char *why; } rows[] = {
		{ "evil.com", "", 0, "the zone, for everybody" },
		{ "com", "", 0, "what is above it" },
		{ "evil.com", "192.0.2.0/24", 0, "for the client's network" },
		{ "www.evil.com", "", 1, "a name in it: the zone stays" },
		{ "evil.com", "198.51.100.0/24", 1, "for another network" },
		{ "vil.com", "", 1, "another name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct override allow = { .action = ACTION_PASS };

		start(state);
		take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
		assert_null(name_from_text(&allow.name, rows[i].name, strlen(rows[i].name)));
		if (rows[i].client[0] != '\0')
			assert_true(request_network(&allow.client, rows[i].client));
		flag_book_release(book, &allow);
		if (count(NULL) != rows[i].left)
			fail_msg("%s", rows[i].why);
		allow.action = ACTION_NXDOMAIN;
		flag_book_release(book, &allow);
		assert_int_equal(count(NULL), rows[i].left);
	}
}

static void shadow_says_once_what_it_would_deny(void **state)
{
	struct override override;
	struct flag flag;

	(void)state;
	assert_true(take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW));
	assert_true(flag_book_due(book, &flag, &override));
	assert_false(flag.would_deny_said);
	flag_book_done(book, flag.id, FLAG_WOULD_DENY, 0, NULL);
	assert_false(take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW + 30));
	assert_true(flag_book_due(book, &flag, &override));   /* the mode may have changed */
	assert_true(flag.would_deny_said);
}

static void comes_back_as_it_was(void **state)
{
	size_t all;
	struct flag *flags, flag;

	(void)state;
	take("evil.com", "192.0.2.1", REACTION_BLOCK, NOW);
	take("old.com", "192.0.2.1", REACTION_ALERT, NOW - 3000);
	deny_all(5);
	flags = flag_book_copy(book, &all);
	start(state);
	flag_book_restore(book, flags, all, NOW + 700);
	flag_book_restore(book, flags, all, NOW + 700);
	free(flags);
	assert_int_equal(count(&flag), 1);
	assert_int_equal(flag.override, 5);
	assert_int_equal(flag.state, FLAG_DENIED);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, start, end)
	const struct CMUnitTest tests[] = {
		ROW(an_alert_changes_nothing), ROW(the_same_is_one_flag_that_lasts_on),
		ROW(a_block_is_due_for_that_client_alone), ROW(a_host_of_ipv6_is_its_64),
		ROW(but_not_where_it_is_link_local),
		ROW(a_value_that_looks_like_its_threshold_is_not_over_it),
		ROW(a_mapped_client_is_one_host), ROW(an_alert_may_become_a_block),
		ROW(what_was_due_is_denied_as_the_next_process_has_it),
		ROW(several_clients_of_a_small_zone_deny_it_to_all), ROW(two_clients_deny_it_to_nobody_else),
		ROW(a_flood_is_refused_to_all_for_a_minute), ROW(a_flood_in_one_name_denies_nobody_anything),
		ROW(only_so_many_are_raised_in_a_minute), ROW(a_flood_fills_the_book_and_no_more), ROW(alerts_keep_no_denial_out),
		ROW(alerts_do_not_use_up_the_rate_of_denials), ROW(ends_with_its_time),
		ROW(lasts_no_longer_for_a_clock_that_was_put_back), ROW(lasts_as_long_where_the_clock_is_put), ROW(ends_with_its_override), ROW(ends_with_an_allow_that_covers_it), ROW(shadow_says_once_what_it_would_deny),
		ROW(comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
