/*
 * import_unbound_zones.c: local-zone and local-data as lists in Unbound's own words, where the longest name decides.
 *
 * One list cannot hold all of them: zones with other tags serve others, and what always_null answers is an action of
 * the whole list. Lists come one after the other, and there the first decides, so each zone has a layer: one more than
 * the zone around it when that is in another list. The lists of the highest layer come first: a zone is asked before
 * all that it lies in.
 */
#include "tools/import_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What one list is for. */
struct place {
	unsigned layer;
	uint64_t tags;
	bool null;
};

struct places {
	struct place all[IMPORT_LISTS_MAX];
	unsigned count;
};

/* --- which zone a name is in ------------------------------------------------------------------------------------ */

static int compare_zones(const void *a, const void *b, void *arg)
{
	const struct unbound *unbound = arg;

	return name_compare(&unbound->entries[*(const size_t *)a].name, &unbound->entries[*(const size_t *)b].name);
}

static int sort_zones(struct unbound *unbound)
{
	unbound->zones = calloc(unbound->count + 1, sizeof(*unbound->zones));
	if (unbound->zones == NULL)
		return unbound_no_memory(unbound);
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_ZONE)
			unbound->zones[unbound->zone_count++] = i;
	qsort_r(unbound->zones, unbound->zone_count, sizeof(*unbound->zones), compare_zones, unbound);
	return 0;
}

static const struct entry *find_zone(const struct unbound *unbound, const struct name *name)
{
	size_t low = 0, high = unbound->zone_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct entry *entry = &unbound->entries[unbound->zones[middle]];
		const int order = name_compare(&entry->name, name);

		if (order == 0)
			return entry;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_redirect(const struct entry *zone)
{
	return strcasecmp(zone->text, "redirect") == 0 || strcasecmp(zone->text, "inform_redirect") == 0;
}

static void note_answered(struct unbound *unbound)
{
	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *data = &unbound->entries[i];
		const struct entry *zone = data->kind == KIND_DATA ? find_zone(unbound, &data->name) : NULL;

		if (zone != NULL && is_redirect(zone))
			unbound->entries[zone - unbound->entries].answered = true;
	}
}

/* The zone that the name is in, from its label `first` on. */
static const struct entry *zone_of(const struct unbound *unbound, const struct name *name, unsigned first)
{
	for (unsigned label = first; label <= name->labels; label++) {
		const uint8_t *suffix = name_suffix(name, label);
		const struct entry *found;
		struct name at;

		if (name_from_wire(&at, suffix, (size_t)(name->octets + name->length - suffix)) &&
		    (found = find_zone(unbound, &at)) != NULL)
			return found;
	}
	return NULL;
}

static bool is_open(const char *type)
{
	static const char *const types[] = { "transparent", "typetransparent", "nodefault", "always_transparent", NULL };

	return unbound_is_one_of(type, types);
}

/* Types whose data Unbound does not look at. */
static bool is_blind(const char *type)
{
	return strncasecmp(type, "always_", 7) == 0;
}

static bool is_null(const struct entry *zone)
{
	return strcasecmp(zone->text, "always_null") == 0;
}

static const struct entry *zone_around(const struct unbound *unbound, const struct entry *zone)
{
	return zone->name.labels > 0 ? zone_of(unbound, &zone->name, 1) : NULL;
}

/* In their order a zone comes behind those that it lies in. */
static void number_layers(struct unbound *unbound)
{
	for (size_t i = 0; i < unbound->zone_count; i++) {
		struct entry *zone = &unbound->entries[unbound->zones[i]];
		const struct entry *around = zone_around(unbound, zone);

		if (around != NULL)
			zone->layer = around->layer + (around->tags != zone->tags || is_null(around) != is_null(zone));
	}
}

static struct place place_of(const struct unbound *unbound, const struct entry *entry)
{
	const struct entry *zone = entry->kind == KIND_DATA ? zone_of(unbound, &entry->name, 0) : entry;

	return zone == NULL ? (struct place){ .layer = 0 } :
		(struct place){ .layer = zone->layer, .tags = zone->tags, .null = is_null(zone) };
}

static bool is_in(const struct unbound *unbound, const struct entry *entry, const struct place *place)
{
	const struct place at = place_of(unbound, entry);

	return at.layer == place->layer && at.tags == place->tags && at.null == place->null;
}

/* --- one list --------------------------------------------------------------------------------------------------- */

/* Lists cannot say all that zones inside of each other do. */
static void tell_difference(struct unbound *unbound, const struct entry *zone, const struct entry *around)
{
	char text[NAME_TEXT_MAX];

	name_to_text(&zone->name, text);
	if (is_open(zone->text) && unbound->asks_later)
		import_differs(unbound->import, zone->path, zone->line,
			"local-zone: %s %s inside of another zone: here rpz and response-ip are not asked either", text, zone->text);
	else if (strcasecmp(zone->text, "inform") == 0 && zone->layer > 0)
		import_differs(unbound->import, zone->path, zone->line,
			"local-zone: %s inform inside of a zone of type %.40s that is in another list: here that decides", text,
			around->text);
}

