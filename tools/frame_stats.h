/*
 * frame_stats.h: counts of what passed: by verdict, list, type, response code and path.
 *
 * Memory: STATS_ROWS_MAX names of each kind; the others are counted as one.
 *
 * Threads: belongs to its caller.
 */
#ifndef TOOLS_FRAME_STATS_H
#define TOOLS_FRAME_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/frame_fields.h"

#define STATS_ROWS_MAX 128
#define STATS_NAME_MAX 64

struct frame_stats;

/* Owned; NULL: no memory. */
struct frame_stats *frame_stats_create(void);
void frame_stats_destroy(struct frame_stats **stats);

/* Counts a frame; those of the resolver about itself are not counted. */
void frame_stats_note(struct frame_stats *stats, const struct frame_fields *fields);

/* Prints all counts, greatest first, and the rate by the frames' own times. */
void frame_stats_report(const struct frame_stats *stats, FILE *to, bool json);

#endif
