/* quote.c: escaping the values of log lines. */
#include "control/quote.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static size_t escape_octet(char piece[QUOTE_OCTETS], uint8_t octet)
{
	if (octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\') {
		piece[0] = (char)octet;
		return 1;
	}
	piece[0] = '\\';
	piece[1] = (char)('0' + octet / 100);
	piece[2] = (char)('0' + octet / 10 % 10);
	piece[3] = (char)('0' + octet % 10);
	return QUOTE_OCTETS;
}

size_t quote_escape(char *to, size_t cap, const void *from, size_t octets)
{
	const uint8_t *text = from;
	char piece[QUOTE_OCTETS];
	size_t used = 0;

	for (size_t i = 0; i < octets; i++) {
		size_t length = escape_octet(piece, text[i]);

		if (length >= cap - used)
			break;
		memcpy(to + used, piece, length);
		used += length;
	}
	to[used] = '\0';
	return used;
}

static bool is_plain(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/_*-+@()\\";

	return *text != '\0' && text[strspn(text, plain)] == '\0';
}

size_t quote_value(char *to, size_t cap, const char *text)
{
	size_t length = strlen(text);

	if (is_plain(text) && length < cap) {
		memcpy(to, text, length + 1);
		return length;
	}
	to[0] = '"';
	length = 1 + quote_escape(to + 1, cap - 2, text, length);
	to[length++] = '"';
	to[length] = '\0';
	return length;
}
