/* html_out.c: escaping for HTML. */
#include "tools/html_out.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Characters without a shape of their own: Unicode 15, categories Cc, Cf, Zl, Zp, Co, and what is like them. */
static const struct { uint32_t first, last; } shapeless[] = {
	{ 0x0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x600, 0x605 }, { 0x61c, 0x61c },
	{ 0x6dd, 0x6dd }, { 0x70f, 0x70f }, { 0x890, 0x891 }, { 0x8e2, 0x8e2 }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 },
	{ 0xd800, 0xf8ff }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb },
	{ 0xfffe, 0xffff }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0x10ffff },
};

static bool has_shape(uint32_t code)
{
	for (size_t i = 0; i < sizeof(shapeless) / sizeof(shapeless[0]); i++)
		if (code >= shapeless[i].first && code <= shapeless[i].last)
			return false;
	return true;
}

/* How many octets the character takes that begins here, and which it is; 0: none does (RFC 3629). */
static size_t character(const uint8_t *at, size_t octets, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;

	if (length == 0 || length > octets)
		return 0;
	*code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (at[i] >> 6 != 2)
			return 0;
		*code = *code << 6 | (at[i] & 0x3f);
	}
	return *code >= least[length] && *code <= 0x10ffff && *code >> 11 != 27 ? length : 0;
}

static const char *reference(uint32_t code)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

void html_text(FILE *to, const void *text, size_t octets)
{
	const uint8_t *at = text;
	size_t length;
	uint32_t code;

	for (; octets > 0; at += length, octets -= length) {
		length = character(at, octets, &code);
		if (length == 0) {
			fprintf(to, "\\x%02x", *at);
			length = 1;
		} else if (reference(code) != NULL) {
			fputs(reference(code), to);
		} else if (!has_shape(code)) {
			fprintf(to, "\\u{%" PRIx32 "}", code);
		} else {
			fwrite(at, 1, length, to);
		}
	}
}

void html_put(FILE *to, const char *text)
{
	if (text != NULL)
		html_text(to, text, strlen(text));
}

void html_count(FILE *to, int64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, count);

	for (int i = 0; i < length; i++) {
		fputc(digits[i], to);
		if (i < length - 1 && digits[i] != '-' && (length - 1 - i) % 3 == 0)
			fputc(',', to);
	}
}

char *html_time_text(int64_t seconds, char *text)
{
	time_t time = (time_t)seconds;
	struct tm parts;

	if (gmtime_r(&time, &parts) == NULL || strftime(text, HTML_TIME_MAX, "%Y-%m-%d %H:%M", &parts) == 0)
		*text = '\0';
	return text;
}

void html_time(FILE *to, int64_t seconds)
{
	char text[HTML_TIME_MAX];

	fputs(html_time_text(seconds, text), to);
}
