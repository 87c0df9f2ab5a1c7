/* test_recent.c: what is kept of the questions asked lately. */
#include "control/recent.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct seen {
	unsigned questions, wrong, matching;
	uint32_t count;
	const char *wanted;
	uint16_t qtype;
	char group[LIST_NAME_MAX];
	unsigned most;         /* ends the visit; 0: never */
};

static struct name name_of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static bool see(void *arg, const struct recent_question *question)
{
	struct seen *seen = arg;
	char text[NAME_TEXT_MAX];

	seen->questions++;
	if (seen->wanted != NULL && strcmp(name_to_text(&question->qname, text), seen->wanted) == 0) {
		seen->matching++;
		seen->qtype = question->qtype;
		strcpy(seen->group, question->group);
		seen->count = question->count;
	}
	return seen->most == 0 || seen->questions < seen->most;
}

static struct seen look(const struct recent *recent, const char *wanted)
{
	struct seen seen = { .wanted = wanted };

	recent_visit(recent, see, &seen);
	return seen;
}

static void note(struct recent *recent, unsigned worker, const char *text, uint16_t qtype, const char *group,
	unsigned times)
{
	const struct name name = name_of(text);

	for (unsigned i = 0; i < times * RECENT_EVERY; i++)
		recent_note(recent, worker, &name, qtype, group);
}

static void notes_one_call_in_so_many(void **state)
{
	struct recent *recent = recent_create();
	const struct name name = name_of("www.example");

	(void)state;
	for (unsigned i = 0; i + 1 < RECENT_EVERY; i++)
		recent_note(recent, 0, &name, 1, "");
	assert_int_equal(look(recent, NULL).questions, 0);
	recent_note(recent, 0, &name, 1, "");
	assert_int_equal(look(recent, NULL).questions, 1);
	recent_destroy(&recent);
	assert_null(recent);
}

static void keeps_name_type_group_and_count(void **state)
{
	struct recent *recent = recent_create();
	struct seen seen;

	(void)state;
	note(recent, 3, "a.long.name.of.some.labels.example", 28, "branch", 4);
	seen = look(recent, "a.long.name.of.some.labels.example");
	assert_int_equal(seen.matching, 1);
	assert_int_equal(seen.qtype, 28);
	assert_string_equal(seen.group, "branch");
	assert_int_equal(seen.count, 4);
	recent_destroy(&recent);
}

static void tells_types_groups_and_workers_apart(void **state)
{
	struct recent *recent = recent_create();

	(void)state;
	note(recent, 0, "www.example", 1, "", 1);
	note(recent, 0, "www.example", 28, "", 1);
	note(recent, 0, "www.example", 1, "kids", 1);
	note(recent, 1, "www.example", 1, "", 1);
	assert_int_equal(look(recent, "www.example").matching, 4);
	recent_destroy(&recent);
}

static void cuts_what_is_no_name_of_a_group(void **state)
{
	static const char octets[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct recent *recent = recent_create();

	(void)state;
	note(recent, 0, "www.example", 1, octets, 1);
	assert_int_equal(strlen(look(recent, "www.example").group), LIST_NAME_MAX - 1);
	recent_destroy(&recent);
}

static void makes_room_for_what_is_asked_now(void **state)
{
	struct recent *recent = recent_create();
	char text[64];

	(void)state;
	for (unsigned i = 0; i < RECENT_PLACES * 8; i++) {
		snprintf(text, sizeof(text), "name%u.example", i);
		note(recent, 0, text, 1, "", 1);
	}
	assert_in_range(look(recent, NULL).questions, RECENT_PLACES / 2, RECENT_PLACES);
	assert_int_equal(look(recent, text).matching, 1);
	recent_destroy(&recent);
}

static void takes_no_worker_that_is_not_there(void **state)
{
	struct recent *recent = recent_create();

	(void)state;
	note(recent, RECENT_WORKERS_MAX, "www.example", 1, "", 1);
	note(recent, RECENT_WORKERS_MAX - 1, "www.example", 1, "", 1);
	assert_int_equal(look(recent, NULL).questions, 1);
	recent_destroy(&recent);
}

static void a_visitor_ends_the_visit(void **state)
{
	struct recent *recent = recent_create();
	struct seen seen = { .most = 1 };

	(void)state;
	note(recent, 0, "one.example", 1, "", 1);
	note(recent, 1, "two.example", 1, "", 1);
	recent_visit(recent, see, &seen);
	assert_int_equal(seen.questions, 1);
	recent_destroy(&recent);
}

/* --- while it is written ------------------------------------------------------------------------------------------ */

struct race {
	struct recent *recent;
	_Atomic bool end;
};

/* Each name and group says its own type, so that a torn one shows. */
static void *write_on(void *arg)
{
	struct race *race = arg;
	char text[128], group[LIST_NAME_MAX];

	for (unsigned i = 0; !atomic_load(&race->end); i = (i + 1) % 5000) {
		struct name name;

		snprintf(text, sizeof(text), "type%u.%.*s.example", i, (int)(i % 50) + 1,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		name_from_text(&name, text, strlen(text));
		snprintf(group, sizeof(group), "%0*u", (int)(i % 50) + 4, i);
		for (unsigned call = 0; call < RECENT_EVERY; call++)
			recent_note(race->recent, 0, &name, (uint16_t)i, group);
	}
	return NULL;
}

static bool check(void *arg, const struct recent_question *question)
{
	struct seen *seen = arg;
	char text[NAME_TEXT_MAX], wanted[32];

	snprintf(wanted, sizeof(wanted), "type%u.", question->qtype);
	name_to_text(&question->qname, text);
	seen->questions++;
	seen->wrong += strncmp(text, wanted, strlen(wanted)) != 0 ||
		strlen(question->group) != question->qtype % 50u + 4 || strtoul(question->group, NULL, 10) != question->qtype;
	return true;
}

static void a_reader_never_sees_a_torn_question(void **state)
{
	struct race race = { .recent = recent_create() };
	struct seen seen = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, write_on, &race), 0);
	for (unsigned i = 0; i < 500 || seen.questions < 100000; i++)
		recent_visit(race.recent, check, &seen);
	atomic_store(&race.end, true);
	pthread_join(thread, NULL);
	assert_int_equal(seen.wrong, 0);
	recent_destroy(&race.recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_one_call_in_so_many),
		cmocka_unit_test(keeps_name_type_group_and_count),
		cmocka_unit_test(tells_types_groups_and_workers_apart),
		cmocka_unit_test(cuts_what_is_no_name_of_a_group),
		cmocka_unit_test(makes_room_for_what_is_asked_now),
		cmocka_unit_test(takes_no_worker_that_is_not_there),
		cmocka_unit_test(a_visitor_ends_the_visit),
		cmocka_unit_test(a_reader_never_sees_a_torn_question),
	};

	return cmocka_run_group_tests_name("recent", tests, NULL, NULL);
}
