/* hunt_hits.c: sections of what HUNT_MERGE gathered. */
#include "tools/hunt.h"

static const struct hunt_column summary[] = {
	{ "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT }, { "clients", HUNT_COUNT },
	{ "names", HUNT_COUNT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column names[] = {
	{ "name", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "clients", HUNT_COUNT }, { "verdicts", HUNT_VERDICT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column clients[] = {
	{ "client", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "names", HUNT_COUNT }, { "verdicts", HUNT_VERDICT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column verdicts[] = {
	{ "verdict", HUNT_VERDICT }, { "list", HUNT_TEXT }, { "rule", HUNT_TEXT }, { "first", HUNT_TIME },
	{ "last", HUNT_TIME }, { "count", HUNT_COUNT }, { "clients", HUNT_COUNT }, { "shadow", HUNT_TEXT },
	{ "techniques", HUNT_TEXT }, { "detectors", HUNT_TEXT }, { NULL, HUNT_TEXT }
};

#define VERDICTS "texts(d.text)"
#define HITS " FROM hit AS h JOIN decision AS d ON d.id = h.decision "

static const struct {
	enum hunt_hit_section bit;
	const char *section;
	const struct hunt_column *columns;
	const char *select;
} rows[] = {
	{ HUNT_SUMMARY, "summary", summary, "SELECT min(first), max(last), sum(count), count(DISTINCT client),"
		" count(DISTINCT key) FROM hit HAVING count(*) > 0" },
	{ HUNT_VERDICTS, "verdicts", verdicts, "SELECT iif(verdict = '', '-', verdict), nullif(list, ''),"
		" nullif(rule, ''), first, last, n, clients,"
		" nullif(trim(shadow_list || ' ' || shadow_rule || ' ' || shadow_action), ''), nullif(trim(techniques), ''),"
		" nullif(trim(detectors), '') FROM (SELECT kind, min(first) AS first, max(last) AS last, sum(count) AS n,"
		"  count(DISTINCT client) AS clients FROM hit AS h CROSS JOIN alike AS k ON k.decision = h.decision GROUP BY kind) AS s"
		" CROSS JOIN decision AS d ON d.id = s.kind ORDER BY n DESC, verdict, list, rule, shadow_list, shadow_rule,"
		" shadow_action, techniques, detectors" },
	{ HUNT_NAMES, "names", names, "SELECT name_text(h.key), min(first), max(last), sum(count) AS n,"
		" count(DISTINCT client)," VERDICTS HITS "GROUP BY h.key ORDER BY n DESC, h.key" },
	{ HUNT_CLIENTS, "clients", clients, "SELECT address_text(client), min(first), max(last), sum(count) AS n,"
		" count(DISTINCT key)," VERDICTS HITS "GROUP BY client ORDER BY n DESC, client" },
};

/* Decisions that do not differ in what is printed. Numbers are grouped in a fraction of the time of texts. */
static const char make_alike[] =
	"CREATE TABLE alike (decision INTEGER PRIMARY KEY, kind INTEGER);"
	"INSERT INTO alike SELECT id, min(id) OVER (PARTITION BY " HUNT_ALIKE ") FROM decision;";

int hunt_hits(struct hunt *hunt, unsigned sections)
{
	if (query_run(hunt->query, make_alike, &hunt->diag) != 0)
		return -1;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((sections & rows[i].bit) != 0 &&
				hunt_section(hunt, rows[i].section, rows[i].columns, rows[i].select) != 0)
			return -1;
	return 0;
}
