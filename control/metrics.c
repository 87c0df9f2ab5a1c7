/* metrics.c: tables of metrics, and what writes them. */
#include "control/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list.h"

#define PREFIX "unbound_verdict_"
#define MICROSECONDS 1e6

char *metrics_label(const char *value, char *to)
{
	char *at = to;

	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			*at++ = '\\';
		if (*value == '\n')
			*at++ = '\\';
		*at++ = *value == '\n' ? 'n' : *value;
	}
	*at = '\0';
	return to;
}

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void one(FILE *to, const char *name, const char *type, const char *help, double value)
{
	head(to, name, type, help);
	fprintf(to, PREFIX "%s %.15g\n", name, value);
}

static void labelled(FILE *to, const char *name, const char *label, const char *value, double number)
{
	char safe[2 * LIST_NAME_MAX + 1];

	if (strlen(value) < LIST_NAME_MAX)
		fprintf(to, PREFIX "%s{%s=\"%s\"} %.15g\n", name, label, metrics_label(value, safe), number);
}

/* --- counters of the resolver ------------------------------------------------------------------------------ */

struct scalar {
	const char *name, *type, *help;
	size_t offset;       /* of a uint64_t in struct host_counters */
	double unit;         /* what it is divided by */
};

#define HOST(field) offsetof(struct host_counters, field)

static const struct scalar scalars[] = {
	{ "escaped_answers_total", "counter",
		"Answers that the policy denies but that left on a path no module can stop.", HOST(escaped), 1 },
	{ "failed_events_total", "counter", "Events that could not be handled for lack of memory or time.",
		HOST(failed), 1 },
	{ "budget_overruns_total", "counter", "Answers whose judging took longer than answer-budget.",
		HOST(budget_overruns), 1 },
	{ "unique_questions_total", "counter", "Questions resolved for one client group alone.", HOST(unique_made), 1 },
	{ "unique_refused_total", "counter", "Questions refused by unique-per-client.", HOST(unique_refused), 1 },
	{ "guarded_cache_hits_total", "counter", "Answers from the cache of messages that not everybody may have.",
		HOST(guarded_hits), 1 },
	{ "guarded_cache_stores_total", "counter", "Messages put into that cache.", HOST(guarded_stores), 1 },
	{ "guarded_cache_messages", "gauge", "Messages in that cache.", HOST(guarded_messages), 1 },
	{ "guarded_cache_bytes", "gauge", "Size of that cache.", HOST(guarded_octets), 1 },
	{ "longest_answer_seconds", "gauge", "The longest that a worker spent in this module for one event.",
		HOST(longest_answer_us), MICROSECONDS },
	{ "frames_total", "counter", "Frames handed to the writer.", HOST(tap.emitted), 1 },
	{ "frames_recovered_total", "counter", "Frames that former processes left behind.", HOST(tap.recovered), 1 },
	{ "frame_heartbeats_total", "counter", "Frames about the frames.", HOST(tap.heartbeats), 1 },
	{ "frame_spool_bytes", "gauge", "Frames that wait on disk.", HOST(tap.spool.octets_file), 1 },
	{ "frame_spool_memory_bytes", "gauge", "Memory in use for frames that wait.", HOST(tap.spool.octets_memory), 1 },
	{ "frame_spool_errors_total", "counter", "Failures of the disk that frames wait on.", HOST(tap.spool.errors), 1 },
};

static void write_scalars(const struct metrics_input *input, FILE *to)
{
	for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
		uint64_t value;

		memcpy(&value, (const char *)&input->host + scalars[i].offset, sizeof(value));
		one(to, scalars[i].name, scalars[i].type, scalars[i].help, (double)value / scalars[i].unit);
	}
	head(to, "frames_dropped_total", "counter", "Frames that nobody got: no room in a ring, or in the spool.");
	labelled(to, "frames_dropped_total", "reason", "ring", (double)input->host.tap.dropped_ring);
	labelled(to, "frames_dropped_total", "reason", "spool", (double)input->host.tap.dropped_spool);
}

