/* hunt_top.c: `hunt top`: the most of everything. */
#include "tools/hunt.h"

#include <stddef.h>

#include "tools/hunt_remote.h"

#define MORE_THAN_ASKED 50           /* candidates of a file beyond the limit: the files do not agree on their order */

/* candidate: what is among the most of some file; bound: how many times a file can have what is not. */
static const char tables[] =
	HUNT_FOUND_TABLES
	"CREATE TABLE asked (client, first, last, count);"
	"CREATE TABLE top (kind INTEGER, value, first, last, count, PRIMARY KEY (kind, value)) WITHOUT ROWID;"
	"CREATE TABLE candidate (kind INTEGER, key TEXT, PRIMARY KEY (kind, key)) WITHOUT ROWID;"
	"CREATE TABLE bound (kind INTEGER, count INTEGER);"
	"CREATE TABLE most (kind INTEGER, id INTEGER);";

#define ADD_UP " ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)," \
	" count = count + excluded.count;"
#define INTO_TOP(kind, value, from, condition) \
	"INSERT INTO top SELECT " kind ", " value ", min(f.first) + :day, max(f.last) + :day, sum(f.count) FROM " from \
	" WHERE " condition " GROUP BY " value ADD_UP

#define OF_NAMES(from) \
	INTO_TOP("0", "n.key", from " JOIN day.name AS n ON n.id = f.name", "true") \
	INTO_TOP("1", "d.key", from " JOIN day.name AS n ON n.id = f.name JOIN day.name AS d ON d.id = n.domain", "true")
#define OF_OTHERS(clients, verdicts) \
	INTO_TOP("2", "c.address", clients " JOIN day.client AS c ON c.id = f.client", "true") \
	INTO_TOP("3", "v.list || iif(v.list = '', '', ':') || v.rule", verdicts " JOIN day.verdict AS v ON v.id = f.verdict", \
		"v.list || v.rule <> ''") \
	INTO_TOP("4", "iif(v.verdict = '', '-', v.verdict)", verdicts " JOIN day.verdict AS v ON v.id = f.verdict", "true") \
	INTO_TOP("5", "j.value", verdicts " JOIN day.verdict AS v ON v.id = f.verdict CROSS JOIN" \
		" json_each('[\"' || replace(trim(v.techniques), ' ', '\",\"') || '\"]') AS j", "trim(v.techniques) <> ''" \
		" AND v.techniques NOT GLOB '*[^A-Z0-9. ]*'")

/* Of a file that the window cuts each event in it is counted: here, of one that has no slices of some. */
#define IS_CUT "cut WHERE day = :day AND class = :class"
#define UNLESS_CUT "(SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM " IS_CUT ")) CROSS JOIN "
#define EVENTS "FROM span AS s CROSS JOIN day.event AS e ON e.id BETWEEN s.low AND s.high WHERE" HUNT_OF_WINDOW
#define TIMES HUNT_MS("min(e.at)") ", " HUNT_MS("max(e.at)") ", count(*)"
static const char of_parts[] =
	"DELETE FROM found;"
	"DELETE FROM asked;"
	HUNT_SPAN(IS_CUT)
	"INSERT INTO asked SELECT e.client, " TIMES " " EVENTS "GROUP BY e.client;"
	"INSERT INTO found SELECT r.name, 0, r.verdict, f.first, f.last, f.count, 0 FROM (SELECT e.reply AS reply, "
	HUNT_MS("min(e.at)") " AS first, " HUNT_MS("max(e.at)") " AS last, count(*) AS count " EVENTS "GROUP BY e.reply) AS f"
	" CROSS JOIN day.reply AS r ON r.id = f.reply;"
	OF_NAMES("found AS f") OF_OTHERS("asked AS f", "found AS f")
	OF_NAMES(UNLESS_CUT "day.name_sum AS f")
	OF_OTHERS(UNLESS_CUT "day.client_sum AS f", UNLESS_CUT "day.verdict_sum AS f");