static void put_zone(struct unbound *unbound, const struct entry *zone, FILE *to)
{
	static const char *const known[] = { "static", "refuse", "deny", "inform", "inform_deny", "redirect",
		"inform_redirect", "always_refuse", "always_nxdomain", "always_nodata", "always_deny", "always_transparent",
		NULL };
	const struct entry *around = zone_around(unbound, zone);
	char text[NAME_TEXT_MAX];

	if (zone->answered)
		return;
	if (around != NULL && !is_open(around->text))
		tell_difference(unbound, zone, around);
	if (is_open(zone->text)) {
		if (around != NULL && !is_open(around->text))
			fprintf(to, "local-zone: \"%s\" always_transparent\n", name_to_text(&zone->name, text));
	} else if (unbound_is_one_of(zone->text, known)) {
		fprintf(to, "local-zone: \"%s\" %s\n", name_to_text(&zone->name, text), zone->text);
	} else {
		import_lost(unbound->import, zone->path, zone->line, "local-zone: %s %s", name_to_text(&zone->name, text),
			zone->text);
	}
}

/* The data of a redirect zone have to follow it, each. */
static void put_data(const struct unbound *unbound, const struct entry *data, FILE *to)
{
	const struct entry *zone = zone_of(unbound, &data->name, 0);
	char text[NAME_TEXT_MAX];

	if (zone != NULL && is_blind(zone->text))
		return;
	if (zone != NULL && strcasecmp(zone->text, "typetransparent") == 0)
		import_lost(unbound->import, data->path, data->line, "data of a typetransparent zone: other types get no data");
	if (zone != NULL && zone->answered && name_equal(&zone->name, &data->name))
		fprintf(to, "local-zone: \"%s\" redirect\n", name_to_text(&zone->name, text));
	fprintf(to, "local-data: \"%s\"\n", data->text);
}

static void put_text(struct unbound *unbound, const struct place *place, FILE *to)
{
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *zone = &unbound->entries[i];

		if (zone->kind != KIND_ZONE || !is_in(unbound, zone, place))
			continue;
		if (place->null)
			fprintf(to, "%s\n", name_to_text(&zone->name, text));
		else
			put_zone(unbound, zone, to);
	}
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_DATA && is_in(unbound, &unbound->entries[i], place))
			put_data(unbound, &unbound->entries[i], to);
}

static void name_place(const struct unbound *unbound, const struct place *place, char *to, size_t cap)
{
	snprintf(to, cap, "%s", place->null ? "null-zones" : "local-zones");
	if (place->layer > 0)
		snprintf(to + strlen(to), cap - strlen(to), "-inside-%u", place->layer);
	if (place->tags != 0) {
		strcat(to, "-");
		unbound_name_group(unbound, place->tags, to + strlen(to), cap - strlen(to));
	}
	for (char *at = to; *at != '\0'; at++)
		*at = *at == '/' ? '-' : *at;
}

static int put_place(struct unbound *unbound, const struct place *place)
{
	struct import *import = unbound->import;
	char name[IMPORT_NAME_MAX + 1], *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	int code;

	if (to == NULL)
		return unbound_no_memory(unbound);
	put_text(unbound, place, to);
	name_place(unbound, place, name, sizeof(name));
	code = fclose(to) != 0 ? unbound_no_memory(unbound) : import_put_list(import, name, place->null ? "domains" :
		"unbound-local-zone", text, length, !unbound_put_served(unbound, place->tags, false), unbound->diag);
	free(text);
	if (code != 1)
		return code;
	import_option(import, "allow-wide", "yes");
	unbound_put_served(unbound, place->tags, true);
	if (place->null) {
		import_option(import, "action", "sinkhole");
		import_option(import, "sinkhole-address", "0.0.0.0");
		import_option(import, "sinkhole-address", "::");
	}
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

/* The highest layer first; in a layer those for all first, which changes nothing there. */
static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer > y->layer ? -1 : 1;
	if (x->tags != y->tags)
		return x->tags < y->tags ? -1 : 1;
	return (int)x->null - (int)y->null;
}

static void add_place(struct unbound *unbound, struct places *places, const struct entry *entry)
{
	for (unsigned i = 0; i < places->count; i++)
		if (is_in(unbound, entry, &places->all[i]))
			return;
	if (places->count < IMPORT_LISTS_MAX)
		places->all[places->count++] = place_of(unbound, entry);
	else
		import_lost(unbound->import, entry->path, entry->line, "zones in over %d lists", IMPORT_LISTS_MAX);
}

int unbound_put_zones(struct unbound *unbound)
{
	struct places *places = calloc(1, sizeof(*places));
	int code = places != NULL ? sort_zones(unbound) : unbound_no_memory(unbound);

	if (code == 0) {
		note_answered(unbound);
		number_layers(unbound);
		for (size_t i = 0; i < unbound->count; i++) {
			unbound->asks_later |= unbound->entries[i].kind == KIND_RPZ || unbound->entries[i].kind == KIND_ADDRESS;
			if (unbound->entries[i].kind == KIND_ZONE || unbound->entries[i].kind == KIND_DATA)
				add_place(unbound, places, &unbound->entries[i]);
		}
		qsort(places->all, places->count, sizeof(places->all[0]), compare_places);
	}
	for (unsigned i = 0; code == 0 && i < places->count; i++)
		code = put_place(unbound, &places->all[i]);
	free(places);
	return code;
}
