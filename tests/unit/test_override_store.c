/* test_override_store.c: overrides over restarts, and what the audit says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/audit.h"
#include "control/override_file.h"
#include "control/override_store.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/temp_file.h"

#define NOW 1700000000

static char folder[TEMP_PATH_MAX], last_log[1024];
static unsigned errors;

static void note_log(void *arg, bool error, const char *text)
{
	(void)arg;
	errors += error;
	snprintf(last_log, sizeof(last_log), "%s", text);
}

static const struct control_host host = { .log = note_log };

static char *path_of(const char *name)
{
	static char path[2 * TEMP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int begin(void **state)
{
	(void)state;
	temp_folder(folder);
	errors = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	unlink(path_of("overrides"));
	unlink(path_of("overrides.new"));
	unlink(path_of("overrides.damaged"));
	unlink(path_of("audit.log"));
	return rmdir(folder);
}

static void write_text(const char *name, const char *text)
{
	FILE *to = fopen(path_of(name), "w");

	fputs(text, to);
	fclose(to);
}

static char *read_text(const char *name)
{
	static char text[65536];
	FILE *from = fopen(path_of(name), "r");
	size_t octets = from != NULL ? fread(text, 1, sizeof(text) - 1, from) : 0;

	if (from != NULL)
		fclose(from);
	text[octets] = '\0';
	return text;
}

static struct override make(const char *name, enum action action, int64_t until)
{
	struct override override = { .action = action, .made = NOW, .until = until };

	assert_null(name_from_text(&override.name, name, strlen(name)));
	strcpy(override.why, "ticket \"4711\"\n");
	strcpy(override.who, "root (as alice)");
	return override;
}

static uint64_t add(struct override_store *store, const struct override *override)
{
	const struct override_plan plan = { .add = override, .now = NOW };
	struct override_change change;
	struct diag diag;
	uint64_t id;

	assert_int_equal(override_store_plan(store, &plan, &change, &diag), 0);
	assert_int_equal(override_store_commit(store, &change, NOW, "root (as alice)", "w", &diag), 0);
	id = change.added.id;
	override_change_fini(&change);
	return id;
}

static void a_detector_replaces_no_operators_decision(void **state)
{
	struct override denial = make("a.test", ACTION_NXDOMAIN, NOW + 60);
	struct override_store *store;
	size_t found;
	struct override *all;

	(void)state;
	store = override_store_open(folder, &host, NOW);
	add(store, &denial);
	strcpy(denial.who, OVERRIDE_WHO_DETECTOR "tunnel");
	add(store, &denial);
	add(store, &denial);
	all = override_store_copy(store, &found);
	assert_int_equal(found, 2);
	assert_string_equal(all[0].who, "root (as alice)");
	assert_true(override_is_detectors(&all[1]));
	free(all);
	override_store_close(&store);
}

static size_t count(struct override_store *store)
{
	size_t found;

	free(override_store_copy(store, &found));
	return found;
}

static void what_no_detector_wants_is_taken_out(void **state)
{
	struct override denial = make("a.test", ACTION_NXDOMAIN, NOW + 60);
	struct detector_conf detectors[DETECTOR_COUNT] = { [DETECTOR_TUNNEL] = { .reaction = REACTION_BLOCK } };
	const struct override_plan plan = { .detectors = detectors, .now = NOW };
	struct override_store *store;
	struct override_change change;
	struct diag diag = { 0 };

	(void)state;
	store = override_store_open(folder, &host, NOW);
	add(store, &denial);
	strcpy(denial.who, OVERRIDE_WHO_DETECTOR "tunnel");
	add(store, &denial);
	assert_false(override_store_has_unwanted(store, detectors));
	detectors[DETECTOR_TUNNEL].reaction = REACTION_ALERT;
	assert_true(override_store_has_unwanted(store, detectors));
	assert_int_equal(override_store_plan(store, &plan, &change, &diag), 0);
	assert_int_equal(change.gone_count, 1);
	assert_true(override_is_detectors(&change.gone[0]));
	assert_int_equal(override_store_commit(store, &change, NOW, "verdict", "w", &diag), 0);
	override_change_fini(&change);
	assert_int_equal(count(store), 1);
	assert_false(override_store_has_unwanted(store, detectors));
	override_store_close(&store);
}

static bool ends_within(struct override_store *store, int64_t now, unsigned seconds)
{
	const struct override_plan plan = { .now = now };
	struct override_change change;
	struct diag diag;

	for (unsigned i = 0; i <= seconds; i++) {
		assert_int_equal(override_store_plan(store, &plan, &change, &diag), 0);
		if (change.gone_count > 0 && override_store_left(store) <= 0) {
			override_store_commit(store, &change, now, "verdict", "w", &diag);
			override_change_fini(&change);
			return true;
		}
		override_change_fini(&change);
		own_clock_move(1000);
	}
	return false;
}

static void lasts_no_longer_than_it_was_meant_to_when_the_clock_goes_back(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 1), two = make("b.example", ACTION_PASS, NOW + 900);

	(void)state;
	own_clock_stop();
	add(store, &one);
	add(store, &two);
	assert_in_range(override_store_left(store), 1, 2);
	assert_true(ends_within(store, NOW - 86400, 2));
	assert_int_equal(count(store), 1);
	assert_non_null(strstr(last_log, "end id=1"));
	override_store_close(&store);
	/* And after a restart with a clock that is years behind: one that was meant for 90 days at most ends after them. */
	write_text("overrides", "{\"version\": 1, \"next\": 3, \"overrides\": [{\"id\": 1, \"name\": \"a.example\", \"action\": "
		"\"allow\", \"made\": 1900000000, \"until\": 1900000002, \"why\": \"x\", \"who\": \"x\"}, {\"id\": 2, \"name\": "
		"\"b.example\", \"action\": \"allow\", \"made\": 1, \"until\": 99999999999, \"why\": \"x\", \"who\": \"x\"}]}");
	store = override_store_open(folder, &host, NOW);
	assert_int_equal(count(store), 2);
	assert_in_range(override_store_left(store), 2, 3);
	assert_true(ends_within(store, NOW, 3));
	assert_in_range(override_store_left(store), OVERRIDE_SECONDS_MAX - 60, OVERRIDE_SECONDS_MAX + 1);
	override_store_close(&store);
}

