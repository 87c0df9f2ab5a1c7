/* address.c: masks, embedded addresses, and the order of addresses. */
#include "policy/address.h"

#include <string.h>

#include "policy/hot.h"

#define INET_OCTETS 4
#define INET6_OCTETS 16
#define PREFIX_OCTETS 12
#define UNUSED_OCTET 8         /* of NAT64 addresses with prefixes up to /64 */

static const uint8_t mapped[PREFIX_OCTETS] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t nat64[PREFIX_OCTETS] = { 0, 0x64, 0xff, 0x9b };

unsigned address_bits(enum address_family family)
{
	return family == ADDRESS_INET ? 32 : family == ADDRESS_INET6 ? 128 : 0;
}

void address_mask(struct address *address, unsigned length)
{
	unsigned octet = length / 8;

	if (octet >= INET6_OCTETS)
		return;
	address->octets[octet] &= (uint8_t)(0xff00 >> length % 8);
	memset(address->octets + octet + 1, 0, INET6_OCTETS - 1 - octet);
}

static struct address inner_of(const struct address *address)
{
	struct address inner = { .family = ADDRESS_INET, .port = address->port };

	memcpy(inner.octets, address->octets + PREFIX_OCTETS, INET_OCTETS);
	return inner;
}

static bool has_prefix(const struct address *address, const uint8_t *prefix)
{
	return address->family == ADDRESS_INET6 && memcmp(address->octets, prefix, PREFIX_OCTETS) == 0;
}

bool address_embedded(const struct address *address, struct address *inner)
{
	if (!has_prefix(address, mapped) && !has_prefix(address, nat64))
		return false;
	*inner = inner_of(address);
	return true;
}

bool address_nat64_length(unsigned length)
{
	return length >= 32 && (length <= 64 || length == 96) && length % 8 == 0;
}

bool address_nat64(const struct address *address, const struct address *prefix, unsigned length,
	struct address *inner)
{
	const unsigned octets = length / 8;
	unsigned i;

	if (address->family != ADDRESS_INET6 || !address_nat64_length(length) ||
	    memcmp(address->octets, prefix->octets, octets) != 0)
		return false;
	*inner = (struct address){ .family = ADDRESS_INET, .port = address->port };
	for (i = 0; i < INET_OCTETS; i++) {
		unsigned from = octets + i;

		/* Bits 64 to 71 are left out of the address. */
		inner->octets[i] = address->octets[octets < UNUSED_OCTET + 1 && from >= UNUSED_OCTET ? from + 1 : from];
	}
	return true;
}

void prefix_unmap(struct address *address, uint8_t *length)
{
	if (*length < 96 || !has_prefix(address, mapped))
		return;
	*address = inner_of(address);
	*length = (uint8_t)(*length - 96);
}

static bool is_of_shared_64(const struct address *address)
{
	static const uint8_t pseudonym[INET6_OCTETS / 2] = { 0x01 };

	return (address->octets[0] == 0xfe && (address->octets[1] & 0xc0) == 0x80) ||
		memcmp(address->octets, pseudonym, sizeof(pseudonym)) == 0;
}

HOT unsigned address_client(struct address *address)
{
	uint8_t length = 128;

	if (address->family != ADDRESS_INET6)
		return address_bits(address->family);
	prefix_unmap(address, &length);
	if (address->family == ADDRESS_INET6 && !is_of_shared_64(address)) {
		length = 64;
		address_mask(address, length);
	}
	return length;
}

static void map_octets(const struct address *address, uint8_t *to)
{
	if (address->family == ADDRESS_INET6) {
		memcpy(to, address->octets, INET6_OCTETS);
		return;
	}
	memcpy(to, mapped, PREFIX_OCTETS);
	memcpy(to + PREFIX_OCTETS, address->octets, INET_OCTETS);
}

int address_compare(const struct address *a, const struct address *b)
{
	uint8_t octets[2][INET6_OCTETS];

	map_octets(a, octets[0]);
	map_octets(b, octets[1]);
	return memcmp(octets[0], octets[1], INET6_OCTETS);
}

struct name prefix_name(const struct address *address, unsigned length)
{
	const unsigned octets = address_bits(address->family) / 8;
	struct name name = { .length = (uint8_t)(octets + 4), .labels = 1 };

	name.octets[0] = (uint8_t)(octets + 2);
	name.octets[1] = (uint8_t)address->family;
	name.octets[2] = (uint8_t)length;
	memcpy(name.octets + 3, address->octets, octets);
	return name;
}
