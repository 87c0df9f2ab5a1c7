/* server_status.c: commands that look: status, stats, metrics, overrides. */
#include "control/server_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/flag_json.h"
#include "control/json.h"
#include "control/metrics.h"
#include "control/override_file.h"

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

/* --- counters ---------------------------------------------------------------------------------------------- */

static json_t *target_json(const struct tap_target_counts *target)
{
	const struct target_counts *counts = &target->counts;
	json_t *object = json_object();

	json_set_text(object, "name", target->name);
	json_object_set_new(object, "up", json_boolean(counts->up));
	json_set_number(object, "written", counts->written);
	json_set_number(object, "unread", counts->unread);
	json_set_number(object, "lost", counts->lost);
	json_set_number(object, "unsure", counts->unsure);
	json_set_number(object, "connects", counts->connects);
	json_set_number(object, "commits", counts->commits);
	json_set_number(object, "errors", counts->errors);
	if (counts->error[0] != '\0')
		json_set_text(object, "error", counts->error);
	return object;
}

static json_t *frames_json(const struct tap_counts *tap)
{
	json_t *object = json_object(), *targets = json_array();

	json_set_number(object, "emitted", tap->emitted);
	json_set_number(object, "dropped_ring", tap->dropped_ring);
	json_set_number(object, "dropped_spool", tap->dropped_spool);
	json_set_number(object, "recovered", tap->recovered + tap->spool.recovered);
	json_set_number(object, "damaged", tap->damaged + tap->spool.damaged);
	json_set_number(object, "heartbeats", tap->heartbeats);
	json_object_set_new(object, "durable", json_boolean(tap->durable));
	if (tap->note[0] != '\0')
		json_set_text(object, "note", tap->note);
	json_set_number(object, "spool_octets", tap->spool.octets_file);
	json_set_number(object, "memory_octets", tap->spool.octets_memory);
	json_set_number(object, "spool_errors", tap->spool.errors);
	if (tap->spool.last_errno != 0)
		json_set_text(object, "spool_error", strerror(tap->spool.last_errno));
	for (unsigned i = 0; i < tap->target_count; i++)
		json_array_append_new(targets, target_json(&tap->targets[i]));
	json_object_set_new(object, "targets", targets);
	return object;
}

static json_t *denials_json(struct denial_log *log)
{
	struct denial_log_counts counts;
	json_t *object = json_object();

	denial_log_counts(log, &counts);
	json_set_number(object, "written", counts.written);
	json_set_number(object, "suppressed", counts.suppressed);
	json_set_number(object, "lost", counts.lost);
	json_set_number(object, "failed", counts.failed);
	if (counts.last_errno != 0)
		json_set_text(object, "error", strerror(counts.last_errno));
	return object;
}

static json_t *answers_json(const struct host_counters *host)
{
	json_t *object = json_object();

	for (int path = 0; path < PATH_COUNT; path++)
		if (path_table[path].seen)
			json_set_number(object, path_table[path].name, host->answers[path]);
	return object;
}

static json_t *verdicts_json(const struct host_counters *host)
{
	json_t *object = json_object();

	for (int action = 0; action < ACTION_COUNT; action++)
		json_set_number(object, action_table[action].name, host->verdicts[action]);
	return object;
}

static json_t *guards_json(const struct host_counters *host)
{
	json_t *object = json_object();

	json_set_number(object, "escaped", host->escaped);
	json_set_number(object, "failed", host->failed);
	json_set_number(object, "budget_overruns", host->budget_overruns);
	json_set_number(object, "unique_made", host->unique_made);
	json_set_number(object, "unique_refused", host->unique_refused);
	json_set_number(object, "guarded_hits", host->guarded_hits);
	json_set_number(object, "guarded_stores", host->guarded_stores);
	json_set_number(object, "guarded_messages", host->guarded_messages);
	json_set_number(object, "guarded_octets", host->guarded_octets);
	json_set_number(object, "longest_answer_us", host->longest_answer_us);
	return object;
}

static struct tally_row *copy_rows(const struct server_backend *backend, size_t *count)
{
	struct tally_row *rows = calloc(TALLY_ROWS_MAX, sizeof(*rows));

