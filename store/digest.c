/* digest.c: from day files into the tables of a digest. */
#include "store/digest.h"

#include <stdbool.h>
#include <string.h>

#include "policy/action.h"

#define VERDICT_COLUMNS "verdict, list, rule, category, techniques, shadow_list, shadow_rule, shadow_action," \
	" shadow_category, detectors"

static const char tables[] =
	"CREATE TABLE present (at INTEGER PRIMARY KEY);"
	"CREATE TABLE past (at INTEGER PRIMARY KEY);"
	"CREATE TABLE client (id INTEGER PRIMARY KEY, address BLOB NOT NULL UNIQUE);"
	"INSERT INTO client VALUES (0, x'');"
	"CREATE TABLE verdict (id INTEGER PRIMARY KEY, outcome INTEGER, verdict TEXT, list TEXT, rule TEXT,"
	" category TEXT, techniques TEXT, shadow_list TEXT, shadow_rule TEXT, shadow_action TEXT, shadow_category TEXT,"
	" detectors TEXT, UNIQUE (list, rule, verdict, category, techniques, shadow_list, shadow_rule, shadow_action,"
	" shadow_category, detectors));"
	"CREATE TABLE hit (verdict INTEGER, client INTEGER, count INTEGER, PRIMARY KEY (verdict, client)) WITHOUT ROWID;"
	"CREATE INDEX hit_by_client ON hit (client);"
	"CREATE TABLE timeline (at INTEGER, outcome INTEGER, count INTEGER, PRIMARY KEY (at, outcome)) WITHOUT ROWID;"
	"CREATE TABLE domain (id INTEGER PRIMARY KEY, key TEXT UNIQUE, first INTEGER, count INTEGER, refused INTEGER,"
	" observed INTEGER, known INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE newcomer (domain INTEGER, client INTEGER, PRIMARY KEY (domain, client)) WITHOUT ROWID;"
	"CREATE TABLE name (id INTEGER PRIMARY KEY, key TEXT UNIQUE, domain INTEGER);"
	"CREATE TABLE refusal (verdict INTEGER, name INTEGER, client INTEGER, count INTEGER,"
	" PRIMARY KEY (verdict, name, client)) WITHOUT ROWID;"
	"CREATE TABLE sibling (domain INTEGER, client INTEGER, PRIMARY KEY (domain, client)) WITHOUT ROWID;"
	"CREATE TABLE word (verdict INTEGER, kind INTEGER, word TEXT, PRIMARY KEY (verdict, kind, word)) WITHOUT ROWID;";

/* --- from a file ---------------------------------------------------------------------------------------------- */

/* What was asked in the window: a file that lies in it as a whole has counted that already. Then the digest's own
 * rows for the file's clients and verdicts. */
#define WHOLE "(SELECT ifnull(min(minute) >= :from / 60000 AND max(minute) <= :to / 60000, 1) FROM day.minute)"
#define MINUTES "minute >= :from / 60000 AND minute <= :to / 60000"
#define BEGIN_FILE \
	"CREATE TEMP TABLE asked AS SELECT name, client, verdict, count, first FROM day.pair WHERE " WHOLE \
		" UNION ALL SELECT r.name, e.client, r.verdict, count(*), min(e.at) / 1000 FROM day.event AS e" \
		" JOIN day.reply AS r ON r.id = e.reply WHERE NOT " WHOLE \
		" AND e.id BETWEEN (SELECT min(first) FROM day.minute WHERE " MINUTES ")" \
		" AND (SELECT max(last) FROM day.minute WHERE " MINUTES ")" \
		" AND e.at BETWEEN :from_us AND :to_us GROUP BY 1, 2, 3;" \
	"INSERT OR IGNORE INTO main.client (address) SELECT address FROM day.client" \
		" WHERE id IN (SELECT client FROM temp.asked);" \
	"CREATE TEMP TABLE cmap (id INTEGER PRIMARY KEY, client INTEGER);" \
	"INSERT INTO temp.cmap SELECT 0, 0 UNION ALL SELECT c.id, m.id FROM day.client AS c" \
		" JOIN main.client AS m USING (address);" \
	"INSERT OR IGNORE INTO main.verdict (outcome, " VERDICT_COLUMNS ")" \
		" SELECT outcome_of(verdict, shadow_action, detectors), " VERDICT_COLUMNS " FROM day.verdict" \
		" WHERE id IN (SELECT verdict FROM temp.asked);" \
	"CREATE TEMP TABLE vmap (id INTEGER PRIMARY KEY, verdict INTEGER, outcome INTEGER);" \
	"INSERT INTO temp.vmap SELECT v.id, m.id, m.outcome FROM day.verdict AS v" \
		" JOIN main.verdict AS m USING (" VERDICT_COLUMNS ");"
