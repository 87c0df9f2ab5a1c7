/* report_names.c: new domains, clients, and denials that may be mistakes. */
#include "tools/report.h"

#include <inttypes.h>

#include "store/name_key.h"
#include "tools/html_out.h"
#include "tools/popular.h"

static void begin_row(const struct report *report)
{
	fputs("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", report->to);
}

static void write_number(const struct report *report, const char *label, int64_t number)
{
	fprintf(report->to, "<td role=\"cell\" class=\"n\" data-label=\"%s\">", label);
	html_count(report->to, number);
	fputs("</td>", report->to);
}

/* --- new domains ---------------------------------------------------------------------------------------------- */

static const char newcomers[] =
	"SELECT d.key, d.first / 1000, d.count, d.refused, d.observed,"
	" (SELECT count(*) FROM newcomer AS n WHERE n.domain = d.id) AS clients FROM domain AS d WHERE d.known = 0"
	" ORDER BY d.refused DESC, d.observed DESC, clients DESC, d.count DESC, d.key LIMIT 25";

static void write_newcomer(struct report *report, sqlite3_stmt *statement)
{
	begin_row(report);
	report_name(report, statement, 0);
	fputs("</th>", report->to);
	report_cell(report, "First asked");
	html_time(report->to, sqlite3_column_int64(statement, 1));
	fputs("</td>", report->to);
	write_number(report, "Clients", sqlite3_column_int64(statement, 5));
	write_number(report, "Answers", sqlite3_column_int64(statement, 2));
	write_number(report, "Refused", sqlite3_column_int64(statement, 3));
	write_number(report, "Observed", sqlite3_column_int64(statement, 4));
	fputs("</tr>\n", report->to);
}

static void write_newcomers_picture(struct report *report)
{
	char select[224];
	int64_t most;

	snprintf(select, sizeof(select), "SELECT max(first / 1000 / %" PRId64 " * %" PRId64 ", %" PRId64 ") AS at, count(*)"
		" FROM domain WHERE known = 0 GROUP BY 1 ORDER BY 1", report->step_s, report->step_s, report->from_s);
	fputs("<figure><svg class=\"time\" role=\"img\" aria-label=\"New domains over time\" width=\"100%\""
		" height=\"88\">\n",
		report->to);
	report_axis(report, 0, 84);
	most = report_strip(report, select, "clients", 4, 60);
	fputs("</svg><figcaption>Domains asked for the first time, in steps of ", report->to);
	report_step(report);
	fputs("; at most ", report->to);
	html_count(report->to, most);
	fputs("</figcaption></figure>\n", report->to);
}

void report_newcomers(struct report *report)
{
	static const char *const columns[] = { "Domain", "First asked, UTC", "#Clients", "#Answers", "#Refused",
		"#Observed", NULL };
	int64_t past = report_number(report, "SELECT count(*) FROM past");
	int64_t all = report_number(report, "SELECT count(*) FROM domain WHERE known = 0");
	sqlite3_stmt *statement;

	if (past == 0)
		fputs("<p class=\"note\">There is no earlier day to compare with, so that every domain counts as new.</p>\n",
			report->to);
	fputs("<p>", report->to);
	html_count(report->to, all);
	fputs(" of ", report->to);
	html_count(report->to, report->domains);
	fputs(" registrable domains were asked for and not known before", report->to);
	if (past > 0)
		fprintf(report->to, " on %" PRId64 " earlier %s", past, past == 1 ? "day" : "days");
	fputs(". Those that were refused come first, then those that are observed, then by clients.</p>\n", report->to);
	if (all == 0)
		return;
	write_newcomers_picture(report);
	statement = report_ask(report, newcomers);
	report_table(report, "New domains", columns);
	while (report_next(report, &statement))
		write_newcomer(report, statement);
	report_table_end(report);
	report_rest(report, all, 25, "domains");
}

/* --- clients -------------------------------------------------------------------------------------------------- */

