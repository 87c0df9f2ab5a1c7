/* generated.c: names of zones that look as if a machine had made them. */
#include "detect/look.h"

#include "detect/name_score.h"
#include "policy/hot.h"

enum { TAG_SCORE };

static int score_zone(const struct look *look)
{
	const struct name *name = &look->facts->qname;
	const uint8_t *label = name_suffix(name, name->labels - look->zone_labels);

	return name_score(label + 1, label[0]);
}

/* At the first sight of the zone alone: its name does not change. */
HOT void judge_generated_name(struct look *look)
{
	const uint32_t wanted = look_option(look, DETECTOR_GENERATED_NAME, TAG_SCORE);
	struct zone *zone = look->zone;

	look->score = score_zone(look);
	zone->score = (int16_t)look->score;
	if (look->score >= (int)wanted)
		look_report(look, DETECTOR_GENERATED_NAME, TIER_TAG, zone->score, wanted);
}
