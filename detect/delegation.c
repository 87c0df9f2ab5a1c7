/* delegation.c: who serves a zone: new ones of new zones, and others than before. */
#include "detect/look.h"

#include <string.h>

#include "policy/hot.h"

enum { SCORE };

#define HOUR_S 3600
#define MINUTE_S 60
#define DAY_S 86400
#define MOVE_HOURS 24                /* between the change of servers and that of a record */
#define FORGOTTEN_DAYS 30            /* as long as the filter of answers remembers at least */
#define LEARNING_DAYS 7              /* of servers that a zone has in turn */
#define KINDS_MAX 16u                /* of server zones, and of networks */
#define NET_OCTETS 3u                /* of an IPv4 address: /24 */
#define NET6_OCTETS 6u               /* of an IPv6 one: /48 */

/* Different ones, as far as there is room. */
struct kinds {
	unsigned count;
	uint64_t hashes[KINDS_MAX];
};

struct serving {
	struct look *look;
	struct behind *behind;       /* what of them is looked at */
	struct kinds zones, networks;
	struct name last;            /* server; the root: none yet */
	bool unsure;                 /* addresses are missing: only some were looked up yet */
	unsigned fresh;              /* server zones that nobody knew for a month */
	bool itself;                 /* a server is inside the zone */
	bool protected;
	unsigned elsewhere;          /* networks in which no server of a protected zone was for a month */
};

static bool note_kind(struct kinds *kinds, uint64_t hash)
{
	for (unsigned i = 0; i < kinds->count; i++)
		if (kinds->hashes[i] == hash)
			return false;
	if (kinds->count < KINDS_MAX)
		kinds->hashes[kinds->count++] = hash;
	return true;
}

static void note_network(struct serving *serving, const struct address *address)
{
	struct { uint8_t family, octets[NET6_OCTETS]; } key = { (uint8_t)address->family, { 0 } };
	const struct look *look = serving->look;
	uint64_t hash;

	if (address->family == ADDRESS_NONE) {
		serving->unsure = true;
		return;
	}
	memcpy(key.octets, address->octets, address->family == ADDRESS_INET ? NET_OCTETS : NET6_OCTETS);
	hash = hash_octets(&look->detect->key, &key, sizeof(key));
	if (note_kind(&serving->networks, hash) && serving->protected)
		serving->elsewhere += bloom_add(look->detect->answers, look_hash_both(look->zone_hash, hash));
}

/* Servers of zones share the filter of answers, under a type that no answer has. */
static bool is_fresh(const struct look *look, uint64_t zone)
{
	const uint64_t key[] = { zone, UINT64_MAX };
	const uint64_t hash = hash_octets(&look->detect->key, key, sizeof(key));

	return bloom_add(look->detect->answers, hash) && !bloom_has(look->detect->known, zone);
}

static bool note_server(void *arg, const struct server *server)
{
	struct serving *serving = arg;
	const struct look *look = serving->look;
	struct suffix_found found;
	struct name name;

	if (server->chain != 0 || server->zone_labels != look->zone_labels ||
	    !name_from_wire(&name, server->name, server->name_length))
		return true;
	if (!behind_add(serving->behind, &name, &server->address))
		return false;
	note_network(serving, &server->address);
	/* The root stands for a name that is not known. The addresses of a server come one after the other. */
	if (name.labels == 0 || name_equal(&name, &serving->last))
		return true;
	name_copy(&serving->last, &name);
	found = suffix_find(look->detect->suffixes, &name);
	if (found.labels == 0)
		found.zone = found.name;
	serving->itself |= found.zone == look->zone_hash;
	if (note_kind(&serving->zones, found.zone) && found.zone != look->zone_hash)
		serving->fresh += is_fresh(look, found.zone);
	return true;
}

static bool is_protected(const struct look *look)
{
	return look->detect->brands != NULL && brands_have(look->detect->brands, look->zone_hash);
}

/* --- new zones -------------------------------------------------------------------------------------------------- */

static void judge_new(struct look *look, const struct serving *serving)
{
	const uint32_t threshold = look_option(look, DETECTOR_NAME_SERVER, SCORE);
	const uint32_t score = (serving->fresh > 0 || serving->itself) +
		(serving->networks.count == 1 && !serving->unsure);

	if (look->is_warming_up || look->zone->first_s == 0 || zone_days(look->zone, look->now_s) >= 1 || score < threshold)
		return;
	detection_add(look_report(look, DETECTOR_NAME_SERVER, TIER_LOW, (float)score, threshold), FEATURE_NETWORKS,
		(float)serving->networks.count);
}

/* --- other servers than before ---------------------------------------------------------------------------------- */

