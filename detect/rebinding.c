/* rebinding.c: public names that lead inside, always or now and then. */
#include "detect/look.h"

#include <stdlib.h>

#include "policy/hot.h"

enum { WINDOW };

/* Has the client been led outside by that name, a while ago? */
static bool was_outside(const struct look *look, uint32_t name, unsigned *at)
{
	const struct client *client = look->client;

#pragma GCC unroll 8
	for (*at = 0; *at < CLIENT_PUBLIC; (*at)++)
		/* Whether before or, by a clock that was put back, behind. */
		if (client->outside[*at] == name && llabs(look->now_s - (int64_t)client->outside_s[*at]) <=
			(int64_t)look_option(look, DETECTOR_REBINDING_FLIP, WINDOW))
			return true;
	return false;
}

static void judge_flip(struct look *look, const unsigned *sides)
{
	struct client *client = look->client;
	const uint32_t name = (uint32_t)look->name_hash;
	unsigned at;
	const bool outside = was_outside(look, name, &at);

	if (sides[SIDE_INSIDE] + sides[SIDE_LOOPBACK] > 0) {
		if (outside)
			detection_add(look_report(look, DETECTOR_REBINDING_FLIP, TIER_HIGH,
				(float)(look->now_s - (int64_t)client->outside_s[at]), 0), FEATURE_INSIDE,
				(float)sides[SIDE_INSIDE]);
	} else {
		if (!outside)
			at = client->next++ % CLIENT_PUBLIC;
		client->outside[at] = name;
		client->outside_s[at] = (uint32_t)look->now_s;
	}
}

HOT void judge_rebinding(struct look *look)
{
	const unsigned *sides = look->answered->sides;

	/* What a network calls its own hosts is no public name, and leads nowhere but inside. */
	if (look->zone_labels == 0 || (sides[SIDE_INSIDE] + sides[SIDE_LOOPBACK] > 0 && name_is_own(&look->facts->qname)))
		return;
	if (sides[SIDE_INSIDE] > 0)
		detection_add(look_report(look, DETECTOR_REBINDING, TIER_ALERT, (float)sides[SIDE_INSIDE], 1),
			FEATURE_OUTSIDE, (float)sides[SIDE_OUTSIDE]);
	if (look->conf[DETECTOR_REBINDING_FLIP].reaction != REACTION_OFF)
		judge_flip(look, sides);
}
