/*
 * import_unbound.c: what unbound.conf(5) says of names, addresses and clients, as lists and groups.
 *
 * Zones and their data go into a list for each set of tags, in Unbound's own words, where the longest name decides as
 * there. Clients with tags become groups. Unbound asks local zones first, then rpz, then response-ip, and so do the
 * lists.
 */
#include "tools/import_unbound.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int no_memory(struct unbound *unbound)
{
	return diag_set(unbound->diag, unbound->path, unbound->line, 0, "out of memory");
}

static int compare_zones(const void *a, const void *b, void *arg)
{
	const struct unbound *unbound = arg;

	return name_compare(&unbound->entries[*(const size_t *)a].name, &unbound->entries[*(const size_t *)b].name);
}

static int sort_zones(struct unbound *unbound)
{
	unbound->zones = calloc(unbound->count + 1, sizeof(*unbound->zones));
	if (unbound->zones == NULL)
		return no_memory(unbound);
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

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcasecmp(*words, word) == 0)
			return true;
	return false;
}

static bool is_open(const char *type)
{
	static const char *const types[] = { "transparent", "typetransparent", "nodefault", "always_transparent", NULL };

	return is_one_of(type, types);
}

/* Types whose data Unbound does not look at. */
static bool is_blind(const char *type)
{
	return strncasecmp(type, "always_", 7) == 0;
}

static void put_zone(struct unbound *unbound, const struct entry *zone, FILE *to)
{
	static const char *const known[] = { "static", "refuse", "deny", "inform", "inform_deny", "redirect",
		"inform_redirect", "always_refuse", "always_nxdomain", "always_nodata", "always_deny", "always_transparent",
		NULL };
	const struct entry *around = zone->name.labels > 0 ? zone_of(unbound, &zone->name, 1) : NULL;
	char text[NAME_TEXT_MAX];

	if (zone->answered)
		return;
	if (is_open(zone->text)) {
		if (around != NULL && !is_open(around->text))
			fprintf(to, "local-zone: \"%s\" always_transparent\n", name_to_text(&zone->name, text));
	} else if (is_one_of(zone->text, known)) {
		fprintf(to, "local-zone: \"%s\" %s\n", name_to_text(&zone->name, text), zone->text);
	} else if (strcasecmp(zone->text, "always_null") != 0) {
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

static uint64_t tags_of(const struct unbound *unbound, const struct entry *entry)
{
	const struct entry *zone = entry->kind == KIND_DATA ? zone_of(unbound, &entry->name, 0) : entry;

	return zone != NULL ? zone->tags : 0;
}

static void name_group(const struct unbound *unbound, uint64_t tags, char *to, size_t cap)
{
	size_t used = (size_t)snprintf(to, cap, "tags");

	for (unsigned i = 0; i < unbound->tag_count && used < cap; i++)
		if (tags >> i & 1)
			used += (size_t)snprintf(to + used, cap - used, "-%s", unbound->tags[i]);
}

/* Is an equal set of tags further up, among those of this kind? */
static bool is_repeated(const struct unbound *unbound, size_t at, enum kind kind)
{
	for (size_t i = 0; i < at; i++)
		if (unbound->entries[i].kind == kind && unbound->entries[i].tags == unbound->entries[at].tags)
			return true;
	return false;
}

static void put_groups(struct unbound *unbound)
{
	char name[IMPORT_NAME_MAX + 1];

	for (size_t i = 0; i < unbound->count; i++) {
		const struct entry *client = &unbound->entries[i];

		if (client->kind != KIND_CLIENT || is_repeated(unbound, i, KIND_CLIENT))
			continue;
		import_clause(unbound->import, "client-group");
		name_group(unbound, client->tags, name, sizeof(name));
		import_option(unbound->import, "name", name);
		for (size_t j = i; j < unbound->count; j++)
			if (unbound->entries[j].kind == KIND_CLIENT && unbound->entries[j].tags == client->tags)
				import_option(unbound->import, "network", unbound->entries[j].text);
	}
}

/* Whom a list with these tags serves; false: nobody, so it has to stay out. */
static bool put_served(struct unbound *unbound, uint64_t tags, bool write)
{
	char name[IMPORT_NAME_MAX + 1];
	bool any = tags == 0;

	for (size_t i = 0; i < unbound->count && tags != 0; i++) {
		const struct entry *client = &unbound->entries[i];

		if (client->kind != KIND_CLIENT || (client->tags & tags) == 0 || is_repeated(unbound, i, KIND_CLIENT))
			continue;
		any = true;
		name_group(unbound, client->tags, name, sizeof(name));
		if (write)
			import_option(unbound->import, "group", name);
	}
	return any;
}

/* A new list of what `put` writes; none when it writes nothing. */
static int put_list(struct unbound *unbound, uint64_t tags, const char *stem, const char *format,
	void (*put)(struct unbound *unbound, uint64_t tags, FILE *to))
{
	char name[IMPORT_NAME_MAX + 1], *text = NULL, *path = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	bool written;

	if (to == NULL)
		return no_memory(unbound);
	put(unbound, tags, to);
	if (fclose(to) != 0 || length == 0) {
		free(text);
		return 0;
	}
	snprintf(name, sizeof(name), "%s%s", stem, tags != 0 ? "-" : "");
	if (tags != 0)
		name_group(unbound, tags, name + strlen(name), sizeof(name) - strlen(name));
	for (char *at = name; *at != '\0'; at++)
		*at = *at == '/' ? '-' : *at;
	to = import_make_list(unbound->import, name, &path, unbound->diag);
	written = to != NULL && fwrite(text, 1, length, to) == length;
	free(text);
	if (to == NULL)
		return -1;
	if (fclose(to) != 0 || !written) {
		free(path);
		return diag_set(unbound->diag, name, 0, 0, "cannot be written");
	}
	if (import_list(unbound->import, name, !put_served(unbound, tags, false), path, 0)) {
		import_option(unbound->import, "file", path);
		import_option(unbound->import, "format", format);
		import_option(unbound->import, "allow-wide", "yes");
		put_served(unbound, tags, true);
	}
	free(path);
	return 1;
}

static void put_zones(struct unbound *unbound, uint64_t tags, FILE *to)
{
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_ZONE && unbound->entries[i].tags == tags)
			put_zone(unbound, &unbound->entries[i], to);
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_DATA && tags_of(unbound, &unbound->entries[i]) == tags)
			put_data(unbound, &unbound->entries[i], to);
}

