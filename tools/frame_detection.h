/*
 * frame_detection.h: what a frame says that the detectors found (doc/frames.md, `detections`), for formats of others.
 *
 * A tag says something about an answer and nothing against it: it is none here.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_FRAME_DETECTION_H
#define TOOLS_FRAME_DETECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/detection.h"
#include "tools/frame_decision.h"
#include "tools/frame_fields.h"
#include "tools/json_line.h"

#define FRAME_TECHNIQUES_MAX 32      /* of one frame; more are left out */
#define FRAME_REASON_MAX 192

/* Values are borrowed from the frame. */
struct frame_detection {
	enum tier tier;                      /* of the weightiest; TIER_NONE: there is none, and no value below */
	unsigned points;                     /* of all: low 1, alert 3, high 5, block 8 (detect/fusion.c) */
	struct json_value detector, value, threshold, features;      /* of the weightiest; text, and whole numbers */
	unsigned technique_count;
	struct json_value techniques[FRAME_TECHNIQUES_MAX];  /* each once: the rule's first, then those of detectors */
};

/* `decision` is that of the frame. */
void frame_detect(const struct frame_fields *fields, const struct frame_decision *decision,
	struct frame_detection *detection);

/* The outcome of a frame for which a detection is as good as a rule that observes. */
enum frame_outcome frame_outcome_told(const struct frame_decision *decision, const struct frame_detection *detection);

/* `tunnel low: 519 over 512`. `to` holds FRAME_REASON_MAX. Returns `to`; NULL: there is no detection. */
const char *frame_reason(const struct frame_detection *detection, char *to);

/* A member: the techniques as an array; none, no member. */
void frame_put_techniques(struct json_line *line, const char *key, const struct frame_detection *detection);

#endif
