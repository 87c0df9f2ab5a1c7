/*
 * zone.h: what is remembered of a registrable domain.
 *
 * A plain record of the zones' table (detect/table.h), worked on between table_enter and table_leave. Sums decay with
 * the half-lives of their names. Times are Unix seconds in 32 bits, good until 2106.
 */
#ifndef DETECT_ZONE_H
#define DETECT_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_CLIENTS_MAX 4u          /* beyond that it is "many" */
#define ZONE_PREFIXES 4u
#define ZONE_NOT_SCORED (-1)
#define ZONE_SERVED 4u
#define PREFIX_HEAD 40u
#define PREFIX_TAIL 22u

/* What stood before the zone in one of its names: all of it, or its two ends. */
struct prefix {
	uint8_t length;              /* of the whole */
	uint8_t head[PREFIX_HEAD];
	uint8_t tail[PREFIX_TAIL];   /* the last ones, where there are more than the head holds */
};

struct zone {
	/* A line of the cache: what each answer wants. */
	uint32_t first_s;            /* when it was new to the resolver; 0: it was known already */
	uint32_t last_s;
	uint32_t again_s;            /* when it was remembered anew, after it had been forgotten; 0: never */
	float up10, up12h;           /* octets of information in new names, beside what the last ones had */
	float raw12h;                /* the same without looking at the last ones */
	float down10;                /* octets of short-lived data that came back */
	float odd10;                 /* of them, of odd types */
	uint32_t names;              /* new ones */
	uint32_t clients[ZONE_CLIENTS_MAX];
	uint8_t client_count;        /* up to ZONE_CLIENTS_MAX: of this record, see zone_clients */
	uint8_t next;                /* of prefixes */
	uint8_t likeness;            /* to a protected name (detect/look_alike.c) */
	uint8_t served_next;
	int16_t score;               /* of the name itself, thousandths; ZONE_NOT_SCORED, or below that: none */
	uint8_t bogus;               /* answers, since the last one that was not */
	uint8_t flips;
	uint32_t served_s;           /* when its name servers were last looked at; 0: never, as served_first_s */

	/* The next one: what most of them do. */
	uint32_t minute_s;           /* when this minute began */
	uint32_t queries, failures, hits, children;
	uint32_t secure_s;           /* signed since; 0: not */
	uint32_t unsigned_s;         /* when it was found not to be any more; 0: not */
	uint32_t hour_s;             /* when this hour of changes began */
	uint32_t answer;             /* hash of name and answer as they were */
	uint32_t served_first_s;
	uint32_t served[ZONE_SERVED];/* hashes of sets of name servers */
	uint16_t others_h;           /* the hour (zone_hour) in which others began to serve it */
	uint16_t moved_h;            /* the hour in which a name moved to a network that was none of the zone's; 0: never */
	uint8_t others_score;        /* of that change; 0: none, or no more of it is to be said */

	uint32_t secure_name;        /* hash of a name below it that was signed, too; 0: none */
	uint32_t flux_s;             /* when this day of addresses began */
	uint32_t turned;             /* addresses that came when a name was asked for again */
	uint64_t addresses[2], networks[2];

	struct prefix prefixes[ZONE_PREFIXES];
};

#define ZONE_HOT_OCTETS 128u         /* the two lines */

/* A number for the hour, never 0, that comes again after seven years. */
uint16_t zone_hour(int64_t now_s);

/* The number of the hour that is so many later, or earlier; of 0 none. */
uint16_t zone_hour_after(uint16_t hour, int64_t hours);

/* Was it at most `hours` ago? */
bool zone_is_within(uint16_t hour, unsigned hours, int64_t now_s);

/* Makes it what a zone is that was seen just now. `known`: nobody can say that it is new; `forgotten`: because it was
 * seen before, but is no longer in the table. */
void zone_init(struct zone *zone, int64_t now_s, bool known, bool forgotten);

/* Lets the sums decay up to now. After a clock was put back nothing is of the future. */
void zone_age(struct zone *zone, int64_t now_s);

/* Whole days since it was new; UINT32_MAX: it was known before, whatever the clock shows. */
unsigned zone_days(const struct zone *zone, int64_t now_s);

void zone_note_client(struct zone *zone, uint32_t client);

/* How many clients it has; ZONE_CLIENTS_MAX: that or more, or nobody can tell. Whoever was seen before a zone was
 * forgotten is forgotten, too: for a day its clients may be many. */
unsigned zone_clients(const struct zone *zone);

/* The information, in octets, that the characters of a new prefix add to those of the last ones, and what they hold by
 * themselves (`*raw`). Remembers the prefix. */
float zone_note_prefix(struct zone *zone, const uint8_t *octets, size_t length, float *raw);

/* table_worth of zones: the highest decayed sum, or how recently it was seen. */
float zone_worth(const void *record, int64_t now_s);

#endif
