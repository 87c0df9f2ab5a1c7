/* report_time.c: verdicts over time, and what pictures over time have in common. */
#include "tools/report.h"

#include <inttypes.h>
#include <time.h>

#include "tools/html_out.h"

#define PHONE_LAST 78.0              /* percent of the width, behind which a label is cut on a phone */
#define DAY_SECONDS 86400
#define TICKS_MAX 8
#define ROWS_MAX 31
#define STRIP 56
#define STRIP_HEAD 24

double report_place(const struct report *report, int64_t seconds)
{
	if (seconds < report->from_s)
		seconds = report->from_s;
	if (seconds > report->to_s)
		seconds = report->to_s;
	return 100.0 * (double)(seconds - report->from_s) / (double)(report->to_s - report->from_s);
}

int64_t report_step_for(const struct report *report, int64_t most)
{
	static const int64_t minutes[] = { 1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 14 * 1440,
		28 * 1440, 56 * 1440, 112 * 1440, 224 * 1440 };
	size_t count = sizeof(minutes) / sizeof(minutes[0]);

	for (size_t i = 0; i < count; i++)
		if ((report->to_s - report->from_s) / (minutes[i] * 60) <= most)
			return minutes[i] * 60;
	return minutes[count - 1] * 60;
}

static void write_span(FILE *to, int64_t seconds)
{
	if (seconds % DAY_SECONDS == 0)
		fprintf(to, "%" PRId64 "&nbsp;%s", seconds / DAY_SECONDS, seconds == DAY_SECONDS ? "day" : "days");
	else if (seconds % 3600 == 0)
		fprintf(to, "%" PRId64 "&nbsp;h", seconds / 3600);
	else
		fprintf(to, "%" PRId64 "&nbsp;min", seconds / 60);
}

void report_step(const struct report *report)
{
	write_span(report->to, report->step_s);
}

/* --- pictures ------------------------------------------------------------------------------------------------- */

static int64_t most_of(struct report *report, const char *select)
{
	sqlite3_stmt *statement = report_ask(report, select);
	int64_t most = 0;

	while (report_next(report, &statement))
		if (sqlite3_column_int64(statement, 1) > most)
			most = sqlite3_column_int64(statement, 1);
	return most;
}

int64_t report_strip(struct report *report, const char *select, const char *class, int top, int height)
{
	int64_t most = most_of(report, select);
	sqlite3_stmt *statement = report_ask(report, select);

	fprintf(report->to, "<rect class=\"ground\" y=\"%d\" width=\"100%%\" height=\"%d\"/><g class=\"%s\">\n", top, height,
		class);
	while (report_next(report, &statement)) {
		int64_t at = sqlite3_column_int64(statement, 0), value = sqlite3_column_int64(statement, 1);
		double left = report_place(report, at), width = report_place(report, at + report->step_s) - left;
		double high = most > 0 ? (double)height * (double)value / (double)most : 0;

		high = high < 1 ? 1 : high;
		fprintf(report->to, "<rect x=\"%.3f%%\" width=\"%.3f%%\" y=\"%.1f\" height=\"%.1f\"><title>", left,
			width * 0.86, top + height - high, high);
		html_time(report->to, at);
		fputs(": ", report->to);
		html_count(report->to, value);
		fputs("</title></rect>\n", report->to);
	}
	fputs("</g>", report->to);
	return most;
}

static void write_tick(const struct report *report, int64_t at, int64_t step, bool odd, int top, int bottom)
{
	char text[32] = "";
	time_t time = (time_t)at;
	double place = report_place(report, at);
	struct tm parts;

	if (gmtime_r(&time, &parts) != NULL)
		strftime(text, sizeof(text), step % DAY_SECONDS == 0 || at % DAY_SECONDS == 0 ? "%a %d %b" : "%H:%M", &parts);
	fprintf(report->to, "<line class=\"tick\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%d\" y2=\"%d\"/>", place, place, top,
		bottom);
	if (place < 92)
		fprintf(report->to, "<text class=\"label%s%s\" x=\"%.3f%%\" dx=\"4\" y=\"%d\">%s</text>\n", odd ? " odd" : "",
			place > PHONE_LAST ? " late" : "", place, bottom, text);
}