/* The same whatever their order; never 0. */
static uint32_t sum_of(const struct kinds *kinds)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < kinds->count; i++)
		sum += kinds->hashes[i];
	return (uint32_t)(sum ^ sum >> 32) | 1;
}

/* Parent and child may name different servers: a zone has a few sets in turn. Remembers the set. */
static bool is_other(struct zone *zone, uint32_t sum)
{
	for (unsigned i = 0; i < ZONE_SERVED; i++)
		if (zone->served[i] == sum)
			return false;
	zone->served[zone->served_next++ % ZONE_SERVED] = sum;
	return true;
}

static struct detection *say_change(struct look *look, uint32_t score)
{
	const bool protected = is_protected(look);
	const uint32_t threshold = protected ? 1 : look_option(look, DETECTOR_DELEGATION_CHANGE, SCORE);

	if (score < threshold)
		return NULL;
	return look_report(look, DETECTOR_DELEGATION_CHANGE, protected ? TIER_HIGH : TIER_ALERT, (float)score, threshold);
}

/* Servers are looked at once an hour: what moved since may have moved because of them. Servers of the same names at
 * other addresses are others, too. */
static void judge_change(struct look *look, const struct serving *serving)
{
	struct zone *zone = look->zone;
	const bool others = is_other(zone, sum_of(&serving->zones)) || serving->elsewhere > 0;
	const bool moved = zone_is_within(zone->moved_h, 1, look->now_s);
	uint32_t score;

	if (zone->served_first_s == 0)
		zone->served_first_s = (uint32_t)look->now_s;
	if (!others || look->now_s - (int64_t)zone->served_first_s < LEARNING_DAYS * DAY_S)
		return;
	score = 1u + (serving->fresh > 0) + (zone->unsigned_s != 0);
	zone->others_h = zone_hour(look->now_s);
	zone->others_score = moved ? 0 : (uint8_t)score;
	detection_add(say_change(look, score + moved), FEATURE_NETWORKS, (float)serving->networks.count);
}

/* Whoever takes over a zone's servers takes its visitors next. */
void delegation_note_move(struct look *look)
{
	struct zone *zone = look->zone;

	zone->moved_h = zone_hour(look->now_s);
	if (look->conf[DETECTOR_DELEGATION_CHANGE].reaction == REACTION_OFF || zone->others_score == 0 ||
	    !zone_is_within(zone->others_h, MOVE_HOURS, look->now_s))
		return;
	say_change(look, zone->others_score + 1u);
	zone->others_score = 0;
}

/* A key for the day, beside those of networks. */
static uint64_t watched_on(const struct look *look, int64_t day)
{
	const uint64_t key[] = { look->zone_hash, (uint64_t)day, UINT64_MAX };

	return hash_octets(&look->detect->key, key, sizeof(key));
}

/* Have its networks been noted for as long as there is to learn? It may be protected since yesterday. */
static bool was_watched(const struct look *look)
{
	const int64_t today = look->now_s / DAY_S;
	bool watched = false;

	bloom_add(look->detect->answers, watched_on(look, today));
	for (int64_t ago = LEARNING_DAYS; ago <= FORGOTTEN_DAYS && !watched; ago++)
		watched = bloom_has(look->detect->answers, watched_on(look, today - ago));
	return watched;
}

static void judge_servers(struct look *look)
{
	struct behind own;
	struct serving serving = { .look = look, .behind = look->sight->behind != NULL ? look->sight->behind : &own,
		.last = { .length = 1 }, .protected = is_protected(look) };

	if (look->sight->behind == NULL)
		behind_init(&own);
	serving.behind->has_servers = true;
	look->facts->servers(look->facts->servers_source, note_server, &serving);
	/* What the caches do not have now they may have soon, and most likely will not. */
	look->zone->served_s = (uint32_t)(serving.zones.count > 0 ? look->now_s : look->now_s - HOUR_S + MINUTE_S);
	if (serving.zones.count == 0)
		return;
	if (serving.protected && !was_watched(look))
		serving.elsewhere = 0;
	if (look->conf[DETECTOR_NAME_SERVER].reaction != REACTION_OFF)
		judge_new(look, &serving);
	if (look->conf[DETECTOR_DELEGATION_CHANGE].reaction != REACTION_OFF)
		judge_change(look, &serving);
}

/* Finding out who serves a zone takes a walk through caches: once an hour for each, once a minute where they say
 * nothing, whichever of the two detectors comes first. */
HOT bool delegation_is_due(const struct look *look)
{
	const int64_t passed = look->now_s - (int64_t)look->zone->served_s;

	return look->facts->servers != NULL && look->zone_labels > 0 && (passed < 0 || passed >= HOUR_S);
}

void judge_delegation(struct look *look)
{
	if (delegation_is_due(look))
		judge_servers(look);
}
