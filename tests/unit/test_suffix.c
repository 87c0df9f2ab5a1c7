/* test_suffix.c: registrable domains on wire form are those of libpsl. */
#include "detect/suffix.h"

#include <libpsl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/temp_file.h"

#define DEBIAN "/usr/share/publicsuffix/public_suffix_list.dat"

static const struct hash_key key = { 3, 4 };

/* Debian's, or that of the data; NULL: neither. */
static const char *real_list(void)
{
	static char path[4096];
	const char *data = getenv("VERDICT_DATA");
	FILE *file;

	snprintf(path, sizeof(path), "%s/lists/public_suffix_list.dat", data != NULL ? data : "../shared/data");
	file = fopen(path, "r");
	if (file == NULL)
		snprintf(path, sizeof(path), DEBIAN);
	else
		fclose(file);
	file = fopen(path, "r");
	if (file == NULL)
		return NULL;
	fclose(file);
	return path;
}

static struct name name_of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

/* Rows of the algorithm; a list of a hundred rules, as a real one has more. */
static struct suffix_set *small_set(void)
{
	static char text[8192];
	size_t used = 0;
	struct suffix_set *set;
	struct diag diag = { 0 };
	char path[TEMP_PATH_MAX];

	used += (size_t)snprintf(text, sizeof(text), "// ===BEGIN ICANN DOMAINS===\ncom\nuk\nco.uk\n*.ck\n!www.ck\njp\n*.kawasaki.jp\n"
		"!city.kawasaki.jp\nde\na.b.c.de // far down, with nothing between\n\xd1\x80\xd1\x84\n");
	for (unsigned i = 0; i < 100; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "tld%u\n", i);
	snprintf(text + used, sizeof(text) - used, "// ===END ICANN DOMAINS===\n// ===BEGIN PRIVATE DOMAINS===\ngithub.io\nio\n");
	set = suffix_load(temp_file(path, text, strlen(text)), &key, &diag);
	if (set == NULL)
		fail_msg("%s", diag.text);
	remove(path);
	return set;
}

static void rules_apply_as_the_list_says(void **state)
{
	static const struct {
		const char *name;
		unsigned labels;
		const char *why;
	} rows[] = {
		{ "example.com", 2, "one label below a suffix" },
		{ "a.b.example.com", 2, "deeper" },
		{ "com", 0, "a suffix itself" },
		{ ".", 0, "the root" },
		{ "example.co.uk", 3, "a suffix of two" },
		{ "example.uk", 2, "beside it" },
		{ "co.uk", 0, "a suffix of two itself" },
		{ "x.y.ck", 3, "below a wildcard" },
		{ "y.ck", 0, "what a wildcard covers is a suffix" },
		{ "www.ck", 2, "an exception" },
		{ "a.www.ck", 2, "below an exception" },
		{ "b.a.kawasaki.jp", 4, "a deeper wildcard" },
		{ "city.kawasaki.jp", 3, "a deeper exception" },
		{ "x.a.b.c.de", 5, "a rule with nothing between" },
		{ "b.c.de", 2, "above that rule" },
		{ "x.github.io", 0, "private rules are none, and io is no rule here" },
		{ "host.lan", 0, "no top-level domain" },
		{ "x.y.xn--p1ai", 2, "a rule in another script" },
		{ "a.me.ddns.net", 3, "dynamic DNS, whatever the list says" },
	};
	struct suffix_set *set = small_set();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct name name = name_of(rows[i].name);
		const unsigned labels = suffix_find(set, &name).labels;

		if (labels != rows[i].labels)
			fail_msg("%s: %u labels, not %u: %s", rows[i].name, labels, rows[i].labels, rows[i].why);
	}
	suffix_destroy(&set);
	assert_null(set);
}

static void the_hash_is_that_of_the_zone(void **state)
{
	struct suffix_set *set = small_set();
	const struct name zone = name_of("example.co.uk"), below = name_of("a.b.example.co.uk"), other = name_of("other.co.uk");
	struct name deep;

	(void)state;
	assert_true(suffix_find(set, &zone).zone == hash_name(&key, &zone).low);
	assert_true(suffix_find(set, &zone).name == hash_name(&key, &zone).low);
	assert_true(suffix_find(set, &below).zone == suffix_find(set, &zone).zone);
	assert_true(suffix_find(set, &below).name == hash_name(&key, &below).low);
	assert_true(suffix_find(set, &other).zone != suffix_find(set, &zone).zone);
	deep = name_of("1.2.3.4.5.6.7.8.9.10.11.12.example.co.uk");
	assert_true(suffix_find(set, &deep).zone == suffix_find(set, &zone).zone);
	assert_true(suffix_find(set, &deep).name == hash_name(&key, &deep).low);
	assert_true(suffix_find(set, &deep).has_tld);
	deep = name_of("host.lan");
	assert_false(suffix_find(set, &deep).has_tld);
	suffix_destroy(&set);
}

