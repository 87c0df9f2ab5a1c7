/* hunt_host.c: `hunt host CLIENT|NETWORK`: what it asked for, what is new and rare first. */
#include "tools/hunt.h"

#include <string.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define ASKERS 5                    /* so many clients of a name are counted; one that more ask for is not rare */
#define MANY_NAMES 2000              /* so many are read all; of who has more the rarest are looked for */

static const char tables[] =
	HUNT_HIT_TABLES
	"CREATE TABLE asker (key TEXT, client BLOB, PRIMARY KEY (key, client)) WITHOUT ROWID;"
	"CREATE TABLE common (key TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE old (key TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE part (day, class, first, last, count, names);"
	"CREATE TABLE alone (key TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE bound (first);"
	"CREATE TABLE elsewhere (key TEXT PRIMARY KEY) WITHOUT ROWID;"
	"CREATE TABLE both (names);"
	"CREATE TABLE unsliced (file);"
	"CREATE TABLE wanted (name INTEGER PRIMARY KEY);"
	"CREATE TABLE asked_by (name, client);"
	"CREATE TABLE most (kind, id);"
	"CREATE TABLE next (known, askers, first);"
	"CREATE TABLE limits (known, askers, first);"
	HUNT_MOMENT_TABLE;

#define PAIRS "SELECT p.* FROM day.client AS c CROSS JOIN day.pair AS p ON p.client = c.id WHERE c.address >= :low" \
	" AND c.address <= :high AND length(c.address) = :octets AND" HUNT_IN_WINDOW("p")

static const char find[] = HUNT_FIND(PAIRS) HUNT_MERGE;
static const char find_events[] = HUNT_EVENTS(PAIRS);

/* Who else asked for what it asked for; a few are enough to know that a name is not rare, and where a day is whole in the
 * window their number is known. Of a day that is cut, a pair that begins before the window and ends behind it need not
 * have an event in it. */
#define IS_CUT "SELECT 1 FROM cut WHERE day = :day AND class = :class"
#define NOT_COMMON "(SELECT DISTINCT key FROM hit WHERE key NOT IN (SELECT key FROM common)) AS h" \
	" CROSS JOIN day.name AS n ON n.key = h.key"
#define HAS_EVENT "(p.first >= :from OR p.last <= :to OR EXISTS (WITH RECURSIVE part (id, at, prev) AS (" \
	"SELECT id, at, prev FROM day.event WHERE id = p.newest UNION ALL SELECT e.id, e.at, e.prev FROM part AS b" \
	" CROSS JOIN day.event AS e ON e.id = b.id - b.prev WHERE b.prev > 0)" \
	" SELECT 1 FROM part WHERE at >= :from_us AND at <= :to_us LIMIT 1))"
static const char find_common[] =
	"INSERT OR IGNORE INTO common SELECT n.key FROM (SELECT DISTINCT key FROM hit) AS h CROSS JOIN day.name AS n"
	" ON n.key = h.key CROSS JOIN day.name_sum AS s ON s.name = n.id WHERE s.clients >= " HUNT_TEXT_OF(ASKERS)
	" AND s.first >= :from AND s.last <= :to;";
static const char find_askers[] =
	"DELETE FROM wanted; DELETE FROM asked_by;"
	"INSERT INTO wanted SELECT n.id FROM " NOT_COMMON " WHERE EXISTS (" IS_CUT ") AND has_slices();"
	HUNT_SPAN("wanted") "SELECT window_askers(low, high, :from, :to) FROM span WHERE low IS NOT NULL;"
	"INSERT OR IGNORE INTO asker SELECT n.key, c.address FROM asked_by AS a JOIN day.name AS n ON n.id = a.name"
	" JOIN day.client AS c ON c.id = a.client;"
	"INSERT OR IGNORE INTO asker SELECT n.key, c.address FROM " NOT_COMMON
	" CROSS JOIN day.client AS c ON c.id IN (SELECT DISTINCT p.client FROM day.pair AS p WHERE p.name = n.id"
	"  AND p.client <> 0 AND p.first <= :to AND p.last >= :from AND " HAS_EVENT " LIMIT " HUNT_TEXT_OF(ASKERS) ")"
	" WHERE NOT (EXISTS (" IS_CUT ") AND has_slices());";

