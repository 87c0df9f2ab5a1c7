/* test_address.c: masks, IPv4 inside IPv6, and the order of addresses. */
#include "policy/address.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct address address_of(const char *text)
{
	struct address address = { .family = ADDRESS_INET };

	if (inet_pton(AF_INET, text, address.octets) == 1)
		return address;
	address.family = ADDRESS_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, address.octets), 1);
	return address;
}

static bool is(const struct address *address, const char *text)
{
	struct address wanted = address_of(text);

	return address->family == wanted.family &&
	       memcmp(address->octets, wanted.octets, address_bits(wanted.family) / 8) == 0;
}

static void a_mask_keeps_the_first_bits_alone(void **state)
{
	static const struct { const char *address; unsigned length; const char *masked; } rows[] = {
		{ "255.255.255.255", 32, "255.255.255.255" }, { "255.255.255.255", 31, "255.255.255.254" },
		{ "255.255.255.255", 25, "255.255.255.128" }, { "255.255.255.255", 24, "255.255.255.0" },
		{ "255.255.255.255", 1, "128.0.0.0" }, { "255.255.255.255", 0, "0.0.0.0" },
		{ "2001:db8::ffff", 128, "2001:db8::ffff" }, { "2001:db8::ffff", 113, "2001:db8::8000" },
		{ "2001:db8:ffff::1", 33, "2001:db8:8000::" }, { "2001:db8::1", 0, "::" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct address address = address_of(rows[i].address);

		address_mask(&address, rows[i].length);
		if (!is(&address, rows[i].masked))
			fail_msg("%s/%u", rows[i].address, rows[i].length);
	}
}

static void finds_ipv4_inside_ipv6(void **state)
{
	static const struct { const char *address, *inner; } rows[] = {
		{ "::ffff:192.0.2.1", "192.0.2.1" }, { "64:ff9b::192.0.2.1", "192.0.2.1" }, { "::192.0.2.1", NULL },
		{ "64:ff9b:1::192.0.2.1", NULL }, { "2001:db8::ffff:192.0.2.1", NULL }, { "192.0.2.1", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct address address = address_of(rows[i].address), inner;

		if (address_embedded(&address, &inner) != (rows[i].inner != NULL))
			fail_msg("%s", rows[i].address);
		if (rows[i].inner != NULL)
			assert_true(is(&inner, rows[i].inner));
	}
}

/* The rows of RFC 6052 section 2.4, and what is no such address. */
static void finds_ipv4_behind_prefixes_of_nat64(void **state)
{
	static const struct { const char *address, *prefix; unsigned length; const char *inner; } rows[] = {
		{ "2001:db8:c000:221::", "2001:db8::", 32, "192.0.2.33" },
		{ "2001:db8:1c0:2:21::", "2001:db8:100::", 40, "192.0.2.33" },
		{ "2001:db8:122:c000:2:2100::", "2001:db8:122::", 48, "192.0.2.33" },
		{ "2001:db8:122:3c0:0:221::", "2001:db8:122:300::", 56, "192.0.2.33" },
		{ "2001:db8:122:344:c0:2:2100::", "2001:db8:122:344::", 64, "192.0.2.33" },
		{ "2001:db8:122:344::192.0.2.33", "2001:db8:122:344::", 96, "192.0.2.33" },
		{ "2001:db8:122:344:ffc0:2:21ff:ffff", "2001:db8:122:344::", 64, "192.0.2.33" },
		{ "2001:db9:c000:221::", "2001:db8::", 32, NULL },
		{ "2001:db8:122:344:1::192.0.2.33", "2001:db8:122:344::", 96, NULL },
		{ "192.0.2.33", "2001:db8::", 32, NULL },
		{ "2001:db8:c000:221::", "2001:db8::", 33, NULL },
		{ "2001:db8:122:344:c0:2:2100::", "2001:db8:122:344::", 72, NULL },
		{ "::", "::", 128, NULL }, { "::", "::", 0, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct address address = address_of(rows[i].address), prefix = address_of(rows[i].prefix), inner;

		if (address_nat64(&address, &prefix, rows[i].length, &inner) != (rows[i].inner != NULL) ||
		    (rows[i].inner != NULL && !is(&inner, rows[i].inner)))
			fail_msg("%s in %s/%u", rows[i].address, rows[i].prefix, rows[i].length);
	}
}

static void a_mapped_prefix_is_one_of_ipv4(void **state)
{
	static const struct { const char *address; uint8_t length; const char *prefix; uint8_t left; } rows[] = {
		{ "::ffff:192.0.2.0", 120, "192.0.2.0", 24 }, { "::ffff:0.0.0.0", 96, "0.0.0.0", 0 },
		{ "::ffff:192.0.2.1", 95, "::ffff:192.0.2.1", 95 }, { "64:ff9b::192.0.2.0", 120, "64:ff9b::192.0.2.0", 120 },
		{ "192.0.2.0", 24, "192.0.2.0", 24 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct address address = address_of(rows[i].address);
		uint8_t length = rows[i].length;

		prefix_unmap(&address, &length);
		assert_true(is(&address, rows[i].prefix));
		assert_int_equal(length, rows[i].left);
	}
}

static void a_client_is_an_address_or_a_64(void **state)
{
	static const struct { const char *address, *client; unsigned bits; } rows[] = {
		{ "192.0.2.1", "192.0.2.1", 32 }, { "::ffff:192.0.2.1", "192.0.2.1", 32 },
		{ "2001:db8::1:2", "2001:db8::", 64 }, { "fe80::1:2", "fe80::1:2", 128 }, { "febf::1", "febf::1", 128 },
		{ "fec0::1", "fec0::", 64 }, { "100::1:2", "100::1:2", 128 }, { "100:0:0:1::2", "100:0:0:1::", 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address address = address_of(rows[i].address);

		if (address_client(&address) != rows[i].bits || !is(&address, rows[i].client))
			fail_msg("%s", rows[i].address);
	}
}

static void addresses_have_one_order(void **state)
{
	static const char *const rising[] = { "::1", "::fffe:192.0.2.1", "0.0.0.1", "192.0.2.1", "192.0.2.2", "2001:db8::" };
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(rising); i++)
		for (j = 0; j < COUNT(rising); j++) {
			struct address a = address_of(rising[i]), b = address_of(rising[j]);
			int order = address_compare(&a, &b);

			assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
		}
}

static void a_prefix_is_a_name_of_its_own(void **state)
{
	struct address a = address_of("192.0.2.0"), b = address_of("c000:200::");
	struct name names[4] = { prefix_name(&a, 24), prefix_name(&a, 25), prefix_name(&b, 24), prefix_name(&b, 25) };
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		struct name again;

		assert_true(name_from_wire(&again, names[i].octets, names[i].length));
		assert_int_equal(again.length, names[i].length);
		for (j = 0; j < i; j++)
			assert_false(name_equal(&names[i], &names[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mask_keeps_the_first_bits_alone),
		cmocka_unit_test(finds_ipv4_inside_ipv6),
		cmocka_unit_test(finds_ipv4_behind_prefixes_of_nat64),
		cmocka_unit_test(a_mapped_prefix_is_one_of_ipv4),
		cmocka_unit_test(a_client_is_an_address_or_a_64),
		cmocka_unit_test(addresses_have_one_order),
		cmocka_unit_test(a_prefix_is_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
