/* hunt_rule.c: pivots that begin at decisions: `hunt rule`, `hunt technique`, and `hunt top` of all. */
#include "tools/hunt.h"

#include <string.h>

#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define NAME_LIMIT 1024

/* Every decision that names a list or a technique lies in the files of verdicts, which have an index for it. */
#define BY_VERDICT(condition) \
	HUNT_FIND("SELECT p.* FROM day.verdict AS v CROSS JOIN day.pair AS p ON p.verdict = v.id WHERE (" condition ") AND" \
		HUNT_IN_WINDOW("p")) HUNT_MERGE

static const char of_rule[] = BY_VERDICT("(v.list = :list AND (:whole OR v.rule = :rule))"
	" OR (v.shadow_list = :list AND (:whole OR v.shadow_rule = :rule))");
static const char of_technique[] = BY_VERDICT("instr(v.techniques, :exact) OR (:below <> '' AND"
	" instr(v.techniques, :below))");

static const struct hunt_fetch fetches_rule[] = {
	{ "rule.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT }, { NULL, NULL, NULL }
};
static const struct hunt_fetch fetches_technique[] = {
	{ "technique.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT }, { NULL, NULL, NULL }
};

static int print(struct hunt *hunt, const char *name, const char *find, const struct hunt_fetch *fetches)
{
	if (query_run(hunt->query, HUNT_HIT_TABLES, &hunt->diag) != 0 || (hunt->remote != NULL ? hunt_fetch(hunt, fetches) :
			query_gather(hunt->query, QUERY_VERDICTS, find, &hunt->diag)) != 0)
		return -1;
	hunt_begin(hunt, name);
	return hunt_hits(hunt, HUNT_SUMMARY | HUNT_VERDICTS | HUNT_NAMES | HUNT_CLIENTS);
}

int hunt_rule(struct hunt *hunt)
{
	const char *colon = strchr(hunt->asked, ':');
	size_t octets = colon != NULL ? (size_t)(colon - hunt->asked) : strlen(hunt->asked);
	char list[NAME_LIMIT];

	if (octets == 0 || octets >= sizeof(list))
		return command_misuse(hunt->command, "name a list, or LIST:RULE");
	memcpy(list, hunt->asked, octets);
	list[octets] = '\0';
	if (!query_bind_text(hunt->query, ":list", list) || !query_bind_number(hunt->query, ":whole", colon == NULL) ||
			!query_bind_text(hunt->query, ":rule", colon != NULL ? colon + 1 : ""))
		return command_misuse(hunt->command, "the rule is too long");
	return print(hunt, "rule", of_rule, fetches_rule);
}

/* T and four digits, or with a dot and three more. */
static bool is_technique(const char *text)
{
	static const char form[] = "Tdddd.ddd";
	size_t octets = strlen(text);

	if (octets != 5 && octets != 9)
		return false;
	for (size_t i = 0; i < octets; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	return true;
}

int hunt_technique(struct hunt *hunt)
{
	char exact[16] = " ", below[16] = "";

	if (!is_technique(hunt->asked))
		return command_misuse(hunt->command, "a technique is an ATT&CK id such as T1071.004 or T1568");
	strcat(strcat(exact, hunt->asked), " ");
	if (strlen(hunt->asked) == 5)
		strcat(strcat(strcpy(below, " "), hunt->asked), ".");
	if (!query_bind_text(hunt->query, ":exact", exact) || !query_bind_text(hunt->query, ":below", below))
		return -1;
	return print(hunt, "technique", of_technique, fetches_technique);
}

/* --- the most of everything --------------------------------------------------------------------------------- */

static const char top_tables[] =
	"CREATE TABLE found (name, client, verdict, first, last, count);"
	"CREATE TABLE top (kind INTEGER, value, first, last, count, PRIMARY KEY (kind, value)) WITHOUT ROWID;";

#define INTO_TOP(kind, value, joins, condition) \
	"INSERT INTO top SELECT " kind ", " value ", min(f.first) + :day, max(f.last) + :day, sum(f.count) FROM found AS f " \
	joins " WHERE " condition " GROUP BY " value " ON CONFLICT DO UPDATE SET first = min(first, excluded.first)," \
	" last = max(last, excluded.last), count = count + excluded.count;"

static const char of_all[] =
	HUNT_FIND("SELECT p.* FROM day.pair AS p WHERE" HUNT_IN_WINDOW("p"))
	INTO_TOP("0", "n.key", "JOIN day.name AS n ON n.id = f.name", "true")
	INTO_TOP("1", "d.key", "JOIN day.name AS n ON n.id = f.name JOIN day.name AS d ON d.id = n.domain", "true")
	INTO_TOP("2", "c.address", "JOIN day.client AS c ON c.id = f.client", "true")
	INTO_TOP("3", "v.list || iif(v.list = '', '', ':') || v.rule", "JOIN day.verdict AS v ON v.id = f.verdict",
		"v.list || v.rule <> ''")
	INTO_TOP("4", "iif(v.verdict = '', '-', v.verdict)", "JOIN day.verdict AS v ON v.id = f.verdict", "true")
	INTO_TOP("5", "j.value", "JOIN day.verdict AS v ON v.id = f.verdict CROSS JOIN"
		" json_each('[\"' || replace(trim(v.techniques), ' ', '\",\"') || '\"]') AS j", "trim(v.techniques) <> ''"
		" AND v.techniques NOT GLOB '*[^A-Z0-9. ]*'");

#define FETCH_TOP(statement, type, kind) { "top." statement, type "iii", "INSERT INTO top VALUES (" kind ", ?1, ?2, ?3, ?4)" }

static const struct hunt_fetch fetches_top[] = {
	FETCH_TOP("names", "t", "0"), FETCH_TOP("domains", "t", "1"), FETCH_TOP("clients", "b", "2"),
	FETCH_TOP("rules", "t", "3"), FETCH_TOP("verdicts", "t", "4"), FETCH_TOP("techniques", "t", "5"),
	{ NULL, NULL, NULL }
};

int hunt_top(struct hunt *hunt)
{
	static const struct { const char *section, *select; struct hunt_column columns[5]; } sections[] = {
#define TOP_COLUMNS(key, kind) { { key, kind }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT }, \
	{ NULL, HUNT_TEXT } }
#define TOP_SELECT(value, kind) "SELECT " value ", first, last, count FROM top WHERE kind = " kind \
	" ORDER BY count DESC, value"
		{ "domains", TOP_SELECT("name_text(value)", "1"), TOP_COLUMNS("domain", HUNT_TEXT) },
		{ "names", TOP_SELECT("name_text(value)", "0"), TOP_COLUMNS("name", HUNT_TEXT) },
		{ "clients", TOP_SELECT("address_text(value)", "2"), TOP_COLUMNS("client", HUNT_TEXT) },
		{ "verdicts", TOP_SELECT("value", "4"), TOP_COLUMNS("verdict", HUNT_VERDICT) },
		{ "rules", TOP_SELECT("value", "3"), TOP_COLUMNS("rule", HUNT_TEXT) },
		{ "techniques", TOP_SELECT("value", "5"), TOP_COLUMNS("technique", HUNT_TEXT) },
	};

	if (!hunt->limited)
		hunt->limit = 10;
	if (query_run(hunt->query, top_tables, &hunt->diag) != 0 || (hunt->remote != NULL ? hunt_fetch(hunt, fetches_top) :
			query_gather(hunt->query, QUERY_ALL, of_all, &hunt->diag)) != 0)
		return -1;
	hunt_begin(hunt, "top");
	for (unsigned i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (hunt_section(hunt, sections[i].section, sections[i].columns, sections[i].select) != 0)
			return -1;
	return 0;
}
