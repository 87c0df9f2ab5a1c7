/* check_json.c: what `verdictctl check` found out, for programs. */
#include "tools/check.h"

#include <stdio.h>

#include "tools/json_out.h"

static json_t *skipped_json(const struct list_stats *stats)
{
	json_t *object = json_object(), *reasons = json_array();

	for (int reason = 0; reason < SKIP_COUNT; reason++) {
		json_t *row;

		if (stats->skipped[reason] == 0)
			continue;
		row = json_object();
		json_set_text(row, "reason", skip_texts[reason]);
		json_set_number(row, "count", stats->skipped[reason]);
		json_set_number(row, "first_line", stats->skipped_line[reason]);
		json_set_text(row, "first_text", stats->skipped_text[reason]);
		json_array_append_new(reasons, row);
	}
	json_set_number(object, "total", check_skipped(stats));
	json_object_set_new(object, "reasons", reasons);
	return object;
}

static json_t *list_json(const struct checked *checked, size_t index)
{
	const struct list_conf *list = &checked->conf->lists[index];
	const struct list_report *report = &checked->report.lists[index];
	json_t *object = json_object();

	json_set_text(object, "name", list->name);
	json_set_text(object, "file", list->file);
	json_set_text(object, "format", format_names[report->stats.format]);
	json_set_text(object, "action", check_action(list, &report->stats));
	json_object_set_new(object, "detected", json_boolean(report->stats.detected));
	json_object_set_new(object, "shadow", json_boolean(list->shadow));
	json_set_number(object, "rules", report->stats.rules);
	json_set_number(object, "duplicates", report->duplicates);
	json_set_number(object, "subsumed", checked->subsumed[index]);
	json_object_set_new(object, "skipped", skipped_json(&report->stats));
	json_set_number(object, "serial", report->stats.serial);
	json_set_number(object, "octets", report->stats.octets);
	json_set_number(object, "file_octets", report->stats.file_octets);
	json_set_number(object, "lines", report->stats.lines);
	json_object_set_new(object, "age_seconds", json_integer(checked->now - report->stats.modified));
	json_object_set_new(object, "last_good", json_integer(report->loaded_at));
	json_object_set_new(object, "expires_at",
		report->expires_at != 0 ? json_integer(report->expires_at) : json_null());
	json_object_set_new(object, "expired", json_boolean(report->expired));
	json_object_set_new(object, "withdrawn", json_boolean(report->withdrawn));
	json_set_number(object, "withheld", report->stats.withheld);
	return object;
}

static json_t *hit_json(const struct popular_hit *hit)
{
	char text[NAME_TEXT_MAX + 2];
	json_t *object = json_object();

	json_set_number(object, "line", hit->line);
	json_set_text(object, "name", name_to_text(&hit->name, text));
	json_set_text(object, "list", hit->rule.list);
	json_set_text(object, "rule", rule_match_text(&hit->rule, text));
	json_set_text(object, "action", action_table[hit->rule.action].name);
	json_object_set_new(object, "denied", json_boolean(hit->denied));
	json_object_set_new(object, "shadow", json_boolean(hit->shadow));
	return object;
}

static json_t *popular_json(const struct checked *checked)
{
	const struct popular *popular = &checked->popular;
	json_t *object = json_object(), *hits = json_array();

	for (size_t i = 0; i < popular->hit_count && i < POPULAR_HITS_MAX; i++)
		json_array_append_new(hits, hit_json(&popular->hits[i]));
	json_set_text(object, "file", checked->popular_path);
	json_set_number(object, "names", popular->names);
	json_set_number(object, "unreadable", popular->unreadable);
	json_set_number(object, "denied", popular->denied);
	json_set_number(object, "shadow_denied", popular->shadow_denied);
	json_object_set_new(object, "denied_share", json_real((double)popular->denied / (double)popular->names));
	json_set_number(object, "hit_count", popular->hit_count);
	json_object_set_new(object, "hits", hits);
	return object;
}

void check_print_json(const struct checked *checked)
{
	json_t *object = json_object(), *lists = json_array();

	for (size_t i = 0; i < checked->conf->list_count; i++)
		json_array_append_new(lists, list_json(checked, i));
	json_object_set_new(object, "ok", json_true());
	json_set_text(object, "config", checked->conf->path);
	json_set_text(object, "mode", checked->conf->mode == MODE_SHADOW ? "shadow" : "enforce");
	json_object_set_new(object, "lists", lists);
	json_object_set_new(object, "groups", check_groups_json(checked));
	json_set_number(object, "rules", snapshot_rule_count(checked->snapshot));
	json_set_number(object, "memory_octets", snapshot_octets(checked->snapshot));
	json_object_set_new(object, "cpu_seconds", json_real(checked->cpu_seconds));
	if (checked->popular_path != NULL)
		json_object_set_new(object, "popular", popular_json(checked));
	json_print_line(object, stdout, false);
}
