/* frame_detection.c: the weightiest detection of a frame, and the techniques of all. */
#include "tools/frame_detection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const unsigned points_of[TIER_COUNT] = {
	[TIER_LOW] = 1, [TIER_ALERT] = 3, [TIER_HIGH] = 5, [TIER_BLOCK] = 8,
};

static enum tier tier_of(const struct json_members *members)
{
	const struct json_value value = json_find(members, "tier");

	for (unsigned tier = TIER_LOW; tier < TIER_COUNT; tier++)
		if (json_is_text(&value, tier_names[tier]))
			return (enum tier)tier;
	return TIER_NONE;
}

static void add_technique(struct frame_detection *to, struct json_value id)
{
	for (unsigned i = 0; i < to->technique_count; i++)
		if (to->techniques[i].octets == id.octets && memcmp(to->techniques[i].at, id.at, id.octets) == 0)
			return;
	if (id.at[0] == '"' && to->technique_count < FRAME_TECHNIQUES_MAX)
		to->techniques[to->technique_count++] = id;
}

static void add_techniques(struct frame_detection *to, struct json_value ids)
{
	struct json_value id;
	size_t at = 0;

	while (ids.at != NULL && json_next(&ids, &at, &id))
		add_technique(to, id);
}

/* What is of another type than frames of ours have is left out. */
static struct json_value find_number(const struct json_members *members, const char *key)
{
	struct json_value value = json_find(members, key);
	uint64_t number;

	return json_number_of(&value, &number) && number <= INT32_MAX ? value : (struct json_value){ NULL, 0 };
}

static void take(struct frame_detection *to, const struct json_members *members, enum tier tier)
{
	const struct json_value detector = json_find(members, "detector"), features = json_find(members, "features");

	to->points += points_of[tier];
	add_techniques(to, json_find(members, "attack"));
	if (tier <= to->tier)
		return;
	to->tier = tier;
	to->detector = detector;
	to->value = find_number(members, "value");
	to->threshold = find_number(members, "threshold");
	to->features = features.at != NULL && features.at[0] == '{' ? features : (struct json_value){ NULL, 0 };
}

void frame_detect(const struct frame_fields *fields, const struct frame_decision *decision,
	struct frame_detection *detection)
{
	const struct json_value all = json_find(&fields->extra, "detections");
	struct json_members members;
	struct json_value one;
	size_t at = 0;

	memset(detection, 0, sizeof(*detection));
	add_techniques(detection, decision->attack);
	for (unsigned i = 0; i < DETECTIONS_MAX && all.at != NULL && json_next(&all, &at, &one); i++) {
		const bool whole = json_scan(one.at, one.octets, &members);
		const struct json_value detector = whole ? json_find(&members, "detector") : (struct json_value){ NULL, 0 };

		if (detector.at != NULL && detector.at[0] == '"' && tier_of(&members) != TIER_NONE)
			take(detection, &members, tier_of(&members));
	}
}

enum frame_outcome frame_outcome_told(const struct frame_decision *decision, const struct frame_detection *detection)
{
	return decision->outcome == OUTCOME_ALLOWED && detection->tier != TIER_NONE ? OUTCOME_OBSERVED : decision->outcome;
}

const char *frame_reason(const struct frame_detection *detection, char *to)
{
	uint64_t value, threshold;
	char name[64];

	if (detection->tier == TIER_NONE)
		return NULL;
	json_text_of(&detection->detector, name, sizeof(name));
	if (json_number_of(&detection->value, &value) && json_number_of(&detection->threshold, &threshold) && threshold > 1)
		snprintf(to, FRAME_REASON_MAX, "%s %s: %" PRIu64 " over %" PRIu64, name, tier_names[detection->tier], value,
			threshold);
	else
		snprintf(to, FRAME_REASON_MAX, "%s %s", name, tier_names[detection->tier]);
	return to;
}

void frame_put_techniques(struct json_line *line, const char *key, const struct frame_detection *detection)
{
	if (detection->technique_count == 0)
		return;
	json_line_key(line, key);
	json_line_open(line, '[');
	for (unsigned i = 0; i < detection->technique_count; i++)
		json_line_raw(line, detection->techniques[i].at, detection->techniques[i].octets);
	json_line_close(line, ']');
}
