/* json_scan.c: JSON, checked and found where it lies. */
#include "tools/json_scan.h"

#include <string.h>

#include <jansson.h>

struct scan {
	const uint8_t *text;
	size_t at;
	size_t end;
	unsigned depth;
	struct json_members *members;   /* of the outermost object */
};

static bool skip_value(struct scan *scan);

static int peek(const struct scan *scan)
{
	return scan->at < scan->end ? scan->text[scan->at] : -1;
}

static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end && (scan->text[scan->at] == ' ' || scan->text[scan->at] == '\t' ||
			scan->text[scan->at] == '\n' || scan->text[scan->at] == '\r'))
		scan->at++;
}

static bool skip_char(struct scan *scan, char wanted)
{
	skip_blanks(scan);
	if (peek(scan) != wanted)
		return false;
	scan->at++;
	return true;
}

/* --- strings ------------------------------------------------------------------------------------------------ */

/* Four hexadecimal digits; -1: they are not. */
static long take_hex(struct scan *scan)
{
	long unit = 0;

	if (scan->end - scan->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int octet = scan->text[scan->at++];
		int digit = octet >= '0' && octet <= '9' ? octet - '0' : octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 :
			octet >= 'A' && octet <= 'F' ? octet - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

static bool skip_escape(struct scan *scan)
{
	int octet = peek(scan);
	long unit;

	scan->at++;
	if (octet > 0 && strchr("\"\\/bfnrt", octet) != NULL)
		return true;
	if (octet != 'u' || (unit = take_hex(scan)) <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	if (unit < 0xd800 || unit > 0xdbff)
		return true;
	if (scan->end - scan->at < 6 || memcmp(scan->text + scan->at, "\\u", 2) != 0)
		return false;
	scan->at += 2;
	unit = take_hex(scan);
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* RFC 3629 section 4. */
static bool skip_sequence(struct scan *scan)
{
	const uint8_t *at = scan->text + scan->at;
	size_t octets = at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;

	if (octets == 0 || octets > scan->end - scan->at)
		return false;
	for (size_t i = 1; i < octets; i++)
		if ((at[i] & 0xc0) != 0x80)
			return false;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) ||
			(at[0] == 0xf4 && at[1] > 0x8f))
		return false;
	scan->at += octets;
	return true;
}

static bool skip_string(struct scan *scan)
{
	if (peek(scan) != '"')
		return false;
	scan->at++;
	while (scan->at < scan->end) {
		uint8_t octet = scan->text[scan->at];

		if (octet >= 0x80) {
			if (!skip_sequence(scan))
				return false;
			continue;
		}
		if (octet < 0x20)
			return false;
		scan->at++;
		if (octet == '"')
			return true;
		if (octet == '\\' && (scan->at == scan->end || !skip_escape(scan)))
			return false;
	}
	return false;
}

/* --- the other values --------------------------------------------------------------------------------------- */

static bool skip_digits(struct scan *scan)
{
	size_t begin = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at > begin;
}

static bool skip_number(struct scan *scan)
{
	if (peek(scan) == '-')
		scan->at++;
	if (peek(scan) == '0')
		scan->at++;
	else if (!skip_digits(scan))
		return false;
	if (peek(scan) == '.') {
		scan->at++;
		if (!skip_digits(scan))
			return false;
	}
	if (peek(scan) != 'e' && peek(scan) != 'E')
		return true;
	scan->at++;
	if (peek(scan) == '+' || peek(scan) == '-')
		scan->at++;
	return skip_digits(scan);
}

static bool skip_word(struct scan *scan, const char *word)
{
	size_t octets = strlen(word);

	if (octets > scan->end - scan->at || memcmp(scan->text + scan->at, word, octets) != 0)
		return false;
	scan->at += octets;
	return true;
}

static void note(struct scan *scan, size_t key, size_t key_end, size_t value)
{
	struct json_members *members = scan->members;

	if (scan->depth != 1 || members == NULL || members->count == JSON_MEMBERS_MAX)
		return;
	members->rows[members->count].key = (const char *)scan->text + key;
	members->rows[members->count].key_octets = key_end - key;
	members->rows[members->count].value = (struct json_value){ (const char *)scan->text + value, scan->at - value };
	members->count++;
}

static bool skip_member(struct scan *scan)
{
	size_t key, key_end, value;

	skip_blanks(scan);
	key = scan->at + 1;
	if (!skip_string(scan))
		return false;
	key_end = scan->at - 1;
	if (!skip_char(scan, ':'))
		return false;
	skip_blanks(scan);
	value = scan->at;
	if (!skip_value(scan))
		return false;
	note(scan, key, key_end, value);
	return true;
}

static bool skip_element(struct scan *scan)
{
	skip_blanks(scan);
	return skip_value(scan);
}

static bool skip_group(struct scan *scan, char close, bool (*skip)(struct scan *))
{
	bool more;

	scan->at++;
	if (++scan->depth > JSON_DEPTH_MAX)
		return false;
	more = !skip_char(scan, close);
	while (more) {
		if (!skip(scan))
			return false;
		more = skip_char(scan, ',');
		if (!more && !skip_char(scan, close))
			return false;
	}
	scan->depth--;
	return true;
}

static bool skip_value(struct scan *scan)
{
	switch (peek(scan)) {
	case '{':
		return skip_group(scan, '}', skip_member);
	case '[':
		return skip_group(scan, ']', skip_element);
	case '"':
		return skip_string(scan);
	case 't':
		return skip_word(scan, "true");
	case 'f':
		return skip_word(scan, "false");
	case 'n':
		return skip_word(scan, "null");
	default:
		return skip_number(scan);
	}
}

bool json_scan(const void *text, size_t octets, struct json_members *members)
{
	struct scan scan = { .text = text, .end = octets, .members = members };

	members->count = 0;
	skip_blanks(&scan);
	if (peek(&scan) != '{' || !skip_value(&scan))
		return false;
	skip_blanks(&scan);
	return scan.at == scan.end;
}

/* --- looking ------------------------------------------------------------------------------------------------ */

struct json_value json_find(const struct json_members *members, const char *key)
{
	size_t octets = strlen(key);

	for (unsigned i = members->count; i > 0; i--)
		if (members->rows[i - 1].key_octets == octets && memcmp(members->rows[i - 1].key, key, octets) == 0)
			return members->rows[i - 1].value;
	return (struct json_value){ NULL, 0 };
}

bool json_next(const struct json_value *array, size_t *at, struct json_value *element)
{
	struct scan scan = { .text = (const uint8_t *)array->at, .at = *at, .end = array->octets };

	if (array->at == NULL || array->octets < 2 || array->at[0] != '[')
		return false;
	if (*at == 0)
		scan.at = 1;
	else
		skip_char(&scan, ',');
	skip_blanks(&scan);
	element->at = array->at + scan.at;
	if (peek(&scan) == ']' || !skip_value(&scan))
		return false;
	element->octets = (size_t)(array->at + scan.at - element->at);
	*at = scan.at;
	return true;
}

/* Escapes are rare in what is compared or shown to people. */
static size_t decode(const struct json_value *value, char *to, size_t cap)
{
	json_t *text = json_loadb(value->at, value->octets, JSON_DECODE_ANY, NULL);
	size_t octets = text == NULL ? 0 : json_string_length(text);

	octets = octets < cap ? octets : cap - 1;
	if (octets > 0)
		memcpy(to, json_string_value(text), octets);
	to[octets] = '\0';
	json_decref(text);
	return octets;
}

static bool is_string(const struct json_value *value)
{
	return value->at != NULL && value->octets >= 2 && value->at[0] == '"';
}

size_t json_text_of(const struct json_value *value, char *to, size_t cap)
{
	size_t octets;

	to[0] = '\0';
	if (!is_string(value))
		return 0;
	if (memchr(value->at, '\\', value->octets) != NULL)
		return decode(value, to, cap);
	octets = value->octets - 2 < cap ? value->octets - 2 : cap - 1;
	memcpy(to, value->at + 1, octets);
	to[octets] = '\0';
	return octets;
}

bool json_is_text(const struct json_value *value, const char *text)
{
	size_t octets = strlen(text);

	return is_string(value) && value->octets == octets + 2 && memcmp(value->at + 1, text, octets) == 0;
}

bool json_number_of(const struct json_value *value, uint64_t *number)
{
	uint64_t total = 0;

	if (value->at == NULL)
		return false;
	for (size_t i = 0; i < value->octets; i++) {
		unsigned digit = (unsigned char)value->at[i] - '0';

		if (digit > 9 || total > (UINT64_MAX - digit) / 10)
			return false;
		total = total * 10 + digit;
	}
	*number = total;
	return true;
}
