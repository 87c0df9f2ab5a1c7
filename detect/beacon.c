/* beacon.c: questions that come like the ticks of a clock, about a zone that nobody knew. */
#include "detect/look.h"

#include <math.h>

#include "policy/hot.h"

enum { COUNT, INTERVAL_MIN, VARIATION_MAX, CLIENTS_MAX };

#define TTL_SLACK_S 2.0f             /* a client that asks again when its answer has expired is late by no more */

/* Whoever asks again as soon as an answer has expired has the answer's rhythm and none of its own. */
bool beacon_has_rhythm_of_ttl(const struct pair *pair)
{
	return pair->ttl > 0 && fabsf(pair->mean - (float)pair->ttl) <= TTL_SLACK_S;
}

/* The pair, with what the answer says; NULL: many ask for it. */
static struct pair *note_question(struct look *look)
{
	const uint32_t ttl = look->answered->ttl;
	struct pair *pair;

	if (zone_clients(look->zone) > look_option(look, DETECTOR_BEACON, CLIENTS_MAX))
		return NULL;
	pair = look_pair(look);
	if (pair == NULL)
		return NULL;
	pair->ttl = ttl != UINT32_MAX ? ttl : 0;
	return pair;
}

HOT void judge_beacon(struct look *look)
{
	const struct detector_conf *conf = &look->conf[DETECTOR_BEACON];
	const struct pair *pair = note_question(look);
	struct detection *detection;
	float variation;

	if (pair == NULL || pair->count < conf->values[COUNT] || pair->mean < (float)conf->values[INTERVAL_MIN] ||
	    beacon_has_rhythm_of_ttl(pair))
		return;
	variation = pair_variation(pair);
	if (variation > (float)conf->values[VARIATION_MAX])
		return;
	detection = look_report(look, DETECTOR_BEACON, TIER_LOW, (float)pair->count, conf->values[COUNT]);
	detection_add(detection, FEATURE_INTERVAL, pair->mean);
	detection_add(detection, FEATURE_VARIATION, variation);
}
