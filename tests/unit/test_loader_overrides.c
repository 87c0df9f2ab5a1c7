/* test_loader_overrides.c: overrides beside the policy that is loaded. */
#include "control/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/held_load.h"
#include "tests/unit/loading.h"

static void overrides_come_before_every_policy(void **state)
{
	struct override all[2] = { override_of("one.example", ACTION_PASS), override_of("bad.test", ACTION_NXDOMAIN) };
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	assert_int_equal(loader_set_overrides(bench.loader, all, 2, &report), 0);
	assert_int_equal(report.number, 1);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	assert_int_equal(fake_host_asks(bench.fake, "www.bad.test"), ACTION_NXDOMAIN);
	write_list(&bench, "two.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	assert_int_equal(fake_host_asks(bench.fake, "www.bad.test"), ACTION_NXDOMAIN);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	assert_int_equal(go_back(&bench, 0).number, 1);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	assert_int_equal(loader_set_overrides(bench.loader, NULL, 0, &report), 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	assert_int_equal(fake_host_asks(bench.fake, "www.bad.test"), ACTION_ALLOW);
	teardown(&bench);
}

#define BLOCKS "\twatch: no\ndetector:\n\tname: tunnel\n\taction: block\n"

static void what_a_detector_denies_ends_with_its_action(void **state)
{
	struct override all[2] = { override_of("bad.test", ACTION_NXDOMAIN), override_of("two.test", ACTION_NXDOMAIN) };
	struct load_report report;
	struct bench bench;

	(void)state;
	strcpy(all[1].who, OVERRIDE_WHO_DETECTOR "tunnel");
	setup(&bench, BLOCKS);
	assert_int_equal(loader_set_overrides(bench.loader, all, 2, &report), 0);
	assert_int_equal(fake_host_asks(bench.fake, "www.two.test"), ACTION_NXDOMAIN);
	write_conf(&bench, "\twatch: no\ndetector:\n\tname: tunnel\n\taction: alert\n");
	assert_int_equal(load(&bench, false).number, 2);
	assert_int_equal(fake_host_asks(bench.fake, "www.two.test"), ACTION_ALLOW);
	assert_int_equal(fake_host_asks(bench.fake, "www.bad.test"), ACTION_NXDOMAIN);
	write_conf(&bench, BLOCKS);
	assert_int_equal(load(&bench, false).number, 3);
	assert_int_equal(fake_host_asks(bench.fake, "www.two.test"), ACTION_NXDOMAIN);
	write_conf(&bench, "\twatch: no\n");
	assert_int_equal(load(&bench, false).number, 4);
	assert_int_equal(fake_host_asks(bench.fake, "www.two.test"), ACTION_ALLOW);
	teardown(&bench);
}

static void an_override_denies_no_protected_name(void **state)
{
	struct override deny = override_of("example", ACTION_NXDOMAIN), allow = override_of("example", ACTION_PASS);
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tprotected-name: good.example\n");
	assert_int_equal(loader_set_overrides(bench.loader, &deny, 1, &report), -1);
	assert_non_null(strstr(report.error, "protected-name: good.example"));
	assert_int_equal(fake_host_asks(bench.fake, "good.example"), ACTION_ALLOW);
	assert_int_equal(loader_set_overrides(bench.loader, &allow, 1, &report), 0);
	teardown(&bench);
}

static void what_was_in_force_before_its_name_was_protected_keeps_no_other_from_ending(void **state)
{
	struct override all[2] = { override_of("good.example", ACTION_NXDOMAIN), override_of("one.example", ACTION_PASS) };
	struct override more = override_of("www.good.example", ACTION_NXDOMAIN);
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	all[1].id = 2;
	more.id = 3;
	assert_int_equal(loader_set_overrides(bench.loader, all, 2, &report), 0);
	write_conf(&bench, "\twatch: no\n\tprotected-name: good.example\n\tprotected-name: www.good.example\n");
	assert_int_equal(load(&bench, false).number, 2);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	assert_int_equal(loader_set_overrides(bench.loader, all, 1, &report), 0);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_REFUSE);
	all[1] = more;
	assert_int_equal(loader_set_overrides(bench.loader, all, 2, &report), -1);
	assert_non_null(strstr(report.error, "protected-name: www.good.example would be denied by the override of"));
	assert_int_equal(loader_restore_overrides(bench.loader, all, 2, &report), 0);
	teardown(&bench);
}

