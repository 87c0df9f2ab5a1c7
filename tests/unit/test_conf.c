/* test_conf.c: what the golden cases cannot show: ownership, limits that need large files, the printed table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/conf_table.h"
#include "tests/unit/temp_file.h"

static struct conf *load_text(const char *text, size_t length, struct diag *diag)
{
	char path[TEMP_PATH_MAX];
	struct conf *conf = conf_load(temp_file(path, text, length), diag);

	unlink(path);
	return conf;
}

static void success_leaves_the_diag_alone(void **state)
{
	struct diag diag = { .line = 4711 };
	struct conf *conf = load_text("", 0, &diag);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(diag.line, 4711);
	conf_destroy(&conf);
	assert_null(conf);
	conf_destroy(&conf);
}

static void no_diag_is_needed(void **state)
{
	(void)state;
	assert_null(load_text("what: ever", 10, NULL));
	assert_null(conf_load("/nonexistent/verdict.conf", NULL));
}

static void a_missing_file_is_named(void **state)
{
	struct diag diag;
	char text[1024];

	(void)state;
	assert_null(conf_load("/nonexistent/verdict.conf", &diag));
	assert_string_equal(diag_format(&diag, text, sizeof(text)), "/nonexistent/verdict.conf: does not exist");
}

/* 65535 octets fit on a line, one more does not. */
static void a_line_may_be_64_kib_and_no_longer(void **state)
{
	static char text[65536 + 2];
	struct diag diag;
	struct conf *conf;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "\n#", 2);
	conf = load_text(text, 1 + 65535, &diag);
	assert_non_null(conf);
	conf_destroy(&conf);
	assert_null(load_text(text, 1 + 65536, &diag));
	assert_int_equal(diag.line, 2);
	assert_non_null(strstr(diag.text, "a line over 65535 octets"));
}

static void takes_256_lists_and_no_more(void **state)
{
	char *text = NULL;
	size_t octets = 0;
	FILE *to = open_memstream(&text, &octets);
	size_t fits = 0;
	struct diag diag;
	struct conf *conf;
	unsigned i;

	(void)state;
	for (i = 0; i < CONF_LISTS_MAX + 1; i++) {
		fflush(to);
		fits = octets;
		fprintf(to, "policy-list: name: l%u file: f format: domains\n", i);
	}
	fclose(to);
	conf = load_text(text, fits, &diag);
	assert_non_null(conf);
	assert_int_equal(conf->list_count, CONF_LISTS_MAX);
	assert_string_equal(conf->lists[255].name, "l255");
	conf_destroy(&conf);
	assert_null(load_text(text, octets, &diag));
	assert_int_equal(diag.line, CONF_LISTS_MAX + 1);
	free(text);
}

/* The limit of an option that repeats is told where the first one too many stands. */
static void takes_65536_networks_of_a_group_and_no_more(void **state)
{
	char *text = NULL;
	size_t octets = 0;
	FILE *to = open_memstream(&text, &octets);
	size_t fits = 0;
	struct diag diag;
	struct conf *conf;
	unsigned i;

	(void)state;
	fprintf(to, "client-group: name: g\n");
	for (i = 0; i < CONF_NETWORKS_MAX + 1; i++) {
		fflush(to);
		fits = octets;
		fprintf(to, "network: 10.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
	}
	fclose(to);
	conf = load_text(text, fits, &diag);
	assert_non_null(conf);
	assert_int_equal(conf->groups[0].network_count, CONF_NETWORKS_MAX);
	assert_memory_equal(conf->groups[0].networks[65535].address.octets, "\12\0\377\377", 4);
	conf_destroy(&conf);
	assert_null(load_text(text, octets, &diag));
	assert_int_equal(diag.line, CONF_NETWORKS_MAX + 2);
	assert_non_null(strstr(diag.text, "a `client-group:` takes 65536"));
	free(text);
}

static void a_group_may_say_a_network_again(void **state)
{
	static const char text[] = "client-group: name: a network: 10.0.0.0/8 network: 10.0.0.0/8\n";
	struct conf *conf = load_text(text, strlen(text), NULL);

	(void)state;
	assert_non_null(conf);
	conf_destroy(&conf);
}

struct translation {
	unsigned calls;
	unsigned fail_at;   /* this call finds no memory; 0: none does */
};

static char *cut_root(void *arg, const char *path)
{
	struct translation *translation = arg;

	translation->calls++;
	if (translation->calls == translation->fail_at)
		return NULL;
	return strdup(strncmp(path, "/jail", 5) == 0 ? path + 5 : path);
}

static const char with_paths[] = "verdict: state-directory: /jail/state control-socket: /jail/control\n"
	"denial-log: /jail/log\n"
	"policy-list: name: a file: /jail/a format: domains\npolicy-list: name: b file: /b format: hosts\n"
	"dnstap: file: /jail/frames socket-path: /jail/socket\n";

static void every_path_is_translated(void **state)
{
	struct translation translation = { .calls = 0 };
	struct conf *conf = load_text(with_paths, strlen(with_paths), NULL);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf_translate_paths(conf, cut_root, &translation), 0);
	assert_string_equal(conf->state_directory, "/state");
	assert_string_equal(conf->lists[0].file, "/a");
	assert_string_equal(conf->lists[1].file, "/b");
	assert_string_equal(conf->dnstap.file, "/frames");
	assert_string_equal(conf->dnstap.socket_path, "/socket");
	assert_string_equal(conf->live.control_socket, "/control");
	assert_string_equal(conf->live.denial_log, "/log");
	conf_destroy(&conf);
}