/* The same from slices: hunt_window.c adds them up, `span` is empty for a file that is not cut. */
#define WINDOW HUNT_SPAN(IS_CUT) "DELETE FROM most;" \
	"SELECT window_sums(low, high, :from, :to, :day, :class, -1) FROM span WHERE low IS NOT NULL;"
#define OF_WINDOW(kind, id) "(SELECT id AS " id ", window_first(" kind ", id) AS first, window_last(" kind ", id) AS last," \
	" window_count(" kind ", id) AS count FROM most WHERE kind = " kind ") AS f"
#define FILL(kind, most, from) from " window_most(" kind ", " most ") FROM span WHERE low IS NOT NULL;"
static const char of_sums[] =
	WINDOW FILL("2", "-1", "SELECT") FILL("3", "-1", "SELECT")
	OF_OTHERS(OF_WINDOW("2", "client"), OF_WINDOW("3", "verdict"))
	OF_OTHERS(UNLESS_CUT "day.client_sum AS f", UNLESS_CUT "day.verdict_sum AS f");
static const char all_names[] =
	WINDOW FILL("0", "-1", "SELECT") OF_NAMES(OF_WINDOW("0", "name"))
	OF_NAMES(UNLESS_CUT "day.name_sum AS f");

#define FETCH_TOP(statement, type, kind) \
	{ "top." statement, type "iii", "INSERT INTO top VALUES (" kind ", ?1, ?2, ?3, ?4)" }

static const struct hunt_fetch fetches[] = {
	FETCH_TOP("names", "t", "0"), FETCH_TOP("domains", "t", "1"), FETCH_TOP("clients", "b", "2"),
	FETCH_TOP("rules", "t", "3"), FETCH_TOP("verdicts", "t", "4"), FETCH_TOP("techniques", "t", "5"),
	{ NULL, NULL, NULL }
};

/* In the order of an index that has what is frequent alone. */
#define UNCUT " NOT EXISTS (SELECT 1 FROM " IS_CUT ") "
#define MOST(kind, table, id) \
	"INSERT OR IGNORE INTO candidate SELECT " kind ", n.key FROM (SELECT " id " AS id FROM day." table \
	" WHERE count >= 256 AND" UNCUT "ORDER BY count DESC LIMIT :most) AS s CROSS JOIN day.name AS n ON n.id = s.id;" \
	"INSERT INTO bound SELECT " kind ", ifnull((SELECT count FROM day." table " WHERE count >= 256 ORDER BY count DESC" \
	" LIMIT 1 OFFSET :most), 255) WHERE" UNCUT ";"
static const char find_candidates[] = MOST("0", "name_sum", "name") MOST("1", "domain_sum", "domain")
	WINDOW FILL("0", ":most", "INSERT INTO bound SELECT 0,") FILL("1", ":most", "INSERT INTO bound SELECT 1,")
	"INSERT OR IGNORE INTO candidate SELECT m.kind, n.key FROM most AS m CROSS JOIN day.name AS n ON n.id = m.id;";

#define COUNT_CANDIDATES(kind, table, id) \
	"INSERT INTO top SELECT " kind ", c.key, s.first + :day, s.last + :day, s.count FROM candidate AS c" \
	" CROSS JOIN day.name AS n ON n.key = c.key CROSS JOIN day." table " AS s ON s." id " = n.id WHERE c.kind = " kind \
	" AND" UNCUT ADD_UP
static const char count_candidates[] = COUNT_CANDIDATES("0", "name_sum", "name")
	COUNT_CANDIDATES("1", "domain_sum", "domain")
	WINDOW "INSERT INTO top SELECT c.kind, c.key, window_first(c.kind, n.id) + :day, window_last(c.kind, n.id) + :day,"
	" window_count(c.kind, n.id) FROM span AS s CROSS JOIN candidate AS c CROSS JOIN day.name AS n ON n.key = c.key"
	" WHERE s.low IS NOT NULL AND window_count(c.kind, n.id) > 0" ADD_UP;

