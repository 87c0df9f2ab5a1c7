/* rdata.c: reads names and addresses out of wire-form data. */
#include "policy/rdata.h"

#include <string.h>

#include "policy/rrtype.h"

#define CLASS_IN 1
#define KEY_IPV4HINT 4
#define KEY_IPV6HINT 6
#define INET_OCTETS 4
#define INET6_OCTETS 16
#define PRIORITY_OCTETS 2

static unsigned read_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void visit_address(const uint8_t *octets, enum address_family family, address_visit visit, void *arg)
{
	struct address address = { .family = family };

	memcpy(address.octets, octets, family == ADDRESS_INET ? INET_OCTETS : INET6_OCTETS);
	visit(arg, &address);
}

/* The addresses of one hint stand behind each other; a rest that is too short for one is none. */
static void visit_hint(const uint8_t *at, size_t octets, enum address_family family, address_visit visit, void *arg)
{
	const size_t each = family == ADDRESS_INET ? INET_OCTETS : INET6_OCTETS;

	for (; octets >= each; at += each, octets -= each)
		visit_address(at, family, visit, arg);
}

/* Keys should come in rising order; a client that does not mind would use them in any, so they are read in any. */
static void visit_hints(const uint8_t *at, size_t left, address_visit visit, void *arg)
{
	while (left >= 4) {
		unsigned key = read_u16(at);
		size_t octets = read_u16(at + 2);

		at += 4;
		left -= 4;
		if (octets > left)
			return;
		if (key == KEY_IPV4HINT)
			visit_hint(at, octets, ADDRESS_INET, visit, arg);
		else if (key == KEY_IPV6HINT)
			visit_hint(at, octets, ADDRESS_INET6, visit, arg);
		at += octets;
		left -= octets;
	}
}

static void visit_service(const struct record *record, address_visit visit, void *arg)
{
	struct name target;
	size_t used;

	if (record->rdata_length < PRIORITY_OCTETS ||
	    !name_from_wire(&target, record->rdata + PRIORITY_OCTETS, (size_t)record->rdata_length - PRIORITY_OCTETS))
		return;
	used = PRIORITY_OCTETS + (size_t)target.length;
	visit_hints(record->rdata + used, record->rdata_length - used, visit, arg);
}

void rdata_addresses(const struct record *record, address_visit visit, void *arg)
{
	if (record->class != CLASS_IN)
		return;
	if (record->type == RRTYPE_A && record->rdata_length == INET_OCTETS)
		visit_address(record->rdata, ADDRESS_INET, visit, arg);
	else if (record->type == RRTYPE_AAAA && record->rdata_length == INET6_OCTETS)
		visit_address(record->rdata, ADDRESS_INET6, visit, arg);
	else if (record->type == RRTYPE_SVCB || record->type == RRTYPE_HTTPS)
		visit_service(record, visit, arg);
}

bool rdata_alias(const struct record *record, struct name *target)
{
	struct name name;

	if (!name_from_wire(&name, record->rdata, record->rdata_length) || name.length != record->rdata_length)
		return false;
	*target = name;
	return true;
}

/* Octets before the name in the data of that type; SIZE_MAX: it has none. */
static size_t target_offset(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_PTR:
		return 0;
	case RRTYPE_MX:
	case RRTYPE_SVCB:
	case RRTYPE_HTTPS:
		return 2;
	case RRTYPE_SRV:
		return 6;
	}
	return SIZE_MAX;
}

bool rdata_has_target(uint16_t type)
{
	return target_offset(type) != SIZE_MAX;
}

bool rdata_target(const struct record *record, struct name *target)
{
	size_t offset = target_offset(record->type);

	/* The root stands for "none" (RFC 7505, RFC 2782) or for the owner (RFC 9460). */
	if (offset >= record->rdata_length || record->rdata[offset] == 0)
		return false;
	return name_from_wire(target, record->rdata + offset, record->rdata_length - offset);
}
