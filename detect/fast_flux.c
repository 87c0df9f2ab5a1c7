/* fast_flux.c: many short-lived addresses in many networks (Holz, Gorecki, Rieck, Freiling, "Measuring and Detecting
 * Fast-Flux Service Networks", 2008: the score and its weights). A /16, or an IPv6 /32, stands in for the AS. */
#include "detect/look.h"

#include <math.h>
#include <string.h>

#include "policy/hot.h"

enum { SCORE, SHARE, TTL_MAX, AGE_MAX };

#define DAY_S 86400
#define WORDS 2u
#define ADDRESS_WEIGHT 1.32f
#define NETWORK_WEIGHT 18.54f

/* A question that is nothing new is asked `again`. Returns whether one of the addresses is new. Whoever leads to another
 * name is a customer of a content network, more often than not; what comes behind is its. */
static bool note_addresses(struct look *look, uint32_t ttl_max, bool again)
{
	const struct hash_key *key = &look->detect->key;
	struct zone *zone = look->zone;
	bool any = false;

	for (unsigned i = 0; i < look->answered->before_alias; i++) {
		const struct answered_address *address = &look->answered->addresses[i];
		bool fresh;

		if (address->ttl > ttl_max)
			continue;
		fresh = bits_add(zone->addresses, WORDS, hash_octets(key, address->octets, address->length));
		any |= fresh;
		zone->turned += fresh && again;
		bits_add(zone->networks, WORDS, hash_octets(key, address->octets, address->length == 4 ? 2 : 4));
	}
	return any;
}

/* What flows is not the same when it is asked for again (the fluxiness of the same authors). A service with many hosts,
 * or with many addresses in one answer, has as many networks from the first day. */
static bool flows(const struct zone *zone, const struct flux *flux)
{
	return (float)zone->turned * 100 >= flux->addresses * FAST_FLUX_TURNED_PERCENT;
}

struct flux fast_flux_of(const struct zone *zone)
{
	const float addresses = (float)bits_count(zone->addresses, WORDS);
	const float networks = (float)bits_count(zone->networks, WORDS);

	return (struct flux){ addresses, networks, ADDRESS_WEIGHT * addresses + NETWORK_WEIGHT * networks };
}

HOT void judge_fast_flux(struct look *look)
{
	const struct detector_conf *conf = &look->conf[DETECTOR_FAST_FLUX];
	struct zone *zone = look->zone;
	const int64_t passed = look->now_s - (int64_t)zone->flux_s;
	struct detection *detection;
	struct flux flux;
	bool again;

	if (look->facts->records == NULL || zone_days(zone, look->now_s) >= conf->values[AGE_MAX])
		return;
	if (passed < 0 || passed >= DAY_S) {
		zone->flux_s = (uint32_t)look->now_s;
		memset(zone->addresses, 0, sizeof(zone->addresses));
		memset(zone->networks, 0, sizeof(zone->networks));
		zone->turned = 0;
	}
	/* A host's other family of addresses is no change. */
	again = !bloom_add(look->detect->names, look_hash_both(look->name_hash, look->facts->qtype));
	if (!note_addresses(look, conf->values[TTL_MAX], again) || look->answered->has_alias)
		return;
	flux = fast_flux_of(zone);
	if (!flows(zone, &flux) || flux.score <= (float)conf->values[SCORE] ||
	    flux.networks * 100 < flux.addresses * (float)conf->values[SHARE])
		return;
	detection = look_report(look, DETECTOR_FAST_FLUX, TIER_LOW, flux.score, conf->values[SCORE]);
	detection_add(detection, FEATURE_ADDRESSES, flux.addresses);
	detection_add(detection, FEATURE_NETWORKS, flux.networks);
}
