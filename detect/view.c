/* view.c: records against thresholds, a function for each detector that measures something. */
#include "detect/view.h"

#include <math.h>
#include <string.h>

#include "detect/look.h"

#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400
#define COUNT_BITS(bits) ((float)bits_count(bits, sizeof(bits) / sizeof((bits)[0])))

/* What is remembered, copied. */
struct shown {
	const struct detector_conf *conf;
	int64_t now_s;
	const struct zone *zone;
	const struct client *client;
	const struct pair *pair;
	struct view *view;
};

static void measure_against(const struct shown *shown, enum detector detector, const char *name, const char *of,
	float value, const char *option, const char *unit, uint32_t threshold, enum view_bound bound)
{
	struct view_detector *to = &shown->view->detectors[detector];
	const float most = fminf(fmaxf(value, 0), (float)INT32_MAX);
	bool crossed = false;

	switch (bound) {
	case BOUND_OVER: crossed = value > (float)threshold; break;
	case BOUND_LEAST: crossed = value >= (float)threshold; break;
	case BOUND_MOST: crossed = value <= (float)threshold; break;
	case BOUND_UNDER: crossed = value < (float)threshold; break;
	}
	to->measures[to->count++] = (struct view_measure){ name, of, option, unit,
		value >= (float)VIEW_LONG ? VIEW_LONG : (uint32_t)most, threshold, bound, crossed };
}

static void measure(const struct shown *shown, enum detector detector, unsigned option, enum view_bound bound,
	const char *of, const char *name, float value)
{
	const struct detector_option *row = &detector_table[detector].options[option];

	measure_against(shown, detector, name, of, value, row->name, row->unit, shown->conf[detector].values[option], bound);
}

/* Of a detector that wants all of it. */
static void conclude(const struct shown *shown, enum detector detector, enum tier tier)
{
	struct view_detector *to = &shown->view->detectors[detector];

	for (unsigned i = 0; i < to->count; i++)
		if (!to->measures[i].crossed)
			return;
	to->tier = tier;
}

/* VIEW_LONG of a zone that was there before: a detector that wants a young one leaves it alone. */
static float days_of(const struct shown *shown)
{
	return (float)zone_days(shown->zone, shown->now_s);
}

static bool is_over(const struct shown *shown, uint32_t began_s, int64_t seconds)
{
	const int64_t passed = shown->now_s - (int64_t)began_s;

	return passed < 0 || passed >= seconds;
}

static float percent(float part, float all)
{
	return all > 0 ? 100 * part / all : 0;
}

/* --- what is weighed for a zone ----------------------------------------------------------------------------------- */

static void show_tunnel(const struct shown *shown)
{
	const enum detector own = DETECTOR_TUNNEL;
	const struct zone *zone = shown->zone;
	const float most = fmaxf(zone->up10, zone->up12h);
	const struct detector_option *options = detector_table[own].options;
	uint32_t threshold;

	measure(shown, own, 0, BOUND_OVER, "zone", "octets_10m", zone->up10);
	measure(shown, own, 1, BOUND_OVER, "zone", "octets_12h", zone->up12h);
	measure(shown, own, 2, BOUND_OVER, "zone", "octets", most);
	measure(shown, own, 3, BOUND_OVER, "zone", "octets", most);
	measure_against(shown, own, "all_octets_12h", "zone", zone->raw12h, options[1].name, options[1].unit,
		TUNNEL_RAW_FACTOR * shown->conf[own].values[1], BOUND_OVER);
	measure(shown, own, 4, BOUND_MOST, "zone", "days", days_of(shown));
	measure(shown, own, 5, BOUND_MOST, "zone", "clients", zone_clients(zone));
	shown->view->detectors[own].tier = tunnel_tier(zone, &shown->conf[own], shown->now_s, &threshold);
}

static void show_tunnel_down(const struct shown *shown)
{
	struct view_detector *to = &shown->view->detectors[DETECTOR_TUNNEL_DOWN];

	measure(shown, DETECTOR_TUNNEL_DOWN, 0, BOUND_OVER, "zone", "octets_10m", shown->zone->down10);
	measure(shown, DETECTOR_TUNNEL_DOWN, 1, BOUND_OVER, "zone", "odd_octets_10m", shown->zone->odd10);
	to->tier = to->measures[0].crossed || to->measures[1].crossed ? TIER_ALERT : TIER_NONE;
}

static void show_weak_channel(const struct shown *shown)
{
	const enum detector own = DETECTOR_WEAK_CHANNEL;

	measure(shown, own, 0, BOUND_OVER, "zone", "octets_12h", shown->zone->up12h);
	measure(shown, own, 1, BOUND_UNDER, "zone", "days", days_of(shown));
	measure(shown, own, 2, BOUND_MOST, "zone", "clients", zone_clients(shown->zone));
	measure(shown, own, 3, BOUND_LEAST, "zone", "names", (float)shown->zone->names);
	conclude(shown, own, TIER_LOW);
}

