/* hunt_ip.c: `hunt ip ADDRESS|NETWORK`: which names resolved there, and who asked for them. */
#include "tools/hunt.h"

#include <stddef.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

/* An address in hexadecimal digits is one of those. */
#define IS_ASKED(digits) "(length(" digits ") = 2 * :octets AND " digits " BETWEEN lower(hex(:low)) AND lower(hex(:high))" \
	" OR length(" digits ") = 32 AND " digits " BETWEEN lower(hex(:mapped_low)) AND lower(hex(:mapped_high)))"
/* Those that a record brings, each once. */
#define ASKED_OF(type, data) "json_each(addresses_of(" type ", " data ")) AS x WHERE " IS_ASKED("x.value")
#define OCTETS_OF_DIGITS "record_data(' 0 0 ' || x.value)"

/* target: records that lead there; reach: names from which some chain of CNAMEs leads to one. */
static const char tables[] =
	HUNT_HIT_TABLES
	"CREATE TABLE target (id INTEGER, owner, data BLOB, PRIMARY KEY (id, data)) WITHOUT ROWID;"
	"CREATE TABLE reach (id INTEGER PRIMARY KEY);"
	"CREATE TABLE address (key TEXT, data BLOB, first, last, count, PRIMARY KEY (key, data)) WITHOUT ROWID;"
	"CREATE TABLE owner (key TEXT, data BLOB, ttl, first, last, count, PRIMARY KEY (key, data)) WITHOUT ROWID;";

#define MERGED " ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)," \
	" count = count + excluded.count"
#define MERGED_OWNER MERGED ", ttl = max(ttl, excluded.ttl)"

/* A chain goes backwards by the CNAMEs whose data is the owner's name: wire_of makes that of a key. */
static const char find[] =
	"DELETE FROM target; DELETE FROM reach;"
	"INSERT INTO target SELECT id, owner, data FROM day.rr WHERE type IN (1, 2, 5, 12, 28, 39) AND type = :type"
	" AND data >= :low AND data <= :high AND length(data) = :octets;"
	"INSERT INTO target SELECT id, owner, data FROM day.rr WHERE type IN (1, 2, 5, 12, 28, 39) AND type = 28"
	" AND data >= :mapped_low AND data <= :mapped_high AND length(data) = 16;"
	/* A row of the address leads to the HTTPS and SVCB records of its owner that have it as a hint. */
	"INSERT OR IGNORE INTO target SELECT rr.id, rr.owner, t.data FROM target AS t CROSS JOIN day.rr AS rr"
	"  ON rr.owner = t.owner AND rr.type IN (64, 65)"
	" WHERE lower(hex(t.data)) IN (SELECT value FROM json_each(addresses_of(rr.type, rr.data)));"
	"INSERT INTO reach WITH RECURSIVE back (id) AS (SELECT owner FROM target UNION"
	" SELECT c.owner FROM back AS b JOIN day.name AS n ON n.id = b.id CROSS JOIN day.rr AS c"
	"  ON c.type IN (1, 2, 5, 12, 28, 39) AND c.type = 5 AND c.data = wire_of(n.key))"
	" SELECT id FROM back;"
	"INSERT INTO owner SELECT n.key, t.data, max(rr.ttl), min(rr.first) + :day, max(rr.last) + :day, sum(rr.count)"
	" FROM target AS t CROSS JOIN day.rr AS rr ON rr.id = t.id CROSS JOIN day.name AS n ON n.id = t.owner"
	" WHERE rr.count > 0 AND" HUNT_IN_WINDOW("rr") "GROUP BY n.key, t.data" MERGED_OWNER ";"
	"INSERT INTO address SELECT n.key, a.data, min(a.first) + :day, max(a.last) + :day, sum(a.count) FROM"
	" (SELECT DISTINCT w.id AS name, r.id, t.data, r.first, r.last, r.count FROM reach AS w"
	"  CROSS JOIN day.reply AS r ON r.name = w.id CROSS JOIN json_each(r.records) AS j CROSS JOIN target AS t"
	"   ON t.id = j.value WHERE r.records <> '' AND" HUNT_IN_WINDOW("r") ") AS a"
	" CROSS JOIN day.name AS n ON n.id = a.name GROUP BY n.key, a.data" MERGED ";";

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
	{ "ip.names", "ttiii", "INSERT INTO address SELECT ?1, a.data, ?3, ?4, ?5 FROM (SELECT DISTINCT " OCTETS_OF_DIGITS
		" AS data FROM json_each(" REMOTE_RECORDS("?2") ") AS j CROSS JOIN "
		ASKED_OF("record_type(j.value)", "record_data(j.value)") ") AS a WHERE true" MERGED },
	{ "ip.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT },
	{ "ip.owners", "tibiiii", "INSERT INTO owner SELECT ?1, a.data, ?4, ?5, ?6, ?7 FROM (SELECT DISTINCT " OCTETS_OF_DIGITS
		" AS data FROM " ASKED_OF("?2", "?3") ") AS a WHERE true" MERGED_OWNER },
	{ NULL, NULL, NULL }
};

static int gather(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0)
		return -1;
	/* It gives what has the digits of a hint somewhere. */
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches) != 0 ? -1 :
			query_run(hunt->query, "DELETE FROM hit WHERE key NOT IN (SELECT key FROM address)", &hunt->diag);
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
