/* rebinding.c: public names that lead inside, always or now and then. */
#include "detect/look.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"

enum { WINDOW };

/* Networks that are nobody's on the Internet (RFC 6890 and its registries). Loopback and 0/8 are what parked names and
 * block lists in the DNS answer with: they say little by themselves, but a name that moves there says much. */
static const struct { uint8_t octets[4]; uint8_t prefix_length; bool loopback; } inside[] = {
	{ { 10, 0, 0, 0 }, 8, false }, { { 172, 16, 0, 0 }, 12, false }, { { 192, 168, 0, 0 }, 16, false },
	{ { 169, 254, 0, 0 }, 16, false }, { { 100, 64, 0, 0 }, 10, false }, { { 127, 0, 0, 0 }, 8, true },
	{ { 0, 0, 0, 0 }, 8, true },
};

enum side { SIDE_OUTSIDE, SIDE_LOOPBACK, SIDE_INSIDE };

static uint32_t number_of(const uint8_t *octets)
{
	return (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 | (uint32_t)octets[2] << 8 | octets[3];
}

static enum side side_of_inet(const uint8_t *octets)
{
	for (unsigned i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if ((number_of(octets) ^ number_of(inside[i].octets)) >> (32 - inside[i].prefix_length) == 0)
			return inside[i].loopback ? SIDE_LOOPBACK : SIDE_INSIDE;
	return SIDE_OUTSIDE;
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

struct sides {
	unsigned count[SIDE_INSIDE + 1];
};

static void note_side(void *arg, const struct address *address)
{
	struct sides *sides = arg;

	sides->count[side_of(address)]++;
}

static bool note_record(void *arg, const struct record *record)
{
	if (record->section == SECTION_ANSWER)
		rdata_addresses(record, note_side, arg);
	return true;
}

/* Has the client been led outside by that name, a while ago? */
static bool was_outside(const struct look *look, uint32_t name, unsigned *at)
{
	const struct client *client = look->client;

	for (*at = 0; *at < CLIENT_PUBLIC; (*at)++)
		/* Whether before or, by a clock that was put back, behind. */
		if (client->outside[*at] == name && llabs(look->now_s - (int64_t)client->outside_s[*at]) <=
			(int64_t)look_option(look, DETECTOR_REBINDING_FLIP, WINDOW))
			return true;
	return false;
}

static void judge_flip(struct look *look, const struct sides *sides)
{
	struct client *client = look->client;
	const uint32_t name = (uint32_t)look->name_hash;
	unsigned at;
	const bool outside = was_outside(look, name, &at);

	if (sides->count[SIDE_INSIDE] + sides->count[SIDE_LOOPBACK] > 0) {
		if (outside)
			detection_add(look_report(look, DETECTOR_REBINDING_FLIP, TIER_HIGH,
				(float)(look->now_s - (int64_t)client->outside_s[at]), 0), FEATURE_INSIDE,
				(float)sides->count[SIDE_INSIDE]);
	} else if (sides->count[SIDE_OUTSIDE] > 0) {
		if (!outside)
			at = client->next++ % CLIENT_PUBLIC;
		client->outside[at] = name;
		client->outside_s[at] = (uint32_t)look->now_s;
	}
}

void judge_rebinding(struct look *look)
{
	struct sides sides = { { 0 } };

	if (look->facts->records == NULL || !look->is_miss || !look->has_zone ||
	    (look->sight->traits & (TRAIT_APPROVED | TRAIT_INTERNAL)))
		return;
	look->facts->records(look->facts->source, note_record, &sides);
	if (sides.count[SIDE_INSIDE] > 0)
		detection_add(look_report(look, DETECTOR_REBINDING, TIER_ALERT, (float)sides.count[SIDE_INSIDE], 1),
			FEATURE_OUTSIDE, (float)sides.count[SIDE_OUTSIDE]);
	if (look->conf[DETECTOR_REBINDING_FLIP].reaction != REACTION_OFF)
		judge_flip(look, &sides);
}
