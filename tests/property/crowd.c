#include "tests/property/crowd.h"

#include <stdio.h>
#include <string.h>

#include "policy/address.h"

struct group_conf crowd_groups[CROWD_GROUPS_MAX];
size_t crowd_group_count;
struct override crowd_overrides[CROWD_OVERRIDES_MAX];
size_t crowd_override_count;

static struct network networks[CROWD_GROUPS_MAX][CROWD_NETWORKS_MAX];
static struct network interfaces[CROWD_GROUPS_MAX][CROWD_NETWORKS_MAX];

/* --- drawing ---------------------------------------------------------------------------------------------------- */

static struct network draw_network(unsigned (*draw)(unsigned), struct address (*draw_address)(void))
{
	struct network network = { .address = draw_address() };
	const unsigned bits = address_bits(network.address.family);

	network.prefix_length = (uint8_t)(draw(6) == 0 ? 0 : bits - draw(5));
	address_mask(&network.address, network.prefix_length);
	prefix_unmap(&network.address, &network.prefix_length);
	return network;
}

static void draw_group(unsigned (*draw)(unsigned), struct address (*draw_address)(void), size_t index)
{
	struct group_conf *group = &crowd_groups[index];
	size_t i;

	*group = (struct group_conf){ .networks = networks[index], .interfaces = interfaces[index],
		.network_count = draw(CROWD_NETWORKS_MAX + 1),
		.interface_count = draw(2) == 0 ? 0 : draw(CROWD_NETWORKS_MAX + 1) };
	snprintf(group->name, sizeof(group->name), "g%zu", index + 1);
	/* A parent that comes before: no circle. */
	if (index > 0 && draw(2) == 0)
		snprintf(group->parent, sizeof(group->parent), "g%u", 1 + draw((unsigned)index));
	else if (draw(4) == 0)
		snprintf(group->parent, sizeof(group->parent), "default");
	if (group->network_count + group->interface_count == 0)
		group->network_count = 1;
	for (i = 0; i < group->network_count; i++)
		group->networks[i] = draw_network(draw, draw_address);
	for (i = 0; i < group->interface_count; i++) {
		group->interfaces[i] = draw_network(draw, draw_address);
		group->interfaces[i].address.port = draw(2) == 0 ? 0 : draw(2) == 0 ? 53 : 853;
	}
}

static void draw_override(unsigned (*draw)(unsigned), struct address (*draw_address)(void),
			  struct name (*draw_name)(void), size_t index)
{
	struct override *override = &crowd_overrides[index];

	*override = (struct override){ .id = index + 1, .name = draw_name(), .made = 1 + draw(3),
		.action = draw(2) == 0 ? ACTION_PASS : ACTION_NXDOMAIN };
	if (draw(2) == 0)
		override->client = draw_network(draw, draw_address);
	if (override->action == ACTION_NXDOMAIN && draw(2) == 0)
		strcpy(override->who, OVERRIDE_WHO_DETECTOR "tunnel");
}

void crowd_draw(unsigned (*draw)(unsigned), struct address (*draw_address)(void), struct name (*draw_name)(void))
{
	size_t i;

	crowd_group_count = draw(2) == 0 ? 0 : draw(CROWD_GROUPS_MAX + 1);
	crowd_override_count = draw(2) == 0 ? 0 : draw(CROWD_OVERRIDES_MAX + 1);
	for (i = 0; i < crowd_group_count; i++)
		draw_group(draw, draw_address, i);
	for (i = 0; i < crowd_override_count; i++)
		draw_override(draw, draw_address, draw_name, i);
}

