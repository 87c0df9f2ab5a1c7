/* check_groups.c: what `verdictctl check` says about client groups: who has which lists, and whom nothing tells apart. */
#include "tools/check.h"

#include <stdio.h>
#include <string.h>

#include "policy/group.h"
#include "tools/json_out.h"

#define LINE_OCTETS 79

static uint64_t mask_of(const struct checked *checked, size_t list)
{
	return group_mask(snapshot_groups(checked->snapshot), &checked->conf->lists[list], checked->conf->path, NULL);
}

/* Do the same lists serve both, and are both told the same about a denial? */
static bool are_alike(const struct checked *checked, unsigned a, unsigned b)
{
	const struct group_table *table = snapshot_groups(checked->snapshot);

	for (size_t i = 0; i < checked->conf->list_count; i++) {
		const uint64_t mask = mask_of(checked, i);

		if ((mask >> a & 1) != (mask >> b & 1))
			return false;
	}
	return group_ede(table, a) == group_ede(table, b);
}

/* The first group that is treated like this one; itself: none before it. */
static unsigned find_like(const struct checked *checked, unsigned group)
{
	unsigned other = 0;

	while (other < group && !are_alike(checked, other, group))
		other++;
	return other;
}

static bool has_list(const struct checked *checked, unsigned group, size_t list)
{
	return (mask_of(checked, list) >> group & 1) != 0;
}

static const char *ede_text(enum ede_mode mode)
{
	switch (mode) {
	case EDE_MODE_TEXT:
		break;
	case EDE_MODE_CODE:
		return "code";
	case EDE_MODE_NONE:
		return "none";
	}
	return "text";
}

/* --- for people -------------------------------------------------------------------------------------------- */

/* Names of lists are safe on a terminal. */
static void print_lists(const struct checked *checked, unsigned group)
{
	size_t column = 0;

	for (size_t i = 0; i < checked->conf->list_count; i++) {
		const char *name = checked->conf->lists[i].name;

		if (!has_list(checked, group, i))
			continue;
		if (column != 0 && column + strlen(name) + 3 > LINE_OCTETS) {
			fputs(",\n           ", stdout);
			column = 11;
		} else {
			column += (size_t)printf("%s", column == 0 ? "    lists: " : ", ");
		}
		column += (size_t)printf("%s", name);
	}
	puts(column != 0 ? "" : "    no lists");
}

static void print_group(const struct checked *checked, const struct term *term, unsigned group)
{
	const struct group_table *table = snapshot_groups(checked->snapshot);
	const struct group_conf *conf = group == GROUP_DEFAULT ? NULL : &checked->conf->groups[group - 1];
	const unsigned like = find_like(checked, group);

	printf("  %s", group_name(table, group));
	if (conf == NULL)
		printf(": all others");
	else
		printf("%s%s: %zu network%s, %zu interface%s", *conf->parent != '\0' ? " below " : "", conf->parent,
			conf->network_count, conf->network_count == 1 ? "" : "s", conf->interface_count,
			conf->interface_count == 1 ? "" : "s");
	printf(", ede %s\n", ede_text(group_ede(table, group)));
	print_lists(checked, group);
	if (like < group)
		printf("    %sno list tells it from %s%s\n", term_on(term, STYLE_WARN), group_name(table, like),
			term_off(term, STYLE_WARN));
}

void check_print_groups(const struct checked *checked, const struct term *term)
{
	const unsigned count = group_count(snapshot_groups(checked->snapshot));

	if (count == 1)
		return;
	printf("\nclient groups\n");
	for (unsigned group = 0; group < count; group++)
		print_group(checked, term, group);
}

/* --- for programs ------------------------------------------------------------------------------------------ */

static json_t *group_json(const struct checked *checked, unsigned group)
{
	const struct group_table *table = snapshot_groups(checked->snapshot);
	const struct group_conf *conf = group == GROUP_DEFAULT ? NULL : &checked->conf->groups[group - 1];
	const unsigned like = find_like(checked, group);
	json_t *object = json_object(), *lists = json_array();

	for (size_t i = 0; i < checked->conf->list_count; i++)
		if (has_list(checked, group, i))
			json_array_append_new(lists, json_string(checked->conf->lists[i].name));
	json_set_text(object, "name", group_name(table, group));
	if (conf != NULL && *conf->parent != '\0')
		json_set_text(object, "parent", conf->parent);
	json_set_number(object, "networks", conf != NULL ? conf->network_count : 0);
	json_set_number(object, "interfaces", conf != NULL ? conf->interface_count : 0);
	json_set_text(object, "ede", ede_text(group_ede(table, group)));
	json_object_set_new(object, "lists", lists);
	if (like < group)
		json_set_text(object, "like", group_name(table, like));
	return object;
}

json_t *check_groups_json(const struct checked *checked)
{
	const unsigned count = group_count(snapshot_groups(checked->snapshot));
	json_t *groups = json_array();

	for (unsigned group = 0; count > 1 && group < count; group++)
		json_array_append_new(groups, group_json(checked, group));
	return groups;
}
