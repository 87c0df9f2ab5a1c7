/* hunt_new.c: `hunt new`: domains and name servers that no day file has before the window. */
#include "tools/hunt.h"

#include <stddef.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

/* fresh: domains that some file has first in the window; bound: when it has the next one; below: names of fresh
 * ones; news: what is printed. */
static const char tables[] =
	HUNT_FOUND_TABLES
	"CREATE TABLE fresh (key TEXT PRIMARY KEY, first) WITHOUT ROWID;"
	"CREATE TABLE bound (first);"
	"CREATE TABLE below (name INTEGER PRIMARY KEY, key TEXT);"
	"CREATE TABLE news (key TEXT PRIMARY KEY, first, last, count) WITHOUT ROWID;"
	"CREATE TABLE fresh_client (key TEXT, client BLOB, PRIMARY KEY (key, client)) WITHOUT ROWID;"
	"CREATE TABLE server (data BLOB PRIMARY KEY, zone TEXT, zones, first, last, count) WITHOUT ROWID;";

/* The order is that in which they are printed: of many the first are enough. */
#define IN_WINDOW "s.first >= :from AND s.first <= :to ORDER BY s.first"
static const char find_fresh[] =
	"INSERT INTO fresh SELECT n.key, s.first + :day FROM (SELECT s.domain, s.first FROM day.domain_sum AS s WHERE "
	IN_WINDOW " LIMIT :most) AS s CROSS JOIN day.name AS n ON n.id = s.domain WHERE true"
	" ON CONFLICT DO UPDATE SET first = min(first, excluded.first);"
	"INSERT INTO bound SELECT s.first + :day FROM day.domain_sum AS s WHERE :most >= 0 AND " IN_WINDOW
	" LIMIT 1 OFFSET :most;";

/* A domain was there when it, or a name below it, was asked for before. */
static const char remove_old[] =
	"DELETE FROM fresh WHERE EXISTS (SELECT 1 FROM day.name AS n CROSS JOIN day.domain_sum AS s ON s.domain = n.id"
	" WHERE n.key = fresh.key AND s.first + :day < :begin);";
/* What a file has behind its bound is not before any of these. */
static const char remove_unproved[] =
	"DELETE FROM fresh WHERE first >= (SELECT min(first) FROM bound);"
	"DELETE FROM fresh WHERE :wanted > 0 AND key NOT IN (SELECT key FROM fresh ORDER BY first, key LIMIT :wanted);";

#define BELOW(condition) "INSERT OR IGNORE INTO below SELECT n.id, f.key FROM fresh AS f CROSS JOIN" \
	" day.name AS d ON d.key = f.key CROSS JOIN day.name AS n ON " condition " WHERE n.domain = d.id;"
static const char find_rows[] =
	"DELETE FROM below;" BELOW("n.id = d.id") BELOW("n.key > f.key || '.' AND n.key < f.key || '/'")
	HUNT_FIND("SELECT p.* FROM below AS b CROSS JOIN day.pair AS p ON p.name = b.name WHERE" HUNT_IN_WINDOW("p"))
	"INSERT INTO news SELECT b.key, min(f.first) + :day, max(f.last) + :day, sum(f.count) FROM found AS f"
	" JOIN below AS b ON b.name = f.name GROUP BY b.key ON CONFLICT DO UPDATE SET first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;"
	"INSERT OR IGNORE INTO fresh_client SELECT b.key, c.address FROM found AS f JOIN below AS b ON b.name = f.name"
	" JOIN day.client AS c ON c.id = f.client;";

static const char find_servers[] =
	"INSERT INTO server SELECT rr.data, min(n.key), count(DISTINCT n.key), min(rr.first) + :day, max(rr.last) + :day,"
	" sum(rr.count) FROM day.rr AS rr JOIN day.name AS n ON n.id = rr.owner WHERE rr.type IN (1, 2, 5, 12, 28, 39)"
	" AND rr.type = 2 AND rr.count > 0 AND" HUNT_IN_WINDOW("rr") "GROUP BY rr.data"
	" ON CONFLICT DO UPDATE SET zone = min(zone, excluded.zone), zones = max(zones, excluded.zones),"
	" first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count;";
