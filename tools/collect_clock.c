/* collect_clock.c: a clock that leaps has to wait. */
#include "tools/collect_clock.h"

void collect_clock_init(struct collect_clock *clock, int64_t newest_s)
{
	*clock = (struct collect_clock){ .known_s = newest_s };
}

bool collect_clock_is_trusted(struct collect_clock *clock, int64_t now_s, int64_t running_s, bool *said)
{
	bool leaps = clock->known_s != 0 && now_s - clock->known_s > COLLECT_CLOCK_LEAP_S;

	*said = leaps && !clock->leapt;
	if (*said)
		clock->leapt_s = running_s;
	clock->leapt = leaps && (*said || running_s - clock->leapt_s < COLLECT_CLOCK_HOLD_S);
	if (!clock->leapt && now_s > clock->known_s)
		clock->known_s = now_s;
	return !clock->leapt;
}
