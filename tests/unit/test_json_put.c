/* test_json_put.c: whatever goes in, a library for JSON reads it, or it is said not to fit. */
#include "dnstap/json_put.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static struct span span_of(const char *text)
{
	return (struct span){ (const uint8_t *)text, strlen(text) };
}

/* Owned. */
static json_t *parse(const struct json *json)
{
	json_error_t error;
	json_t *got = json_loadb(json->to, json->used, JSON_DECODE_ANY, &error);

	if (!got)
		fail_msg("%.*s: %s", (int)json->used, json->to, error.text);
	return got;
}

static void strings_are_valid_whatever_the_octets(void **state)
{
	static const struct { const char *octets; size_t length; const char *wanted, *why; } rows[] = {
		{ "", 0, "", "nothing" }, { "plain", 5, "plain", "plain" }, { "\"\\/", 3, "\"\\/", "what JSON escapes" },
		{ "\x01\x1f\x7f", 3, "\x01\x1f\x7f", "control characters" }, { "a\0b", 3, "a\xef\xbf\xbd""b", "NUL" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "two to four octets" },
		{ "\x80", 1, "\xef\xbf\xbd", "a tail alone" }, { "\xc3", 1, "\xef\xbf\xbd", "a head alone" },
		{ "\xc0\xaf", 2, "\xef\xbf\xbd\xef\xbf\xbd", "overlong, two" },
		{ "\xe0\x80\xaf", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "overlong, three" },
		{ "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "a surrogate" },
		{ "\xf4\x90\x80\x80", 4, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "above U+10FFFF" },
		{ "\xf5\xff", 2, "\xef\xbf\xbd\xef\xbf\xbd", "never in UTF-8" }, { "\xe2\x82x", 3, "\xef\xbf\xbd\xef\xbf\xbdx", "cut" },
		{ "\xef\xbf\xbf", 3, "\xef\xbf\xbf", "the last of three octets" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct json json = { .to = text, .cap = sizeof(text) };
		json_t *got;

		json_put_string(&json, (struct span){ (const uint8_t *)rows[i].octets, rows[i].length });
		got = parse(&json);
		if (strcmp(json_string_value(got), rows[i].wanted) != 0)
			fail_msg("%s: %s", rows[i].why, json_string_value(got));
		json_decref(got);
	}
}

/* One of everything. */
static void put_all(struct json *json)
{
	json_open(json, '{');
	json_put_number(json, "least", 0);
	json_put_number(json, "most", UINT64_MAX);
	json_put_flag(json, "yes", true);
	json_put_flag(json, "no", false);
	json_put_span(json, "text", span_of("x,{[:"));
	json_put_span(json, "left out", span_of(""));
	json_put_word(json, "word", "w");
	json_put_words(json, "words", span_of("  a b  c "));
	json_put_words(json, "no words", span_of("   "));
	json_put_boot(json, 0xfedcba987654);
	json_put_key(json, "list");
	json_open(json, '[');
	json_open(json, '{');
	json_close(json, '}');
	json_open(json, '{');
	json_put_number(json, "n", 1);
	json_close(json, '}');
	json_close(json, ']');
	json_put_key(json, "empty");
	json_open(json, '[');
	json_close(json, ']');
	json_put_flag(json, "last", true);
	json_close(json, '}');
}

static const char all[] = "{\"least\":0,\"most\":18446744073709551615,\"yes\":true,\"no\":false,\"text\":\"x,{[:\","
	"\"word\":\"w\",\"words\":[\"a\",\"b\",\"c\"],\"boot\":\"fedcba987654\",\"list\":[{},{\"n\":1}],\"empty\":[],"
	"\"last\":true}";

static void every_kind_of_value_stands_where_it_should(void **state)
{
	char text[512];
	struct json json = { .to = text, .cap = sizeof(text) };

	(void)state;
	put_all(&json);
	assert_false(json.full);
	assert_int_equal(json.used, strlen(all));
	assert_memory_equal(text, all, json.used);
}

static void what_does_not_fit_is_said_and_nothing_is_written_behind_the_end(void **state)
{
	size_t cap;

	(void)state;
	for (cap = 0; cap <= strlen(all); cap++) {
		char text[512];
		struct json json = { .to = text, .cap = cap };

		memset(text, '#', sizeof(text));
		put_all(&json);
		assert_int_equal(json.full, cap < strlen(all));
		assert_true(json.used <= cap);
		assert_int_equal(text[cap], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_valid_whatever_the_octets),
		cmocka_unit_test(every_kind_of_value_stands_where_it_should),
		cmocka_unit_test(what_does_not_fit_is_said_and_nothing_is_written_behind_the_end),
	};

	return cmocka_run_group_tests_name("json_put", tests, NULL, NULL);
}
