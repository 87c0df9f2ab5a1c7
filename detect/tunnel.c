/* tunnel.c: data in names, data in answers, and a little of either where nobody goes. */
#include "detect/look.h"

#include <math.h>

#include "policy/hot.h"
#include "policy/rrtype.h"

enum { LOW_OCTETS, LOW_OCTETS_12H, HIGH_OCTETS, BLOCK_OCTETS, AGE_MAX, CLIENTS_MAX };
enum { DOWN_OCTETS, DOWN_ODD_OCTETS };
enum { WEAK_OCTETS, WEAK_AGE_MAX, WEAK_CLIENTS_MAX, WEAK_NAMES_MIN };

#define SHORT_TTL 60u                /* seconds */
#define DATA_OCTETS 512u             /* of a record, that tell it from others */

HOT enum tier tunnel_tier(const struct zone *zone, const struct detector_conf *conf, int64_t now_s, uint32_t *threshold)
{
	const uint32_t *values = conf->values;
	const bool may_be_blocked = zone_days(zone, now_s) <= values[AGE_MAX] ||
		zone_clients(zone) <= values[CLIENTS_MAX];
	const float most = fmaxf(zone->up10, zone->up12h);
	const struct { enum tier tier; bool crossed; uint32_t threshold; } tiers[] = {
		{ TIER_BLOCK, may_be_blocked && most > (float)values[BLOCK_OCTETS], values[BLOCK_OCTETS] },
		{ TIER_HIGH, most > (float)values[HIGH_OCTETS], values[HIGH_OCTETS] },
		{ TIER_ALERT, zone->raw12h > (float)(TUNNEL_RAW_FACTOR * values[LOW_OCTETS_12H]),
			TUNNEL_RAW_FACTOR * values[LOW_OCTETS_12H] },
		{ TIER_LOW, zone->up12h > (float)values[LOW_OCTETS_12H], values[LOW_OCTETS_12H] },
		{ TIER_LOW, zone->up10 > (float)values[LOW_OCTETS], values[LOW_OCTETS] },
	};

	for (unsigned i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++)
		if (tiers[i].crossed) {
			*threshold = tiers[i].threshold;
			return tiers[i].tier;
		}
	return TIER_NONE;
}

static void say(struct look *look, enum detector detector, enum tier tier, float value, uint32_t threshold)
{
	struct detection *detection = look_report(look, detector, tier, value, threshold);

	detection_add(detection, FEATURE_OCTETS_10M, look->zone->up10);
	detection_add(detection, FEATURE_OCTETS_12H, look->zone->up12h);
	detection_add(detection, FEATURE_NAMES, (float)look->zone->names);
	detection_add(detection, FEATURE_CLIENTS, look->zone->client_count);
}

/* Small parts of many clients are a service with many names, more often than a tunnel of all of them, up to where it
 * could be denied: whoever forges addresses gains as much, and no more. */
static bool is_crowd(const struct look *look, enum tier tier)
{
	const struct zone *zone = look->zone;

	return (tier == TIER_LOW || tier == TIER_HIGH) && zone->client_count == ZONE_CLIENTS_MAX &&
		fmaxf(zone->up10, zone->up12h) <= (float)look_option(look, DETECTOR_TUNNEL, BLOCK_OCTETS) &&
		fusion_is_others_doing(look, DETECTOR_TUNNEL);
}

HOT void judge_tunnel(struct look *look)
{
	struct zone *zone = look->zone;
	uint8_t prefix[NAME_OCTETS_MAX];
	uint32_t threshold = 0;
	enum tier tier;
	float raw, fresh;

	zone->names++;
	fresh = zone_note_prefix(zone, prefix, look_prefix(look, prefix), &raw);
	zone->up10 += fresh;
	zone->up12h += fresh;
	zone->raw12h += raw;
	if (look_pair(look) != NULL)
		look->pair->own += fresh;
	tier = tunnel_tier(zone, &look->conf[DETECTOR_TUNNEL], look->now_s, &threshold);
	if (tier != TIER_NONE && !is_crowd(look, tier))
		say(look, DETECTOR_TUNNEL, tier, tier == TIER_ALERT ? zone->raw12h : fmaxf(zone->up10, zone->up12h),
			threshold);
}

