/* novelty.c: zones, networks and answers that were not there before. */
#include "detect/look.h"

#include <string.h>

#include "policy/hot.h"

enum { AGE_MIN };
enum { FLIPS, TTL_MAX };

#define HOUR_S 3600
#define RCODE_NXDOMAIN 3u
#define NET_OCTETS 3u                /* of an IPv4 address: /24 */
#define NET6_OCTETS 6u               /* of an IPv6 one: /48 */

/* What a feed of registrations has is new whether somebody asked for it before or not. */
void judge_newly_observed(struct look *look)
{
	const bool registered = (look->sight->traits & TRAIT_REGISTERED) != 0;
	struct detection *detection;

	if (!registered && look->is_warming_up)
		return;
	detection = look_report(look, DETECTOR_NEWLY_OBSERVED, TIER_TAG, 1, 1);
	if (registered)
		detection_add(detection, FEATURE_REGISTERED, 1);
}

struct networks {
	uint64_t sum;                /* of all hashes, whatever their order */
	uint32_t ttl;                /* the lowest */
	unsigned fresh;
};

/* A zone's hash is nothing that anybody outside knows: he could not choose networks to meet others. */
static uint64_t network_of(const struct look *look, const struct answered_address *address)
{
	const bool inet = address->length == 4;
	uint64_t network = 0;

	memcpy(&network, address->octets, inet ? NET_OCTETS : NET6_OCTETS);
	return look_hash_both(look->zone_hash, network | UINT64_C(1) << (inet ? 62 : 63));
}

HOT void novelty_fetch(const struct look *look, struct answered *answered)
{
	for (unsigned i = 0; i < answered->count; i++) {
		answered->addresses[i].network = network_of(look, &answered->addresses[i]);
		bloom_fetch(look->detect->answers, answered->addresses[i].network);
	}
}

static void note_network(struct networks *networks, const struct look *look, const struct answered_address *address)
{
	networks->fresh += bloom_add(look->detect->answers, address->network);
	networks->sum += address->network;
	networks->ttl = address->ttl < networks->ttl ? address->ttl : networks->ttl;
}

/* The same question, answered otherwise than a moment ago: with other addresses, or with some instead of none. That there
 * is no such name, no address, or nobody who answers says as little each time. */
static void judge_flip(struct look *look, const struct networks *networks)
{
	struct zone *zone = look->zone;
	const uint32_t name = ((uint32_t)look->name_hash ^ (uint32_t)look->facts->qtype << 16) & 0xffff0000;
	const uint32_t answer = name | (look->answered->count > 0 ? (uint16_t)(networks->sum | 1) : 0);
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
			look_option(look, DETECTOR_CONDITIONAL_ANSWER, FLIPS)), FEATURE_NETWORKS, (float)look->answered->count);
}

static bool is_new_zone(const struct look *look)
{
	return look->zone->first_s != 0 && zone_days(look->zone, look->now_s) < 1;
}

/* Both go over the networks of the answer, and these are remembered once. */
HOT void judge_changed_resolution(struct look *look)
{
	const unsigned all = look->answered->count;
	struct networks networks = { .ttl = UINT32_MAX };

	for (unsigned i = 0; i < all; i++)
		note_network(&networks, look, &look->answered->addresses[i]);
	if (networks.fresh > 0 && !look->answered->has_alias && !look->fresh_name)
		delegation_note_move(look);
	if (networks.fresh > 0 && zone_days(look->zone, look->now_s) >=
		look_option(look, DETECTOR_CHANGED_RESOLUTION, AGE_MIN) && look->zone->names > 1)
		detection_add(look_report(look, DETECTOR_CHANGED_RESOLUTION, TIER_TAG, (float)networks.fresh, 1), FEATURE_NETWORKS,
			(float)all);
	if (look->facts->rcode != 0 && look->facts->rcode != RCODE_NXDOMAIN)
		return;
	if (is_new_zone(look) && look->conf[DETECTOR_CONDITIONAL_ANSWER].reaction != REACTION_OFF &&
	    (all == 0 || networks.ttl <= look_option(look, DETECTOR_CONDITIONAL_ANSWER, TTL_MAX)))
		judge_flip(look, &networks);
}
