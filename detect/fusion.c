/*
 * fusion.c: from what detectors say of one client and one zone, each by itself, to a flag.
 *
 * Each detector counts with the highest of its tiers within the last half hour to hour: low 1, alert 3, high 5, block 8.
 * A zone that is newly observed adds 1 where anything else was said. A popular one takes 4 away and is never denied; what
 * is approved or internal is never flagged. What is weighed for a zone as a whole counts for a client that had its part
 * in it. 3 points alert, 8 deny, where the detector that leads may and the zone is young or hardly used. Of a flood
 * against a zone (random-subdomain) "block" speaks by itself, and counts as an alert beside others.
 */
#include "detect/look.h"

#include <string.h>

#include "policy/hot.h"

#define TIER_BITS 3u
#define TIER_MASK UINT64_C(7)
#define CALL_AGAIN_S 5               /* a call may get lost */
#define POINTS_ALERT 3u
#define POINTS_BLOCK 8u
#define POINTS_POPULAR 4u
#define OWN_OCTETS 256.0f            /* more than one name can hold */
#define YOUNG_DAYS 30u
#define FEW_CLIENTS 3u

_Static_assert(DETECTOR_COUNT * TIER_BITS <= 64 && TIER_COUNT <= 1 << TIER_BITS, "the tiers of all fit into a word");

static const uint8_t points_of[TIER_COUNT] = {
	[TIER_LOW] = 1, [TIER_ALERT] = 3, [TIER_HIGH] = 5, [TIER_BLOCK] = 8,
};

/* Detectors that speak of a client whatever the zone. */
static const uint32_t about_client = UINT32_C(1) << DETECTOR_RECON | UINT32_C(1) << DETECTOR_NXDOMAIN_BURST;

/* Detectors that weigh a zone, whoever asks: a client that has little part in it is not to blame for the others. */
static const uint32_t about_zone = UINT32_C(1) << DETECTOR_TUNNEL | UINT32_C(1) << DETECTOR_TUNNEL_DOWN |
	UINT32_C(1) << DETECTOR_WEAK_CHANNEL;

bool fusion_is_others_doing(const struct look *look, unsigned detector)
{
	if ((about_zone >> detector & 1) == 0)
		return false;
	return look->pair == NULL || look->pair->own < OWN_OCTETS;
}

enum tier fusion_tier(uint64_t evidence, unsigned detector)
{
	return (enum tier)(evidence >> TIER_BITS * detector & TIER_MASK);
}

/* The servers of a zone that is flooded suffer: it is no reason to deny the zone for anything else. */
static unsigned points(enum tier tier, unsigned detector)
{
	return points_of[detector == DETECTOR_RANDOM_SUBDOMAIN && tier > TIER_ALERT ? TIER_ALERT : tier];
}

static uint64_t with(uint64_t evidence, unsigned detector, enum tier tier)
{
	if (tier <= fusion_tier(evidence, detector))
		return evidence;
	return (evidence & ~(TIER_MASK << TIER_BITS * detector)) | (uint64_t)tier << TIER_BITS * detector;
}

static uint64_t merged(uint64_t a, uint64_t b)
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		a = with(a, i, fusion_tier(b, i));
	return a;
}

uint64_t fusion_mend(uint64_t evidence)
{
	uint64_t mended = 0;

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		if (fusion_tier(evidence, i) < TIER_COUNT)
			mended = with(mended, i, fusion_tier(evidence, i));
	return mended;
}

void fusion_note(struct look *look, enum detector detector, enum tier tier)
{
	if (!fusion_is_others_doing(look, detector))
		look->evidence = with(look->evidence, detector, tier);
}

/* --- the lead ----------------------------------------------------------------------------------------------------- */

/* Who may have a zone denied goes first. */
static unsigned rank(const struct detection *detection)
{
	return detection->reaction * TIER_COUNT + detection->tier;
}

struct detection *fusion_lead(struct look *look, const struct detection *made, struct detection *said)
{
	if (made->reaction < REACTION_ALERT || made->tier < TIER_LOW || fusion_is_others_doing(look, made->detector))
		return NULL;
	if (made->tier > look->loudest)
		look->loudest = made->tier;
	if (look->lead != NULL && rank(made) <= rank(look->lead))
		return NULL;
	if (said == NULL)
		look->spare = *made;
	look->lead = said != NULL ? said : &look->spare;
	look->lead_is_said = said != NULL;
	return look->lead;
}

