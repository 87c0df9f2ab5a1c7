/*
 * frame_told.h: what heartbeats tell about frames of which none came: which processes were there from their first
 * answer on, and how many frames went on their way to each target.
 *
 * A heartbeat numbered 1 is the first word of a process (doc/frames.md): who has it should have every frame from 1.
 * What a target lost is counted from the first heartbeat that came of its resolver, over restarts; a resolver is known
 * by its identity. TOLD_BOOTS processes and TOLD_TARGETS targets are remembered, the latest.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_FRAME_TOLD_H
#define TOOLS_FRAME_TOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_fields.h"

#define TOLD_BOOTS 512
#define TOLD_TARGETS 256
#define TOLD_IDENTITY_MAX 256
#define TOLD_NAME_MAX 64

struct told_target {
	char identity[TOLD_IDENTITY_MAX], name[TOLD_NAME_MAX];
	char boot[FRAME_BOOT_MAX];     /* of its last heartbeat */
	uint64_t number;               /* of that heartbeat */
	uint64_t most_lost, most_unsure;   /* of what it told */
	uint64_t lost, unsure;         /* since the first heartbeat */
};

/* All zeros: nothing was told yet. */
struct frame_told {
	const char *only;                    /* borrowed: targets of other names are left alone; NULL: none are */
	uint64_t boot_count, target_count;   /* ever */
	char boots[TOLD_BOOTS][FRAME_BOOT_MAX];
	struct told_target targets[TOLD_TARGETS];
};

/* Notes a heartbeat. */
void frame_told_note(struct frame_told *told, const struct frame_fields *fields);

/* Did the first heartbeat of that process come? */
bool frame_told_first(const struct frame_told *told, const char *boot);

/* Frames told to be lost, or unsure: of each resolver on the way to that target which lost most. */
uint64_t frame_told_lost(const struct frame_told *told);

/* One line for each target that lost some. */
void frame_told_report(const struct frame_told *told, FILE *to, bool json);

#endif