#define TARGET(field) offsetof(struct target_counts, field)

static const struct {
	const char *name, *type, *help;
	size_t offset;
} target_rows[] = {
	{ "target_frames_written_total", "counter", "Frames handed to a target, repeated ones too.", TARGET(written) },
	{ "target_frames_lost_total", "counter", "Frames that went before a target took them.", TARGET(lost) },
	{ "target_frames_unsure_total", "counter", "Frames that went after they were sent, but not confirmed.",
		TARGET(unsure) },
	{ "target_frames_waiting", "gauge", "Frames that wait for a target.", TARGET(unread) },
	{ "target_connects_total", "counter", "Streams and files opened.", TARGET(connects) },
	{ "target_errors_total", "counter", "Attempts that failed, and streams given up.", TARGET(errors) },
};

static void write_targets(const struct metrics_input *input, FILE *to)
{
	const struct tap_counts *tap = &input->host.tap;

	head(to, "target_up", "gauge", "1: the stream or the file is open.");
	for (unsigned i = 0; i < tap->target_count; i++)
		labelled(to, "target_up", "target", tap->targets[i].name, tap->targets[i].counts.up);
	for (size_t row = 0; row < sizeof(target_rows) / sizeof(target_rows[0]); row++) {
		head(to, target_rows[row].name, target_rows[row].type, target_rows[row].help);
		for (unsigned i = 0; i < tap->target_count; i++) {
			uint64_t value;

			memcpy(&value, (const char *)&tap->targets[i].counts + target_rows[row].offset, sizeof(value));
			labelled(to, target_rows[row].name, "target", tap->targets[i].name, (double)value);
		}
	}
}

static void write_answers(const struct metrics_input *input, FILE *to)
{
	head(to, "answers_total", "counter", "Answers seen, by the path on which they came about.");
	for (int path = 0; path < PATH_COUNT; path++)
		if (path_table[path].seen)
			labelled(to, "answers_total", "path", path_table[path].name, (double)input->host.answers[path]);
	head(to, "verdicts_total", "counter", "Verdicts, by action.");
	for (int action = 0; action < ACTION_COUNT; action++)
		labelled(to, "verdicts_total", "action", action_table[action].name, (double)input->host.verdicts[action]);
}

static void write_rows(const struct metrics_input *input, const char *name, bool shadow, FILE *to)
{
	char safe[2 * LIST_NAME_MAX + 1];

	for (size_t i = 0; i < input->row_count; i++) {
		const struct tally_row *row = &input->rows[i];

		if (row->shadow == shadow)
			fprintf(to, PREFIX "%s{list=\"%s\",action=\"%s\",trigger=\"%s\"} %" PRIu64 "\n", name,
				metrics_label(row->list, safe), action_table[row->action].name, trigger_names[row->trigger],
				row->count);
	}
}

static void write_tally(const struct metrics_input *input, FILE *to)
{
	head(to, "list_matches_total", "counter", "Verdicts that a list decided.");
	write_rows(input, "list_matches_total", false, to);
	head(to, "list_shadow_matches_total", "counter", "Verdicts that a list in shadow would have decided.");
	write_rows(input, "list_shadow_matches_total", true, to);
}

/* --- lists ------------------------------------------------------------------------------------------------- */

static double list_rules(const struct list_report *report)
{
	return (double)report->stats.rules;
}

static double list_duplicates(const struct list_report *report)
{
	return (double)report->duplicates;
}

static double list_serial(const struct list_report *report)
{
	return report->stats.serial;
}

static double list_modified(const struct list_report *report)
{
	return (double)report->stats.modified;
}

static double list_expiry(const struct list_report *report)
{
	return (double)report->expires_at;
}

static double list_withdrawn(const struct list_report *report)
{
	return report->withdrawn;
}

