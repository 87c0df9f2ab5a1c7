/* server_status.c: commands that look: status, stats, metrics, overrides. */
#include "control/server_parts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/flag_json.h"
#include "control/json.h"
#include "control/metrics.h"
#include "control/override_file.h"

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
	server_add_view(answer, &view, now);
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