static void an_override_does_not_wait_for_a_load(void **state)
{
	const struct load_request request = { .cause = CAUSE_COMMAND };
	struct override allow = override_of("one.example", ACTION_PASS);
	struct load_report report;
	struct loader_view view;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_list(&bench, "one.example", 1000);
	held_load_shut();
	assert_int_equal(loader_request(bench.loader, &request, NULL), 0);
	assert_true(held_load_stands());
	assert_int_equal(loader_set_overrides(bench.loader, &allow, 1, &report), 0);
	assert_int_equal(report.number, 1);
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	assert_int_equal(fake_host_asks(bench.fake, "name999.example"), ACTION_ALLOW);
	loader_lock(bench.loader, &view);
	assert_true(view.loading);
	assert_int_equal(view.good->number, 1);
	loader_unlock(bench.loader);
	assert_true(held_load_open());
	assert_true(becomes(&bench, "name999.example", ACTION_REFUSE));
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_PASS);
	teardown(&bench);
}

static void an_allow_hides_no_rule_for_a_protected_name(void **state)
{
	struct override allow = override_of("good.example", ACTION_PASS);
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tprotected-name: good.example\n");
	assert_int_equal(loader_set_overrides(bench.loader, &allow, 1, &report), 0);
	write_list(&bench, "good.example", 20);
	assert_non_null(strstr(load(&bench, true).error, "protected-name: good.example would be denied by "));
	assert_int_equal(loader_set_overrides(bench.loader, NULL, 0, &report), 0);
	assert_int_equal(fake_host_asks(bench.fake, "good.example"), ACTION_ALLOW);
	teardown(&bench);
}

/* Else a typing error in `allow` would ring, and a good one would end the alarm about a broken list. */
static void overrides_are_no_loads(void **state)
{
	struct override deny = override_of("good.example", ACTION_NXDOMAIN), allow = override_of("a.example", ACTION_PASS);
	struct load_report report;
	struct loader_view view;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tprotected-name: good.example\n");
	assert_int_equal(loader_set_overrides(bench.loader, &deny, 1, &report), -1);
	loader_lock(bench.loader, &view);
	assert_int_equal(view.loads[0].number, 0);
	assert_int_equal(view.last->number, 1);
	loader_unlock(bench.loader);
	write_file(&bench, "one.txt", "");
	assert_int_equal(load(&bench, false).number, 0);
	for (unsigned i = 0; i < LOADER_LOADS_MAX + 1; i++)
		assert_int_equal(loader_set_overrides(bench.loader, &allow, 1, &report), 0);
	loader_lock(bench.loader, &view);
	assert_int_equal(view.loads[0].number, 1);
	assert_int_equal(view.last->number, 0);
	assert_int_equal(view.last->cause, CAUSE_COMMAND);
	loader_unlock(bench.loader);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overrides_come_before_every_policy),
		cmocka_unit_test(what_a_detector_denies_ends_with_its_action),
		cmocka_unit_test(an_override_denies_no_protected_name),
		cmocka_unit_test(what_was_in_force_before_its_name_was_protected_keeps_no_other_from_ending),
		cmocka_unit_test(an_override_does_not_wait_for_a_load),
		cmocka_unit_test(an_allow_hides_no_rule_for_a_protected_name),
		cmocka_unit_test(overrides_are_no_loads),
	};

	return cmocka_run_group_tests_name("loader_overrides", tests, NULL, NULL);
}
