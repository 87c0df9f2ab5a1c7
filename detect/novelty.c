/* novelty.c: zones, networks and answers that were not there before. */
#include "detect/look.h"

#include <string.h>

#include "policy/rrtype.h"

enum { AGE_MIN };
enum { FLIPS, TTL_MAX };

#define HOUR_S 3600
#define RCODE_NXDOMAIN 3u
#define NET_OCTETS 3u                /* of an IPv4 address: /24 */
#define NET6_OCTETS 6u               /* of an IPv6 one: /48 */

void judge_newly_observed(struct look *look)
{
	if (look->fresh_zone && !look->is_warming_up)
		look_report(look, DETECTOR_NEWLY_OBSERVED, TIER_TAG, 1, 1);
}

struct networks {
	struct look *look;
	uint64_t sum;                /* of all hashes, whatever their order */
	uint32_t ttl;                /* the lowest */
	unsigned fresh, all;
};

static bool note_network(void *arg, const struct record *record)
{
	struct networks *networks = arg;
	const struct look *look = networks->look;
	struct { uint64_t zone; uint8_t type; uint8_t octets[NET6_OCTETS]; } key = { look->zone_hash, 4, { 0 } };
	uint64_t hash;

	if (record->section != SECTION_ANSWER)
		return true;
	if (record->type == RRTYPE_A && record->rdata_length == 4) {
		memcpy(key.octets, record->rdata, NET_OCTETS);
	} else if (record->type == RRTYPE_AAAA && record->rdata_length == 16) {
		key.type = 6;
		memcpy(key.octets, record->rdata, NET6_OCTETS);
	} else {
		return true;
	}
	hash = hash_octets(&look->detect->key, &key, 9 + NET6_OCTETS);
	networks->all++;
	networks->fresh += bloom_add(look->detect->answers, hash);
	networks->sum += hash;
	networks->ttl = record->ttl < networks->ttl ? record->ttl : networks->ttl;
	return true;
}

/* The same question, answered otherwise than a moment ago: with other addresses, or with some instead of none. That there
 * is no such name, no address, or nobody who answers says as little each time. */
static void judge_flip(struct look *look, const struct networks *networks)
{
	struct zone *zone = look->zone;
	const uint32_t name = ((uint32_t)look->name_hash ^ (uint32_t)look->facts->qtype << 16) & 0xffff0000;
	const uint32_t answer = name | (networks->all > 0 ? (uint16_t)(networks->sum | 1) : 0);
	const int64_t passed = look->now_s - (int64_t)zone->hour_s;

	if (passed < 0 || passed >= HOUR_S) {
		zone->hour_s = (uint32_t)look->now_s;
		zone->flips = 0;
	}
	if ((zone->answer & 0xffff0000) == name && zone->answer != answer && zone->flips < UINT8_MAX)
		zone->flips++;
	zone->answer = answer;
	if (zone->flips >= look_option(look, DETECTOR_CONDITIONAL_ANSWER, FLIPS))
		detection_add(look_report(look, DETECTOR_CONDITIONAL_ANSWER, TIER_LOW, zone->flips,
			look_option(look, DETECTOR_CONDITIONAL_ANSWER, FLIPS)), FEATURE_NETWORKS, (float)networks->all);
}

static bool is_new_zone(const struct look *look)
{
	return look->zone->first_s != 0 && zone_days(look->zone, look->now_s) < 1;
}

/* Both go over the networks of the answer, and these are remembered once. */
void judge_changed_resolution(struct look *look)
{
	struct networks networks = { .look = look, .ttl = UINT32_MAX };

	if (look->facts->qtype != RRTYPE_A && look->facts->qtype != RRTYPE_AAAA)
		return;
	if (look->facts->records != NULL)
		look->facts->records(look->facts->source, note_network, &networks);
	if (networks.fresh > 0 && zone_days(look->zone, look->now_s) >=
		look_option(look, DETECTOR_CHANGED_RESOLUTION, AGE_MIN) && look->zone->names > 1)
		detection_add(look_report(look, DETECTOR_CHANGED_RESOLUTION, TIER_TAG, (float)networks.fresh, 1), FEATURE_NETWORKS,
			(float)networks.all);
	if (look->facts->rcode != 0 && look->facts->rcode != RCODE_NXDOMAIN)
		return;
	if (is_new_zone(look) && look->conf[DETECTOR_CONDITIONAL_ANSWER].reaction != REACTION_OFF &&
	    (networks.all == 0 || networks.ttl <= look_option(look, DETECTOR_CONDITIONAL_ANSWER, TTL_MAX)))
		judge_flip(look, &networks);
}
