/* test_unpack.c: compressed files of every kind, good, hostile and broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "policy/unpack.h"
#include "tests/unit/temp_file.h"

#define MIB ((size_t)1 << 20)

/* Octets that are compressed as they come; owned. */
struct packed {
	uint8_t *octets;
	size_t length;
	size_t room;
};

static void reserve(struct packed *packed, size_t more)
{
	packed->room = packed->length + more;
	packed->octets = realloc(packed->octets, packed->room);
	assert_non_null(packed->octets);
}

static void add_gzip(struct packed *packed, const char *octets, size_t length, unsigned times)
{
	z_stream zlib = { .next_in = NULL };

	assert_int_equal(deflateInit2(&zlib, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	reserve(packed, length * times + 4096);
	zlib.next_out = packed->octets + packed->length;
	zlib.avail_out = (uInt)(packed->room - packed->length);
	for (; times > 0; times--) {
		zlib.next_in = (Bytef *)(uintptr_t)octets;
		zlib.avail_in = (uInt)length;
		assert_int_equal(deflate(&zlib, times == 1 ? Z_FINISH : Z_NO_FLUSH),
			times == 1 ? Z_STREAM_END : Z_OK);
	}
	packed->length = packed->room - zlib.avail_out;
	deflateEnd(&zlib);
}

static void add_xz(struct packed *packed, const char *octets, size_t length, unsigned times)
{
	lzma_stream lzma = LZMA_STREAM_INIT;

	assert_int_equal(lzma_easy_encoder(&lzma, 1, LZMA_CHECK_CRC64), LZMA_OK);
	reserve(packed, length * times + 4096);
	lzma.next_out = packed->octets + packed->length;
	lzma.avail_out = packed->room - packed->length;
	for (; times > 0; times--) {
		lzma.next_in = (const uint8_t *)octets;
		lzma.avail_in = length;
		assert_int_equal(lzma_code(&lzma, times == 1 ? LZMA_FINISH : LZMA_RUN),
			times == 1 ? LZMA_STREAM_END : LZMA_OK);
	}
	packed->length = packed->room - lzma.avail_out;
	lzma_end(&lzma);
}

typedef void (*add_packed)(struct packed *packed, const char *octets, size_t length, unsigned times);

static const add_packed both[] = { add_gzip, add_xz };

/* What unpack says of the octets as a file; *text needs file_release in any case. */
static const char *unpack_octets(struct file_text *text, const struct packed *packed, size_t max)
{
	char path[TEMP_PATH_MAX];

	assert_null(file_load(text, temp_file(path, packed->octets, packed->length), SIZE_MAX >> 1));
	unlink(path);
	return unpack(text, max);
}

static void gives_back_what_was_packed(void **state)
{
	static char big[3 * MIB + 5];
	size_t i, kind, sizes[] = { 0, 1, 4096, MIB - 1, MIB, MIB + 1, sizeof(big) };

	(void)state;
	srand(1);
	for (i = 0; i < sizeof(big); i++)
		big[i] = (char)rand();
	for (kind = 0; kind < 2; kind++) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct packed packed = { .length = 0 };
			struct file_text text;

			both[kind](&packed, big, sizes[i], 1);
			assert_null(unpack_octets(&text, &packed, sizes[i]));
			assert_int_equal(text.length, sizes[i]);
			assert_memory_equal(text.octets, big, sizes[i]);
			assert_int_equal(text.octets[text.length], 0);
			file_release(&text);
			free(packed.octets);
		}
	}
}

static void leaves_plain_text_alone(void **state)
{
	struct packed packed = { .octets = (uint8_t *)strdup("a.example\n"), .length = 10 };
	struct file_text text;

	(void)state;
	assert_null(unpack_octets(&text, &packed, 1));
	assert_memory_equal(text.octets, "a.example\n", 10);
	file_release(&text);
	free(packed.octets);
}

static void members_behind_each_other_are_one_text(void **state)
{
	size_t kind;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		struct packed packed = { .length = 0 };
		struct file_text text;

		both[kind](&packed, "a.example\n", 10, 1);
		both[kind](&packed, "b.example\n", 10, 1);
		assert_null(unpack_octets(&text, &packed, 100));
		assert_int_equal(text.length, 20);
		assert_memory_equal(text.octets, "a.example\nb.example\n", 20);
		file_release(&text);
		free(packed.octets);
	}
}

