/* saved_records.c: what is kept is made safe when it comes back. */
#include "detect/saved_records.h"

#include <math.h>

#include "detect/look_alike.h"

static float mended(float value)
{
	return isfinite(value) && value >= 0 ? value : 0;
}

static void mend_zone(void *record)
{
	struct zone *zone = record;

	zone->up10 = mended(zone->up10);
	zone->up12h = mended(zone->up12h);
	zone->raw12h = mended(zone->raw12h);
	zone->down10 = mended(zone->down10);
	zone->odd10 = mended(zone->odd10);
	if (zone->client_count > ZONE_CLIENTS_MAX)
		zone->client_count = ZONE_CLIENTS_MAX;
	/* Both are worked out again. */
	zone->score = ZONE_NOT_SCORED;
	zone->likeness = LIKENESS_UNKNOWN;
}

static void mend_client(void *record)
{
	struct client *client = record;

	client->next %= CLIENT_PUBLIC;
}

static void mend_pair(void *record)
{
	struct pair *pair = record;

	pair->mean = mended(pair->mean);
	pair->squares = mended(pair->squares);
	pair->own = mended(pair->own);
	/* A time that no clock shows: what is between it and now would be no number. */
	if (pair->last_ms < 0 || pair->last_ms / 1000 > (int64_t)UINT32_MAX)
		pair->last_ms = 0;
	for (unsigned i = 0; i < 2; i++)
		pair->evidence[i] = fusion_mend(pair->evidence[i]);
}

static void mend_report(void *record)
{
	struct report *report = record;

	if (report->tier >= TIER_COUNT)
		report->tier = TIER_NONE;
}

const struct saved_kind saved_kinds[SAVED_KINDS] = {
	{ sizeof(struct zone), mend_zone },
	{ sizeof(struct client), mend_client },
	{ sizeof(struct pair), mend_pair },
	{ sizeof(struct report), mend_report },
};
