/* test_conf_value.c: rows of value, type and outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "policy/conf_value.h"

static const struct {
	enum conf_type type;
	uint64_t min, max;
	const char *text;
	bool good;
	const char *why;
} values[] = {
	{ TYPE_NUMBER, 0, 10, "0", true, "the least" },
	{ TYPE_NUMBER, 0, 10, "10", true, "the most" },
	{ TYPE_NUMBER, 0, 10, "010", true, "leading zeros are decimal" },
	{ TYPE_NUMBER, 0, 10, "11", false, "over" },
	{ TYPE_NUMBER, 5, 10, "4", false, "under" },
	{ TYPE_NUMBER, 0, 10, "", false, "nothing" },
	{ TYPE_NUMBER, 0, 10, "+1", false, "a sign" },
	{ TYPE_NUMBER, 0, 10, "1 ", false, "a blank behind" },
	{ TYPE_NUMBER, 0, 10, "0x1", false, "not decimal" },
	{ TYPE_NUMBER, 0, 4294967295u, "4294967295", true, "all that fits" },
	{ TYPE_NUMBER, 0, 4294967295u, "4294967296", false, "one more" },
	{ TYPE_NUMBER, 0, 10, "18446744073709551617", false, "2^64 + 1 is not 1" },
	{ TYPE_SIZE, 1, 1 << 30, "1024", true, "plain octets" },
	{ TYPE_SIZE, 1, 1 << 30, "64K", true, "capital" },
	{ TYPE_SIZE, 1, 1 << 30, "1g", true, "the most" },
	{ TYPE_SIZE, 1, 1 << 30, "2g", false, "over" },
	{ TYPE_SIZE, 1, 1 << 30, "17179869184g", false, "2^64 octets are not none" },
	{ TYPE_SIZE, 1, 1 << 30, "0", false, "none" },
	{ TYPE_SIZE, 1, 1 << 30, "1kk", false, "two units" },
	{ TYPE_SIZE, 1, 1 << 30, "k", false, "a unit alone" },
	{ TYPE_SIZE, 1, 1 << 30, "96k", false, "no power of two" },
	{ TYPE_ADDRESS, 0, 0, "192.0.2.1", true, "" },
	{ TYPE_ADDRESS, 0, 0, "2001:db8::", true, "ends with a colon" },
	{ TYPE_ADDRESS, 0, 0, "::ffff:192.0.2.1", true, "mapped" },
	{ TYPE_ADDRESS, 0, 0, "192.0.2.1/32", false, "a prefix" },
	{ TYPE_ADDRESS, 0, 0, "192.0.2", false, "short" },
	{ TYPE_ADDRESS, 0, 0, "fe80::1%eth0", false, "a zone means nothing in an answer" },
	{ TYPE_ADDRESS, 0, 0, "[2001:db8::1]", false, "brackets" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/24", true, "" },
	{ TYPE_NETWORK, 0, 0, "0.0.0.0/0", true, "all" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.1", true, "one address" },
	{ TYPE_NETWORK, 0, 0, "2001:db8::/32", true, "" },
	{ TYPE_NETWORK, 0, 0, "::ffff:192.0.2.0/120", true, "mapped" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.1/24", false, "bits behind the prefix" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/33", false, "too long" },
	{ TYPE_NETWORK, 0, 0, "2001:db8::/129", false, "too long" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/-1", false, "a sign" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/ 24", false, "a blank" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/99999999999999999999", false, "a number without end" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.0/24/24", false, "two prefixes" },
	{ TYPE_NETWORK, 0, 0, "192.0.2.1@53", false, "a port" },
	{ TYPE_NETWORK, 0, 0, "192.0.2/24", false, "short" },
	{ TYPE_NETWORK, 0, 0, "/24", false, "no address" },
	{ TYPE_NETWORK, 0, 0, "", false, "nothing" },
	{ TYPE_NETWORK, 0, 0, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", true, "the longest text" },
	{ TYPE_NETWORK, 0, 0, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128.................", false,
		"longer than any" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.1@853", true, "a port" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.0/24@853", true, "a prefix and a port" },
	{ TYPE_INTERFACE, 0, 0, "2001:db8::1@65535", true, "the last port" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.1@65536", false, "no port" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.1@", false, "an empty port" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.1@53@53", false, "two ports" },
	{ TYPE_INTERFACE, 0, 0, "192.0.2.1@53/24", false, "the port before the prefix" },
	{ TYPE_INTERFACE, 0, 0, "@53", false, "a port alone" },
	{ TYPE_GROUP_NAME, 0, LIST_NAME_MAX, "branch", true, "" },
	{ TYPE_GROUP_NAME, 0, LIST_NAME_MAX, "default", false, "is there already" },
	{ TYPE_GROUP, 0, LIST_NAME_MAX, "default", true, "can be named" },
	{ TYPE_FAIL, 0, 0, "closed", true, "" },
	{ TYPE_EDE_MODE, 0, 0, "code", true, "" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071", true, "a technique" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071.004 TA0011 DC0103 AN2023", true, "all kinds" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071.04", false, "a sub-technique has three digits" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T10710", false, "five digits" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071  T1568", false, "two blanks" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "t1071", false, "small letter" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "1071", false, "no letter" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071 T1072 T1073 T1074 T1075 T1076 T1077 T1078", true, "47 octets" },
	{ TYPE_ATTACK, 0, ATTACK_MAX, "T1071 T1072 T1073 T1074 T1075 T1076 T1077 TA1078", false,
		"48 octets" },
	{ TYPE_LIST_NAME, 0, LIST_NAME_MAX, "Malware_1.2-x", true, "" },
	{ TYPE_LIST_NAME, 0, LIST_NAME_MAX, "a/b", false, "a slash" },
	{ TYPE_LIST_NAME, 0, LIST_NAME_MAX, "", false, "empty" },
	{ TYPE_TEXT, 0, CATEGORY_MAX, "1234567890123456789012345678901", true, "31 octets and a NUL" },
	{ TYPE_TEXT, 0, CATEGORY_MAX, "12345678901234567890123456789012", false, "no room for the NUL" },
	{ TYPE_TEXT, 0, CATEGORY_MAX, "a\tb", false, "a control character" },
	{ TYPE_TEXT, 0, CATEGORY_MAX, "\xc3\xa4", false, "outside ASCII" },
	{ TYPE_ZONE, 0, 0, "rpz.example.", true, "" },
	{ TYPE_ZONE, 0, 0, ".", false, "the root" },
	{ TYPE_FLAG, 0, 0, "yes", true, "" },
	{ TYPE_FLAG, 0, 0, "Yes", false, "words are in small letters" },
	{ TYPE_FLAG, 0, 0, "1", false, "not a word" },
	{ TYPE_CHOICE, 0, 0, "no", true, "" },
	{ TYPE_MODE, 0, 0, "shadow", true, "" },
	{ TYPE_FORMAT, 0, 0, "rpz", true, "" },
	{ TYPE_FRAMES, 0, 0, "verdicts", true, "" },
	{ TYPE_ACTION, 0, 0, "allow", false, "what no list says cannot be said by one: it is `pass`" },
	{ TYPE_ACTION, 0, 0, "truncate", true, "" },
	{ TYPE_EDE, 0, 0, "none", true, "" },
};

static void takes_and_refuses(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct conf_limits limits = { .min = values[i].min, .max = values[i].max, .folder = "" };
		uint8_t to[512], before[512];
		char wrong[CONF_WRONG_MAX] = "";
		int result;

		memset(to, 0xa5, sizeof(to));
		memcpy(before, to, sizeof(to));
		result = conf_value_parse(values[i].type, &limits, values[i].text, to, wrong);
		if ((result == 0) != values[i].good)
			fail_msg("`%s` (%s): %s", values[i].text, values[i].why, wrong);
		if (result != 0 && (memcmp(to, before, sizeof(to)) != 0 || *wrong == '\0'))
			fail_msg("`%s` (%s): changed the value, or said nothing", values[i].text, values[i].why);
	}
}

static void paths_begin_at_their_folder(void **state)
{
	static const struct {
		const char *folder, *text, *path;
	} rows[] = {
		{ "/etc/", "a.txt", "/etc/a.txt" },
		{ "/etc/", "/a.txt", "/a.txt" },
		{ "", "a.txt", "a.txt" },
		{ "conf/", "../a.txt", "conf/../a.txt" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conf_limits limits = { .max = 20, .folder = rows[i].folder };
		char wrong[CONF_WRONG_MAX], *path = NULL;

		assert_int_equal(conf_value_parse(TYPE_PATH, &limits, rows[i].text, &path, wrong), 0);
		assert_string_equal(path, rows[i].path);
		free(path);
	}
}

static void a_path_is_measured_with_its_folder(void **state)
{
	struct conf_limits limits = { .max = 10, .folder = "/etc/" };
	char wrong[CONF_WRONG_MAX], *path = NULL;

	(void)state;
	assert_int_equal(conf_value_parse(TYPE_PATH, &limits, "123456", &path, wrong), -1);
	assert_null(path);
	assert_int_equal(conf_value_parse(TYPE_PATH, &limits, "12345", &path, wrong), 0);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_refuses),
		cmocka_unit_test(paths_begin_at_their_folder),
		cmocka_unit_test(a_path_is_measured_with_its_folder),
	};

	return cmocka_run_group_tests_name("conf_value", tests, NULL, NULL);
}