static const char find_old[] =
	"INSERT OR IGNORE INTO old SELECT h.key FROM (SELECT DISTINCT key FROM hit) AS h CROSS JOIN day.name AS n"
	" ON n.key = h.key CROSS JOIN day.name_sum AS s ON s.name = n.id WHERE s.first + :day < :begin;";

/* --- who asked for very much ---------------------------------------------------------------------------------- */

#define ITS "day.client AS c CROSS JOIN"
#define IS_IT " c.address = :low AND length(c.address) = :octets"

static const char find_parts[] =
	"INSERT INTO part SELECT :day, :class, s.first + :day, s.last + :day, s.count, s.names FROM " ITS
	" day.client_sum AS s ON s.client = c.id WHERE" IS_IT ";";

/* Names that nobody else asked for that day, in the order of an index; bound: when it asked for the next one. */
#define ALONE ITS " day.name_sum AS s ON s.client = c.id AND s.clients = 1 WHERE" IS_IT " ORDER BY s.first"
static const char find_alone[] =
	"INSERT OR IGNORE INTO alone SELECT n.key FROM (SELECT s.name AS id FROM " ALONE " LIMIT :most) AS s"
	" CROSS JOIN day.name AS n ON n.id = s.id;"
	"INSERT INTO bound SELECT s.first + :day FROM " ALONE " LIMIT 1 OFFSET :most;";
static const char remove_shared[] =
	"DELETE FROM alone WHERE EXISTS (SELECT 1 FROM day.name AS n CROSS JOIN day.name_sum AS s ON s.name = n.id"
	" WHERE n.key = alone.key AND (s.clients > 1 OR (s.clients = 1"
	"  AND s.client NOT IN (SELECT c.id FROM day.client AS c WHERE" IS_IT "))));";
static const char find_hits[] =
	HUNT_FIND("SELECT p.* FROM alone AS a CROSS JOIN day.name AS n ON n.key = a.key CROSS JOIN day.client AS c ON" IS_IT
		" CROSS JOIN day.pair AS p ON p.name = n.id AND p.client = c.id") HUNT_MERGE
	"INSERT OR IGNORE INTO asker SELECT key, client FROM hit;";
static const char is_proved[] =
	"SELECT count(*) >= :wanted FROM (SELECT min(first) AS begun FROM hit GROUP BY key) WHERE begun <"
	" (SELECT ifnull(min(first), 9223372036854775807) FROM bound)";

/* How many names it is: those of the day and class that has most, and those of the others that are not there. No name
 * and the root's are one. */
#define MOST "(SELECT day, class FROM part ORDER BY names DESC LIMIT 1)"
static const char find_elsewhere[] =
	"INSERT OR IGNORE INTO elsewhere SELECT coalesce(n.key, '') FROM " ITS " day.pair AS p ON p.client = c.id"
	" LEFT JOIN day.name AS n ON n.id = p.name WHERE" IS_IT " AND (:day, :class) <> " MOST ";";
static const char find_both[] =
	"INSERT INTO both SELECT count(*) FROM elsewhere AS e WHERE EXISTS (SELECT 1 FROM " ITS " day.pair AS p"
	" ON p.client = c.id AND p.name IN (SELECT id FROM day.name WHERE key = e.key"
	"  UNION ALL SELECT 0 WHERE e.key = '') WHERE" IS_IT ")"
	" AND (:day, :class) = " MOST ";"
	"INSERT INTO both SELECT 1 FROM " ITS " day.pair AS p ON p.client = c.id AND p.name = 0 WHERE" IS_IT
	" AND (:day, :class) = " MOST " AND EXISTS (SELECT 1 FROM day.name AS n CROSS JOIN day.pair AS q ON q.name = n.id"
	"  AND q.client = c.id WHERE n.key = '') LIMIT 1;";

/* --- and in a window --------------------------------------------------------------------------------------------- */

