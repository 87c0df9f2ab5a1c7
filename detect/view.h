/*
 * view.h: what is remembered of a zone, of a client and of the two together, held against the detectors' thresholds.
 *
 * For people who want to know why, or why not: nothing changes by looking. Sums are as decayed, and windows as over, as
 * the next answer would find them. Detectors that judge each answer by itself measure nothing that could be shown; what
 * they have said of the client and the zone is.
 *
 * Threads: any. Each record is copied under its set's bit (detect/table.h), for which the caller waits; a worker that
 * comes to the same set at that moment loses an update, as it does to other workers.
 */
#ifndef DETECT_VIEW_H
#define DETECT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "detect/detect.h"

#define VIEW_MEASURES_MAX 7u
#define VIEW_LONG UINT32_MAX         /* days: longer than anybody here can tell */

enum view_bound { BOUND_OVER, BOUND_LEAST, BOUND_MOST, BOUND_UNDER };

/* One thing that a detector looks at. */
struct view_measure {
	const char *name;
	const char *of;              /* "zone", "client" or "pair": of both together */
	const char *option;          /* that the threshold comes from; NULL: it is always that */
	const char *unit;
	uint32_t value, threshold;
	enum view_bound bound;       /* which side of the threshold counts */
	bool crossed;
};

struct view_detector {
	enum tier tier;              /* by what is measured, as it is now */
	enum tier said;              /* the highest, of the client and the zone, within half an hour to an hour */
	unsigned count;
	struct view_measure measures[VIEW_MEASURES_MAX];
};

struct view {
	unsigned zone_labels;        /* of the registrable domain; 0: there is none */
	bool was_asked;              /* for the zone, within a month or two */
	bool has_zone, has_client, has_pair;   /* there are records, and what follows is set */
	struct {
		int64_t first_s;     /* 0: before this memory began */
		int64_t last_s;
		uint32_t names, clients;     /* new names; clients, four of which are four or more */
	} zone;
	struct {
		int64_t since_s, last_s;     /* the window of ten minutes, and the last answer */
		uint32_t answers, missing;
	} client;
	struct {
		int64_t last_s;
		uint32_t own_octets; /* the client's part in what is weighed for the zone */
		uint32_t points;     /* of all that is said (detect/fusion.c) */
	} pair;
	struct view_detector detectors[DETECTOR_COUNT];
};

/* What is remembered of the zone that `name` is in, and of `client` (NULL: of nobody). `traits` are the zone's. */
void detect_view(const struct detect *detect, const struct detector_conf conf[DETECTOR_COUNT], const struct name *name,
	const struct address *client, unsigned traits, int64_t now_s, struct view *view);

#endif
