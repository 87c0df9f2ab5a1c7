/*
 * import_unbound.c: local-zone, local-data, tags, response-ip and rpz of unbound.conf(5).
 *
 * Zones and their data go into a list for each set of tags, in Unbound's own words, where the longest name decides as
 * there. Clients with tags become groups. Unbound asks local zones first, then rpz, then response-ip, and so do the
 * lists.
 */
#include "tools/import.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/conf_lex.h"
#include "policy/name.h"

#define ENTRIES_MAX ((size_t)4 << 20)
#define DEPTH_MAX 16u
#define TAGS_MAX 64u
#define VALUES_MAX 3u
#define KEY_MAX 40u

enum kind { KIND_ZONE, KIND_DATA, KIND_CLIENT, KIND_ADDRESS, KIND_RPZ };

/* What was read, in order; which fields count depends on the kind. */
struct entry {
	enum kind kind;
	struct name name;              /* zone, data: its owner */
	char *text;                    /* zone: type; data: record; client, address: network; rpz: name. Owned, as all */
	char *action;                  /* address: action; rpz: override */
	char *data;                    /* address: what it is redirected to; rpz: the override's CNAME */
	char *zonefile;
	uint64_t tags;
	bool answered;                 /* zone: of a redirect type, and there are data for it */
	const char *path;              /* in paths */
	unsigned line;
};

struct unbound {
	struct import *import;
	struct diag *diag;
	struct entry *entries;
	size_t count, cap;
	size_t *zones;                 /* of entries, by name */
	size_t zone_count;
	char *tags[TAGS_MAX];
	unsigned tag_count;
	char **paths;                  /* files that were read; owned */
	unsigned path_count, depth;
	char *directory;
	char clause[KEY_MAX];
	const char *path;              /* where we are */
	unsigned line;
};

static int no_memory(struct unbound *unbound)
{
	return diag_set(unbound->diag, unbound->path, unbound->line, 0, "out of memory");
}

static void lost(struct unbound *unbound, const char *key, const char *value)
{
	import_lost(unbound->import, unbound->path, unbound->line, "%s %s", key, value);
}

static struct entry *add(struct unbound *unbound, enum kind kind, const char *text)
{
	struct entry *entry;

	if (unbound->count == unbound->cap) {
		const size_t cap = unbound->cap > 0 ? unbound->cap * 2 : 64;
		struct entry *grown = cap <= ENTRIES_MAX ? reallocarray(unbound->entries, cap, sizeof(*grown)) : NULL;

		if (grown == NULL)
			return NULL;
		unbound->entries = grown;
		unbound->cap = cap;
	}
	entry = &unbound->entries[unbound->count];
	*entry = (struct entry){ .kind = kind, .path = unbound->path, .line = unbound->line, .text = strdup(text) };
	unbound->count += entry->text != NULL;
	return entry->text != NULL ? entry : NULL;
}

/* --- what is read */

static uint64_t read_tags(struct unbound *unbound, const char *text)
{
	uint64_t tags = 0;

	while (*(text += strspn(text, " \t")) != '\0') {
		const size_t octets = strcspn(text, " \t");
		unsigned i;

		for (i = 0; i < unbound->tag_count; i++)
			if (strlen(unbound->tags[i]) == octets && strncmp(unbound->tags[i], text, octets) == 0)
				break;
		if (i == unbound->tag_count && i < TAGS_MAX && (unbound->tags[i] = strndup(text, octets)) != NULL)
			unbound->tag_count++;
		if (i < unbound->tag_count)
			tags |= UINT64_C(1) << i;
		else
			lost(unbound, "tag", text);
		text += octets;
	}
	return tags;
}

static int read_zone(struct unbound *unbound, char *values[])
{
	struct name name;
	struct entry *entry;

	if (name_from_text(&name, values[0], strlen(values[0])) != NULL) {
		lost(unbound, "local-zone", values[0]);
		return 0;
	}
	entry = add(unbound, KIND_ZONE, values[1]);
	if (entry != NULL)
		entry->name = name;
	return entry != NULL ? 0 : no_memory(unbound);
}

static int read_zone_tag(struct unbound *unbound, char *values[])
{
	const uint64_t tags = read_tags(unbound, values[1]);
	struct name name;

	if (name_from_text(&name, values[0], strlen(values[0])) == NULL)
		for (size_t i = unbound->count; i-- > 0;)
			if (unbound->entries[i].kind == KIND_ZONE && name_equal(&unbound->entries[i].name, &name)) {
				unbound->entries[i].tags |= tags;
				return 0;
			}
	lost(unbound, "local-zone-tag of no zone", values[0]);
	return 0;
}

