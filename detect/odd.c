/* odd.c: questions that are telling by themselves. */
#include "detect/look.h"

#include <string.h>

#include "policy/hot.h"
#include "policy/rrtype.h"

#define CLASS_IN 1u

static const uint8_t trust_anchor[] = "_ta-";   /* RFC 8145 section 5.1 */

static bool is_odd(uint16_t type)
{
	switch (type) {
	case RRTYPE_NULL: case RRTYPE_KEY: case RRTYPE_SIG: case RRTYPE_MD: case RRTYPE_MF: case RRTYPE_MB:
		return true;
	default:
		return type >= RRTYPE_PRIVATE_FIRST && type < UINT16_MAX;
	}
}

void judge_odd_type(struct look *look)
{
	const struct name *name = &look->facts->qname;

	if (look->facts->qclass != CLASS_IN || !is_odd(look->facts->qtype))
		return;
	if (look->facts->qtype == RRTYPE_NULL && name->octets[0] > sizeof(trust_anchor) - 1 &&
	    memcmp(name->octets + 1, trust_anchor, sizeof(trust_anchor) - 1) == 0)
		return;
	detection_add(look_report(look, DETECTOR_ODD_TYPE, TIER_LOW, look->facts->qtype, 0), FEATURE_QTYPE,
		look->facts->qtype);
}

/* Names by which a client asks whether it may use another resolver, or finds the one that it has encrypted: Firefox's
 * canary, those of Apple's relay, and RFC 9462. */
static const struct { uint8_t octets[32]; uint8_t length; } canaries[] = {
	{ "\23use-application-dns\3net", 25 },
	{ "\4mask\6icloud\3com", 17 },
	{ "\7mask-h2\6icloud\3com", 20 },
	{ "\4_dns\10resolver\4arpa", 20 },
};

HOT void judge_resolver_bypass(struct look *look)
{
	static const uint32_t lengths = 1u << 25 | 1u << 20 | 1u << 17;
	const struct name *name = &look->facts->qname;

	if (name->length > 25 || (lengths >> name->length & 1) == 0)
		return;
	for (unsigned i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++)
		if (name->length == canaries[i].length && memcmp(name->octets, canaries[i].octets, name->length) == 0)
			look_report(look, DETECTOR_RESOLVER_BYPASS, TIER_LOW, 1, 1);
}
