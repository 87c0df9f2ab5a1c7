/* report_write.c: asking the digest, and the parts that sections are made of. */
#include "tools/report.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "store/name_key.h"
#include "tools/html_out.h"

/* --- asking --------------------------------------------------------------------------------------------------- */

sqlite3_stmt *report_ask(struct report *report, const char *select)
{
	sqlite3_stmt *statement = report->failed ? NULL : query_ask(report->query, select, &report->diag);

	report->failed = statement == NULL;
	return statement;
}

bool report_next(struct report *report, sqlite3_stmt **statement)
{
	int code = *statement == NULL ? SQLITE_DONE : sqlite3_step(*statement);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE) {
		report->failed = true;
		diag_set(&report->diag, "", 0, 0, "%s", sqlite3_errmsg(query_workspace(report->query)));
	}
	sqlite3_finalize(*statement);
	*statement = NULL;
	return false;
}

int64_t report_number(struct report *report, const char *select)
{
	sqlite3_stmt *statement = report_ask(report, select);
	int64_t number = 0;

	while (report_next(report, &statement))
		number = sqlite3_column_int64(statement, 0);
	return number;
}

/* --- writing -------------------------------------------------------------------------------------------------- */

void report_text(const struct report *report, sqlite3_stmt *statement, int column)
{
	const void *text = sqlite3_column_text(statement, column);

	if (text != NULL)
		html_text(report->to, text, (size_t)sqlite3_column_bytes(statement, column));
}

void report_name(const struct report *report, sqlite3_stmt *statement, int column)
{
	const char *key = (const char *)sqlite3_column_text(statement, column);
	char text[NAME_KEY_MAX];

	if (key == NULL || strlen(key) >= sizeof(text))
		return;
	name_key_to_text(key, text);
	html_put(report->to, text);
}

void report_client(const struct report *report, sqlite3_stmt *statement, int column)
{
	const void *octets = sqlite3_column_blob(statement, column);
	int length = sqlite3_column_bytes(statement, column);
	char text[INET6_ADDRSTRLEN];

	if (length != 4 && length != 16)
		fputs("not known", report->to);
	else if (inet_ntop(length == 4 ? AF_INET : AF_INET6, octets, text, sizeof(text)) != NULL)
		html_put(report->to, text);
}

void report_share(const struct report *report, int64_t part, int64_t all)
{
	double share = all > 0 ? 100.0 * (double)part / (double)all : 0;

	if (part > 0 && share < 0.01)
		fputs("under 0.01&nbsp;%", report->to);
	else
		fprintf(report->to, share < 1 || (share > 99 && share < 100) ? "%.2f&nbsp;%%" : "%.1f&nbsp;%%", share);
}

void report_cell(const struct report *report, const char *label)
{
	fprintf(report->to, "<td role=\"cell\" data-label=\"%s\">", label);
}

void report_bar(const struct report *report, const char *label, const char *class, int64_t value, int64_t most)
{
	double share = most > 0 ? 100.0 * (double)value / (double)most : 0;

	fprintf(report->to, "<td role=\"cell\" class=\"n\" data-label=\"%s\"><span>", label);
	html_count(report->to, value);
	fputs("</span><svg class=\"bar\" aria-hidden=\"true\"><rect class=\"track\" width=\"100%\" height=\"8\" rx=\"2\"/>",
		report->to);
	if (value > 0)
		fprintf(report->to, "<rect class=\"%s\" width=\"%.2f%%\" height=\"8\" rx=\"2\"/>", class, share < 1 ? 1 : share);
	fputs("</svg></td>", report->to);
}

void report_table(const struct report *report, const char *caption, const char *const *columns)
{
	fprintf(report->to, "<table role=\"table\"><caption>%s</caption><thead role=\"rowgroup\"><tr role=\"row\">",
		caption);
	for (; *columns != NULL; columns++)
		fprintf(report->to, "<th role=\"columnheader\" scope=\"col\"%s>%s</th>", **columns == '#' ? " class=\"n\"" : "",
			*columns + (**columns == '#'));
	fputs("</tr></thead><tbody role=\"rowgroup\">\n", report->to);
}

void report_table_end(const struct report *report)
{
	fputs("</tbody></table>\n", report->to);
}

void report_rest(const struct report *report, int64_t all, int64_t shown, const char *what)
{
	if (all <= shown)
		return;
	fprintf(report->to, "<p class=\"soft\">The first %" PRId64 " of ", shown);
	html_count(report->to, all);
	fprintf(report->to, " %s.</p>\n", what);
}
