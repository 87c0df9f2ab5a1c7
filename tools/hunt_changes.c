/* hunt_changes.c: `hunt changes NAME`: which record sets it had, and when. */
#include "tools/hunt_changes.h"

#include "tools/verdictctl.h"

static const char tables[] =
	"CREATE TABLE wanted (id INTEGER PRIMARY KEY, key TEXT);"
	HUNT_SPAN_TABLE HUNT_USED_TABLES
	HUNT_WAS_TABLES
	"CREATE TABLE piece (key TEXT, asked, owner TEXT, type, data BLOB, first, last, count,"
	" PRIMARY KEY (key, asked, owner, type, data)) WITHOUT ROWID;";

static const char find[] =
	"DELETE FROM wanted;"
	"INSERT INTO wanted SELECT id, key FROM day.name WHERE key >= :low AND key < :high;"
	HUNT_USED
	"INSERT INTO was SELECT w.key, r.type, r.rcode, " HUNT_VERDICT_TEXT("v") ", " HUNT_RECORDS_TEXT("r", "w.key")
	", :day / 86400000, iif(r.records = '', NULL, (SELECT max(rr.ttl) " HUNT_RECORDS_OF("r") ")),"
	" u.first + :day, u.last + :day, u.count FROM used AS u CROSS JOIN day.reply AS r ON r.id = u.reply"
	" JOIN wanted AS w ON w.id = r.name JOIN day.verdict AS v ON v.id = r.verdict WHERE true"
	" ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl), first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;"
	"INSERT INTO total SELECT w.key, :day / 86400000, sum(r.count) FROM wanted AS w CROSS JOIN day.reply AS r"
	" ON r.name = w.id GROUP BY w.key ON CONFLICT DO UPDATE SET count = count + excluded.count;"
	"INSERT INTO piece SELECT w.key, r.type, o.key, rr.type, rr.data, min(u.first) + :day, max(u.last) + :day,"
	" sum(u.count) FROM used AS u CROSS JOIN day.reply AS r ON r.id = u.reply JOIN wanted AS w ON w.id = r.name"
	" CROSS JOIN json_each(r.records) AS j CROSS JOIN day.rr AS rr ON rr.id = j.value"
	" CROSS JOIN day.name AS o ON o.id = rr.owner WHERE r.records <> ''"
	" GROUP BY w.key, r.type, o.key, rr.type, rr.data ON CONFLICT DO UPDATE SET first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;";

static const struct hunt_column intervals[] = {
	{ "name", HUNT_TEXT }, { "type", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { "ttl", HUNT_COUNT }, { "rcode", HUNT_TEXT }, { "verdict", HUNT_VERDICT },
	{ "records", HUNT_TEXT }, { "rotates", HUNT_FLAG }, { "by_day", HUNT_FLAG }, { NULL, HUNT_TEXT }
};
static const struct hunt_column changes[] = {
	{ "time", HUNT_TIME }, { "name", HUNT_TEXT }, { "asked", HUNT_TEXT }, { "change", HUNT_TEXT },
	{ "owner", HUNT_TEXT }, { "type", HUNT_TEXT }, { "data", HUNT_TEXT }, { "count", HUNT_COUNT }, { NULL, HUNT_TEXT }
};

#define RECORDS "json_each(" REMOTE_RECORDS("?8") ") AS j"

static const struct hunt_fetch fetches[] = {
	{ "changes.sets", "tiittttt" "iiii",
		"INSERT INTO was SELECT ?1, ?2, ?3, " HUNT_VERDICT_TEXT("d") ", " HUNT_REMOTE_TEXT("?8", "?1") ", ?9,"
		" iif(?8 = '', NULL, (SELECT max(record_ttl(j.value)) FROM " RECORDS ")), ?10, ?11, ?12"
		" FROM (SELECT ?4 AS verdict, ?5 AS list, ?6 AS shadow_list, ?7 AS detectors) AS d WHERE true"
		" ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl), first = min(first, excluded.first),"
		" last = max(last, excluded.last), count = count + excluded.count" },
	{ "changes.pieces", "titiii", "INSERT INTO piece SELECT ?1, ?2, record_owner(?3), record_type(?3), record_data(?3),"
		" ?4, ?5, ?6 WHERE true ON CONFLICT DO UPDATE SET first = min(first, excluded.first),"
		" last = max(last, excluded.last), count = count + excluded.count" },
	{ "changes.totals", "tii", "INSERT INTO total VALUES (?1, ?2, ?3)" },
	{ NULL, NULL, NULL }
};

static int gather(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0)
		return -1;
	return hunt->remote != NULL ? hunt_fetch(hunt, fetches) :
		query_gather(hunt->query, QUERY_ALL, find, &hunt->diag);
}

int hunt_changes(struct hunt *hunt)
{
	const char *wrong = hunt_bind_name(hunt, hunt->asked);

	if (wrong != NULL)
		return command_misuse(hunt->command, "this is no name: %s", wrong);
	if (gather(hunt) != 0 || hunt_intervals(hunt) != 0)
		return -1;
	hunt_begin(hunt, "changes");
	if (hunt_section(hunt, "intervals", intervals, "SELECT name_text(key), type_text(type), first, last, count, ttl,"
			" rcode_text(rcode), verdict, nullif(records, ''), rotates, by_day FROM held ORDER BY key, type, first, last,"
			" records, rcode, verdict") != 0)
		return -1;
	return hunt_section(hunt, "changes", changes, "WITH span AS (SELECT key, type AS asked, min(first) AS first,"
		" max(last) AS last FROM was GROUP BY key, type), change AS ("
		" SELECT p.first AS time, p.*, 'appeared' AS change FROM piece AS p JOIN span AS s USING (key, asked)"
		"  WHERE p.first > s.first UNION ALL"
		" SELECT p.last AS time, p.*, 'vanished' AS change FROM piece AS p JOIN span AS s USING (key, asked)"
		"  WHERE p.last < s.last)"
		" SELECT time, name_text(key), type_text(asked), change, name_text(owner), type_text(type),"
		" record_text(type, data), count FROM change ORDER BY time, key, asked, change, owner, type, data");
}