static void syslog_is_no_path(void **state)
{
	static const char text[] = "verdict: denial-log: syslog\n";
	struct translation translation = { .calls = 0 };
	struct conf *conf = load_text(text, strlen(text), NULL);

	(void)state;
	assert_non_null(conf);
	assert_int_equal(conf_translate_paths(conf, cut_root, &translation), 0);
	assert_int_equal(translation.calls, 2);   /* state-directory and public-suffix-list */
	assert_string_equal(conf->live.denial_log, "syslog");
	conf_destroy(&conf);
}

static void no_memory_while_translating_is_told_and_loses_nothing(void **state)
{
	unsigned i;

	(void)state;
	for (i = 1; i <= 7; i++) {
		struct translation translation = { .fail_at = i };
		struct conf *conf = load_text(with_paths, strlen(with_paths), NULL);

		assert_int_equal(conf_translate_paths(conf, cut_root, &translation), -1);
		assert_non_null(conf->dnstap.file);
		conf_destroy(&conf);
	}
}

static size_t detector_options(void)
{
	size_t count = 0;

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (unsigned option = 0; option < DETECTOR_OPTIONS_MAX; option++)
			count += detector_table[i].options[option].name != NULL;
	return count;
}

/* Options of one unit, of which either may be the larger one. */
static const struct {
	enum detector detector;
	const char *one, *other, *why;
} free_pairs[] = {
	{ DETECTOR_TUNNEL, "low-octets", "low-octets-12h", "both are the tier low: either is enough" },
	{ DETECTOR_TUNNEL, "low-octets", "block-octets", "high-octets stands between the two" },
	{ DETECTOR_TUNNEL, "low-octets-12h", "block-octets", "likewise" },
	{ DETECTOR_TUNNEL_DOWN, "octets", "odd-octets", "both alert: either is enough" },
	{ DETECTOR_NXDOMAIN_BURST, "zones", "volume-zones", "both alert, and each wants a share of its own" },
	{ DETECTOR_NXDOMAIN_BURST, "share", "volume-share", "shares of different things" },
	{ DETECTOR_RECON, "ptr", "ptr-network", "both alert: either is enough" },
	{ DETECTOR_RECON, "owners", "children", "counts of different things" },
	{ DETECTOR_RANDOM_SUBDOMAIN, "failures", "hits", "a failure may come from the cache" },
};

static bool is_ordered(enum detector detector, unsigned one, unsigned other)
{
	for (unsigned i = 0; i < DETECTOR_ORDERS; i++)
		if (detector_orders[i].detector == detector && detector_orders[i].low == one && detector_orders[i].high == other)
			return true;
	return false;
}

static bool is_free(enum detector detector, const char *one, const char *other)
{
	for (size_t i = 0; i < sizeof(free_pairs) / sizeof(free_pairs[0]); i++)
		if (free_pairs[i].detector == detector && strcmp(free_pairs[i].one, one) == 0 &&
		    strcmp(free_pairs[i].other, other) == 0)
			return true;
	return false;
}

