/* group.c: finds the group of a client, and the groups of a list. */
#include "policy/group.h"

#include <string.h>

#include "policy/group_parts.h"
#include "policy/hot.h"

/* --- looking up ------------------------------------------------------------------------------------------------- */

/* How well the group fits who asked at `server`: 0 not at all, else more is better. */
static unsigned fitness(const struct group *group, const struct key *server, uint16_t port, bool has_server)
{
	const unsigned shortest = is_mapped(server) ? MAPPED_BITS : 0;
	unsigned best = 0;
	size_t i;

	if (group->interface_count == 0)
		return 1;
	for (i = 0; has_server && i < group->interface_count; i++) {
		const struct prefix *at = &group->interfaces[i];
		unsigned fit = 2 + at->length * 2u + (at->port != 0);

		/* ::/0 is no prefix of an IPv4 address. */
		if (fit > best && at->length >= shortest && (at->port == 0 || at->port == port) &&
		    is_inside(server, &at->key, at->length))
			best = fit;
	}
	return best;
}

/* Without a branch: which way a search goes cannot be predicted. */
static bool begins_by(const struct segment *segment, const struct key *client)
{
	const struct key *from = &segment->from;

	return (from->high < client->high) | ((from->high == client->high) & (from->low <= client->low));
}

static uint32_t find_node(const struct group_table *table, const struct key *client)
{
	const struct segment *low = table->segments;
	size_t count = table->segment_count;

	while (count > 1) {
		const size_t half = count / 2;

		low += half * begins_by(low + half, client);
		count -= half;
	}
	return low->node;
}

unsigned group_find(const struct group_table *table, const struct facts *facts)
{
	const bool has_server = facts->server.family != ADDRESS_NONE;
	struct key client, server = { 0, 0 };
	const struct node *node;
	unsigned shortest;

	if (table->count == 1 || facts->client.family == ADDRESS_NONE)
		return GROUP_DEFAULT;
	client = key_of(&facts->client);
	if (has_server)
		server = key_of(&facts->server);
	shortest = is_mapped(&client) ? MAPPED_BITS : 0;
	for (node = &table->nodes[find_node(table, &client)]; node != table->nodes && node->length >= shortest;
	     node = &table->nodes[node->around]) {
		unsigned best = 0, found = GROUP_DEFAULT, i;

		for (i = 0; i < node->count; i++) {
			const unsigned group = table->members[node->first + i];
			const unsigned fit = fitness(&table->groups[group], &server, facts->server.port, has_server);

			if (fit > best) {
				best = fit;
				found = group;
			}
		}
		if (best > 0)
			return found;
	}
	return GROUP_DEFAULT;
}

/* --- what else is asked ------------------------------------------------------------------------------------------ */

unsigned group_count(const struct group_table *table)
{
	return table->count;
}

const char *group_name(const struct group_table *table, unsigned group)
{
	return table->groups[group].name;
}

HOT enum ede_mode group_ede(const struct group_table *table, unsigned group)
{
	return table->groups[group].ede;
}

enum privacy_mode group_privacy(const struct group_table *table, unsigned group)
{
	return table->groups[group].privacy;
}

bool group_any_privacy(const struct group_table *table)
{
	unsigned i;

	for (i = 0; i < table->count; i++)
		if (table->groups[i].privacy != PRIVACY_NONE)
			return true;
	return false;
}

unsigned group_find_name(const struct group_table *table, const char *name)
{
	unsigned i;

	for (i = 0; i < table->count; i++)
		if (strcmp(table->groups[i].name, name) == 0)
			break;
	return i;
}

/* The group and all below it, a bit each. */
static uint64_t mask_below(const struct group_table *table, unsigned group)
{
	uint64_t mask = 0;
	unsigned i, at;

	for (i = 0; i < table->count; i++) {
		for (at = i; at != group && table->groups[at].parent != at; at = table->groups[at].parent)
			continue;
		if (at == group)
			mask |= UINT64_C(1) << i;
	}
	return mask;
}

uint64_t group_mask(const struct group_table *table, const struct list_conf *list, const char *path,
	struct diag *diag)
{
	uint64_t mask = 0;
	size_t i;

	if (list->group_count == 0)
		return UINT64_MAX >> (64 - table->count);
	for (i = 0; i < list->group_count; i++) {
		const unsigned group = group_find_name(table, list->groups[i]);

		if (group == table->count) {
			diag_set(diag, path, list->line, 0,
				"policy-list: %s: there is no `client-group:` of the name %s", list->name,
				list->groups[i]);
			return 0;
		}
		mask |= mask_below(table, group);
	}
	return mask;
}

size_t group_table_octets(const struct group_table *table)
{
	size_t octets = sizeof(*table) + table->member_count + table->node_count * sizeof(*table->nodes) +
		table->segment_count * sizeof(*table->segments);
	unsigned i;

	for (i = 0; i < table->count; i++)
		octets += table->groups[i].interface_count * sizeof(*table->groups[i].interfaces);
	return octets;
}