/* What is no candidate has less than the last one that is printed. */
static const char is_proved[] =
	"SELECT min(ifnull((SELECT count FROM top WHERE kind = k.value ORDER BY count DESC LIMIT 1 OFFSET :most - "
	HUNT_TEXT_OF(MORE_THAN_ASKED) " - 1), 0) > (SELECT ifnull(sum(count), 0) FROM bound WHERE kind = k.value))"
	" FROM json_each('[0,1]') AS k";

/* 1: the names and domains that will be printed are proved; 0: read all. */
static int gather_most(struct hunt *hunt)
{
	if (hunt->limit == 0 || hunt->limit > INT32_MAX)
		return 0;
	if (!query_bind_number(hunt->query, ":most", (int64_t)hunt->limit + MORE_THAN_ASKED) ||
			query_gather(hunt->query, QUERY_ALL, find_candidates, &hunt->diag) != 0 ||
			query_gather(hunt->query, QUERY_ALL, count_candidates, &hunt->diag) != 0)
		return -1;
	return (int)hunt_number(hunt, is_proved);
}

/* *proved: names and domains are the most alone. */
static int gather(struct hunt *hunt, bool *proved)
{
	int whole, most;

	*proved = false;
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches);
	whole = hunt_is_whole(hunt);
	if (whole < 0)
		return -1;
	if (whole == 0 && hunt_number(hunt, "SELECT min(sliced) FROM cut") != 1)
		return query_gather(hunt->query, QUERY_ALL, of_parts, &hunt->diag);
	if (query_gather(hunt->query, QUERY_ALL, of_sums, &hunt->diag) != 0 || (most = gather_most(hunt)) < 0)
		return -1;
	*proved = most > 0;
	if (*proved)
		return 0;
	return query_run(hunt->query, "DELETE FROM top WHERE kind < 2", &hunt->diag) != 0 ? -1 :
		query_gather(hunt->query, QUERY_ALL, all_names, &hunt->diag);
}

int hunt_top(struct hunt *hunt)
{
	static const struct { const char *section, *select; struct hunt_column columns[5]; bool names; } sections[] = {
#define TOP_COLUMNS(key, kind) { { key, kind }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT }, \
	{ NULL, HUNT_TEXT } }
#define TOP_SELECT(value, kind) "SELECT " value ", first, last, count FROM top WHERE kind = " kind \
	" ORDER BY count DESC, value"
		{ "domains", TOP_SELECT("name_text(value)", "1"), TOP_COLUMNS("domain", HUNT_TEXT), true },
		{ "names", TOP_SELECT("name_text(value)", "0"), TOP_COLUMNS("name", HUNT_TEXT), true },
		{ "clients", TOP_SELECT("address_text(value)", "2"), TOP_COLUMNS("client", HUNT_TEXT), false },
		{ "verdicts", TOP_SELECT("value", "4"), TOP_COLUMNS("verdict", HUNT_VERDICT), false },
		{ "rules", TOP_SELECT("value", "3"), TOP_COLUMNS("rule", HUNT_TEXT), false },
		{ "techniques", TOP_SELECT("value", "5"), TOP_COLUMNS("technique", HUNT_TEXT), false },
	};
	bool proved;

	if (!hunt->limited)
		hunt->limit = 10;
	if (query_run(hunt->query, tables, &hunt->diag) != 0 || gather(hunt, &proved) != 0)
		return -1;
	hunt_begin(hunt, "top");
	for (unsigned i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		hunt->all = proved && sections[i].names ? HUNT_UNCOUNTED : HUNT_COUNTED;
		if (hunt_section(hunt, sections[i].section, sections[i].columns, sections[i].select) != 0)
			return -1;
	}
	return 0;
}
