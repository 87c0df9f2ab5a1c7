/* test_loader.c: changing the policy of a running resolver, with a resolver of the test's own. */
#include "control/loader.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/held_load.h"
#include "tests/unit/loading.h"
#include "tests/unit/own_threads.h"

static bool gets_said(struct bench *bench, const char *text)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (fake_host_said(bench->fake, text))
			return true;
		sleep_ms(10);
	}
	print_message("# log: %s\n", bench->fake->log);
	return false;
}

static void starts_with_what_the_files_say(void **state)
{
	struct loader_view view;
	struct bench bench;

	(void)state;
	setup(&bench, "");
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_ALLOW);
	loader_lock(bench.loader, &view);
	assert_int_equal(view.good->number, 1);
	assert_int_equal(view.good->rules, 21);
	assert_int_equal(view.load_count, 1);
	assert_false(view.held);
	loader_unlock(bench.loader);
	assert_true(fake_host_said(bench.fake, "policy 1 (start): 1 lists, 21 rules, 0 skipped"));
	teardown(&bench);
}

static void does_not_start_with_nothing(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	loader_stop(bench.loader, PATIENCE_MS);
	loader_destroy(&bench.loader);
	write_file(&bench, "verdict.conf", "verdict:\n\tmode: maybe\n");
	assert_null(create(&bench, NULL));
	assert_non_null(strstr(bench.diag.text, "verdict.conf:2:8: "));
	teardown(&bench);
}

static void a_command_loads_what_is_new(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_list(&bench, "two.example", 20);
	report = load(&bench, false);
	assert_string_equal(report.error, "");
	assert_int_equal(report.number, 2);
	assert_int_equal(report.rules, 21);
	assert_int_equal(report.sweep.messages, 10);
	assert_true(report.phase_us[PHASE_BUILD] > 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_ALLOW);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void what_is_wrong_keeps_the_old_policy(void **state)
{
	static const struct {
		const char *why, *conf, *list, *says;
	} rows[] = {
		{ "a wrong value", "\tmode: maybe\n", NULL, "verdict.conf:4:" },
		{ "an unknown option", "\tnmae: x\n", NULL, "verdict.conf:4:" },
		{ "a web page", "", "<!DOCTYPE html>\n<html><head><title>503</title>\n", "one.txt" },
		{ "an empty list", "", "# nothing\n", "one.txt" },
		{ "a list that lost most of its rules", "", "two.example\n", "has 1 rules, at the last load it had 21" },
	};
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_report report;

		write_conf(&bench, rows[i].conf);
		if (rows[i].list != NULL)
			write_file(&bench, "one.txt", rows[i].list);
		report = load(&bench, false);
		if (report.number != 0 || strstr(report.error, rows[i].says) == NULL)
			fail_msg("%s: policy %llu, error %s", rows[i].why, (unsigned long long)report.number, report.error);
		assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	}
	assert_int_equal(fake_host_publishes(bench.fake), 1);
	assert_true(fake_host_said(bench.fake, "error: not loaded (command), policy 1 stays in force: "));
	teardown(&bench);
}

static void says_what_has_to_wait(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_conf(&bench, "\tidentity: other\n\tcontrol-user: root\n");
	report = load(&bench, false);
	assert_string_equal(report.restart, "identity, control-user");
	assert_int_equal(report.number, 2);
	write_conf(&bench, "\tprotected-name: bank.com\ndetection:\n\tflag-time: 90\n");
	report = load(&bench, false);
	assert_string_equal(report.restart, "detection, protected names, to the detectors");
	teardown(&bench);
}