static void put_nulls(struct unbound *unbound, uint64_t tags, FILE *to)
{
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_ZONE && unbound->entries[i].tags == tags &&
		    strcasecmp(unbound->entries[i].text, "always_null") == 0)
			fprintf(to, "%s\n", name_to_text(&unbound->entries[i].name, text));
}

static int put_local(struct unbound *unbound, uint64_t tags)
{
	int code = put_list(unbound, tags, "local-zones", "unbound-local-zone", put_zones);

	if (code >= 0)
		code = put_list(unbound, tags, "null-zones", "domains", put_nulls);
	if (code == 1) {
		import_option(unbound->import, "action", "sinkhole");
		import_option(unbound->import, "sinkhole-address", "0.0.0.0");
		import_option(unbound->import, "sinkhole-address", "::");
	}
	return code < 0 ? -1 : 0;
}

static int put_rpz(struct unbound *unbound, const struct entry *rpz)
{
	static const char *const same[] = { "nxdomain", "nodata", "drop", NULL };
	struct import *import = unbound->import;
	const char *action = rpz->action != NULL ? rpz->action : "";
	char *path = NULL;

	if (!import_list(import, rpz->text, rpz->zonefile == NULL || !put_served(unbound, rpz->tags, false), rpz->path,
	    rpz->line))
		return 0;
	if (rpz->zonefile == NULL)
		import_lost(import, rpz->path, rpz->line, "rpz %s has no zonefile: have it written to one", rpz->text);
	else if (unbound->directory == NULL || rpz->zonefile[0] == '/')
		path = import_path(rpz->path, rpz->zonefile);
	else if (asprintf(&path, "%s/%s", unbound->directory, rpz->zonefile) < 0)
		path = NULL;
	if (rpz->zonefile != NULL && path == NULL)
		return no_memory(unbound);
	if (path != NULL)
		import_option(import, "file", path);
	free(path);
	import_option(import, "format", "rpz");
	import_option(import, "zone", rpz->text);
	put_served(unbound, rpz->tags, true);
	if (strcasecmp(action, "disabled") == 0)
		import_option(import, "shadow", "yes");
	else if (strcasecmp(action, "passthru") == 0)
		import_option(import, "action", "pass");
	else if (strcasecmp(action, "cname") == 0 && rpz->data != NULL) {
		import_option(import, "action", "sinkhole");
		import_option(import, "sinkhole-name", rpz->data);
	} else if (is_one_of(action, same))
		import_option(import, "action", action);
	else if (*action != '\0')
		import_lost(import, rpz->path, rpz->line, "rpz-action-override: %s", action);
	return 0;
}

