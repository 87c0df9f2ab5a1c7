/* hunt_intervals.c: from when to when a name had which records, for `hunt changes`. */
#include "tools/hunt_changes.h"

#define KEYS_OF_STATEMENT "100"      /* a server takes 256 KiB of one */

/* seen: sets at a moment, or of a day, in whose order intervals are cut (microseconds); `lane` is the resolver, `era`
 * grows with each day that is not read. A question without an answer (rcode -1) says nothing of records and has lanes
 * of its own. run: what is the same from answer to answer of a lane; spell: an interval. */
static const char tables[] =
	"CREATE TABLE several (key TEXT, type, PRIMARY KEY (key, type)) WITHOUT ROWID;"
	"CREATE TABLE contested (key TEXT, type, day, PRIMARY KEY (key, type, day)) WITHOUT ROWID;"
	"CREATE TABLE walk (key TEXT, day, PRIMARY KEY (key, day)) WITHOUT ROWID;"
	"CREATE TABLE coarse (key TEXT, type, day, PRIMARY KEY (key, type, day)) WITHOUT ROWID;"
	"CREATE TABLE said (reply INTEGER PRIMARY KEY, key TEXT, type, rcode, verdict TEXT, records TEXT);"
	"CREATE TABLE seen (key TEXT, type, lane TEXT, era, rcode, verdict TEXT, records TEXT, day, first, last, count);"
	"CREATE TABLE run (key TEXT, type, lane TEXT, era, rcode, records TEXT, first, last, number, turns);"
	"CREATE TABLE spell (key TEXT, type, era, rcode, records TEXT, first, last, turns,"
	" PRIMARY KEY (key, type, era, rcode, records, first)) WITHOUT ROWID;"
	"CREATE TABLE held (key TEXT, type, rcode, verdict TEXT, records TEXT, first, last, count, ttl, rotates, by_day);";

/* Most names have one set of a type, and nothing to be cut. */
static const char plan[] =
	"INSERT INTO several SELECT key, type FROM was GROUP BY key, type"
	" HAVING min(rcode) < max(rcode) OR min(records) < max(records);"
	"INSERT INTO held SELECT key, type, rcode, verdict, records, min(first), max(last), sum(count), max(ttl), 0, 0"
	" FROM was AS w WHERE NOT EXISTS (SELECT 1 FROM several AS s WHERE s.key = w.key AND s.type = w.type)"
	" GROUP BY key, type, rcode, verdict, records;"
	"INSERT INTO contested SELECT DISTINCT key, type, day FROM (SELECT key, type, day, first, max(last) OVER ("
	"  PARTITION BY key, type, rcode < 0, day ORDER BY first, last, rcode, records"
	"  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM (SELECT key, type, rcode, records, day,"
	"   min(first) AS first, max(last) AS last"
	"   FROM several CROSS JOIN was USING (key, type) GROUP BY key, type, rcode, records, day)) WHERE first <= before;"
	"INSERT INTO walk SELECT key, day FROM (SELECT key, day, sum(count) OVER (ORDER BY count, key, day ROWS UNBOUNDED"
	"  PRECEDING) AS so_far FROM total WHERE (key, day) IN (SELECT key, day FROM contested))"
	" WHERE so_far <= " HUNT_TEXT_OF(HUNT_WALK_MAX) ";"
	"INSERT INTO coarse SELECT key, type, day FROM contested AS c WHERE NOT EXISTS"
	" (SELECT 1 FROM walk AS w WHERE w.key = c.key AND w.day = c.day);";

#define ERA_OF(row) "(SELECT count(*) FROM coarse AS c WHERE c.key = " row ".key AND c.type = " row ".type" \
	" AND c.day < " row ".day)"

