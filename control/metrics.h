/*
 * metrics.h: the counters as Prometheus text (exposition format 0.0.4).
 *
 * Names begin with unbound_verdict_, counters end in _total, times are seconds, sizes bytes. Labels are list, action,
 * trigger, reason, path, target, detector, tier and part alone, all bounded by the configuration: never a name or a
 * client.
 *
 * Threads: reads its arguments only.
 */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "control/behaviour.h"
#include "control/denial_log.h"
#include "control/host.h"
#include "control/loader.h"
#include "control/tally.h"

struct metrics_input {
	struct host_counters host;
	struct denial_log_counts denials;
	const struct tally_row *rows;        /* borrowed */
	size_t row_count;
	size_t allows, denies;               /* overrides in force */
	const struct behaviour *behaviour;   /* borrowed; NULL: no detectors */
	const struct loader_view *view;      /* borrowed; locked by the caller */
};

/* Returns the owned text; NULL: no memory. */
char *metrics_text(const struct metrics_input *input);

/* Escapes a label's value: backslash, quote and newline. `to` holds 2 * strlen(value) + 1. Returns `to`. */
char *metrics_label(const char *value, char *to);

#endif