#define END_FILE "DROP TABLE temp.asked; DROP TABLE temp.cmap; DROP TABLE temp.vmap;"

static const char add[] =
	BEGIN_FILE
	"INSERT INTO main.hit SELECT v.verdict, c.client, sum(a.count) FROM temp.asked AS a"
		" JOIN temp.vmap AS v ON v.id = a.verdict JOIN temp.cmap AS c ON c.id = a.client GROUP BY 1, 2"
		" ON CONFLICT DO UPDATE SET count = count + excluded.count;"
	"INSERT INTO main.timeline SELECT (:day / 1000 + m.minute * 60) / :step * :step, v.outcome, sum(m.count)"
		" FROM day.minute AS m JOIN temp.vmap AS v ON v.id = m.verdict"
		" WHERE m.minute >= :from / 60000 AND m.minute <= :to / 60000 GROUP BY 1, 2"
		" ON CONFLICT DO UPDATE SET count = count + excluded.count;"
	"INSERT INTO main.domain (key, first, count, refused, observed)"
		" SELECT o.key, min(a.first) + :day, sum(a.count), sum(iif(v.outcome >= 2, a.count, 0)),"
		" sum(iif(v.outcome = 1, a.count, 0)) FROM temp.asked AS a JOIN temp.vmap AS v ON v.id = a.verdict"
		" JOIN day.name AS n ON n.id = a.name JOIN day.name AS o ON o.id = n.domain GROUP BY o.id"
		" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), count = count + excluded.count,"
		" refused = refused + excluded.refused, observed = observed + excluded.observed;"
	"INSERT OR IGNORE INTO main.name (key, domain) SELECT n.key, ifnull((SELECT m.id FROM day.name AS o"
		" JOIN main.domain AS m ON m.key = o.key WHERE o.id = n.domain), 0) FROM day.name AS n WHERE n.id IN"
		" (SELECT a.name FROM temp.asked AS a JOIN temp.vmap AS v ON v.id = a.verdict WHERE v.outcome >= 2);"
	"INSERT INTO main.refusal SELECT v.verdict, m.id, c.client, sum(a.count) FROM temp.asked AS a"
		" JOIN temp.vmap AS v ON v.id = a.verdict AND v.outcome >= 2 JOIN temp.cmap AS c ON c.id = a.client"
		" JOIN day.name AS n ON n.id = a.name JOIN main.name AS m ON m.key = n.key GROUP BY 1, 2, 3"
		" ON CONFLICT DO UPDATE SET count = count + excluded.count;"
	"INSERT OR IGNORE INTO main.present VALUES (:day / 1000);"
	END_FILE;

#define WORDS(kind, column) \
	"INSERT OR IGNORE INTO main.word WITH RECURSIVE part(verdict, word, rest) AS (" \
		"SELECT id, '', trim(" column ") || ' ' FROM main.verdict WHERE " column " <> ''" \
		" UNION ALL SELECT verdict, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1)" \
		" FROM part WHERE rest <> '') SELECT verdict, " kind ", word FROM part WHERE word <> '';"

static const char words[] = WORDS("0", "techniques") WORDS("1", "detectors");

static const char known[] =
	"UPDATE main.domain SET known = 1 WHERE known = 0 AND EXISTS (SELECT 1 FROM day.name AS n"
		" WHERE n.key = main.domain.key);"
	"INSERT OR IGNORE INTO main.past VALUES (:day / 1000);";

