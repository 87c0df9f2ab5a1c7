/* test_https.c: what is taken out of SVCB and HTTPS records, and that everything else stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/https.h"

#define HEAD "\0\1\0"                               /* 1 . */
#define ALPN "\0\1\0\3\2h2"
#define PORT "\0\3\0\2\1\xbb"
#define HINT4 "\0\4\0\4\xc0\0\2\1"
#define ECH "\0\5\0\4abcd"
#define HINT6 "\0\6\0\20" "0123456789abcdef"
#define OTHER "\xff\0\0\0"

#define TEXT(octets) octets, sizeof(octets) - 1

struct row {
	enum https_mode mode;
	const char *rdata;
	size_t octets;
	const char *left;
	size_t left_octets;
	const char *why;
};

static const struct row rows[] = {
	{ HTTPS_STRIP_HINTS, TEXT(HEAD ALPN PORT HINT4 ECH HINT6 OTHER), TEXT(HEAD ALPN PORT ECH OTHER), "both hints" },
	{ HTTPS_STRIP_ECH, TEXT(HEAD ALPN PORT HINT4 ECH HINT6 OTHER), TEXT(HEAD ALPN PORT HINT4 HINT6 OTHER), "ech" },
	{ HTTPS_PASS, TEXT(HEAD HINT4 ECH), TEXT(HEAD HINT4 ECH), "pass takes nothing" },
	{ HTTPS_BLOCK, TEXT(HEAD HINT4 ECH), TEXT(HEAD HINT4 ECH), "block is not about parameters" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD ALPN ECH), TEXT(HEAD ALPN ECH), "there are no hints" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD), TEXT(HEAD), "no parameters at all" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\0\3www\0"), TEXT("\0\0\3www\0"), "an alias" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\1\3www\0" HINT4), TEXT("\0\1\3www\0"), "a target that is a name" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD "\0\0\0\4\0\1\0\4" ALPN HINT4), TEXT(HEAD "\0\0\0\2\0\1" ALPN),
		"what is gone is not mandatory" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD "\0\0\0\4\0\4\0\6" HINT4 HINT6), TEXT(HEAD), "nothing mandatory is left" },
	{ HTTPS_STRIP_ECH, TEXT(HEAD "\0\0\0\2\0\1" ALPN ECH), TEXT(HEAD "\0\0\0\2\0\1" ALPN), "another key is mandatory" },
	{ HTTPS_STRIP_ECH, TEXT(HEAD "\0\5\0\0"), TEXT(HEAD), "a parameter without a value" },
	{ HTTPS_STRIP_ECH, TEXT(HEAD ECH ALPN), TEXT(HEAD), "keys in the wrong order" },
	{ HTTPS_STRIP_ECH, TEXT(HEAD ALPN ALPN), TEXT(HEAD), "a key twice" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\7\0" "\0\1\0\4abc"), TEXT(HEAD), "a value that is cut off" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD "\0\1\0"), TEXT(HEAD), "a parameter that is cut off" },
	{ HTTPS_STRIP_HINTS, TEXT(HEAD "\0\0\0\3\0\1\0"), TEXT(HEAD), "mandatory of odd length" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\1\300\14"), TEXT(HEAD), "a compressed target" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\1\5abc"), TEXT(HEAD), "a target that is cut off" },
	{ HTTPS_STRIP_HINTS, TEXT("\0\1"), TEXT("\0\1"), "too short to hold anything" },
	{ HTTPS_STRIP_HINTS, TEXT(""), TEXT(""), "empty" },
};

static void takes_out_what_the_mode_says_and_no_more(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *rdata = (const uint8_t *)rows[i].rdata;
		const bool same = rows[i].octets == rows[i].left_octets &&
			memcmp(rows[i].rdata, rows[i].left, rows[i].octets) == 0;
		uint8_t to[128];
		uint16_t left = 0;

		if (https_has(rows[i].mode, rdata, (uint16_t)rows[i].octets) == same)
			fail_msg("%s: %s", rows[i].why, same ? "something is found" : "nothing is found");
		https_strip(rows[i].mode, rdata, (uint16_t)rows[i].octets, to, &left);
		if (left != rows[i].left_octets || memcmp(to, rows[i].left, left) != 0)
			fail_msg("%s: %u octets are left, or others", rows[i].why, left);
	}
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* Whatever comes in: no octet more comes out, and nothing is left to take out. */
static void leaves_nothing_behind_in_any_octets(void **state)
{
	uint64_t seed = 7;
	unsigned round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		const struct row *from = &rows[next_random(&seed) % (sizeof(rows) / sizeof(rows[0]))];
		const enum https_mode mode = round % 2 == 0 ? HTTPS_STRIP_HINTS : HTTPS_STRIP_ECH;
		uint16_t octets = (uint16_t)from->octets, left;
		uint8_t rdata[128], to[128];
		unsigned changes = next_random(&seed) % 4;

		memcpy(rdata, from->rdata, octets);
		while (changes-- > 0 && octets > 0)
			rdata[next_random(&seed) % octets] = (uint8_t)(next_random(&seed) % 9);
		memset(to, 0xa5, sizeof(to));
		https_strip(mode, rdata, octets, to, &left);
		assert_true(left <= octets);
		assert_false(https_has(mode, to, left));
		assert_int_equal(to[octets], 0xa5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_out_what_the_mode_says_and_no_more),
		cmocka_unit_test(leaves_nothing_behind_in_any_octets),
	};

	return cmocka_run_group_tests_name("https", tests, NULL, NULL);
}
