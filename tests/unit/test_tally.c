/* test_tally.c: counters of lists. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/tally.h"

static struct tally_row rows[TALLY_ROWS_MAX];

static struct verdict decided(const char *list, enum action action, enum trigger trigger)
{
	struct verdict verdict = { .action = action };

	verdict.rule.trigger = trigger;
	snprintf(verdict.rule.list, sizeof(verdict.rule.list), "%s", list);
	return verdict;
}

static void counts_by_list_action_and_trigger(void **state)
{
	struct tally *tally = tally_create();
	struct verdict verdict = decided("malware", ACTION_NXDOMAIN, TRIGGER_QNAME), plain = { .action = ACTION_ALLOW };

	(void)state;
	tally_note(tally, 0, &plain);
	assert_int_equal(tally_rows(tally, rows, TALLY_ROWS_MAX), 0);
	tally_note(tally, 0, &verdict);
	tally_note(tally, 255, &verdict);
	tally_note(tally, 256, &verdict);
	verdict = decided("malware", ACTION_NXDOMAIN, TRIGGER_IP);
	tally_note(tally, 0, &verdict);
	verdict = decided("ads", ACTION_REFUSE, TRIGGER_QNAME);
	tally_note(tally, 0, &verdict);
	assert_int_equal(tally_rows(tally, rows, TALLY_ROWS_MAX), 3);
	assert_string_equal(rows[0].list, "ads");
	assert_int_equal(rows[1].trigger, TRIGGER_QNAME);
	assert_int_equal(rows[1].count, 2);
	assert_int_equal(rows[2].trigger, TRIGGER_IP);
	assert_int_equal(rows[2].count, 1);
	tally_destroy(&tally);
	assert_null(tally);
}

static void counts_shadow_beside_what_decided(void **state)
{
	struct tally *tally = tally_create();
	struct verdict verdict = decided("real", ACTION_PASS, TRIGGER_QNAME);

	(void)state;
	verdict.shadow = decided("trial", ACTION_ALLOW, TRIGGER_IP).rule;
	verdict.shadow.action = ACTION_DROP;
	tally_note(tally, 3, &verdict);
	assert_int_equal(tally_rows(tally, rows, TALLY_ROWS_MAX), 2);
	assert_false(rows[0].shadow);
	assert_int_equal(rows[0].action, ACTION_PASS);
	assert_true(rows[1].shadow);
	assert_int_equal(rows[1].action, ACTION_DROP);
	verdict = decided("trial", ACTION_DROP, TRIGGER_IP);
	tally_note(tally, 3, &verdict);
	assert_int_equal(tally_rows(tally, rows, TALLY_ROWS_MAX), 3);
	tally_destroy(&tally);
}

static void counts_the_rest_when_full(void **state)
{
	struct tally *tally = tally_create();
	uint64_t sum = 0, rest = 0;
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 3 * TALLY_ROWS_MAX; i++) {
		struct verdict verdict;

		snprintf(name, sizeof(name), "list%u", i);
		verdict = decided(name, ACTION_NXDOMAIN, TRIGGER_QNAME);
		tally_note(tally, 0, &verdict);
	}
	assert_int_equal(tally_rows(tally, rows, TALLY_ROWS_MAX), TALLY_ROWS_MAX);
	for (unsigned i = 0; i < TALLY_ROWS_MAX; i++) {
		sum += rows[i].count;
		if (strcmp(rows[i].list, TALLY_REST) == 0)
			rest = rows[i].count;
	}
	assert_int_equal(sum, 3 * TALLY_ROWS_MAX);
	assert_int_equal(rest, 2 * TALLY_ROWS_MAX + 1);
	tally_destroy(&tally);
}

static void *note_many(void *arg)
{
	struct verdict verdict;
	char name[16];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "list%u", i % 50);
		verdict = decided(name, ACTION_NXDOMAIN, TRIGGER_QNAME);
		tally_note(arg, 9, &verdict);
	}
	return NULL;
}

static void is_read_while_a_worker_counts(void **state)
{
	struct tally *tally = tally_create();
	uint64_t sum = 0;
	pthread_t worker;
	size_t count;

	(void)state;
	assert_int_equal(pthread_create(&worker, NULL, note_many, tally), 0);
	for (unsigned i = 0; i < 20; i++) {
		count = tally_rows(tally, rows, TALLY_ROWS_MAX);
		for (size_t at = 0; at < count; at++)
			assert_int_equal(strncmp(rows[at].list, "list", 4), 0);
	}
	pthread_join(worker, NULL);
	count = tally_rows(tally, rows, TALLY_ROWS_MAX);
	assert_int_equal(count, 50);
	for (size_t at = 0; at < count; at++)
		sum += rows[at].count;
	assert_int_equal(sum, 20000);
	tally_destroy(&tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_list_action_and_trigger),
		cmocka_unit_test(counts_shadow_beside_what_decided),
		cmocka_unit_test(counts_the_rest_when_full),
		cmocka_unit_test(is_read_while_a_worker_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