/* `owner [ttl] [IN] A address`: other types have no equal. */
static bool is_address_record(const char *text)
{
	for (text += strcspn(text, " \t"); *(text += strspn(text, " \t")) != '\0'; text += strcspn(text, " \t")) {
		const size_t octets = strcspn(text, " \t");

		if ((octets == 1 && (*text | 0x20) == 'a') || (octets == 4 && strncasecmp(text, "aaaa", 4) == 0))
			return true;
		if ((*text < '0' || *text > '9') && (octets != 2 || strncasecmp(text, "in", 2) != 0))
			return false;
	}
	return false;
}

static int read_data(struct unbound *unbound, char *values[])
{
	const char *text = values[0] + strspn(values[0], " \t");
	struct name name;
	struct entry *entry;

	if (name_from_text(&name, text, strcspn(text, " \t")) != NULL || !is_address_record(text) ||
	    strpbrk(text, "\"\r\n") != NULL) {
		lost(unbound, "local-data other than A and AAAA", text);
		return 0;
	}
	entry = add(unbound, KIND_DATA, text);
	if (entry != NULL)
		entry->name = name;
	return entry != NULL ? 0 : no_memory(unbound);
}

static int read_client(struct unbound *unbound, char *values[])
{
	struct entry *entry = add(unbound, KIND_CLIENT, values[0]);

	if (entry != NULL)
		entry->tags = read_tags(unbound, values[1]);
	return entry != NULL ? 0 : no_memory(unbound);
}

static int read_address(struct unbound *unbound, char *values[])
{
	struct entry *entry = add(unbound, KIND_ADDRESS, values[0]);

	return entry != NULL && (entry->action = strdup(values[1])) != NULL ? 0 : no_memory(unbound);
}

static int read_address_data(struct unbound *unbound, char *values[])
{
	for (size_t i = unbound->count; i-- > 0;) {
		struct entry *entry = &unbound->entries[i];

		if (entry->kind == KIND_ADDRESS && strcmp(entry->text, values[0]) == 0 && entry->data == NULL) {
			entry->data = strdup(values[1]);
			return entry->data != NULL ? 0 : no_memory(unbound);
		}
	}
	lost(unbound, "response-ip-data", values[0]);
	return 0;
}

static int read_rpz(struct unbound *unbound, const char *key, const char *value)
{
	struct entry *entry = unbound->count > 0 ? &unbound->entries[unbound->count - 1] : NULL;
	char **to = NULL;

	if (entry == NULL || entry->kind != KIND_RPZ)
		return 0;
	if (strcmp(key, "name:") == 0)
		to = &entry->text;
	else if (strcmp(key, "zonefile:") == 0)
		to = &entry->zonefile;
	else if (strcmp(key, "rpz-action-override:") == 0)
		to = &entry->action;
	else if (strcmp(key, "rpz-cname-override:") == 0)
		to = &entry->data;
	else if (strcmp(key, "tags:") == 0)
		entry->tags |= read_tags(unbound, value);
	else if (strncmp(key, "rpz-log", 7) != 0)
		lost(unbound, key, value);
	if (to == NULL)
		return 0;
	free(*to);
	*to = strdup(value);
	return *to != NULL ? 0 : no_memory(unbound);
}

struct option_row {
	const char *key;
	unsigned values;
	int (*read)(struct unbound *unbound, char *values[]);   /* NULL: it has no equal */
};

static const struct option_row option_rows[] = {
	{ "local-zone:", 2, read_zone }, { "local-data:", 1, read_data }, { "local-zone-tag:", 2, read_zone_tag },
	{ "access-control-tag:", 2, read_client }, { "response-ip:", 2, read_address },
	{ "response-ip-data:", 2, read_address_data }, { "local-data-ptr:", 1, NULL }, { "local-zone-override:", 1, NULL },
	{ "access-control-tag-action:", 1, NULL }, { "access-control-tag-data:", 1, NULL },
	{ "access-control-view:", 1, NULL }, { "response-ip-tag:", 1, NULL }, { "interface-tag:", 1, NULL },
	{ "interface-tag-action:", 1, NULL }, { "interface-tag-data:", 1, NULL }, { "interface-view:", 1, NULL },
};

static int read_file(struct unbound *unbound, const char *path);