/* A value of 0 of an optional one means that there is none. */
static const struct {
	const char *name, *help;
	double (*value)(const struct list_report *report);
	bool optional;
} list_gauges[] = {
	{ "list_rules", "Rules of the list in force.", list_rules, false },
	{ "list_duplicate_rules", "Rules that the list says again.", list_duplicates, false },
	{ "list_serial", "Serial of the list's SOA.", list_serial, true },
	{ "list_modified_timestamp_seconds", "When the list's file was changed, as of the load in force.", list_modified,
		true },
	{ "list_expiry_timestamp_seconds", "When the list's zone expires.", list_expiry, true },
	{ "list_withdrawn", "1: its zone has expired, and none of its rules is in force.", list_withdrawn, false },
};

static void write_lists(const struct loader_view *view, FILE *to)
{
	const size_t count = view->build == NULL || view->conf == NULL ? 0 :
		view->build->list_count < view->conf->list_count ? view->build->list_count : view->conf->list_count;

	for (size_t gauge = 0; gauge < sizeof(list_gauges) / sizeof(list_gauges[0]); gauge++) {
		head(to, list_gauges[gauge].name, "gauge", list_gauges[gauge].help);
		for (size_t i = 0; i < count; i++) {
			double value = list_gauges[gauge].value(&view->build->lists[i]);

			if (!list_gauges[gauge].optional || value != 0)
				labelled(to, list_gauges[gauge].name, "list", view->conf->lists[i].name, value);
		}
	}
	head(to, "list_skipped_entries", "gauge", "Entries of the list that could not be used, by reason.");
	for (size_t i = 0; i < count; i++) {
		for (int reason = 0; reason < SKIP_COUNT; reason++) {
			const size_t skipped = view->build->lists[i].stats.skipped[reason];
			char list[2 * LIST_NAME_MAX + 1];

			if (skipped > 0)
				fprintf(to, PREFIX "list_skipped_entries{list=\"%s\",reason=\"%s\"} %zu\n",
					metrics_label(view->conf->lists[i].name, list), skip_texts[reason], skipped);
		}
	}
}

/* --- loads ------------------------------------------------------------------------------------------------- */

static double seconds_of(const struct load_report *load)
{
	uint64_t sum = 0;

	for (int phase = 0; phase < PHASE_COUNT; phase++)
		sum += load->phase_us[phase];
	return (double)sum / MICROSECONDS;
}

static void write_loads(const struct loader_view *view, FILE *to)
{
	const struct load_report *good = view->good, *last = view->last;
	const struct sweep_report *sweep = view->load_count > 0 ? &view->loads[0].sweep : NULL;

	if (good != NULL) {
		one(to, "policy_number", "gauge", "Number of the policy in force.", (double)good->number);
		one(to, "policy_loaded_timestamp_seconds", "gauge", "When the policy in force was loaded.",
			(double)good->started);
		one(to, "policy_rules", "gauge", "Rules of the policy in force.", (double)good->rules);
		one(to, "policy_lists", "gauge", "Lists of the policy in force.", (double)good->lists);
		one(to, "policy_bytes", "gauge", "Memory of the policy in force.", (double)good->octets);
	}
	one(to, "policy_held", "gauge", "1: it was gone back to, and changed files are not loaded.", view->held);
	if (last != NULL) {
		one(to, "last_load_success", "gauge", "1: the last load put a policy into force; 0: the old one stays.",
			last->number != 0);
		one(to, "last_load_timestamp_seconds", "gauge", "When the last load began.", (double)last->started);
		one(to, "last_load_duration_seconds", "gauge", "How long it took, all phases.", seconds_of(last));
	}
	if (sweep != NULL) {
		one(to, "last_sweep_removed_messages", "gauge", "Cached messages that the last change of the policy removed.",
			(double)sweep->messages_removed);
		one(to, "last_sweep_longest_slice_seconds", "gauge", "The longest that a worker spent in its sweep at once.",
			(double)sweep->longest_slice_us / MICROSECONDS);
	}
}