/* Every other label has no room on a phone, nor has a late one; of days and hours, those of hours. */
void report_axis(const struct report *report, int top, int bottom)
{
	int64_t step = report_step_for(report, TICKS_MAX), begin = report->from_s - report->from_s % step;
	bool days = report->to_s - report->from_s >= 2 * DAY_SECONDS && step < DAY_SECONDS;
	unsigned number = 0;

	for (int64_t at = begin < report->from_s ? begin + step : begin; at < report->to_s; at += step)
		write_tick(report, at, step, days ? at % DAY_SECONDS != 0 : number++ % 2 == 1, top, bottom);
}

/* --- verdicts over time --------------------------------------------------------------------------------------- */

static void write_strip(struct report *report, int outcome, int top)
{
	char select[96];
	int64_t most;

	snprintf(select, sizeof(select), "SELECT at, count FROM timeline WHERE outcome = %d ORDER BY at", outcome);
	most = report_strip(report, select, report_classes[outcome], top + STRIP_HEAD, STRIP);
	fprintf(report->to, "<text class=\"name\" y=\"%d\">%s</text><text class=\"label\" x=\"100%%\" y=\"%d\""
		" text-anchor=\"end\">", top + STRIP_HEAD - 8, report_outcomes[outcome], top + STRIP_HEAD - 8);
	html_count(report->to, report->answers[outcome]);
	fputs(" in all, at most ", report->to);
	html_count(report->to, most);
	fputs(" in ", report->to);
	report_step(report);
	fputs("</text>\n", report->to);
}

static void write_picture(struct report *report)
{
	int bottom = DIGEST_OUTCOMES * (STRIP + STRIP_HEAD) + 18;

	fprintf(report->to, "<svg class=\"time\" role=\"img\" aria-label=\"Answers over time by what became of them; the"
		" table has the numbers\" width=\"100%%\" height=\"%d\">\n", bottom + 4);
	report_axis(report, STRIP_HEAD, bottom);
	for (int i = 0; i < DIGEST_OUTCOMES; i++)
		write_strip(report, i, i * (STRIP + STRIP_HEAD));
	fputs("</svg>\n", report->to);
}

static void write_row(struct report *report, sqlite3_stmt *statement)
{
	fputs("<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">", report->to);
	html_time(report->to, sqlite3_column_int64(statement, 0));
	fputs("</th>", report->to);
	for (int i = 0; i < DIGEST_OUTCOMES; i++) {
		fprintf(report->to, "<td role=\"cell\" class=\"n\" data-label=\"%s\">", report_outcomes[i]);
		html_count(report->to, sqlite3_column_int64(statement, i + 1));
		fputs("</td>", report->to);
	}
	fputs("</tr>\n", report->to);
}

static void write_numbers(struct report *report)
{
	static const char *const columns[] = { "From, UTC", "#Allowed", "#Observed", "#Denied", "#Redirected", NULL };
	int64_t step = report_step_for(report, ROWS_MAX);
	sqlite3_stmt *statement;
	char select[320];

	if (step < report->step_s)
		step = report->step_s;
	snprintf(select, sizeof(select), "SELECT max(at / %" PRId64 " * %" PRId64 ", %" PRId64 "),"
		" sum(iif(outcome = 0, count, 0)), sum(iif(outcome = 1, count, 0)), sum(iif(outcome = 2, count, 0)),"
		" sum(iif(outcome = 3, count, 0))"
		" FROM timeline GROUP BY 1 ORDER BY 1", step, step, report->from_s);
	statement = report_ask(report, select);
	fputs("<details><summary>Numbers for every ", report->to);
	write_span(report->to, step);
	fputs("</summary>", report->to);
	report_table(report, "Answers over time", columns);
	while (report_next(report, &statement))
		write_row(report, statement);
	report_table_end(report);
	fputs("</details>\n", report->to);
}

void report_time(struct report *report)
{
	fputs("<p>Each row has a scale of its own. Observed: let through, though a rule in shadow, a rule that observes, or"
		" a detector has something to say. Redirected: to a sinkhole or other data.</p>\n<figure>", report->to);
	write_picture(report);
	fputs("<figcaption>Answers in steps of ", report->to);
	report_step(report);
	fputs(", UTC</figcaption></figure>\n", report->to);
	write_numbers(report);
}
