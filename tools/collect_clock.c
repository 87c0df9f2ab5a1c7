/* collect_clock.c: a clock that leaps has to wait. */
#include "tools/collect_clock.h"

#define DAY_SECONDS 86400

static bool follows(const struct shelf_file *file, const struct shelf_file *before)
{
	return file->day_s - before->day_s <= DAY_SECONDS + COLLECT_CLOCK_LEAP_S;
}

int64_t collect_clock_newest(const struct shelf_file *files, unsigned count, int64_t now_s)
{
	unsigned before;

	while (count > 0 && files[count - 1].day_s > now_s + COLLECT_CLOCK_LEAP_S)
		count--;
	if (count == 0)
		return 0;
	for (before = count - 1; before > 0 && files[before].day_s == files[count - 1].day_s; )
		before--;
	if (files[before].day_s == files[count - 1].day_s || follows(&files[count - 1], &files[before]))
		return files[count - 1].day_s + DAY_SECONDS;
	return files[before].day_s + DAY_SECONDS;
}

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
