/* test_action.c: the tables of actions, triggers and paths are complete. */
#include "policy/action.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/facts.h"

static void every_action_is_found_by_its_name(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < ACTION_COUNT; i++) {
		assert_non_null(action_table[i].name);
		assert_int_equal(action_by_name(action_table[i].name), i);
	}
	assert_int_equal(action_by_name("nxdomains"), ACTION_COUNT);
	assert_int_equal(action_by_name(""), ACTION_COUNT);
}

static void only_a_denial_has_a_code(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < ACTION_COUNT; i++)
		if (action_table[i].ede != EDE_NONE)
			assert_true(action_table[i].denies);
	assert_int_equal(action_table[ACTION_SINKHOLE].ede, EDE_FORGED);
	assert_int_equal(action_table[ACTION_NXDOMAIN].ede, EDE_BLOCKED);
	assert_false(action_table[ACTION_PASS].denies);
	assert_false(action_table[ACTION_OBSERVE].denies);
}

static void every_trigger_and_path_has_a_name(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < TRIGGER_COUNT; i++)
		assert_non_null(trigger_names[i]);
	for (i = 0; i < PATH_COUNT; i++)
		assert_non_null(path_table[i].name);
}

static void what_is_not_seen_is_neither_denied_nor_framed(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < PATH_COUNT; i++) {
		if (!path_table[i].seen) {
			assert_false(path_table[i].can_be_denied);
			assert_false(path_table[i].framed);
		}
	}
	assert_true(path_table[PATH_RESOLVED].can_be_denied);
	assert_false(path_table[PATH_CACHED].can_be_denied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_action_is_found_by_its_name),
		cmocka_unit_test(only_a_denial_has_a_code),
		cmocka_unit_test(every_trigger_and_path_has_a_name),
		cmocka_unit_test(what_is_not_seen_is_neither_denied_nor_framed),
	};

	return cmocka_run_group_tests_name("action", tests, NULL, NULL);
}
