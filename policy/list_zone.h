/*
 * list_zone.h: what names in a response policy zone mean: which name a record is about, and what it asks for.
 * list_rpz.c reads the records. For policy/list*.c alone.
 *
 * The zone's name is that of its SOA, if that is absolute or `zone:` or $ORIGIN complete it; of a zone without SOA
 * the origin; and if there is none either, the zone has no name and owners are rules as they stand. Rules are what is
 * left of owners without the zone's name.
 *
 * Threads: values of one reader.
 */
#ifndef POLICY_LIST_ZONE_H
#define POLICY_LIST_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/list_reader.h"

/* What the last stated owner is; records that begin with a blank inherit it. */
enum owner_kind { OWNER_NONE, OWNER_RULE, OWNER_APEX, OWNER_UNUSABLE };

struct zone {
	struct list_reader *reader; /* borrowed */
	struct name apex;           /* the root: the zone has no name, owners are rules as they stand */
	bool apex_set;              /* by the SOA, or by the first record of a zone without */
	bool apex_lost;             /* the SOA is at `@` and nothing says what that is */
	struct name origin;         /* of relative names */
	bool has_origin;
	struct name tail;           /* the origin without the apex: what relative owners get appended */
	bool tail_outside;          /* the origin is not in the zone */
	enum owner_kind kind;
	enum skip_reason reason;    /* of OWNER_UNUSABLE */
	struct rule rule;           /* name, exact and below are the owner's; the record's line and ttl */
};

/* An owner or target as it stands in the file. */
struct stated_name {
	struct name name;           /* without `*.` */
	bool relative;
	bool wildcard;
};

#define ZONE_INITIALIZER(of) { .reader = (of), .apex = { .length = 1 }, .tail = { .length = 1 } }

void zone_set_origin(struct zone *zone, const struct name *origin);

/* A zone that begins with another record than its SOA: its name is the origin, if there is one. */
void zone_settle_apex(struct zone *zone);

/* Takes the owner of an SOA. 0, or -1 with the diag set; an SOA of another zone is skipped. */
int zone_set_apex(struct zone *zone, const struct stated_name *owner, const struct list_line *line);

/* Makes `owner` the owner of this record and of those that inherit it. */
void zone_set_owner(struct zone *zone, const struct stated_name *owner);

/* The owner is none that takes rules: counts why. */
void zone_skip_owner(struct zone *zone, const struct list_line *line);

/* Hands on the rule `owner CNAME target`, the target absolute. 0, or -1 with the diag set. */
int zone_emit_cname(struct zone *zone, const struct name *target, bool wildcard, const struct list_line *line);

/* Hands on the owner's local data. */
int zone_emit_data(struct zone *zone, uint16_t type, const uint8_t *rdata, uint16_t octets);

/* Reads one name of the full grammar, `@` and `*.` included. SKIP_COUNT, or why it is none. */
enum skip_reason stated_name_read(struct stated_name *stated, const char *text, const char *end);

/* Makes it absolute, if there is an origin. False: it is too long then. */
bool zone_complete(const struct zone *zone, struct stated_name *stated);

/* Takes a leading `*` label off. */
bool name_cut_wildcard(struct name *name);

#endif
