/* report_complete.c: is the record complete? */
#include "tools/report.h"

#include <inttypes.h>

#include "tools/html_out.h"

#define GAPS_SHOWN 20
#define ROW 34

static const char resolvers[] =
	"SELECT identity, sum(received), sum(missing), sum(left_out), sum(dropped), sum(duplicates), count(DISTINCT boot),"
	" (SELECT count(*) FROM beat AS b WHERE b.identity = w.identity),"
	" (SELECT min(synchronized) FROM beat AS b WHERE b.identity = w.identity),"
	" (SELECT max(max(ifnull(max_error_us, 0)), max(abs(ifnull(offset_us, 0)))) FROM beat AS b"
	" WHERE b.identity = w.identity) FROM worker AS w GROUP BY identity ORDER BY identity";

static const char gaps[] =
	"SELECT w.identity, w.boot, w.worker, g.first, g.last, g.after_at / 1000, g.before_at / 1000 FROM gap AS g"
	" JOIN worker AS w ON w.id = g.worker ORDER BY g.last - g.first DESC, w.identity, w.boot, w.worker, g.first"
	" LIMIT 20";

/* --- in words ------------------------------------------------------------------------------------------------- */

static void write_sentence(struct report *report)
{
	int64_t left_out = report_number(report, "SELECT sum(left_out) FROM worker");
	int64_t dropped = report_number(report, "SELECT sum(dropped) FROM worker");
	FILE *to = report->to;

	fputs("<blockquote>On the days of this window ", to);
	html_count(to, report->resolvers);
	fputs(report->resolvers == 1 ? " resolver" : " resolvers", to);
	fputs(" numbered ", to);
	html_count(to, report->received + report->missing + left_out);
	fputs(" answers. ", to);
	if (left_out > 0) {
		html_count(to, left_out);
		fputs(" were not to be recorded, by configuration. Of the others ", to);
	}
	html_count(to, report->received);
	fputs(" (", to);
	report_share(report, report->received, report->received + report->missing);
	fputs(") are in this record, and ", to);
	html_count(to, report->missing);
	fputs(" are missing", to);
	if (report->missing > 0) {
		fputs(", of which the resolvers report ", to);
		html_count(to, dropped < report->missing ? dropped : report->missing);
		fputs(" as dropped by themselves", to);
	}
	fputs(".</blockquote>\n", to);
}

static void write_unnumbered(struct report *report)
{
	int64_t count = report_number(report, "SELECT sum(count) FROM unnumbered");

	if (count == 0)
		return;
	fputs("<p class=\"note\">", report->to);
	html_count(report->to, count);
	fputs(" answers have no number: of these nobody can tell whether there were more.</p>\n", report->to);
}

/* --- a picture ------------------------------------------------------------------------------------------------ */

/* Where frames came, and over it where numbers are missing. */
static void write_spans(struct report *report, const char *select, const char *class, const char *identity, int top)
{
	sqlite3_stmt *statement = report_ask(report, select);

	if (statement != NULL)
		sqlite3_bind_text(statement, 1, identity, -1, SQLITE_TRANSIENT);
	while (report_next(report, &statement)) {
		double left = report_place(report, sqlite3_column_int64(statement, 0));
		double right = report_place(report, sqlite3_column_int64(statement, 1));

		fprintf(report->to, "<rect class=\"%s\" x=\"%.3f%%\" width=\"%.3f%%\" y=\"%d\" height=\"10\"/>\n", class, left,
			right - left > 0.25 ? right - left : 0.25, top);
	}
}

static void write_picture(struct report *report)
{
	int height = ROW * (int)report->resolvers;
	sqlite3_stmt *statement = report_ask(report, "SELECT DISTINCT identity FROM worker ORDER BY identity");

	fprintf(report->to, "<figure><svg class=\"time\" role=\"img\" aria-label=\"When frames of each resolver came, and"
		" gaps; the tables have the numbers\" width=\"100%%\" height=\"%d\">\n", height + 24);
	report_axis(report, 0, height + 20);
	for (int top = 0; report_next(report, &statement); top += ROW) {
		const char *identity = (const char *)sqlite3_column_text(statement, 0);

		fprintf(report->to, "<text class=\"name\" y=\"%d\">", top + 13);
		report_text(report, statement, 0);
		fprintf(report->to, "</text><rect class=\"track\" y=\"%d\" width=\"100%%\" height=\"10\"/>\n", top + 18);
		write_spans(report, "SELECT first_at / 1000, last_at / 1000 FROM worker WHERE identity = ? AND received > 0"
			" ORDER BY 1, 2", "there", identity, top + 18);
		write_spans(report, "SELECT g.after_at / 1000, g.before_at / 1000 FROM gap AS g JOIN worker AS w"
			" ON w.id = g.worker WHERE w.identity = ? AND after_at IS NOT NULL AND before_at IS NOT NULL"
			" ORDER BY 1, 2", "gap", identity, top + 18);
	}
	fputs("</svg><figcaption>From the first to the last frame of each resolver, with gaps.</figcaption></figure>\n",
		report->to);
}