void judge_weak_channel(struct look *look)
{
	const struct zone *zone = look->zone;
	const uint32_t octets = look_option(look, DETECTOR_WEAK_CHANNEL, WEAK_OCTETS);

	if (zone->up12h > (float)octets &&
	    zone_days(zone, look->now_s) < look_option(look, DETECTOR_WEAK_CHANNEL, WEAK_AGE_MAX) &&
	    zone_clients(zone) <= look_option(look, DETECTOR_WEAK_CHANNEL, WEAK_CLIENTS_MAX) &&
	    zone->names >= look_option(look, DETECTOR_WEAK_CHANNEL, WEAK_NAMES_MIN))
		say(look, DETECTOR_WEAK_CHANNEL, TIER_LOW, zone->up12h, octets);
}

/* --- down --------------------------------------------------------------------------------------------------------- */

static bool is_odd(uint16_t type)
{
	return type == RRTYPE_NULL || type == RRTYPE_KEY || type >= RRTYPE_PRIVATE_FIRST;
}

/* Addresses hold little, and what DNSSEC adds is nobody's message. */
static bool carries_data(uint16_t type)
{
	switch (type) {
	case RRTYPE_A: case RRTYPE_AAAA: case RRTYPE_SOA: case RRTYPE_NS: case RRTYPE_PTR: case RRTYPE_DS:
	case RRTYPE_RRSIG: case RRTYPE_NSEC: case RRTYPE_DNSKEY: case RRTYPE_NSEC3: case RRTYPE_SVCB: case RRTYPE_HTTPS:
		return false;
	default:
		return true;
	}
}

struct payload {
	const struct look *look;
	bool fresh;
	bool published;              /* below a label for that: only odd types count, and what is said later */
	float all, odd;
};

/* Once for each name, then, unless it is short-lived and says something else: who polls gets other data each time; an
 * alias that lives for a minute is the same each minute. */
static bool is_news(const struct payload *payload, const struct record *record)
{
	const struct look *look = payload->look;
	const size_t octets = record->rdata_length < DATA_OCTETS ? record->rdata_length : DATA_OCTETS;
	uint64_t data;

	if (record->ttl > SHORT_TTL)
		return payload->fresh;
	data = hash_octets(&look->detect->key, record->rdata, octets);
	return bloom_add(look->detect->names, look_hash_both(look->name_hash, data));
}

static bool weigh(void *arg, const struct record *record)
{
	struct payload *payload = arg;

	if (record->section == SECTION_ANSWER && carries_data(record->type) && is_news(payload, record) &&
	    (!payload->published || !payload->fresh || is_odd(record->type))) {
		payload->all += record->rdata_length;
		payload->odd += is_odd(record->type) ? record->rdata_length : 0;
	}
	return true;
}

/* Keys and policies of mail and certificates are published below such labels (RFC 8552), in none of the odd types, and say
 * the same for days. */
static bool has_attribute_label(const struct look *look)
{
	const uint8_t *at = look->facts->qname.octets;

	for (unsigned i = look->zone_labels; i < look->facts->qname.labels; i++, at += 1 + *at)
		if (at[1] == '_')
			return true;
	return false;
}

void judge_tunnel_down(struct look *look)
{
	const uint32_t octets = look_option(look, DETECTOR_TUNNEL_DOWN, DOWN_OCTETS);
	const uint32_t odd = look_option(look, DETECTOR_TUNNEL_DOWN, DOWN_ODD_OCTETS);
	struct payload payload = { .look = look, .fresh = look->fresh_name, .published = has_attribute_label(look) };
	struct zone *zone = look->zone;

	look->facts->records(look->facts->source, weigh, &payload);
	if (payload.all <= 0)
		return;
	zone->down10 += payload.all;
	zone->odd10 += payload.odd;
	if (look_pair(look) != NULL)
		look->pair->own += payload.all;
	if (zone->odd10 > (float)odd)
		detection_add(look_report(look, DETECTOR_TUNNEL_DOWN, TIER_ALERT, zone->odd10, odd), FEATURE_OCTETS_10M,
			zone->down10);
	else if (zone->down10 > (float)octets)
		detection_add(look_report(look, DETECTOR_TUNNEL_DOWN, TIER_ALERT, zone->down10, octets), FEATURE_NAMES,
			(float)zone->names);
}
