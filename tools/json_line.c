/* json_line.c: JSON as octets. */
#include "tools/json_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_OCTETS 4096
#define KEEP_OCTETS ((size_t)1024 * 1024)
#define ESCAPE_OCTETS 12   /* of one octet or sequence: a pair of \uXXXX */

void json_line_fini(struct json_line *line)
{
	free(line->octets);
	memset(line, 0, sizeof(*line));
}

void json_line_reset(struct json_line *line)
{
	if (line->cap > KEEP_OCTETS)
		json_line_fini(line);
	line->used = 0;
	line->failed = false;
}

static bool grow(struct json_line *line, size_t octets)
{
	size_t cap = line->cap == 0 ? FIRST_OCTETS : line->cap;
	char *larger;

	if (line->failed || octets > JSON_LINE_MAX - line->used) {
		line->failed = true;
		return false;
	}
	while (octets > cap - line->used)
		cap *= 2;
	larger = realloc(line->octets, cap);
	if (larger == NULL) {
		line->failed = true;
		return false;
	}
	line->octets = larger;
	line->cap = cap;
	return true;
}

static inline bool has_room(struct json_line *line, size_t octets)
{
	return octets <= line->cap - line->used || grow(line, octets);
}

void json_line_put(struct json_line *line, const char *octets, size_t count)
{
	if (count == 0 || !has_room(line, count))
		return;
	memcpy(line->octets + line->used, octets, count);
	line->used += count;
}

static void put_char(struct json_line *line, char octet)
{
	if (has_room(line, 1))
		line->octets[line->used++] = octet;
}

/* A comma, unless this is the first of its object or array, or stands behind a key. */
static void separate(struct json_line *line)
{
	char last = line->used > 0 ? line->octets[line->used - 1] : '{';

	if (last != '{' && last != '[' && last != ':')
		put_char(line, ',');
}

void json_line_open(struct json_line *line, char bracket)
{
	separate(line);
	put_char(line, bracket);
}

void json_line_close(struct json_line *line, char bracket)
{
	put_char(line, bracket);
}

void json_line_key(struct json_line *line, const char *key)
{
	size_t octets = strlen(key);
	char *at;

	separate(line);
	if (!has_room(line, octets + 3))
		return;
	at = line->octets + line->used;
	*at++ = '"';
	memcpy(at, key, octets);
	memcpy(at + octets, "\":", 2);
	line->used += octets + 3;
}

/* --- strings ------------------------------------------------------------------------------------------------ */

static bool is_plain(uint8_t octet)
{
	return octet >= 0x20 && octet <= 0x7e && octet != '"' && octet != '\\';
}

/* One code point of the UTF-8 at `at` (RFC 3629 section 4: no overlong form, no surrogate, nothing over U+10FFFF).
 * Returns its octets; 0: there is none. */
static size_t take_code_point(const uint8_t *at, size_t left, uint32_t *code)
{
	size_t octets = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

	if (octets == 0 || octets > left)
		return 0;
	*code = octets == 1 ? at[0] : at[0] & (0x7f >> octets);
	for (size_t i = 1; i < octets; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (at[i] & 0x3f);
	}
	if ((octets == 3 && *code < 0x800) || (octets == 4 && *code < 0x10000) || *code > 0x10ffff ||
			(*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return octets;
}

static bool is_text(const uint8_t *text, size_t octets)
{
	uint32_t code;

	for (size_t i = 0, step; i < octets; i += step) {
		step = take_code_point(text + i, octets - i, &code);
		if (step == 0 || code == 0)
			return false;
	}
	return true;
}

static char *put_hex(char *at, uint32_t unit)
{
	*at++ = '\\';
	*at++ = 'u';
	for (int shift = 12; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[unit >> shift & 15];
	return at;
}

static char *put_code_point(char *at, uint32_t code)
{
	if (code == '"' || code == '\\') {
		*at++ = '\\';
		*at++ = (char)code;
		return at;
	}
	if (code >= 0x20 && code <= 0x7e) {
		*at++ = (char)code;
		return at;
	}
	if (code < 0x10000)
		return put_hex(at, code);
	code -= 0x10000;
	return put_hex(put_hex(at, 0xd800 + (code >> 10)), 0xdc00 + (code & 0x3ff));
}

/* The text \DDD, whose backslash is escaped in its turn. */
static char *put_octet(char *at, uint8_t octet)
{
	if (is_plain(octet) || octet == '"' || octet == '\\')
		return put_code_point(at, octet);
	*at++ = '\\';
	*at++ = '\\';
	*at++ = (char)('0' + octet / 100);
	*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

static void put_escaped(struct json_line *line, const uint8_t *text, size_t octets)
{
	bool decodes = is_text(text, octets);
	uint32_t code = 0;

	for (size_t i = 0, step; i < octets; i += step) {
		char *at;

		if (!has_room(line, ESCAPE_OCTETS))
			return;
		at = line->octets + line->used;
		step = decodes ? take_code_point(text + i, octets - i, &code) : 1;
		line->used += (size_t)((decodes ? put_code_point(at, code) : put_octet(at, text[i])) - at);
	}
}

void json_line_string(struct json_line *line, const void *text, size_t octets)
{
	const uint8_t *from = text;
	size_t plain = 0;

	separate(line);
	put_char(line, '"');
	while (plain < octets && is_plain(from[plain]))
		plain++;
	if (plain == octets)
		json_line_put(line, text, octets);
	else
		put_escaped(line, from, octets);
	put_char(line, '"');
}

/* In JSON, octets above ASCII and DEL stand in strings alone, and control octets between values alone. */
void json_line_raw(struct json_line *line, const char *json, size_t octets)
{
	const uint8_t *from = (const uint8_t *)json;
	uint32_t code = 0;
	size_t plain = 0;

	separate(line);
	while (plain < octets && from[plain] >= 0x20 && from[plain] <= 0x7e)
		plain++;
	json_line_put(line, json, plain);
	for (size_t i = plain, step; i < octets; i += step) {
		char *at;

		step = take_code_point(from + i, octets - i, &code);
		if (step == 0 || !has_room(line, ESCAPE_OCTETS)) {
			line->failed = true;
			return;
		}
		at = line->octets + line->used;
		if (code < 0x7f)
			*at = code < 0x20 ? ' ' : (char)code;
		line->used += code < 0x7f ? 1 : (size_t)(put_code_point(at, code) - at);
	}
}

/* --- numbers and members ------------------------------------------------------------------------------------ */

void json_line_number(struct json_line *line, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	separate(line);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	json_line_put(line, digits + at, sizeof(digits) - at);
}

void json_line_integer(struct json_line *line, int64_t value)
{
	char digits[24];
	int octets = snprintf(digits, sizeof(digits), "%lld", (long long)value);

	separate(line);
	json_line_put(line, digits, (size_t)octets);
}

void json_line_text(struct json_line *line, const char *key, const char *text)
{
	if (text == NULL)
		return;
	json_line_key(line, key);
	json_line_string(line, text, strlen(text));
}

void json_line_count(struct json_line *line, const char *key, uint64_t value)
{
	json_line_key(line, key);
	json_line_number(line, value);
}
