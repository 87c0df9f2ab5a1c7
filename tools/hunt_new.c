/* hunt_new.c: `hunt new`: domains and name servers that no day file has before the window. */
#include "tools/hunt.h"

#include <stddef.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

static const char tables[] =
	"CREATE TABLE found (name, client, verdict, first, last, count);"
	"CREATE TABLE fresh (key TEXT PRIMARY KEY, first, last, count) WITHOUT ROWID;"
	"CREATE TABLE fresh_client (key TEXT, client BLOB, PRIMARY KEY (key, client)) WITHOUT ROWID;"
	"CREATE TABLE server (data BLOB PRIMARY KEY, zone TEXT, zones, first, last, count) WITHOUT ROWID;";

static const char find[] =
	HUNT_FIND("SELECT p.* FROM day.pair AS p WHERE" HUNT_IN_WINDOW("p"))
	"INSERT INTO fresh SELECT d.key, min(f.first) + :day, max(f.last) + :day, sum(f.count) FROM found AS f"
	" JOIN day.name AS n ON n.id = f.name JOIN day.name AS d ON d.id = n.domain GROUP BY d.id"
	" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
	" count = count + excluded.count;"
	"INSERT INTO server SELECT rr.data, min(n.key), count(DISTINCT n.key), min(rr.first) + :day, max(rr.last) + :day,"
	" sum(rr.count) FROM day.rr AS rr JOIN day.name AS n ON n.id = rr.owner WHERE rr.type IN (1, 2, 5, 12, 28, 39)"
	" AND rr.type = 2 AND rr.count > 0 AND" HUNT_IN_WINDOW("rr") "GROUP BY rr.data"
	" ON CONFLICT DO UPDATE SET zone = min(zone, excluded.zone), zones = max(zones, excluded.zones),"
	" first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count;";

/* A domain was there when it, or a name below it, was asked for before. */
#define WAS_ASKED(condition) "SELECT 1 FROM day.name AS n CROSS JOIN day.pair AS p ON p.name = n.id WHERE " condition \
	" AND p.first + :day < :begin"
static const char remove_old[] =
	"DELETE FROM fresh WHERE EXISTS (" WAS_ASKED("n.key = fresh.key") ");"
	"DELETE FROM fresh WHERE EXISTS (" WAS_ASKED("n.key > fresh.key || '.' AND n.key < fresh.key || '/'") ");"
	"DELETE FROM server WHERE EXISTS (SELECT 1 FROM day.rr AS rr WHERE rr.type IN (1, 2, 5, 12, 28, 39) AND rr.type = 2"
	" AND rr.data = server.data AND rr.count > 0 AND rr.first + :day < :begin);";

#define ASKERS(condition) "INSERT OR IGNORE INTO fresh_client SELECT fresh.key, c.address FROM fresh" \
	" CROSS JOIN day.name AS n ON " condition " CROSS JOIN day.pair AS p ON p.name = n.id" \
	" CROSS JOIN day.client AS c ON c.id = p.client WHERE" HUNT_IN_WINDOW("p") ";"
static const char find_clients[] =
	ASKERS("n.key = fresh.key") ASKERS("n.key > fresh.key || '.' AND n.key < fresh.key || '/'");

static const struct hunt_column domains[] = {
	{ "domain", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "clients", HUNT_COUNT }, { "client", HUNT_TEXT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column servers[] = {
	{ "server", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "zones", HUNT_COUNT }, { "zone", HUNT_TEXT }, { NULL, HUNT_TEXT }
};

static const struct hunt_fetch fetches[] = {
	{ "new.domains", "tiii", "INSERT INTO fresh VALUES (?1, ?2, ?3, ?4)" },
	{ "new.clients", "tb", "INSERT OR IGNORE INTO fresh_client VALUES (?1, ?2)" },
	{ "new.servers", "btiiii", "INSERT INTO server VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	{ NULL, NULL, NULL }
};

static int gather(struct hunt *hunt)
{
	struct query *query = hunt->query;

	if (query_run(query, tables, &hunt->diag) != 0)
		return -1;
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches);
	return query_gather(query, QUERY_ALL, find, &hunt->diag) == 0 &&
		query_gather(query, QUERY_ALL, remove_old, &hunt->diag) == 0 &&
		query_gather_before(query, QUERY_ALL, remove_old, &hunt->diag) == 0 &&
		query_gather(query, QUERY_ALL, find_clients, &hunt->diag) == 0 ? 0 : -1;
}

int hunt_new(struct hunt *hunt)
{
	if (hunt->from_ms == QUERY_BEGIN)
		return command_misuse(hunt->command, "say since when: --from yesterday");
	if (gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "new");
	if (hunt_section(hunt, "domains", domains, "SELECT name_text(key), first, last, count,"
			" (SELECT count(*) FROM fresh_client AS c WHERE c.key = fresh.key),"
			" (SELECT address_text(min(client)) FROM fresh_client AS c WHERE c.key = fresh.key)"
			" FROM fresh ORDER BY first, key") != 0)
		return -1;
	return hunt_section(hunt, "name_servers", servers, "SELECT record_text(2, data), first, last, count, zones,"
		" name_text(zone) FROM server ORDER BY first, data");
}
