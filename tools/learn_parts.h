/*
 * learn_parts.h: what the files of tools/learn.h share. For these alone.
 */
#ifndef TOOLS_LEARN_PARTS_H
#define TOOLS_LEARN_PARTS_H

#include "detect/detect.h"
#include "tools/evidence.h"
#include "tools/learn.h"

#define LEARN_INSTANCES 2u           /* of detectors that tell whatever they measure */
#define LEARN_CLIENT_OCTETS 17u      /* family, and address_client */

/* A threshold that can be learned, and how to hear of all that it is compared with. */
struct learn_row {
	enum detector detector;
	unsigned option;                     /* what is learned */
	unsigned instance;                   /* where it is heard */
	unsigned floor_option;               /* the option that is lowered to hear of it ... */
	uint32_t floor;                      /* ... to this, which no other row of the detector and instance has */
	bool about_client;                   /* else about a zone */
};

extern const struct learn_row learn_rows[];
extern const unsigned learn_row_count;

/* Options as rows of that instance want them. */
void learn_lower(struct detector_conf conf[DETECTOR_COUNT], unsigned instance);

/* Does the detector speak of a client, whatever the zone? */
bool learn_is_about_client(enum detector detector);

/* Can ordinary use of a zone wake it? */
bool learn_is_ordinary(enum detector detector);

struct learn_zone {
	struct name name;
	const char *why_not;                 /* NULL: proposed */
	char words[96];                      /* for why_not */
	uint32_t clients, days;              /* witnesses; different ones */
	bool listed;
};

struct learn_threshold {
	uint32_t was, proposed;
	uint32_t median, p99, p999, most;    /* of what is in common use */
	uint32_t subjects, common;           /* all; those in common use */
	uint32_t most_left;                  /* of all that is not approved */
	const char *why_not;                 /* NULL: proposed */
};

struct learn {
	struct learn_options options;
	struct detect *detect;               /* as configured */
	struct detect *lowered[LEARN_INSTANCES];
	struct detector_conf conf[DETECTOR_COUNT], low[LEARN_INSTANCES][DETECTOR_COUNT];
	bool again;
	uint64_t records;
	int64_t now_ms, turned_ms, first_ms, last_ms;

	struct evidence *said;               /* zone, detector, tier */
	struct evidence *client_said;        /* client, detector, tier */
	struct evidence *blame;              /* zone, detector, client */
	struct evidence *features;           /* zone, detector, feature: the most */
	struct evidence *client_features;    /* the same of clients */
	struct evidence *pairs;              /* zone, client */
	struct evidence *clients;            /* client; made of pairs when all is taken: count of zones */
	struct evidence *zone_days, *days;   /* zone, day; day */
	struct evidence *listed;             /* zone */
	struct evidence *rented;             /* zone, whatever was recorded */
	struct evidence *listed_clients;     /* client */
	struct evidence *alarms, *left;      /* 'z' and zone, or 'c' and client; and detector */
	struct evidence *peaks;              /* row, then zone or client: the most */

	struct learn_zone *zones;            /* owned; those that a detector spoke of, sorted */
	size_t zone_count;
	struct learn_threshold *thresholds;  /* owned; one for each row */
	bool is_short;                       /* fewer days than wanted */

	/* of the record at hand */
	struct name zone;
	uint8_t client[LEARN_CLIENT_OCTETS];
	bool has_client;
	unsigned hearing;                    /* instance */
};

/* Reads which zones are rented out. 0; -1 with *diag set. */
int learn_rented(struct learn *learn, struct diag *diag);

/* A zone's place among those, or NULL. */
const struct learn_zone *learn_find_zone(const struct learn *learn, const struct name *zone);

#endif
