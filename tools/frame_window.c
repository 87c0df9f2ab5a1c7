/* frame_window.c: a bitmap of counters that moves on. */
#include "tools/frame_window.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64
#define WINDOW_WORDS (GAPS_WINDOW / WORD_BITS)

bool frame_window_init(struct frame_window *window)
{
	*window = (struct frame_window){ .bits = calloc(WINDOW_WORDS, sizeof(*window->bits)) };
	return window->bits != NULL;
}

void frame_window_fini(struct frame_window *window)
{
	free(window->bits);
}

static uint64_t *word_of(const struct frame_window *window, uint64_t counter)
{
	return &window->bits[counter / WORD_BITS % WINDOW_WORDS];
}

static bool has_bit(const struct frame_window *window, uint64_t counter)
{
	return (*word_of(window, counter) >> counter % WORD_BITS & 1) != 0;
}

/* Adds what is missing from `from` up to and without `to`, all of it in the window. */
static void collect(const struct frame_window *window, uint64_t from, uint64_t to, struct ranges *ranges)
{
	uint64_t at = from;

	while (at < to) {
		uint64_t word = *word_of(window, at) >> at % WORD_BITS, begin;

		if (word == UINT64_MAX >> at % WORD_BITS) {
			at += WORD_BITS - at % WORD_BITS;
			continue;
		}
		if ((word & 1) != 0) {
			at++;
			continue;
		}
		begin = at;
		while (at < to && !has_bit(window, at))
			at++;
		ranges_add(ranges, begin, at - 1);
	}
}

/* Moves the window so that `counter` is in its last word. What it leaves behind is settled. */
static void advance(struct frame_window *window, uint64_t counter)
{
	uint64_t base = (counter / WORD_BITS + 1) * WORD_BITS - GAPS_WINDOW;
	uint64_t held = window->base + GAPS_WINDOW;      /* the window's end until now */
	uint64_t settled = ranges_earlier(base, held);

	collect(window, ranges_later(window->base, 1), settled, &window->gone);
	if (base > held)
		ranges_add(&window->gone, held, base - 1);
	if (settled - window->base >= GAPS_WINDOW)
		memset(window->bits, 0, WINDOW_WORDS * sizeof(*window->bits));
	else
		for (uint64_t at = window->base; at < settled; at += WORD_BITS)
			*word_of(window, at) = 0;
	window->base = base;
}

/* Frames can come from before the first one that came: half of the window is kept for them, and what is before that is
 * gone until it comes. The report leaves out what was before the first in the end. */
static void begin(struct frame_window *window, uint64_t counter)
{
	uint64_t back = GAPS_WINDOW / 2;

	window->seen = true;
	window->first = window->last = counter;
	window->base = counter > back ? (counter - back) / WORD_BITS * WORD_BITS : 0;
	if (window->base > 1)
		ranges_add(&window->gone, 1, window->base - 1);
}

/* Where nobody knows any more whether it was missing, it was: verdicts overtake others by more than the window after a
 * long break, and those come once. */
static void note_late(struct frame_window *window, uint64_t counter)
{
	window->frames++;
	if (ranges_take(&window->gone, counter)) {
		window->first = ranges_earlier(window->first, counter);
		return;
	}
	if (ranges_unkept(&window->gone) == 0)
		return;
	window->gone.missing--;
	window->late++;
}

bool frame_window_note(struct frame_window *window, uint64_t counter)
{
	if (counter > FRAME_COUNTER_MAX)
		return false;
	if (!window->seen)
		begin(window, counter);
	if (counter < window->base) {
		note_late(window, counter);
		return false;
	}
	if (counter >= window->base + GAPS_WINDOW)
		advance(window, counter);
	if (has_bit(window, counter)) {
		window->duplicates++;
		return true;
	}
	*word_of(window, counter) |= (uint64_t)1 << counter % WORD_BITS;
	window->first = ranges_earlier(window->first, counter);
	window->last = ranges_later(window->last, counter);
	window->frames++;
	return false;
}

void frame_window_missing(const struct frame_window *window, uint64_t end, struct ranges *ranges)
{
	uint64_t held = ranges_earlier(end + 1, window->base + GAPS_WINDOW);

	ranges_append(ranges, &window->gone);
	collect(window, ranges_later(window->base, 1), held, ranges);
	if (end >= held)
		ranges_add(ranges, held, end);
}