static void show_generated_name(const struct shown *shown)
{
	if (shown->zone->score < 0)
		return;
	measure(shown, DETECTOR_GENERATED_NAME, 0, BOUND_LEAST, "zone", "score", shown->zone->score);
	conclude(shown, DETECTOR_GENERATED_NAME, TIER_TAG);
}

static void show_fast_flux(const struct shown *shown)
{
	const enum detector own = DETECTOR_FAST_FLUX;
	const bool over = is_over(shown, shown->zone->flux_s, DAY_S);
	const struct flux flux = over ? (struct flux){ 0, 0, 0 } : fast_flux_of(shown->zone);

	measure(shown, own, 0, BOUND_OVER, "zone", "score", flux.score);
	measure(shown, own, 1, BOUND_LEAST, "zone", "networks", percent(flux.networks, flux.addresses));
	measure_against(shown, own, "turned", "zone", percent(over ? 0 : (float)shown->zone->turned, flux.addresses), NULL,
		"percent", FAST_FLUX_TURNED_PERCENT, BOUND_LEAST);
	measure(shown, own, 3, BOUND_UNDER, "zone", "days", days_of(shown));
	conclude(shown, own, TIER_LOW);
}

static void show_random_subdomain(const struct shown *shown)
{
	const enum detector own = DETECTOR_RANDOM_SUBDOMAIN;
	const struct zone *zone = shown->zone;
	const float asked = is_over(shown, zone->minute_s, MINUTE_S) ? 0 : (float)zone->queries;

	measure(shown, own, 0, BOUND_LEAST, "zone", "rate", asked / MINUTE_S);
	measure(shown, own, 1, BOUND_LEAST, "zone", "failures", percent((float)zone->failures, asked));
	measure(shown, own, 2, BOUND_LEAST, "zone", "children", asked > 0 ? (float)zone->children : 0);
	measure(shown, own, 3, BOUND_MOST, "zone", "hits", percent((float)zone->hits, asked));
	conclude(shown, own, TIER_BLOCK);
}

static void show_dnssec_drop(const struct shown *shown)
{
	const enum detector own = DETECTOR_DNSSEC_DROP;
	const struct zone *zone = shown->zone;

	if (zone->secure_s == 0)
		return;
	measure(shown, own, 0, BOUND_LEAST, "zone", "days_signed",
		(float)((shown->now_s - (int64_t)zone->secure_s) / DAY_S));
	measure(shown, own, 1, BOUND_LEAST, "zone", "bogus", zone->bogus);
	if (shown->view->detectors[own].measures[0].crossed && (zone->unsigned_s != 0 ||
	    shown->view->detectors[own].measures[1].crossed))
		shown->view->detectors[own].tier = TIER_ALERT;
}

static void show_conditional_answer(const struct shown *shown)
{
	const float flips = is_over(shown, shown->zone->hour_s, HOUR_S) ? 0 : (float)shown->zone->flips;

	measure(shown, DETECTOR_CONDITIONAL_ANSWER, 0, BOUND_LEAST, "zone", "flips", flips);
	conclude(shown, DETECTOR_CONDITIONAL_ANSWER, TIER_LOW);
}

static void show_zone(const struct shown *shown)
{
	show_tunnel(shown);
	show_tunnel_down(shown);
	show_weak_channel(shown);
	show_generated_name(shown);
	show_fast_flux(shown);
	show_random_subdomain(shown);
	show_dnssec_drop(shown);
	show_conditional_answer(shown);
	if (shown->zone->likeness > LIKENESS_NONE)
		shown->view->detectors[DETECTOR_LOOK_ALIKE].tier = look_alike_tier((enum likeness)shown->zone->likeness);
}

/* --- what is counted for a client, and for both ------------------------------------------------------------------- */

static void show_nxdomain_burst(const struct shown *shown)
{
	const enum detector own = DETECTOR_NXDOMAIN_BURST;
	const struct client *client = shown->client;
	const float zones = COUNT_BITS(client->zones);
	struct view_detector *to = &shown->view->detectors[own];

	measure(shown, own, 0, BOUND_LEAST, "client", "generated", (float)client->generated);
	measure(shown, own, 1, BOUND_LEAST, "client", "generated_share", percent((float)client->generated, zones));
	measure(shown, own, 2, BOUND_LEAST, "client", "zones", zones);
	measure(shown, own, 3, BOUND_LEAST, "client", "failures", percent((float)client->missing, (float)client->answers));
	if ((to->measures[0].crossed && to->measures[1].crossed) || (to->measures[2].crossed && to->measures[3].crossed))
		to->tier = TIER_ALERT;
}

