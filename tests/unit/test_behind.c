/* test_behind.c: name servers in few octets: what goes in comes out, and nothing else is taken. */
#include "policy/behind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define GIVEN_MAX 8u

static struct name name_of(const char *text)
{
	struct name name;

	assert_null(name_from_text(&name, text, strlen(text)));
	return name;
}

static struct address address_of(unsigned last)
{
	const enum address_family families[] = { ADDRESS_NONE, ADDRESS_INET, ADDRESS_INET6 };
	struct address address = { .family = families[last % 3] };

	if (address.family != ADDRESS_NONE)
		address.octets[3] = (uint8_t)last;
	return address;
}

struct given {
	struct name names[GIVEN_MAX];
	struct address addresses[GIVEN_MAX];
	unsigned count, seen;
};

static bool compare(void *arg, const struct server *server)
{
	struct given *given = arg;
	struct name name;

	assert_true(name_from_wire(&name, server->name, server->name_length));
	assert_int_equal(name.length, server->name_length);
	assert_true(given->seen < given->count);
	assert_true(name_equal(&name, &given->names[given->seen]));
	assert_memory_equal(&server->address, &given->addresses[given->seen], sizeof(server->address));
	assert_int_equal(server->zone_labels, 2);
	assert_int_equal(server->chain, 0);
	return ++given->seen < given->count;
}

static void comes_out_as_it_went_in(void **state)
{
	static const char *const texts[] = { ".", "a.test", "b.test", "a-longer-name.of.some.server.example" };

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct given given = { .count = (unsigned)rand() % GIVEN_MAX };
		struct behind behind;
		const struct behind_zone zone = { &behind, 2 };

		behind_init(&behind);
		for (unsigned i = 0; i < given.count; i++) {
			given.names[i] = name_of(texts[(unsigned)rand() % COUNT(texts)]);
			given.addresses[i] = address_of((unsigned)rand() % 6);
			assert_true(behind_add(&behind, &given.names[i], &given.addresses[i]));
		}
		behind_visit(&zone, compare, &given);
		assert_int_equal(given.seen, given.count);
	}
}

static void a_name_with_many_addresses_stands_there_once(void **state)
{
	const struct name name = name_of("ns1.example.com");
	struct behind behind;

	(void)state;
	behind_init(&behind);
	for (unsigned i = 0; i < 4; i++)
		assert_true(behind_add(&behind, &name, &(struct address){ .family = ADDRESS_INET }));
	assert_int_equal(behind.used, name.length + 4 * (2 + 4));
}

static void refuses_when_full(void **state)
{
	static const struct { unsigned octets; const char *why; } rows[] = { { 5, "by number" }, { 255, "by octets" } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct behind behind;
		unsigned added = 0;

		behind_init(&behind);
		for (struct name name = { .length = (uint8_t)rows[i].octets }; added < 1000; added++) {
			const uint16_t used = behind.used;

			name.octets[0] = (uint8_t)added;   /* never the one before; as a name it is none */
			if (!behind_add(&behind, &name, &(struct address){ .family = ADDRESS_INET6 })) {
				assert_int_equal(behind.used, used);
				break;
			}
		}
		if (added == 0 || added > BEHIND_SERVERS_MAX || behind.count != added ||
		    (added < BEHIND_SERVERS_MAX && sizeof(behind.octets) - behind.used >= 2 + rows[i].octets + 16))
			fail_msg("%s: %u", rows[i].why, added);
	}
}

static void takes_nothing_else(void **state)
{
	static const struct { uint8_t octets[12]; size_t length, ends; const char *why; } rows[] = {
		{ { 1, 0, 4, 192, 0, 2, 1 }, 7, 7, "an address without a name" },
		{ { 3, 1, 'a', 0, 0 }, 5, 5, "a name without an address" },
		{ { 3, 1, 'a', 0, 4, 1, 1, 1, 1, 0, 4, 2 }, 12, 9, "a second address that is cut" },
		{ { 0, 4, 192, 0, 2, 1 }, 6, 0, "the name before the first" },
		{ { 3, 1, 'a', 0 }, 4, 0, "no family" },
		{ { 3, 1, 'a', 0, 5, 1, 1, 1, 1 }, 9, 0, "an unknown family" },
		{ { 4, 1, 'a', 0, 0, 0 }, 6, 0, "octets behind the name" },
		{ { 3, 2, 'a', 0, 0 }, 5, 0, "a label that is cut" },
		{ { 9, 1, 'a', 0, 0 }, 5, 0, "a name that is longer than all" },
		{ { 3 }, 1, 0, "a length and nothing more" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct behind_server server;
		uint8_t *exact = malloc(rows[i].length);
		size_t at = 0;

		assert_non_null(exact);
		memcpy(exact, rows[i].octets, rows[i].length);
		while (behind_next(exact, rows[i].length, &at, &server))
			;
		free(exact);
		if (at != rows[i].ends)
			fail_msg("%s: ends at %zu", rows[i].why, at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_out_as_it_went_in), cmocka_unit_test(a_name_with_many_addresses_stands_there_once),
		cmocka_unit_test(refuses_when_full), cmocka_unit_test(takes_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
