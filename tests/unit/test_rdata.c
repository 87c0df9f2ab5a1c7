/* test_rdata.c: names and addresses in data that may be cut off, too long, or a lie. */
#include "policy/rdata.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/rrtype.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(text) text, sizeof(text) - 1

struct seen {
	struct address addresses[8];
	size_t count;
};

static void note(void *arg, const struct address *address)
{
	struct seen *seen = arg;

	if (seen->count < COUNT(seen->addresses))
		seen->addresses[seen->count] = *address;
	seen->count++;
}

/* A copy with nothing behind it, so that a sanitizer sees a read past its end. */
static struct record record_of(uint16_t type, const char *rdata, size_t octets)
{
	uint8_t *copy = malloc(octets + (octets == 0));

	assert_non_null(copy);
	memcpy(copy, rdata, octets);
	return (struct record){ .section = SECTION_ANSWER, .type = type, .class = 1, .rdata = copy,
		.rdata_length = (uint16_t)octets };
}

static void drop(struct record *record)
{
	free((void *)(uintptr_t)record->rdata);
}

static const struct {
	uint16_t type;
	const char *rdata;
	size_t octets;
	size_t count;
	const char *last;       /* octets of the last address */
	const char *why;
} rows[] = {
	{ RRTYPE_A, BYTES("\300\0\2\1"), 1, "\300\0\2\1", "an A record" },
	{ RRTYPE_A, BYTES("\300\0\2"), 0, NULL, "three octets are none" },
	{ RRTYPE_A, BYTES("\300\0\2\1\0"), 0, NULL, "nor are five" },
	{ RRTYPE_AAAA, BYTES("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), 1, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
	  "an AAAA record" },
	{ RRTYPE_AAAA, BYTES("\300\0\2\1"), 0, NULL, "four octets in an AAAA record" },
	{ 16, BYTES("\300\0\2\1"), 0, NULL, "another type" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0\0\4\0\4\300\0\2\1"), 1, "\300\0\2\1", "a hint" },
	{ RRTYPE_SVCB, BYTES("\0\1\0\0\4\0\10\300\0\2\1\300\0\2\2"), 2, "\300\0\2\2", "two hints in one key" },
	{ RRTYPE_HTTPS, BYTES("\0\1\1a\0\0\1\0\3\2h2\0\4\0\4\300\0\2\1"), 1, "\300\0\2\1", "behind a target and alpn" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0\0\6\0\20\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\4\0\4\300\0\2\1"), 2, "\300\0\2\1",
	  "keys in the wrong order are read" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0\0\4\0\7\300\0\2\1\300\0\2"), 1, "\300\0\2\1", "a rest is no address" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0\0\4\0\10\300\0\2\1"), 0, NULL, "a key longer than the record" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0\0\4\0"), 0, NULL, "cut off in a key's length" },
	{ RRTYPE_HTTPS, BYTES("\0\1\5ab"), 0, NULL, "cut off in the target" },
	{ RRTYPE_HTTPS, BYTES("\0\1\300\14\0\4\0\4\300\0\2\1"), 0, NULL, "a pointer is no target" },
	{ RRTYPE_HTTPS, BYTES("\0"), 0, NULL, "cut off in the priority" },
	{ RRTYPE_HTTPS, BYTES(""), 0, NULL, "nothing" },
};

static void finds_every_address_and_reads_no_further(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct record record = record_of(rows[i].type, rows[i].rdata, rows[i].octets);
		struct seen seen = { .count = 0 };

		rdata_addresses(&record, note, &seen);
		if (seen.count != rows[i].count)
			fail_msg("%s: %zu addresses", rows[i].why, seen.count);
		if (rows[i].last != NULL) {
			const struct address *last = &seen.addresses[seen.count - 1];

			assert_memory_equal(last->octets, rows[i].last, last->family == ADDRESS_INET ? 4 : 16);
		}
		record.class = 3;
		seen.count = 0;
		rdata_addresses(&record, note, &seen);
		assert_int_equal(seen.count, 0);   /* another class has no addresses */
		drop(&record);
	}
}

static const struct {
	uint16_t type;
	const char *rdata;
	size_t octets;
	const char *target;   /* NULL: none */
	const char *why;
} targets[] = {
	{ RRTYPE_NS, BYTES("\2ns\1a\0"), "ns.a", "a name server" },
	{ RRTYPE_PTR, BYTES("\1A\0"), "a", "in lower case" },
	{ RRTYPE_MX, BYTES("\0\12\2mx\1a\0"), "mx.a", "behind the preference" },
	{ RRTYPE_SRV, BYTES("\0\1\0\1\0\65\1s\1a\0"), "s.a", "behind priority, weight and port" },
	{ RRTYPE_HTTPS, BYTES("\0\0\1c\1a\0"), "c.a", "an alias" },
	{ RRTYPE_SVCB, BYTES("\0\1\1c\1a\0\0\1\0\3\2h2"), "c.a", "a service with parameters" },
	{ RRTYPE_HTTPS, BYTES("\0\1\0"), NULL, "the owner itself" },
	{ RRTYPE_MX, BYTES("\0\0\0"), NULL, "no mail" },
	{ RRTYPE_MX, BYTES("\0\12"), NULL, "cut off before the name" },
	{ RRTYPE_MX, BYTES("\0\12\5ab"), NULL, "cut off in it" },
	{ RRTYPE_SRV, BYTES("\0\1\0\1\0"), NULL, "cut off in the port" },
	{ RRTYPE_NS, BYTES(""), NULL, "nothing" },
	{ RRTYPE_CNAME, BYTES("\1a\0"), NULL, "an alias is for the chain" },
	{ RRTYPE_A, BYTES("\1a\0\0"), NULL, "an address leads nowhere" },
};

static void finds_the_name_that_a_record_leads_to(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(targets); i++) {
		struct record record = record_of(targets[i].type, targets[i].rdata, targets[i].octets);
		struct name target = { .length = 1 };
		char text[NAME_TEXT_MAX];

		if (rdata_target(&record, &target) != (targets[i].target != NULL))
			fail_msg("%s", targets[i].why);
		assert_string_equal(name_to_text(&target, text), targets[i].target != NULL ? targets[i].target : ".");
		drop(&record);
	}
	assert_true(rdata_has_target(RRTYPE_MX));
	assert_false(rdata_has_target(RRTYPE_CNAME) || rdata_has_target(RRTYPE_A));
}

static void an_alias_is_a_name_and_nothing_else(void **state)
{
	static const struct { const char *rdata; size_t octets; bool good; } aliases[] = {
		{ BYTES("\1a\0"), true }, { BYTES("\0"), true }, { BYTES("\1a\0\0"), false }, { BYTES("\1a"), false },
		{ BYTES(""), false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(aliases); i++) {
		struct record record = record_of(RRTYPE_CNAME, aliases[i].rdata, aliases[i].octets);
		struct name target;

		assert_int_equal(rdata_alias(&record, &target), aliases[i].good);
		drop(&record);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_address_and_reads_no_further),
		cmocka_unit_test(finds_the_name_that_a_record_leads_to),
		cmocka_unit_test(an_alias_is_a_name_and_nothing_else),
	};

	return cmocka_run_group_tests_name("rdata", tests, NULL, NULL);
}
