/*
 * look.h: one answer on its way through the detectors. For detect/ alone.
 *
 * Threads: it lives on the stack of the thread that calls detect_answer.
 */
#ifndef DETECT_LOOK_H
#define DETECT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "detect/bloom.h"
#include "detect/client.h"
#include "detect/detect.h"
#include "detect/look_alike.h"
#include "detect/pair.h"
#include "detect/suffix.h"
#include "detect/table.h"
#include "detect/zone.h"
#include "policy/rrtype.h"

struct detect {
	struct hash_key key;
	struct suffix_set *suffixes;
	struct table *zones, *clients, *pairs, *reports;
	struct bloom *names;                 /* whole names, a day */
	struct bloom *known;                 /* zones, a month */
	struct bloom *answers;               /* zone, type and network, a month */
	struct brands *brands;               /* NULL: nothing is protected */
	_Atomic int64_t started_s;           /* the thread that turns puts it with the clock, and the next one */
	_Atomic int64_t turned_s;            /* when it last did */
};

/* Everything came from a file, into detectors that begin now: that began to remember at the one time, and saved it at the
 * other. */
void detect_resume(struct detect *detect, int64_t started_s, int64_t saved_s);

enum side { SIDE_OUTSIDE, SIDE_LOOPBACK, SIDE_INSIDE, SIDE_COUNT };

struct answered_address {
	uint64_t network;                    /* hash of it and the zone, by novelty_fetch */
	uint32_t ttl;
	uint8_t length;                      /* 4 or 16 */
	uint8_t octets[16];
};

/* What the answer section holds, as far as most detectors look at it (detect/answered.c). */
struct answered {
	unsigned count;                      /* of addresses */
	unsigned before_alias;               /* the first ones, that no alias leads to */
	unsigned sides[SIDE_COUNT];          /* of addresses in the Internet, hints of services included: where they lead */
	uint32_t ttl;                        /* the lowest; UINT32_MAX: there are no records */
	bool has_records, has_alias;
	bool has_data;                       /* records of other types than addresses */
	struct answered_address addresses[FACTS_RECORDS_MAX];
};

/* `records` of facts, or that there are none. */
void answered_read(struct answered *answered, const struct facts *facts);

struct look {
	struct detect *detect;
	const struct detector_conf *conf;    /* of all detectors */
	const struct sight *sight;
	const struct facts *facts;
	const struct answered *answered;     /* NULL: not resolved just now, or of no zone that is looked at */
	struct detections *detections;
	int64_t now_s;
	bool has_zone;                       /* a registrable domain, or what stands for one */
	unsigned zone_labels;                /* of it; 0: none */
	int score;                           /* of the zone's name, or ZONE_NOT_SCORED */
	uint64_t zone_hash, client_hash, name_hash, pair_hash;
	bool is_warming_up;                  /* too early to say what is new */
	bool is_miss;                        /* it was resolved for somebody, just now */
	bool fresh_name;                     /* nobody asked for the name within a day */
	bool fresh_zone;                     /* nor for any other of its zone within a month */
	struct zone *zone;                   /* NULL: not wanted, none or contention; as the next two */
	struct client *client;
	struct pair *pair;                   /* by look_pair */
	bool may_have_pair;                  /* that was not asked for yet */
	uint64_t evidence;                   /* tiers of the detectors, of this answer (detect/fusion.c) */
	uint32_t zone_days, zone_clients;    /* of the zone, for a flag */
	struct detection spare;              /* the lead that need not be said */
	struct detection *lead;              /* the weightiest that may lead to a flag; NULL: none */
	enum tier loudest;                   /* of those */
	bool lead_is_said;
	bool is_reverse;                     /* below a tree of addresses; only where something was said */
	bool guarded;                        /* a guard of a protected zone said something: to be told of, never denied */
};

/* The option of a detector as configured. */
static inline uint32_t look_option(const struct look *look, enum detector detector, unsigned option)
{
	return look->conf[detector].values[option];
}

static inline bool facts_ask_for_address(const struct facts *facts)
{
	return facts->qtype == RRTYPE_A || facts->qtype == RRTYPE_AAAA;
}

/* What stands before the zone, without the length octets of its labels. Returns how many octets. */
size_t look_prefix(const struct look *look, uint8_t to[NAME_OCTETS_MAX]);

