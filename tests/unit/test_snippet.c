/* Switching a snippet of unbound.conf off and on: nothing but that changes, and nobody can misuse it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/snippet.h"

#define M SNIPPET_MARK
#define W SNIPPET_WHY "it is old\n"

static char folder[] = "/tmp/verdict-test.XXXXXX";
static char path[64];

static void put(const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static const char *get(void)
{
	static char text[4096];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/verdict.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* `on` is what a switch on gives after `off`; NULL: `text` itself. */
static const struct { const char *text, *off, *on, *why; } rows[] = {
	{ "server:\n    a: b\n", W M "server:\n" M "    a: b\n", NULL, "every line, with its indentation" },
	{ "# ours\n\nserver:\n", W "# ours\n\n" M "server:\n", NULL, "comments and empty lines are people's own" },
	{ "  # in\n\t\n", W "  # in\n\t\n", NULL, "nothing in it to switch off" },
	{ "server:", W M "server:", NULL, "no newline at the end" },
	{ "a: b\r\n", W M "a: b\r\n", NULL, "lines of another system" },
	{ "", W, NULL, "an empty file" },
	{ "#server:\n", W "#server:\n", NULL, "switched off by hand stays off" },
	{ M "a: b\nc: d\n", W M "a: b\n" M "c: d\n", "a: b\nc: d\n", "half of each" },
	{ SNIPPET_WHY "before\n" M "a: b\n", W M "a: b\n", "a: b\n", "one reason, the newest" },
};

static void goes_off_and_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool changed = false;

		put(rows[i].text);
		assert_int_equal(snippet_switch(path, "it is old", &changed, NULL), 0);
		if (!changed || strcmp(get(), rows[i].off) != 0)
			fail_msg("%s: off: %s", rows[i].why, get());
		assert_int_equal(snippet_switch(path, "it is old", &changed, NULL), 0);
		assert_false(changed);
		assert_int_equal(snippet_switch(path, NULL, &changed, NULL), 0);
		if (!changed || strcmp(get(), rows[i].on != NULL ? rows[i].on : rows[i].text) != 0)
			fail_msg("%s: on: %s", rows[i].why, get());
		assert_int_equal(snippet_switch(path, NULL, &changed, NULL), 0);
		assert_false(changed);
	}
}

static void takes_no_line_from_the_reason(void **state)
{
	bool changed;

	(void)state;
	put("a: b\n");
	assert_int_equal(snippet_switch(path, "x\ninclude: \"/etc/shadow\"\n", &changed, NULL), 0);
	assert_string_equal(get(), SNIPPET_WHY "x include: \"/etc/shadow\" \n" M "a: b\n");
}

static void keeps_mode_and_owner(void **state)
{
	struct stat info;
	bool changed;

	(void)state;
	put("a: b\n");
	assert_int_equal(chmod(path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 65534, 65533), 0);
	assert_int_equal(snippet_switch(path, "x", &changed, NULL), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		assert_int_equal(info.st_uid, 65534);
		assert_int_equal(info.st_gid, 65533);
	}
}

static void refuses(const char *why)
{
	struct diag diag = { 0 };
	bool changed = true;

	if (snippet_switch(path, "x", &changed, &diag) != -1 || diag.text[0] == '\0' || !changed)
		fail_msg("%s", why);
}

static void refuses_what_it_must_not_replace(void **state)
{
	char other[80], *large = malloc(SNIPPET_OCTETS_MAX + 2);

	(void)state;
	assert_non_null(large);
	put("a: b\n");
	snprintf(other, sizeof(other), "%s/target", folder);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
	refuses("a link, which could lead to any file of root's");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(other), 0);
	refuses("none");
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses("a pipe, that would wait for ever");
	assert_int_equal(unlink(path), 0);
	memset(large, 'a', SNIPPET_OCTETS_MAX + 1);
	large[SNIPPET_OCTETS_MAX + 1] = '\0';
	put(large);
	refuses("far too long for what it is");
	free(large);
}

static void finds_the_library(void **state)
{
	static const struct { const char *text, *library, *why; } lines[] = {
		{ "dynlib:\n    dynlib-file: /a/b.so\n", "/a/b.so", "plain" },
		{ "dynlib: # x\n\tdynlib-file:\"/a b.so\"   # y\n", "/a b.so", "quoted" },
		{ "dynlib-file: '/a.so'\n", "/a.so", "the other quotes" },
		{ M "    dynlib-file: /a.so#c\n", "/a.so", "while it is off" },
		{ "# dynlib-file: /a.so\n", NULL, "a comment" },
		{ "dynlib-file:\n", NULL, "nothing behind it" },
		{ "", NULL, "nothing at all" },
	};
	char found[SNIPPET_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool is;

		put(lines[i].text);
		is = snippet_library(path, found, NULL);
		if (is != (lines[i].library != NULL) || (is && strcmp(found, lines[i].library) != 0))
			fail_msg("%s: %s", lines[i].why, is ? found : "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_off_and_comes_back),
		cmocka_unit_test(takes_no_line_from_the_reason),
		cmocka_unit_test(keeps_mode_and_owner),
		cmocka_unit_test(refuses_what_it_must_not_replace),
		cmocka_unit_test(finds_the_library),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
