/*
 * extra.c: the `extra` field of a frame.
 */
#include "dnstap/extra.h"

#include <string.h>

#define EXTRA_VERSION 1
#define BOOT_DIGITS 12

struct json {
	char *to;
	size_t used;
	size_t cap;
	bool full;
};

static void put(struct json *json, const char *octets, size_t count)
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
	put(json, text, strlen(text));
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

	put(json, escape, sizeof(escape));
}

/* A JSON string; an octet that is part of no valid sequence becomes U+FFFD, and so does NUL, which many readers of JSON
 * refuse even when it is escaped. */
static void put_string(struct json *json, struct span text)
{
	size_t i = 0;

	put(json, "\"", 1);
	while (i < text.length) {
		size_t octets = sequence_octets(text.data + i, text.length - i);
		uint8_t octet = text.data[i];

		if (octets == 0 || octet == 0)
			put(json, "\xef\xbf\xbd", 3);
		else if (octet == '"' || octet == '\\')
			put(json, octet == '"' ? "\\\"" : "\\\\", 2);
		else if (octet < 0x20 || octet == 0x7f)
			put_escaped(json, octet);
		else
			put(json, (const char *)text.data + i, octets);
		i += octets ? octets : 1;
	}
	put(json, "\"", 1);
}

static void put_number(struct json *json, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put(json, digits + at, sizeof(digits) - at);
}

/* `"key":`, with a comma before it unless it is the first of its object. */
static void put_key(struct json *json, const char *key)
{
	if (json->used > 0 && json->to[json->used - 1] != '{')
		put(json, ",", 1);
	put(json, "\"", 1);
	put_text(json, key);
	put(json, "\":", 2);
}

static void put_key_number(struct json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	put_number(json, value);
}

static void put_key_span(struct json *json, const char *key, struct span text)
{
	if (text.length == 0)
		return;
	put_key(json, key);
	put_string(json, text);
}

/* For texts of our own, which need no escape. */
static void put_key_word(struct json *json, const char *key, const char *word)
{
	put_key(json, key);
	put(json, "\"", 1);
	put_text(json, word);
	put(json, "\"", 1);
}

/* The words of a text separated by blanks, as an array. */
static void put_key_words(struct json *json, const char *key, struct span text)
{
	size_t start = 0, end;
	bool first = true;

	for (; start < text.length; start = end + 1) {
		for (end = start; end < text.length && text.data[end] != ' '; end++)
			;
		if (end == start)
			continue;
		if (first)
			put_key(json, key);
		put(json, first ? "[" : ",", 1);
		put_string(json, (struct span){ text.data + start, end - start });
		first = false;
	}
	if (!first)
		put(json, "]", 1);
}

static void put_numbering(struct json *json, const struct frame_number *number)
{
	char text[FRAME_NUMBER_TEXT_MAX];

	frame_number_text(number, text);
	text[BOOT_DIGITS] = '\0';
	put_key_word(json, "boot", text);
	put_key_number(json, "worker", number->worker);
	put_key_number(json, "seq", number->counter);
}

static void put_rule(struct json *json, const struct event_rule *rule)
{
	if (rule->trigger == TRIGGER_NONE)
		return;
	put_key_span(json, "list", rule->list);
	put_key_span(json, "rule", rule->rule);
	put_key_word(json, "trigger", trigger_names[rule->trigger]);
	if (rule->chain)
		put_key_number(json, "chain", rule->chain);
	if (rule->serial)
		put_key_number(json, "serial", rule->serial);
	put_key_span(json, "category", rule->category);
	put_key_words(json, "attack", rule->attack);
}

static void put_shadow(struct json *json, const struct event_rule *shadow)
{
	if (shadow->trigger == TRIGGER_NONE)
		return;
	put_key(json, "shadow");
	put(json, "{", 1);
	put_key_span(json, "list", shadow->list);
	put_key_span(json, "rule", shadow->rule);
	put_key_word(json, "action", action_table[shadow->action].name);
	put_key_span(json, "category", shadow->category);
	put_key_words(json, "attack", shadow->attack);
	put(json, "}", 1);
}

size_t extra_write(const struct event_view *view, char *to, size_t cap)
{
	struct json json = { .to = to, .cap = cap };
	char number[FRAME_NUMBER_TEXT_MAX];

	put(&json, "{", 1);
	put_key_number(&json, "v", EXTRA_VERSION);
	put_numbering(&json, &view->number);
	put_key_word(&json, "path", path_table[view->path].name);
	put_key_word(&json, "verdict", action_table[view->action].name);
	put_key_span(&json, "group", view->group);
	put_rule(&json, &view->rule);
	if (view->ede != EDE_NONE)
		put_key_number(&json, "ede", (uint64_t)view->ede);
	put_shadow(&json, &view->shadow);
	if (action_table[view->action].denies)
		put_key_word(&json, "incident", frame_number_text(&view->number, number));
	if (view->dropped)
		put_key_number(&json, "dropped", view->dropped);
	put(&json, "}", 1);
	return json.full ? 0 : json.used;
}