/* Whoever adds an option has to say which it is. */
static void two_thresholds_of_one_unit_are_in_order_or_free(void **state)
{
	unsigned seen = 0;

	(void)state;
	for (unsigned i = 0; i < DETECTOR_COUNT; i++) {
		const struct detector_option *options = detector_table[i].options;

		for (unsigned one = 0; one < DETECTOR_OPTIONS_MAX && options[one].name != NULL; one++)
			for (unsigned other = one + 1; other < DETECTOR_OPTIONS_MAX && options[other].name != NULL; other++) {
				if (strcmp(options[one].unit, options[other].unit) != 0)
					continue;
				if (is_ordered(i, one, other) == is_free(i, options[one].name, options[other].name))
					fail_msg("%s: %s and %s", detector_table[i].name, options[one].name, options[other].name);
				seen++;
			}
	}
	assert_int_equal(seen, DETECTOR_ORDERS + sizeof(free_pairs) / sizeof(free_pairs[0]));
}

static void defaults_are_in_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DETECTOR_ORDERS; i++) {
		const struct detector_option *options = detector_table[detector_orders[i].detector].options;

		assert_true(options[detector_orders[i].low].fallback <= options[detector_orders[i].high].fallback);
	}
}

/* Six columns between tabs and the meaning, for every option; the manual is checked against it. */
static void the_printed_table_is_whole(void **state)
{
	char *text = NULL, *line, *rest;
	size_t octets = 0, lines = 0;
	FILE *to = open_memstream(&text, &octets);

	(void)state;
	conf_print_options(to);
	fclose(to);
	for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		size_t tabs = 0;
		const char *at;

		for (at = line; *at != '\0'; at++)
			tabs += *at == '\t';
		if (tabs != 6 || strstr(line, "\t\t") != NULL || strstr(line, "(null)") != NULL)
			fail_msg("a column is missing: %s", line);
		lines++;
	}
	assert_int_equal(lines, OPTION_COUNT + detector_options());
	free(text);
}

static void the_nearest_key_is_found(void **state)
{
	static const struct {
		enum clause clause;
		const char *key, *nearest, *why;
	} rows[] = {
		{ CLAUSE_LIST, "acton", "action", "a letter left out" },
		{ CLAUSE_LIST, "subdomain", "subdomains", "singular" },
		{ CLAUSE_LIST, "sinkhole-adress", "sinkhole-address", "spelling" },
		{ CLAUSE_VERDICT, "state-dir", NULL, "too far away" },
		{ CLAUSE_DNSTAP, "ringsize", "ring-size", "a hyphen left out" },
		{ CLAUSE_COUNT, "policylist", "policy-list", "clauses too" },
		{ CLAUSE_VERDICT, "frames", NULL, "keys of other clauses do not count" },
		{ CLAUSE_LIST, "a-key-that-is-longer-than-any-key-there-is", NULL, "bounded" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *nearest = option_nearest(rows[i].clause, rows[i].key);
		const char *should = rows[i].nearest;

		if ((nearest == NULL) != (should == NULL) || (nearest != NULL && strcmp(nearest, should) != 0))
			fail_msg("%s: %s became %s", rows[i].why, rows[i].key, nearest != NULL ? nearest : "nothing");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_leaves_the_diag_alone),
		cmocka_unit_test(no_diag_is_needed),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(a_line_may_be_64_kib_and_no_longer),
		cmocka_unit_test(takes_256_lists_and_no_more),
		cmocka_unit_test(takes_65536_networks_of_a_group_and_no_more),
		cmocka_unit_test(a_group_may_say_a_network_again),
		cmocka_unit_test(syslog_is_no_path),
		cmocka_unit_test(every_path_is_translated),
		cmocka_unit_test(no_memory_while_translating_is_told_and_loses_nothing),
		cmocka_unit_test(two_thresholds_of_one_unit_are_in_order_or_free),
		cmocka_unit_test(defaults_are_in_order),
		cmocka_unit_test(the_printed_table_is_whole),
		cmocka_unit_test(the_nearest_key_is_found),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
