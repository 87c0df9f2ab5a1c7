/* test_hash.c: all suffixes in one pass, and nothing but the name and the key counts. */
#include "policy/hash.h"
#include "policy/hash_walk.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct hash_key key = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };

static struct name of(const char *text)
{
	struct name name;

	memset(&name, 0, sizeof(name));
	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static bool same(struct hash a, struct hash b)
{
	return a.low == b.low && a.high == b.high;
}

static const char *const names[] = {
	"a", "b.a", "example.com", "www.example.com", "seven77.com", "exactly.eightsss.nineninen.com",
	"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk.x", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p",
};

static bool walks_to_the_hashes_of_its_suffixes(const struct name *name)
{
	struct hash_starts starts;
	struct hash_walk walk;
	struct hash_half half;
	struct name alone;
	struct hash hash;

	hash_walk_begin(&walk, &key, name, &starts);
	while (walk.cut > 0) {
		const uint8_t *suffix;

		hash_walk_label(&walk);
		hash_walk_half(&walk, &half);
		suffix = name_suffix(name, walk.cut);
		assert_true(name_from_wire(&alone, suffix, (size_t)(name->octets + name->length - suffix)));
		hash = hash_name(&key, &alone);
		if (half.low != hash.low || hash_other_half(&half) != hash.high)
			return false;
	}
	return true;
}

static void suffixes_hash_like_names_of_their_own(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct name name = of(names[i]);

		assert_true(walks_to_the_hashes_of_its_suffixes(&name));
	}
}

static void parents_hash_on_the_way(void **state)
{
	struct name name = of("a.b.c.d");
	struct name two = of("c.d");
	struct name three = of("b.c.d");
	uint64_t above[4] = { 0, 0, 0, 0 };

	(void)state;
	assert_true(same(hash_name_above(&key, &name, 2, 5, above), hash_name(&key, &name)));
	assert_true(hash_name_lows(&key, &name, 2, 5, above) == hash_name(&key, &name).low);
	assert_true(above[0] == hash_name(&key, &two).low);
	assert_true(above[1] == hash_name(&key, &three).low);
	/* The name itself is none of its parents. */
	assert_true(above[2] == 0 && above[3] == 0);
	hash_name_above(&key, &two, 2, 5, above + 2);
	assert_true(above[2] == 0 && above[3] == 0);
}

static void depths_are_numbers_from_1_to_127(void **state)
{
	struct hash_depths depths = { { 0, 0 } };

	(void)state;
	hash_depths_add(&depths, 2);
	hash_depths_add(&depths, 127);
	assert_true(hash_depths_has(&depths, 2) && hash_depths_has(&depths, 127));
	assert_false(hash_depths_has(&depths, 3) || hash_depths_has(&depths, 66) || hash_depths_has(&depths, 63));
}

static void octets_behind_the_name_do_not_count(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct name name = of(names[i]);
		struct hash clean = hash_name(&key, &name);

		memset(name.octets + name.length, 0xff, sizeof(name.octets) - name.length);
		assert_true(same(clean, hash_name(&key, &name)));
	}
}

/* Names made to run together if labels were not told apart. */
static const char *const tricky[] = {
	"ab.c", "a.bc", "abc", "a.b.c", "ab\\.c", "a\\001b", "a.b", "b.a", "a\\000", "a", "a\\000\\000", "abcdefg",
	"abcdefg.a", "abcdefga", "a.abcdefg", "abcdefg\\000", "abcdefgh.ijklmno", "abcdefgh\\007ijklmno", ".",
	"\\000", "\\000.\\000", "\\000\\000",
};

static void names_that_differ_hash_differently(void **state)
{
	size_t count = sizeof(tricky) / sizeof(tricky[0]);
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++) {
			struct name a = of(tricky[i]);
			struct name b = of(tricky[j]);

			if (same(hash_name(&key, &a), hash_name(&key, &b)))
				fail_msg("%s and %s", tricky[i], tricky[j]);
		}
	}
}

static void another_key_gives_other_hashes(void **state)
{
	struct hash_key low = { key.k0 ^ 1, key.k1 };
	struct hash_key high = { key.k0, key.k1 ^ (UINT64_C(1) << 63) };
	struct name name = of("example.com");
	struct hash hash = hash_name(&key, &name);

	(void)state;
	assert_false(same(hash, hash_name(&low, &name)));
	assert_false(same(hash, hash_name(&high, &name)));
}

/* Half of the 128 bits change on average; 30 away from 64 is more than five standard deviations. */
static void one_bit_of_a_name_changes_half_of_the_hash(void **state)
{
	unsigned least = 128;
	unsigned most = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		char text[64];
		struct name a;
		struct name b;
		struct hash x;
		struct hash y;
		unsigned changed;

		snprintf(text, sizeof(text), "host%u.example%u.com", i, i % 7);
		a = of(text);
		b = a;
		b.octets[1 + i % 5] ^= 1;
		x = hash_name(&key, &a);
		y = hash_name(&key, &b);
		changed = (unsigned)(__builtin_popcountll(x.low ^ y.low) + __builtin_popcountll(x.high ^ y.high));
		least = changed < least ? changed : least;
		most = changed > most ? changed : most;
	}
	assert_in_range(least, 34, 63);
	assert_in_range(most, 65, 94);
}

/* The set takes the bucket from one half and the tag from the other. */
static void the_halves_have_nothing_in_common(void **state)
{
	unsigned equal_bits = 0;
	char text[32];
	unsigned i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		struct name name;
		struct hash hash;

		snprintf(text, sizeof(text), "host%u.example", i);
		name = of(text);
		hash = hash_name(&key, &name);
		equal_bits += (unsigned)__builtin_popcountll(~(hash.low ^ hash.high));
	}
	/* 32,000 expected, 126 the standard deviation. */
	assert_in_range(equal_bits, 31300, 32700);
}

static void the_largest_names_stay_inside(void **state)
{
	uint8_t wire[NAME_OCTETS_MAX];
	struct name name;
	unsigned i;

	(void)state;
	for (i = 0; i < 254; i += 2) {
		wire[i] = 1;
		wire[i + 1] = 'x';
	}
	wire[254] = 0;
	assert_true(name_from_wire(&name, wire, sizeof(wire)));
	assert_true(walks_to_the_hashes_of_its_suffixes(&name));
}

static void octets_of_any_length_hash(void **state)
{
	uint8_t zeros[24] = { 0 };
	uint64_t seen[25];
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i <= sizeof(zeros); i++) {
		seen[i] = hash_octets(&key, zeros, i);
		for (j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suffixes_hash_like_names_of_their_own),
		cmocka_unit_test(parents_hash_on_the_way),
		cmocka_unit_test(depths_are_numbers_from_1_to_127),
		cmocka_unit_test(octets_behind_the_name_do_not_count),
		cmocka_unit_test(names_that_differ_hash_differently),
		cmocka_unit_test(another_key_gives_other_hashes),
		cmocka_unit_test(one_bit_of_a_name_changes_half_of_the_hash),
		cmocka_unit_test(the_halves_have_nothing_in_common),
		cmocka_unit_test(the_largest_names_stay_inside),
		cmocka_unit_test(octets_of_any_length_hash),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
