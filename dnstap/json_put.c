/*
 * json_put.c: JSON into a bounded buffer.
 */
#include "dnstap/json_put.h"

#include <string.h>

#define BOOT_DIGITS 12

void json_put(struct json *json, const char *octets, size_t count)
{
	if (count > json->cap - json->used) {
		json->full = true;
		return;
	}
	memcpy(json->to + json->used, octets, count);
	json->used += count;
}

static void put_text(struct json *json, const char *text)
{
	json_put(json, text, strlen(text));
}

/* Octets of the UTF-8 sequence at `at` (RFC 3629 section 4), 0 when there is no valid one: no overlong form, no
 * surrogate, nothing above U+10FFFF. */
static size_t sequence_octets(const uint8_t *at, size_t left)
{
	size_t octets = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (octets == 0 || octets > left)
		return 0;
	for (i = 1; i < octets; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)
			|| (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return octets;
}

static void put_escaped(struct json *json, uint8_t octet)
{
	char escape[6] = { '\\', 'u', '0', '0', "0123456789abcdef"[octet >> 4], "0123456789abcdef"[octet & 15] };

	json_put(json, escape, sizeof(escape));
}

/* A JSON string; an octet that is part of no valid sequence becomes U+FFFD, and so does NUL, which many readers of JSON
 * refuse even when it is escaped. */
void json_put_string(struct json *json, struct span text)
{
	size_t i = 0;

	json_put(json, "\"", 1);
	while (i < text.length) {
		size_t octets = sequence_octets(text.data + i, text.length - i);
		uint8_t octet = text.data[i];

		if (octets == 0 || octet == 0)
			json_put(json, "\xef\xbf\xbd", 3);
		else if (octet == '"' || octet == '\\')
			json_put(json, octet == '"' ? "\\\"" : "\\\\", 2);
		else if (octet < 0x20 || octet == 0x7f)
			put_escaped(json, octet);
		else
			json_put(json, (const char *)text.data + i, octets);
		i += octets ? octets : 1;
	}
	json_put(json, "\"", 1);
}

static void put_number(struct json *json, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	json_put(json, digits + at, sizeof(digits) - at);
}

/* A comma, unless this is the first of its object or array. */
static void separate(struct json *json)
{
	char last = json->used > 0 ? json->to[json->used - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		json_put(json, ",", 1);
}

void json_open(struct json *json, char bracket)
{
	if (json->used > 0)
		separate(json);
	json_put(json, &bracket, 1);
}

void json_close(struct json *json, char bracket)
{
	json_put(json, &bracket, 1);
}

void json_put_key(struct json *json, const char *key)
{
	separate(json);
	json_put(json, "\"", 1);
	put_text(json, key);
	json_put(json, "\":", 2);
}

void json_put_number(struct json *json, const char *key, uint64_t value)
{
	json_put_key(json, key);
	put_number(json, value);
}

void json_put_span(struct json *json, const char *key, struct span text)
{
	if (text.length == 0)
		return;
	json_put_key(json, key);
	json_put_string(json, text);
}

void json_put_word(struct json *json, const char *key, const char *word)
{
	json_put_key(json, key);
	json_put(json, "\"", 1);
	put_text(json, word);
	json_put(json, "\"", 1);
}

void json_put_words(struct json *json, const char *key, struct span text)
{
	size_t start = 0, end;
	bool first = true;

	for (; start < text.length; start = end + 1) {
		for (end = start; end < text.length && text.data[end] != ' '; end++)
			;
		if (end == start)
			continue;
		if (first)
			json_put_key(json, key);
		json_put(json, first ? "[" : ",", 1);
		json_put_string(json, (struct span){ text.data + start, end - start });
		first = false;
	}
	if (!first)
		json_put(json, "]", 1);
}

void json_put_flag(struct json *json, const char *key, bool value)
{
	json_put_key(json, key);
	put_text(json, value ? "true" : "false");
}

void json_put_boot(struct json *json, uint64_t boot)
{
	const struct frame_number number = { .boot = boot };
	char text[FRAME_NUMBER_TEXT_MAX];

	frame_number_text(&number, text);
	text[BOOT_DIGITS] = '\0';
	json_put_word(json, "boot", text);
}
