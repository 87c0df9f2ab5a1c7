/* test_saved.c: what is remembered comes back, and nothing else does. */
#include "detect/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"
#include "tests/unit/suffix_list.h"

#define START 1700000000000
#define MORE "the caller's"

static const struct hash_key key = { 1, 2 };
static const struct detect_sizes tiny = { 64, 64, 64, 8192, 8192, 4096 };
static struct detector_conf conf[DETECTOR_COUNT];

struct image {
	uint8_t *octets;
	size_t length, cap;
};

static struct detect *make_at(const struct detect_sizes *sizes, int64_t now_ms)
{
	char path[TEMP_PATH_MAX];
	struct diag diag = { 0 };
	struct detect *detect;

	detect = detect_create(sizes, suffix_list(path, "com\n"), &key, now_ms, &diag);
	remove(path);
	assert_non_null(detect);
	detector_conf_defaults(conf);
	return detect;
}

static struct detect *make(const struct detect_sizes *sizes)
{
	return make_at(sizes, START);
}

static uint32_t ask(struct detect *detect, unsigned number, int64_t now_ms)
{
	struct facts facts = { .qtype = RRTYPE_TXT, .qclass = 1 };
	const struct sight sight = { .facts = &facts, .path = PATH_RESOLVED, .now_ms = now_ms };
	struct detections detections;
	char text[128];

	snprintf(text, sizeof(text), "q%08xz%08xk%08xw.evil.com", number * 2654435761u, number * 40503u + 77, ~number * 69069u);
	assert_null(name_from_text(&facts.qname, text, strlen(text)));
	facts.client.family = ADDRESS_INET;
	detect_answer(detect, conf, &sight, &detections);
	return detections.standing;
}

static bool keep(void *arg, const void *octets, size_t length)
{
	struct image *image = arg;

	if (length > image->cap - image->length)
		return false;
	memcpy(image->octets + image->length, octets, length);
	image->length += length;
	return true;
}

static struct image save(struct detect *detect, const struct detect_sizes *sizes)
{
	struct image image = { .cap = detect_saved_max(sizes, sizeof(MORE)) };

	image.octets = malloc(image.cap);
	assert_non_null(image.octets);
	assert_true(detect_save(detect, MORE, sizeof(MORE), keep, &image));
	return image;
}

static struct image known(const struct detect_sizes *sizes, unsigned names)
{
	struct detect *detect = make(sizes);
	struct image image;

	for (unsigned i = 0; i < names; i++)
		ask(detect, i, START + i);
	image = save(detect, sizes);
	detect_destroy(&detect);
	return image;
}

static void goes_on_where_it_was(void **state)
{
	struct detect *detect = make(&tiny), *fresh = make(&tiny);
	struct image image = known(&tiny, 200), again;
	struct hash_key found;
	const uint8_t *more;
	size_t length;

	(void)state;
	assert_null(saved_check(image.octets, image.length, &found));
	assert_memory_equal(&found, &key, sizeof(key));
	assert_null(detect_restore(detect, image.octets, image.length, &more, &length));
	assert_int_equal(length, sizeof(MORE));
	assert_memory_equal(more, MORE, sizeof(MORE));
	again = save(detect, &tiny);
	assert_int_equal(again.length, image.length);
	/* A name that is new to it is one too many; a name that it knew is none. */
	assert_int_not_equal(ask(detect, 5000, START + 1000), 0);
	assert_int_equal(ask(detect, 7, START + 1000), 0);
	assert_int_equal(ask(fresh, 5000, START + 1000), 0);
	free(image.octets);
	free(again.octets);
	detect_destroy(&detect);
	detect_destroy(&fresh);
}

static void takes_nothing_that_was_changed(void **state)
{
	struct image image = known(&tiny, 20);
	struct hash_key found;

	(void)state;
	for (size_t at = 0; at < image.length; at += at < 400 ? 1 : 97) {
		image.octets[at] ^= 4;
		assert_non_null(saved_check(image.octets, image.length, &found));
		image.octets[at] ^= 4;
	}
	for (size_t length = 0; length < image.length; length += 53)
		assert_non_null(saved_check(image.octets, length, &found));
	assert_null(saved_check(image.octets, image.length, &found));
	free(image.octets);
}

static void begins_anew_with_other_sizes(void **state)
{
	struct detect_sizes other = tiny;
	struct image image = known(&tiny, 20);
	struct detect *detect;
	const uint8_t *more;
	size_t length;

	(void)state;
	other.zones = 512;
	detect = make(&other);
	assert_string_equal(detect_restore(detect, image.octets, image.length, &more, &length), "it is of other sizes");
	detect_destroy(&detect);
	free(image.octets);
}

/* As if the checksum had been made for it. */
static void survives_what_makes_no_sense(void **state)
{
	struct image image = known(&tiny, 100);

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 300; round++) {
		struct detect *detect = make(&tiny);
		const uint8_t *more;
		size_t length;
		uint8_t *bent = malloc(image.length);

		memcpy(bent, image.octets, image.length);
		for (unsigned i = 0; i < 200; i++)
			bent[200 + (size_t)rand() % (image.length - 200)] = (uint8_t)rand();
		if (detect_restore(detect, bent, image.length - (size_t)rand() % 3, &more, &length) == NULL)
			for (unsigned i = 0; i < 50; i++)
				ask(detect, i, START + 1000);
		free(bent);
		detect_destroy(&detect);
	}
	free(image.octets);
}

