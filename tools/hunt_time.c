/* hunt_time.c: a moment as people write it; in UTC where no zone is said. */
#include "tools/hunt.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS (INT64_C(86400) * 1000)

static int64_t day_of(int64_t ms)
{
	return ms - (ms % DAY_MS + DAY_MS) % DAY_MS;
}

/* `90s`, `15m`, `2h`, `7d`, `4w`: that long ago. */
static bool read_age(const char *text, int64_t now_ms, int64_t *ms)
{
	static const struct { char letter; int64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS }, { 'w', 7 * DAY_MS }
	};
	int64_t count = 0;
	unsigned digits = 0;

	while (text[digits] >= '0' && text[digits] <= '9' && digits < 7)
		count = count * 10 + (text[digits++] - '0');
	if (digits == 0 || text[digits] == '\0' || text[digits + 1] != '\0')
		return false;
	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].letter == text[digits]) {
			*ms = now_ms - count * units[i].ms;
			return true;
		}
	return false;
}

static bool read_number(const char **at, unsigned digits, int *number)
{
	*number = 0;
	for (unsigned i = 0; i < digits; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*number = *number * 10 + (**at - '0');
	}
	return true;
}

static bool take(const char **at, char letter)
{
	if (**at != letter)
		return false;
	(*at)++;
	return true;
}

/* YYYY-MM-DD. Only one that there is: the 30th of February comes back as another day. */
static bool read_date(const char **at, int64_t *ms)
{
	struct tm day = { 0 }, again;
	time_t seconds;
	int month;

	if (!read_number(at, 4, &day.tm_year) || !take(at, '-') || !read_number(at, 2, &month) || !take(at, '-') ||
			!read_number(at, 2, &day.tm_mday) || day.tm_year == 0)
		return false;
	day.tm_year -= 1900;
	day.tm_mon = month - 1;
	again = day;
	seconds = timegm(&again);
	if (again.tm_year != day.tm_year || again.tm_mon != day.tm_mon || again.tm_mday != day.tm_mday)
		return false;
	*ms = (int64_t)seconds * 1000;
	return true;
}

/* HH:MM, HH:MM:SS, or with up to three digits behind a dot. *step: what the last digit stands for. */
static bool read_clock(const char **at, int64_t *ms, int64_t *step)
{
	int hour, minute, second = 0;

	*step = 60000;
	if (!read_number(at, 2, &hour) || !take(at, ':') || !read_number(at, 2, &minute))
		return false;
	if (take(at, ':')) {
		if (!read_number(at, 2, &second))
			return false;
		*step = 1000;
	}
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms += hour * INT64_C(3600000) + minute * INT64_C(60000) + second * INT64_C(1000);
	if (*step == 1000 && take(at, '.'))
		while (*step > 1 && **at >= '0' && **at <= '9') {
			*step /= 10;
			*ms += (*(*at)++ - '0') * *step;
		}
	return true;
}

/* Z, or how far a zone is ahead of UTC: +02:00, -0330. */
static bool read_zone(const char **at, int64_t *ms)
{
	bool behind = **at == '-';
	int hour, minute;

	if (take(at, 'Z') || **at == '\0')
		return true;
	if ((!behind && **at != '+') || ((*at)++, !read_number(at, 2, &hour)))
		return false;
	take(at, ':');
	if (!read_number(at, 2, &minute) || hour > 14 || minute > 59)
		return false;
	*ms -= (behind ? -1 : 1) * (hour * INT64_C(3600000) + minute * INT64_C(60000));
	return true;
}

bool hunt_time(const char *text, int64_t now_ms, bool end, int64_t *ms)
{
	int64_t found, step = DAY_MS;
	const char *at = text;

	if (strcmp(text, "now") == 0) {
		*ms = now_ms;
		return true;
	}
	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		found = day_of(now_ms) - (*text == 'y' ? DAY_MS : 0);
	} else if (read_age(text, now_ms, ms)) {
		return true;
	} else {
		if (!read_date(&at, &found) || ((take(&at, 'T') || take(&at, ' ')) && !read_clock(&at, &found, &step)) ||
				!read_zone(&at, &found) || *at != '\0')
			return false;
	}
	*ms = end ? found + step - 1 : found;
	return true;
}