static void goes_back_without_files_and_forth_again(void **state)
{
	struct loader_view view;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	assert_int_equal(go_back(&bench, 0).number, 0);
	write_list(&bench, "two.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	write_file(&bench, "one.txt", "");
	assert_int_equal(go_back(&bench, 0).number, 1);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	loader_lock(bench.loader, &view);
	assert_true(view.held);
	assert_int_equal(view.kept_count, 1);
	assert_int_equal(view.kept[0], 2);
	assert_int_equal(view.good->number, 1);
	loader_unlock(bench.loader);
	assert_int_equal(go_back(&bench, 2).number, 2);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	assert_non_null(strstr(go_back(&bench, 7).error, "policy 7 is not kept"));
	teardown(&bench);
}

static void count_told(void *arg)
{
	++*(unsigned *)arg;
}

static void says_when_another_policy_is_in_force(void **state)
{
	const struct override allow = override_of("one.example", ACTION_PASS);
	struct load_report report;
	struct bench bench;
	unsigned told = 0;

	(void)state;
	setup(&bench, "\twatch: no\n");
	loader_tell(bench.loader, count_told, &told);
	write_list(&bench, "two.example", 20);
	load(&bench, false);
	assert_int_equal(told, 1);
	write_conf(&bench, "\tmode: maybe\n");
	assert_int_equal(load(&bench, false).number, 0);
	assert_int_equal(told, 1);
	assert_int_equal(loader_set_overrides(bench.loader, &allow, 1, &report), 0);
	assert_int_equal(told, 1);
	go_back(&bench, 0);
	assert_int_equal(told, 2);
	loader_tell(bench.loader, NULL, NULL);
	go_back(&bench, 2);
	assert_int_equal(told, 2);
	teardown(&bench);
}

static void the_one_before_is_kept_though_the_clock_goes_back(void **state)
{
	struct loader_view view;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	own_clock_put_on(7200);
	for (unsigned number = 2; number < 6; number++) {
		write_list(&bench, number % 2 == 0 ? "two.example" : "three.example", 20);
		assert_int_equal(load(&bench, false).number, number);
		own_clock_put_on(0);
	}
	loader_lock(bench.loader, &view);
	assert_int_equal(view.kept[0], 4);
	loader_unlock(bench.loader);
	assert_int_equal(go_back(&bench, 0).number, 4);
	teardown(&bench);
}

static void nothing_is_loaded_by_itself_after_going_back(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	write_list(&bench, "two.example", 20);
	assert_true(becomes(&bench, "two.example", ACTION_REFUSE));
	assert_int_equal(go_back(&bench, 0).number, 1);
	write_list(&bench, "three.example", 20);
	assert_true(gets_said(&bench, "policy 1 was gone back to, and stays until `verdictctl reload`"));
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	loader_stop(bench.loader, PATIENCE_MS);
	bench.loader = create(&bench, bench.loader);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	assert_true(load(&bench, false).number > 2);
	assert_int_equal(fake_host_asks(bench.fake, "three.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void changed_files_are_loaded(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	write_list(&bench, "two.example", 20);
	assert_true(becomes(&bench, "two.example", ACTION_REFUSE));
	write_file(&bench, "one.txt", "# gone\n");
	assert_true(gets_said(&bench, "not loaded (files changed)"));
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	write_list(&bench, "three.example", 20);
	assert_true(becomes(&bench, "three.example", ACTION_REFUSE));
	write_conf(&bench, "\tmode: maybe\n");
	assert_true(gets_said(&bench, "verdict.conf:4:"));
	write_conf(&bench, "\tmode: shadow\n");
	assert_true(becomes(&bench, "three.example", ACTION_ALLOW));
	teardown(&bench);
}

static void many_changes_are_one_load(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	own_clock_stop();
	/* Each of another size: two that follow one another within a tick of the file system's clock are two. */
	for (unsigned i = 0; i < 200; i++) {
		write_list(&bench, "storm.example", 21 + i);
		write_conf(&bench, "");
		own_clock_move(100);
		sleep_ms(2);
	}
	assert_int_equal(fake_host_publishes(bench.fake), 1);
	for (unsigned ms = 0; ms < PATIENCE_MS && fake_host_publishes(bench.fake) == 1; ms += 10) {
		own_clock_move(100);
		sleep_ms(10);
	}
	assert_int_equal(fake_host_asks(bench.fake, "storm.example"), ACTION_REFUSE);
	assert_int_equal(fake_host_asks(bench.fake, "name219.example"), ACTION_REFUSE);
	for (unsigned i = 0; i < 100; i++) {
		own_clock_move(1000);
		sleep_ms(10);
	}
	assert_int_equal(fake_host_publishes(bench.fake), 2);
	teardown(&bench);
}

/* An SOA that is as old as the file, and expires after an hour. */
static void write_zone(const struct bench *bench)
{
	write_file(bench, "zone.rpz", "$TTL 60\n$ORIGIN rpz.\n@ SOA . . 1 60 60 3600 60\n@ NS .\n"
		"brief.example CNAME .\n");
}

static void a_list_that_expires_is_loaded_again(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	write_zone(&bench);
	write_conf(&bench, "\twatch: no\npolicy-list:\n\tname: zone\n\tfile: zone.rpz\n\tformat: rpz\n\texpire: withdraw\n");
	assert_string_equal(load(&bench, false).error, "");
	assert_int_equal(fake_host_asks(bench.fake, "brief.example"), ACTION_NXDOMAIN);
	own_clock_put_on(3599);
	/* Else it looks at the wall clock, which has jumped, only after a while. */
	loader_sweep_soon(bench.loader);
	assert_true(becomes(&bench, "brief.example", ACTION_ALLOW));
	assert_true(gets_said(&bench, "(a list expired)"));
	sleep_ms(300);
	assert_int_equal(fake_host_publishes(bench.fake), 3);
	teardown(&bench);
}

static unsigned sweeps_of(struct bench *bench)
{
	unsigned sweeps;

	pthread_mutex_lock(&bench->fake->lock);
	sweeps = bench->fake->sweeps;
	pthread_mutex_unlock(&bench->fake->lock);
	return sweeps;
}

static bool comes_to_sweeps(struct bench *bench, unsigned count)
{
	for (unsigned ms = 0; ms < PATIENCE_MS && sweeps_of(bench) < count; ms += 10)
		sleep_ms(10);
	return sweeps_of(bench) == count;
}

static void sweeps_when_asked_and_not_all_the_time(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	own_clock_stop();
	sleep_ms(50);
	assert_int_equal(sweeps_of(&bench), 0);
	loader_sweep_soon(bench.loader);
	assert_true(comes_to_sweeps(&bench, 1));
	for (unsigned i = 0; i < 20; i++) {
		loader_sweep_soon(bench.loader);
		sleep_ms(10);
	}
	assert_int_equal(sweeps_of(&bench), 1);
	own_clock_move(5000);
	loader_sweep_soon(bench.loader);
	assert_true(comes_to_sweeps(&bench, 2));
	teardown(&bench);
}

static void an_incomplete_sweep_is_tried_again(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	pthread_mutex_lock(&bench.fake->lock);
	bench.fake->incomplete = true;
	pthread_mutex_unlock(&bench.fake->lock);
	write_list(&bench, "two.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	for (unsigned ms = 0; ms < PATIENCE_MS && sweeps_of(&bench) == 0; ms += 10)
		sleep_ms(10);
	assert_true(sweeps_of(&bench) > 0);
	teardown(&bench);
}

static void unchanged_files_are_not_read_again(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	for (unsigned i = 0; i < 20; i++) {
		loader_stop(bench.loader, PATIENCE_MS);
		bench.loader = create(&bench, bench.loader);
		assert_non_null(bench.loader);
		assert_string_equal(bench.diag.text, "");
	}
	assert_int_equal(fake_host_publishes(bench.fake), 1);
	loader_stop(bench.loader, PATIENCE_MS);
	write_list(&bench, "two.example", 20);
	bench.loader = create(&bench, bench.loader);
	assert_int_equal(fake_host_publishes(bench.fake), 2);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void a_bad_start_again_keeps_the_last_good_policy(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	for (unsigned i = 0; i < 10; i++) {
		loader_stop(bench.loader, PATIENCE_MS);
		write_conf(&bench, i % 2 == 0 ? "\tmode: maybe\n" : "\twatch: no\n");
		bench.loader = create(&bench, bench.loader);
		assert_non_null(bench.loader);
		assert_int_equal(bench.diag.text[0] != '\0', i % 2 == 0);
		assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	}
	teardown(&bench);
}

static void *load_for_ever(void *arg)
{
	struct bench *bench = arg;
	const struct load_request request = { .cause = CAUSE_COMMAND };
	struct load_report report;

	while (loader_request(bench->loader, &request, &report) == 0)
		;
	assert_string_equal(report.error, "the resolver is ending");
	return NULL;
}

static void ends_in_the_middle_of_a_load(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "");
	write_list(&bench, "two.example", 200000);
	for (unsigned i = 0; i < 10; i++) {
		const bool held = i % 2 == 0;
		pthread_t thread;

		if (held)
			held_load_shut();
		assert_int_equal(pthread_create(&thread, NULL, load_for_ever, &bench), 0);
		if (held)
			assert_true(held_load_stands());
		else
			sleep_ms(20 + i * 10);
		loader_stop(bench.loader, PATIENCE_MS * 2);
		if (held)
			assert_true(held_load_open());
		pthread_join(thread, NULL);
		bench.loader = create(&bench, bench.loader);
		assert_non_null(bench.loader);
	}
	teardown(&bench);
}

static struct loader *volatile left_behind;

static void a_thread_that_hangs_is_left_behind(void **state)
{
	const struct load_request request = { .cause = CAUSE_COMMAND };
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_list(&bench, "two.example", 20);
	fake_host_set_hangs(bench.fake, true);
	assert_int_equal(loader_request(bench.loader, &request, NULL), 0);
	assert_true(fake_host_comes_to_hang(bench.fake, PATIENCE_MS));
	loader_stop(bench.loader, 50);
	assert_int_equal(loader_request(bench.loader, &request, NULL), -1);
	assert_int_equal(own_threads("verdict-load"), 1);
	fake_host_set_hangs(bench.fake, false);
	assert_true(own_threads_end("verdict-load"));
	bench.loader = create(&bench, bench.loader);
	assert_non_null(bench.loader);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	/* It is not freed: the thread might have come back to it. */
	left_behind = bench.loader;
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_what_the_files_say),
		cmocka_unit_test(does_not_start_with_nothing),
		cmocka_unit_test(a_command_loads_what_is_new),
		cmocka_unit_test(what_is_wrong_keeps_the_old_policy),
		cmocka_unit_test(says_what_has_to_wait),
		cmocka_unit_test(the_one_before_is_kept_though_the_clock_goes_back),
		cmocka_unit_test(goes_back_without_files_and_forth_again),
		cmocka_unit_test(says_when_another_policy_is_in_force),
		cmocka_unit_test(nothing_is_loaded_by_itself_after_going_back),
		cmocka_unit_test(changed_files_are_loaded),
		cmocka_unit_test(many_changes_are_one_load),
		cmocka_unit_test(a_list_that_expires_is_loaded_again),
		cmocka_unit_test(sweeps_when_asked_and_not_all_the_time),
		cmocka_unit_test(an_incomplete_sweep_is_tried_again),
		cmocka_unit_test(unchanged_files_are_not_read_again),
		cmocka_unit_test(a_bad_start_again_keeps_the_last_good_policy),
		cmocka_unit_test(ends_in_the_middle_of_a_load),
		cmocka_unit_test(a_thread_that_hangs_is_left_behind),
	};

	return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