#define BY_CLIENT "WITH told AS (SELECT c.address AS address, sum(h.count) AS answers," \
	" sum(iif(v.outcome >= 2, h.count, 0)) AS refused, sum(iif(v.outcome = 1, h.count, 0)) AS observed" \
	" FROM hit AS h JOIN verdict AS v ON v.id = h.verdict JOIN client AS c ON c.id = h.client GROUP BY h.client)"

static void write_clients(struct report *report, const char *caption, const char *select, int by)
{
	static const char *const columns[] = { "Client", "#Answers", "#Refused", "#Observed", NULL };
	static const char *const classes[] = { "", "allowed", "denied", "observed" };
	sqlite3_stmt *statement = report_ask(report, select);
	int64_t most = 0;

	fputs("<div>", report->to);
	report_table(report, caption, columns);
	while (report_next(report, &statement)) {
		most = most > 0 ? most : sqlite3_column_int64(statement, by);
		begin_row(report);
		report_client(report, statement, 0);
		fputs("</th>", report->to);
		for (int i = 1; i < 4; i++)
			if (i == by)
				report_bar(report, columns[i] + 1, classes[i], sqlite3_column_int64(statement, i), most);
			else
				write_number(report, columns[i] + 1, sqlite3_column_int64(statement, i));
		fputs("</tr>\n", report->to);
	}
	report_table_end(report);
	fputs("</div>\n", report->to);
}

void report_clients(struct report *report)
{
	fputs("<p>", report->to);
	html_count(report->to, report->clients);
	fputs(" clients asked. Refused: denied or redirected.</p>\n<div class=\"pair\">\n", report->to);
	write_clients(report, "With most refused", BY_CLIENT "SELECT address, answers, refused, observed FROM told"
		" WHERE refused > 0 ORDER BY refused DESC, answers DESC, length(address), address LIMIT 15", 2);
	write_clients(report, "With most answers", BY_CLIENT "SELECT address, answers, refused, observed FROM told"
		" ORDER BY answers DESC, refused DESC, length(address), address LIMIT 15", 1);
	fputs("</div>\n", report->to);
}

/* --- denials that may be mistakes ----------------------------------------------------------------------------- */

/* A list that refuses a domain which many ask for, or a popular name, of which no other list speaks, and whose other
 * names people are given answers for, may be wrong. */
static const char doubtful[] =
	"WITH refused AS (SELECT n.domain AS domain, v.list AS list, v.rule AS rule, n.key AS key, r.client AS client,"
	" r.count AS count, (SELECT min(place) FROM popular AS p WHERE p.key IN (n.key, (SELECT d.key FROM domain AS d"
	"  WHERE d.id = n.domain))) AS place"
	" FROM refusal AS r JOIN name AS n ON n.id = r.name JOIN verdict AS v ON v.id = r.verdict),"
	" suspect AS (SELECT domain, list, rule, count(DISTINCT client) AS clients, sum(count) AS hits,"
	" count(DISTINCT key) AS names, min(place) AS place FROM refused GROUP BY domain, list, rule"
	" HAVING clients >= 3 OR place IS NOT NULL ORDER BY place IS NULL, clients DESC, hits DESC, list, rule,"
	" (SELECT key FROM domain AS d WHERE d.id = refused.domain) LIMIT 15)"
	"SELECT s.list || ':' || s.rule AS rule, s.clients AS clients, s.hits AS hits, s.names,"
	" (SELECT key FROM refused AS f WHERE f.domain = s.domain AND f.list = s.list AND f.rule = s.rule GROUP BY key"
	" ORDER BY count(DISTINCT client) DESC, sum(count) DESC, key LIMIT 1) AS key,"
	" iif(s.domain = 0, 0, (SELECT count(*) FROM sibling AS b WHERE b.domain = s.domain)),"
	" (SELECT count(DISTINCT f.list) FROM refused AS f WHERE f.domain = s.domain), s.place AS place"
	" FROM suspect AS s ORDER BY place IS NULL, clients DESC, hits DESC, rule, key";

