/* fast_flux.c: many short-lived addresses in many networks (Holz, Gorecki, Rieck, Freiling, "Measuring and Detecting
 * Fast-Flux Service Networks", 2008: the score and its weights). A /16, or an IPv6 /32, stands in for the AS. */
#include "detect/look.h"

#include <math.h>
#include <string.h>

#include "policy/rrtype.h"

enum { SCORE, SHARE, TTL_MAX, AGE_MAX };

#define DAY_S 86400
#define WORDS 2u
#define ADDRESS_WEIGHT 1.32f
#define NETWORK_WEIGHT 18.54f

struct addresses {
	struct look *look;
	uint32_t ttl_max;
	bool again;                  /* the question is nothing new */
	bool leads_away, fresh;
};

static bool note_address(void *arg, const struct record *record)
{
	struct addresses *addresses = arg;
	const struct look *look = addresses->look;
	const bool is_inet = record->type == RRTYPE_A && record->rdata_length == 4;
	const bool is_inet6 = record->type == RRTYPE_AAAA && record->rdata_length == 16;
	struct zone *zone = look->zone;
	bool fresh;

	if (record->section != SECTION_ANSWER)
		return true;
	/* Whoever leads to another name is a customer of a content network, more often than not; what comes behind is its. */
	if (record->type == RRTYPE_CNAME || record->type == RRTYPE_DNAME) {
		addresses->leads_away = true;
		return false;
	}
	if ((!is_inet && !is_inet6) || record->ttl > addresses->ttl_max)
		return true;
	fresh = bits_add(zone->addresses, WORDS, hash_octets(&look->detect->key, record->rdata, record->rdata_length));
	addresses->fresh |= fresh;
	zone->turned += fresh && addresses->again;
	bits_add(zone->networks, WORDS, hash_octets(&look->detect->key, record->rdata, is_inet ? 2 : 4));
	return true;
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

void judge_fast_flux(struct look *look)
{
	const struct detector_conf *conf = &look->conf[DETECTOR_FAST_FLUX];
	struct addresses addresses = { .look = look, .ttl_max = conf->values[TTL_MAX] };
	struct zone *zone = look->zone;
	const int64_t passed = look->now_s - (int64_t)zone->flux_s;
	struct detection *detection;
	struct flux flux;

	if (look->facts->records == NULL || zone->first_s == 0 ||
	    zone_days(zone, look->now_s) >= conf->values[AGE_MAX])
		return;
	if (passed < 0 || passed >= DAY_S) {
		zone->flux_s = (uint32_t)look->now_s;
		memset(zone->addresses, 0, sizeof(zone->addresses));
		memset(zone->networks, 0, sizeof(zone->networks));
		zone->turned = 0;
	}
	/* A host's other family of addresses is no change. */
	addresses.again = !bloom_add(look->detect->names, look_hash_both(look->name_hash, look->facts->qtype));
	look->facts->records(look->facts->source, note_address, &addresses);
	if (addresses.leads_away || !addresses.fresh)
		return;
	flux = fast_flux_of(zone);
	if (!flows(zone, &flux) || flux.score <= (float)conf->values[SCORE] ||
	    flux.networks * 100 < flux.addresses * (float)conf->values[SHARE])
		return;
	detection = look_report(look, DETECTOR_FAST_FLUX, TIER_LOW, flux.score, conf->values[SCORE]);
	detection_add(detection, FEATURE_ADDRESSES, flux.addresses);
	detection_add(detection, FEATURE_NETWORKS, flux.networks);
}
