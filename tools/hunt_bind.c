/* hunt_bind.c: what was asked for as values of statements. */
#include "tools/hunt.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "policy/address.h"
#include "policy/name.h"
#include "store/name_key.h"

/* What would be looked for as it stands, and found nowhere: nobody must take that for an answer. A name that has such
 * octets is written with \DDD. */
static const char *look(const char *text)
{
	if (strstr(text, "://") != NULL)
		return "it is a URL; name its host alone";
	for (const char *at = text; (at = strchr(at, '*')) != NULL; at++)
		if (at == text || at[-1] != '\\')
			return "a '*' stands for whole names in front, as in *.example.com; the octet itself is \\*";
	return NULL;
}

const char *hunt_read_name(const char *text, struct name *name)
{
	const char *wrong = look(text);
	char *ascii = NULL;

	if (wrong != NULL)
		return wrong;
	for (const char *at = text; *at != '\0'; at++)
		if ((unsigned char)*at >= 0x80) {
			if (strchr(text, '\\') != NULL || idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
				return "it is no internationalized name in UTF-8; other octets are written \\DDD";
			break;
		}
	wrong = name_from_text(name, ascii != NULL ? ascii : text, strlen(ascii != NULL ? ascii : text));
	idn2_free(ascii);
	return wrong;
}

/* '!' comes before all that a key can go on with, '/' behind the dot of a name below. */
const char *hunt_bind_name(struct hunt *hunt, const char *text)
{
	bool below = strncmp(text, "*.", 2) == 0 || strcmp(text, "*") == 0;
	const char *above = !below ? text : text[1] == '\0' || text[2] == '\0' ? "." : text + 2;
	char low[NAME_KEY_MAX + 2], high[NAME_KEY_MAX + 2];
	struct name name;
	const char *wrong = hunt_read_name(above, &name);
	size_t octets;

	if (wrong != NULL)
		return wrong;
	octets = name_key_write(name.octets, name.length, low);
	strcpy(high, low);
	strcpy(low + octets, !below ? "" : octets == 0 ? "!" : ".");
	strcpy(high + octets, !below ? "!" : octets == 0 ? "~" : "/");
	return query_bind_text(hunt->query, ":low", low) && query_bind_text(hunt->query, ":high", high) ? NULL : "no memory";
}

static bool read_length(const char *text, unsigned bits, unsigned *length)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	*length = (unsigned)number;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number <= bits;
}

/* What lies below ::ffff:0:0/96 as well; nothing does that is no IPv4 network. */
static bool bind_mapped(struct hunt *hunt, const struct address *low, const struct address *high)
{
	uint8_t from[16] = { [10] = 0xff, [11] = 0xff }, to[16] = { [10] = 0xff, [11] = 0xff };

	memcpy(from + 12, low->octets, 4);
	memcpy(to + 12, high->octets, 4);
	from[0] = low->family == ADDRESS_INET ? 0 : 0xff;
	return query_bind_octets(hunt->query, ":mapped_low", from, sizeof(from)) &&
		query_bind_octets(hunt->query, ":mapped_high", to, sizeof(to));
}

/* What the data of a record have in hexadecimal digits that brings one of them. */
static bool bind_digits(struct hunt *hunt, const struct address *low, unsigned bits)
{
	char digits[2 * sizeof(low->octets) + 1] = "";

	for (unsigned i = 0; i < bits / 8; i++)
		snprintf(digits + 2 * i, 3, "%02x", low->octets[i]);
	return query_bind_text(hunt->query, ":digits", digits);
}

const char *hunt_bind_network(struct hunt *hunt, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t octets = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct address low = { .family = ADDRESS_INET }, high;
	char address[INET6_ADDRSTRLEN];
	unsigned bits, length;
	uint8_t prefix;

	if (octets >= sizeof(address))
		return "it is no address";
	memcpy(address, text, octets);
	address[octets] = '\0';
	if (inet_pton(AF_INET, address, low.octets) != 1) {
		low.family = ADDRESS_INET6;
		if (inet_pton(AF_INET6, address, low.octets) != 1)
			return "it is no address";
	}
	length = bits = address_bits(low.family);
	if (slash != NULL && !read_length(slash + 1, bits, &length))
		return bits == 32 ? "the length of its prefix is 0 to 32" : "the length of its prefix is 0 to 128";
	prefix = (uint8_t)length;
	address_mask(&low, length);
	prefix_unmap(&low, &prefix);
	bits = address_bits(low.family);
	high = low;
	for (unsigned i = prefix; i < bits; i++)
		high.octets[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return query_bind_octets(hunt->query, ":low", low.octets, bits / 8) &&
		query_bind_octets(hunt->query, ":high", high.octets, bits / 8) &&
		query_bind_number(hunt->query, ":octets", bits / 8) &&
		query_bind_number(hunt->query, ":type", bits == 32 ? 1 : 28) && bind_mapped(hunt, &low, &high) &&
		bind_digits(hunt, &low, prefix) ? NULL : "no memory";
}