static void other_files_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "<html>not found</html>\n", "no Public Suffix List" },
		{ "", "no Public Suffix List" },
		{ "// ===BEGIN ICANN DOMAINS===\ncom\n// ===END ICANN DOMAINS===\n", "1 rules" },
		{ "// ===BEGIN ICANN DOMAINS===\na..b\n", "a..b" },
	};
	struct diag diag;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char path[TEMP_PATH_MAX];

		assert_null(suffix_load(temp_file(path, rows[i].text, strlen(rows[i].text)), &key, &diag));
		if (strstr(diag.text, rows[i].says) == NULL)
			fail_msg("%s: not said: %s", diag.text, rows[i].says);
		remove(path);
	}
	assert_null(suffix_load("/nowhere/list.dat", &key, &diag));
	assert_string_equal(diag.file, "/nowhere/list.dat");
	assert_non_null(strstr(diag.text, "does not exist (the public-suffix-list of `detection:`"));
}

/* Every name of a real list of host names, if there is one; else of the rules themselves. */
/* What libpsl says with the section of registries alone: the shortest end that is no suffix. */
static unsigned shortest_domain(const psl_ctx_t *psl, const char *text)
{
	unsigned labels = 0;

	for (const char *at = text + strlen(text); at > text;) {
		do
			at--;
		while (at > text && at[-1] != '.');
		labels++;
		if (!psl_is_public_suffix2(psl, at, PSL_TYPE_ICANN))
			return labels;
	}
	return 0;
}

static unsigned labels_by_libpsl(const psl_ctx_t *psl, const char *text, const struct name *name)
{
	unsigned wanted = shortest_domain(psl, text);

	/* A suffix may lie below a name that is none. */
	for (unsigned deeper = wanted + 1; wanted > 0 && deeper <= name->labels; deeper++) {
		const uint8_t *at = name_suffix(name, name->labels - deeper);
		char suffix[NAME_TEXT_MAX];

		name_wire_to_text(at, (size_t)(name->octets + name->length - at), suffix);
		if (psl_is_public_suffix2(psl, suffix, PSL_TYPE_ICANN))
			wanted = deeper < name->labels ? deeper + 1 : 0;
	}
	return wanted;
}

/* Returns how many names of the rule were compared. */
static unsigned compare_rule(const struct suffix_set *set, const psl_ctx_t *psl, const char *line)
{
	static const char *const before[] = { "", "x.", "y.x.", "z.y.x." };
	const char *rule = *line == '!' ? line + 1 : strncmp(line, "*.", 2) == 0 ? line + 2 : line;
	unsigned compared = 0;

	for (unsigned i = 0; i < 4; i++) {
		char text[2048];
		struct name name;
		unsigned labels, wanted;

		snprintf(text, sizeof(text), "%s%s", before[i], rule);
		if (name_from_text(&name, text, strlen(text)) != NULL)
			continue;
		wanted = labels_by_libpsl(psl, text, &name);
		labels = suffix_find(set, &name).labels;
		if (labels != wanted)
			fail_msg("%s: %u labels, libpsl says %u", text, labels, wanted);
		compared++;
	}
	return compared;
}

static bool is_rule(const char *line)
{
	return *line != '\0' && *line != '/' && line[strspn(line, "!*.abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static void real_names_have_the_domains_of_libpsl(void **state)
{
	const char *path = real_list();
	struct diag diag = { 0 };
	struct suffix_set *set;
	psl_ctx_t *psl;
	char line[1024];
	unsigned compared = 0;
	FILE *file;

	(void)state;
	if (path == NULL) {
		print_message("no Public Suffix List: install publicsuffix\n");
		skip();
	}
	set = suffix_load(path, &key, &diag);
	psl = psl_load_file(path);
	file = fopen(path, "r");
	assert_non_null(set);
	assert_non_null(psl);
	while (fgets(line, sizeof(line), file) != NULL && strstr(line, "===END ICANN") == NULL) {
		line[strcspn(line, " \t\r\n")] = '\0';
		if (is_rule(line))
			compared += compare_rule(set, psl, line);
	}
	fclose(file);
	psl_free(psl);
	suffix_destroy(&set);
	assert_true(compared > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_apply_as_the_list_says),
		cmocka_unit_test(the_hash_is_that_of_the_zone),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(real_names_have_the_domains_of_libpsl),
	};

	return cmocka_run_group_tests_name("suffix", tests, NULL, NULL);
}