/* --- tables --------------------------------------------------------------------------------------------------- */

static void write_count(struct report *report, const char *label, int64_t number)
{
	fprintf(report->to, "<td role=\"cell\" class=\"n\" data-label=\"%s\">", label);
	html_count(report->to, number);
	fputs("</td>", report->to);
}

static void write_clock(struct report *report, sqlite3_stmt *statement)
{
	report_cell(report, "Clock");
	if (sqlite3_column_int64(statement, 7) == 0)
		fputs("no heartbeat came", report->to);
	else if (sqlite3_column_type(statement, 8) == SQLITE_NULL)
		fputs("it does not say", report->to);
	else
		fprintf(report->to, "%s, within %.1f&nbsp;ms", sqlite3_column_int(statement, 8) != 0 ? "synchronized" :
			"not always synchronized", (double)sqlite3_column_int64(statement, 9) / 1000);
	fputs("</td>", report->to);
}

static void write_resolvers(struct report *report)
{
	static const char *const columns[] = { "Resolver", "#Received", "#Missing", "#Left out", "#Dropped", "#Twice",
		"Complete", "Processes", "Clock", NULL };
	sqlite3_stmt *statement = report_ask(report, resolvers);

	report_table(report, "By resolver", columns);
	while (report_next(report, &statement)) {
		int64_t received = sqlite3_column_int64(statement, 1), missing = sqlite3_column_int64(statement, 2);

		fputs("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", report->to);
		report_text(report, statement, 0);
		fputs("</th>", report->to);
		write_count(report, "Received", received);
		write_count(report, "Missing", missing);
		write_count(report, "Left out", sqlite3_column_int64(statement, 3));
		write_count(report, "Dropped", sqlite3_column_int64(statement, 4));
		write_count(report, "Twice", sqlite3_column_int64(statement, 5));
		report_cell(report, "Complete");
		report_share(report, received, received + missing);
		fputs("</td>", report->to);
		report_cell(report, "Processes");
		html_count(report->to, sqlite3_column_int64(statement, 6));
		fputs("</td>", report->to);
		write_clock(report, statement);
		fputs("</tr>\n", report->to);
	}
	report_table_end(report);
}

static void write_moment(struct report *report, const char *label, sqlite3_stmt *statement, int column)
{
	report_cell(report, label);
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		fputs("not known", report->to);
	else
		html_time(report->to, sqlite3_column_int64(statement, column));
	fputs("</td>", report->to);
}

static void write_gaps(struct report *report)
{
	static const char *const columns[] = { "Resolver", "Process and worker", "#Missing", "Numbers", "After, UTC",
		"Before, UTC", NULL };
	int64_t all = report_number(report, "SELECT count(*) FROM gap");
	sqlite3_stmt *statement = all > 0 ? report_ask(report, gaps) : NULL;

	if (all == 0)
		return;
	report_table(report, "Gaps, the largest first", columns);
	while (report_next(report, &statement)) {
		int64_t first = sqlite3_column_int64(statement, 3), last = sqlite3_column_int64(statement, 4);

		fputs("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", report->to);
		report_text(report, statement, 0);
		fputs("</th>", report->to);
		report_cell(report, "Process and worker");
		report_text(report, statement, 1);
		fprintf(report->to, ".%lld</td>", (long long)sqlite3_column_int64(statement, 2));
		write_count(report, "Missing", last - first + 1);
		report_cell(report, "Numbers");
		fprintf(report->to, "%" PRId64, first);
		if (last > first)
			fprintf(report->to, " to %" PRId64, last);
		fputs("</td>", report->to);
		write_moment(report, "After, UTC", statement, 5);
		write_moment(report, "Before, UTC", statement, 6);
		fputs("</tr>\n", report->to);
	}
	report_table_end(report);
	report_rest(report, all, GAPS_SHOWN, "gaps");
}

void report_complete(struct report *report)
{
	fputs("<p>Resolvers number their answers, and say in heartbeats how far they are: what did not come is known."
		" This is of the whole days that the window touches.</p>\n", report->to);
	write_unnumbered(report);
	if (report->resolvers == 0) {
		fputs("<p class=\"none\">No resolver numbers its answers.</p>\n", report->to);
		return;
	}
	write_sentence(report);
	write_picture(report);
	write_resolvers(report);
	write_gaps(report);
}