static int include(struct unbound *unbound, const char *pattern)
{
	char *whole = import_path(unbound->path, pattern);
	glob_t found;
	int code = 0;

	if (whole == NULL)
		return no_memory(unbound);
	switch (glob(whole, GLOB_NOSORT, NULL, &found)) {
	case 0:
		for (size_t i = 0; i < found.gl_pathc && code == 0; i++)
			code = read_file(unbound, found.gl_pathv[i]);
		globfree(&found);
		break;
	case GLOB_NOMATCH:
		if (strpbrk(whole, "*?[") == NULL)
			code = diag_set(unbound->diag, unbound->path, unbound->line, 0, "%s does not exist", whole);
		break;
	default:
		code = diag_set(unbound->diag, unbound->path, unbound->line, 0, "%s cannot be read", whole);
	}
	free(whole);
	return code;
}

static int begin_clause(struct unbound *unbound, const char *key)
{
	snprintf(unbound->clause, sizeof(unbound->clause), "%s", key);
	if (strcmp(key, "view:") == 0)
		lost(unbound, "view", "what it holds is left out");
	return strcmp(key, "rpz:") != 0 || add(unbound, KIND_RPZ, "") != NULL ? 0 : no_memory(unbound);
}

static int read_option(struct unbound *unbound, const char *key, char *values[], unsigned count)
{
	if (strcmp(key, "include:") == 0 || strcmp(key, "include-toplevel:") == 0)
		return include(unbound, values[0]);
	if (strcmp(unbound->clause, "rpz:") == 0)
		return read_rpz(unbound, key, values[0]);
	if (strcmp(key, "directory:") == 0 && unbound->directory == NULL)
		return (unbound->directory = strdup(values[0])) != NULL ? 0 : no_memory(unbound);
	if (strcmp(unbound->clause, "view:") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		const struct option_row *row = &option_rows[i];

		if (strcmp(row->key, key) != 0)
			continue;
		if (row->read != NULL && count >= row->values)
			return row->read(unbound, values);
		lost(unbound, key, values[0]);
	}
	return 0;
}

/* 1, 0 at the end, -1. */
static int read_line(struct unbound *unbound, struct conf_lex *lex)
{
	struct conf_word word;
	char *key, *values[VALUES_MAX] = { NULL };
	unsigned count = 0;
	int code = conf_lex_next(lex, &word, unbound->diag);

	if (code <= 0)
		return code;
	unbound->line = word.line;
	key = strdup(word.text);
	while (key != NULL && (code = conf_lex_next_on_line(lex, &word, unbound->diag)) == 1)
		if (count < VALUES_MAX && (values[count] = strdup(word.text)) != NULL)
			count++;
	if (key == NULL)
		code = no_memory(unbound);
	else if (code == 0 && (key[0] == '\0' || key[strlen(key) - 1] != ':'))
		lost(unbound, "a line without a key", key);
	else if (code == 0)
		code = count == 0 ? begin_clause(unbound, key) : read_option(unbound, key, values, count);
	while (count > 0)
		free(values[--count]);
	free(key);
	return code == 0 ? 1 : -1;
}

static int read_file(struct unbound *unbound, const char *path)
{
	const char *from = unbound->path, *wrong;
	const unsigned line = unbound->line;
	char **grown = reallocarray(unbound->paths, unbound->path_count + 1, sizeof(*grown));
	struct conf_lex *lex;
	int code;

	if (grown == NULL)
		return no_memory(unbound);
	unbound->paths = grown;
	grown[unbound->path_count] = strdup(path);
	if (grown[unbound->path_count] == NULL)
		return no_memory(unbound);
	if (unbound->depth == DEPTH_MAX || unbound->path_count == 4096) {
		free(grown[unbound->path_count]);
		return diag_set(unbound->diag, path, 0, 0, "too many includes");
	}
	unbound->path = grown[unbound->path_count++];
	unbound->depth++;
	lex = conf_lex_open(path, &wrong);
	if (lex == NULL)
		return diag_set(unbound->diag, path, 0, 0, "%s", wrong);
	while ((code = read_line(unbound, lex)) == 1)
		;
	conf_lex_close(&lex);
	unbound->depth--;
	unbound->path = from;
	unbound->line = line;
	return code;
}

/* --- what comes out */

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
	int code = read_file(&unbound, path);

	if (code == 0)
		code = put_all(&unbound);
	unbound_fini(&unbound);
	return code;
}
