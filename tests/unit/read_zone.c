/* read_zone.c: reading an RPZ in both ways. */
#include "tests/unit/read_zone.h"

#include <stdlib.h>
#include <string.h>

static bool write_rule(void *arg, const struct rule *rule)
{
	struct zone_outcome *outcome = arg;
	char text[NAME_TEXT_MAX];
	unsigned i;

	fprintf(outcome->to, "%u %d %d%d %s %d", rule->line, (int)rule->trigger, rule->exact, rule->below,
		name_to_text(&rule->name, text), (int)rule->action);
	if (rule->trigger != TRIGGER_QNAME && rule->trigger != TRIGGER_NSDNAME) {
		fprintf(outcome->to, " %d/%u ", (int)rule->address.family, rule->prefix_length);
		for (i = 0; i < sizeof(rule->address.octets); i++)
			fprintf(outcome->to, "%02x", rule->address.octets[i]);
	}
	if (rule->rdata != NULL) {
		fprintf(outcome->to, " %u %u ", rule->ttl, rule->type);
		for (i = 0; i < rule->rdata_length; i++)
			fprintf(outcome->to, "%02x", rule->rdata[i]);
	}
	fputc('\n', outcome->to);
	return true;
}

void read_zone(struct zone_outcome *outcome, const char *text, size_t length, const char *zone, bool no_fast_path)
{
	static char file[] = "zone";
	struct list_conf conf = { .name = "test", .file = file, .format = FORMAT_RPZ, .ttl = 300 };
	struct list_reader reader = { .conf = &conf, .visit = write_rule, .arg = outcome, .diag = &outcome->diag,
		.no_fast_path = no_fast_path };

	memset(outcome, 0, sizeof(*outcome));
	if (zone != NULL)
		name_from_text(&conf.zone, zone, strlen(zone));
	outcome->to = open_memstream(&outcome->rules, &outcome->octets);
	if (outcome->to == NULL)
		abort();
	outcome->result = list_read(&reader, text, length);
	outcome->stats = reader.stats;
	fclose(outcome->to);
}

/* Where two outcomes part; NULL: nowhere. */
static const char *first_difference(const struct zone_outcome *a, const struct zone_outcome *b)
{
	static char text[160];
	size_t i;

	for (i = 0; a->rules[i] != '\0' && a->rules[i] == b->rules[i]; i++)
		;
	if (a->rules[i] != b->rules[i]) {
		snprintf(text, sizeof(text), "rules differ from octet %zu on: %.50s / %.50s", i,
			a->rules + i, b->rules + i);
		return text;
	}
	if (a->result != b->result)
		return "one of them is an error";
	if (memcmp(a->stats.skipped, b->stats.skipped, sizeof(a->stats.skipped)) != 0)
		return "other numbers are skipped";
	if (memcmp(a->stats.skipped_line, b->stats.skipped_line, sizeof(a->stats.skipped_line)) != 0)
		return "other lines are skipped";
	if (a->stats.lines != b->stats.lines || a->stats.serial != b->stats.serial ||
		a->stats.rules != b->stats.rules)
		return "lines, rules or serial differ";
	return NULL;
}

const char *zone_differs(const char *text, size_t length, const char *zone, size_t *rules)
{
	struct zone_outcome fast, full;
	const char *wrong;

	read_zone(&fast, text, length, zone, false);
	read_zone(&full, text, length, zone, true);
	wrong = first_difference(&fast, &full);
	*rules = fast.stats.rules;
	free(fast.rules);
	free(full.rules);
	return wrong;
}
