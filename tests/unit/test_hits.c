/* test_hits.c: cached answers that wait to be counted. */
#include "detect/detect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "detect/look.h"
#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START_S INT64_C(1700000000)

static struct {
	struct detect *detect;
	struct detector_conf conf[DETECTOR_COUNT];
	struct detect_hits hits;
	int64_t now_s;
} here;

static int start(void **state)
{
	static const struct hash_key key = { 1, 2 };
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };

	(void)state;
	memset(&here, 0, sizeof(here));
	detector_conf_defaults(here.conf);
	here.now_s = START_S;
	here.detect = detect_create(&detect_sizes_small, suffix_list(path, "com\norg\n"), &key, START_S * 1000, &diag);
	remove(path);
	return here.detect == NULL ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	detect_destroy(&here.detect);
	return 0;
}

static struct facts facts_of(const char *text)
{
	struct facts facts = { .qtype = RRTYPE_A, .qclass = 1,
		.client = { .family = ADDRESS_INET, .octets = { 192, 0, 2, 1 } } };

	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	return facts;
}

static void look_at(enum answer_path path)
{
	const struct facts facts = facts_of("www.busy.com");
	const struct sight sight = { .facts = &facts, .path = path, .now_ms = here.now_s * 1000, .hits = &here.hits };
	struct detections detections;

	detect_answer(here.detect, here.conf, &sight, &detections);
}

static void hit(unsigned count)
{
	const struct facts facts = facts_of("www.busy.com");

	assert_true(detect_is_hit(&facts, PATH_CACHED));
	while (count-- > 0)
		detect_hit(here.detect, &here.hits, &facts, here.now_s);
}

/* Of the zone; *answers are the client's. */
static unsigned counted(unsigned *answers)
{
	const struct facts facts = facts_of("www.busy.com");
	const uint64_t hash = suffix_find(here.detect->suffixes, &facts.qname).zone;
	const uint64_t client_hash = look_hash_client(here.detect, &facts.client);
	const struct zone *zone = table_find(here.detect->zones, hash);
	const struct client *client = table_find(here.detect->clients, client_hash);
	const unsigned hits = zone->hits;

	*answers = client->answers;
	table_leave(here.detect->zones, hash);
	table_leave(here.detect->clients, client_hash);
	return hits;
}

static void check(unsigned hits)
{
	unsigned answers;

	assert_int_equal(counted(&answers), hits * HITS_SAMPLED);
	assert_int_equal(answers, 1 + hits * HITS_SAMPLED);
}

static void count_as_much_as_one_that_is_looked_at(void **state)
{
	(void)state;
	look_at(PATH_RESOLVED);
	look_at(PATH_CACHED);
	check(1);
	hit(DETECT_HITS_MAX);
	check(1 + DETECT_HITS_MAX);
}

static void wait_until_there_are_enough(void **state)
{
	(void)state;
	look_at(PATH_RESOLVED);
	hit(DETECT_HITS_MAX - 1);
	check(0);
	hit(1);
	check(DETECT_HITS_MAX);
	assert_int_equal(here.hits.count, 0);
}

static void come_before_the_next_answer(void **state)
{
	(void)state;
	look_at(PATH_RESOLVED);
	hit(3);
	here.now_s += 59;
	look_at(PATH_CACHED);
	check(3 + 1);
	assert_int_equal(here.hits.count, 0);
}

static void of_another_time_count_for_nothing(void **state)
{
	(void)state;
	look_at(PATH_RESOLVED);
	hit(3);
	here.now_s += 60;
	look_at(PATH_CACHED);
	check(1);
	assert_int_equal(here.hits.count, 0);
}

static void of_a_clock_put_back_count_for_nothing(void **state)
{
	unsigned answers;

	(void)state;
	look_at(PATH_RESOLVED);
	hit(3);
	here.now_s -= 1;
	look_at(PATH_CACHED);
	assert_int_equal(counted(&answers), HITS_SAMPLED);
	assert_int_equal(here.hits.count, 0);
}

static void what_can_be_more_is_none(void **state)
{
	const struct { uint16_t qtype, rcode; enum answer_path path; const char *why; } rows[] = {
		{ RRTYPE_A, 0, PATH_RESOLVED, "it was resolved just now" },
		{ RRTYPE_A, 2, PATH_SERVFAIL, "it could not be resolved" },
		{ RRTYPE_A, 3, PATH_CACHED, "there is no such name" },
		{ RRTYPE_TXT, 0, PATH_CACHED, "it may carry data" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = facts_of("www.busy.com");

		facts.qtype = rows[i].qtype;
		facts.rcode = rows[i].rcode;
		if (detect_is_hit(&facts, rows[i].path))
			fail_msg("%s", rows[i].why);
	}
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, start, end)
	const struct CMUnitTest tests[] = {
		WITH(count_as_much_as_one_that_is_looked_at),
		WITH(wait_until_there_are_enough),
		WITH(come_before_the_next_answer),
		WITH(of_another_time_count_for_nothing),
		WITH(of_a_clock_put_back_count_for_nothing),
		WITH(what_can_be_more_is_none),
	};

	return cmocka_run_group_tests_name("hits", tests, NULL, NULL);
}