/* How often the number stands there; all of them become the other one. */
static unsigned exchange(struct image *image, int64_t number, int64_t other)
{
	unsigned found = 0;

	for (size_t i = 0; i + sizeof(number) <= image->length; i++)
		if (memcmp(image->octets + i, &number, sizeof(number)) == 0) {
			memcpy(image->octets + i, &other, sizeof(other));
			found++;
		}
	return found;
}

static void forgets_times_that_no_clock_shows(void **state)
{
	static const int64_t times[] = { INT64_MIN + 0x1234567, -0x123456789abcde, INT64_MAX - 0x1234567 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct image image = known(&tiny, 1), again;
		struct detect *detect = make(&tiny);
		const uint8_t *more;
		size_t length;

		assert_int_equal(exchange(&image, START, times[i]), 1);
		assert_null(detect_restore(detect, image.octets, image.length, &more, &length));
		again = save(detect, &tiny);
		assert_int_equal(exchange(&again, times[i], 0), 0);
		ask(detect, 1, START + 1000);
		free(again.octets);
		free(image.octets);
		detect_destroy(&detect);
	}
}

static int64_t since(const struct detect *detect)
{
	struct detect_part parts[DETECT_PARTS];
	int64_t since_s;

	detect_parts(detect, parts, &since_s);
	return since_s;
}

/* Of a resolver that had lived through ten days, in the last minutes of which there was a tunnel, when it was saved. */
#define LIVED_S (10 * 86400)
#define SAVED (START + LIVED_S * INT64_C(1000))

static struct image saved_with_a_tunnel(void)
{
	struct detect *detect = make(&tiny);
	struct image image;

	for (int64_t day = 1; day < 10; day++)
		detect_turn(detect, START + day * 86400000);
	for (unsigned i = 0; i < 200; i++)
		ask(detect, i, SAVED - 200000 + i);
	detect_turn(detect, SAVED);
	image = save(detect, &tiny);
	detect_destroy(&detect);
	return image;
}

static struct detect *restored_at(const struct image *image, int64_t now_ms)
{
	struct detect *detect = make_at(&tiny, now_ms);
	const uint8_t *more;
	size_t length;

	assert_null(detect_restore(detect, image->octets, image->length, &more, &length));
	return detect;
}

/* The tunnel that was one is one still, and its names are known. */
static bool goes_on(struct detect *detect, int64_t now_ms)
{
	return ask(detect, 7, now_ms) == 0 && ask(detect, 5000, now_ms) != 0;
}

static void no_clock_makes_it_forget_or_say_more(void **state)
{
	static const struct { int64_t now_ms; const char *why; } rows[] = {
		{ SAVED + 1000, "at once" },
		{ SAVED + 60000, "a minute later" },
		{ SAVED - 3600000, "the clock is an hour late" },
		{ 100000, "the clock is not set yet" },
		{ SAVED - 31536000000, "it was a year ahead" },
		{ SAVED + INT64_C(31536000000), "it was a year late" },
		{ SAVED + INT64_C(1800000000000), "it was not set then" },
	};
	const struct image image = saved_with_a_tunnel();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct detect *detect = restored_at(&image, rows[i].now_ms);

		if (since(detect) != rows[i].now_ms / 1000 - LIVED_S)
			fail_msg("%s: since %lld", rows[i].why, (long long)since(detect));
		for (unsigned turn = 0; turn < 3; turn++)
			detect_turn(detect, rows[i].now_ms + turn);
		if (!goes_on(detect, rows[i].now_ms))
			fail_msg("%s: it is forgotten", rows[i].why);
		detect_destroy(&detect);
	}
	free(image.octets);
}

static void what_the_clock_was_put_by_is_not_lived_through(void **state)
{
	static const struct { int64_t now_ms; const char *why; } rows[] = {
		{ 100000, "a machine that begins in 1970" },
		{ SAVED - 2 * INT64_C(86400000), "a clock that stood still when the machine was off" },
		{ SAVED + INT64_C(31536000000), "a clock that is put back by a year" },
	};
	const struct image image = saved_with_a_tunnel();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct detect *detect = restored_at(&image, rows[i].now_ms);
		const int64_t real_ms = SAVED + 90000;

		detect_turn(detect, rows[i].now_ms);
		detect_shift(detect, (real_ms - rows[i].now_ms) / 1000);
		for (unsigned turn = 0; turn < 3; turn++)
			detect_turn(detect, real_ms + turn);
		if (since(detect) != real_ms / 1000 - LIVED_S)
			fail_msg("%s: since %lld", rows[i].why, (long long)since(detect));
		if (!goes_on(detect, real_ms))
			fail_msg("%s: it is forgotten", rows[i].why);
		detect_destroy(&detect);
	}
	free(image.octets);
}

static void says_when_it_could_not_be_written(void **state)
{
	struct detect *detect = make(&tiny);
	struct image image = { .octets = malloc(100), .cap = 100 };

	(void)state;
	assert_false(detect_save(detect, NULL, 0, keep, &image));
	free(image.octets);
	detect_destroy(&detect);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(takes_nothing_that_was_changed),
		cmocka_unit_test(begins_anew_with_other_sizes),
		cmocka_unit_test(survives_what_makes_no_sense),
		cmocka_unit_test(forgets_times_that_no_clock_shows),
		cmocka_unit_test(no_clock_makes_it_forget_or_say_more),
		cmocka_unit_test(what_the_clock_was_put_by_is_not_lived_through),
		cmocka_unit_test(says_when_it_could_not_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
