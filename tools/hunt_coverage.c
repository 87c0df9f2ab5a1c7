/* hunt_coverage.c: `hunt coverage`: which numbered frames are here, and what resolvers say of the others. */
#include "tools/hunt_coverage.h"

/*
 * Numbers are kept by block and day file, so whole days are told of: those that the window touches.
 *
 * told: what heartbeats, and notes about a former process, say of a worker.
 */
static const char tables[] =
	"CREATE TABLE block (sensor TEXT, boot TEXT, worker, block, bits BLOB, PRIMARY KEY (sensor, boot, worker, block))"
	" WITHOUT ROWID;"
	"CREATE TABLE source (sensor TEXT, boot TEXT, worker, first, last, frames, duplicates, dropped, left_out,"
	" PRIMARY KEY (sensor, boot, worker)) WITHOUT ROWID;"
	"CREATE TABLE told (sensor TEXT, boot TEXT, worker, at, number, seq, dropped, left_out);"
	"CREATE TABLE beat (sensor TEXT, boot TEXT, number, at, synchronized, max_error,"
	" PRIMARY KEY (sensor, boot, number)) WITHOUT ROWID;"
	"CREATE TABLE past (sensor TEXT, boot TEXT, worker, seq, dropped, left_out, PRIMARY KEY (sensor, boot, worker))"
	" WITHOUT ROWID;"
	"CREATE TABLE gap (sensor TEXT, boot TEXT, worker, first, last, since, until, reason TEXT);"
	"CREATE TABLE covered (sensor TEXT, boot TEXT, worker, since, until, first, last, expected, received, left_out,"
	" missing, dropped, duplicates, told);"
	"CREATE TABLE up_to (sensor TEXT, boot TEXT, worker, last, PRIMARY KEY (sensor, boot, worker)) WITHOUT ROWID;";

#define FIND_BLOCKS \
	"INSERT INTO block SELECT x.identity, s.boot, s.worker, b.block, b.bits FROM day.seen AS b" \
	" JOIN day.source AS s ON s.id = b.source JOIN day.sensor AS x ON x.id = s.sensor WHERE length(b.bits) = 1024" \
	" ON CONFLICT DO UPDATE SET bits = bits_or(bits, excluded.bits);"

static const char find[] =
	FIND_BLOCKS
	"INSERT INTO source SELECT x.identity, s.boot, s.worker, s.first + :day, s.last + :day, s.frames, s.duplicates,"
	" s.dropped, s.left_out FROM day.source AS s JOIN day.sensor AS x ON x.id = s.sensor WHERE true"
	" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
	" frames = frames + excluded.frames, duplicates = duplicates + excluded.duplicates,"
	" dropped = max(dropped, excluded.dropped), left_out = max(left_out, excluded.left_out);"
	"INSERT INTO told SELECT x.identity, n.boot, CAST(json_extract(w.value, '$.worker') AS INTEGER), n.at / 1000 + :day,"
	" n.number, CAST(json_extract(w.value, '$.seq') AS INTEGER), " HUNT_TOLD_OF("w", "dropped") ", "
	HUNT_TOLD_OF("w", "left_out") " FROM day.note AS n JOIN day.sensor AS x ON x.id = n.sensor"
	" CROSS JOIN json_each(n.extra, '$.workers') AS w"
	" WHERE n.former = 0 AND json_valid(n.extra) AND w.type = 'object';"
	"INSERT INTO told SELECT x.identity, n.boot, n.worker, n.at / 1000 + :day, 0,"
	" CAST(json_extract(n.extra, '$.former.seq') AS INTEGER), CAST(json_extract(n.extra, '$.former.dropped') AS INTEGER),"
	" CAST(json_extract(n.extra, '$.former.left_out') AS INTEGER) FROM day.note AS n"
	" JOIN day.sensor AS x ON x.id = n.sensor WHERE n.former = 1 AND json_valid(n.extra);"
	"INSERT OR IGNORE INTO beat SELECT x.identity, n.boot, n.number, n.at / 1000 + :day,"
	" json_extract(n.extra, '$.clock.synchronized'), json_extract(n.extra, '$.clock.max_error_us') FROM day.note AS n"
	" JOIN day.sensor AS x ON x.id = n.sensor WHERE n.former = 0 AND json_valid(n.extra);";

