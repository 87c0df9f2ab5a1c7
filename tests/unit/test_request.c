/* test_request.c: what the control socket takes, and what it says of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/request.h"

static void takes_what_the_tables_say(void **state)
{
	static const struct {
		const char *line;
		enum request_command command;
		unsigned given;
		const char *why;
	} rows[] = {
		{ "{\"command\":\"status\"}", REQUEST_STATUS, 0, "nothing but a command" },
		{ " {\"command\" : \"status\"} ", REQUEST_STATUS, 0, "blanks" },
		{ "{\"command\":\"reload\",\"force\":true,\"to\":3}", REQUEST_RELOAD, MEMBER_FORCE | MEMBER_TO, "a number" },
		{ "{\"command\":\"reload\",\"previous\":false,\"to\":3}", REQUEST_RELOAD, MEMBER_PREVIOUS | MEMBER_TO,
			"false is as good as nothing" },
		{ "{\"seconds\":1,\"why\":\"x\",\"name\":\"a.example\",\"command\":\"allow\"}", REQUEST_ALLOW,
			MEMBER_SECONDS | MEMBER_WHY | MEMBER_NAME, "any order" },
		{ "{\"command\":\"deny\",\"name\":\"A.Example.\",\"seconds\":7776000,\"why\":\"x\",\"client\":\"10.0.0.0/8\"}",
			REQUEST_DENY, MEMBER_NAME | MEMBER_SECONDS | MEMBER_WHY | MEMBER_CLIENT, "90 days, a network" },
		{ "{\"command\":\"revoke\",\"id\":9223372036854775807}", REQUEST_REVOKE, MEMBER_ID, "the last id" },
		{ "{\"command\":\"flush\",\"name\":\"x.example\",\"below\":true,\"as\":\"alice\"}", REQUEST_FLUSH,
			MEMBER_NAME | MEMBER_BELOW | MEMBER_AS, "for whom" },
		{ "{\"command\":\"recent\"}", REQUEST_RECENT, 0, "no member" },
		{ "{\"command\":\"explain\",\"name\":\"x\",\"type\":\"TYPE65\",\"client\":\"2001:db8::1\"}", REQUEST_EXPLAIN,
			MEMBER_NAME | MEMBER_TYPE | MEMBER_CLIENT, "one label, a number of a type" },
		{ "{\"command\":\"explain\",\"name\":\"x\",\"type\":\"TYPE65\",\"client\":\"2001:db8::1\",\"interface\":\"::1@853\"}",
			REQUEST_EXPLAIN, MEMBER_NAME | MEMBER_TYPE | MEMBER_CLIENT | MEMBER_INTERFACE, "where it is asked" },
	};
	struct request request;
	char wrong[REQUEST_WRONG_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (request_parse(&request, rows[i].line, strlen(rows[i].line), wrong) != 0)
			fail_msg("%s: %s", rows[i].why, wrong);
		assert_int_equal(request.command, rows[i].command);
		assert_int_equal(request.given, rows[i].given);
	}
	assert_int_equal(request.type, 65);
	assert_int_equal(request.client.address.family, ADDRESS_INET6);
	assert_int_equal(request.client.prefix_length, 128);
	assert_int_equal(request.interface.family, ADDRESS_INET6);
	assert_int_equal(request.interface.port, 853);
}

static void says_what_is_wrong(void **state)
{
#define EXPLAIN "{\"command\":\"explain\",\"name\":\"a\",\"client\":\"10.0.0.1\",\"interface\":"
	static const struct { const char *line, *says; } rows[] = {
		{ "", "no JSON" },
		{ "x", "no JSON" },
		{ "{", "no JSON" },
		{ "{\"command\":\"status\"}x", "no JSON" },
		{ "{\"command\":\"status\",\"command\":\"reload\"}", "no JSON: duplicate" },
		{ "[]", "a request is a JSON object" },
		{ "7", "no JSON" },
		{ "{}", "needs a text 'command'" },
		{ "{\"command\":7}", "needs a text 'command'" },
		{ "{\"command\":\"relaod\"}", "did you mean 'reload'?" },
		{ "{\"command\":\"stat\"}", "did you mean 'stat" },
		{ "{\"command\":\"\\u001b[31mred\"}", "there is no command '\\027[31mred'" },
		{ "{\"command\":\"stop\\u0000x\"}", "no JSON" },
		{ "{\"command\":\"status\",\"force\":true}", "status: it takes no member 'force'" },
		{ "{\"command\":\"status\",\"path\":\"/etc/passwd\"}", "status: it takes no member 'path'" },
		{ "{\"command\":\"reload\",\"force\":1}", "force: it is to be a true or false" },
		{ "{\"command\":\"reload\",\"to\":\"3\"}", "to: it is to be a whole number" },
		{ "{\"command\":\"reload\",\"to\":3.5}", "to: it is to be a whole number" },
		{ "{\"command\":\"reload\",\"to\":0}", "to: 0 is not in 1 to" },
		{ "{\"command\":\"reload\",\"to\":99999999999999999999}", "no JSON" },
		{ "{\"command\":\"reload\",\"to\":1,\"previous\":true}", "either 'to' or 'previous'" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"why\":\"x\"}", "allow: 'seconds' is missing" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"seconds\":1}", "allow: 'why' is missing" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"seconds\":1,\"why\":\" \"}", "why: say in a few words" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"seconds\":7776001,\"why\":\"x\"}", "seconds: 7776001 is not in" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"seconds\":-1,\"why\":\"x\"}", "seconds: -1 is not in" },
		{ "{\"command\":\"allow\",\"name\":\".\",\"seconds\":1,\"why\":\"x\"}", "it is the root" },
		{ "{\"command\":\"allow\",\"name\":\"a..b\",\"seconds\":1,\"why\":\"x\"}", "'a..b' is no domain name" },
		{ "{\"command\":\"allow\",\"name\":null,\"seconds\":1,\"why\":\"x\"}", "name: it is to be a text" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"client\":\"10.0.0.1/8\"}", "no bit set" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"client\":\"10.0.0.0/33\"}", "client: '10" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"client\":\"10.0.0.0/\"}", "client: '10" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"client\":\"10.0.0.0/+8\"}", "client: '10" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"client\":\"\"}", "client: ''" },
		{ "{\"command\":\"explain\",\"name\":\"a\",\"type\":\"BOGUS\"}", "no record type 'BOGUS'" },
		{ "{\"command\":\"explain\"}", "explain: give 'name', or 'client' alone" },
		{ "{\"command\":\"explain\",\"type\":\"A\",\"client\":\"10.0.0.1\"}", "explain: give 'name', or 'client' alone" },
		{ "{\"command\":\"explain\",\"name\":\".\",\"client\":\"10.0.0.1\"}", "it is the root" },
		{ "{\"command\":\"revoke\"}", "give either 'id' or 'name'" },
		{ "{\"command\":\"revoke\",\"id\":1,\"name\":\"a\"}", "give either 'id' or 'name'" },
		{ "{\"command\":\"flush\"}", "flush: 'name' is missing" },
		{ "{\"command\":\"explain\",\"name\":\"a\",\"client\":\"10.0.0.0/8\"}", "give an address, not a network" },
		{ "{\"command\":\"explain\",\"name\":\"a\",\"interface\":\"192.0.2.53\"}", "'interface' goes with 'client'" },
		{ EXPLAIN "\"192.0.2.53@\"}", "interface: '192.0.2.53@' is no address and perhaps a port" },
		{ EXPLAIN "\"192.0.2.53@0\"}", "interface: '192" },
		{ EXPLAIN "\"192.0.2.53@65536\"}", "interface: '192" },
		{ EXPLAIN "\"@53\"}", "interface: '@53'" },
		{ EXPLAIN "\"eth0@53\"}", "interface: 'eth0@53'" },
		{ "{\"command\":\"deny\",\"name\":\"a\",\"seconds\":1,\"why\":\"x\",\"interface\":\"192.0.2.53\"}", "no member" },
	};
	struct request request;
	char wrong[REQUEST_WRONG_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(request_parse(&request, rows[i].line, strlen(rows[i].line), wrong), -1);
		if (strstr(wrong, rows[i].says) == NULL)
			fail_msg("%s gave: %s", rows[i].line, wrong);
	}
}

static void takes_no_octets_that_are_no_text(void **state)
{
	static const char nul[] = "{\"command\":\"status\"\0}", raw[] = "{\"command\":\"\xff\"}";
	struct request request;
	char wrong[REQUEST_WRONG_MAX];

	(void)state;
	assert_int_equal(request_parse(&request, nul, sizeof(nul) - 1, wrong), -1);
	assert_int_equal(request_parse(&request, raw, sizeof(raw) - 1, wrong), -1);
	for (const char *at = wrong; *at != '\0'; at++)
		assert_in_range(*at, 0x20, 0x7e);
}

static void takes_deep_nesting_as_an_error(void **state)
{
	char line[4096], wrong[REQUEST_WRONG_MAX];
	struct request request;

	(void)state;
	memset(line, '[', sizeof(line));
	assert_int_equal(request_parse(&request, line, sizeof(line), wrong), -1);
}

static unsigned calls_left;

static void *scarce(size_t octets)
{
	return calls_left > 0 && calls_left-- > 0 ? malloc(octets) : NULL;
}

/* The library under it asserts; this shows that it does not do so for want of memory. */
static void is_an_error_without_memory(void **state)
{
	static const char line[] = "{\"command\":\"allow\",\"name\":\"portal.example\",\"seconds\":3600,\"why\":\"a "
		"text of more than a few octets, so that it has to grow\",\"client\":\"10.0.0.0/8\",\"as\":\"alice\"}";
	struct request request;
	char wrong[REQUEST_WRONG_MAX];
	unsigned calls = 0;

	(void)state;
	json_set_alloc_funcs(scarce, free);
	do
		calls_left = calls++;
	while (request_parse(&request, line, sizeof(line) - 1, wrong) != 0 && calls < 1000);
	json_set_alloc_funcs(malloc, free);
	assert_in_range(calls, 10, 999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_tables_say),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(takes_no_octets_that_are_no_text),
		cmocka_unit_test(takes_deep_nesting_as_an_error),
		cmocka_unit_test(is_an_error_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
