/* flag_json.c: a flag, and the detectors, as JSON. */
#include "control/flag_json.h"

#include "control/json.h"
#include "control/override_file.h"

static json_t *features_json(const struct detection *detection)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < detection->feature_count; i++)
		json_set_number(object, feature_names[detection->features[i].name], detection->features[i].value);
	return object;
}

json_t *flag_json(const struct flag *flag)
{
	const struct detection *lead = &flag->call.lead;
	const struct detector_info *info = &detector_table[lead->detector];
	const struct network client = flag_client(flag);
	char name[NAME_TEXT_MAX], text[OVERRIDE_CLIENT_MAX], why[OVERRIDE_WHY_MAX];
	json_t *object = json_object();

	json_set_number(object, "id", flag->id);
	json_set_text(object, "zone", name_to_text(&flag->call.zone, name));
	json_set_text(object, "client", override_client_text(&client, text));
	json_set_text(object, "detector", info->name);
	json_set_text(object, "technique", info->attack);
	json_set_text(object, "says", info->says);
	json_set_text(object, "why", flag_why(flag, why));
	json_set_text(object, "tier", tier_names[lead->tier]);
	json_set_text(object, "action", reaction_names[flag->call.reaction]);
	json_set_text(object, "state", flag_state_names[flag->state]);
	json_set_number(object, "value", lead->value);
	json_set_number(object, "threshold", lead->threshold);
	if (info->options[0].unit != NULL)
		json_set_text(object, "unit", info->options[0].unit);
	json_object_set_new(object, "features", features_json(lead));
	json_set_number(object, "points", flag->call.points);
	json_set_number(object, "hits", flag->hits);
	json_set_number(object, "since", (uint64_t)flag->since);
	json_set_number(object, "last", (uint64_t)flag->last);
	json_set_number(object, "until", (uint64_t)flag->until);
	if (flag->override != 0)
		json_set_number(object, "override", flag->override);
	if (flag->error[0] != '\0')
		json_set_text(object, "error", flag->error);
	return object;
}

/* --- the detectors ------------------------------------------------------------------------------------------------ */

static json_t *part_json(const struct detect_part *part)
{
	json_t *object = json_object();

	json_set_text(object, "name", part->name);
	json_set_number(object, "octets", part->octets);
	json_set_number(object, "used", part->used);
	json_set_number(object, "capacity", part->capacity);
	json_set_number(object, "evicted", part->evicted);
	json_set_number(object, "lost", part->lost);
	return object;
}

static json_t *said_json(const struct behaviour_counts *counts)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		for (unsigned tier = 0; tier < TIER_COUNT; tier++) {
			json_t *object;

			if (counts->said[i][tier] == 0)
				continue;
			object = json_object();
			json_set_text(object, "detector", detector_table[i].name);
			json_set_text(object, "tier", tier_names[tier]);
			json_set_number(object, "count", counts->said[i][tier]);
			json_array_append_new(array, object);
		}
	return array;
}

static json_t *flags_json(const struct behaviour_counts *counts)
{
	json_t *object = json_object();

	json_set_number(object, "in_force", counts->flags.in_force);
	json_set_number(object, "denied", counts->flags.denied);
	json_set_number(object, "raised", counts->flags.raised);
	json_set_number(object, "refused", counts->flags.refused);
	json_set_number(object, "held_back", counts->flags.held_back);
	json_set_number(object, "full", counts->flags.full);
	json_set_number(object, "lost", counts->calls_lost);
	return object;
}

json_t *behaviour_json(const struct behaviour *behaviour)
{
	struct detect_part parts[DETECT_PARTS];
	struct behaviour_counts counts;
	json_t *object = json_object(), *array = json_array();
	int64_t since_s;

	detect_parts(behaviour_detect(behaviour), parts, &since_s);
	behaviour_counts(behaviour, &counts);
	for (unsigned i = 0; i < DETECT_PARTS; i++)
		json_array_append_new(array, part_json(&parts[i]));
	json_set_number(object, "since", (uint64_t)since_s);
	json_set_number(object, "octets", detect_octets(behaviour_detect(behaviour)));
	json_object_set_new(object, "parts", array);
	json_object_set_new(object, "said", said_json(&counts));
	json_object_set_new(object, "flags", flags_json(&counts));
	return object;
}
