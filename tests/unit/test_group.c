/* test_group.c: whose group a client is, which groups a list serves, and what it costs with many networks. */
#include "policy/group.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/address.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NETWORKS_MAX 4

static struct network network_of(const char *text)
{
	struct network network = { .address = { .family = ADDRESS_NONE } };
	char address[64];
	unsigned length = 999, port = 0;

	assert_in_range(sscanf(text, "%63[^/@]/%u", address, &length), 1, 2);
	if (strchr(text, '@') != NULL)
		assert_int_equal(sscanf(strchr(text, '@'), "@%u", &port), 1);
	network.address.family = strchr(address, ':') != NULL ? ADDRESS_INET6 : ADDRESS_INET;
	assert_int_equal(inet_pton(network.address.family == ADDRESS_INET ? AF_INET : AF_INET6, address,
		network.address.octets), 1);
	network.address.port = (uint16_t)port;
	network.prefix_length = (uint8_t)(length == 999 ? address_bits(network.address.family) : length);
	return network;
}

static struct address address_of(const char *text)
{
	return *text == '\0' ? (struct address){ .family = ADDRESS_NONE } : network_of(text).address;
}

/* Groups as people write them; blanks between networks. */
struct row {
	const char *name, *parent, *networks, *interfaces;
};

static size_t read_networks(const char *text, struct network *to)
{
	char copy[128], *rest, *word;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		assert_true(count < NETWORKS_MAX);
		to[count++] = network_of(word);
	}
	return count;
}

static struct group_table *table_of(const struct row *rows, size_t count, struct diag *diag)
{
	static char path[] = "verdict.conf";
	static struct network networks[CONF_GROUPS_MAX][2][NETWORKS_MAX];
	static struct group_conf groups[CONF_GROUPS_MAX];
	const struct conf conf = { .path = path, .groups = groups, .group_count = count };
	struct group_table *table;
	size_t i;

	for (i = 0; i < count; i++) {
		groups[i] = (struct group_conf){ .networks = networks[i][0], .interfaces = networks[i][1],
			.ede = EDE_MODE_CODE, .line = (unsigned)i + 1 };
		snprintf(groups[i].name, sizeof(groups[i].name), "%s", rows[i].name);
		snprintf(groups[i].parent, sizeof(groups[i].parent), "%s", rows[i].parent);
		groups[i].network_count = read_networks(rows[i].networks, networks[i][0]);
		groups[i].interface_count = read_networks(rows[i].interfaces, networks[i][1]);
	}
	table = group_table_create(&conf, diag);
	/* Nothing may be borrowed. */
	memset(groups, 'X', sizeof(groups));
	memset(networks, 'X', sizeof(networks));
	return table;
}

/* --- who is where ----------------------------------------------------------------------------------------------- */

static const struct row groups[] = {
	{ "office", "", "10.0.0.0/8 2001:db8::/32", "" },
	{ "branch", "office", "10.20.0.0/16 10.30.0.0/16", "" },
	{ "kiosk", "branch", "10.20.30.0/24", "" },
	{ "host", "", "10.20.30.40 2001:db8::1", "" },
	{ "tls", "", "", "0.0.0.0/0@853 ::/0@853" },
	{ "lab", "", "10.40.0.0/16", "192.0.2.53" },
	{ "port", "", "10.50.0.0/16", "192.0.2.53@5353" },
	{ "near", "", "10.50.0.0/16", "192.0.2.0/24" },
	{ "far", "", "10.50.0.0/16", "0.0.0.0/0" },
	{ "plain", "default", "10.50.0.0/16", "" },
	{ "world6", "", "::/0", "" },
};

static const struct {
	const char *client, *server, *group, *why;
} rows[] = {
	{ "", "192.0.2.53@53", "default", "no client" },
	{ "192.0.2.1", "192.0.2.53@53", "default", "in no network" },
	{ "10.0.0.0", "192.0.2.53@53", "office", "the first address" },
	{ "10.255.255.255", "192.0.2.53@53", "office", "the last one" },
	{ "11.0.0.0", "192.0.2.53@53", "default", "behind it" },
	{ "9.255.255.255", "192.0.2.53@53", "default", "before it" },
	{ "10.20.0.0", "192.0.2.53@53", "branch", "a longer prefix" },
	{ "10.21.0.0", "192.0.2.53@53", "office", "behind it the one around it goes on" },
	{ "10.30.255.255", "192.0.2.53@53", "branch", "its other network" },
	{ "10.20.30.41", "192.0.2.53@53", "kiosk", "a third level" },
	{ "10.20.30.40", "192.0.2.53@53", "host", "one address" },
	{ "10.20.31.0", "192.0.2.53@53", "branch", "two levels up again" },
	{ "::ffff:10.20.30.40", "192.0.2.53@53", "host", "IPv4-mapped is IPv4" },
	{ "2001:db8::1", "2001:db8::53@53", "host", "IPv6" },
	{ "2001:db8:1::1", "2001:db8::53@53", "office", "IPv6 too" },
	{ "2001:db9::", "2001:db8::53@53", "world6", "all of IPv6" },
	{ "192.0.2.1", "2001:db8::53@53", "default", "and nothing of IPv4" },
	{ "192.0.2.1", "192.0.2.53@853", "tls", "by port alone" },
	{ "2001:db9::", "2001:db8::53@853", "tls", "a port beats none among equal prefixes" },
	{ "10.0.0.1", "192.0.2.53@853", "office", "a network beats no network" },
	{ "10.40.0.1", "192.0.2.53@53", "lab", "network and interface" },
	{ "10.40.0.1", "192.0.2.54@53", "office", "another interface: the shorter prefix" },
	{ "10.40.0.1", "", "office", "no interface known" },
	{ "10.50.0.1", "192.0.2.53@5353", "port", "address and port" },
	{ "10.50.0.1", "192.0.2.53@53", "near", "the longer interface" },
	{ "10.50.0.1", "198.51.100.1@53", "far", "the shorter one" },
	{ "10.50.0.1", "2001:db8::53@53", "plain", "an interface of IPv4 is none of IPv6" },
};

