/*
 * hunt_changes.h: what `hunt changes` gathers of each day, and the intervals that it makes of that.
 *
 * An interval is of one set: name, type, response code and records. Of one resolver it goes on until another set of
 * that name and type is given; where a set's intervals of two resolvers overlap they are one.
 *
 * A set that comes back more than HUNT_TURNS times within HUNT_TURNS_US is given in turn with others (a balancer of
 * load), and such intervals are one, which rotates; unless a set that does not rotate held its place meanwhile for
 * HUNT_HOLD_US. TTLs have no say: whoever replaces a record chooses its TTL, and the one before may have been long.
 *
 * Where a day's sets follow one another without overlap the day's aggregate is enough. Where they overlap each answer
 * is read, HUNT_WALK_MAX in all (each takes 10 microseconds), names with few answers of a day first; what is
 * left has the first and last of each day, put together while days follow one another, and is marked `by_day`.
 */
#ifndef TOOLS_HUNT_CHANGES_H
#define TOOLS_HUNT_CHANGES_H

#include "tools/hunt_remote.h"

#define HUNT_TURNS "4"
#define HUNT_TURNS_US "86400000000"
#define HUNT_HOLD_US "600000000"
#define HUNT_WALK_MAX 5000

/* was: each set of a day; total: how many answers of a day a name has, in the window or not. */
#define HUNT_WAS_TABLES \
	"CREATE TABLE was (key TEXT, type, rcode, verdict TEXT, records TEXT, day, ttl, first, last, count," \
	" PRIMARY KEY (key, type, rcode, verdict, records, day)) WITHOUT ROWID;" \
	"CREATE TABLE total (key TEXT, day, count, PRIMARY KEY (key, day)) WITHOUT ROWID;"

/* The records of day.reply as one text, for a name. */
#define HUNT_RECORDS_OF(reply) "FROM json_each(" reply ".records) AS j CROSS JOIN day.rr AS rr ON rr.id = j.value" \
	" CROSS JOIN day.name AS o ON o.id = rr.owner"
#define HUNT_RECORDS_TEXT(reply, key) \
	"iif(" reply ".records = '', '', (SELECT group_concat(line, ', ') FROM (SELECT DISTINCT iif(o.key = " key ", ''," \
	"  name_text(o.key) || ' ') || type_text(rr.type) || ' ' || record_text(rr.type, rr.data) AS line " \
	HUNT_RECORDS_OF(reply) " ORDER BY line)))"

/* Of records as a fetch has them. */
#define HUNT_REMOTE_TEXT(records, key) \
	"iif(" records " = '', '', (SELECT group_concat(line, ', ') FROM (SELECT DISTINCT" \
	" iif(record_owner(j.value) = " key ", '', name_text(record_owner(j.value)) || ' ') ||" \
	" type_text(record_type(j.value)) || ' ' || record_text(record_type(j.value), record_data(j.value)) AS line" \
	" FROM json_each(" REMOTE_RECORDS(records) ") AS j ORDER BY line)))"

/* Makes of `was` and `total` the table held (key, type, rcode, verdict, records, first, last, count, ttl, rotates,
 * by_day), times in ms. 0 or -1 with hunt->diag. */
int hunt_intervals(struct hunt *hunt);

#endif
