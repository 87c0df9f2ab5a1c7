/* behind.c: name servers in few octets. */
#include "policy/behind.h"

#include <string.h>

const char *const security_names[SECURITY_COUNT] = {
	[SECURITY_UNKNOWN] = "unknown", [SECURITY_BOGUS] = "bogus", [SECURITY_INSECURE] = "insecure",
	[SECURITY_SECURE] = "secure",
};

void behind_init(struct behind *behind)
{
	behind->security = SECURITY_UNKNOWN;
	behind->has_servers = false;
	behind->count = 0;
	behind->used = 0;
	behind->last_known = false;
}

static size_t address_octets(enum address_family family)
{
	return family == ADDRESS_INET ? 4 : family == ADDRESS_INET6 ? 16 : 0;
}

bool behind_add(struct behind *behind, const struct name *name, const struct address *address)
{
	const bool known = address->family != ADDRESS_NONE;
	const bool same = known && behind->last_known && name_equal(name, &behind->last);
	const uint8_t length = same ? 0 : name->length;
	const size_t octets = address_octets(address->family);
	uint8_t *to = behind->octets + behind->used;

	if (behind->count == BEHIND_SERVERS_MAX || 2 + length + octets > sizeof(behind->octets) - behind->used)
		return false;
	*to++ = length;
	memcpy(to, name->octets, length);
	to += length;
	*to++ = (uint8_t)address->family;
	memcpy(to, address->octets, octets);
	behind->used = (uint16_t)(behind->used + 2 + length + octets);
	behind->count++;
	behind->last_known = known;
	if (!same)
		name_copy(&behind->last, name);
	return true;
}

bool behind_next(const uint8_t *octets, size_t count, size_t *at, struct behind_server *server)
{
	const uint8_t *from = octets + *at;
	const size_t left = count - *at, length = left > 0 ? *from : 0;
	size_t address;

	if (left < 2 + length || (length == 0 && *at == 0))
		return false;
	if (length > 0 && (!name_from_wire(&server->name, from + 1, length) || server->name.length != length))
		return false;
	from += 1 + length;
	address = address_octets(*from);
	if ((address == 0 && *from != ADDRESS_NONE) || left - 2 - length < address)
		return false;
	server->address = (struct address){ .family = *from };
	memcpy(server->address.octets, from + 1, address);
	*at += 2 + length + address;
	return true;
}

size_t behind_visit(const void *source, server_visit visit, void *arg)
{
	const struct behind_zone *zone = source;
	struct behind_server found;
	struct server server = { .zone_labels = zone->labels };
	size_t at = 0;
	bool going = true;

	while (going && behind_next(zone->behind->octets, zone->behind->used, &at, &found)) {
		server.name = found.name.octets;
		server.name_length = found.name.length;
		server.address = found.address;
		going = visit(arg, &server);
	}
	return 0;
}
