/* test_heartbeat.c: what a heartbeat says is what was counted, in JSON that a library reads. */
#include "dnstap/heartbeat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static char text[HEARTBEAT_OCTETS_MAX];

static json_t *load(size_t octets)
{
	json_t *json = json_loadb(text, octets, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static long long number(const json_t *json, const char *outer, const char *key)
{
	const json_t *from = outer ? json_object_get(json, outer) : json, *value = json_object_get(from, key);

	assert_non_null(value);
	return json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
}

static void says_what_was_counted(void **state)
{
	static const struct heartbeat_worker workers[] = { { 0, { 5000, 0, 2, 0 } }, { 7, { 9007199254740991, 30, 4, 1 } } };
	struct tap_counts counts = { .dropped_ring = 1, .dropped_spool = 2, .recovered = 3, .damaged = 4, .durable = true,
		.spool = { .octets_file = 100, .octets_memory = 50, .recovered = 10, .damaged = 20, .errors = 6 },
		.target_count = 1, .targets = { { "siem \"1\"", { .up = true, .written = 11, .lost = 12, .unsure = 13,
			.waiting_ms = 1400 } } } };
	const struct heartbeat heartbeat = { .boot = 0xabc, .number = 42, .interval_ms = 10000, .workers = workers,
		.worker_count = 2, .counts = &counts };
	json_t *json = load(heartbeat_write(&heartbeat, text, sizeof(text)));
	const json_t *target = json_array_get(json_object_get(json, "targets"), 0);
	const json_t *worker = json_array_get(json_object_get(json, "workers"), 1);

	(void)state;
	assert_int_equal(number(json, NULL, "v"), 1);
	assert_string_equal(json_string_value(json_object_get(json, "boot")), "000000000abc");
	assert_int_equal(number(json, NULL, "heartbeat"), 42);
	assert_int_equal(number(json, NULL, "interval_ms"), 10000);
	assert_int_equal(json_array_size(json_object_get(json, "workers")), 2);
	assert_int_equal(number(worker, NULL, "worker"), 7);
	assert_int_equal(number(worker, NULL, "seq"), 9007199254740991);
	assert_int_equal(number(worker, NULL, "left_out"), 30);
	assert_int_equal(number(worker, NULL, "dropped"), 5);
	assert_int_equal(number(json, "dropped", "ring"), 1);
	assert_int_equal(number(json, "dropped", "spool"), 2);
	assert_int_equal(number(json, "spool", "durable"), 1);
	assert_int_equal(number(json, "spool", "octets"), 150);
	assert_int_equal(number(json, "spool", "recovered"), 13);
	assert_int_equal(number(json, "spool", "damaged"), 24);
	assert_int_equal(number(json, "spool", "errors"), 6);
	assert_string_equal(json_string_value(json_object_get(target, "name")), "siem \"1\"");
	assert_int_equal(number(target, NULL, "up"), 1);
	assert_int_equal(number(target, NULL, "lost"), 12);
	assert_int_equal(number(target, NULL, "unsure"), 13);
	assert_int_equal(number(target, NULL, "waiting_ms"), 1400);
	json_decref(json);
}

static void all_workers_and_targets_fit(void **state)
{
	static struct heartbeat_worker workers[TAP_WORKERS_MAX];
	static struct tap_counts counts = { .target_count = TAP_TARGETS_MAX };
	const struct heartbeat heartbeat = { .boot = 0xffffffffffff, .number = INT64_MAX, .interval_ms = UINT32_MAX,
		.workers = workers, .worker_count = TAP_WORKERS_MAX, .counts = &counts };
	size_t octets;
	unsigned i;

	(void)state;
	for (i = 0; i < TAP_WORKERS_MAX; i++)
		workers[i] = (struct heartbeat_worker){ UINT16_MAX, { INT64_MAX, INT64_MAX, INT64_MAX, 0 } };
	for (i = 0; i < TAP_TARGETS_MAX; i++) {
		memset(counts.targets[i].name, '"', sizeof(counts.targets[i].name) - 1);
		counts.targets[i].counts = (struct target_counts){ .written = INT64_MAX, .lost = INT64_MAX,
			.unsure = INT64_MAX, .waiting_ms = INT64_MAX };
	}
	octets = heartbeat_write(&heartbeat, text, sizeof(text));
	assert_in_range(octets, 1, sizeof(text));
	json_decref(load(octets));
}

static void what_does_not_fit_is_nothing(void **state)
{
	static struct tap_counts counts;
	const struct heartbeat heartbeat = { .counts = &counts };
	const struct heartbeat_former former = { .origin = { 1, 2 } };

	(void)state;
	assert_int_equal(heartbeat_write(&heartbeat, text, 40), 0);
	assert_int_equal(heartbeat_write_former(&former, text, 40), 0);
}

static void says_what_a_former_process_left(void **state)
{
	const struct heartbeat_former former = { .origin = { 0x123456789abc, 9 }, .tally = { 100, 20, 3, 4 },
		.recovered = 60, .damaged = true };
	json_t *json = load(heartbeat_write_former(&former, text, sizeof(text)));

	(void)state;
	assert_string_equal(json_string_value(json_object_get(json, "boot")), "123456789abc");
	assert_int_equal(number(json, "former", "worker"), 9);
	assert_int_equal(number(json, "former", "seq"), 100);
	assert_int_equal(number(json, "former", "dropped"), 7);
	assert_int_equal(number(json, "former", "recovered"), 60);
	assert_int_equal(number(json, "former", "damaged"), 1);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_was_counted),
		cmocka_unit_test(all_workers_and_targets_fit),
		cmocka_unit_test(what_does_not_fit_is_nothing),
		cmocka_unit_test(says_what_a_former_process_left),
	};

	return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
