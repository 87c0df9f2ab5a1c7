/* hunt_host.c: `hunt host CLIENT|NETWORK`: what it asked for, what is new and rare first. */
#include "tools/hunt.h"

#include <string.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define ASKERS 5                    /* so many clients of a name are counted; one that more ask for is not rare */
#define TEXT_OF(number) #number
#define ASKERS_TEXT(number) TEXT_OF(number)

static const char tables[] =
	HUNT_HIT_TABLES
	"CREATE TABLE asker (key TEXT, client BLOB, PRIMARY KEY (key, client)) WITHOUT ROWID;"
	"CREATE TABLE old (key TEXT PRIMARY KEY) WITHOUT ROWID;"
	HUNT_MOMENT_TABLE;

#define PAIRS "SELECT p.* FROM day.client AS c CROSS JOIN day.pair AS p ON p.client = c.id WHERE c.address >= :low" \
	" AND c.address <= :high AND length(c.address) = :octets AND" HUNT_IN_WINDOW("p")

static const char find[] = HUNT_FIND(PAIRS) HUNT_MERGE;
static const char find_events[] = HUNT_EVENTS(PAIRS);

/* Who else asked for what it asked for; a few are enough to know that a name is not rare. */
static const char find_askers[] =
	"INSERT OR IGNORE INTO asker SELECT n.key, c.address FROM (SELECT DISTINCT key FROM hit) AS h"
	" CROSS JOIN day.name AS n ON n.key = h.key CROSS JOIN day.client AS c ON c.id IN (SELECT DISTINCT client"
	"  FROM day.pair WHERE name = n.id AND first <= :to AND last >= :from LIMIT " ASKERS_TEXT(ASKERS) ");";

static const char find_old[] =
	"INSERT OR IGNORE INTO old SELECT h.key FROM (SELECT DISTINCT key FROM hit) AS h CROSS JOIN day.name AS n"
	" ON n.key = h.key WHERE EXISTS (SELECT 1 FROM day.pair AS p WHERE p.name = n.id AND p.first + :day < :begin);";

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

static int gather(struct hunt *hunt)
{
	struct query *query = hunt->query;

	if (hunt->remote != NULL)
		return gather_remote(hunt);
	if (query_run(query, tables, &hunt->diag) != 0 || query_gather(query, QUERY_ALL, find, &hunt->diag) != 0 ||
			query_gather(query, QUERY_ALL, find_askers, &hunt->diag) != 0)
		return -1;
	if (hunt->from_ms != QUERY_BEGIN && (query_gather(query, QUERY_ALL, find_old, &hunt->diag) != 0 ||
			query_gather_before(query, QUERY_ALL, find_old, &hunt->diag) != 0))
		return -1;
	return hunt->events ? query_gather(query, QUERY_ALL, find_events, &hunt->diag) : 0;
}

int hunt_host(struct hunt *hunt)
{
	const char *wrong = hunt_bind_network(hunt, hunt->asked);

	if (wrong != NULL)
		return command_misuse(hunt->command, "no address or network: %s", wrong);
	if (!query_bind_number(hunt->query, ":bounded", hunt->from_ms != QUERY_BEGIN) || gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "host");
	if (hunt_section(hunt, "summary", summary, "SELECT min(first), max(last), sum(count), count(DISTINCT key),"
			" count(DISTINCT client) FROM hit HAVING count(*) > 0") != 0)
		return -1;
	if (strchr(hunt->asked, '/') != NULL && hunt_section(hunt, "clients", clients, "SELECT address_text(client),"
			" min(first), max(last), sum(count) AS n, count(DISTINCT key) FROM hit GROUP BY client"
			" ORDER BY n DESC, client") != 0)
		return -1;
	if (hunt_section(hunt, "names", names, "SELECT name_text(h.key), :bounded AND NOT EXISTS (SELECT 1 FROM old AS o"
			" WHERE o.key = h.key) AS new, min((SELECT count(*) FROM asker AS a WHERE a.key = h.key), "
			ASKERS_TEXT(ASKERS) ") AS askers, min(first) AS begun, max(last), sum(count),"
			" texts(" HUNT_VERDICT_TEXT("d") ") FROM hit AS h JOIN decision AS d ON d.id = h.decision"
			" GROUP BY h.key ORDER BY new DESC, askers, begun, h.key") != 0)
		return -1;
	return hunt->events ? hunt_timeline(hunt) : 0;
}
