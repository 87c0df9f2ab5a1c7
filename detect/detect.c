/* detect.c: one answer goes through the detectors. */
#include "detect/detect.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "detect/look.h"
#include "policy/hot.h"
#include "policy/rrtype.h"

#define DAY_S 86400u
#define MONTH_S (30 * DAY_S)
#define REPORTS 16384u
#define RCODE_NXDOMAIN 3u
#define HITS_LATE_S 60               /* what waited longer was too little to matter, and is of another time */

const struct detect_sizes detect_sizes_default = { 32768, 32768, 32768, (size_t)16 << 20, (size_t)8 << 20,
	(size_t)8 << 20 };
const struct detect_sizes detect_sizes_small = { 4096, 4096, 4096, (size_t)1 << 20, (size_t)1 << 20, (size_t)1 << 19 };

struct detect *detect_create(const struct detect_sizes *sizes, const char *suffixes, const struct hash_key *key,
	int64_t now_ms, struct diag *diag)
{
	struct detect *detect = calloc(1, sizeof(*detect));

	if (detect == NULL) {
		diag_set(diag, suffixes, 0, 0, "out of memory");
		return NULL;
	}
	detect->key = *key;
	atomic_init(&detect->started_s, now_ms / 1000);
	atomic_init(&detect->turned_s, now_ms / 1000);
	detect->suffixes = suffix_load(suffixes, key, diag);
	if (detect->suffixes == NULL) {
		detect_destroy(&detect);
		return NULL;
	}
	detect->zones = table_create(sizes->zones, sizeof(struct zone), zone_worth);
	detect->clients = table_create(sizes->clients, sizeof(struct client), client_worth);
	detect->pairs = table_create(sizes->pairs, sizeof(struct pair), pair_worth);
	detect->reports = table_create(REPORTS, sizeof(struct report), report_worth);
	detect->names = bloom_create(sizes->names_octets, DAY_S);
	detect->known = bloom_create(sizes->known_octets, MONTH_S);
	detect->answers = bloom_create(sizes->answers_octets, MONTH_S);
	if (detect->zones == NULL || detect->clients == NULL || detect->pairs == NULL || detect->reports == NULL ||
	    detect->names == NULL || detect->known == NULL || detect->answers == NULL) {
		diag_set(diag, suffixes, 0, 0, "out of memory");
		detect_destroy(&detect);
	}
	return detect;
}

void detect_destroy(struct detect **detect)
{
	if (*detect == NULL)
		return;
	suffix_destroy(&(*detect)->suffixes);
	table_destroy(&(*detect)->zones);
	table_destroy(&(*detect)->clients);
	table_destroy(&(*detect)->pairs);
	table_destroy(&(*detect)->reports);
	bloom_destroy(&(*detect)->names);
	bloom_destroy(&(*detect)->known);
	bloom_destroy(&(*detect)->answers);
	brands_destroy(&(*detect)->brands);
	free(*detect);
	*detect = NULL;
}

static bool forget_likeness(void *arg, uint64_t hash, void *record)
{
	struct zone *zone = record;

	(void)arg;
	(void)hash;
	zone->likeness = LIKENESS_UNKNOWN;
	return true;
}

int detect_protect(struct detect *detect, const struct name *names, size_t count)
{
	brands_destroy(&detect->brands);
	detect->brands = count > 0 ? brands_create(detect->suffixes, names, count) : NULL;
	table_walk(detect->zones, forget_likeness, NULL);
	return detect->brands != NULL || count == 0 ? 0 : -1;
}

int detect_use_suffixes(struct detect *detect, const char *suffixes, struct diag *diag)
{
	struct suffix_set *loaded = suffix_load(suffixes, &detect->key, diag);

	if (loaded == NULL)
		return -1;
	suffix_destroy(&detect->suffixes);
	detect->suffixes = loaded;
	return 0;
}

static int64_t started_s(const struct detect *detect)
{
	return atomic_load_explicit(&detect->started_s, memory_order_relaxed);
}

void detect_turn(struct detect *detect, int64_t now_ms)
{
	/* Begun in what is the future since the clock was put back, it would warm up until then. */
	if (started_s(detect) > now_ms / 1000)
		atomic_store_explicit(&detect->started_s, now_ms / 1000, memory_order_relaxed);
	atomic_store_explicit(&detect->turned_s, now_ms / 1000, memory_order_relaxed);
	bloom_turn(detect->names, now_ms / 1000);
	bloom_turn(detect->known, now_ms / 1000);
	bloom_turn(detect->answers, now_ms / 1000);
}

size_t detect_octets(const struct detect *detect)
{
	return sizeof(*detect) + suffix_octets(detect->suffixes) + table_counts(detect->zones).octets +
		table_counts(detect->clients).octets + table_counts(detect->pairs).octets +
		table_counts(detect->reports).octets + bloom_octets(detect->names) + bloom_octets(detect->known) +
		bloom_octets(detect->answers);
}