#define SUMS \
	HUNT_SPAN("(SELECT 1)") "DELETE FROM most;" \
	"SELECT window_sums(s.low, s.high, :from, :to, :day, :class, c.id) FROM span AS s CROSS JOIN day.client AS c" \
	" WHERE s.low IS NOT NULL AND" IS_IT ";"
#define HAS_SUMS "(SELECT c.id AS client FROM span AS s CROSS JOIN day.client AS c WHERE s.low IS NOT NULL AND" IS_IT \
	" AND window_count(2, c.id) > 0)"

static const char find_unsliced[] =
	"INSERT INTO unsliced SELECT :day FROM day.client AS c WHERE" IS_IT " AND NOT has_slices();";
static const char find_parts_of_window[] =
	SUMS "INSERT INTO part SELECT :day, :class, window_first(2, client) + :day, window_last(2, client) + :day,"
	" window_count(2, client), window_ids(0) FROM " HAS_SUMS ";";

/* Of each file those that come first by what it knows: whether somebody asked before, how many ask, when it began to.
 * Other files can only move a name back. What has no name is shown as the root, of which no order is known here. */
static const char find_rarest[] =
	SUMS "DELETE FROM next;"
	"SELECT window_rarest(s.low, s.high, :from, :to, :most, :bounded) FROM span AS s CROSS JOIN " HAS_SUMS ";"
	"INSERT OR IGNORE INTO alone SELECT n.key FROM most AS m CROSS JOIN day.name AS n ON n.id = m.id;"
	"INSERT OR IGNORE INTO alone SELECT '' FROM " HAS_SUMS " WHERE window_count(0, 0) > 0;"
	"INSERT INTO limits SELECT known, askers, first + :day FROM next;";
static const char find_hits_of_window[] =
	HUNT_FIND("SELECT p.* FROM alone AS a CROSS JOIN day.client AS c ON" IS_IT " CROSS JOIN day.pair AS p"
		" ON p.name IN (SELECT id FROM day.name WHERE key = a.key UNION ALL SELECT 0 WHERE a.key = '')"
		" AND p.client = c.id WHERE" HUNT_IN_WINDOW("p")) HUNT_MERGE;
static const char is_proved_of_window[] =
	"SELECT NOT EXISTS (SELECT 1 FROM limits) OR count(*) >= :wanted FROM (SELECT :bounded AND h.key IN"
	" (SELECT key FROM old) AS known, min((SELECT count(*) FROM asker AS a WHERE a.key = h.key), " HUNT_TEXT_OF(ASKERS)
	") AS askers, min(first) AS begun FROM hit AS h WHERE h.key NOT IN (SELECT key FROM common) GROUP BY h.key)"
	" WHERE (known, askers, begun) < (SELECT known, askers, first FROM limits ORDER BY known, askers, first LIMIT 1)";
static const char find_elsewhere_of_window[] =
	SUMS "SELECT window_most(0, -1) FROM " HAS_SUMS " WHERE (:day, :class) <> " MOST ";"
	"INSERT OR IGNORE INTO elsewhere SELECT n.key FROM most AS m CROSS JOIN day.name AS n ON n.id = m.id;"
	"INSERT OR IGNORE INTO elsewhere SELECT '' FROM " HAS_SUMS " WHERE window_count(0, 0) > 0"
	" AND (:day, :class) <> " MOST ";";
#define ROOT "(SELECT id FROM day.name WHERE key = '')"
static const char find_both_of_window[] =
	SUMS "INSERT INTO both SELECT count(*) FROM " HAS_SUMS " CROSS JOIN elsewhere AS e WHERE (:day, :class) = " MOST
	" AND (window_count(0, (SELECT id FROM day.name WHERE key = e.key)) > 0"
	"  OR (e.key = '' AND window_count(0, 0) > 0));"
	"INSERT INTO both SELECT 1 FROM " HAS_SUMS " WHERE (:day, :class) = " MOST
	" AND window_count(0, 0) > 0 AND window_count(0, " ROOT ") > 0;";