/* How far the window's processes were on the days before: by their frames, and by the last heartbeat of a day. */
#define PROCESSES "(SELECT sensor, boot FROM source UNION SELECT sensor, boot FROM told)"
static const char find_past[] =
	"INSERT INTO past SELECT x.identity, s.boot, s.worker, s.seq, s.dropped, s.left_out FROM day.source AS s"
	" JOIN day.sensor AS x ON x.id = s.sensor WHERE s.boot <> '' AND (x.identity, s.boot) IN " PROCESSES
	HUNT_PAST_CONFLICT
	"INSERT INTO past SELECT p.sensor, p.boot, " HUNT_PAST_OF("w") " FROM " PROCESSES " AS p CROSS JOIN day.sensor AS x"
	" ON x.identity = p.sensor CROSS JOIN day.note AS n ON n.sensor = x.id AND n.boot = p.boot AND n.former = 0"
	" AND n.worker = 0 AND n.number = (SELECT max(m.number) FROM day.note AS m WHERE m.sensor = x.id AND m.boot = p.boot"
	" AND m.former = 0 AND m.worker = 0) CROSS JOIN json_each(iif(json_valid(n.extra), n.extra, '{}'), '$.workers') AS w"
	" WHERE " HUNT_PAST_HAS("w") HUNT_PAST_CONFLICT;

/* When the frames on both sides of a gap came. */
#define MOMENT_OF(number, column) \
	"UPDATE gap SET " column " = coalesce((SELECT e.at / 1000 + :day FROM day.sensor AS x" \
	" CROSS JOIN day.source AS s ON s.sensor = x.id AND s.boot = gap.boot AND s.worker = gap.worker" \
	" CROSS JOIN day.seen AS b ON b.source = s.id AND b.block = (" number ") / 8192" \
	" CROSS JOIN day.event AS e ON e.id BETWEEN b.first AND b.last AND e.source = s.id AND e.seq = " number \
	" WHERE x.identity = gap.sensor), " column ") WHERE " column " IS NULL AND rowid <= :gaps;"
static const char find_moments[] = MOMENT_OF("gap.first - 1", "since") MOMENT_OF("gap.last + 1", "until");

static void bits_or(sqlite3_context *context, int count, sqlite3_value **values)
{
	const uint8_t *one = sqlite3_value_blob(values[0]), *other = sqlite3_value_blob(values[1]);
	uint8_t bits[HUNT_BLOCK_OCTETS];

	(void)count;
	if (sqlite3_value_bytes(values[0]) != (int)HUNT_BLOCK_OCTETS || sqlite3_value_bytes(values[1]) != (int)HUNT_BLOCK_OCTETS)
		return;
	for (unsigned i = 0; i < HUNT_BLOCK_OCTETS; i++)
		bits[i] = one[i] | other[i];
	sqlite3_result_blob(context, bits, HUNT_BLOCK_OCTETS, SQLITE_TRANSIENT);
}

/* SQL: last_bit(block, bits): the highest number of a block. */
static void last_bit(sqlite3_context *context, int count, sqlite3_value **values)
{
	const uint8_t *bits = sqlite3_value_blob(values[1]);
	int64_t at = (int64_t)sqlite3_value_bytes(values[1]) * 8 - 1;

	(void)count;
	while (at >= 0 && (bits[at / 8] >> (at % 8) & 1) == 0)
		at--;
	if (at >= 0)
		sqlite3_result_int64(context, sqlite3_value_int64(values[0]) * STORE_BLOCK_NUMBERS + at);
	else
		sqlite3_result_int64(context, 0);
}

/* --- what is said of it ------------------------------------------------------------------------------------- */

