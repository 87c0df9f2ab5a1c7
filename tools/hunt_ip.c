/* hunt_ip.c: `hunt ip ADDRESS|NETWORK`: which names resolved there, and who asked for them. */
#include "tools/hunt.h"

#include <stddef.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

/* target: records that lead there; reach: names from which some chain of CNAMEs leads to one. */
static const char tables[] =
	HUNT_HIT_TABLES
	"CREATE TABLE target (id INTEGER PRIMARY KEY, owner, data BLOB);"
	"CREATE TABLE reach (id INTEGER PRIMARY KEY);"
	"CREATE TABLE address (key TEXT, data BLOB, first, last, count, PRIMARY KEY (key, data)) WITHOUT ROWID;"
	"CREATE TABLE owner (key TEXT, data BLOB, ttl, first, last, count, PRIMARY KEY (key, data)) WITHOUT ROWID;";

/* A chain goes backwards by the CNAMEs whose data is the owner's name: wire_of makes that of a key. */
static const char find[] =
	"DELETE FROM target; DELETE FROM reach;"
	"INSERT INTO target SELECT id, owner, data FROM day.rr WHERE type IN (1, 2, 5, 12, 28, 39) AND type = :type"
	" AND data >= :low AND data <= :high AND length(data) = :octets;"
	"INSERT INTO target SELECT id, owner, data FROM day.rr WHERE type IN (1, 2, 5, 12, 28, 39) AND type = 28"
	" AND data >= :mapped_low AND data <= :mapped_high AND length(data) = 16;"
	"INSERT INTO reach WITH RECURSIVE back (id) AS (SELECT owner FROM target UNION"
	" SELECT c.owner FROM back AS b JOIN day.name AS n ON n.id = b.id CROSS JOIN day.rr AS c"
	"  ON c.type IN (1, 2, 5, 12, 28, 39) AND c.type = 5 AND c.data = wire_of(n.key))"
	" SELECT id FROM back;"
	"INSERT INTO owner SELECT n.key, t.data, max(rr.ttl), min(rr.first) + :day, max(rr.last) + :day, sum(rr.count)"
	" FROM target AS t CROSS JOIN day.rr AS rr ON rr.id = t.id CROSS JOIN day.name AS n ON n.id = t.owner"
	" WHERE rr.count > 0 AND" HUNT_IN_WINDOW("rr") "GROUP BY n.key, t.data"
	" ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl), first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;"
	"INSERT INTO address SELECT n.key, t.data, min(r.first) + :day, max(r.last) + :day, sum(r.count) FROM reach AS w"
	" CROSS JOIN day.reply AS r ON r.name = w.id CROSS JOIN json_each(r.records) AS j"
	" CROSS JOIN target AS t ON t.id = j.value CROSS JOIN day.name AS n ON n.id = w.id"
	" WHERE r.records <> '' AND" HUNT_IN_WINDOW("r") "GROUP BY n.key, t.data"
	" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
	" count = count + excluded.count;";

/* A name can resolve there in one file and be asked for in another. */
static const char find_clients[] =
	HUNT_FIND("SELECT p.* FROM (SELECT DISTINCT key FROM address) AS a CROSS JOIN day.name AS n ON n.key = a.key"
		" CROSS JOIN day.pair AS p ON p.name = n.id WHERE" HUNT_IN_WINDOW("p"))
	HUNT_MERGE;

static const struct hunt_column names[] = {
	{ "name", HUNT_TEXT }, { "address", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column owners[] = {
	{ "owner", HUNT_TEXT }, { "address", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { "ttl", HUNT_COUNT }, { NULL, HUNT_TEXT }
};

static const struct hunt_fetch fetches[] = {
	{ "ip.names", "tbiii", "INSERT INTO address VALUES (?1, ?2, ?3, ?4, ?5)" },
	{ "ip.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT },
	{ "ip.owners", "tbiiii", "INSERT INTO owner VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	{ NULL, NULL, NULL }
};

static int gather(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0)
		return -1;
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches);
	return query_gather(hunt->query, QUERY_ALL, find, &hunt->diag) == 0 &&
		query_gather(hunt->query, QUERY_ALL, find_clients, &hunt->diag) == 0 ? 0 : -1;
}

int hunt_ip(struct hunt *hunt)
{
	const char *wrong = hunt_bind_network(hunt, hunt->asked);

	if (wrong != NULL)
		return command_misuse(hunt->command, "no address or network: %s", wrong);
	if (gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "ip");
	if (hunt_section(hunt, "names", names, "SELECT name_text(key), address_text(data), first, last, count FROM address"
			" ORDER BY count DESC, key, data") != 0 ||
			hunt_hits(hunt, HUNT_CLIENTS) != 0)
		return -1;
	return hunt_section(hunt, "passive_dns", owners, "SELECT name_text(key), address_text(data), first, last, count, ttl"
		" FROM owner ORDER BY count DESC, key, data");
}
