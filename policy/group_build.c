/* group_build.c: makes the table of client groups of a configuration. */
#include "policy/group.h"

#include <stdlib.h>
#include <string.h>

#include "policy/group_parts.h"

static struct prefix prefix_of(const struct network *network, unsigned group)
{
	const bool inet = network->address.family == ADDRESS_INET;

	return (struct prefix){
		.key = key_of(&network->address),
		.length = (uint8_t)(network->prefix_length + (inet ? MAPPED_BITS : 0)),
		.group = (uint8_t)group,
		.port = network->address.port,
	};
}

static int compare_prefixes(const void *a, const void *b)
{
	const struct prefix *first = a, *second = b;
	int order = compare_keys(&first->key, &second->key);

	if (order != 0)
		return order;
	if (first->length != second->length)
		return first->length < second->length ? -1 : 1;
	return (int)first->group - (int)second->group;
}

/* All networks of all groups, in order and each once; a group without any is everywhere. Returns how many; the array
 * has room for that. */
static size_t collect(const struct conf *conf, struct prefix *to)
{
	static const struct network everywhere[2] = {
		{ { .family = ADDRESS_INET }, 0 }, { { .family = ADDRESS_INET6 }, 0 },
	};
	size_t count = 0, kept = 0, i, j;

	for (i = 0; i < conf->group_count; i++) {
		const struct group_conf *group = &conf->groups[i];
		const struct network *networks = group->network_count > 0 ? group->networks : everywhere;
		const size_t networks_count = group->network_count > 0 ? group->network_count : 2;

		for (j = 0; j < networks_count; j++)
			to[count++] = prefix_of(&networks[j], (unsigned)i + 1);
	}
	qsort(to, count, sizeof(*to), compare_prefixes);
	for (i = 0; i < count; i++)
		if (kept == 0 || compare_prefixes(&to[kept - 1], &to[i]) != 0)
			to[kept++] = to[i];
	return kept;
}

static bool is_same_place(const struct prefix *a, const struct prefix *b)
{
	return compare_keys(&a->key, &b->key) == 0 && a->length == b->length;
}

static void add_segment(struct group_table *table, const struct key *from, uint32_t node)
{
	struct segment *last = table->segment_count > 0 ? &table->segments[table->segment_count - 1] : NULL;

	if (last != NULL && compare_keys(&last->from, from) == 0)
		last->node = node;
	else
		table->segments[table->segment_count++] = (struct segment){ *from, node };
}

/* What follows the last address of a prefix belongs to the one around it. False: nothing follows. */
static bool key_behind(const struct key *from, unsigned length, struct key *behind)
{
	const struct key rest = rest_mask(length);

	behind->high = from->high | rest.high;
	behind->low = (from->low | rest.low) + 1;
	if (behind->low == 0)
		behind->high++;
	return behind->high != 0 || behind->low != 0;
}

/* Prefixes are open from their first address to their last; in their order a shorter one is opened first. */
struct open {
	struct key from;
	uint32_t node;
};

static void close_prefix(struct group_table *table, const struct open *open, unsigned depth)
{
	struct key behind;

	if (key_behind(&open[depth].from, table->nodes[open[depth].node].length, &behind))
		add_segment(table, &behind, open[depth - 1].node);
}

static void cut(struct group_table *table, const struct prefix *prefixes, size_t count)
{
	struct open open[130] = { { { 0, 0 }, NOBODY } };   /* one inside the other, of lengths 0 to 128 */
	unsigned depth = 0;
	size_t i;

	table->node_count = 1;
	add_segment(table, &open[0].from, NOBODY);
	for (i = 0; i < count; i++) {
		const struct prefix *prefix = &prefixes[i];
		struct node *node;

		table->members[i] = prefix->group;
		if (i > 0 && is_same_place(prefix, &prefixes[i - 1])) {
			table->nodes[table->node_count - 1].count++;
			continue;
		}
		while (depth > 0 && !is_inside(&prefix->key, &open[depth].from, table->nodes[open[depth].node].length))
			close_prefix(table, open, depth--);
		node = &table->nodes[table->node_count];
		*node = (struct node){ open[depth].node, (uint32_t)i, 1, prefix->length };
		open[++depth] = (struct open){ prefix->key, (uint32_t)table->node_count++ };
		add_segment(table, &prefix->key, open[depth].node);
	}
	while (depth > 0)
		close_prefix(table, open, depth--);
	table->member_count = count;
}

