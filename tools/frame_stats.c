/* frame_stats.c: small tables of counts. */
#include "tools/frame_stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/frame_decision.h"
#include "tools/json_line.h"
#include "tools/term.h"

#define ROWS_SHOWN 12

enum stats_kind { STATS_VERDICT, STATS_LIST, STATS_TYPE, STATS_RCODE, STATS_PATH, STATS_COUNT };

static const char *const kind_names[STATS_COUNT] = { "verdict", "list", "type", "rcode", "path" };

struct row {
	char name[STATS_NAME_MAX];
	uint64_t count;
};

struct table {
	unsigned count;
	uint64_t others;
	struct row rows[STATS_ROWS_MAX];
};

struct frame_stats {
	uint64_t frames;
	uint64_t first_s, last_s;   /* of the frames' times; 0: none yet */
	struct table tables[STATS_COUNT];
};

struct frame_stats *frame_stats_create(void)
{
	return calloc(1, sizeof(struct frame_stats));
}

void frame_stats_destroy(struct frame_stats **stats)
{
	free(*stats);
	*stats = NULL;
}

/* What is frequent moves to the front, so that the search is short. */
static void count(struct table *table, const char *name)
{
	unsigned i = 0;

	while (i < table->count && strncmp(table->rows[i].name, name, STATS_NAME_MAX - 1) != 0)
		i++;
	if (i == STATS_ROWS_MAX) {
		table->others++;
		return;
	}
	if (i == table->count) {
		snprintf(table->rows[i].name, STATS_NAME_MAX, "%s", name);
		table->rows[i].count = 0;
		table->count++;
	}
	table->rows[i].count++;
	if (i > 0 && table->rows[i].count > table->rows[i - 1].count) {
		struct row row = table->rows[i];

		table->rows[i] = table->rows[i - 1];
		table->rows[i - 1] = row;
	}
}

static void note_time(struct frame_stats *stats, const Dnstap__Message *message)
{
	uint64_t seconds;
	uint32_t ns;

	if (!frame_time(message, &seconds, &ns) || seconds == 0)
		return;
	if (stats->first_s == 0 || seconds < stats->first_s)
		stats->first_s = seconds;
	if (seconds > stats->last_s)
		stats->last_s = seconds;
}

void frame_stats_note(struct frame_stats *stats, const struct frame_fields *fields)
{
	struct frame_decision decision;
	char text[FRAME_TEXT_MAX];

	if (fields->kind != FRAME_EVENT)
		return;
	stats->frames++;
	note_time(stats, fields->message);
	frame_decide(fields, &decision);
	count(&stats->tables[STATS_VERDICT], decision.verdict[0] != '\0' ? decision.verdict : "(none)");
	if (json_text_of(&decision.list, text, sizeof(text)) > 0)
		count(&stats->tables[STATS_LIST], text);
	if (fields->dns.has_question)
		count(&stats->tables[STATS_TYPE], dns_type_name(fields->dns.qtype, text));
	if (fields->dns.octets != NULL && (fields->dns.flags & DNS_QR) != 0)
		count(&stats->tables[STATS_RCODE], dns_rcode_name(fields->dns.rcode, text));
	if (frame_extra_text(fields, "path", text)[0] != '\0')
		count(&stats->tables[STATS_PATH], text);
}

static int by_count(const void *one, const void *other)
{
	const struct row *a = one, *b = other;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->name, b->name);
}

static uint64_t rate(const struct frame_stats *stats)
{
	return stats->frames / (stats->last_s - stats->first_s + 1);
}

static void report_table(FILE *to, const char *kind, struct table *table)
{
	uint64_t others = table->others;
	char safe[4 * STATS_NAME_MAX];

	if (table->count == 0)
		return;
	fprintf(to, "  by %s:", kind);
	for (unsigned i = 0; i < table->count; i++) {
		if (i >= ROWS_SHOWN) {
			others += table->rows[i].count;
			continue;
		}
		term_escape(safe, sizeof(safe), table->rows[i].name, strlen(table->rows[i].name));
		fprintf(to, "%s %s %" PRIu64, i > 0 ? "," : "", safe, table->rows[i].count);
	}
	if (others > 0)
		fprintf(to, ", others %" PRIu64, others);
	putc('\n', to);
}

static void report_json(FILE *to, const struct frame_stats *stats, struct table *tables)
{
	struct json_line line = { .octets = NULL };

	json_line_open(&line, '{');
	json_line_text(&line, "report", "stats");
	json_line_count(&line, "frames", stats->frames);
	json_line_count(&line, "frames_per_s", rate(stats));
	for (unsigned kind = 0; kind < STATS_COUNT; kind++) {
		json_line_key(&line, kind_names[kind]);
		json_line_open(&line, '{');
		for (unsigned i = 0; i < tables[kind].count; i++) {
			char safe[4 * STATS_NAME_MAX];

			term_escape(safe, sizeof(safe), tables[kind].rows[i].name, strlen(tables[kind].rows[i].name));
			for (char *at = safe; *at != '\0'; at++)   /* keys are written as they are */
				*at = *at == '"' || *at == '\\' ? '_' : *at;
			json_line_count(&line, safe, tables[kind].rows[i].count);
		}
		if (tables[kind].others > 0)
			json_line_count(&line, "(others)", tables[kind].others);
		json_line_close(&line, '}');
	}
	json_line_put(&line, "}\n", 2);
	if (!line.failed)
		fwrite(line.octets, 1, line.used, to);
	json_line_fini(&line);
}

void frame_stats_report(const struct frame_stats *stats, FILE *to, bool json)
{
	struct frame_stats sorted = *stats;

	for (unsigned kind = 0; kind < STATS_COUNT; kind++)
		qsort(sorted.tables[kind].rows, sorted.tables[kind].count, sizeof(struct row), by_count);
	if (json) {
		report_json(to, stats, sorted.tables);
		return;
	}
	fprintf(to, "%" PRIu64 " frames", stats->frames);
	if (stats->first_s != 0)
		fprintf(to, " in %" PRIu64 " s by their times, %" PRIu64 " a second", stats->last_s - stats->first_s + 1,
			rate(stats));
	putc('\n', to);
	for (unsigned kind = 0; kind < STATS_COUNT; kind++)
		report_table(to, kind_names[kind], &sorted.tables[kind]);
}