static const char find[] =
	"DELETE FROM said;"
	"INSERT INTO said SELECT r.id, w.key, r.type, r.rcode, " HUNT_VERDICT_TEXT("v") ", " HUNT_RECORDS_TEXT("r", "w.key")
	" FROM (SELECT key FROM walk WHERE day = :day / 86400000) AS w CROSS JOIN day.name AS n ON n.key = w.key"
	" CROSS JOIN day.reply AS r ON r.name = n.id CROSS JOIN day.verdict AS v ON v.id = r.verdict"
	" WHERE (w.key, r.type, :day / 86400000) IN (SELECT key, type, day FROM contested);"
	"INSERT INTO seen WITH RECURSIVE part (id, at, prev, reply, source) AS ("
	" SELECT e.id, e.at, e.prev, e.reply, e.source FROM (SELECT key FROM walk WHERE day = :day / 86400000) AS w"
	"  CROSS JOIN day.name AS n ON n.key = w.key CROSS JOIN day.pair AS p ON p.name = n.id"
	"  CROSS JOIN day.event AS e ON e.id = p.newest"
	" UNION ALL SELECT e.id, e.at, e.prev, e.reply, e.source FROM part AS p CROSS JOIN day.event AS e"
	"  ON e.id = p.id - p.prev WHERE p.prev > 0)"
	" SELECT s.key, s.type, x.identity, 0, s.rcode, s.verdict, s.records, :day / 86400000, p.at + :day * 1000,"
	" p.at + :day * 1000, 1 FROM part AS p CROSS JOIN said AS s ON s.reply = p.reply"
	" CROSS JOIN day.source AS o ON o.id = p.source CROSS JOIN day.sensor AS x ON x.id = o.sensor"
	" WHERE p.at >= :from_us AND p.at <= :to_us;";

/* A day without overlap is the same for every resolver, and counted once. */
static const char fill[] =
	"INSERT INTO seen WITH lane AS MATERIALIZED (SELECT key, type, lane, row_number() OVER (PARTITION BY key, type"
	"  ORDER BY lane) AS number FROM (SELECT DISTINCT key, type, lane FROM seen))"
	" SELECT w.key, w.type, ifnull(l.lane, ''), 0, w.rcode, w.verdict, w.records, w.day, w.first * 1000, w.last * 1000,"
	" iif(ifnull(l.number, 1) = 1, w.count, 0) FROM several CROSS JOIN was AS w USING (key, type)"
	" LEFT JOIN lane AS l ON l.key = w.key AND l.type = w.type"
	" WHERE NOT EXISTS (SELECT 1 FROM contested AS c WHERE c.key = w.key AND c.type = w.type AND c.day = w.day);"
	"UPDATE seen SET era = " ERA_OF("seen") " WHERE EXISTS (SELECT 1 FROM coarse);";

#define LANE "PARTITION BY key, type, lane, era, rcode < 0"
#define SET "PARTITION BY key, type, lane, era, rcode, records"

/* `number` counts a lane's runs; `turns`: it is one of more than HUNT_TURNS returns within HUNT_TURNS_US. */
static const char cut[] =
	"INSERT INTO run WITH marked AS (SELECT *, ifnull(lag(rcode) OVER lane = rcode AND lag(records) OVER lane = records,"
	"  0) AS same FROM seen WINDOW lane AS (" LANE " ORDER BY first, last, rcode, records)),"
	" numbered AS (SELECT *, sum(NOT same) OVER (" LANE " ORDER BY first, last, rcode, records ROWS UNBOUNDED PRECEDING)"
	"  AS number FROM marked),"
	" whole AS (SELECT key, type, lane, era, rcode, records, number, min(first) AS first, max(last) AS last"
	"  FROM numbered GROUP BY key, type, lane, era, rcode, records, number),"
	" ahead AS (SELECT *, ifnull(lead(first, " HUNT_TURNS " + 1) OVER (" SET " ORDER BY number) - last <= "
	HUNT_TURNS_US ", 0) AS turns FROM whole)"
	" SELECT key, type, lane, era, rcode, records, first, last, number, max(turns) OVER (" SET " ORDER BY number ROWS"
	"  BETWEEN " HUNT_TURNS " + 1 PRECEDING AND CURRENT ROW) FROM ahead;";

/* Runs that are in turn are one while nobody else holds the place; then resolvers are put together. */
static const char join[] =
	"INSERT INTO spell WITH held AS (SELECT *, sum(NOT turns AND last - first >= " HUNT_HOLD_US ") OVER (" LANE
	"  ORDER BY number ROWS UNBOUNDED PRECEDING) AS holds FROM run),"
	" next AS (SELECT *, ifnull(turns AND lag(turns) OVER one AND lag(holds) OVER one = holds AND first - lag(last) OVER"
	"  one <= " HUNT_TURNS_US ", 0) AS joins FROM held WINDOW one AS (" SET " ORDER BY number)),"
	" island AS (SELECT *, sum(NOT joins) OVER (" SET " ORDER BY number ROWS UNBOUNDED PRECEDING) AS island FROM next),"
	" alone AS (SELECT key, type, lane, era, rcode, records, min(first) AS first, max(last) AS last,"
	"  count(*) > 1 AS turns FROM island GROUP BY key, type, lane, era, rcode, records, island),"
	" reach AS (SELECT *, max(last) OVER (PARTITION BY key, type, era, rcode, records ORDER BY first, last ROWS BETWEEN"
	"  UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM alone),"
	" group_of AS (SELECT *, sum(before IS NULL OR first > before) OVER (PARTITION BY key, type, era, rcode, records"
	"  ORDER BY first, last ROWS UNBOUNDED PRECEDING) AS part FROM reach)"
	" SELECT key, type, era, rcode, records, min(first), max(last), max(turns) FROM group_of"
	" GROUP BY key, type, era, rcode, records, part;";