static const char known_before[] =
	"UPDATE main.domain SET known = 1 WHERE known = 0 AND key IN (SELECT o.key FROM day.pair AS p"
		" JOIN day.name AS n ON n.id = p.name JOIN day.name AS o ON o.id = n.domain WHERE :from > 0 AND p.first < :from);";

static const char again[] =
	BEGIN_FILE
	"INSERT OR IGNORE INTO main.newcomer SELECT m.id, c.client FROM temp.asked AS a"
		" JOIN temp.cmap AS c ON c.id = a.client JOIN day.name AS n ON n.id = a.name"
		" JOIN day.name AS o ON o.id = n.domain JOIN main.domain AS m ON m.key = o.key WHERE m.known = 0;"
	"INSERT OR IGNORE INTO main.sibling SELECT m.id, c.client FROM main.domain AS m"
		" JOIN day.name AS o ON o.key = m.key JOIN day.name AS n ON n.key >= m.key AND n.key < m.key || '/'"
		" AND n.domain = o.id JOIN temp.asked AS a ON a.name = n.id JOIN temp.vmap AS v ON v.id = a.verdict"
		" JOIN temp.cmap AS c ON c.id = a.client"
		" WHERE m.id IN (SELECT domain FROM main.name) AND v.outcome < 2;"
	END_FILE;

/* --- outcomes ------------------------------------------------------------------------------------------------- */

static const enum digest_outcome outcomes[ACTION_COUNT] = {
	[ACTION_ALLOW] = DIGEST_ALLOWED, [ACTION_PASS] = DIGEST_ALLOWED, [ACTION_OBSERVE] = DIGEST_OBSERVED,
	[ACTION_NXDOMAIN] = DIGEST_DENIED, [ACTION_NODATA] = DIGEST_DENIED, [ACTION_REFUSE] = DIGEST_DENIED,
	[ACTION_DROP] = DIGEST_DENIED, [ACTION_TRUNCATE] = DIGEST_DENIED,
	[ACTION_LOCAL_DATA] = DIGEST_REDIRECTED, [ACTION_SINKHOLE] = DIGEST_REDIRECTED,
};

/* A tag says something about the answer and nothing against it. */
static bool speaks_against(const char *detectors)
{
	while (*(detectors += strspn(detectors, " ")) != '\0') {
		size_t octets = strcspn(detectors, " ");
		const char *tier = memchr(detectors, '/', octets);

		if (tier == NULL || strncmp(tier, "/tag/", 5) != 0)
			return true;
		detectors += octets;
	}
	return false;
}

/* SQL: outcome_of(verdict, shadow_action, detectors). */
static void outcome_of(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *texts[3];
	enum digest_outcome outcome;
	enum action action;

	(void)count;
	for (int i = 0; i < 3; i++)
		if ((texts[i] = (const char *)sqlite3_value_text(values[i])) == NULL)
			texts[i] = "";
	action = action_by_name(texts[0]);
	outcome = action < ACTION_COUNT ? outcomes[action] : DIGEST_ALLOWED;
	if (outcome == DIGEST_ALLOWED && (texts[1][0] != '\0' || speaks_against(texts[2])))
		outcome = DIGEST_OBSERVED;
	sqlite3_result_int(context, (int)outcome);
}

/* --- all ------------------------------------------------------------------------------------------------------ */

int digest_fill(struct query *query, int64_t step_s, struct diag *diag)
{
	if (sqlite3_create_function(query_workspace(query), "outcome_of", 3, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
			outcome_of, NULL, NULL) != SQLITE_OK || !query_bind_number(query, ":step", step_s))
		return diag_set(diag, "", 0, 0, "no memory");
	if (query_run(query, tables, diag) != 0 || query_gather(query, QUERY_ALL, add, diag) != 0 ||
			query_run(query, words, diag) != 0 || query_gather(query, QUERY_ALL, known_before, diag) != 0 ||
			query_gather_before(query, QUERY_ALL, known, diag) != 0)
		return -1;
	return query_gather(query, QUERY_ALL, again, diag);
}