struct popular_places {
	sqlite3_stmt *put;               /* owned */
	size_t place;
};

static void put_popular(void *arg, const struct name *name, size_t line)
{
	struct popular_places *places = arg;
	char key[NAME_KEY_MAX];
	size_t octets = name_key_write(name->octets, name->length, key);

	(void)line;
	sqlite3_bind_text(places->put, 1, key, (int)octets, SQLITE_TRANSIENT);
	sqlite3_bind_int64(places->put, 2, (sqlite3_int64)++places->place);
	sqlite3_step(places->put);
	sqlite3_reset(places->put);
}

int report_read_popular(struct report *report, const char *path)
{
	struct popular_places places = { .place = 0 };
	sqlite3 *db = query_workspace(report->query);
	size_t unreadable;
	int result;

	if (query_run(report->query, "CREATE TABLE popular (key TEXT PRIMARY KEY, place INTEGER) WITHOUT ROWID;",
			&report->diag) != 0)
		return -1;
	if (path == NULL)
		return 0;
	/* Of a million only what the page can speak of. */
	if (sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO popular SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM name WHERE key = ?1)"
			" OR EXISTS (SELECT 1 FROM domain WHERE key = ?1)", -1, &places.put, NULL) != SQLITE_OK)
		return diag_set(&report->diag, path, 0, 0, "%s", sqlite3_errmsg(db));
	result = popular_read(path, put_popular, &places, &unreadable, &report->diag);
	sqlite3_finalize(places.put);
	report->popular = places.place;
	return result;
}

static void write_reasons(struct report *report, sqlite3_stmt *statement)
{
	int64_t clients = sqlite3_column_int64(statement, 1), siblings = sqlite3_column_int64(statement, 5);

	report_cell(report, "Why look");
	report_share(report, clients, report->clients);
	fputs(" of all clients ask for it", report->to);
	if (sqlite3_column_int64(statement, 6) == 1)
		fputs("; no other list refuses the domain", report->to);
	if (siblings > 0)
		fprintf(report->to, "; %" PRId64 " %s answers for other names of the domain", siblings,
			siblings == 1 ? "client gets" : "clients get");
	if (sqlite3_column_type(statement, 7) != SQLITE_NULL) {
		fputs("; popular: number ", report->to);
		html_count(report->to, sqlite3_column_int64(statement, 7));
	}
	fputs("</td>", report->to);
}

void report_doubtful(struct report *report)
{
	static const char *const columns[] = { "Name", "Rule", "#Clients", "#Hits", "#Names", "Why look", NULL };
	sqlite3_stmt *statement = report_ask(report, doubtful);
	bool any = false;

	fputs("<p>Rules that refuse what at least three clients ask for. The more clients ask, the more likely it is that"
		" they need it: look at these first. <code>verdictctl explain NAME</code> says why, <code>verdictctl allow"
		" NAME</code> lets it through.", report->to);
	if (report->popular > 0) {
		fputs(" Those that refuse one of the ", report->to);
		html_count(report->to, (int64_t)report->popular);
		fputs(" popular names or a name of their domains come first, however few ask.", report->to);
	}
	fputs("</p>\n", report->to);
	while (report_next(report, &statement)) {
		if (!any)
			report_table(report, "Rules to look at", columns);
		any = true;
		begin_row(report);
		report_name(report, statement, 4);
		fputs("</th>", report->to);
		report_cell(report, "Rule");
		report_text(report, statement, 0);
		fputs("</td>", report->to);
		report_bar(report, "Clients", "clients", sqlite3_column_int64(statement, 1), report->clients);
		write_number(report, "Hits", sqlite3_column_int64(statement, 2));
		write_number(report, "Names", sqlite3_column_int64(statement, 3));
		write_reasons(report, statement);
		fputs("</tr>\n", report->to);
	}
	if (any)
		report_table_end(report);
	else
		fputs("<p class=\"none\">There is none.</p>\n", report->to);
}
