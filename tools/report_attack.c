/* report_attack.c: techniques as a matrix, and as a layer for the ATT&CK Navigator. */
#include "tools/report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy/detection.h"
#include "tools/attack_table.h"
#include "tools/html_out.h"

#define SEEN_MAX 256
#define SHADES 4

struct seen {
	char id[64];
	int64_t hits, clients, refused;
};

static const char techniques[] =
	"SELECT w.word AS id, sum(h.count) AS hits, count(DISTINCT h.client), sum(iif(v.outcome >= 2, h.count, 0))"
	" FROM word AS w JOIN hit AS h USING (verdict) JOIN verdict AS v ON v.id = w.verdict WHERE w.kind = 0"
	" GROUP BY w.word ORDER BY hits DESC, w.word";

/* Those with most hits, `cap` at most. */
static size_t load(struct report *report, struct seen *seen, size_t cap)
{
	sqlite3_stmt *statement = report_ask(report, techniques);
	size_t count = 0;

	while (report_next(report, &statement)) {
		const char *id = (const char *)sqlite3_column_text(statement, 0);

		if (id == NULL || count == cap || strlen(id) >= sizeof(seen->id))
			continue;
		strcpy(seen[count].id, id);
		seen[count].hits = sqlite3_column_int64(statement, 1);
		seen[count].clients = sqlite3_column_int64(statement, 2);
		seen[count++].refused = sqlite3_column_int64(statement, 3);
	}
	return count;
}

static const struct seen *find(const struct seen *seen, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(seen[i].id, id) == 0)
			return &seen[i];
	return NULL;
}

/* --- the picture ---------------------------------------------------------------------------------------------- */

/* Each tenfold is a shade darker. */
static int shade_of(int64_t hits)
{
	int shade = 0;

	for (; hits > 0 && shade < SHADES; hits /= 10)
		shade++;
	return shade;
}

/* Does a detector look for it? */
static bool is_watched(const char *id)
{
	size_t octets = strlen(id);

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (const char *at = detector_table[i].attack; (at = strstr(at, id)) != NULL; at++)
			if (at[octets] == ' ' || at[octets] == '\0')
				return true;
	return false;
}

static void write_number(struct report *report, int64_t number, const char *one, const char *many)
{
	html_count(report->to, number);
	fputs(number == 1 ? one : many, report->to);
}

static void write_cell(struct report *report, const char *id, const char *name, const struct seen *seen)
{
	fprintf(report->to, "<li class=\"shade%d\"><b>", seen == NULL ? 0 : shade_of(seen->hits));
	html_put(report->to, id);
	fputs("</b> ", report->to);
	html_put(report->to, name);
	fputs(" <span>", report->to);
	if (seen == NULL) {
		fputs("not seen", report->to);
	} else {
		write_number(report, seen->hits, " hit, ", " hits, ");
		write_number(report, seen->clients, " client", " clients");
	}
	if (seen != NULL && seen->refused > 0) {
		fputs(", ", report->to);
		write_number(report, seen->refused, " refused", " refused");
	}
	fputs("</span></li>\n", report->to);
}

/* Those that were seen, and those that a detector looks for. */
static void write_tactic(struct report *report, enum tactic tactic, const struct seen *seen, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < attack_count; i++) {
		const struct seen *found = find(seen, count, attack_table[i].id);

		if (attack_table[i].tactic != tactic || (found == NULL && !is_watched(attack_table[i].id)))
			continue;
		if (!any)
			fprintf(report->to, "<section><h3>%s</h3><ul>\n", tactic_names[tactic]);
		any = true;
		write_cell(report, attack_table[i].id, attack_table[i].name, found);
	}
	if (any)
		fputs("</ul></section>\n", report->to);
}

