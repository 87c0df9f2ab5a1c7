/*
 * frame_sums.h: counters of frames over reloads, each of which makes a new tap.
 *
 * Threads: values only.
 */
#ifndef MODULE_FRAME_SUMS_H
#define MODULE_FRAME_SUMS_H

#include "dnstap/tap.h"

/* Keeps what a tap that has ended counted, its targets by their names. */
void frame_sums_keep(struct tap_counts *sums, const struct tap_counts *ended);

/* Adds that to what the tap of now has counted. What its spool keeps over reloads is left as it is, and so are targets
 * that are no more. */
void frame_sums_add(const struct tap_counts *sums, struct tap_counts *now);

#endif