/* In windows of ten minutes; ANY and CHAOS are seen one by one. */
static void show_recon(const struct shown *shown)
{
	const enum detector own = DETECTOR_RECON;
	const struct client *client = shown->client;
	const struct pair *pair = shown->pair;
	struct view_detector *to = &shown->view->detectors[own];

	if (client != NULL) {
		measure(shown, own, 0, BOUND_LEAST, "client", "addresses", COUNT_BITS(client->ptr));
		measure(shown, own, 1, BOUND_LEAST, "client", "addresses_in_network", (float)client_swept(client));
		measure(shown, own, 2, BOUND_LEAST, "client", "owners", COUNT_BITS(client->owners));
	}
	for (unsigned i = 0; i < to->count; i++)
		if (to->measures[i].crossed)
			to->tier = TIER_ALERT;
	if (pair == NULL)
		return;
	measure(shown, own, 3, BOUND_LEAST, "pair", "children", (float)pair->missing);
	measure(shown, own, 4, BOUND_LEAST, "pair", "missing", percent((float)pair->missing, (float)pair->asked));
	if (to->measures[to->count - 2].crossed && to->measures[to->count - 1].crossed)
		to->tier = TIER_ALERT;
}

static void show_beacon(const struct shown *shown)
{
	const enum detector own = DETECTOR_BEACON;
	const struct pair *pair = shown->pair;

	measure(shown, own, 0, BOUND_LEAST, "pair", "count", (float)pair->count);
	measure(shown, own, 1, BOUND_LEAST, "pair", "interval", pair->mean);
	measure(shown, own, 2, BOUND_MOST, "pair", "variation", pair_variation(pair));
	if (shown->zone == NULL || shown->zone->first_s == 0 || beacon_has_rhythm_of_ttl(pair))
		return;
	measure(shown, own, 3, BOUND_MOST, "zone", "clients", zone_clients(shown->zone));
	conclude(shown, own, TIER_LOW);
}

static void show_said(const struct shown *shown, unsigned traits)
{
	const uint64_t evidence = fusion_evidence(shown->pair);

	shown->view->pair.points = (traits & (TRAIT_APPROVED | TRAIT_INTERNAL)) != 0 ? 0 : fusion_points(evidence, traits);
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		shown->view->detectors[i].said = fusion_tier(evidence, i);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* Records as they would be if an answer came now. */
struct records {
	struct zone zone;
	struct client client;
	struct pair pair;
};

static void take_zone(struct shown *shown, struct records *records)
{
	struct zone *zone = &records->zone;

	shown->view->zone.last_s = zone->last_s;
	zone_age(zone, shown->now_s);
	shown->view->zone.first_s = zone->first_s;
	shown->view->zone.names = zone->names;
	shown->view->zone.clients = zone_clients(zone);
	shown->zone = zone;
}

static void take_client(struct shown *shown, struct records *records)
{
	struct client *client = &records->client;

	shown->view->client.last_s = client->last_s;
	client_age(client, shown->now_s);
	shown->view->client.since_s = client->window_s;
	shown->view->client.answers = client->answers;
	shown->view->client.missing = client->missing;
	shown->client = client;
}

static void take_pair(struct shown *shown, struct records *records)
{
	struct pair *pair = &records->pair;

	shown->view->pair.last_s = pair->last_s;
	pair_age(pair, shown->now_s);
	shown->view->pair.own_octets = (uint32_t)fminf(fmaxf(pair->own, 0), (float)INT32_MAX);
	shown->pair = pair;
}

/* Whoever looks is no worker, and waits. */
static void copy_records(struct shown *shown, const struct detect *detect, const struct name *name,
	const struct address *client, struct records *records)
{
	const struct suffix_found found = suffix_find(detect->suffixes, name);
	const uint64_t client_hash = client != NULL ? look_hash_client(detect, client) : 0;
	const bool has_zone = found.labels > 0 || (client != NULL && name->labels >= 2 && !found.has_tld);
	const uint64_t zone_hash = found.labels > 0 ? found.zone : ~client_hash;
	struct view *view = shown->view;

	view->zone_labels = found.labels;
	view->was_asked = found.labels > 0 && bloom_has(detect->known, found.zone);
	view->has_zone = has_zone && table_copy(detect->zones, zone_hash, &records->zone);
	view->has_client = client != NULL && table_copy(detect->clients, client_hash, &records->client);
	view->has_pair = has_zone && client != NULL &&
		table_copy(detect->pairs, look_hash_both(zone_hash, client_hash), &records->pair);
}

void detect_view(const struct detect *detect, const struct detector_conf conf[DETECTOR_COUNT], const struct name *name,
	const struct address *client, unsigned traits, int64_t now_s, struct view *view)
{
	struct shown shown = { .conf = conf, .now_s = now_s, .view = view };
	struct records records;

	memset(view, 0, sizeof(*view));
	copy_records(&shown, detect, name, client, &records);
	if (view->has_zone)
		take_zone(&shown, &records);
	if (view->has_client)
		take_client(&shown, &records);
	if (view->has_pair)
		take_pair(&shown, &records);
	if (shown.zone != NULL)
		show_zone(&shown);
	if (shown.client != NULL)
		show_nxdomain_burst(&shown);
	show_recon(&shown);
	if (shown.pair != NULL) {
		show_beacon(&shown);
		show_said(&shown, traits);
	}
}
