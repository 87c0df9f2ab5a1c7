/* report_lists.c: lists, rules and detectors, by hits and by clients. */
#include "tools/report.h"

#include <string.h>

#include "policy/detection.h"
#include "tools/html_out.h"

/* Of rows with hits and clients in the same columns, the greatest. */
struct scale {
	int64_t hits, clients, rows;
};

static struct scale scale_of(struct report *report, const char *select, int hits)
{
	sqlite3_stmt *statement = report_ask(report, select);
	struct scale scale = { 0, 0, 0 };

	while (report_next(report, &statement)) {
		int64_t hit = sqlite3_column_int64(statement, hits), client = sqlite3_column_int64(statement, hits + 1);

		scale.hits = hit > scale.hits ? hit : scale.hits;
		scale.clients = client > scale.clients ? client : scale.clients;
		scale.rows++;
	}
	return scale;
}

static void write_bars(struct report *report, sqlite3_stmt *statement, int hits, const char *class,
	const struct scale *scale)
{
	report_bar(report, "Hits", class, sqlite3_column_int64(statement, hits), scale->hits);
	report_bar(report, "Clients", "clients", sqlite3_column_int64(statement, hits + 1), scale->clients);
}

static void write_head(struct report *report, sqlite3_stmt *statement, int column)
{
	fputs("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", report->to);
	report_text(report, statement, column);
	fputs("</th>", report->to);
}

static void write_cell(struct report *report, const char *label, sqlite3_stmt *statement, int column)
{
	report_cell(report, label);
	report_text(report, statement, column);
	fputs("</td>", report->to);
}

/* --- lists ---------------------------------------------------------------------------------------------------- */

/* What a list did, and apart from it what it would have done in shadow. */
#define BY_LIST(list, category, action, outcome) \
	"SELECT v." list " AS list, " outcome " AS outcome, sum(h.count) AS hits, count(DISTINCT h.client) AS clients," \
	" (SELECT group_concat(x, ', ') FROM (SELECT DISTINCT " action " AS x FROM verdict AS w WHERE w." list \
	" = v." list " ORDER BY x)), max(v." category "), count(DISTINCT v.rule || char(0) || v.shadow_rule)" \
	" FROM hit AS h JOIN verdict AS v ON v.id = h.verdict WHERE v." list " <> '' GROUP BY v." list

static const char lists[] =
	"SELECT * FROM (" BY_LIST("list", "category", "verdict", "max(v.outcome)")
	" UNION ALL " BY_LIST("shadow_list", "shadow_category", "'shadow: ' || shadow_action", "1")
	") ORDER BY hits DESC, clients DESC, list, outcome";

static void write_lists(struct report *report)
{
	static const char *const columns[] = { "List", "#Hits", "#Clients", "#Rules", "What was done", "Category", NULL };
	struct scale scale = scale_of(report, lists, 2);
	sqlite3_stmt *statement = report_ask(report, lists);
	int64_t rows = 0;

	report_table(report, "Lists that matched", columns);
	while (report_next(report, &statement)) {
		if (rows++ >= 2 * REPORT_ROWS)
			continue;
		write_head(report, statement, 0);
		write_bars(report, statement, 2, report_classes[sqlite3_column_int(statement, 1) % DIGEST_OUTCOMES], &scale);
		fputs("<td role=\"cell\" class=\"n\" data-label=\"Rules\">", report->to);
		html_count(report->to, sqlite3_column_int64(statement, 6));
		fputs("</td>", report->to);
		write_cell(report, "What was done", statement, 4);
		write_cell(report, "Category", statement, 5);
		fputs("</tr>\n", report->to);
	}
	report_table_end(report);
	report_rest(report, rows, 2 * REPORT_ROWS, "lists, by hits");
}

static const char rules[] =
	"SELECT v.list || ':' || v.rule AS rule, v.verdict AS verdict, max(v.outcome), sum(h.count) AS hits,"
	" count(DISTINCT h.client) AS clients FROM hit AS h JOIN verdict AS v ON v.id = h.verdict"
	" WHERE v.list <> '' AND v.outcome > 0 GROUP BY v.list, v.rule, v.verdict"
	" ORDER BY hits DESC, clients DESC, rule, verdict";

static void write_rules(struct report *report)
{
	static const char *const columns[] = { "Rule", "#Hits", "#Clients", "Verdict", NULL };
	struct scale scale = scale_of(report, rules, 3);
	sqlite3_stmt *statement = report_ask(report, rules);
	int64_t rows = 0;

	report_table(report, "Rules with most hits", columns);
	while (report_next(report, &statement)) {
		if (rows++ >= REPORT_ROWS)
			continue;
		write_head(report, statement, 0);
		write_bars(report, statement, 3, report_classes[sqlite3_column_int(statement, 2) % DIGEST_OUTCOMES], &scale);
		write_cell(report, "Verdict", statement, 1);
		fputs("</tr>\n", report->to);
	}
	report_table_end(report);
	report_rest(report, rows, REPORT_ROWS, "rules");
}

void report_lists(struct report *report)
{
	if (report_number(report, "SELECT count(*) FROM verdict WHERE list <> '' OR shadow_list <> ''") == 0) {
		fputs("<p class=\"none\">No list said anything in this time.</p>\n", report->to);
		return;
	}
	write_lists(report);
	write_rules(report);
}

/* --- detectors ------------------------------------------------------------------------------------------------ */

static const char detectors[] =
	"WITH found AS (SELECT verdict, substr(word, 1, instr(word, '/') - 1) AS detector,"
	" substr(word, instr(word, '/') + 1) AS rest FROM word WHERE kind = 1)"
	"SELECT f.detector AS detector, sum(h.count) AS hits, count(DISTINCT h.client) AS clients,"
	" (SELECT group_concat(x, ', ') FROM (SELECT DISTINCT substr(g.rest, 1, instr(g.rest, '/') - 1) AS x"
	" FROM found AS g WHERE g.detector = f.detector ORDER BY x))"
	" FROM found AS f JOIN hit AS h USING (verdict) GROUP BY f.detector ORDER BY hits DESC, clients DESC, detector";

static const char *meaning(const char *detector)
{
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		if (strcmp(detector_table[i].name, detector) == 0)
			return detector_table[i].says;
	return "";
}

void report_detectors(struct report *report)
{
	static const char *const columns[] = { "Detector", "#Hits", "#Clients", "How sure", "What it means", NULL };
	struct scale scale = scale_of(report, detectors, 1);
	sqlite3_stmt *statement = report_ask(report, detectors);

	if (scale.rows == 0) {
		fputs("<p class=\"none\">No detector found anything in this time.</p>\n", report->to);
		while (report_next(report, &statement))
			;
		return;
	}
	report_table(report, "Detectors that found something", columns);
	while (report_next(report, &statement)) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);

		write_head(report, statement, 0);
		write_bars(report, statement, 1, "observed", &scale);
		write_cell(report, "How sure", statement, 3);
		report_cell(report, "What it means");
		html_put(report->to, name == NULL ? "" : meaning(name));
		fputs("</td></tr>\n", report->to);
	}
	report_table_end(report);
}
