/* Programs on disk: what they export, what they say, and what a damaged one must not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/elf_file.h"

#define SELF "/proc/self/exe"
#define SAID "a text that only this test says"
#define ROUNDS 3000

/* Not static: the compiler must leave it where a reader of the file can find it. */
const char elf_test_text[] = SAID;

static bool find_whole(void *arg, const char *text, size_t length)
{
	size_t *count = arg;

	if (strcmp(text, SAID) == 0 && length == strlen(SAID))
		(*count)++;
	return false;
}

static void finds_texts_of_read_only_segments(void **state)
{
	struct elf_file file;
	size_t count = 0;

	(void)state;
	assert_null(elf_open(&file, SELF));
	assert_false(elf_texts(&file, "only this test says", find_whole, &count));
	assert_in_range(count, 1, 8);
	elf_close(&file);
}

static void tells_symbols_of_others_from_its_own(void **state)
{
	struct elf_file file;
	struct elf_symbol symbol;
	bool found = false;

	(void)state;
	assert_null(elf_open(&file, SELF));
	for (size_t i = 0; i < file.symbol_count; i++)
		if (elf_symbol(&file, i, &symbol) && strcmp(symbol.name, "_cmocka_run_group_tests") == 0) {
			found = true;
			assert_false(symbol.defined);
		}
	assert_true(found);
	assert_false(elf_symbol(&file, file.symbol_count, &symbol));
	elf_close(&file);
}

static void refuses_what_is_no_program(void **state)
{
	static const struct { const char *path, *says, *why; } rows[] = {
		{ "/etc/passwd", "not a program", "a text" },
		{ "/nonexistent/unbound", "does not exist", "gone with its package" },
		{ "/dev/null", "no regular file", "would never end, were it /dev/zero" },
		{ "/", "directory", "a folder" },
	};
	struct elf_file file = { .symbol_count = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *wrong = elf_open(&file, rows[i].path);

		if (wrong == NULL || strstr(wrong, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].why, wrong != NULL ? wrong : "taken");
		assert_int_equal(file.symbol_count, 77);
	}
}

static bool stay_inside(void *arg, const char *text, size_t length)
{
	const struct file_text *all = arg;

	assert_true(text >= all->octets && text + length < all->octets + all->length);
	return false;
}

static void walk(const struct file_text *text)
{
	struct elf_file file;
	struct elf_symbol symbol;
	struct file_text copy = *text;

	if (elf_parse(&file, text) != NULL)
		return;
	elf_texts(&file, "a", stay_inside, &copy);
	for (size_t i = 0; i < file.symbol_count; i++)
		if (elf_symbol(&file, i, &symbol))
			assert_in_range(strlen(symbol.name), 1, text->length);
}

/* The law: whatever octets change and wherever it ends, nothing is read outside. */
static void survives_damage_everywhere(void **state)
{
	const char *given = getenv("VERDICT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 20261121;
	struct elf_file file;
	struct file_text text;
	char *copy;

	(void)state;
	printf("# seed %u\n", seed);
	srand(seed);
	assert_null(elf_open(&file, SELF));
	text = file.text;
	for (int i = 0; i < ROUNDS; i++) {
		size_t length = i % 2 ? text.length : (size_t)rand() % (i % 4 ? 8192 : text.length);
		struct file_text damaged = { .length = length };

		copy = malloc(length + 1);
		assert_non_null(copy);
		memcpy(copy, text.octets, length);
		for (int j = 0; j < 4 && length > 0; j++)
			copy[(size_t)rand() % (j < 2 && length > 64 ? 64 : length)] = (char)rand();
		damaged.octets = copy;
		walk(&damaged);
		free(copy);
	}
	elf_close(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_texts_of_read_only_segments),
		cmocka_unit_test(tells_symbols_of_others_from_its_own),
		cmocka_unit_test(refuses_what_is_no_program),
		cmocka_unit_test(survives_damage_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
