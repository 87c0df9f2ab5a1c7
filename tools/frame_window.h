/*
 * frame_window.h: which counters of one worker came, which twice, and which are missing: a bitmap of the last
 * GAPS_WINDOW and, of what is behind it, what is missing.
 *
 * Threads: a window belongs to its caller.
 */
#ifndef TOOLS_FRAME_WINDOW_H
#define TOOLS_FRAME_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/frame_ranges.h"

#define GAPS_WINDOW (1u << 20)
#define FRAME_COUNTER_MAX (UINT64_MAX / 2)   /* beyond it is no counter of a resolver */

struct frame_window {
	bool seen;                     /* at least one frame came */
	uint64_t first, last;          /* of the frames that came */
	uint64_t base;                 /* counters under it have left the window; a multiple of 64 */
	uint64_t frames, duplicates;
	uint64_t late;                 /* came behind the window, and may be missing ones or duplicates */
	struct ranges gone;            /* missing, and behind the window */
	uint64_t *bits;                /* owned; counter n is bit n modulo GAPS_WINDOW */
};

/* False: no memory; nothing is to be freed. */
bool frame_window_init(struct frame_window *window);
void frame_window_fini(struct frame_window *window);

/* True: it came before. */
bool frame_window_note(struct frame_window *window, uint64_t counter);

/* Adds what is missing up to and with `end`, from 1 on. Something came, and nothing behind `end`. */
void frame_window_missing(const struct frame_window *window, uint64_t end, struct ranges *ranges);

#endif
