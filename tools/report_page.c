/* report_page.c: the page around the sections. */
#include "tools/report.h"

#include <inttypes.h>

#include "tools/html_out.h"

const char *const report_outcomes[DIGEST_OUTCOMES] = {
	[DIGEST_ALLOWED] = "Allowed", [DIGEST_OBSERVED] = "Observed", [DIGEST_DENIED] = "Denied",
	[DIGEST_REDIRECTED] = "Redirected",
};
const char *const report_classes[DIGEST_OUTCOMES] = {
	[DIGEST_ALLOWED] = "allowed", [DIGEST_OBSERVED] = "observed", [DIGEST_DENIED] = "denied",
	[DIGEST_REDIRECTED] = "redirected",
};

static const struct {
	const char *id, *title;
	void (*write)(struct report *report);
} sections[] = {
	{ "time", "Verdicts over time", report_time },
	{ "lists", "Lists", report_lists },
	{ "detectors", "Detectors", report_detectors },
	{ "attack", "ATT&amp;CK techniques", report_attack },
	{ "new", "New domains", report_newcomers },
	{ "clients", "Clients", report_clients },
	{ "mistakes", "Denials that may be mistakes", report_doubtful },
	{ "record", "Is the record complete?", report_complete },
};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void count_all(struct report *report)
{
	sqlite3_stmt *statement = report_ask(report, "SELECT outcome, sum(count) FROM timeline GROUP BY outcome");

	while (report_next(report, &statement)) {
		int64_t count = sqlite3_column_int64(statement, 1);

		report->answers[sqlite3_column_int(statement, 0) % DIGEST_OUTCOMES] = count;
		report->all += count;
	}
	report->clients = report_number(report, "SELECT count(*) FROM client WHERE id > 0");
	report->domains = report_number(report, "SELECT count(*) FROM domain");
	report->resolvers = report_number(report, "SELECT count(DISTINCT identity) FROM worker");
	report->received = report_number(report, "SELECT sum(received) FROM worker");
	report->missing = report_number(report, "SELECT sum(missing) FROM worker");
}

static void write_head(struct report *report)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n<title>DNS verdicts, ", report->to);
	html_time(report->to, report->from_s);
	fputs(" to ", report->to);
	html_time(report->to, report->to_s);
	fprintf(report->to, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n"
		"<p class=\"kicker\">unbound-verdict</p>\n"
		"<h1>DNS answers and verdicts</h1>\n<p class=\"window\">", report_style);
	html_time(report->to, report->from_s);
	fputs(" to ", report->to);
	html_time(report->to, report->to_s);
	fputs(" UTC</p>\n</header>\n<nav aria-label=\"Sections\">\n", report->to);
	for (size_t i = 0; i < SECTIONS; i++)
		fprintf(report->to, "<a href=\"#%s\">%s</a>\n", sections[i].id, sections[i].title);
	fputs("</nav>\n<main>\n", report->to);
}

static void write_tile(const struct report *report, const char *class, const char *title, int64_t count)
{
	fprintf(report->to, "<div class=\"%s\"><dt>%s</dt><dd>", class, title);
	html_count(report->to, count);
	fputs("</dd><dd>", report->to);
}

static void write_tiles(struct report *report)
{
	double rate;

	fputs("<dl class=\"tiles\">\n", report->to);
	write_tile(report, "", "Answers", report->all);
	rate = (double)report->all / (double)(report->to_s - report->from_s);
	fprintf(report->to, "%.1f %s</dd></div>\n", rate < 1 ? 3600 * rate : rate, rate < 1 ? "an hour" : "a second");
	for (int i = 0; i < DIGEST_OUTCOMES; i++) {
		write_tile(report, report_classes[i], report_outcomes[i], report->answers[i]);
		report_share(report, report->answers[i], report->all);
		fputs("</dd></div>\n", report->to);
	}
	write_tile(report, "clients", "Clients", report->clients);
	fputs("asked something</dd></div>\n", report->to);
	write_tile(report, "clients", "New domains", report_number(report, "SELECT count(*) FROM domain WHERE known = 0"));
	fputs("of ", report->to);
	html_count(report->to, report->domains);
	fputs("</dd></div>\n<div><dt>Complete</dt><dd>", report->to);
	if (report->resolvers > 0)
		report_share(report, report->received, report->received + report->missing);
	else
		fputs("not known", report->to);
	fputs("</dd><dd>", report->to);
	html_count(report->to, report->missing);
	fputs(" missing</dd></div>\n</dl>\n", report->to);
}

static void write_left_out(struct report *report)
{
	if (report->left_out_count == 0)
		return;
	fputs("<div class=\"note\"><p>Not all day files could be read, or stayed: the numbers below are too low.</p><ul>\n",
		report->to);
	for (unsigned i = 0; i < report->left_out_count; i++) {
		fputs("<li><code>", report->to);
		html_put(report->to, report->left_out[i]);
		fputs("</code></li>\n", report->to);
	}
	fputs("</ul></div>\n", report->to);
}

static void write_foot(struct report *report)
{
	fprintf(report->to, "</main>\n<p class=\"foot\">Made by verdictctl " VERDICT_VERSION " of the day files of %" PRId64
		" days, and compared with %" PRId64 " earlier ones. All times are UTC; the end is behind the last moment.</p>\n"
		"</body>\n</html>\n", report_number(report, "SELECT count(*) FROM present"),
		report_number(report, "SELECT count(*) FROM past"));
}

int report_page(struct report *report)
{
	count_all(report);
	write_head(report);
	write_left_out(report);
	write_tiles(report);
	for (size_t i = 0; i < SECTIONS; i++) {
		fprintf(report->to, "<section id=\"%s\">\n<h2>%s</h2>\n", sections[i].id, sections[i].title);
		/* Where all was lost, that is what there is to say. */
		if (report->all == 0 && (sections[i].write != report_complete || report->resolvers == 0))
			fputs("<p class=\"none\">There was no answer in this time.</p>\n", report->to);
		else
			sections[i].write(report);
		fputs("</section>\n", report->to);
	}
	write_foot(report);
	return report->failed ? -1 : 0;
}