static void the_longest_prefix_wins_then_the_interface(void **state)
{
	struct diag diag;
	struct group_table *table = table_of(groups, COUNT(groups), &diag);
	size_t i;

	(void)state;
	assert_non_null(table);
	assert_int_equal(group_count(table), COUNT(groups) + 1);
	for (i = 0; i < COUNT(rows); i++) {
		const struct facts facts = { .client = address_of(rows[i].client), .server = address_of(rows[i].server) };
		const char *name = group_name(table, group_find(table, &facts));

		if (strcmp(name, rows[i].group) != 0)
			fail_msg("%s: %s at %s is in %s", rows[i].why, rows[i].client, rows[i].server, name);
	}
	assert_int_equal(group_ede(table, 1), EDE_MODE_CODE);
	assert_int_equal(group_ede(table, GROUP_DEFAULT), EDE_MODE_TEXT);
	group_table_destroy(&table);
	assert_null(table);
	group_table_destroy(&table);
}

static void equals_go_by_the_order_of_the_configuration(void **state)
{
	static const struct row same[] = {
		{ "first", "", "10.0.0.0/8", "" }, { "second", "", "10.0.0.0/8", "" },
	};
	struct group_table *table = table_of(same, COUNT(same), NULL);
	const struct facts facts = { .client = address_of("10.1.1.1") };

	(void)state;
	assert_string_equal(group_name(table, group_find(table, &facts)), "first");
	group_table_destroy(&table);
}

static void without_groups_all_are_in_the_default_one(void **state)
{
	struct group_table *table = table_of(NULL, 0, NULL);
	const struct facts facts = { .client = address_of("10.1.1.1") };
	const struct list_conf list = { .name = "list" };

	(void)state;
	assert_int_equal(group_count(table), 1);
	assert_int_equal(group_find(table, &facts), GROUP_DEFAULT);
	assert_string_equal(group_name(table, GROUP_DEFAULT), "default");
	assert_int_equal(group_mask(table, &list, "verdict.conf", NULL), 1);
	group_table_destroy(&table);
}

/* --- whom a list serves ----------------------------------------------------------------------------------------- */

static void a_list_serves_a_group_and_all_below_it(void **state)
{
	static const struct { const char *names[2]; uint64_t mask; const char *why; } lists[] = {
		{ { NULL }, 0xfff, "no group said: all" },
		{ { "office" }, 1 << 1 | 1 << 2 | 1 << 3, "children and their children" },
		{ { "branch" }, 1 << 2 | 1 << 3, "from the middle" },
		{ { "kiosk", "host" }, 1 << 3 | 1 << 4, "two" },
		{ { "default" }, 1 | 1 << 10, "everybody else, and who has it as parent" },
	};
	struct group_table *table = table_of(groups, COUNT(groups), NULL);
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(lists); i++) {
		char names[2][LIST_NAME_MAX];
		struct list_conf list = { .name = "list", .groups = names };

		for (j = 0; j < 2 && lists[i].names[j] != NULL; j++)
			snprintf(names[list.group_count++], LIST_NAME_MAX, "%s", lists[i].names[j]);
		if (group_mask(table, &list, "verdict.conf", NULL) != lists[i].mask)
			fail_msg("%s", lists[i].why);
	}
	group_table_destroy(&table);
}

static void a_group_that_is_not_there_is_an_error(void **state)
{
	struct group_table *table = table_of(groups, COUNT(groups), NULL);
	char names[1][LIST_NAME_MAX] = { "offise" };
	const struct list_conf list = { .name = "list", .groups = names, .group_count = 1, .line = 7 };
	struct diag diag;
	char text[1024];

	(void)state;
	assert_int_equal(group_mask(table, &list, "verdict.conf", &diag), 0);
	assert_string_equal(diag_format(&diag, text, sizeof(text)),
		"verdict.conf:7: policy-list: list: there is no `client-group:` of the name offise");
	group_table_destroy(&table);
}

