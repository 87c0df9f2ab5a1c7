/*
 * detection.h: what a detector says of one answer, and the table of all detectors.
 *
 * A detector is a row: its name, the ATT&CK techniques it is evidence of, its options with their defaults, and what a
 * person is told. Detectors judge behaviour over time (detect/detect.h); policy lists always win over them.
 *
 * Order and names are part of the frame format: add at the end.
 *
 * Threads: values and constants only.
 */
#ifndef POLICY_DETECTION_H
#define POLICY_DETECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DETECTOR_OPTIONS_MAX 6
#define DETECTION_FEATURES_MAX 4
#define DETECTIONS_MAX 4             /* of one answer; the weightiest ones */

enum detector {
	DETECTOR_TUNNEL,
	DETECTOR_TUNNEL_DOWN,
	DETECTOR_WEAK_CHANNEL,
	DETECTOR_GENERATED_NAME,
	DETECTOR_NXDOMAIN_BURST,
	DETECTOR_NEWLY_OBSERVED,
	DETECTOR_CHANGED_RESOLUTION,
	DETECTOR_NAME_SERVER,
	DETECTOR_DELEGATION_CHANGE,
	DETECTOR_REBINDING,
	DETECTOR_REBINDING_FLIP,
	DETECTOR_FAST_FLUX,
	DETECTOR_LOOK_ALIKE,
	DETECTOR_RECON,
	DETECTOR_RANDOM_SUBDOMAIN,
	DETECTOR_ODD_TYPE,
	DETECTOR_RESOLVER_BYPASS,
	DETECTOR_DNSSEC_DROP,
	DETECTOR_BEACON,
	DETECTOR_CONDITIONAL_ANSWER,
	DETECTOR_COUNT
};

/* What a list says of a name besides rules: it tags and tempers, and never decides. */
enum trait {
	TRAIT_NONE = 0,
	TRAIT_POPULAR = 1,                   /* everybody knows it */
	TRAIT_APPROVED = 2,                  /* the operator vouches for it */
	TRAIT_INTERNAL = 4,                  /* the operator's own */
	TRAIT_REGISTERED = 8,                /* registered or moved of late, says a feed */
};

/* How sure a detector is. A tag says something about the answer and nothing against it. */
enum tier { TIER_NONE, TIER_TAG, TIER_LOW, TIER_ALERT, TIER_HIGH, TIER_BLOCK, TIER_COUNT };

extern const char *const tier_names[TIER_COUNT];

/* What may become of what a detector finds. */
enum reaction { REACTION_OFF, REACTION_OBSERVE, REACTION_ALERT, REACTION_BLOCK, REACTION_COUNT };

extern const char *const reaction_names[REACTION_COUNT];

struct detector_option {
	const char *name;            /* as in the configuration; NULL: no more */
	const char *unit;
	uint32_t fallback, min, max;
	const char *help;
};

struct detector_info {
	const char *name;
	const char *attack;          /* ATT&CK ids, separated by blanks; empty: none */
	enum reaction reaction_max;  /* the most that may be asked for */
	const char *says;            /* what it means when it fires, for a person */
	struct detector_option options[DETECTOR_OPTIONS_MAX];
};

extern const struct detector_info detector_table[DETECTOR_COUNT];

/* An option that is never to be more than another one of its detector: the tier that it leads to could not be told.
 * Of options that lead to the same tier either is enough, and one that is set out of reach leaves it to the other. */
struct detector_order {
	enum detector detector;
	unsigned low, high;          /* options of the table */
};

#define DETECTOR_ORDERS 3
extern const struct detector_order detector_orders[DETECTOR_ORDERS];

/* What denies such answers, where the detector can not, for a person; NULL: nothing that is known. */
extern const char *const detector_instead[DETECTOR_COUNT];

/* The detector of that name; DETECTOR_COUNT when there is none. */
enum detector detector_by_name(const char *name);

/* detector: */
struct detector_conf {
	enum reaction reaction;
	uint32_t values[DETECTOR_OPTIONS_MAX];   /* in the order of the table's options */
};

/* What holds when nothing is configured: everything observes. */
void detector_conf_defaults(struct detector_conf conf[DETECTOR_COUNT]);

/* False also where there is no detector of that name. */
bool detector_is_to_block(const char *name, const struct detector_conf conf[DETECTOR_COUNT]);

/* What a detector has measured. Order and names are part of the frame format: add at the end. */
enum feature_name {
	FEATURE_OCTETS_10M,
	FEATURE_OCTETS_12H,
	FEATURE_NAMES,
	FEATURE_CLIENTS,
	FEATURE_ADDRESSES,
	FEATURE_ADDRESSES_IN_NETWORK,
	FEATURE_NETWORKS,
	FEATURE_FAILURES,
	FEATURE_CHILDREN,
	FEATURE_OWNERS,
	FEATURE_ANY,
	FEATURE_CHAOS,
	FEATURE_QTYPE,
	FEATURE_INTERVAL,
	FEATURE_VARIATION,
	FEATURE_INSIDE,
	FEATURE_OUTSIDE,
	FEATURE_BOGUS,
	FEATURE_LIKENESS,
	FEATURE_REGISTERED,
	FEATURE_COUNT
};

extern const char *const feature_names[FEATURE_COUNT];

struct feature {
	uint8_t name;                /* enum feature_name */
	uint32_t value;
};

struct detection {
	uint8_t detector;            /* enum detector */
	uint8_t tier;                /* enum tier */
	uint8_t reaction;            /* enum reaction, as configured */
	uint8_t feature_count;
	uint32_t value, threshold;   /* in the unit of the detector's first option */
	uint32_t repeated;           /* how often since the last frame about the same */
	struct feature features[DETECTION_FEATURES_MAX];
};

/* What the detectors say of one answer. */
struct detections {
	size_t count;
	struct detection items[DETECTIONS_MAX];
	uint32_t standing;           /* detectors that fire, a bit each, whether it is said again or not; no tags */
	uint32_t points;             /* of all that was said of the client and the zone of late (detect/fusion.c) */
	struct {
		enum reaction reaction;  /* REACTION_ALERT or REACTION_BLOCK; else nothing else is set */
		struct detection lead;   /* the one that weighs most */
		uint32_t answers;        /* that have called for it since it was last said */
		uint32_t days, clients;  /* of the zone, as far as known: how old, and how many (4: that or more) */
		uint8_t zone_labels;     /* of the question's name; 0: it is about all that the client asks */
	} call;                      /* for a flag (control/flag_book.h); now and then, not at each answer */
};

#endif
