/* learn.c: recordings go through the detectors, and what these say is kept. */
#include "tools/learn_parts.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "tools/replay.h"

#define DIFFERENT_MAX ((size_t)1 << 21)   /* of each kind */
#define DAY_MS INT64_C(86400000)
#define TURN_MS 60000
#define KEY_MAX (1 + NAME_OCTETS_MAX + LEARN_CLIENT_OCTETS + 2)

_Static_assert(KEY_MAX <= EVIDENCE_KEY_MAX, "every key fits");

static struct detect *make_detect(const struct conf *conf, struct diag *diag)
{
	static const struct hash_key key = { 0x7665726469637400, 0x6c6561726e000000 };
	const struct detection_conf *wanted = &conf->detection;
	const struct detect_sizes sizes = { wanted->zones, wanted->clients, wanted->pairs, wanted->names_octets,
		wanted->known_octets, wanted->answers_octets };
	struct detect *detect = detect_create(&sizes, wanted->suffixes, &key, 0, diag);

	if (detect != NULL && detect_protect(detect, conf->live.protected, conf->live.protected_count) != 0) {
		diag_set(diag, conf->path, 0, 0, "out of memory");
		detect_destroy(&detect);
	}
	return detect;
}

static struct evidence **kinds_of(struct learn *learn, unsigned index)
{
	struct evidence **kinds[] = { &learn->said, &learn->client_said, &learn->blame, &learn->features,
		&learn->client_features, &learn->pairs, &learn->clients, &learn->zone_days, &learn->days, &learn->listed,
		&learn->rented, &learn->listed_clients, &learn->alarms, &learn->left, &learn->peaks };

	return index < sizeof(kinds) / sizeof(kinds[0]) ? kinds[index] : NULL;
}

/* An alarm is what would be flagged if every detector were to go as far as it may. */
static void let_all_act(struct detector_conf conf[DETECTOR_COUNT])
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		if (conf[i].reaction != REACTION_OFF)
			conf[i].reaction = detector_table[i].reaction_max;
}

struct learn *learn_create(const struct learn_options *options, struct diag *diag)
{
	const struct conf *conf = options->conf;
	struct learn *learn = calloc(1, sizeof(*learn));
	struct evidence **kind;
	bool whole = learn != NULL;

	for (unsigned i = 0; whole && (kind = kinds_of(learn, i)) != NULL; i++)
		whole = (*kind = evidence_create(DIFFERENT_MAX)) != NULL;
	if (!whole) {
		diag_set(diag, conf->path, 0, 0, "out of memory");
		learn_destroy(&learn);
		return NULL;
	}
	learn->options = *options;
	memcpy(learn->conf, conf->options.detectors, sizeof(learn->conf));
	let_all_act(learn->conf);
	learn->detect = make_detect(conf, diag);
	for (unsigned i = 0; i < LEARN_INSTANCES && learn->detect != NULL; i++) {
		memcpy(learn->low[i], learn->conf, sizeof(learn->low[i]));
		learn_lower(learn->low[i], i);
		learn->lowered[i] = make_detect(conf, diag);
		if (learn->lowered[i] == NULL)
			detect_destroy(&learn->detect);
	}
	if (learn->detect == NULL || learn_rented(learn, diag) != 0)
		learn_destroy(&learn);
	return learn;
}

