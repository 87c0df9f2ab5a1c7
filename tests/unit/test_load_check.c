/* test_load_check.c: the self-check: it passes what is right, and finds what is not. */
#include "control/load_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/group.h"
#include "tests/unit/temp_file.h"

#define NOW 1700000000

struct bench {
	char list[TEMP_PATH_MAX], other[TEMP_PATH_MAX], path[TEMP_PATH_MAX];
	struct conf *conf;
	struct build_report build;
	struct snapshot *snapshot;
	struct diag diag;
};

/* A configuration with one list, and what is built of it. */
static void setup(struct bench *bench, const char *list, const char *options, const char *more)
{
	char text[1024];
	int length;

	memset(bench, 0, sizeof(*bench));
	temp_file(bench->list, list, strlen(list));
	temp_file(bench->other, "", 0);
	length = snprintf(text, sizeof(text), "%s\npolicy-list:\n\tname: one\n\tfile: \"%s\"\n%s", more, bench->list, options);
	temp_file(bench->path, text, (size_t)length);
	bench->conf = conf_load(bench->path, &bench->diag);
	if (bench->conf == NULL)
		fail_msg("%s", bench->diag.text);
	bench->snapshot = snapshot_build(bench->conf, NOW, &bench->build, &bench->diag);
	if (bench->snapshot == NULL)
		fail_msg("%s", bench->diag.text);
}

static void rewrite(const struct bench *bench, const char *list)
{
	FILE *file = fopen(bench->list, "w");

	assert_non_null(file);
	fputs(list, file);
	fclose(file);
}

static void teardown(struct bench *bench)
{
	snapshot_destroy(&bench->snapshot);
	build_report_fini(&bench->build);
	conf_destroy(&bench->conf);
	unlink(bench->list);
	unlink(bench->other);
	unlink(bench->path);
}