static int look_for(struct hunt *hunt, int64_t most)
{
	struct query *query = hunt->query;

	if (!query_bind_number(query, ":most", most) || !query_bind_number(query, ":wanted", (int64_t)hunt->limit))
		return -1;
	if (query_run(query, "DELETE FROM alone; DELETE FROM bound; DELETE FROM hit; DELETE FROM asker", &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_alone, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, remove_shared, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_hits, &hunt->diag) != 0)
		return -1;
	return (int)hunt_number(hunt, is_proved);
}

static int gather_old(struct hunt *hunt)
{
	if (hunt->from_ms == QUERY_BEGIN)
		return 0;
	return query_gather(hunt->query, QUERY_ALL, find_old, &hunt->diag) == 0 &&
		query_gather_before(hunt->query, QUERY_ALL, find_old, &hunt->diag) == 0 ? 0 : -1;
}

static int look_in_window(struct hunt *hunt, int64_t most)
{
	struct query *query = hunt->query;

	if (!query_bind_number(query, ":most", most) || !query_bind_number(query, ":wanted", (int64_t)hunt->limit))
		return -1;
	if (query_run(query, "DELETE FROM alone; DELETE FROM limits; DELETE FROM hit; DELETE FROM asker; DELETE FROM old",
			&hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_rarest, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_hits_of_window, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_askers, &hunt->diag) != 0 || gather_old(hunt) != 0)
		return -1;
	return (int)hunt_number(hunt, is_proved_of_window);
}

/* The same as gather_rarest, of a window, from slices. */
static int gather_rarest_of_window(struct hunt *hunt)
{
	struct query *query = hunt->query;
	int proved = 0;

	if (query_gather(query, QUERY_ALL, find_unsliced, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_parts, &hunt->diag) != 0)
		return -1;
	if (hunt_number(hunt, "SELECT (SELECT count(*) FROM unsliced) > 0 OR (SELECT sum(names) FROM part) <= "
			HUNT_TEXT_OF(MANY_NAMES)) != 0)
		return 0;
	if (query_run(query, "DELETE FROM part", &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_parts_of_window, &hunt->diag) != 0)
		return -1;
	for (int64_t most = (int64_t)hunt->limit + 50, rounds = 0; proved == 0 && rounds < 3; most *= 8, rounds++)
		proved = look_in_window(hunt, most);
	if (proved == 0)
		return query_run(query, "DELETE FROM hit; DELETE FROM asker; DELETE FROM old", &hunt->diag);
	return proved < 0 || query_gather(query, QUERY_ALL, find_elsewhere_of_window, &hunt->diag) != 0 ||
		query_gather(query, QUERY_ALL, find_both_of_window, &hunt->diag) != 0 ? -1 : 1;
}

/* 1: what will be printed of its names is there, and of everything in `part`; 0: read all; -1: hunt->diag. */
static int gather_rarest(struct hunt *hunt)
{
	struct query *query = hunt->query;
	int whole = hunt_is_whole(hunt), proved = 0;

	if (whole < 0 || hunt->limit == 0 || hunt->limit > MANY_NAMES || hunt->events || strchr(hunt->asked, '/') != NULL)
		return whole < 0 ? -1 : 0;
	if (whole == 0 || hunt->from_ms != QUERY_BEGIN)
		return gather_rarest_of_window(hunt);
	if (query_gather(query, QUERY_ALL, find_parts, &hunt->diag) != 0)
		return -1;
	if (hunt_number(hunt, "SELECT sum(names) FROM part") <= MANY_NAMES)
		return 0;
	for (int64_t most = (int64_t)hunt->limit + 50, rounds = 0; proved == 0 && rounds < 3; most *= 8, rounds++)
		proved = look_for(hunt, most);
	if (proved == 0)
		return query_run(query, "DELETE FROM hit; DELETE FROM asker", &hunt->diag);
	return proved < 0 || query_gather(query, QUERY_ALL, find_elsewhere, &hunt->diag) != 0 ||
		query_gather(query, QUERY_ALL, find_both, &hunt->diag) != 0 ? -1 : 1;
}

/* --- printing ----------------------------------------------------------------------------------------------- */

#define NAMES_OF_PARTS "max(names) + (SELECT count(*) FROM elsewhere) - (SELECT ifnull(sum(names), 0) FROM both)"