void detect_parts(const struct detect *detect, struct detect_part parts[DETECT_PARTS], int64_t *since_s)
{
	const struct { const char *name; const struct table *table; } tables[] = {
		{ "zones", detect->zones }, { "clients", detect->clients }, { "pairs", detect->pairs },
		{ "reports", detect->reports },
	};
	const struct { const char *name; const struct bloom *bloom; } blooms[] = {
		{ "names", detect->names }, { "known", detect->known }, { "answers", detect->answers },
	};
	struct detect_part *to = parts;

	*since_s = started_s(detect);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const struct table_counts counts = table_counts(tables[i].table);

		*to++ = (struct detect_part){ tables[i].name, counts.octets, counts.used, counts.capacity, counts.evicted,
			counts.lost };
	}
	for (size_t i = 0; i < sizeof(blooms) / sizeof(blooms[0]); i++)
		*to++ = (struct detect_part){ blooms[i].name, bloom_octets(blooms[i].bloom), bloom_filling(blooms[i].bloom),
			1000, 0, 0 };
}

unsigned detect_zone_labels(const struct detect *detect, const struct name *name)
{
	return suffix_find(detect->suffixes, name).labels;
}

/* --- one answer --------------------------------------------------------------------------------------------------- */

/* It is all in different places of memory, which are brought from there at the same time, while the answer is read. */
static void fetch(const struct look *look)
{
	const struct detect *detect = look->detect;

	bloom_fetch(detect->names, look->name_hash);
	table_fetch(detect->zones, look->zone_hash);
}

/* What stands behind what has come by now. */
static void fetch_records(const struct look *look)
{
	const struct detect *detect = look->detect;

	table_fetch_record(detect->zones, look->zone_hash, ZONE_HOT_OCTETS);
	table_fetch_record(detect->clients, look->client_hash, CLIENT_HOT_OCTETS);
}

/* A new name may well be of a new zone, and is noted with its client. */
static void fetch_more(const struct look *look)
{
	const struct detect *detect = look->detect;

	bloom_fetch(detect->known, look->zone_hash);
	table_fetch(detect->pairs, look_hash_both(look->zone_hash, look->client_hash));
}

/* What is new is new to everybody, and only what had to be resolved can be. */
static void look_at_zone(struct look *look)
{
	struct detect *detect = look->detect;
	struct zone *zone;
	bool fresh;

	look->fresh_name = bloom_add(detect->names, look->name_hash);
	if (look->fresh_name)
		fetch_more(look);
	zone = table_enter(detect->zones, look->zone_hash, look->now_s, &fresh);
	if (zone == NULL)
		return;
	if (fresh || zone->last_s / DAY_S != (uint32_t)look->now_s / DAY_S)
		look->fresh_zone = bloom_add(detect->known, look->zone_hash);
	if (fresh)
		zone_init(zone, look->now_s, !look->fresh_zone || look->is_warming_up, !look->fresh_zone);
	else
		zone_age(zone, look->now_s);
	zone_note_client(zone, (uint32_t)look->client_hash);
	look->zone = zone;
	look->score = zone->score;
	detectors_judge_zone(look);
	look->zone_days = zone_days(zone, look->now_s);
	look->zone_clients = zone_clients(zone);
	look->zone = NULL;
	table_leave(detect->zones, look->zone_hash);
}

/* What is known so well is not new, and its names tell nothing. */
static void look_at_guarded_zone(struct look *look)
{
	struct detect *detect = look->detect;
	bool fresh;

	look->zone = table_enter(detect->zones, look->zone_hash, look->now_s, &fresh);
	if (look->zone == NULL)
		return;
	if (fresh)
		zone_init(look->zone, look->now_s, true, false);
	else
		zone_age(look->zone, look->now_s);
	detectors_guard_zone(look);
	look->guarded = look->evidence != 0;
	look->zone = NULL;
	table_leave(detect->zones, look->zone_hash);
}

static void look_at_client(struct look *look)
{
	struct detect *detect = look->detect;
	bool fresh;

	look->client = table_enter(detect->clients, look->client_hash, look->now_s, &fresh);
	if (look->client == NULL)
		return;
	client_age(look->client, look->now_s);
	look->client->answers++;
	look->client->missing += look->facts->rcode == RCODE_NXDOMAIN;
	detectors_judge_client(look);
	table_leave(detect->clients, look->client_hash);
}

/* What share of a client's answers says that there is no such name depends on the cached ones, too. */
static void count_hits(struct look *look)
{
	struct client *client = table_find(look->detect->clients, look->client_hash);

	if (client == NULL)
		return;
	client_age(client, look->now_s);
	client->answers += HITS_SAMPLED;
	table_leave(look->detect->clients, look->client_hash);
}

static bool was_resolved(enum answer_path path)
{
	return path == PATH_RESOLVED || path == PATH_SERVFAIL;
}

/* Of a cached address nothing is learned but that it was asked for. */
static bool is_telling(const struct facts *facts, enum answer_path path)
{
	return was_resolved(path) || facts->rcode != 0 || !facts_ask_for_address(facts);
}