static void zeros_behind_gzip_are_padding(void **state)
{
	struct packed packed = { .length = 0 };
	struct file_text text;

	(void)state;
	add_gzip(&packed, "a.example\n", 10, 1);
	reserve(&packed, 512);
	memset(packed.octets + packed.length, 0, 512);
	packed.length += 512;
	assert_null(unpack_octets(&text, &packed, 100));
	assert_int_equal(text.length, 10);
	file_release(&text);
	free(packed.octets);
}

static void refuses_what_is_cut_at_any_octet(void **state)
{
	size_t kind, cut;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		struct packed packed = { .length = 0 }, part;

		both[kind](&packed, "a.example\nb.example\nc.example\n", 30, 1);
		part = packed;
		for (cut = 6; cut < packed.length; cut++) {
			struct file_text text;
			const char *wrong;

			part.length = cut;
			wrong = unpack_octets(&text, &part, 100);
			assert_non_null(wrong);
			assert_non_null(strstr(wrong, "cut short"));
			/* Untouched. */
			assert_int_equal(text.length, cut);
			assert_memory_equal(text.octets, packed.octets, cut);
			file_release(&text);
		}
		free(packed.octets);
	}
}

static void refuses_damage(void **state)
{
	size_t kind;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		struct packed packed = { .length = 0 };
		struct file_text text;
		const char *wrong;

		both[kind](&packed, "a.example\nb.example\nc.example\n", 30, 1);
		packed.octets[packed.length / 2] ^= 0x55;
		wrong = unpack_octets(&text, &packed, 100);
		assert_non_null(wrong);
		file_release(&text);
		free(packed.octets);
	}
}

static void refuses_more_than_is_allowed(void **state)
{
	size_t kind;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		struct packed packed = { .length = 0 };
		struct file_text text;
		const char *wrong;

		both[kind](&packed, "a.example\n", 10, 1);
		wrong = unpack_octets(&text, &packed, 9);
		assert_non_null(wrong);
		assert_non_null(strstr(wrong, "size-max"));
		file_release(&text);
		assert_null(unpack_octets(&text, &packed, 10));
		file_release(&text);
		free(packed.octets);
	}
}

/* 2 GiB of zeros: refused long before they are there. */
static void refuses_bombs_in_bounded_memory(void **state)
{
	static char zeros[MIB];
	size_t kind;

	(void)state;
	for (kind = 0; kind < 2; kind++) {
		struct packed packed = { .length = 0 };
		struct rusage before, after;
		struct file_text text;
		const char *wrong;

		both[kind](&packed, zeros, sizeof(zeros), 256);
		getrusage(RUSAGE_SELF, &before);
		wrong = unpack_octets(&text, &packed, SIZE_MAX >> 2);
		getrusage(RUSAGE_SELF, &after);
		assert_non_null(wrong);
		assert_non_null(strstr(wrong, "bomb"));
		assert_true(after.ru_maxrss - before.ru_maxrss < 128 * 1024);
		file_release(&text);
		free(packed.octets);
	}
}

static void refuses_xz_that_needs_much_memory(void **state)
{
	struct packed packed = { .length = 0 };
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };
	struct file_text text;
	const char *wrong;

	(void)state;
	assert_false(lzma_lzma_preset(&options, 0));
	options.dict_size = 512 * MIB;
	reserve(&packed, 4096);
	/* The encoder would want the memory too; its header alone says what the decoder needs. */
	if (lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, (const uint8_t *)"a.example\n", 10,
				      packed.octets, &packed.length, packed.room) != LZMA_OK) {
		print_message("# no memory to make such a file\n");
		free(packed.octets);
		return;
	}
	wrong = unpack_octets(&text, &packed, 100);
	assert_non_null(wrong);
	assert_non_null(strstr(wrong, "128 MiB"));
	file_release(&text);
	free(packed.octets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_what_was_packed),
		cmocka_unit_test(leaves_plain_text_alone),
		cmocka_unit_test(members_behind_each_other_are_one_text),
		cmocka_unit_test(zeros_behind_gzip_are_padding),
		cmocka_unit_test(refuses_what_is_cut_at_any_octet),
		cmocka_unit_test(refuses_damage),
		cmocka_unit_test(refuses_more_than_is_allowed),
		cmocka_unit_test(refuses_bombs_in_bounded_memory),
		cmocka_unit_test(refuses_xz_that_needs_much_memory),
	};

	return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
