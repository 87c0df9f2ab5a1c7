/* test_loader.c: changing the policy of a running resolver, with a resolver of the test's own. */
#include "control/loader.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/compiled_file.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/held_load.h"
#include "tests/unit/own_clock.h"
#include "tests/unit/own_threads.h"
#include "tests/unit/temp_file.h"

#define PATIENCE_MS 60000

/* One resolver with a configuration in a folder of its own. */
struct bench {
	char folder[TEMP_PATH_MAX];
	char conf[TEMP_PATH_MAX + 32];
	struct fake_host *fake;
	struct recent *recent;
	struct loader *loader;
	struct diag diag;
};

static void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

static void path_of(const struct bench *bench, const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s", bench->folder, name);
}

/* Beside and renamed, as one should. */
static void write_file(const struct bench *bench, const char *name, const char *text)
{
	char path[256], beside[256];
	FILE *file;

	path_of(bench, name, path, sizeof(path));
	path_of(bench, "beside", beside, sizeof(beside));
	file = fopen(beside, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(rename(beside, path), 0);
}

static void write_conf(const struct bench *bench, const char *more)
{
	char text[4096];

	snprintf(text, sizeof(text), "verdict:\n\tstate-directory: \"%s\"\n\tsweep-interval: 0\n%s"
		"policy-list:\n\tname: one\n\tfile: one.txt\n\tformat: domains\n\taction: refuse\n", bench->folder, more);
	write_file(bench, "verdict.conf", text);
}

/* `count` names, nameN.example, and one more. */
static void write_list(const struct bench *bench, const char *first, unsigned count)
{
	char *text = malloc(count * 32 + 300);
	size_t used;

	assert_non_null(text);
	used = (size_t)sprintf(text, "%s\n", first);
	for (unsigned i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "name%u.example\n", i);
	write_file(bench, "one.txt", text);
	free(text);
}

static struct loader *create(struct bench *bench, struct loader *before)
{
	const struct loader_options options = { .conf_path = bench->conf, .chroot = "", .host = &bench->fake->host,
		.recent = bench->recent };

	bench->diag.text[0] = '\0';
	return loader_create(&options, before, &bench->diag);
}

static void setup(struct bench *bench, const char *more)
{
	memset(bench, 0, sizeof(*bench));
	own_clock_put_on(0);
	own_clock_go();
	temp_folder(bench->folder);
	path_of(bench, "verdict.conf", bench->conf, sizeof(bench->conf));
	bench->fake = fake_host_create();
	bench->recent = recent_create();
	write_conf(bench, more);
	write_list(bench, "one.example", 20);
	bench->loader = create(bench, NULL);
	if (bench->loader == NULL)
		fail_msg("%s", bench->diag.text);
}

static void teardown(struct bench *bench)
{
	char command[TEMP_PATH_MAX + 16];

	if (bench->loader != NULL)
		loader_stop(bench->loader, PATIENCE_MS);
	loader_destroy(&bench->loader);
	fake_host_destroy(&bench->fake);
	recent_destroy(&bench->recent);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static struct load_report load(struct bench *bench, bool force)
{
	const struct load_request request = { .cause = CAUSE_COMMAND, .force = force };
	struct load_report report;

	assert_int_equal(loader_request(bench->loader, &request, &report), 0);
	return report;
}

static struct load_report go_back(struct bench *bench, uint64_t to)
{
	const struct load_request request = { .cause = CAUSE_ROLLBACK, .to = to };
	struct load_report report;

	assert_int_equal(loader_request(bench->loader, &request, &report), 0);
	return report;
}

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

static bool becomes(struct bench *bench, const char *name, enum action action)
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms += 10) {
		if (fake_host_asks(bench->fake, name) == action)
			return true;
		sleep_ms(10);
	}
	return false;
}

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

/* --- loads -------------------------------------------------------------------------------------------------------- */

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

/* --- what a change may deny --------------------------------------------------------------------------------------- */

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

/* --- overrides ---------------------------------------------------------------------------------------------------- */

static struct override override_of(const char *name, enum action action)
{
	struct override override = { .id = 1, .action = action };

	assert_null(name_from_text(&override.name, name, strlen(name)));
	return override;
}

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

/* --- going back --------------------------------------------------------------------------------------------------- */

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

/* --- what comes by itself ----------------------------------------------------------------------------------------- */

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

/* --- ending and starting again ------------------------------------------------------------------------------------ */

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
		const bool held = i % 2 == 1;
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
		cmocka_unit_test(force_passes_over_the_feeds_guards),
		cmocka_unit_test(says_what_has_to_wait),
		cmocka_unit_test(a_policy_that_denies_too_much_is_not_taken),
		cmocka_unit_test(what_is_denied_already_counts_for_nothing),
		cmocka_unit_test(a_few_questions_are_no_share),
		cmocka_unit_test(a_compiled_policy_is_checked_too),
		cmocka_unit_test(rules_for_addresses_are_tried_on_addresses),
		cmocka_unit_test(a_protected_name_is_not_denied),
		cmocka_unit_test(a_protected_name_is_not_denied_to_one_group_either),
		cmocka_unit_test(overrides_come_before_every_policy),
		cmocka_unit_test(what_a_detector_denies_ends_with_its_action),
		cmocka_unit_test(an_override_denies_no_protected_name),
		cmocka_unit_test(what_was_in_force_before_its_name_was_protected_keeps_no_other_from_ending),
		cmocka_unit_test(an_override_does_not_wait_for_a_load),
		cmocka_unit_test(an_allow_hides_no_rule_for_a_protected_name),
		cmocka_unit_test(overrides_are_no_loads),
		cmocka_unit_test(does_not_go_back_to_what_denies_a_name_protected_since),
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