static void parents_that_cannot_be_are_errors(void **state)
{
	static const struct { struct row rows[3]; size_t count; const char *error, *why; } wrongs[] = {
		{ { { "a", "b", "10.0.0.0/8", "" } }, 1,
		  "verdict.conf:1: parent: there is no `client-group:` of the name b", "no such parent" },
		{ { { "a", "a", "10.0.0.0/8", "" } }, 1,
		  "verdict.conf:1: client-group: the parents of a lead in a circle: remove one `parent:`", "itself" },
		{ { { "a", "c", "10.0.0.0/8", "" }, { "b", "a", "11.0.0.0/8", "" }, { "c", "b", "12.0.0.0/8", "" } }, 3,
		  "verdict.conf:1: client-group: the parents of a lead in a circle: remove one `parent:`", "three" },
	};
	struct diag diag;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrongs); i++) {
		assert_null(table_of(wrongs[i].rows, wrongs[i].count, &diag));
		if (strcmp(diag_format(&diag, text, sizeof(text)), wrongs[i].error) != 0)
			fail_msg("%s: %s", wrongs[i].why, text);
	}
}

/* --- many ------------------------------------------------------------------------------------------------------- */

static uint32_t drawn = 1;

static uint32_t draw(void)
{
	drawn = drawn * 1664525u + 1013904223u;
	return drawn >> 8 | drawn << 24;
}

static void put_number(uint8_t *to, uint32_t number)
{
	const uint32_t network_order = htonl(number);

	memcpy(to, &network_order, sizeof(network_order));
}

static void fill(struct group_conf *group)
{
	size_t i;

	group->networks = calloc(CONF_NETWORKS_MAX, sizeof(*group->networks));
	assert_non_null(group->networks);
	group->network_count = CONF_NETWORKS_MAX;
	for (i = 0; i < CONF_NETWORKS_MAX; i++) {
		struct network *network = &group->networks[i];

		network->address.family = i % 4 == 0 ? ADDRESS_INET6 : ADDRESS_INET;
		put_number(network->address.octets, draw());
		network->prefix_length = (uint8_t)(8 + draw() % 25);
		address_mask(&network->address, network->prefix_length);
	}
}

static unsigned scan(const struct group_conf *all, size_t count, const struct address *client)
{
	unsigned best = 0, found = 0;
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < all[i].network_count; j++) {
			const struct network *network = &all[i].networks[j];
			struct address masked = *client;

			address_mask(&masked, network->prefix_length);
			if (masked.family == network->address.family && network->prefix_length + 1u > best &&
			    address_compare(&masked, &network->address) == 0) {
				best = network->prefix_length + 1u;
				found = (unsigned)i + 1;
			}
		}
	}
	return found;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The bound is loose: a scan takes a thousand times as long. */
static void many_networks_are_found_as_a_scan_finds_them_and_fast(void **state)
{
	static char path[] = "-";
	struct group_conf all[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
	const struct conf conf = { .path = path, .groups = all, .group_count = COUNT(all) };
	struct group_table *table;
	double start, scanned, found;
	unsigned i, sum = 0;

	(void)state;
	for (i = 0; i < COUNT(all); i++)
		fill(&all[i]);
	table = group_table_create(&conf, NULL);
	assert_non_null(table);
	start = seconds();
	for (i = 0; i < 300; i++) {
		struct facts facts = { .client.family = i % 4 == 0 ? ADDRESS_INET6 : ADDRESS_INET };

		put_number(facts.client.octets, draw());
		assert_int_equal(group_find(table, &facts), scan(all, COUNT(all), &facts.client));
	}
	scanned = (seconds() - start) / 300;
	start = seconds();
	for (i = 0; i < 1000000; i++) {
		struct facts facts = { .client.family = ADDRESS_INET };

		put_number(facts.client.octets, draw());
		sum += group_find(table, &facts);
	}
	found = (seconds() - start) / 1000000;
	print_message("# %.0f ns for each look-up, %.0f of a scan, among %zu networks, %.1f MiB (%u)\n", found * 1e9,
		scanned * 1e9, COUNT(all) * CONF_NETWORKS_MAX, (double)group_table_octets(table) / (1 << 20), sum);
	assert_true(found * 10 < scanned);
	group_table_destroy(&table);
	for (i = 0; i < COUNT(all); i++)
		free(all[i].networks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins_then_the_interface),
		cmocka_unit_test(equals_go_by_the_order_of_the_configuration),
		cmocka_unit_test(without_groups_all_are_in_the_default_one),
		cmocka_unit_test(a_list_serves_a_group_and_all_below_it),
		cmocka_unit_test(a_group_that_is_not_there_is_an_error),
		cmocka_unit_test(parents_that_cannot_be_are_errors),
		cmocka_unit_test(many_networks_are_found_as_a_scan_finds_them_and_fast),
	};

	return cmocka_run_group_tests_name("group", tests, NULL, NULL);
}