static void a_revocation_of_nothing_is_not_answered_with_what_has_ended(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	const struct override_plan plan = { .revoke_id = 7, .now = NOW + 61 };
	struct override one = make("a.example", ACTION_PASS, NOW + 60);
	struct override_change change;
	struct diag diag;

	(void)state;
	add(store, &one);
	assert_int_equal(override_store_plan(store, &plan, &change, &diag), 0);
	assert_int_equal(change.gone_count, 1);
	assert_int_equal(change.revoked, 0);
	override_change_fini(&change);
	override_store_close(&store);
}

static void survives_a_restart(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 60), two = make("b.example", ACTION_NXDOMAIN, NOW + 90);
	struct override *all;
	size_t found;

	(void)state;
	two.client = (struct network){ { ADDRESS_INET6, 0, { 0x20, 0x01, 0x0d, 0xb8 } }, 32 };
	assert_int_equal(add(store, &one), 1);
	assert_int_equal(add(store, &two), 2);
	assert_int_equal(override_store_next_end(store), NOW + 60);
	override_store_close(&store);
	store = override_store_open(folder, &host, NOW);
	all = override_store_copy(store, &found);
	assert_int_equal(found, 2);
	assert_true(name_equal(&all[0].name, &one.name));
	assert_string_equal(all[0].why, one.why);
	assert_string_equal(all[0].who, one.who);
	assert_int_equal(all[1].action, ACTION_NXDOMAIN);
	assert_memory_equal(&all[1].client, &two.client, sizeof(two.client));
	assert_int_equal(all[1].until, NOW + 90);
	free(all);
	override_store_close(&store);
	store = override_store_open(folder, &host, NOW + 60);
	assert_int_equal(count(store), 1);
	assert_int_equal(add(store, &one), 3);
	override_store_close(&store);
	assert_int_equal(errors, 0);
}

static void replaces_the_same_name_and_client(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override allow = make("a.example", ACTION_PASS, NOW + 60), deny = make("a.example", ACTION_NXDOMAIN, NOW + 60);

	(void)state;
	add(store, &allow);
	add(store, &deny);
	assert_int_equal(count(store), 1);
	deny.client = (struct network){ { ADDRESS_INET, 0, { 10 } }, 8 };
	add(store, &deny);
	assert_int_equal(count(store), 2);
	assert_non_null(strstr(read_text("audit.log"), " replace id=1 "));
	override_store_close(&store);
}