static void write_live(const struct metrics_input *input, FILE *to)
{
	head(to, "overrides", "gauge", "Overrides in force.");
	labelled(to, "overrides", "action", "allow", (double)input->allows);
	labelled(to, "overrides", "action", "deny", (double)input->denies);
	one(to, "denial_log_lines_total", "counter", "Lines written to the denial log.", (double)input->denials.written);
	head(to, "denial_log_missed_total", "counter", "Denials without a line in the denial log, by reason.");
	labelled(to, "denial_log_missed_total", "reason", "rate", (double)input->denials.suppressed);
	labelled(to, "denial_log_missed_total", "reason", "ring", (double)input->denials.lost);
	labelled(to, "denial_log_missed_total", "reason", "write", (double)input->denials.failed);
}

static void write_said(const struct behaviour_counts *counts, FILE *to)
{
	head(to, "detections_total", "counter", "What detectors said, once in half an hour for the same.");
	/* Those that are 0, too: of a series that begins with 1 nobody sees that it has grown. */
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (unsigned tier = TIER_TAG; tier < TIER_COUNT; tier++)
			fprintf(to, PREFIX "detections_total{detector=\"%s\",tier=\"%s\"} %" PRIu64 "\n", detector_table[i].name,
				tier_names[tier], counts->said[i][tier]);
	one(to, "flags", "gauge", "Flags in force.", (double)counts->flags.in_force);
	one(to, "flags_denied", "gauge", "Of them, denials.", (double)counts->flags.denied);
	one(to, "flags_raised_total", "counter", "Flags raised.", (double)counts->flags.raised);
	head(to, "flags_missed_total", "counter", "Flags that were called for in vain, by reason.");
	labelled(to, "flags_missed_total", "reason", "rate", (double)counts->flags.held_back);
	labelled(to, "flags_missed_total", "reason", "full", (double)counts->flags.full);
	labelled(to, "flags_missed_total", "reason", "ring", (double)counts->calls_lost);
	labelled(to, "flags_missed_total", "reason", "policy", (double)counts->flags.refused);
}

static void write_detectors(const struct metrics_input *input, FILE *to)
{
	struct detect_part parts[DETECT_PARTS];
	struct behaviour_counts counts;
	int64_t since_s;

	if (input->behaviour != NULL || (input->view->conf != NULL && input->view->conf->detection.wanted))
		one(to, "detect_running", "gauge", "1: the detectors that are configured run; 0: there are none.",
			input->behaviour != NULL);
	if (input->behaviour == NULL)
		return;
	behaviour_counts(input->behaviour, &counts);
	write_said(&counts, to);
	detect_parts(behaviour_detect(input->behaviour), parts, &since_s);
	one(to, "detect_since_timestamp_seconds", "gauge", "When detectors began to remember.", (double)since_s);
	one(to, "detect_looked_timestamp_seconds", "gauge", "When the detectors' thread last looked around.",
		(double)counts.looked_s);
	head(to, "detect_bytes", "gauge", "Memory of the detectors.");
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		labelled(to, "detect_bytes", "part", parts[i].name, (double)parts[i].octets);
	head(to, "detect_used_ratio", "gauge", "How full it is.");
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		labelled(to, "detect_used_ratio", "part", parts[i].name, (double)parts[i].used / (double)parts[i].capacity);
	head(to, "detect_evicted_total", "counter", "Records given up for others.");
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		labelled(to, "detect_evicted_total", "part", parts[i].name, (double)parts[i].evicted);
	head(to, "detect_lost_total", "counter", "Updates lost where two threads met.");
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		labelled(to, "detect_lost_total", "part", parts[i].name, (double)parts[i].lost);
}

char *metrics_text(const struct metrics_input *input)
{
	char *text = NULL;
	size_t octets;
	FILE *to = open_memstream(&text, &octets);
	bool failed;

	if (to == NULL)
		return NULL;
	write_answers(input, to);
	write_tally(input, to);
	write_scalars(input, to);
	write_targets(input, to);
	write_lists(input->view, to);
	write_loads(input->view, to);
	write_live(input, to);
	write_detectors(input, to);
	failed = ferror(to);
	if (fclose(to) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