/* --- points ------------------------------------------------------------------------------------------------------- */

uint64_t fusion_evidence(const struct pair *pair)
{
	return merged(pair->evidence[0], pair->evidence[1]);
}

static uint64_t remember(struct pair *pair, uint64_t evidence)
{
	pair->evidence[0] = merged(pair->evidence[0], evidence);
	return fusion_evidence(pair);
}

unsigned fusion_points(uint64_t evidence, unsigned traits)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		sum += points(fusion_tier(evidence, i), i);
	if (sum > 0 && fusion_tier(evidence, DETECTOR_NEWLY_OBSERVED) == TIER_TAG)
		sum++;
	if ((traits & TRAIT_POPULAR) != 0)
		sum -= sum < POINTS_POPULAR ? sum : POINTS_POPULAR;
	return sum;
}

/* --- the call ----------------------------------------------------------------------------------------------------- */

static bool is_about_client(const struct look *look)
{
	return (about_client >> look->lead->detector & 1) != 0;
}

/* A detector that says "block" has looked at it itself. */
static bool is_small(const struct look *look)
{
	return look->zone_days <= YOUNG_DAYS || look->zone_clients <= FEW_CLIENTS;
}

/* Trees of addresses are cut at whole octets, and who looks up addresses there is not counted: nobody can say that
 * such a one is hardly used. */
static bool may_be_denied(const struct look *look)
{
	return (look->sight->traits & TRAIT_POPULAR) == 0 && look->zone_labels > 0 && !look->is_reverse &&
		!is_about_client(look);
}

static enum reaction reaction_to(const struct look *look)
{
	const bool popular = (look->sight->traits & TRAIT_POPULAR) != 0;
	const unsigned sum = look->detections->points;

	if (look->lead == NULL)
		return REACTION_OFF;
	if (look->guarded)
		return look->loudest >= TIER_ALERT ? REACTION_ALERT : REACTION_OFF;
	if (look->lead->reaction == REACTION_BLOCK && may_be_denied(look) &&
	    (look->lead->tier == TIER_BLOCK || (sum >= POINTS_BLOCK && is_small(look))))
		return REACTION_BLOCK;
	return sum >= POINTS_ALERT || (!popular && look->loudest >= TIER_ALERT) ? REACTION_ALERT : REACTION_OFF;
}

/* What was called for a moment ago, and is no worse, is only counted. */
static bool is_to_be_called(struct look *look, enum reaction reaction)
{
	struct pair *pair = look->pair;
	const unsigned called = reaction * TIER_COUNT + look->lead->tier;
	const int64_t passed = pair != NULL ? look->now_s - (int64_t)pair->called_s : 0;

	if (pair == NULL)
		return look->lead_is_said;
	pair->calls++;
	if (called <= pair->called && passed >= 0 && passed < CALL_AGAIN_S)
		return false;
	pair->called = (uint8_t)called;
	pair->called_s = (uint32_t)look->now_s;
	return true;
}

static void call(struct look *look, enum reaction reaction)
{
	struct detections *to = look->detections;

	to->call.reaction = reaction;
	to->call.lead = *look->lead;
	to->call.answers = look->pair != NULL ? look->pair->calls : 1;
	to->call.days = look->zone_days;
	to->call.clients = look->zone_clients;
	/* Without a registrable domain there is still something above the name that a person can tell it by. */
	to->call.zone_labels = is_about_client(look) ? 0 : look->zone_labels > 0 ? (uint8_t)look->zone_labels : 1;
	if (look->pair != NULL)
		look->pair->calls = 0;
}

HOT void fusion_end(struct look *look)
{
	uint64_t evidence = look->evidence;
	enum reaction reaction;

	/* Of most answers nothing is said. */
	if (evidence == 0 || (!look->guarded && (look->sight->traits & (TRAIT_APPROVED | TRAIT_INTERNAL)) != 0))
		return;
	if (look_pair(look) != NULL)
		evidence = remember(look->pair, evidence);
	look->detections->points = fusion_points(evidence, look->sight->traits);
	reaction = reaction_to(look);
	if (reaction != REACTION_OFF && is_to_be_called(look, reaction))
		call(look, reaction);
}
