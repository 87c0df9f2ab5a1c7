/*
 * frame_gaps.h: which frames of which process and worker came, which came twice, and which are missing.
 *
 * A frame is known by boot, worker and counter (doc/frames.md). Frames of one worker come out of order, since
 * verdicts travel before plain answers, and can come twice after a broken connection. For each boot and worker
 * there is a bitmap of the last GAPS_WINDOW counters (tools/frame_window.h): what is not there when the window moves
 * on is missing. A frame from before the window is never taken for a duplicate; if it was noted as missing it no
 * longer is.
 *
 * Memory: 128 KiB for each boot and worker, of which GAPS_SOURCES_MAX are kept; the one that was silent longest
 * goes, and `forgotten` counts it. Of missing ranges the first are kept (tools/frame_ranges.h); all are counted.
 *
 * A heartbeat comes behind every frame that it tells of: what is missing up to it stays missing. Behind it, verdicts may
 * have overtaken others: those are awaited, and are missing when the next heartbeat comes without them.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_FRAME_GAPS_H
#define TOOLS_FRAME_GAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_fields.h"

#define GAPS_SOURCES_MAX 512

struct frame_gaps;

/* Owned; NULL: no memory. */
struct frame_gaps *frame_gaps_create(void);
void frame_gaps_destroy(struct frame_gaps **gaps);

/* Of what targets lost, only what that one lost counts; borrows `name`; NULL, as at first: any. */
void frame_gaps_of_target(struct frame_gaps *gaps, const char *name);

/* Notes a frame: an answer with a number, a heartbeat, or a note about a former process; others are nothing to it.
 * True: an answer that came before. Without memory for one more worker it is false. */
bool frame_gaps_note(struct frame_gaps *gaps, const struct frame_fields *fields);

/* Prints one line for each boot and worker, and for each target that lost frames, as JSON or for people. Returns how
 * many frames are missing that no resolver spoke of, as dropped or lost. Moves no window: frames can follow. */
uint64_t frame_gaps_report(struct frame_gaps *gaps, FILE *to, bool json);

#endif