static const char *const address_actions[][2] = {
	{ "deny", "drop" }, { "inform_deny", "drop" }, { "always_refuse", "refuse" }, { "always_nxdomain", "nxdomain" },
	{ "always_nodata", "nodata" }, { "always_transparent", "pass" }, { "transparent", "pass" }, { "inform", "observe" },
};

static int put_address(struct unbound *unbound, const struct entry *address, unsigned number)
{
	const char *value = address->data != NULL ? strrchr(address->data, ' ') : NULL;
	const bool redirect = strstr(address->action, "redirect") != NULL && value != NULL;
	char name[32], *path = NULL;
	const char *action = redirect ? "sinkhole" : strstr(address->action, "redirect") != NULL ? "nodata" : NULL;
	FILE *to;

	for (size_t i = 0; i < sizeof(address_actions) / sizeof(address_actions[0]); i++)
		if (strcasecmp(address_actions[i][0], address->action) == 0)
			action = address_actions[i][1];
	if (action == NULL) {
		import_lost(unbound->import, address->path, address->line, "response-ip: %s %s", address->text, address->action);
		return 0;
	}
	snprintf(name, sizeof(name), "response-ip-%u", number);
	to = import_make_list(unbound->import, name, &path, unbound->diag);
	if (to == NULL)
		return -1;
	fprintf(to, "%s\n", address->text);
	if (fclose(to) == 0 && import_list(unbound->import, name, false, address->path, address->line)) {
		import_option(unbound->import, "file", path);
		import_option(unbound->import, "format", "cidr");
		import_option(unbound->import, "allow-wide", "yes");
		import_option(unbound->import, "action", action);
		if (redirect)
			import_option(unbound->import, strcasestr(address->data, "CNAME ") != NULL ? "sinkhole-name" :
				"sinkhole-address", value + 1);
	}
	free(path);
	return 0;
}

static int put_all(struct unbound *unbound)
{
	unsigned addresses = 0;

	if (sort_zones(unbound) != 0)
		return -1;
	note_answered(unbound);
	put_groups(unbound);
	if (put_local(unbound, 0) != 0)
		return -1;
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_ZONE && unbound->entries[i].tags != 0 &&
		    !is_repeated(unbound, i, KIND_ZONE) && put_local(unbound, unbound->entries[i].tags) != 0)
			return -1;
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_RPZ && put_rpz(unbound, &unbound->entries[i]) != 0)
			return -1;
	for (size_t i = 0; i < unbound->count; i++)
		if (unbound->entries[i].kind == KIND_ADDRESS && put_address(unbound, &unbound->entries[i], ++addresses) != 0)
			return -1;
	return 0;
}

static void unbound_fini(struct unbound *unbound)
{
	for (size_t i = 0; i < unbound->count; i++) {
		free(unbound->entries[i].text);
		free(unbound->entries[i].action);
		free(unbound->entries[i].data);
		free(unbound->entries[i].zonefile);
	}
	free(unbound->entries);
	free(unbound->zones);
	for (unsigned i = 0; i < unbound->tag_count; i++)
		free(unbound->tags[i]);
	for (unsigned i = 0; i < unbound->path_count; i++)
		free(unbound->paths[i]);
	free(unbound->paths);
	free(unbound->directory);
}

int import_unbound(struct import *import, const char *path, struct diag *diag)
{
	struct unbound unbound = { .import = import, .diag = diag, .path = path };
	int code = unbound_read(&unbound, path);

	if (code == 0)
		code = put_all(&unbound);
	unbound_fini(&unbound);
	return code;
}
