/*
 * import_pihole.c: a Pi-hole's lists, domains, groups and clients, as lists and groups.
 *
 * Pi-hole allows before it denies, whatever list it is of; a name that is listed plainly is that name alone. A client
 * can be in several groups there and in one here, so there is a group for each set of them that occurs.
 */
#include "tools/import_pihole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf.h"
#include "policy/conf_value.h"
#include "tools/import_regex.h"

#define SETS_MAX CONF_GROUPS_MAX
#define MASKS_MAX IMPORT_LISTS_MAX
#define DEFAULT_GROUP 1u     /* the bit of the group that whoever is no client of Pi-hole's is in */

struct sets {
	uint64_t groups[SETS_MAX];
	char names[SETS_MAX][IMPORT_NAME_MAX + 1];
	unsigned count;
};

struct masks {
	uint64_t all[MASKS_MAX];
	unsigned count;
};

/* --- who is in which group -------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct pihole_row *x = *(struct pihole_row *const *)a, *y = *(struct pihole_row *const *)b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct pihole_row *find_row(struct pihole_row **sorted, size_t count, enum pihole_kind kind, int64_t id)
{
	struct pihole_row wanted = { .kind = kind, .id = id }, *key = &wanted;
	struct pihole_row **found = count > 0 ? bsearch(&key, sorted, count, sizeof(struct pihole_row *), by_id) : NULL;

	return found != NULL ? *found : NULL;
}

/* Enabled groups get their bits, the default group the first. */
static void number_groups(struct pihole *pihole)
{
	unsigned next = 1;

	for (size_t i = 0; i < pihole->row_count; i++) {
		struct pihole_row *row = &pihole->rows[i];

		if (row->kind != PIHOLE_GROUP || !row->enabled)
			continue;
		if (row->id == 0)
			row->groups = DEFAULT_GROUP;
		else if (next < PIHOLE_GROUPS_MAX)
			row->groups = UINT64_C(1) << next++;
		else
			import_lost(pihole->import, row->file, 0, "group %.100s: over %u", row->text, PIHOLE_GROUPS_MAX);
	}
}

/* Of an archive without the tables that say who is in which group. */
static void serve_all(struct pihole *pihole)
{
	bool any = false;

	for (size_t i = 0; i < pihole->row_count; i++)
		if (pihole->rows[i].kind == PIHOLE_LIST || pihole->rows[i].kind == PIHOLE_DOMAIN) {
			any |= pihole->rows[i].groups == 0;
			pihole->rows[i].groups = PIHOLE_FOR_ALL;
		}
	if (any)
		import_differs(pihole->import, pihole->path, 0, "groups of its lists and domains are not in it: here they are for all");
}

static int join_groups(struct pihole *pihole)
{
	struct pihole_row **sorted = calloc(pihole->row_count + 1, sizeof(struct pihole_row *));

	if (sorted == NULL)
		return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	number_groups(pihole);
	for (size_t i = 0; i < pihole->row_count; i++)
		sorted[i] = &pihole->rows[i];
	qsort(sorted, pihole->row_count, sizeof(struct pihole_row *), by_id);
	for (size_t i = 0; i < pihole->link_count; i++) {
		const struct pihole_link *link = &pihole->links[i];
		const struct pihole_row *group = find_row(sorted, pihole->row_count, PIHOLE_GROUP, link->group);
		struct pihole_row *row = find_row(sorted, pihole->row_count, link->kind, link->id);

		if (group != NULL && row != NULL)
			row->groups |= group->groups;
	}
	if (pihole->link_count == 0)
		serve_all(pihole);
	free(sorted);
	return 0;
}

static void name_set(const struct pihole *pihole, struct sets *sets)
{
	const uint64_t groups = sets->groups[sets->count];
	char text[2 * IMPORT_NAME_MAX] = "", *to = sets->names[sets->count];
	const char *before = "";

	for (size_t i = 0; i < pihole->row_count && strlen(text) < IMPORT_NAME_MAX; i++)
		if (pihole->rows[i].kind == PIHOLE_GROUP && (pihole->rows[i].groups & groups) != 0) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", before, pihole->rows[i].text);
			before = "-";
		}
	import_name(*text != '\0' ? text : "no-group", to);
	for (unsigned i = 0; i < sets->count; i++)
		if (strcmp(sets->names[i], to) == 0)
			snprintf(to + strlen(to), IMPORT_NAME_MAX + 1 - strlen(to), "-%u", sets->count + 1);
	if (strcmp(to, "default") == 0)
		strcpy(to, "default-clients");
}

