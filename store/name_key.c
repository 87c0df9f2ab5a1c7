/* name_key.c: from the last label to the first. */
#include "store/name_key.h"

#include <stdbool.h>
#include <string.h>

#include "policy/name.h"

static bool is_plain(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' || octet == '_' ||
		octet == '*';
}

static char *put_label(char *to, const uint8_t *label)
{
	for (unsigned i = 1; i <= label[0]; i++) {
		uint8_t octet = label[i];

		if (is_plain(octet)) {
			*to++ = (char)octet;
			continue;
		}
		*to++ = '\\';
		*to++ = (char)('0' + octet / 100);
		*to++ = (char)('0' + octet / 10 % 10);
		*to++ = (char)('0' + octet % 10);
	}
	return to;
}

size_t name_key_write(const uint8_t *name, size_t octets, char *to)
{
	uint8_t starts[NAME_LABELS_MAX];
	unsigned labels = 0;
	char *end = to;

	for (size_t at = 0; at < octets && name[at] != 0 && labels < NAME_LABELS_MAX; at += name[at] + 1u)
		starts[labels++] = (uint8_t)at;
	while (labels > 0) {
		end = put_label(end, name + starts[--labels]);
		if (labels > 0)
			*end++ = '.';
	}
	*end = '\0';
	return (size_t)(end - to);
}

/* A dot in a key is always between labels: one inside a label is \046. */
size_t name_key_to_text(const char *key, char *to)
{
	size_t left = strlen(key), used = 0;

	if (left == 0 || left >= NAME_KEY_MAX) {
		strcpy(to, ".");
		return 1;
	}
	while (left > 0) {
		size_t start = left;

		while (start > 0 && key[start - 1] != '.')
			start--;
		memcpy(to + used, key + start, left - start);
		used += left - start;
		if (start > 0)
			to[used++] = '.';
		left = start > 0 ? start - 1 : 0;
	}
	to[used] = '\0';
	return used;
}
