/*
 * replay_detect.h: recorded traffic as the detectors see it, with the resolver's own code, and what came of it.
 *
 * Where records say what they are known to be (the column `label`), they are compared with what the detectors say.
 *
 * The key of all hashes is constant here, so that the same recording gives the same octets.
 *
 * Threads: one object belongs to one thread.
 */
#ifndef TOOLS_REPLAY_DETECT_H
#define TOOLS_REPLAY_DETECT_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "policy/conf.h"
#include "policy/detection.h"
#include "policy/diag.h"
#include "tools/recorded.h"

#define DETECTIONS_TEXT_MAX 1024

struct replay_detect;

/* Borrows `conf`. Owned; NULL with *diag set. */
struct replay_detect *replay_detect_create(const struct conf *conf, struct diag *diag);
void replay_detect_destroy(struct replay_detect **detect);

/* Takes in one record and says what the detectors make of it. `traits` as in detect/detect.h. */
void replay_detect_judge(struct replay_detect *detect, const struct recorded *recorded, unsigned traits,
	struct detections *detections);

/* `tunnel high 2062/2048 octets_10m=2062 names=37; ...`, or nothing. Returns `to`. */
char *detections_text(const struct detections *detections, char to[DETECTIONS_TEXT_MAX]);

/* The report, with the `top` zones and clients. Owned. */
json_t *replay_detect_report(struct replay_detect *detect, size_t top);
void replay_detect_print(const json_t *report, FILE *to);

#endif