static const char remove_old_servers[] =
	"DELETE FROM server WHERE EXISTS (SELECT 1 FROM day.rr AS rr WHERE rr.type IN (1, 2, 5, 12, 28, 39) AND rr.type = 2"
	" AND rr.data = server.data AND rr.count > 0 AND rr.first + :day < :begin);";

static const struct hunt_column domains[] = {
	{ "domain", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "clients", HUNT_COUNT }, { "client", HUNT_TEXT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column servers[] = {
	{ "server", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "zones", HUNT_COUNT }, { "zone", HUNT_TEXT }, { NULL, HUNT_TEXT }
};

static const struct hunt_fetch fetches[] = {
	{ "new.domains", "tiii", "INSERT INTO news VALUES (?1, ?2, ?3, ?4)" },
	{ "new.clients", "tb", "INSERT OR IGNORE INTO fresh_client VALUES (?1, ?2)" },
	{ "new.servers", "btiiii", "INSERT INTO server VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	{ NULL, NULL, NULL }
};

/* The files' first `most` domains (-1: all). 1: they are enough; 0: more must be looked at. */
static int look_at(struct hunt *hunt, int64_t most)
{
	struct query *query = hunt->query;

	if (!query_bind_number(query, ":most", most) ||
			query_run(query, "DELETE FROM fresh; DELETE FROM bound", &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_fresh, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, remove_old, &hunt->diag) != 0 ||
			query_gather_before(query, QUERY_ALL, remove_old, &hunt->diag) != 0 ||
			query_run(query, remove_unproved, &hunt->diag) != 0)
		return -1;
	return most < 0 ? 1 : (int)hunt_number(hunt, "SELECT count(*) >= :wanted OR NOT EXISTS (SELECT 1 FROM bound)"
		" FROM fresh");
}

static int gather(struct hunt *hunt)
{
	struct query *query = hunt->query;
	int64_t wanted = (int64_t)hunt->limit + 1;           /* one more shows that it is not the last */
	int enough = 0;

	if (hunt->limit == 0 || hunt->limit >= INT32_MAX)
		wanted = -1;
	if (!query_bind_number(query, ":wanted", wanted) || query_run(query, tables, &hunt->diag) != 0)
		return -1;
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches);
	for (int64_t most = 4 * wanted, rounds = 0; enough == 0; most *= 8, rounds++)
		enough = look_at(hunt, wanted < 0 || rounds == 3 ? -1 : most);
	return enough < 0 || query_gather(query, QUERY_ALL, find_rows, &hunt->diag) != 0 ||
		query_gather(query, QUERY_ALL, find_servers, &hunt->diag) != 0 ||
		query_gather(query, QUERY_ALL, remove_old_servers, &hunt->diag) != 0 ||
		query_gather_before(query, QUERY_ALL, remove_old_servers, &hunt->diag) != 0 ? -1 : 0;
}

int hunt_new(struct hunt *hunt)
{
	if (hunt->from_ms == QUERY_BEGIN)
		return command_misuse(hunt->command, "say since when: --from yesterday");
	if (gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "new");
	hunt->all = hunt_number(hunt, "SELECT count(*) FROM news") > (int64_t)hunt->limit ? HUNT_UNCOUNTED : HUNT_COUNTED;
	if (hunt_section(hunt, "domains", domains, "SELECT name_text(key), first, last, count,"
			" (SELECT count(*) FROM fresh_client AS c WHERE c.key = news.key),"
			" (SELECT address_text(min(client)) FROM fresh_client AS c WHERE c.key = news.key)"
			" FROM news ORDER BY first, key") != 0)
		return -1;
	return hunt_section(hunt, "name_servers", servers, "SELECT record_text(2, data), first, last, count, zones,"
		" name_text(zone) FROM server ORDER BY first, data");
}
