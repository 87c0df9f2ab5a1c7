/* test_compiled.c: a compiled policy is the policy, or it is refused. */
#include "policy/compiled.h"

#include "tests/unit/compiling.h"

/* --- the same policy -------------------------------------------------------------------------------------------- */

static void is_the_policy_that_the_lists_make(void **state)
{
	static const char *const names[] = { "one.example", "a.one.example", "twice.example", "pass.example",
		"data.example", "x.data.example", "none.example", "name77.example", "example" };
	struct build_report report;
	struct snapshot *snapshot;
	struct said first, second;
	struct bench bench;
	struct diag diag;

	(void)state;
	setup(&bench);
	snapshot = load(&bench, &report, &diag);
	if (snapshot == NULL)
		fail_msg("%s", diag.text);
	assert_int_equal(snapshot_rule_count(snapshot), snapshot_rule_count(bench.text));
	assert_int_equal(snapshot_triggers(snapshot), snapshot_triggers(bench.text));
	assert_int_equal(report.list_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_memory_equal(&report.lists[i].stats, &bench.report.lists[i].stats, sizeof(report.lists[i].stats));
	assert_int_equal(report.lists[1].stats.serial, 7);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (unsigned client = 192; client > 190; client--) {
			ask(bench.text, names[i], (uint8_t)client, &first);
			ask(snapshot, names[i], (uint8_t)client, &second);
			assert_string_equal(second.text, first.text);
		}
	}
	build_report_fini(&report);
	snapshot_destroy(&snapshot);
	teardown(&bench);
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*seed >> 33) % below;
}

/* Few labels, so that lists and questions meet. */
static const char *draw_name(uint64_t *seed, char *to, size_t cap)
{
	size_t used = 0;

	for (unsigned i = draw(seed, 3); i < 3; i++)
		used += (size_t)snprintf(to + used, cap - used, "%c.", 'a' + (char)draw(seed, 5));
	snprintf(to + used, cap - used, "example");
	return to;
}

static void draw_lists(const struct bench *bench, uint64_t *seed)
{
	static const char *const targets[] = { "CNAME .", "CNAME *.", "CNAME rpz-passthru.", "CNAME rpz-drop.",
		"CNAME rpz-tcp-only.", "A 192.0.2.7", "TXT \"t\"", "CNAME *.garden.example.", "AAAA 2001:db8::1" };
	char text[16384], name[64];
	size_t used = (size_t)sprintf(text, "%s", zone_text);

	for (unsigned i = 0; i < 150; i++)
		used += (size_t)sprintf(text + used, "%s%s %s\n", draw(seed, 2) == 0 ? "*." : "",
			draw_name(seed, name, sizeof(name)),
			targets[draw(seed, sizeof(targets) / sizeof(targets[0]))]);
	write_text(bench, "zone.rpz", text, 0);
	used = 0;
	for (unsigned i = 0; i < 60; i++)
		used += (size_t)sprintf(text + used, "%s\n", draw_name(seed, name, sizeof(name)));
	write_text(bench, "plain.txt", text, 0);
}

/* The seed is printed; another one by VERDICT_SEED. */
static void equals_the_text_for_drawn_policies(void **state)
{
	const char *given = getenv("VERDICT_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1;
	struct bench bench;

	(void)state;
	print_message("# VERDICT_SEED=%llu\n", (unsigned long long)seed);
	setup(&bench);
	for (unsigned round = 0; round < 40; round++) {
		struct build_report report;
		struct snapshot *snapshot;
		struct diag diag;
		uint64_t octets;

		draw_lists(&bench, &seed);
		snapshot_destroy(&bench.text);
		build_report_fini(&bench.report);
		stamps_destroy(&bench.stamps);
		bench.stamps = take_stamps(bench.conf);
		bench.text = snapshot_build(bench.conf, NOW, &bench.report, &diag);
		assert_non_null(bench.text);
		assert_int_equal(compiled_file_save(bench.file, bench.text, &bench.report, bench.stamps, &octets, &diag), 0);
		snapshot = load(&bench, &report, &diag);
		if (snapshot == NULL)
			fail_msg("%s", diag.text);
		for (unsigned i = 0; i < 100; i++) {
			struct said first, second;
			char name[64];

			draw_name(&seed, name, sizeof(name));
			ask(bench.text, name, i % 2 == 0 ? 192 : 10, &first);
			ask(snapshot, name, i % 2 == 0 ? 192 : 10, &second);
			assert_string_equal(second.text, first.text);
		}
		build_report_fini(&report);
		snapshot_destroy(&snapshot);
	}
	teardown(&bench);
}

/* --- whose file it is ------------------------------------------------------------------------------------------- */

static void refuses_a_file_that_others_could_have_written_or_can_read(void **state)
{
	static const struct {
		mode_t mode;
		const char *why;
	} rows[] = {
		{ 0660, "the group may write" }, { 0642, "others may write" }, { 0644, "others may read the key" },
	};
	struct bench bench;

	(void)state;
	setup(&bench);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(chmod(bench.file, rows[i].mode), 0);
		assert_refused(&bench, "mode", rows[i].why);
	}
	assert_int_equal(chmod(bench.file, 0640), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(bench.file, 12345, 0), 0);
		assert_refused(&bench, "belongs to user 12345", "another user's");
	}
	teardown(&bench);
}

static void root_writes_for_the_group_of_the_folder(void **state)
{
	struct bench bench;
	struct stat info;
	struct diag diag;
	uint64_t octets;

	(void)state;
	if (geteuid() != 0)
		return;
	setup(&bench);
	assert_int_equal(chown(bench.folder, (uid_t)-1, 12345), 0);
	assert_int_equal(compiled_file_save(bench.file, bench.text, &bench.report, bench.stamps, &octets, &diag), 0);
	assert_int_equal(stat(bench.file, &info), 0);
	assert_int_equal(info.st_uid, 0);
	assert_int_equal(info.st_gid, 12345);
	assert_int_equal(info.st_mode & 07777, 0640);
	teardown(&bench);
}

static void refuses_links_and_what_is_no_file(void **state)
{
	char other[PATH_OCTETS + 8];
	struct bench bench;

	(void)state;
	setup(&bench);
	snprintf(other, sizeof(other), "%s.real", bench.file);
	assert_int_equal(rename(bench.file, other), 0);
	assert_int_equal(symlink(other, bench.file), 0);
	assert_refused(&bench, "is a link", "a link to a good one");
	assert_int_equal(unlink(bench.file), 0);
	assert_int_equal(mkfifo(bench.file, 0600), 0);
	assert_refused(&bench, "regular", "a FIFO, which would hang");
	assert_int_equal(unlink(bench.file), 0);
	assert_refused(&bench, "", "no file at all");
	teardown(&bench);
}

static void is_for_the_files_that_it_was_made_of_alone(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench);
	write_text(&bench, "plain.txt", "other.example\n", 300);
	stamps_destroy(&bench.stamps);
	bench.stamps = take_stamps(bench.conf);
	assert_refused(&bench, "plain.txt changed", "a list is another one now");
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_policy_that_the_lists_make),
		cmocka_unit_test(equals_the_text_for_drawn_policies),
		cmocka_unit_test(refuses_a_file_that_others_could_have_written_or_can_read),
		cmocka_unit_test(root_writes_for_the_group_of_the_folder),
		cmocka_unit_test(refuses_links_and_what_is_no_file),
		cmocka_unit_test(is_for_the_files_that_it_was_made_of_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