static void takes_out_by_id_name_and_time(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 60), two = make("b.example", ACTION_PASS, NOW + 90);
	const struct override_plan plans[] = { { .revoke_id = 1, .now = NOW }, { .revoke_name = &two.name, .now = NOW },
		{ .now = NOW + 60 }, { .revoke_id = 99, .now = NOW } };
	static const size_t left[] = { 1, 1, 1, 2 };
	struct override_change change;

	(void)state;
	add(store, &one);
	add(store, &two);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(override_store_plan(store, &plans[i], &change, NULL), 0);
		assert_int_equal(change.count, left[i]);
		assert_int_equal(change.gone_count, 2 - left[i]);
		override_change_fini(&change);
	}
	assert_int_equal(count(store), 2);
	override_store_close(&store);
}

static void keeps_nothing_of_a_plan_without_commit(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 60);
	const struct override_plan plan = { .add = &one, .now = NOW };
	struct override_change change;

	(void)state;
	assert_int_equal(override_store_plan(store, &plan, &change, NULL), 0);
	override_change_fini(&change);
	assert_int_equal(count(store), 0);
	assert_int_not_equal(access(path_of("overrides"), F_OK), 0);
	assert_int_equal(add(store, &one), 1);
	override_store_close(&store);
}

static void refuses_when_full(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override *all = calloc(OVERRIDES_MAX, sizeof(*all));
	struct override one = make("a.example", ACTION_PASS, NOW + 60);
	const struct override_plan plan = { .add = &one, .now = NOW };
	struct override_change change = { .all = all, .count = OVERRIDES_MAX };
	struct diag diag;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		all[i] = make(name, ACTION_PASS, NOW + 60);
		all[i].id = 1;
		all[i].lasts_until = INT64_MAX;
	}
	change.added.id = 0;
	assert_int_equal(override_store_commit(store, &change, NOW, "x", "y", &diag), 0);
	assert_int_equal(override_store_plan(store, &plan, &change, &diag), -1);
	assert_non_null(strstr(diag.text, "4096 overrides"));
	override_store_close(&store);
}

static void sets_a_damaged_file_aside_and_says_so(void **state)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "", "empty" },
		{ "{", "cut" },
		{ "[]", "no object" },
		{ "{\"version\": 2, \"next\": 1, \"overrides\": []}", "another version" },
		{ "{\"version\": 1, \"next\": 0, \"overrides\": []}", "no next id" },
		{ "{\"version\": 1, \"next\": 1, \"overrides\": {}}", "no list" },
		{ "{\"version\": 1, \"next\": 2, \"overrides\": [{\"id\": 2, \"name\": \"a\", \"action\": \"allow\", \"made\": 0, "
			"\"until\": 1, \"why\": \"x\", \"who\": \"y\"}]}", "an id that is not used yet" },
		{ "{\"version\": 1, \"next\": 2, \"overrides\": [{\"id\": 1, \"name\": \"a\", \"action\": \"pass\", \"made\": 0, "
			"\"until\": 1, \"why\": \"x\", \"who\": \"y\"}]}", "another action" },
		{ "{\"version\": 1, \"next\": 2, \"overrides\": [{\"id\": 1, \"name\": \"a\", \"action\": \"deny\", \"made\": 2, "
			"\"until\": 1, \"why\": \"x\", \"who\": \"y\"}]}", "ends before it begins" },
		{ "{\"version\": 1, \"next\": 2, \"overrides\": [{\"id\": 1, \"name\": \"a\", \"action\": \"deny\", \"made\": 0, "
			"\"until\": 1, \"why\": \"\", \"who\": \"y\"}]}", "no reason" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct override_store *store;
		struct override one = make("a.example", ACTION_PASS, NOW + 60);

		write_text("overrides", rows[i].text);
		errors = 0;
		store = override_store_open(folder, &host, NOW);
		assert_int_equal(count(store), 0);
		assert_int_equal(errors, 2);
		assert_non_null(strstr(last_log, "overrides.damaged"));
		assert_string_equal(read_text("overrides.damaged"), rows[i].text);
		/* None of the lost ids comes again. */
		assert_true(add(store, &one) >= NOW);
		override_store_close(&store);
	}
}

static void writes_one_escaped_line_for_each_change(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 60);
	struct stat found;

	(void)state;
	add(store, &one);
	assert_string_equal(read_text("audit.log"), "2023-11-14T22:13:20Z allow id=1 action=allow name=a.example "
		"client=everybody until=2023-11-14T22:14:20Z who=\"root (as alice)\" why=\"ticket \\0344711\\034\\010\"\n");
	assert_non_null(strstr(last_log, "change: allow id=1 "));
	assert_int_equal(stat(path_of("audit.log"), &found), 0);
	assert_int_equal(found.st_mode & 0777, 0640);
	assert_int_equal(override_store_audit(store, NOW, "root", "reload policy=7", NULL), 0);
	assert_non_null(strstr(read_text("audit.log"), "\n2023-11-14T22:13:20Z reload policy=7 who=root\n"));
	override_store_close(&store);
}

