/* server_policy.c: what answers say of the policy in force: its loads, lists and groups. */
#include "control/server_parts.h"

#include <string.h>

#include "control/json.h"

/* --- loads ------------------------------------------------------------------------------------------------- */

json_t *server_sweep_json(const struct sweep_report *sweep)
{
	json_t *object = json_object();

	json_set_number(object, "messages", sweep->messages);
	json_set_number(object, "messages_removed", sweep->messages_removed);
	json_set_number(object, "rrsets", sweep->rrsets);
	json_set_number(object, "rrsets_removed", sweep->rrsets_removed);
	json_set_number(object, "microseconds", sweep->microseconds);
	json_set_number(object, "longest_slice_us", sweep->longest_slice_us);
	json_set_flag(object, "complete", sweep->complete);
	return object;
}

static json_t *phases_json(const struct load_report *load)
{
	json_t *object = json_object();

	for (int phase = 0; phase < PHASE_COUNT; phase++)
		json_set_number(object, load_phase_names[phase], load->phase_us[phase]);
	return object;
}

json_t *server_load_json(const struct load_report *load)
{
	json_t *object = json_object();

	json_set_number(object, "policy", load->number);
	json_set_text(object, "cause", load_cause_names[load->cause]);
	json_set_number(object, "started", (uint64_t)load->started);
	json_object_set_new(object, "phases_us", phases_json(load));
	json_object_set_new(object, "sweep", server_sweep_json(&load->sweep));
	json_set_number(object, "lists", load->lists);
	json_set_number(object, "rules", load->rules);
	json_set_number(object, "skipped", load->skipped);
	json_set_number(object, "octets", load->octets);
	json_set_number(object, "questions", load->questions);
	json_set_number(object, "newly_denied", load->newly_denied);
	json_set_text(object, "from", load->compiled ? "compiled" : "text");
	if (load->compiled_wrong[0] != '\0')
		json_set_text(object, "compiled_wrong", load->compiled_wrong);
	if (load->example[0] != '\0')
		json_set_text(object, "example", load->example);
	if (load->error[0] != '\0')
		json_set_text(object, "error", load->error);
	if (load->restart[0] != '\0')
		json_set_text(object, "restart", load->restart);
	return object;
}

/* --- lists and groups -------------------------------------------------------------------------------------- */

static json_t *names_json(char (*names)[LIST_NAME_MAX], size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_text(names[i], strlen(names[i])));
	return array;
}

static json_t *skipped_json(const struct list_stats *stats)
{
	json_t *object = json_object();

	for (int reason = 0; reason < SKIP_COUNT; reason++)
		if (stats->skipped[reason] > 0)
			json_set_number(object, skip_texts[reason], stats->skipped[reason]);
	return object;
}

static void add_report(json_t *object, const struct list_report *report, int64_t now)
{
	size_t skipped = 0;

	for (int reason = 0; reason < SKIP_COUNT; reason++)
		skipped += report->stats.skipped[reason];
	json_set_text(object, "format", format_names[report->stats.format]);
	json_set_number(object, "rules", report->stats.rules);
	json_set_number(object, "skipped", skipped);
	json_object_set_new(object, "skipped_by_reason", skipped_json(&report->stats));
	json_set_number(object, "duplicates", report->duplicates);
	if (report->stats.serial != 0)
		json_set_number(object, "serial", report->stats.serial);
	if (report->stats.modified != 0)
		json_set_number(object, "modified", (uint64_t)report->stats.modified);
	if (report->stats.modified != 0 && now >= report->stats.modified)
		json_set_number(object, "age_seconds", (uint64_t)(now - report->stats.modified));
	if (report->expires_at != 0)
		json_set_number(object, "expires", (uint64_t)report->expires_at);
	json_set_flag(object, "expired", report->expires_at != 0 && report->expires_at <= now);
	json_set_flag(object, "withdrawn", report->withdrawn);
	json_set_number(object, "loaded", (uint64_t)report->loaded_at);
}

static json_t *lists_json(const struct loader_view *view, int64_t now)
{
	json_t *array = json_array();

	for (size_t i = 0; view->conf != NULL && i < view->conf->list_count; i++) {
		const struct list_conf *list = &view->conf->lists[i];
		json_t *object = json_object();

		json_set_text(object, "name", list->name);
		json_set_text(object, "file", list->file);
		json_set_text(object, "action", list->action == ACTION_ALLOW ? "by rule" : action_table[list->action].name);
		json_set_flag(object, "shadow", list->shadow || view->conf->mode == MODE_SHADOW);
		json_object_set_new(object, "groups", names_json(list->groups, list->group_count));
		if (view->build != NULL && i < view->build->list_count)
			add_report(object, &view->build->lists[i], now);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *groups_json(const struct conf *conf)
{
	json_t *array = json_array();

	for (size_t i = 0; conf != NULL && i < conf->group_count; i++) {
		const struct group_conf *group = &conf->groups[i];
		json_t *object = json_object();

		json_set_text(object, "name", group->name);
		if (group->parent[0] != '\0')
			json_set_text(object, "parent", group->parent);
		json_set_number(object, "networks", group->network_count);
		json_set_number(object, "interfaces", group->interface_count);
		json_array_append_new(array, object);
	}
	return array;
}

/* --- all of it -------------------------------------------------------------------------------------------- */

static json_t *loads_json(const struct loader_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->load_count; i++)
		json_array_append_new(array, server_load_json(&view->loads[i]));
	return array;
}

/* What `reload --to` takes. */
static json_t *kept_json(const struct loader_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->kept_count; i++)
		json_array_append_new(array, json_integer((json_int_t)view->kept[i]));
	return array;
}

void server_add_view(json_t *answer, const struct loader_view *view, int64_t now)
{
	if (view->good != NULL)
		json_object_set_new(answer, "policy", server_load_json(view->good));
	if (view->conf != NULL) {
		json_set_text(answer, "mode", view->conf->mode == MODE_SHADOW ? "shadow" : "enforce");
		json_set_text(answer, "config", view->conf->path);
		json_set_flag(answer, "detectors_wanted", view->conf->detection.wanted);
	}
	json_object_set_new(answer, "lists", lists_json(view, now));
	json_object_set_new(answer, "groups", groups_json(view->conf));
	json_object_set_new(answer, "loads", loads_json(view));
	if (view->last != NULL)
		json_object_set_new(answer, "last_load", server_load_json(view->last));
	json_object_set_new(answer, "kept", kept_json(view));
	json_set_flag(answer, "held", view->held);
	if (view->loading) {
		json_set_text(answer, "loading", load_phase_names[view->phase]);
		json_set_number(answer, "loading_since", (uint64_t)view->loading_since);
	}
}