uint64_t look_hash_client(const struct detect *detect, const struct address *client);
uint64_t look_hash_both(uint64_t one, uint64_t other);

/* A detection, unless the same was reported within half an hour: `value` and `threshold` in the detector's unit. NULL:
 * it was, or there is no room; else features can be added. */
struct detection *look_report(struct look *look, enum detector detector, enum tier tier, float value,
	uint32_t threshold);

/* The pair of client and zone, for a detector that notes something in it or wants the rhythm of questions: most answers
 * need none. NULL: not wanted here, or contention. */
struct pair *look_pair(struct look *look);

/* Leaves NULL alone. */
void detection_add(struct detection *detection, enum feature_name name, float value);

/* Is it a zone as a whole that the detector weighs, and the client has had little part in it? */
bool fusion_is_others_doing(const struct look *look, unsigned detector);

/* Notes what a detector says; fusion_end makes points of it and calls for a flag. */
void fusion_note(struct look *look, enum detector detector, enum tier tier);

/* `made` may lead to a flag: keeps it, if it is the weightiest. `said`: where it stands among those that are said, NULL:
 * nowhere. Returns where it is kept, or NULL. */
struct detection *fusion_lead(struct look *look, const struct detection *made, struct detection *said);
void fusion_end(struct look *look);

/* All that was said of a pair of late, of that the highest tier of one detector, and the points of it all. */
uint64_t fusion_evidence(const struct pair *pair);
enum tier fusion_tier(uint64_t evidence, unsigned detector);
unsigned fusion_points(uint64_t evidence, unsigned traits);

/* Evidence of a pair without what no detector can have said. */
uint64_t fusion_mend(uint64_t evidence);

/* The rows of detect/detectors.c: look->zone is there, on each answer that was not cached; look->client is, on each that
 * may matter to it. */
void detectors_judge_zone(struct look *look);

/* Of a protected zone that everybody knows, or that somebody vouches for: its servers and signatures alone. */
void detectors_guard_zone(struct look *look);
void detectors_judge_client(struct look *look);

/* Of cached answers one in so many is counted, for so many. */
#define HITS_SAMPLED 8u

/* Works out which networks the answer leads to, and begins to bring what is known of them. */
void novelty_fetch(const struct look *look, struct answered *answered);

bool delegation_is_due(const struct look *look);

/* A name that was asked for before leads to a network that the zone was never in. */
void delegation_note_move(struct look *look);
void random_subdomain_hit(struct look *look);

/* What detectors make of records, for detect/view.c, too. */
#define TUNNEL_RAW_FACTOR 8u         /* without looking at the last names it takes so much more */

enum tier tunnel_tier(const struct zone *zone, const struct detector_conf *conf, int64_t now_s, uint32_t *threshold);

#define FAST_FLUX_TURNED_PERCENT 50u /* of all addresses those that came when a name was asked for again */

struct flux {
	float addresses, networks, score;
};

struct flux fast_flux_of(const struct zone *zone);
bool beacon_has_rhythm_of_ttl(const struct pair *pair);
enum tier look_alike_tier(enum likeness likeness);

/* Below a top-level domain that nobody looks for on the Internet, but for addresses (detect/nxdomain_burst.c)? */
bool name_is_own(const struct name *name);

/* Below one of the trees of addresses (RFC 1035 section 3.5, RFC 3596 section 2.5)? */
bool recon_is_reverse(const struct name *name);

void judge_beacon(struct look *look);
void judge_changed_resolution(struct look *look);       /* and conditional answers */
void judge_delegation(struct look *look);               /* new name servers and changed ones */
void judge_dnssec_drop(struct look *look);
void judge_fast_flux(struct look *look);
void judge_look_alike(struct look *look);
void judge_generated_name(struct look *look);
void judge_newly_observed(struct look *look);
void judge_nxdomain_burst(struct look *look);
void judge_odd_type(struct look *look);
void judge_random_subdomain(struct look *look);
void judge_rebinding(struct look *look);                /* and flips */
void judge_recon(struct look *look);
void judge_resolver_bypass(struct look *look);
void judge_tunnel(struct look *look);
void judge_tunnel_down(struct look *look);
void judge_weak_channel(struct look *look);

#endif
