/* rrtype.c: the record types that people name, and TYPEnnn for all others. */
#include "policy/rrtype.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct { const char *name; uint16_t type; } known[] = {
	{ "A", 1 }, { "NS", 2 }, { "CNAME", 5 }, { "SOA", 6 }, { "NULL", 10 }, { "PTR", 12 }, { "HINFO", 13 },
	{ "MX", 15 }, { "TXT", 16 }, { "RP", 17 }, { "AFSDB", 18 }, { "SIG", 24 }, { "KEY", 25 }, { "AAAA", 28 },
	{ "LOC", 29 }, { "SRV", 33 }, { "NAPTR", 35 }, { "KX", 36 }, { "CERT", 37 }, { "DNAME", 39 }, { "APL", 42 },
	{ "DS", 43 }, { "SSHFP", 44 }, { "IPSECKEY", 45 }, { "RRSIG", 46 }, { "NSEC", 47 }, { "DNSKEY", 48 },
	{ "DHCID", 49 }, { "NSEC3", 50 }, { "NSEC3PARAM", 51 }, { "TLSA", 52 }, { "SMIMEA", 53 }, { "HIP", 55 },
	{ "CDS", 59 }, { "CDNSKEY", 60 }, { "OPENPGPKEY", 61 }, { "CSYNC", 62 }, { "ZONEMD", 63 }, { "SVCB", 64 },
	{ "HTTPS", 65 }, { "SPF", 99 }, { "ANY", 255 }, { "URI", 256 }, { "CAA", 257 },
};

/* The number behind TYPE. */
static bool read_number(uint16_t *type, const char *text, size_t octets)
{
	uint32_t number = 0;
	size_t i;

	if (octets == 0 || octets > 5)
		return false;
	for (i = 0; i < octets; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(text[i] - '0');
	}
	if (number == 0 || number > UINT16_MAX)
		return false;
	*type = (uint16_t)number;
	return true;
}

bool rrtype_from_text(uint16_t *type, const char *text, size_t octets)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) == octets && strncasecmp(known[i].name, text, octets) == 0) {
			*type = known[i].type;
			return true;
		}
	}
	return octets > 4 && strncasecmp(text, "TYPE", 4) == 0 && read_number(type, text + 4, octets - 4);
}

char *rrtype_to_text(uint16_t type, char *to)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]) && known[i].type != type; i++)
		;
	if (i < sizeof(known) / sizeof(known[0]))
		snprintf(to, RRTYPE_TEXT_MAX, "%s", known[i].name);
	else
		snprintf(to, RRTYPE_TEXT_MAX, "TYPE%u", type);
	return to;
}

bool rrtypes_have(const struct rrtypes *types, uint16_t type)
{
	size_t i;

	for (i = 0; i < types->count; i++)
		if (types->types[i] == type)
			return true;
	return false;
}

bool rrtypes_add(struct rrtypes *types, uint16_t type)
{
	if (rrtypes_have(types, type))
		return true;
	if (types->count == RRTYPES_MAX)
		return false;
	types->types[types->count++] = type;
	return true;
}

const char *rrtypes_from_text(struct rrtypes *types, const char *text)
{
	static const char blanks[] = " \t";
	struct rrtypes all = *types;
	const char *at = text + strspn(text, blanks);
	uint16_t type;

	do {
		size_t octets = strcspn(at, blanks);

		if (!rrtype_from_text(&type, at, octets))
			return "should be record types with blanks between them, as \"A AAAA TYPE65\"";
		if (!rrtypes_add(&all, type))
			return "makes them more than 32 types: leave some out";
		at += octets;
		at += strspn(at, blanks);
	} while (*at != '\0');
	*types = all;
	return NULL;
}