static bool is_network(const char *text)
{
	const struct conf_limits limits = { .max = 0 };
	char wrong[CONF_WRONG_MAX];
	struct network network;

	return conf_network_parse(&limits, text, &network, wrong) == 0;
}

static void collect_sets(struct pihole *pihole, struct sets *sets)
{
	for (size_t i = 0; i < pihole->row_count; i++) {
		const struct pihole_row *row = &pihole->rows[i];
		unsigned at = 0;

		if (row->kind != PIHOLE_CLIENT)
			continue;
		if (!is_network(row->text)) {
			import_lost(pihole->import, row->file, 0, "client %.100s: by network address only", row->text);
			continue;
		}
		while (at < sets->count && sets->groups[at] != row->groups)
			at++;
		if (at < sets->count)
			continue;
		if (at == SETS_MAX) {
			import_lost(pihole->import, row->file, 0, "client %.100s: over %d sets of groups", row->text, SETS_MAX);
			continue;
		}
		sets->groups[at] = row->groups;
		name_set(pihole, sets);
		sets->count++;
	}
}

static void put_groups(struct pihole *pihole, const struct sets *sets)
{
	for (unsigned set = 0; set < sets->count; set++) {
		import_clause(pihole->import, "client-group");
		import_option(pihole->import, "name", sets->names[set]);
		for (size_t i = 0; i < pihole->row_count; i++) {
			const struct pihole_row *row = &pihole->rows[i];

			if (row->kind == PIHOLE_CLIENT && row->groups == sets->groups[set] && is_network(row->text))
				import_option(pihole->import, "network", row->text);
		}
	}
}

static bool serves_somebody(const struct sets *sets, uint64_t groups)
{
	bool any = (groups & DEFAULT_GROUP) != 0;

	for (unsigned set = 0; set < sets->count; set++)
		any |= (groups & sets->groups[set]) != 0;
	return any;
}

/* Without a line a list serves all. */
static void put_served(struct pihole *pihole, const struct sets *sets, uint64_t groups)
{
	bool all = (groups & DEFAULT_GROUP) != 0 || groups == PIHOLE_FOR_ALL;

	for (unsigned set = 0; set < sets->count; set++)
		all &= (groups & sets->groups[set]) != 0 || groups == PIHOLE_FOR_ALL;
	if (all)
		return;
	if (groups & DEFAULT_GROUP)
		import_option(pihole->import, "group", "default");
	for (unsigned set = 0; set < sets->count; set++)
		if (groups & sets->groups[set])
			import_option(pihole->import, "group", sets->names[set]);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void put_action(struct pihole *pihole, bool allows)
{
	static const char *const denials[] = { [BLOCK_NULL] = "sinkhole", [BLOCK_NXDOMAIN] = "nxdomain",
		[BLOCK_NODATA] = "nodata" };

	import_option(pihole->import, "action", allows ? "pass" : denials[pihole->block]);
	if (allows || pihole->block != BLOCK_NULL)
		return;
	import_option(pihole->import, "sinkhole-address", "0.0.0.0");
	import_option(pihole->import, "sinkhole-address", "::");
}

static bool is_domain(const struct pihole_row *row, unsigned types)
{
	return row->kind == PIHOLE_DOMAIN && row->enabled && row->type >= DOMAIN_ALLOW &&
		row->type <= DOMAIN_DENY_REGEX && (types >> row->type & 1) != 0;
}

static void put_domain(struct pihole *pihole, const struct pihole_row *row, FILE *to)
{
	static const char *const kinds[] = { "allow", "deny", "allow by regex", "deny by regex" };
	const bool regex = row->type == DOMAIN_ALLOW_REGEX || row->type == DOMAIN_DENY_REGEX;
	char filter[FILTER_MAX];

	if (regex ? filter_of_regex(row->text, filter) : filter_of_name(row->text, COVER_NAME, filter))
		fprintf(to, "%s\n", filter);
	else
		import_lost(pihole->import, row->file, row->line, "domainlist %lld, %s: %.400s", (long long)row->id,
			kinds[row->type], row->text);
}

/* The domains of these types that these groups have, as one list. */
static int put_domains_of(struct pihole *pihole, const struct sets *sets, const char *name, unsigned types,
	uint64_t groups)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);
	int code;

	if (to == NULL)
		return diag_set(pihole->diag, name, 0, 0, "out of memory");
	for (size_t i = 0; i < pihole->row_count; i++)
		if (is_domain(&pihole->rows[i], types) && pihole->rows[i].groups == groups)
			put_domain(pihole, &pihole->rows[i], to);
	code = fclose(to) != 0 ? diag_set(pihole->diag, name, 0, 0, "out of memory") :
		import_put_list(pihole->import, name, "adblock", text, length, !serves_somebody(sets, groups), pihole->diag);
	free(text);
	if (code != 1)
		return code;
	import_option(pihole->import, "allow-wide", "yes");
	put_action(pihole, (types & 1u << DOMAIN_ALLOW) != 0);
	put_served(pihole, sets, groups);
	return 0;
}

