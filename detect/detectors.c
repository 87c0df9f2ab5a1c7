/* detectors.c: what runs when. */
#include "detect/look.h"

#include "policy/hot.h"
#include "policy/rrtype.h"

#define CLASS_IN 1u
#define RCODE_NXDOMAIN 3u

/* What there must be for a detector to have anything to do: most have nothing in most answers, and are not called. */
enum occasion {
	ON_ANY = 0,
	ON_FRESH_NAME = 1 << 0,
	ON_NEW_ZONE = 1 << 1,                /* nobody asked for it within a month, or a feed has it */
	ON_NOTED_ZONE = 1 << 2,              /* the resolver was there when it was new */
	ON_SERVERS_DUE = 1 << 3,             /* of which delegation_is_due */
	ON_SIGNATURES = 1 << 4,              /* on the answer, or the zone had some */
	ON_NO_SCORE = 1 << 5,               /* of the zone's name yet */
	ON_PROTECTED = 1 << 6,              /* there are names that the zone has not been found to be unlike */
	ON_ADDRESS_TYPE = 1 << 7,            /* asked for */
	ON_OTHER_TYPE = 1 << 8,
	ON_EXPLORING = 1 << 9,               /* another type or class, or a fresh name */
	ON_ADDRESSES = 1 << 10,               /* in the answer, hints included */
	ON_DATA = 1 << 11,                    /* in the answer: records of other types than addresses */
	ON_NXDOMAIN = 1 << 12,
};

/* A row for each detector; four of them are a line of the cache. */
struct detector_row {
	void (*judge)(struct look *look);
	uint16_t occasions;                  /* all of them */
	uint8_t detector;
};

/* With a zone: on each answer that was not cached. */
static const struct detector_row zone_detectors[] = {
	{ judge_newly_observed, ON_NEW_ZONE, DETECTOR_NEWLY_OBSERVED },
	{ judge_tunnel, ON_FRESH_NAME, DETECTOR_TUNNEL },
	{ judge_weak_channel, ON_FRESH_NAME | ON_NOTED_ZONE, DETECTOR_WEAK_CHANNEL },
	{ judge_tunnel_down, ON_DATA, DETECTOR_TUNNEL_DOWN },
	{ judge_changed_resolution, ON_ADDRESS_TYPE, DETECTOR_CHANGED_RESOLUTION },
	{ judge_fast_flux, ON_NOTED_ZONE, DETECTOR_FAST_FLUX },
	{ judge_random_subdomain, ON_ANY, DETECTOR_RANDOM_SUBDOMAIN },
	{ judge_beacon, ON_NOTED_ZONE, DETECTOR_BEACON },
	{ judge_dnssec_drop, ON_SIGNATURES, DETECTOR_DNSSEC_DROP },
	{ judge_delegation, ON_SERVERS_DUE, DETECTOR_NAME_SERVER },
	{ judge_delegation, ON_SERVERS_DUE, DETECTOR_DELEGATION_CHANGE },
	{ judge_look_alike, ON_PROTECTED, DETECTOR_LOOK_ALIKE },
	{ judge_generated_name, ON_NO_SCORE, DETECTOR_GENERATED_NAME },
};

/* With a client: on each answer that may matter to it. */
static const struct detector_row client_detectors[] = {
	{ judge_odd_type, ON_OTHER_TYPE, DETECTOR_ODD_TYPE },
	{ judge_resolver_bypass, ON_ANY, DETECTOR_RESOLVER_BYPASS },
	{ judge_rebinding, ON_ADDRESSES, DETECTOR_REBINDING },
	{ judge_recon, ON_EXPLORING, DETECTOR_RECON },
	{ judge_nxdomain_burst, ON_NXDOMAIN, DETECTOR_NXDOMAIN_BURST },
};

static void run(struct look *look, const struct detector_row *rows, size_t count, unsigned occasions)
{
	const unsigned missing = ~occasions;

	for (size_t i = 0; i < count; i++)
		if ((rows[i].occasions & missing) == 0 && look->conf[rows[i].detector].reaction != REACTION_OFF)
			rows[i].judge(look);
}

/* Nobody cares for signatures that never were there. */
static bool has_signatures(const struct look *look)
{
	return look->sight->security == SECURITY_SECURE ||
		(look->sight->security != SECURITY_UNKNOWN && look->zone->secure_s != 0);
}

/* Of the zone's own name. */
static unsigned name_occasions(const struct look *look)
{
	if (look->zone_labels == 0)
		return ON_ANY;
	return (look->zone->score == ZONE_NOT_SCORED ? ON_NO_SCORE : 0) |
		(look->detect->brands != NULL && look->zone->likeness != LIKENESS_NONE ? ON_PROTECTED : 0);
}

static bool is_new(const struct look *look)
{
	return look->fresh_zone || (look->sight->traits & TRAIT_REGISTERED) != 0;
}

static unsigned zone_occasions(const struct look *look)
{
	return (look->fresh_name ? ON_FRESH_NAME : 0) | (is_new(look) ? ON_NEW_ZONE : 0) |
		(look->zone->first_s != 0 ? ON_NOTED_ZONE : 0) | (delegation_is_due(look) ? ON_SERVERS_DUE : 0) |
		(has_signatures(look) ? ON_SIGNATURES : 0) | (facts_ask_for_address(look->facts) ? ON_ADDRESS_TYPE : 0) |
		(look->answered->has_data ? ON_DATA : 0) | name_occasions(look);
}

void detectors_guard_zone(struct look *look)
{
	if (has_signatures(look) && look->conf[DETECTOR_DNSSEC_DROP].reaction != REACTION_OFF)
		judge_dnssec_drop(look);
	if (look->conf[DETECTOR_DELEGATION_CHANGE].reaction != REACTION_OFF)
		judge_delegation(look);
}

static bool leads_somewhere(const struct answered *answered)
{
	return answered != NULL &&
		(answered->sides[SIDE_OUTSIDE] | answered->sides[SIDE_INSIDE] | answered->sides[SIDE_LOOPBACK]) != 0;
}

static unsigned client_occasions(const struct look *look)
{
	const struct facts *facts = look->facts;
	const unsigned other = facts_ask_for_address(facts) ? 0 : ON_OTHER_TYPE;

	return other | (other != 0 || look->fresh_name || facts->qclass != CLASS_IN ? ON_EXPLORING : 0) |
		(leads_somewhere(look->answered) ? ON_ADDRESSES : 0) | (facts->rcode == RCODE_NXDOMAIN ? ON_NXDOMAIN : 0);
}

HOT void detectors_judge_zone(struct look *look)
{
	run(look, zone_detectors, sizeof(zone_detectors) / sizeof(zone_detectors[0]), zone_occasions(look));
}

HOT void detectors_judge_client(struct look *look)
{
	run(look, client_detectors, sizeof(client_detectors) / sizeof(client_detectors[0]), client_occasions(look));
}