static bool build_networks(struct group_table *table, const struct conf *conf)
{
	size_t room = 1, i, count;
	struct prefix *prefixes;

	for (i = 0; i < conf->group_count; i++)
		room += conf->groups[i].network_count > 0 ? conf->groups[i].network_count : 2;
	prefixes = calloc(room, sizeof(*prefixes));
	if (prefixes == NULL)
		return false;
	count = collect(conf, prefixes);
	table->segments = calloc(2 * count + 1, sizeof(*table->segments));
	table->nodes = calloc(count + 1, sizeof(*table->nodes));
	table->members = calloc(count + 1, 1);
	if (table->segments != NULL && table->nodes != NULL && table->members != NULL)
		cut(table, prefixes, count);
	free(prefixes);
	return table->node_count > 0;
}

static bool build_group(struct group *group, const struct group_conf *conf, unsigned number,
	enum privacy_mode otherwise)
{
	size_t i;

	memcpy(group->name, conf->name, sizeof(group->name));
	group->ede = conf->ede;
	group->privacy = conf->privacy < PRIVACY_COUNT ? conf->privacy : otherwise;
	group->parent = number;
	group->interfaces = calloc(conf->interface_count + 1, sizeof(*group->interfaces));
	if (group->interfaces == NULL)
		return false;
	for (i = 0; i < conf->interface_count; i++)
		group->interfaces[i] = prefix_of(&conf->interfaces[i], number);
	group->interface_count = conf->interface_count;
	return true;
}

static int find_parents(struct group_table *table, const struct conf *conf, struct diag *diag)
{
	unsigned i, at, steps;

	for (i = 1; i < table->count; i++) {
		const struct group_conf *group = &conf->groups[i - 1];

		if (*group->parent == '\0')
			continue;
		table->groups[i].parent = group_find_name(table, group->parent);
		if (table->groups[i].parent == table->count)
			return diag_set(diag, conf->path, group->line, 0,
				"parent: there is no `client-group:` of the name %s", group->parent);
	}
	for (i = 1; i < table->count; i++) {
		at = i;
		for (steps = 0; steps < table->count && table->groups[at].parent != at; steps++)
			at = table->groups[at].parent;
		if (steps == table->count || (*conf->groups[i - 1].parent != '\0' && table->groups[i].parent == i))
			return diag_set(diag, conf->path, conf->groups[i - 1].line, 0,
				"client-group: the parents of %s lead in a circle: remove one `parent:`",
				conf->groups[i - 1].name);
	}
	return 0;
}

struct group_table *group_table_create(const struct conf *conf, struct diag *diag)
{
	struct group_table *table = calloc(1, sizeof(*table));
	bool good = table != NULL;
	unsigned i;

	if (good) {
		memcpy(table->groups[0].name, GROUP_DEFAULT_NAME, sizeof(GROUP_DEFAULT_NAME));
		table->groups[0].privacy = conf->dnstap.privacy;
	}
	for (i = 0; good && i < conf->group_count && i < CONF_GROUPS_MAX; i++)
		good = build_group(&table->groups[i + 1], &conf->groups[i], i + 1, conf->dnstap.privacy);
	if (good) {
		table->count = i + 1;
		good = build_networks(table, conf);
	}
	if (!good)
		diag_set(diag, conf->path, 0, 0, "out of memory");
	if (!good || find_parents(table, conf, diag) != 0)
		group_table_destroy(&table);
	return table;
}

void group_table_destroy(struct group_table **table)
{
	unsigned i;

	if (*table == NULL)
		return;
	for (i = 0; i <= CONF_GROUPS_MAX; i++)
		free((*table)->groups[i].interfaces);
	free((*table)->segments);
	free((*table)->nodes);
	free((*table)->members);
	free(*table);
	*table = NULL;
}
