/*
 * import_unbound_zones.c: local-zone and local-data as lists in Unbound's own words, where the longest name decides.
 *
 * One list cannot hold all of them: zones with other tags serve others, and what always_null answers is an action of
 * the whole list. Data are a list of their own, too, since 0.0.0.0 among Unbound's words means the action of a list.
 * Lists come one after the other, and there the first decides, so each zone has a layer: one more than the zone
 * around it when that is in another list. The lists of the highest layer come first: a zone is asked before all that
 * it lies in, and its data before itself.
 */
#include "tools/import_unbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is in a list, in the order of lists of a layer. */
enum content { CONTENT_DATA, CONTENT_ZONES, CONTENT_NULL };

static const struct {
	const char *name, *format;
} contents[] = {
	[CONTENT_DATA] = { "local-data", "rpz" },
	[CONTENT_ZONES] = { "local-zones", "unbound-local-zone" },
	[CONTENT_NULL] = { "null-zones", "domains" },
};

/* What one list is for. */
struct place {
	unsigned layer;
	uint64_t tags;
	enum content content;
};

struct places {
	struct place all[IMPORT_LISTS_MAX];
	unsigned count;
};

/* --- which zone a name is in ------------------------------------------------------------------------------------ */

static int compare_zones(const void *a, const void *b, void *arg)
{
	const struct unbound *unbound = arg;

	const size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const int order = name_compare(&unbound->entries[x].name, &unbound->entries[y].name);

	return order != 0 ? order : x < y ? -1 : x > y;
}

/* Of a zone that is there more than once Unbound keeps the last. */
static void keep_last(struct unbound *unbound)
{
	size_t kept = 0;

	for (size_t i = 0; i < unbound->zone_count; i++) {
		struct entry *zone = &unbound->entries[unbound->zones[i]];
		struct entry *next = i + 1 < unbound->zone_count ? &unbound->entries[unbound->zones[i + 1]] : NULL;

		if (next == NULL || !name_equal(&zone->name, &next->name)) {
			unbound->zones[kept++] = unbound->zones[i];
			continue;
		}
		next->tags |= zone->tags;
		zone->kind = KIND_GONE;
	}
	unbound->zone_count = kept;
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
	keep_last(unbound);
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

/* A zone of a redirect type is in its data. */
static enum content content_of(const struct entry *zone)
{
	return strcasecmp(zone->text, "always_null") == 0 ? CONTENT_NULL : zone->answered ? CONTENT_DATA : CONTENT_ZONES;
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
			zone->layer = around->layer + (around->tags != zone->tags || content_of(around) != content_of(zone));
	}
}

static struct place place_of(const struct unbound *unbound, const struct entry *entry)
{
	const bool is_data = entry->kind == KIND_DATA;
	const struct entry *zone = is_data ? zone_of(unbound, &entry->name, 0) : entry;

	return zone == NULL ? (struct place){ .content = CONTENT_DATA } : (struct place){ .layer = zone->layer,
		.tags = zone->tags, .content = is_data ? CONTENT_DATA : content_of(zone) };
}

static bool is_in(const struct unbound *unbound, const struct entry *entry, const struct place *place)
{
	const struct place at = place_of(unbound, entry);

	return at.layer == place->layer && at.tags == place->tags && at.content == place->content;
}

/* --- zones that Unbound has by itself --------------------------------------------------------------------------- */

/* It answers from them before any module is asked, unless unbound.conf names them. */
static bool is_default(const struct name *name)
{
	static const char *const zones[] = { "localhost", "test", "invalid", "onion", "home.arpa", "127.in-addr.arpa",
		"0.in-addr.arpa", "10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa", "172.in-addr.arpa",
		"100.in-addr.arpa", "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa",
		"255.255.255.255.in-addr.arpa", "d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa",
		"b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa" };
	char text[NAME_TEXT_MAX];
	const size_t length = strlen(name_to_text(name, text));

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		const size_t octets = strlen(zones[i]);

		if (length >= octets && strcmp(text + length - octets, zones[i]) == 0 &&
		    (length == octets || text[length - octets - 1] == '.'))
			return true;
	}
	return false;
}

static void tell_defaults(struct unbound *unbound)
{
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *entry = &unbound->entries[i];

		if (entry->kind == KIND_DATA ? zone_of(unbound, &entry->name, 0) == NULL : entry->kind == KIND_ZONE)
			if (is_default(&entry->name))
				import_differs(unbound->import, entry->path, entry->line, "%s is in a zone that Unbound has by default and "
					"answers before us: leave `local-zone: ... nodefault` for that one in unbound.conf",
					name_to_text(&entry->name, text));
	}
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

/* Do data of a zone of this type keep other types of their name from an answer, as they do here? */
static bool answers_all_types(const char *type)
{
	static const char *const types[] = { "typetransparent", "refuse", "deny", "inform_deny", NULL };

	return !unbound_is_one_of(type, types);
}

static void put_data(const struct unbound *unbound, const struct entry *data, FILE *to)
{
	const struct entry *zone = zone_of(unbound, &data->name, 0);
	char text[NAME_TEXT_MAX];

	if (zone != NULL && is_blind(zone->text))
		return;
	if (zone != NULL && !answers_all_types(zone->text))
		import_differs(unbound->import, data->path, data->line, "local-data: %.255s in a zone of type %.40s: here other "
			"types of that name get no data", name_to_text(&data->name, text), zone->text);
	if (ftell(to) == 0)
		fputs("$ORIGIN local-data.\n$TTL 3600\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost.\n",
			to);
	fprintf(to, "%s %s\n", name_to_text(&data->name, text), data->data);
	if (zone != NULL && zone->answered && name_equal(&zone->name, &data->name))
		fprintf(to, "*.%s %s\n", text, data->data);
}

static void put_text(struct unbound *unbound, const struct place *place, FILE *to)
{
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *entry = &unbound->entries[i];

		if ((entry->kind != KIND_ZONE && entry->kind != KIND_DATA) || !is_in(unbound, entry, place))
			continue;
		if (entry->kind == KIND_DATA)
			put_data(unbound, entry, to);
		else if (place->content == CONTENT_NULL)
			fprintf(to, "%s\n", name_to_text(&entry->name, text));
		else if (place->content == CONTENT_ZONES)
			put_zone(unbound, entry, to);
	}
}

static void name_place(const struct unbound *unbound, const struct place *place, char *to, size_t cap)
{
	snprintf(to, cap, "%s", contents[place->content].name);
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
	code = fclose(to) != 0 ? unbound_no_memory(unbound) : import_put_list(import, name, contents[place->content].format,
		text, length, !unbound_put_served(unbound, place->tags, false), unbound->diag);
	free(text);
	if (code != 1)
		return code;
	import_option(import, "allow-wide", "yes");
	unbound_put_served(unbound, place->tags, true);
	if (place->content == CONTENT_NULL) {
		import_option(import, "action", "sinkhole");
		import_option(import, "sinkhole-address", "0.0.0.0");
		import_option(import, "sinkhole-address", "::");
	}
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------ */

/* The highest layer first; in a layer data first, and those for all, which changes nothing there. */
static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->layer != y->layer)
		return x->layer > y->layer ? -1 : 1;
	if (x->content != y->content)
		return x->content < y->content ? -1 : 1;
	return x->tags < y->tags ? -1 : x->tags > y->tags;
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
		tell_defaults(unbound);
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