	*count = rows != NULL && backend->tally != NULL ? tally_rows(backend->tally, rows, TALLY_ROWS_MAX) : 0;
	return rows;
}

static json_t *tally_json(const struct server_backend *backend)
{
	size_t count;
	struct tally_row *rows = copy_rows(backend, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *object = json_object();

		json_set_text(object, "list", rows[i].list);
		json_set_text(object, "action", action_table[rows[i].action].name);
		json_set_text(object, "trigger", trigger_names[rows[i].trigger]);
		json_set_flag(object, "shadow", rows[i].shadow);
		json_set_number(object, "count", rows[i].count);
		json_array_append_new(array, object);
	}
	free(rows);
	return array;
}

/* --- commands ---------------------------------------------------------------------------------------------- */

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

static void add_view(json_t *answer, const struct loader_view *view, int64_t now)
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

static void count_overrides(const struct server_backend *backend, size_t *allows, size_t *denies)
{
	size_t count;
	struct override *overrides = override_store_copy(backend->overrides, &count);

	*allows = *denies = 0;
	for (size_t i = 0; i < count; i++)
		++*(overrides[i].action == ACTION_PASS ? allows : denies);
	free(overrides);
}

json_t *server_status(const struct server_backend *backend)
{
	const int64_t now = (int64_t)time(NULL);
	struct host_counters counters;
	struct loader_view view;
	json_t *answer = server_ok();
	size_t allows, denies;

	backend->host->counters(backend->host->arg, &counters);
	count_overrides(backend, &allows, &denies);
	json_set_text(answer, "version", VERDICT_VERSION);
	json_set_number(answer, "time", (uint64_t)now);
	loader_lock(backend->loader, &view);
	add_view(answer, &view, now);
	loader_unlock(backend->loader);
	json_object_set_new(answer, "guards", guards_json(&counters));
	json_object_set_new(answer, "frames", frames_json(&counters.tap));
	json_set_number(answer, "allows", allows);
	json_set_number(answer, "denies", denies);
	if (backend->denial_log != NULL)
		json_object_set_new(answer, "denial_log", denials_json(backend->denial_log));
	if (backend->behaviour != NULL)
		json_object_set_new(answer, "detectors", behaviour_json(backend->behaviour));
	return answer;
}

json_t *server_stats(const struct server_backend *backend)
{
	struct host_counters counters;
	json_t *answer = server_ok();

	backend->host->counters(backend->host->arg, &counters);
	json_set_number(answer, "time", (uint64_t)time(NULL));
	json_object_set_new(answer, "answers", answers_json(&counters));
	json_object_set_new(answer, "verdicts", verdicts_json(&counters));
	json_object_set_new(answer, "lists", tally_json(backend));
	json_object_set_new(answer, "guards", guards_json(&counters));
	json_object_set_new(answer, "frames", frames_json(&counters.tap));
	if (backend->denial_log != NULL)
		json_object_set_new(answer, "denial_log", denials_json(backend->denial_log));
	return answer;
}

json_t *server_metrics(const struct server_backend *backend)
{
	struct metrics_input input = { 0 };
	struct loader_view view;
	json_t *answer;
	char *text;
	struct tally_row *rows = copy_rows(backend, &input.row_count);

	input.rows = rows;
	input.view = &view;
	backend->host->counters(backend->host->arg, &input.host);
	count_overrides(backend, &input.allows, &input.denies);
	if (backend->denial_log != NULL)
		denial_log_counts(backend->denial_log, &input.denials);
	input.behaviour = backend->behaviour;
	loader_lock(backend->loader, &view);
	text = metrics_text(&input);
	loader_unlock(backend->loader);
	free(rows);
	if (text == NULL)
		return server_error("failed", "out of memory");
	answer = server_ok();
	json_set_text(answer, "text", text);
	free(text);
	return answer;
}

json_t *server_overrides(const struct server_backend *backend)
{
	size_t count;
	struct override *overrides = override_store_copy(backend->overrides, &count);
	json_t *answer = server_ok(), *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, override_json(&overrides[i]));
	free(overrides);
	json_set_number(answer, "time", (uint64_t)time(NULL));
	json_object_set_new(answer, "overrides", array);
	return answer;
}
