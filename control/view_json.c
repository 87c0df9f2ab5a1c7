/* view_json.c: state, measures and flags of one zone and one client, as JSON. */
#include "control/view_json.h"

#include <stdlib.h>
#include <string.h>

#include "control/flag_json.h"
#include "control/json.h"
#include "control/override_file.h"
#include "detect/view.h"
#include "policy/address.h"

static const char *const bound_names[] = {
	[BOUND_OVER] = "over", [BOUND_LEAST] = "at least", [BOUND_MOST] = "at most", [BOUND_UNDER] = "under",
};

static const struct { enum trait trait; const char *name; } trait_names[] = {
	{ TRAIT_POPULAR, "popular" }, { TRAIT_APPROVED, "approved" }, { TRAIT_INTERNAL, "internal" },
	{ TRAIT_REGISTERED, "registered" },
};

static json_t *traits_json(unsigned traits)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < sizeof(trait_names) / sizeof(trait_names[0]); i++)
		if ((traits & trait_names[i].trait) != 0)
			json_array_append_new(array, json_string(trait_names[i].name));
	return array;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static json_t *zone_json(const struct view *view, const struct name *name)
{
	json_t *object = json_object();
	char text[NAME_TEXT_MAX];
	struct name zone;
	const uint8_t *at = name_suffix(name, name->labels - view->zone_labels);

	if (view->zone_labels > 0 && name_from_wire(&zone, at, (size_t)(name->octets + name->length - at)))
		json_set_text(object, "name", name_to_text(&zone, text));
	json_set_flag(object, "remembered", view->has_zone);
	json_set_flag(object, "asked_for", view->was_asked);
	if (!view->has_zone)
		return object;
	if (view->zone.first_s != 0)
		json_set_number(object, "first", (uint64_t)view->zone.first_s);
	json_set_number(object, "last", (uint64_t)view->zone.last_s);
	json_set_number(object, "names", view->zone.names);
	json_set_number(object, "clients", view->zone.clients);
	return object;
}

static json_t *client_json(const struct view *view, const struct address *client)
{
	const struct flag flag = { .call = { .client = *client } };
	const struct network network = flag_client(&flag);
	json_t *object = json_object();
	char text[OVERRIDE_CLIENT_MAX];

	json_set_text(object, "address", override_client_text(&network, text));
	json_set_flag(object, "remembered", view->has_client);
	if (!view->has_client)
		return object;
	json_set_number(object, "since", (uint64_t)view->client.since_s);
	json_set_number(object, "last", (uint64_t)view->client.last_s);
	json_set_number(object, "answers", view->client.answers);
	json_set_number(object, "missing", view->client.missing);
	return object;
}

static json_t *pair_json(const struct view *view)
{
	json_t *object = json_object();

	json_set_flag(object, "remembered", view->has_pair);
	if (!view->has_pair)
		return object;
	json_set_number(object, "last", (uint64_t)view->pair.last_s);
	json_set_number(object, "own_octets", view->pair.own_octets);
	json_set_number(object, "points", view->pair.points);
	return object;
}

/* --- detectors ---------------------------------------------------------------------------------------------------- */

static json_t *measure_json(const struct view_measure *measure)
{
	json_t *object = json_object();

	json_set_text(object, "name", measure->name);
	json_set_text(object, "of", measure->of);
	if (measure->value != VIEW_LONG)
		json_set_number(object, "value", measure->value);
	json_set_text(object, "bound", bound_names[measure->bound]);
	json_set_number(object, "threshold", measure->threshold);
	json_set_text(object, "unit", measure->unit);
	json_set_text(object, "option", measure->option);
	json_set_flag(object, "crossed", measure->crossed);
	return object;
}

static json_t *detector_json(unsigned detector, const struct view_detector *seen, const struct detector_conf *conf)
{
	json_t *object = json_object(), *features = json_array();

	json_set_text(object, "detector", detector_table[detector].name);
	json_set_text(object, "technique", detector_table[detector].attack);
	json_set_text(object, "says", detector_table[detector].says);
	json_set_text(object, "action", reaction_names[conf->reaction]);
	json_set_text(object, "tier", tier_names[seen->tier]);
	json_set_text(object, "said", tier_names[seen->said]);
	for (unsigned i = 0; i < seen->count; i++)
		json_array_append_new(features, measure_json(&seen->measures[i]));
	json_object_set_new(object, "features", features);
	return object;
}

/* --- flags -------------------------------------------------------------------------------------------------------- */

/* Without a client those of the zone, with one those that it is in, and without a zone all of them. */
static bool is_about(const struct flag *flag, const struct view *view, const struct view_question *question)
{
	const struct flag asked = { .call = { .client = question->client != NULL ? *question->client :
		(struct address){ .family = ADDRESS_NONE } } };
	const struct network one = flag_client(flag), other = flag_client(&asked);
	const struct name *zone = &flag->call.zone;
	const bool of_zone = question->name == NULL || (zone->labels > 0 && name_is_below(question->name, zone) &&
		zone->labels >= view->zone_labels);

	if (question->client == NULL)
		return of_zone;
	return (of_zone || zone->labels == 0) && (one.address.family == ADDRESS_NONE ||
		(one.address.family == other.address.family && address_compare(&one.address, &other.address) == 0));
}

static json_t *flags_json(struct flag_book *book, const struct view *view, const struct view_question *question)
{
	json_t *array = json_array();
	size_t count;
	struct flag *flags = flag_book_copy(book, &count);

	for (size_t i = 0; i < count; i++)
		if (is_about(&flags[i], view, question))
			json_array_append_new(array, flag_json(&flags[i]));
	free(flags);
	return array;
}

json_t *view_json(struct behaviour *behaviour, const struct view_question *question)
{
	const struct name *name = question->name, root = { .length = 1 };
	json_t *object = json_object(), *detectors = json_array();
	struct view view;

	detect_view(behaviour_detect(behaviour), question->conf, name != NULL ? name : &root, question->client,
		question->traits, question->now_s, &view);
	json_set_number(object, "time", (uint64_t)question->now_s);
	if (name != NULL)
		json_object_set_new(object, "zone", zone_json(&view, name));
	if (question->client != NULL)
		json_object_set_new(object, "client", client_json(&view, question->client));
	if (name != NULL && question->client != NULL)
		json_object_set_new(object, "pair", pair_json(&view));
	if (name != NULL)
		json_object_set_new(object, "traits", traits_json(question->traits));
	for (unsigned i = 0; i < DETECTOR_COUNT; i++)
		json_array_append_new(detectors, detector_json(i, &view.detectors[i], &question->conf[i]));
	json_object_set_new(object, "detectors", detectors);
	json_object_set_new(object, "flags", flags_json(behaviour_book(behaviour), &view, question));
	return object;
}