void learn_destroy(struct learn **learn)
{
	struct evidence **kind;

	if (*learn == NULL)
		return;
	for (unsigned i = 0; (kind = kinds_of(*learn, i)) != NULL; i++)
		evidence_destroy(kind);
	detect_destroy(&(*learn)->detect);
	for (unsigned i = 0; i < LEARN_INSTANCES; i++)
		detect_destroy(&(*learn)->lowered[i]);
	free((*learn)->zones);
	free((*learn)->thresholds);
	free(*learn);
	*learn = NULL;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

struct key {
	size_t octets;
	uint8_t at[KEY_MAX];
};

static void put(struct key *key, const void *from, size_t octets)
{
	if (octets > sizeof(key->at) - key->octets)
		return;
	memcpy(key->at + key->octets, from, octets);
	key->octets += octets;
}

static void put_octet(struct key *key, unsigned octet)
{
	const uint8_t value = (uint8_t)octet;

	put(key, &value, 1);
}

static void put_subject(const struct learn *learn, struct key *key, bool about_client)
{
	if (about_client)
		put(key, learn->client, sizeof(learn->client));
	else
		put(key, learn->zone.octets, learn->zone.length);
}

static void keep(const struct learn *learn, struct evidence *in, const struct key *key, uint32_t value)
{
	evidence_add(in, key->at, key->octets, 1, learn->now_ms, value);
}

/* --- hearing ------------------------------------------------------------------------------------------------------ */

static void hear_said(void *arg, const struct detection *said)
{
	struct learn *learn = arg;
	const bool about_client = learn_is_about_client(said->detector);
	struct key key = { 0 };

	if (said->tier <= TIER_TAG || (about_client && !learn->has_client))
		return;
	put_subject(learn, &key, about_client);
	put_octet(&key, said->detector);
	put_octet(&key, said->tier);
	keep(learn, about_client ? learn->client_said : learn->said, &key, said->value);
	if (about_client || !learn->has_client)
		return;
	key.octets--;
	put(&key, learn->client, sizeof(learn->client));
	keep(learn, learn->blame, &key, 0);
}

static void hear_measured(void *arg, const struct detection *said)
{
	struct learn *learn = arg;

	for (unsigned i = 0; i < learn_row_count; i++) {
		const struct learn_row *row = &learn_rows[i];
		struct key key = { 0 };

		if (row->detector != said->detector || row->instance != learn->hearing || row->floor != said->threshold ||
		    (row->about_client && !learn->has_client))
			continue;
		put_octet(&key, i);
		put_subject(learn, &key, row->about_client);
		keep(learn, learn->peaks, &key, said->value);
	}
}

static void note_features(struct learn *learn, const struct detection *detection)
{
	const bool about_client = learn_is_about_client(detection->detector);

	for (unsigned i = 0; i < detection->feature_count && detection->tier > TIER_TAG; i++) {
		struct key key = { 0 };

		put_subject(learn, &key, about_client);
		put_octet(&key, detection->detector);
		put_octet(&key, detection->features[i].name);
		keep(learn, about_client ? learn->client_features : learn->features, &key, detection->features[i].value);
	}
}

static void note_alarm(struct learn *learn, const struct detections *detections)
{
	const bool about_client = detections->call.zone_labels == 0;
	struct key key = { 0 };

	if (detections->call.reaction == REACTION_OFF)
		return;
	put_octet(&key, about_client ? 'c' : 'z');
	put_subject(learn, &key, about_client);
	put_octet(&key, detections->call.lead.detector);
	keep(learn, learn->again ? learn->left : learn->alarms, &key, detections->call.lead.value);
}

/* --- one record --------------------------------------------------------------------------------------------------- */

/* The registrable domain; of a name that has none its last label, as flags have it. */
static void set_zone(struct learn *learn, const struct recorded *recorded)
{
	const struct name *qname = &recorded->qname;
	const unsigned labels = detect_zone_labels(learn->detect, qname);
	const uint8_t *zone = name_suffix(qname, qname->labels - (labels > 0 ? labels : qname->labels > 0));

	learn->zone = *qname;
	(void)name_from_wire(&learn->zone, zone, (size_t)(qname->octets + qname->length - zone));
}

/* As the detectors have it. */
static void set_client(struct learn *learn, const struct recorded *recorded)
{
	struct address client = recorded->client;

	(void)address_client(&client);
	memset(learn->client, 0, sizeof(learn->client));
	learn->has_client = client.family != ADDRESS_NONE;
	learn->client[0] = (uint8_t)client.family;
	memcpy(learn->client + 1, client.octets, address_bits(client.family) / 8);
}

static bool is_hit(const struct verdict *verdict)
{
	return verdict->shadow.trigger != TRIGGER_NONE || (verdict->traits & TRAIT_REGISTERED) != 0 ||
		(verdict->rule.trigger != TRIGGER_NONE &&
		 (action_table[verdict->rule.action].denies || verdict->rule.action == ACTION_OBSERVE));
}

static void note_use(struct learn *learn, const struct verdict *verdict)
{
	const uint32_t day = (uint32_t)(learn->now_ms / DAY_MS);
	struct key pair = { 0 }, zone_day = { 0 }, zone = { 0 }, client = { 0 }, days = { 0 };

	put_subject(learn, &zone, false);
	pair = zone_day = zone;
	put(&zone_day, &day, sizeof(day));
	keep(learn, learn->zone_days, &zone_day, 0);
	put(&days, &day, sizeof(day));
	keep(learn, learn->days, &days, 0);
	if (is_hit(verdict))
		keep(learn, learn->listed, &zone, 0);
	if (!learn->has_client)
		return;
	put_subject(learn, &pair, true);
	keep(learn, learn->pairs, &pair, 0);
	put_subject(learn, &client, true);
	if (is_hit(verdict))
		keep(learn, learn->listed_clients, &client, 0);
}

static void set_time(struct learn *learn, const struct recorded *recorded)
{
	/* Records without a time come when the one before came. */
	if (recorded->time_ms != 0)
		learn->now_ms = recorded->time_ms;
	if (learn->first_ms == 0 || learn->now_ms < learn->first_ms)
		learn->first_ms = learn->now_ms;
	if (learn->now_ms > learn->last_ms)
		learn->last_ms = learn->now_ms;
	if (learn->now_ms - learn->turned_ms < TURN_MS)
		return;
	learn->turned_ms = learn->now_ms;
	detect_turn(learn->detect, learn->now_ms);
	for (unsigned i = 0; i < LEARN_INSTANCES; i++)
		detect_turn(learn->lowered[i], learn->now_ms);
}

static void measure(struct learn *learn, struct sight sight)
{
	struct detections ignored;

	sight.hear = hear_measured;
	for (learn->hearing = 0; learn->hearing < LEARN_INSTANCES; learn->hearing++)
		detect_answer(learn->lowered[learn->hearing], learn->low[learn->hearing], &sight, &ignored);
}

static unsigned traits_of(const struct learn *learn, const struct verdict *verdict)
{
	const struct learn_zone *zone = learn->again ? learn_find_zone(learn, &learn->zone) : NULL;
	unsigned traits = verdict->traits | (verdict->action == ACTION_PASS ? TRAIT_APPROVED : TRAIT_NONE);

	return zone != NULL && zone->why_not == NULL ? traits | TRAIT_APPROVED : traits;
}

void learn_take(struct learn *learn, const struct recorded *recorded)
{
	struct facts facts = recorded_facts(recorded);
	struct behind_zone zone;
	struct detections detections;
	struct verdict verdict;
	struct sight sight = { .facts = &facts, .path = recorded->path, .hear_arg = learn,
		.security = recorded->behind.security,
		.ordinal = recorded->numbered ? recorded->ordinal : learn->records };

	learn->records++;
	set_time(learn, recorded);
	set_zone(learn, recorded);
	set_client(learn, recorded);
	replay_decide(learn->options.snapshot, &facts, recorded->answered, &verdict);
	if (!replay_is_detected(recorded, &verdict)) {
		if (!learn->again)
			note_use(learn, &verdict);
		return;
	}
	recorded_facts_behind(recorded, detect_zone_labels(learn->detect, &facts.qname), &zone, &facts);
	sight.traits = traits_of(learn, &verdict);
	sight.now_ms = learn->now_ms;
	sight.hear = learn->again ? NULL : hear_said;
	detect_answer(learn->detect, learn->conf, &sight, &detections);
	note_alarm(learn, &detections);
	if (learn->again)
		return;
	for (size_t i = 0; i < detections.count; i++)
		note_features(learn, &detections.items[i]);
	note_use(learn, &verdict);
	measure(learn, sight);
}

int learn_again(struct learn *learn, struct diag *diag)
{
	detect_destroy(&learn->detect);
	learn->detect = make_detect(learn->options.conf, diag);
	if (learn->detect == NULL)
		return -1;
	for (unsigned i = 0; i < learn_row_count; i++)
		if (learn->thresholds[i].why_not == NULL)
			learn->conf[learn_rows[i].detector].values[learn_rows[i].option] = learn->thresholds[i].proposed;
	learn->again = true;
	learn->records = 0;
	learn->now_ms = learn->turned_ms = 0;
	return 0;
}
