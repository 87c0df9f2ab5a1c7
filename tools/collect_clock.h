/*
 * collect_clock.h: whether the clock may say that a day is too old.
 *
 * A machine that starts with a wrong clock, or whose clock is set years ahead for a moment, would have its collector
 * remove every day at once. So a clock that is far ahead of what was known last (the newest day file, then the clock
 * itself) has to stay so for an hour of the machine's own running time.
 *
 * Threads: values only.
 */
#ifndef TOOLS_COLLECT_CLOCK_H
#define TOOLS_COLLECT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "store/shelf.h"

#define COLLECT_CLOCK_LEAP_S (2 * 86400)
#define COLLECT_CLOCK_HOLD_S 3600

struct collect_clock {
	int64_t known_s;                 /* since 1970: so late it was for sure */
	int64_t leapt_s;                 /* running time; of use while `leapt` */
	bool leapt;
};

/* The end of the newest of the day files, in their order, that says how late it is for sure; 0: there is none. A
 * newest day that stands alone can be of a clock that was wrong when the collector ran last, and one to come is. */
int64_t collect_clock_newest(const struct shelf_file *files, unsigned count, int64_t now_s);

/* `newest_s`: the end of the newest day that there is; 0: there is none. */
void collect_clock_init(struct collect_clock *clock, int64_t newest_s);

/* At now_s, with so much running time. *said: it leapt just now. */
bool collect_clock_is_trusted(struct collect_clock *clock, int64_t now_s, int64_t running_s, bool *said);

#endif