static const struct hunt_column summary[] = {
	{ "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT }, { "names", HUNT_COUNT },
	{ "clients", HUNT_COUNT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column names[] = {
	{ "name", HUNT_TEXT }, { "new", HUNT_FLAG }, { "askers", HUNT_COUNT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { "verdicts", HUNT_VERDICT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column clients[] = {
	{ "client", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "names", HUNT_COUNT }, { NULL, HUNT_TEXT }
};

static const struct hunt_fetch fetches[] = {
	{ "host.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT },
	{ "host.askers", "tb", "INSERT OR IGNORE INTO asker VALUES (?1, ?2)" },
	{ NULL, NULL, NULL }
};
static const struct hunt_fetch fetches_old[] = {
	{ "host.old", "ti", "INSERT OR IGNORE INTO old VALUES (?1)" }, { NULL, NULL, NULL }
};
static const struct hunt_fetch fetches_events[] = {
	{ "host.events", REMOTE_MOMENT_TYPES, REMOTE_MOMENT_INSERT }, { NULL, NULL, NULL }
};

static int gather_remote(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0 || hunt_fetch(hunt, fetches) != 0 ||
			(hunt->from_ms != QUERY_BEGIN && hunt_fetch(hunt, fetches_old) != 0))
		return -1;
	return hunt->events ? hunt_fetch(hunt, fetches_events) : 0;
}

/* *rarest: what is printed alone is there. */
static int gather(struct hunt *hunt, bool *rarest)
{
	struct query *query = hunt->query;
	int found;

	*rarest = false;
	if (hunt->remote != NULL)
		return gather_remote(hunt);
	if (query_run(query, tables, &hunt->diag) != 0 || (found = gather_rarest(hunt)) < 0)
		return -1;
	*rarest = found > 0;
	if (*rarest)
		return 0;
	if (query_gather(query, QUERY_ALL, find, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_common, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_askers, &hunt->diag) != 0)
		return -1;
	if (gather_old(hunt) != 0)
		return -1;
	return hunt->events ? query_gather(query, QUERY_ALL, find_events, &hunt->diag) : 0;
}

int hunt_host(struct hunt *hunt)
{
	const char *wrong = hunt_bind_network(hunt, hunt->asked);
	bool rarest;

	if (wrong != NULL)
		return command_misuse(hunt->command, "no address or network: %s", wrong);
	if (!query_bind_number(hunt->query, ":bounded", hunt->from_ms != QUERY_BEGIN) || gather(hunt, &rarest) != 0)
		return -1;
	hunt_begin(hunt, "host");
	if (hunt_section(hunt, "summary", summary, rarest ? "SELECT min(first), max(last), sum(count), " NAMES_OF_PARTS ", 1"
			" FROM part" : "SELECT min(first), max(last), sum(count), count(DISTINCT key), count(DISTINCT client)"
			" FROM hit HAVING count(*) > 0") != 0)
		return -1;
	if (strchr(hunt->asked, '/') != NULL && hunt_section(hunt, "clients", clients, "SELECT address_text(client),"
			" min(first), max(last), sum(count) AS n, count(DISTINCT key) FROM hit GROUP BY client"
			" ORDER BY n DESC, client") != 0)
		return -1;
	if (rarest && (hunt->all = hunt_number(hunt, "SELECT " NAMES_OF_PARTS " FROM part")) < 0)
		return -1;
	if (hunt_section(hunt, "names", names, "SELECT name_text(h.key), :bounded AND NOT EXISTS (SELECT 1 FROM old AS o"
			" WHERE o.key = h.key) AS new, iif(h.key IN (SELECT key FROM common), " HUNT_TEXT_OF(ASKERS) ","
			" min((SELECT count(*) FROM asker AS a WHERE a.key = h.key), " HUNT_TEXT_OF(ASKERS) ")) AS askers,"
			" min(first) AS begun, max(last), sum(count), texts(d.text)"
			" FROM hit AS h JOIN decision AS d ON d.id = h.decision GROUP BY h.key"
			" ORDER BY new DESC, askers, begun, h.key") != 0)
		return -1;
	return hunt->events ? hunt_timeline(hunt) : 0;
}
