/* flag_json.c: a flag as JSON. */
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
