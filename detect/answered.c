/* answered.c: the answer section, read once for all detectors. */
#include "detect/look.h"

#include <string.h>

#include "policy/address.h"
#include "policy/hot.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"

/* Networks that are nobody's on the Internet (RFC 6890 and its registries). Loopback and 0/8 are what parked names and
 * block lists in the DNS answer with: they say little by themselves, but a name that moves there says much. */
static enum side side_of_inet(const uint8_t *octets)
{
	switch (octets[0]) {
	case 0: case 127: return SIDE_LOOPBACK;
	case 10: return SIDE_INSIDE;
	case 100: return (octets[1] & 0xc0) == 64 ? SIDE_INSIDE : SIDE_OUTSIDE;
	case 169: return octets[1] == 254 ? SIDE_INSIDE : SIDE_OUTSIDE;
	case 172: return (octets[1] & 0xf0) == 16 ? SIDE_INSIDE : SIDE_OUTSIDE;
	case 192: return octets[1] == 168 ? SIDE_INSIDE : SIDE_OUTSIDE;
	default: return SIDE_OUTSIDE;
	}
}

/* fc00::/7 (RFC 4193) and fe80::/10; :: and ::1. */
static enum side side_of(const struct address *address)
{
	static const uint8_t zeros[15];
	struct address inner;

	if (address->family == ADDRESS_INET)
		return side_of_inet(address->octets);
	if (address_embedded(address, &inner))
		return side_of_inet(inner.octets);
	if ((address->octets[0] & 0xfe) == 0xfc || (address->octets[0] == 0xfe && (address->octets[1] & 0xc0) == 0x80))
		return SIDE_INSIDE;
	return memcmp(address->octets, zeros, 15) == 0 && address->octets[15] <= 1 ? SIDE_LOOPBACK : SIDE_OUTSIDE;
}

static HOT void note_side(void *arg, const struct address *address)
{
	struct answered *answered = arg;

	answered->sides[side_of(address)]++;
}

static void note_address(struct answered *answered, const struct record *record)
{
	struct answered_address *to = &answered->addresses[answered->count];

	if (answered->count == FACTS_RECORDS_MAX)
		return;
	to->ttl = record->ttl;
	to->length = (uint8_t)record->rdata_length;
	memcpy(to->octets, record->rdata, record->rdata_length == 4 ? 4 : 16);
	answered->count++;
	answered->before_alias += !answered->has_alias;
}

static HOT bool note_record(void *arg, const struct record *record)
{
	struct answered *answered = arg;

	/* They come in the order of sections. */
	if (record->section != SECTION_ANSWER)
		return false;
	answered->has_records = true;
	answered->ttl = record->ttl < answered->ttl ? record->ttl : answered->ttl;
	answered->has_alias |= record->type == RRTYPE_CNAME || record->type == RRTYPE_DNAME;
	answered->has_data |= record->type != RRTYPE_A && record->type != RRTYPE_AAAA;
	if ((record->type == RRTYPE_A && record->rdata_length == 4) ||
	    (record->type == RRTYPE_AAAA && record->rdata_length == 16))
		note_address(answered, record);
	rdata_addresses(record, note_side, answered);
	return true;
}

HOT void answered_read(struct answered *answered, const struct facts *facts)
{
	answered->count = answered->before_alias = 0;
	answered->ttl = UINT32_MAX;
	answered->has_records = answered->has_alias = answered->has_data = false;
	memset(answered->sides, 0, sizeof(answered->sides));
	if (facts->records != NULL)
		facts->records(facts->source, note_record, answered);
}
