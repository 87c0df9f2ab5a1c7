/* hunt_domain.c: `hunt domain NAME`: who asked for it, what came back, what was decided. */
#include "tools/hunt.h"

#include <string.h>

#include "store/name_key.h"
#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

static const char tables[] =
	HUNT_HIT_TABLES HUNT_USED_TABLES HUNT_MOMENT_TABLE
	"CREATE TABLE wanted (id INTEGER PRIMARY KEY, key TEXT);"
	"CREATE TABLE record (owner TEXT, type INTEGER, data BLOB, ttl, upstream, first, last, count,"
	" PRIMARY KEY (owner, type, data)) WITHOUT ROWID;"
	"CREATE TABLE server (zone TEXT, data BLOB, ttl, first, last, count, PRIMARY KEY (zone, data)) WITHOUT ROWID;";

static const char find_records[] =
	HUNT_USED
	"INSERT INTO record SELECT n.key, rr.type, rr.data, max(rr.ttl), max(r.upstream), min(u.first) + :day,"
	" max(u.last) + :day, sum(u.count) FROM used AS u CROSS JOIN day.reply AS r ON r.id = u.reply"
	" CROSS JOIN json_each(r.records) AS j CROSS JOIN day.rr AS rr ON rr.id = j.value"
	" CROSS JOIN day.name AS n ON n.id = rr.owner WHERE r.records <> '' GROUP BY n.key, rr.type, rr.data"
	" ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl), upstream = max(upstream, excluded.upstream),"
	" first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count;";

/* Those of the name and of what is above it, as passive DNS has them. */
static const char find_servers[] =
	"INSERT INTO server SELECT n.key, rr.data, max(rr.ttl), min(rr.first) + :day, max(rr.last) + :day, sum(rr.count)"
	" FROM (SELECT id, key FROM wanted UNION SELECT n.id, n.key FROM json_each(:above) AS a CROSS JOIN day.name AS n"
	"  ON n.key = a.value) AS n CROSS JOIN day.rr AS rr ON rr.owner = n.id AND rr.type = 2"
	" WHERE rr.count > 0 AND" HUNT_IN_WINDOW("rr") "GROUP BY n.key, rr.data"
	" ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl), first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;";

#define PAIRS "SELECT p.* FROM wanted AS w CROSS JOIN day.pair AS p ON p.name = w.id WHERE" HUNT_IN_WINDOW("p")

static const char find_hits[] =
	"DELETE FROM wanted;"
	"INSERT INTO wanted SELECT id, key FROM day.name WHERE key >= :low AND key < :high;"
	HUNT_FIND(PAIRS) HUNT_MERGE;
static const char find_events[] = HUNT_EVENTS(PAIRS);

/* The keys of what is above a name, as a JSON array: keys hold neither quotes nor control octets. A backslash of \DDD
 * is doubled. */
static bool bind_above(struct hunt *hunt)
{
	static char text[QUERY_VALUE_MAX];
	char key[NAME_KEY_MAX], self[NAME_KEY_MAX] = "";
	struct name name;
	size_t used = 1;
	const char *asked = strncmp(hunt->asked, "*.", 2) == 0 ? hunt->asked + 2 : hunt->asked;

	text[0] = '[';
	if (hunt_read_name(asked, &name) == NULL)
		for (unsigned i = 0; i + 1 < name.labels; i++) {
			size_t octets = name_key_write(name_suffix(&name, i), name.length - (size_t)(name_suffix(&name, i) - name.octets),
				key);

			if (i == 0)
				strcpy(self, key);
			if (2 * octets + 4 > sizeof(text) - used)
				break;
			if (used > 1)
				text[used++] = ',';
			text[used++] = '"';
			for (const char *at = key; *at != '\0'; at++) {
				if (*at == '\\')
					text[used++] = '\\';
				text[used++] = *at;
			}
			text[used++] = '"';
		}
	text[used++] = ']';
	text[used] = '\0';
	return query_bind_text(hunt->query, ":above", text) && query_bind_text(hunt->query, ":self", self);
}

static const struct hunt_fetch fetches[] = {
	{ "domain.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT },
	{ "domain.records", "tiiii", "INSERT INTO record SELECT record_owner(?1), record_type(?1), record_data(?1),"
		" record_ttl(?1), ?2, ?3, ?4, ?5 WHERE true ON CONFLICT DO UPDATE SET ttl = max(ttl, excluded.ttl),"
		" upstream = max(upstream, excluded.upstream), first = min(first, excluded.first),"
		" last = max(last, excluded.last), count = count + excluded.count" },
	{ "domain.servers", "tbiiii", "INSERT INTO server VALUES (?1, ?2, ?3, ?4, ?5, ?6)" },
	{ NULL, NULL, NULL }
};
static const struct hunt_fetch fetches_events[] = {
	{ "domain.events", REMOTE_MOMENT_TYPES, REMOTE_MOMENT_INSERT }, { NULL, NULL, NULL }
};

static int gather_remote(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0 || hunt_fetch(hunt, fetches) != 0)
		return -1;
	return hunt->events ? hunt_fetch(hunt, fetches_events) : 0;
}

static int gather(struct hunt *hunt)
{
	static char statements[sizeof(find_hits) + sizeof(find_records) + sizeof(find_servers) + sizeof(find_events)];

	if (hunt->remote != NULL)
		return gather_remote(hunt);
	strcpy(statements, find_hits);
	strcat(statements, find_records);
	strcat(statements, find_servers);
	if (hunt->events)
		strcat(statements, find_events);
	return query_run(hunt->query, tables, &hunt->diag) == 0 &&
		query_gather(hunt->query, QUERY_ALL, statements, &hunt->diag) == 0 ? 0 : -1;
}

static const struct hunt_column records[] = {
	{ "owner", HUNT_TEXT }, { "type", HUNT_TEXT }, { "data", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { "ttl", HUNT_COUNT }, { "upstream", HUNT_FLAG }, { NULL, HUNT_TEXT }
};
static const struct hunt_column servers[] = {
	{ "zone", HUNT_TEXT }, { "server", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME },
	{ "count", HUNT_COUNT }, { "ttl", HUNT_COUNT }, { NULL, HUNT_TEXT }
};

int hunt_domain(struct hunt *hunt)
{
	const char *wrong = hunt_bind_name(hunt, hunt->asked);
	bool below = strncmp(hunt->asked, "*", 1) == 0;

	if (wrong != NULL || !bind_above(hunt))
		return command_misuse(hunt->command, "this is no name: %s", wrong != NULL ? wrong : "no memory");
	if (gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "domain");
	if (hunt_hits(hunt, HUNT_SUMMARY | HUNT_VERDICTS | HUNT_CLIENTS | (below ? HUNT_NAMES : 0)) != 0)
		return -1;
	if (hunt_section(hunt, "records", records, "SELECT name_text(owner), type_text(type), record_text(type, data), first,"
			" last, count, ttl, upstream FROM record ORDER BY count DESC, owner, type, data") != 0)
		return -1;
	if (hunt_section(hunt, "name_servers", servers, "SELECT name_text(zone), record_text(2, data), first, last, count,"
			" ttl FROM server ORDER BY zone, data") != 0)
		return -1;
	return hunt->events ? hunt_timeline(hunt) : 0;
}
