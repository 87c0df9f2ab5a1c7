/* pair.c: a client's questions about a zone. */
#include "detect/pair.h"

#include <math.h>

#include "policy/hot.h"

#define WINDOW_S 600
#define WHILE_S 1800
#define EVIDENCE_WORTH 1000          /* what was said of it must outlive a flood of others */
#define INTERVAL_MAX_S 86400          /* what is rarer has no rhythm that could be told in time */
#define BREAK_FACTOR 3               /* an interval of so many means is a break, and the counting begins again */

/* Evidence lives for one to two whiles. */
static void age_evidence(struct pair *pair, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)pair->evidence_s;
	const bool late = passed < 0 || passed >= 2 * WHILE_S;

	if (!late && passed < WHILE_S)
		return;
	pair->evidence[1] = late ? 0 : pair->evidence[0];
	pair->evidence[0] = 0;
	pair->own = late ? 0 : pair->own / 2;
	pair->evidence_s = (uint32_t)now_s;
}

HOT void pair_age(struct pair *pair, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)pair->window_s;

	pair->last_s = (uint32_t)now_s;
	age_evidence(pair, now_s);
	if (passed >= 0 && passed < WINDOW_S)
		return;
	pair->window_s = (uint32_t)now_s;
	pair->asked = pair->missing = 0;
}

HOT void pair_note(struct pair *pair, int64_t now_ms)
{
	const float interval = (float)(now_ms - pair->last_ms) / 1000;
	float change;

	if (pair->last_ms == 0 || interval < 0 || interval > INTERVAL_MAX_S ||
	    (pair->count > 3 && interval > BREAK_FACTOR * pair->mean)) {
		pair->count = 0;
		pair->mean = pair->squares = 0;
		pair->last_ms = now_ms;
		return;
	}
	/* Questions that go together (A and AAAA) are one. */
	if (interval < 1)
		return;
	pair->last_ms = now_ms;
	pair->count++;
	change = interval - pair->mean;
	pair->mean += change / (float)pair->count;
	pair->squares += change * (interval - pair->mean);
}

float pair_variation(const struct pair *pair)
{
	if (pair->count < 2 || pair->mean <= 0)
		return 100;
	return 100 * sqrtf(pair->squares / (float)(pair->count - 1)) / pair->mean;
}

float pair_worth(const void *record, int64_t now_s)
{
	const struct pair *pair = record;
	const float passed = fabsf((float)(now_s - (int64_t)pair->last_s));

	const float said = (pair->evidence[0] | pair->evidence[1]) != 0 ? EVIDENCE_WORTH : 0;

	return ((float)pair->missing + (float)pair->count + said + 1) / (1 + passed);
}

float report_worth(const void *record, int64_t now_s)
{
	const struct report *report = record;

	return -fabsf((float)(now_s - (int64_t)report->last_s));
}