void crowd_draw_served(unsigned (*draw)(unsigned), struct list_conf *list, char (*names)[LIST_NAME_MAX], size_t room)
{
	size_t i;

	list->groups = names;
	list->group_count = crowd_group_count == 0 || draw(2) == 0 ? 0 : draw((unsigned)room + 1);
	for (i = 0; i < list->group_count; i++) {
		const unsigned group = draw((unsigned)crowd_group_count + 1);

		snprintf(names[i], LIST_NAME_MAX, "%s", group == 0 ? "default" : crowd_groups[group - 1].name);
	}
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

/* 1 and the length of the prefix, IPv4 as IPv4-mapped; 0: the address is not in there. */
static unsigned fit(const struct network *network, const struct address *address)
{
	struct address plain = *address;
	uint8_t length = 128;

	prefix_unmap(&plain, &length);
	if (plain.family != network->address.family)
		return 0;
	address_mask(&plain, network->prefix_length);
	if (address_compare(&plain, &network->address) != 0)
		return 0;
	return 1u + network->prefix_length + (plain.family == ADDRESS_INET ? 96 : 0);
}

/* Of the group's networks; everywhere counts as the shortest there is for that family. */
static unsigned network_fit(const struct group_conf *group, const struct address *client)
{
	struct address plain = *client;
	uint8_t length = 128;
	unsigned best = 0;
	size_t i;

	prefix_unmap(&plain, &length);
	if (group->network_count == 0)
		return plain.family == ADDRESS_INET ? 97 : 1;
	for (i = 0; i < group->network_count; i++)
		if (fit(&group->networks[i], client) > best)
			best = fit(&group->networks[i], client);
	return best;
}

/* 0: on no interface of the group. */
static unsigned interface_fit(const struct group_conf *group, const struct address *server)
{
	unsigned best = 0;
	size_t i;

	if (group->interface_count == 0)
		return 1;
	for (i = 0; i < group->interface_count; i++) {
		const uint16_t port = group->interfaces[i].address.port;
		unsigned now = fit(&group->interfaces[i], server);

		if (now > 0 && (port == 0 || port == server->port) && 2 * now + (port != 0) > best)
			best = 2 * now + (port != 0);
	}
	return best;
}

size_t crowd_group(const struct address *client, const struct address *server)
{
	size_t best = 0, i;
	unsigned best_rank = 0;

	for (i = 0; i < crowd_group_count; i++) {
		unsigned network = network_fit(&crowd_groups[i], client);
		unsigned interface = interface_fit(&crowd_groups[i], server);
		unsigned rank = network == 0 || interface == 0 ? 0 : network * 1000 + interface;

		if (rank > best_rank) {
			best_rank = rank;
			best = i + 1;
		}
	}
	return best;
}

static bool names_group(const struct list_conf *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->group_count; i++)
		if (strcmp(list->groups[i], name) == 0)
			return true;
	return false;
}

bool crowd_serves(const struct list_conf *list, size_t group)
{
	if (list->group_count == 0)
		return true;
	while (group > 0) {
		const struct group_conf *conf = &crowd_groups[group - 1];

		if (names_group(list, conf->name))
			return true;
		if (*conf->parent == '\0')
			return false;
		group = conf->parent[0] == 'd' ? 0 : (size_t)(conf->parent[1] - '0');
	}
	return names_group(list, "default");
}

static bool comes_before(const struct override *a, const struct override *b, const struct address *client)
{
	const unsigned first = a->client.address.family == ADDRESS_NONE ? 0 : fit(&a->client, client);
	const unsigned second = b->client.address.family == ADDRESS_NONE ? 0 : fit(&b->client, client);

	if (a->name.labels != b->name.labels)
		return a->name.labels > b->name.labels;
	if (first != second)
		return first > second;
	return a->made != b->made ? a->made > b->made : a->id > b->id;
}

const struct override *crowd_override(const struct name *name, const struct address *client, bool detectors)
{
	const struct override *best = NULL;
	size_t i;

	for (i = 0; i < crowd_override_count; i++) {
		const struct override *override = &crowd_overrides[i];

		if (override_is_detectors(override) != detectors || !name_is_below(name, &override->name) ||
		    (override->client.address.family != ADDRESS_NONE && fit(&override->client, client) == 0))
			continue;
		if (best == NULL || comes_before(override, best, client))
			best = override;
	}
	return best;
}