static int put_domains(struct pihole *pihole, const struct sets *sets, const char *stem, unsigned types)
{
	struct masks masks = { .count = 0 };

	for (size_t i = 0; i < pihole->row_count; i++) {
		const struct pihole_row *row = &pihole->rows[i];
		unsigned at = 0;
		char name[64];

		if (!is_domain(row, types))
			continue;
		while (at < masks.count && masks.all[at] != row->groups)
			at++;
		if (at < masks.count)
			continue;
		if (at == MASKS_MAX) {
			import_lost(pihole->import, row->file, 0, "domainlist %lld: over %d sets of groups",
				(long long)row->id, MASKS_MAX);
			continue;
		}
		masks.all[masks.count++] = row->groups;
		snprintf(name, sizeof(name), at > 0 ? "%s-%u" : "%s", stem, at + 1);
		if (put_domains_of(pihole, sets, name, types, row->groups) != 0)
			return -1;
	}
	return 0;
}

/* What Pi-hole would download; a list that is not enabled is in its place as a comment. */
static void put_lists(struct pihole *pihole, const struct sets *sets, bool allows)
{
	for (size_t i = 0; i < pihole->row_count; i++) {
		const struct pihole_row *row = &pihole->rows[i];
		const bool off = !row->enabled || !serves_somebody(sets, row->groups);
		char name[64];

		if (row->kind != PIHOLE_LIST || (row->type == 1) != allows)
			continue;
		snprintf(name, sizeof(name), "adlist-%lld", row->line > 0 ? (long long)row->line : (long long)row->id);
		if (!import_fetched_list(pihole->import, name, row->text, off, row->file, row->line))
			continue;
		import_option(pihole->import, "subdomains", "no");
		put_action(pihole, allows);
		put_served(pihole, sets, row->groups);
	}
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static int put_all(struct pihole *pihole)
{
	struct sets *sets = calloc(1, sizeof(*sets));
	int code = -1;

	if (sets == NULL)
		return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	if (join_groups(pihole) == 0) {
		collect_sets(pihole, sets);
		put_groups(pihole, sets);
		code = pihole_put_local_names(pihole);
	}
	if (code == 0)
		code = put_domains(pihole, sets, "allowed", 1u << DOMAIN_ALLOW | 1u << DOMAIN_ALLOW_REGEX);
	if (code == 0)
		code = put_domains(pihole, sets, "denied", 1u << DOMAIN_DENY);
	if (code == 0) {
		put_lists(pihole, sets, true);
		put_lists(pihole, sets, false);
		code = put_domains(pihole, sets, "denied-by-regex", 1u << DOMAIN_DENY_REGEX);
	}
	free(sets);
	return code;
}

int import_pihole(struct import *import, const char *path, struct diag *diag)
{
	struct pihole pihole = { .import = import, .diag = diag, .path = path };
	struct pihole_row *group = pihole_add(&pihole, PIHOLE_GROUP, "Default", NULL);
	int code = group == NULL ? -1 : pihole_read(&pihole);

	if (code == 0)
		code = put_all(&pihole);
	for (size_t i = 0; i < pihole.row_count; i++) {
		free(pihole.rows[i].text);
		free(pihole.rows[i].more);
	}
	free(pihole.rows);
	free(pihole.links);
	return code;
}
