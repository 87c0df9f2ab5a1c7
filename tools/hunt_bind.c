/* hunt_bind.c: what was asked for as values of statements. */
#include "tools/hunt.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/name.h"
#include "store/name_key.h"

/* '!' comes before all that a key can go on with, '/' behind the dot of a name below. */
const char *hunt_bind_name(struct hunt *hunt, const char *text)
{
	bool below = strncmp(text, "*.", 2) == 0 || strcmp(text, "*") == 0;
	const char *above = !below ? text : text[1] == '\0' || text[2] == '\0' ? "." : text + 2;
	char low[NAME_KEY_MAX + 2], high[NAME_KEY_MAX + 2];
	struct name name;
	const char *wrong = name_from_text(&name, above, strlen(above));
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

const char *hunt_bind_network(struct hunt *hunt, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t octets = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct address low = { .family = ADDRESS_INET }, high;
	char address[INET6_ADDRSTRLEN];
	unsigned bits, length;

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
	address_mask(&low, length);
	high = low;
	for (unsigned i = length; i < bits; i++)
		high.octets[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return query_bind_octets(hunt->query, ":low", low.octets, bits / 8) &&
		query_bind_octets(hunt->query, ":high", high.octets, bits / 8) &&
		query_bind_number(hunt->query, ":octets", bits / 8) &&
		query_bind_number(hunt->query, ":type", bits == 32 ? 1 : 28) ? NULL : "no memory";
}