static const char reasons[] =
	"UPDATE gap SET reason = (SELECT CASE WHEN c.missing = 0 THEN 'left out by frames:'"
	" WHEN c.left_out > 0 THEN 'left out, or missing' WHEN c.dropped >= c.missing THEN 'dropped by the resolver'"
	" WHEN c.dropped > 0 THEN 'dropped, or lost on the way' ELSE 'lost on the way, or not here yet' END FROM covered AS c"
	" WHERE c.sensor = gap.sensor AND c.boot = gap.boot AND c.worker = gap.worker);";

static const struct hunt_column resolvers[] = {
	{ "resolver", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "expected", HUNT_COUNT },
	{ "received", HUNT_COUNT }, { "missing", HUNT_COUNT }, { "dropped", HUNT_COUNT }, { "left_out", HUNT_COUNT },
	{ "duplicates", HUNT_COUNT }, { "unnumbered", HUNT_COUNT }, { "complete", HUNT_TEXT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column processes[] = {
	{ "resolver", HUNT_TEXT }, { "boot", HUNT_TEXT }, { "worker", HUNT_COUNT }, { "from", HUNT_COUNT },
	{ "to", HUNT_COUNT }, { "received", HUNT_COUNT }, { "missing", HUNT_COUNT }, { "dropped", HUNT_COUNT },
	{ "left_out", HUNT_COUNT }, { "confirmed", HUNT_FLAG }, { NULL, HUNT_TEXT }
};
static const struct hunt_column gaps[] = {
	{ "resolver", HUNT_TEXT }, { "boot", HUNT_TEXT }, { "worker", HUNT_COUNT }, { "from", HUNT_COUNT },
	{ "to", HUNT_COUNT }, { "count", HUNT_COUNT }, { "after", HUNT_TIME }, { "before", HUNT_TIME },
	{ "reason", HUNT_TEXT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column clocks[] = {
	{ "resolver", HUNT_TEXT }, { "heartbeats", HUNT_COUNT }, { "expected", HUNT_COUNT }, { "first", HUNT_TIME },
	{ "last", HUNT_TIME }, { "clock", HUNT_TEXT }, { "max_error_us", HUNT_COUNT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column statements[] = { { "statement", HUNT_TEXT }, { NULL, HUNT_TEXT } };

#define PERCENT(received, expected) "iif(" expected " = 0, 'nothing expected', CASE WHEN " received " >= " expected \
	" THEN '100 %' ELSE substr(printf('%.5f', 100.0 * " received " / " expected "), 1, 6) || ' %' END)"
#define SUMS "WITH sum AS (SELECT sensor, min(since) AS since, max(until) AS until, sum(expected) AS expected," \
	" sum(received) AS received, sum(missing) AS missing, sum(dropped) AS dropped, sum(left_out) AS left_out," \
	" sum(duplicates) AS duplicates, min(told) AS told FROM covered GROUP BY sensor)"
#define DATE(ms) "strftime('%Y-%m-%d %H:%M:%S', " ms " / 1000, 'unixepoch')"

static int print(struct hunt *hunt)
{
	if (hunt_section(hunt, "resolvers", resolvers, SUMS ", bare AS (SELECT sensor, sum(frames) AS frames,"
			" min(first) AS first, max(last) AS last FROM source WHERE boot = '' GROUP BY sensor)"
			" SELECT s.sensor, since, until, expected, received, missing, dropped, left_out, duplicates,"
			" coalesce((SELECT frames FROM bare AS b WHERE b.sensor = s.sensor), 0)," PERCENT("received", "expected")
			" FROM sum AS s UNION ALL SELECT sensor, first, last, NULL, NULL, NULL, NULL, NULL, NULL, frames, 'not known'"
			" FROM bare WHERE sensor NOT IN (SELECT sensor FROM sum) ORDER BY 1") != 0)
		return -1;
	if (hunt_section(hunt, "workers", processes, "SELECT sensor, boot, worker, first, last, received, missing, dropped,"
			" left_out, told FROM covered ORDER BY sensor, since, boot, worker") != 0 ||
			hunt_section(hunt, "gaps", gaps, "SELECT sensor, boot, worker, first, last, last - first + 1, since, until, reason"
			" FROM gap ORDER BY sensor, coalesce(since, until), boot, worker, first") != 0 ||
			hunt_section(hunt, "clocks", clocks, "SELECT sensor, sum(n), sum(due), min(first), max(last),"
			" CASE WHEN min(sync) IS NULL THEN 'not told' WHEN min(sync) THEN 'synchronized' ELSE 'not always synchronized'"
			" END, max(error) FROM (SELECT sensor, count(*) AS n, max(number) - min(number) + 1 AS due, min(at) AS first,"
			" max(at) AS last, min(synchronized) AS sync, max(max_error) AS error FROM beat GROUP BY sensor, boot)"
			" GROUP BY sensor ORDER BY sensor") != 0)
		return -1;
	return hunt_section(hunt, "statements", statements, SUMS "SELECT 'Between ' || " DATE("since") " || ' and ' || "
		DATE("until") " || ' UTC, resolver ' || sensor || ' was due to send ' || expected || ' frames of numbered answers; '"
		" || received || ' of them are kept (' || " PERCENT("received", "expected") " || '), ' || missing || ' are missing'"
		" || iif(missing = 0, '', ', of which the resolver itself reports ' || dropped || ' as dropped') ||"
		" iif(left_out = 0, '', '; ' || left_out || ' more answers have no frame because its configuration wants none') ||"
		" iif(told, '.', '; what came after the last frame is not known.') FROM sum ORDER BY sensor");
}

static int gather(struct hunt *hunt)
{
	if (hunt->remote != NULL)
		return hunt_coverage_fetch(hunt);
	return query_gather(hunt->query, QUERY_ALL, find, &hunt->diag) != 0 ? -1 :
		query_gather_before(hunt->query, QUERY_ALL, find_past, &hunt->diag);
}

static int gather_moments(struct hunt *hunt)
{
	return hunt->remote != NULL ? hunt_coverage_fetch_moments(hunt) :
		query_gather(hunt->query, QUERY_ALL, find_moments, &hunt->diag);
}

/* A file is read after another one: what came in between is in one of them alone. What is missing is looked for again,
 * up to the same numbers. */
static int count_until_sure(struct hunt *hunt)
{
	int64_t missing;

	if (hunt_coverage_count(hunt) != 0)
		return -1;
	missing = hunt->remote != NULL ? 0 : hunt_number(hunt, "SELECT count(*) FROM covered WHERE missing > 0");
	if (missing <= 0)
		return (int)missing;
	if (query_run(hunt->query, "INSERT INTO up_to SELECT sensor, boot, worker, last FROM covered;"
			"DELETE FROM covered; DELETE FROM gap;", &hunt->diag) != 0 ||
			query_gather_settled(hunt->query, QUERY_ALL, FIND_BLOCKS, &hunt->diag) != 0)
		return -1;
	return hunt_coverage_count(hunt);
}

int hunt_coverage(struct hunt *hunt)
{
	struct query *query = hunt->query;
	sqlite3 *db = query_workspace(query);

	if (sqlite3_create_function(db, "bits_or", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, bits_or,
			NULL, NULL) != SQLITE_OK || sqlite3_create_function(db, "last_bit", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC |
			SQLITE_DIRECTONLY, NULL, last_bit, NULL, NULL) != SQLITE_OK || !query_bind_number(query, ":gaps", (int64_t)hunt->limit))
		return diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(db));
	if (hunt->limit == 0 && !query_bind_number(query, ":gaps", INT64_MAX))
		return -1;
	if (query_run(query, tables, &hunt->diag) != 0 || gather(hunt) != 0 || count_until_sure(hunt) != 0 ||
			query_run(query, reasons, &hunt->diag) != 0 || gather_moments(hunt) != 0)
		return -1;
	hunt_begin(hunt, "coverage");
	return print(hunt);
}
