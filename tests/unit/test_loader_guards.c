/* test_loader_guards.c: policies that are not taken, or not gone back to, because of what they would deny. */
#include "control/loader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "control/compiled_file.h"
#include "tests/unit/loading.h"

/* wwwN.below, each often enough to be noted. */
static void ask(struct bench *bench, const char *below, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct name name;
		char text[64];

		snprintf(text, sizeof(text), "www%u.%s", i, below);
		assert_null(name_from_text(&name, text, strlen(text)));
		for (unsigned call = 0; call < RECENT_EVERY; call++)
			recent_note(bench->recent, i % 2, &name, 1, "");
	}
}

static void force_passes_over_the_feeds_guards(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_file(&bench, "one.txt", "two.example\n");
	assert_int_equal(load(&bench, false).number, 0);
	report = load(&bench, true);
	assert_int_equal(report.number, 2);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void a_policy_that_denies_too_much_is_not_taken(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tdeny-share-max: 20\n");
	ask(&bench, "busy.example", 60);
	ask(&bench, "other.test", 60);
	write_list(&bench, "busy.example", 20);
	report = load(&bench, false);
	assert_int_equal(report.number, 0);
	assert_in_range(report.questions, 110, 120);
	assert_in_range(report.newly_denied, 55, 60);
	assert_non_null(strstr(report.error, "distinct questions, such as www"));
	assert_non_null(strstr(report.example, ".busy.example"));
	assert_int_equal(fake_host_asks(bench.fake, "www1.busy.example"), ACTION_ALLOW);
	report = load(&bench, true);
	assert_int_equal(report.number, 2);
	assert_in_range(report.newly_denied, 55, 60);
	assert_int_equal(fake_host_asks(bench.fake, "www1.busy.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void what_is_denied_already_counts_for_nothing(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tdeny-share-max: 1\n");
	ask(&bench, "name1.example", 20);
	ask(&bench, "other.test", 60);
	write_list(&bench, "two.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	teardown(&bench);
}

static void a_few_questions_are_no_share(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tdeny-share-max: 0\n");
	ask(&bench, "busy.example", 30);
	write_list(&bench, "busy.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	teardown(&bench);
}

/* A list beside the one that is there already. */
static void write_conf_with(const struct bench *bench, const char *options)
{
	char more[512];

	snprintf(more, sizeof(more), "\twatch: no\npolicy-list:\n\tname: two\n\tfile: two.txt\n\tallow-wide: yes\n%s", options);
	write_conf(bench, more);
}

/* A compiled policy of the files as they are. */
static void compile(struct bench *bench)
{
	char list[256], path[256];
	char *names[] = { bench->conf, list };
	struct build_report build;
	struct diag diag = { 0 };
	struct snapshot *snapshot;
	struct stamps *stamps;
	struct conf *conf = conf_load(bench->conf, &diag);
	uint64_t octets;

	assert_non_null(conf);
	path_of(bench, "one.txt", list, sizeof(list));
	path_of(bench, COMPILED_FILE_NAME, path, sizeof(path));
	stamps = stamps_take(names, 2);
	snapshot = snapshot_build(conf, time(NULL), &build, &diag);
	assert_int_equal(compiled_file_save(path, snapshot, &build, stamps, &octets, &diag), 0);
	snapshot_destroy(&snapshot);
	build_report_fini(&build);
	stamps_destroy(&stamps);
	conf_destroy(&conf);
}

static void a_compiled_policy_is_checked_too(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_list(&bench, "two.example", 20);
	compile(&bench);
	report = load(&bench, false);
	assert_true(report.compiled);
	assert_int_equal(report.number, 2);
	/* The first that the check takes for a name that nobody has heard of: as if hashes met where they must not. */
	write_list(&bench, "dmskdykvmvse.ccmnqvrxoghu.ypgbcylggiym", 20);
	compile(&bench);
	report = load(&bench, true);
	assert_false(report.compiled);
	assert_non_null(strstr(report.compiled_wrong, "self-check: "));
	assert_int_equal(report.number, 0);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	teardown(&bench);
}

static void rules_for_addresses_are_tried_on_addresses(void **state)
{
	static const struct {
		const char *why, *options, *list, *says;   /* NULL: it is taken */
	} rows[] = {
		{ "every answer", "\tformat: cidr\n", "0.0.0.0/1\n128.0.0.0/1\n", "100 % of IPv4" },
		{ "a quarter of them", "\tformat: cidr\n", "64.0.0.0/2\n", "28 % of IPv4" },
		{ "every answer in IPv6", "\tformat: cidr\n", "2000::/3\n", "100 % of IPv6" },
		{ "every name server", "\tformat: cidr\n\ttrigger: nsip\n", "0.0.0.0/1\n", "NSIP rule 0.0.0.0/1" },
		{ "all clients of one's own", "\tformat: cidr\n\ttrigger: client-ip\n", "10.0.0.0/8\n",
			"100 % of 10.0.0.0/8, such as 10." },
		{ "in two halves", "\tformat: cidr\n\ttrigger: client-ip\n", "192.168.0.0/17\n192.168.128.0/17\n",
			"100 % of 192.168.0.0/16" },
		{ "a network", "\tformat: cidr\n", "192.0.2.0/24\n8.0.0.0/8\n", NULL },
		{ "answers that lead inside", "\tformat: cidr\n", "10.0.0.0/8\n172.16.0.0/12\n192.168.0.0/16\nfc00::/7\n",
			NULL },
		{ "a branch", "\tformat: cidr\n\ttrigger: client-ip\n", "10.20.0.0/16\n192.168.7.0/24\n", NULL },
		{ "name servers of what is asked", "\tformat: domains\n\ttrigger: nsdname\n", "test\n", "distinct questions, such as www" },
		{ "name servers of something else", "\tformat: domains\n\ttrigger: nsdname\n", "other\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_report report;
		struct bench bench;

		setup(&bench, "\twatch: no\n");
		ask(&bench, "asked.test", 60);
		write_file(&bench, "two.txt", rows[i].list);
		write_conf_with(&bench, rows[i].options);
		report = load(&bench, false);
		if (rows[i].says == NULL ? report.number != 2 : strstr(report.error, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].why, report.error);
		if (rows[i].says != NULL)
			assert_int_equal(load(&bench, true).number, 2);
		/* What is denied now is nothing new. */
		assert_int_equal(load(&bench, false).number, 3);
		teardown(&bench);
	}
}

static void a_protected_name_is_not_denied(void **state)
{
	static const char *const rules[] = { "www.good.example", "good.example" };
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n\tprotected-name: www.good.example\n");
	for (size_t i = 0; i < 2; i++) {
		write_list(&bench, rules[i], 20);
		report = load(&bench, false);
		assert_int_equal(report.number, 0);
		assert_non_null(strstr(report.error, "protected-name: www.good.example would be denied by "));
		assert_int_equal(load(&bench, true).number, 0);
		assert_int_equal(fake_host_asks(bench.fake, "www.good.example"), ACTION_ALLOW);
	}
	write_list(&bench, "bad.example", 20);
	assert_int_equal(load(&bench, false).number, 2);
	teardown(&bench);
}

static void a_protected_name_is_not_denied_to_one_group_either(void **state)
{
	struct load_report report;
	struct bench bench;
	char conf[1024];

	(void)state;
	setup(&bench, "\twatch: no\n\tprotected-name: good.example\n");
	snprintf(conf, sizeof(conf), "\twatch: no\n\tprotected-name: good.example\nclient-group:\n\tname: kids\n"
		"\tnetwork: 10.1.0.0/16\npolicy-list:\n\tname: kids\n\tfile: kids.txt\n\tformat: domains\n\tgroup: kids\n");
	write_conf(&bench, conf);
	write_file(&bench, "kids.txt", "good.example\n");
	report = load(&bench, false);
	assert_non_null(strstr(report.error, "of policy-list kids for group kids"));
	write_file(&bench, "kids.txt", "games.example\n");
	assert_int_equal(load(&bench, false).number, 2);
	assert_int_equal(fake_host_asks_for(bench.fake, "games.example", "10.1.2.3"), ACTION_NXDOMAIN);
	assert_int_equal(fake_host_asks_for(bench.fake, "games.example", "10.2.2.3"), ACTION_ALLOW);
	teardown(&bench);
}

static void does_not_go_back_to_what_denies_a_name_protected_since(void **state)
{
	struct load_report report;
	struct bench bench;

	(void)state;
	setup(&bench, "\twatch: no\n");
	write_list(&bench, "two.example", 20);
	write_conf(&bench, "\twatch: no\n\tprotected-name: one.example\n");
	assert_int_equal(load(&bench, false).number, 2);
	report = go_back(&bench, 0);
	assert_int_equal(report.number, 0);
	assert_non_null(strstr(report.error, "protected-name: one.example would be denied by "));
	assert_int_equal(fake_host_asks(bench.fake, "one.example"), ACTION_ALLOW);
	assert_int_equal(fake_host_asks(bench.fake, "two.example"), ACTION_REFUSE);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(force_passes_over_the_feeds_guards),
		cmocka_unit_test(a_policy_that_denies_too_much_is_not_taken),
		cmocka_unit_test(what_is_denied_already_counts_for_nothing),
		cmocka_unit_test(a_few_questions_are_no_share),
		cmocka_unit_test(a_compiled_policy_is_checked_too),
		cmocka_unit_test(rules_for_addresses_are_tried_on_addresses),
		cmocka_unit_test(a_protected_name_is_not_denied),
		cmocka_unit_test(a_protected_name_is_not_denied_to_one_group_either),
		cmocka_unit_test(does_not_go_back_to_what_denies_a_name_protected_since),
	};

	return cmocka_run_group_tests_name("loader_guards", tests, NULL, NULL);
}