static void stays_in_force_when_it_cannot_be_written(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct override one = make("a.example", ACTION_PASS, NOW + 60);
	const struct override_plan plan = { .add = &one, .now = NOW };
	struct override_change change;
	struct diag diag = { 0 };

	(void)state;
	/* A folder in the file's place: even root cannot rename over it. */
	assert_int_equal(mkdir(path_of("overrides"), 0700), 0);
	assert_int_equal(override_store_plan(store, &plan, &change, &diag), 0);
	assert_int_equal(override_store_commit(store, &change, NOW, "root", "w", &diag), -1);
	override_change_fini(&change);
	assert_non_null(strstr(diag.text, "cannot be kept"));
	assert_int_equal(count(store), 1);
	rmdir(path_of("overrides"));
	assert_int_equal(add(store, &one), 2);
	assert_int_equal(access(path_of("overrides"), F_OK), 0);
	override_store_close(&store);
}

static void follows_no_link_in_the_audit_s_place(void **state)
{
	struct override_store *store = override_store_open(folder, &host, NOW);
	struct diag diag = { 0 };

	(void)state;
	assert_int_equal(symlink("overrides.damaged", path_of("audit.log")), 0);
	assert_int_equal(override_store_audit(store, NOW, "root", "reload", &diag), -1);
	assert_int_not_equal(access(path_of("overrides.damaged"), F_OK), 0);
	override_store_close(&store);
}

static unsigned fails_in;   /* calls; 0: never */

static void *scarce(size_t octets)
{
	return fails_in > 0 && --fails_in == 0 ? NULL : malloc(octets);
}

/* Never a file with less in it than there is: without its client an override would be for everybody. */
static void writes_whole_files_or_none_without_memory(void **state)
{
	struct override both[] = { make("a.example", ACTION_PASS, NOW + 1), make("b.example", ACTION_NXDOMAIN, NOW + 1) };
	struct override_file file = { both, 2, 3 }, again;
	unsigned calls = 0, failed = 0;
	bool reached;
	char *text;

	(void)state;
	both[0].id = 1;
	both[1].id = 2;
	both[1].client = (struct network){ { ADDRESS_INET, 0, { 10 } }, 8 };
	do {
		json_set_alloc_funcs(scarce, free);
		fails_in = ++calls;
		text = override_file_format(&file);
		reached = fails_in == 0;
		fails_in = 0;
		json_set_alloc_funcs(malloc, free);
		failed += text == NULL;
		if (text == NULL)
			continue;
		if (override_file_parse(&again, text, strlen(text), "again", NULL) != 0)
			fail_msg("call %u: %s", calls, text);
		assert_int_equal(again.count, 2);
		/* A reason may have been escaped for want of memory; for whom it is may not be lost. */
		assert_memory_equal(&again.overrides[1].client, &both[1].client, sizeof(both[1].client));
		assert_int_equal(again.overrides[1].action, ACTION_NXDOMAIN);
		free(again.overrides);
		free(text);
	} while (reached && calls < 1000);
	assert_in_range(failed, 10, 999);
	assert_false(reached);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_detector_replaces_no_operators_decision, begin, end),
		cmocka_unit_test_setup_teardown(what_no_detector_wants_is_taken_out, begin, end),
		cmocka_unit_test_setup_teardown(survives_a_restart, begin, end),
		cmocka_unit_test_setup_teardown(lasts_no_longer_than_it_was_meant_to_when_the_clock_goes_back, begin, end),
		cmocka_unit_test_setup_teardown(a_revocation_of_nothing_is_not_answered_with_what_has_ended, begin, end),
		cmocka_unit_test_setup_teardown(replaces_the_same_name_and_client, begin, end),
		cmocka_unit_test_setup_teardown(takes_out_by_id_name_and_time, begin, end),
		cmocka_unit_test_setup_teardown(keeps_nothing_of_a_plan_without_commit, begin, end),
		cmocka_unit_test_setup_teardown(refuses_when_full, begin, end),
		cmocka_unit_test_setup_teardown(sets_a_damaged_file_aside_and_says_so, begin, end),
		cmocka_unit_test_setup_teardown(writes_one_escaped_line_for_each_change, begin, end),
		cmocka_unit_test_setup_teardown(stays_in_force_when_it_cannot_be_written, begin, end),
		cmocka_unit_test_setup_teardown(follows_no_link_in_the_audit_s_place, begin, end),
		cmocka_unit_test(writes_whole_files_or_none_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