static void write_others(struct report *report, const struct seen *seen, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (attack_find(seen[i].id) != NULL)
			continue;
		if (!any)
			fprintf(report->to, "<section><h3>%s</h3><ul>\n", tactic_names[TACTIC_OTHER]);
		any = true;
		write_cell(report, seen[i].id, "", &seen[i]);
	}
	if (any)
		fputs("</ul></section>\n", report->to);
}

void report_attack(struct report *report)
{
	struct seen *seen = calloc(SEEN_MAX, sizeof(*seen));
	size_t count;

	if (seen == NULL) {
		report->failed = true;
		diag_set(&report->diag, "", 0, 0, "no memory");
		return;
	}
	count = load(report, seen, SEEN_MAX);
	fputs("<p>What lists and detectors take for signs of a technique, by its tactic, and what detectors look for without"
		" having seen it. A stronger shade is ten times as many answers.</p>\n<div class=\"matrix\">\n", report->to);
	for (int i = 0; i < TACTIC_OTHER; i++)
		write_tactic(report, (enum tactic)i, seen, count);
	write_others(report, seen, count);
	fputs("</div>\n", report->to);
	free(seen);
}

/* --- the layer ------------------------------------------------------------------------------------------------ */

/* T1071 or T1071.004: the Navigator knows no others. */
static bool is_technique(const char *id)
{
	size_t octets = strspn(id + (*id == 'T'), "0123456789") + 1;

	if (*id != 'T' || octets != 5 || (id[5] != '\0' && id[5] != '.'))
		return false;
	return id[5] == '\0' || (strspn(id + 6, "0123456789") == 3 && id[9] == '\0');
}

static json_t *technique_json(const struct seen *seen)
{
	char comment[128];

	snprintf(comment, sizeof(comment), "%lld answers for %lld clients, %lld of them refused", (long long)seen->hits,
		(long long)seen->clients, (long long)seen->refused);
	return json_pack("{s:s, s:I, s:s, s:b, s:b}", "techniqueID", seen->id, "score", (json_int_t)seen->hits, "comment",
		comment, "enabled", 1, "showSubtechniques", strchr(seen->id, '.') == NULL);
}

static json_t *layer_json(const struct report *report, const struct seen *seen, size_t count)
{
	char from[HTML_TIME_MAX], until[HTML_TIME_MAX], description[128];
	json_t *list = json_array();
	int64_t most = 1;

	snprintf(description, sizeof(description), "From %s to %s, UTC: scores are answers",
		html_time_text(report->from_s, from), html_time_text(report->to_s, until));

	for (size_t i = 0; i < count; i++) {
		if (!is_technique(seen[i].id))
			continue;
		most = seen[i].hits > most ? seen[i].hits : most;
		if (json_array_append_new(list, technique_json(&seen[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:s, s:s, s:{s:s, s:b, s:b}, s:o, s:{s:[s, s], s:i, s:I}, s:b}",
		"name", "DNS verdicts", "versions", "attack", ATTACK_VERSION, "navigator", "5.1.0", "layer", "4.5",
		"domain", "enterprise-attack", "description", description,
		"layout", "layout", "side", "showID", 1, "showName", 1, "techniques", list,
		"gradient", "colors", "#fde5d2", "#b3400b", "minValue", 0, "maxValue", (json_int_t)most, "hideDisabled", 0);
}

int report_layer(struct report *report)
{
	struct seen *seen = calloc(SEEN_MAX, sizeof(*seen));
	size_t count = seen == NULL ? 0 : load(report, seen, SEEN_MAX);
	json_t *layer = seen == NULL || report->failed ? NULL : layer_json(report, seen, count);
	bool written = layer != NULL && json_dumpf(layer, report->to, JSON_INDENT(1) | JSON_ENSURE_ASCII) == 0 &&
		fputc('\n', report->to) != EOF;

	json_decref(layer);
	free(seen);
	if (!written && !report->failed)
		diag_set(&report->diag, "", 0, 0, "the layer cannot be made");
	return written ? 0 : -1;
}