static void passes_what_the_lists_say(void **state)
{
	static const struct {
		const char *why, *list, *options, *more;
	} rows[] = {
		{ "names", "a.example\nb.example\n", "\tformat: domains\n", "" },
		{ "names without those below", "0.0.0.0 a.example\n", "\tformat: hosts\n", "" },
		{ "names below alone", "*.a.example\n", "\tformat: wildcard\n", "" },
		{ "the same rule twice, and covered ones", "a.example\nx.a.example\na.example\n", "\tformat: domains\n", "" },
		{ "rules that pass", "$ORIGIN r.\n$TTL 1\n@ SOA . . 1 1 1 9999999 1\n@ NS .\na.example CNAME rpz-passthru.\n"
			"*.b.example CNAME .\nc.example A 192.0.2.1\n32.1.2.0.192.rpz-ip CNAME .\n", "\tformat: rpz\n", "" },
		{ "every trigger behind every other", "$ORIGIN r.\n$TTL 1\n@ SOA . . 1 1 1 9999999 1\n@ NS .\n"
			"32.1.2.0.192.rpz-client-ip CNAME .\na.example CNAME .\n32.1.2.0.192.rpz-ip CNAME .\nb.example.rpz-nsdname CNAME .\n"
			"128.1.zz.db8.2001.rpz-nsip CNAME .\n*.c.example CNAME .\n24.0.2.0.192.rpz-client-ip CNAME rpz-passthru.\n"
			"128.1.zz.db8.2001.rpz-ip CNAME .\nd.example A 192.0.2.1\n", "\tformat: rpz\n", "" },
		{ "an address inside an IPv6 one", "::ffff:192.0.2.0/120\n64:ff9b::192.0.2.1\n", "\tformat: cidr\n", "" },
		{ "exceptions", "||a.example^\n@@||www.a.example^\n", "\tformat: adblock\n", "" },
		{ "some types alone", "a.example\n", "\tformat: domains\n\tqtype: MX\n", "" },
		{ "all types but one", "a.example\n", "\tformat: domains\n\tqtype-exempt: A\n", "" },
		{ "shadow", "a.example\n", "\tformat: domains\n\tshadow: yes\n", "" },
		{ "a group alone", "a.example\n", "\tformat: domains\n\tgroup: kids\n",
			"client-group:\n\tname: kids\n\tnetwork: 10.0.0.0/8\n" },
		{ "a group with nobody in it", "a.example\n", "\tformat: domains\n\tgroup: kids\n",
			"client-group:\n\tname: other\n\tnetwork: 10.0.0.0/8\nclient-group:\n\tname: kids\n\tparent: other\n"
			"\tinterface: 192.0.2.1\n" },
		{ "addresses", "192.0.2.0/24\n", "\tformat: cidr\n", "" },
		{ "clients", "192.0.2.0/24\n", "\tformat: cidr\n\ttrigger: client-ip\n", "" },
		{ "clients that are not of the group", "192.0.2.0/24\n", "\tformat: cidr\n\ttrigger: client-ip\n\tgroup: kids\n",
			"client-group:\n\tname: kids\n\tnetwork: 10.0.0.0/8\n" },
		{ "name servers", "a.example\n", "\tformat: domains\n\ttrigger: nsdname\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;

		setup(&bench, rows[i].list, rows[i].options, rows[i].more);
		if (check_itself(bench.conf, &bench.build, bench.snapshot, &bench.diag) != 0)
			fail_msg("%s: %s", rows[i].why, bench.diag.text);
		teardown(&bench);
	}
}

/* Compresses the list in its place. */
static void pack(const struct bench *bench)
{
	char command[4 * TEMP_PATH_MAX];

	snprintf(command, sizeof(command), "gzip -n %s && mv %s.gz %s", bench->list, bench->list, bench->list);
	assert_int_equal(system(command), 0);
}

#define NAMES "\tformat: wildcard\n\tsubdomains: yes\n"

/* The compiled form is of another text than the list has. */
static void finds_a_rule_that_is_missing(void **state)
{
	static const struct {
		const char *why, *options, *list, *other, *tried;
	} rows[] = {
		{ "a name", NAMES, "a.example\n", "a.example\nb.example\n", "b.example" },
		{ "below", NAMES, "*.a.example\n", "*.a.example\n*.b.example\n", "b.example" },
		{ "an address", "\tformat: cidr\n", "192.0.2.0/24\n", "192.0.2.0/24\n2001:db8::/48\n", "2001:db8::" },
		{ "a client", "\tformat: cidr\n\ttrigger: client-ip\n", "192.0.2.0/24\n", "192.0.2.0/24\n192.0.3.0/24\n",
			"192.0.3.0" },
		{ "a name server", "\tformat: domains\n\ttrigger: nsdname\n", "a.example\n", "a.example\nb.example\n",
			"b.example" },
		{ "its address", "\tformat: cidr\n\ttrigger: nsip\n", "192.0.2.0/24\n", "192.0.2.0/24\n192.0.3.0/24\n",
			"192.0.3.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		char tried[64];

		setup(&bench, rows[i].list, rows[i].options, "");
		rewrite(&bench, rows[i].other);
		if (check_itself(bench.conf, &bench.build, bench.snapshot, &bench.diag) != -1 || bench.diag.line != 2)
			fail_msg("%s: %s", rows[i].why, bench.diag.text);
		assert_non_null(strstr(bench.diag.text, "self-check: "));
		snprintf(tried, sizeof(tried), "(tried %s)", rows[i].tried);
		if (strstr(bench.diag.text, tried) == NULL)
			fail_msg("%s: %s", rows[i].why, bench.diag.text);
		pack(&bench);
		/* As large as the list was, so that it counts as compressed. */
		bench.build.lists[0].stats.file_octets++;
		assert_int_equal(check_itself(bench.conf, &bench.build, bench.snapshot, &bench.diag), -1);
		teardown(&bench);
	}
}

static void an_expired_list_is_not_looked_for(void **state)
{
	struct bench bench;

	(void)state;
	setup(&bench, "$ORIGIN r.\n$TTL 1\n@ SOA . . 1 1 1 1 1\n@ NS .\na.example CNAME .\n",
		"\tformat: rpz\n", "");
	rewrite(&bench, "$ORIGIN r.\n$TTL 1\n@ SOA . . 1 1 1 1 1\n@ NS .\nb.example CNAME .\n");
	assert_int_equal(check_itself(bench.conf, &bench.build, bench.snapshot, &bench.diag), -1);
	bench.build.lists[0].withdrawn = true;
	assert_int_equal(check_itself(bench.conf, &bench.build, bench.snapshot, &bench.diag), 0);
	teardown(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_what_the_lists_say),
		cmocka_unit_test(finds_a_rule_that_is_missing),
		cmocka_unit_test(an_expired_list_is_not_looked_for),
	};

	return cmocka_run_group_tests_name("load_check", tests, NULL, NULL);
}
