/*
 * fuzz_html.c: any text into the page of a report: as a name, a rule or a client's label would be.
 *
 * Laws: what comes out is UTF-8 without any control character and without < > " '; an & begins one of five references;
 * references taken back, what is left of plain ASCII is the text; two texts behind each other are as each alone, where
 * the first ends with a whole character.
 */
#include "tools/html_out.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Caller owns it. */
static char *write_out(const uint8_t *data, size_t size, size_t *octets)
{
	char *text = NULL;
	FILE *to = open_memstream(&text, octets);

	check(to != NULL);
	html_text(to, data, size);
	check(fclose(to) == 0);
	return text;
}

/* How many octets the reference at `at` takes, and what it stands for; 0: it is none. */
static size_t reference_at(const char *at, char *means)
{
	static const struct { const char *text; char means; } references[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&#39;", '\'' },
	};

	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
		if (strncmp(at, references[i].text, strlen(references[i].text)) == 0) {
			*means = references[i].means;
			return strlen(references[i].text);
		}
	return 0;
}

/* Written anew and in another way than html_out.c does: by ranges of the first octet (RFC 3629, 4). */
static size_t character_at(const uint8_t *at, size_t left)
{
	static const struct { uint8_t first, last, low, high, length; } forms[] = {
		{ 0x20, 0x7e, 0, 0, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (at[0] < forms[i].first || at[0] > forms[i].last)
			continue;
		if (forms[i].length > left || (forms[i].length > 1 && (at[1] < forms[i].low || at[1] > forms[i].high)))
			return 0;
		for (size_t n = 2; n < forms[i].length; n++)
			if (at[n] < 0x80 || at[n] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* Marks of direction and characters without width, which could show another name. */
static bool misleads(const uint8_t *at, size_t length)
{
	uint32_t code = length == 2 ? (at[0] & 31u) << 6 | (at[1] & 63u) :
		length == 3 ? (at[0] & 15u) << 12 | (at[1] & 63u) << 6 | (at[2] & 63u) :
		length == 4 ? (at[0] & 7u) << 18 | (at[1] & 63u) << 12 | (at[2] & 63u) << 6 | (at[3] & 63u) : at[0];

	return (code >= 0x7f && code <= 0x9f) || code == 0xad || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
		(code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || code >= 0xe0000;
}

static void check_safe(const char *text, size_t octets)
{
	size_t length;
	char means;

	for (size_t at = 0; at < octets; at += length) {
		check(strchr("<>\"'", text[at]) == NULL);
		length = text[at] == '&' ? reference_at(text + at, &means) :
			character_at((const uint8_t *)text + at, octets - at);
		check(length > 0 && !misleads((const uint8_t *)text + at, text[at] == '&' ? 1 : length));
	}
}

static void check_plain(const uint8_t *data, size_t size, const char *text, size_t octets)
{
	size_t from = 0, length;
	char means;

	for (size_t at = 0; at < size; at++)
		if (data[at] < 0x20 || data[at] > 0x7e)
			return;
	for (size_t at = 0; at < octets; at += length, from++) {
		length = reference_at(text + at, &means);
		if (length == 0) {
			means = text[at];
			length = 1;
		}
		check(from < size && (char)data[from] == means);
	}
	check(from == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t whole_octets, first_octets, rest_octets, cut = size > 0 ? data[0] % size : 0;
	char *whole = write_out(data, size, &whole_octets), *first, *rest;

	check_safe(whole, whole_octets);
	check_plain(data, size, whole, whole_octets);
	while (cut < size && (data[cut] & 0xc0) == 0x80)
		cut++;
	first = write_out(data, cut, &first_octets);
	rest = write_out(data + cut, size - cut, &rest_octets);
	check(first_octets + rest_octets == whole_octets && memcmp(whole, first, first_octets) == 0 &&
		memcmp(whole + first_octets, rest, rest_octets) == 0);
	free(whole);
	free(first);
	free(rest);
	return 0;
}
