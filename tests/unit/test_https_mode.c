/* test_https_mode.c: which list says what is taken out of a name's HTTPS records. */
#include "policy/https_mode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/fake_list.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TYPE_SVCB 64
#define TYPE_HTTPS_RECORD 65

static const struct fake_rule hints[] = { { .name = "a.example" }, { .name = "=only.example" }, { .name = "=x.b.example" } };
static const struct fake_rule keys[] = { { .name = "x.a.example" }, { .name = "b.example" } };
static const struct fake_rule tried[] = { { .name = "shadow.example" } };
static const struct fake_rule quiet[] = { { .name = "quiet.example" } };
static const struct fake_list lists[] = {
	{ .name = "quiet", .rules = quiet, .count = 1, .action = ACTION_OBSERVE },
	{ .name = "hints", .rules = hints, .count = 3, .action = ACTION_OBSERVE, .https = HTTPS_STRIP_HINTS },
	{ .name = "keys", .rules = keys, .count = 2, .action = ACTION_OBSERVE, .https = HTTPS_STRIP_ECH },
	{ .name = "tried", .rules = tried, .count = 1, .action = ACTION_OBSERVE, .https = HTTPS_STRIP_ECH,
		.shadow = true },
};

static struct snapshot *build(enum https_mode otherwise, enum mode mode)
{
	struct snapshot *snapshot;
	struct diag diag;

	fake_options = (struct policy_options){ .https = otherwise };
	snapshot = fake_snapshot(lists, COUNT(lists), mode, NULL, &diag);
	assert_non_null(snapshot);
	return snapshot;
}

static void the_first_list_that_says_so_counts(void **state)
{
	static const struct {
		const char *owner;
		enum https_mode mode;
		const char *why;
	} rows[] = {
		{ "a.example", HTTPS_STRIP_HINTS, "its rule" },
		{ "x.a.example", HTTPS_STRIP_HINTS, "list order comes before the longer name" },
		{ "only.example", HTTPS_STRIP_HINTS, "exactly" },
		{ "www.only.example", HTTPS_BLOCK, "not below" },
		{ "www.b.example", HTTPS_STRIP_ECH, "another list" },
		{ "x.b.example", HTTPS_STRIP_HINTS, "list order, whichever name is longer" },
		{ "shadow.example", HTTPS_BLOCK, "who only looks alters nothing" },
		{ "quiet.example", HTTPS_BLOCK, "a list without https:" },
		{ "example", HTTPS_BLOCK, "no list" },
	};
	struct snapshot *snapshot = build(HTTPS_BLOCK, MODE_ENFORCE);
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct name owner = fake_name(rows[i].owner);

		if (https_mode_of(snapshot, &owner, TYPE_HTTPS_RECORD) != rows[i].mode ||
		    https_mode_of(snapshot, &owner, TYPE_SVCB) != rows[i].mode)
			fail_msg("%s: %s", rows[i].owner, rows[i].why);
	}
	snapshot_destroy(&snapshot);
}

static void in_shadow_mode_no_list_says_anything(void **state)
{
	struct snapshot *snapshot = build(HTTPS_STRIP_ECH, MODE_SHADOW);
	struct name owner = fake_name("a.example");

	(void)state;
	assert_int_equal(https_mode_of(snapshot, &owner, TYPE_HTTPS_RECORD), HTTPS_PASS);
	snapshot_destroy(&snapshot);
}

static void a_list_says_it_for_its_types_alone(void **state)
{
	struct fake_list list = lists[1];
	struct name owner = fake_name("a.example");
	struct list_conf list_conf;
	struct snapshot *snapshot;
	struct conf conf;
	struct diag diag;

	(void)state;
	fake_options = (struct policy_options){ .https = HTTPS_PASS };
	fake_conf(&conf, &list_conf, &list, 1);
	assert_null(rrtypes_from_text(&list_conf.qtypes_exempt, "SVCB"));
	snapshot = snapshot_build(&conf, 0, NULL, &diag);
	assert_non_null(snapshot);
	assert_int_equal(https_mode_of(snapshot, &owner, TYPE_HTTPS_RECORD), HTTPS_STRIP_HINTS);
	assert_int_equal(https_mode_of(snapshot, &owner, TYPE_SVCB), HTTPS_PASS);
	snapshot_destroy(&snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_list_that_says_so_counts),
		cmocka_unit_test(in_shadow_mode_no_list_says_anything),
		cmocka_unit_test(a_list_says_it_for_its_types_alone),
	};

	return cmocka_run_group_tests_name("https_mode", tests, NULL, NULL);
}