bool detect_wants(const struct facts *facts, enum answer_path path, uint64_t ordinal)
{
	return is_telling(facts, path) || ordinal % HITS_SAMPLED == 0;
}

bool detect_is_hit(const struct facts *facts, enum answer_path path)
{
	return !is_telling(facts, path);
}

/* Names below no top-level domain that there is are one zone for each client: a tunnel without a delegation goes
 * straight to its own resolver, and through this one by mistake. */
static bool find_zone(struct look *look, const struct name *qname)
{
	const struct suffix_found found = suffix_find(look->detect->suffixes, qname);

	look->name_hash = found.name;
	look->zone_labels = found.labels;
	look->zone_hash = found.labels > 0 ? found.zone : ~look->client_hash;
	return found.labels > 0 || (qname->labels >= 2 && !found.has_tld);
}

/* Whoever looks up an address has not chosen the name; any other can carry data in a question of that type, too. */
static bool is_watched(const struct look *look)
{
	const bool address = look->facts->qtype == RRTYPE_PTR && recon_is_reverse(&look->facts->qname);

	return look->has_zone && !address &&
		(look->sight->traits & (TRAIT_POPULAR | TRAIT_APPROVED | TRAIT_INTERNAL)) == 0;
}

/* Whoever takes over the servers of a protected zone does not wait until nobody knows it. */
static bool is_guarded(const struct look *look)
{
	return look->is_miss && look->zone_labels > 0 && look->detect->brands != NULL &&
		brands_have(look->detect->brands, look->zone_hash);
}

static void take_hit(struct detect *detect, const struct detect_hit *hit, int64_t now_s)
{
	struct look look;

	look.detect = detect;
	look.now_s = now_s;
	look.client_hash = look_hash_client(detect, &hit->client);
	if (find_zone(&look, &hit->qname))
		random_subdomain_hit(&look);
	count_hits(&look);
}

static __attribute__((noinline)) void take_hits(struct detect *detect, struct detect_hits *hits, int64_t now_s)
{
	const int64_t waited = now_s - hits->since_s;

	for (unsigned i = 0; i < hits->count && waited >= 0 && waited < HITS_LATE_S; i++)
		take_hit(detect, &hits->items[i], now_s);
	hits->count = 0;
}

void detect_hit(struct detect *detect, struct detect_hits *hits, const struct facts *facts, int64_t now_s)
{
	struct detect_hit *hit = &hits->items[hits->count];

	if (hits->count++ == 0)
		hits->since_s = now_s;
	hit->client = facts->client;
	name_copy(&hit->qname, &facts->qname);
	if (hits->count == DETECT_HITS_MAX)
		take_hits(detect, hits, now_s);
}

HOT void detect_answer(struct detect *detect, const struct detector_conf conf[DETECTOR_COUNT], const struct sight *sight,
	struct detections *detections)
{
	struct look look = {
		.detect = detect, .conf = conf, .sight = sight, .facts = sight->facts, .detections = detections,
		.now_s = sight->now_ms / 1000,
		.is_warming_up = sight->now_ms / 1000 - started_s(detect) < (int64_t)DAY_S *
			conf[DETECTOR_NEWLY_OBSERVED].values[0],
		.zone_days = UINT32_MAX, .zone_clients = UINT32_MAX,
		.is_miss = was_resolved(sight->path),
		.score = ZONE_NOT_SCORED,
	};
	struct answered answered;
	bool guarded, watched;

	detections->count = 0;
	detections->points = detections->standing = 0;
	detections->call.reaction = REACTION_OFF;
	if (!detect_wants(look.facts, sight->path, sight->ordinal))
		return;
	if (sight->hits != NULL && sight->hits->count > 0)
		take_hits(detect, sight->hits, look.now_s);
	look.client_hash = look_hash_client(detect, &look.facts->client);
	table_fetch(detect->clients, look.client_hash);
	look.has_zone = find_zone(&look, &look.facts->qname);
	watched = is_watched(&look);
	if (watched && look.is_miss)
		fetch(&look);
	guarded = is_guarded(&look);
	if (look.is_miss && look.has_zone && (guarded || (sight->traits & (TRAIT_APPROVED | TRAIT_INTERNAL)) == 0)) {
		answered_read(&answered, look.facts);
		look.answered = &answered;
	}
	if (watched && look.is_miss) {
		look.may_have_pair = true;
		novelty_fetch(&look, &answered);
		fetch_records(&look);
		look_at_zone(&look);
	} else if (guarded) {
		look_at_guarded_zone(&look);
	} else if (watched && sight->ordinal % HITS_SAMPLED == 0) {
		random_subdomain_hit(&look);
	}
	if (is_telling(look.facts, sight->path))
		look_at_client(&look);
	else
		count_hits(&look);
	look.is_reverse = look.evidence != 0 && recon_is_reverse(&look.facts->qname);
	fusion_end(&look);
	if (look.pair != NULL)
		table_leave(detect->pairs, look.pair_hash);
}