#define TTL_OF(begin, end) "(SELECT max(ttl) FROM was AS w WHERE w.key = s.key AND w.type = s.type" \
	" AND w.rcode = s.rcode AND w.verdict = s.verdict AND w.records = s.records AND w.day BETWEEN " begin " AND " end ")"

static const char tell[] =
	"INSERT INTO held SELECT key, type, rcode, verdict, records, " HUNT_MS("first") ", " HUNT_MS("last") ", count, "
	TTL_OF("begun", "ended") ", turns, 0 FROM (SELECT e.key, e.type, e.rcode, e.verdict, e.records,"
	"  min(e.first) AS first, max(e.last) AS last, sum(e.count) AS count, min(e.day) AS begun,"
	"  max(e.day) AS ended, s.turns FROM seen AS e"
	"  CROSS JOIN spell AS s USING (key, type, era, rcode, records) WHERE e.first BETWEEN s.first AND s.last"
	"  GROUP BY e.key, e.type, e.era, e.rcode, e.verdict, e.records, s.first) AS s;"
	"INSERT INTO held WITH island AS (SELECT w.*, w.day - row_number() OVER (PARTITION BY w.key, w.type, rcode, verdict,"
	"  records ORDER BY w.day) AS island FROM coarse AS c CROSS JOIN was AS w USING (key, type, day))"
	" SELECT key, type, rcode, verdict, records, min(first), max(last), sum(count), max(ttl), 0, 1 FROM island"
	" GROUP BY key, type, rcode, verdict, records, island;";

static const struct hunt_fetch answers = { "changes.answers", "titittttt" "ii",
	"INSERT INTO seen SELECT ?1, ?2, ?3, 0, ?4, " HUNT_VERDICT_TEXT("d") ", " HUNT_REMOTE_TEXT("?9", "?1")
	", ?10, ?11, ?11, 1 FROM (SELECT ?5 AS verdict, ?6 AS list, ?7 AS shadow_list, ?8 AS detectors) AS d"
	" WHERE (?1, ?2, ?10) IN (SELECT key, type, day FROM contested)" };

static int walk_remote(struct hunt *hunt)
{
	sqlite3_stmt *row = query_ask(hunt->query, "SELECT group_concat('(unhex(''' || hex(key) || '''),' || day || ')')"
		" FROM (SELECT key, day, row_number() OVER (ORDER BY key, day) - 1 AS number FROM walk) GROUP BY number / "
		KEYS_OF_STATEMENT, &hunt->diag);
	int code = SQLITE_DONE, result = row != NULL ? 0 : -1;

	while (result == 0 && (code = sqlite3_step(row)) == SQLITE_ROW)
		result = hunt_fetch_numbers(hunt, &answers, (const char *)sqlite3_column_text(row, 0));
	if (result == 0 && code != SQLITE_DONE)
		result = diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(query_workspace(hunt->query)));
	sqlite3_finalize(row);
	return result;
}

static int walk(struct hunt *hunt)
{
	return hunt->remote != NULL ? walk_remote(hunt) : query_gather(hunt->query, QUERY_ALL, find, &hunt->diag);
}

int hunt_intervals(struct hunt *hunt)
{
	struct query *query = hunt->query;

	if (query_run(query, tables, &hunt->diag) != 0 || query_run(query, plan, &hunt->diag) != 0)
		return -1;
	if (hunt_number(hunt, "SELECT EXISTS (SELECT 1 FROM walk)") > 0 && walk(hunt) != 0)
		return -1;
	return query_run(query, fill, &hunt->diag) != 0 || query_run(query, cut, &hunt->diag) != 0 ||
		query_run(query, join, &hunt->diag) != 0 ? -1 : query_run(query, tell, &hunt->diag);
}
