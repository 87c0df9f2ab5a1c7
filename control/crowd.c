/* crowd.c: looks for a client of each group. */
#include "control/crowd.h"

#define NETWORKS_TRIED 64     /* the first ones of a group may all lie in networks of others */

static bool try_client(struct crowd *crowd, const struct group_table *groups, unsigned group,
	const struct network *network, const struct network *interface)
{
	struct facts *facts = &crowd->clients[group];

	if (network != NULL)
		facts->client = network->address;
	if (interface != NULL)
		facts->server = interface->address;
	crowd->known[group] = group_find(groups, facts) == group;
	return crowd->known[group];
}

/* Without an interface, or by each of them in turn. */
static bool try_interfaces(struct crowd *crowd, const struct group_table *groups, unsigned group,
	const struct group_conf *conf, const struct network *network)
{
	if (conf->interface_count == 0)
		return try_client(crowd, groups, group, network, NULL);
	for (size_t i = 0; i < conf->interface_count; i++)
		if (try_client(crowd, groups, group, network, &conf->interfaces[i]))
			return true;
	return false;
}

static void find_client(struct crowd *crowd, const struct group_table *groups, unsigned group,
	const struct group_conf *conf)
{
	if (conf->network_count == 0) {
		/* Any client at all. */
		crowd->clients[group].client.family = ADDRESS_INET;
		try_interfaces(crowd, groups, group, conf, NULL);
		return;
	}
	for (size_t i = 0; i < conf->network_count && i < NETWORKS_TRIED; i++)
		if (try_interfaces(crowd, groups, group, conf, &conf->networks[i]))
			return;
}

void crowd_init(struct crowd *crowd, const struct conf *conf, const struct group_table *groups)
{
	for (unsigned group = 0; group < CROWD_MAX; group++) {
		crowd->clients[group] = (struct facts){ .transport = TRANSPORT_UDP, .qclass = 1,
			.recursion_desired = true };
		crowd->known[group] = group == GROUP_DEFAULT;
	}
	for (unsigned group = 1; group <= conf->group_count && group < CROWD_MAX; group++)
		find_client(crowd, groups, group, &conf->groups[group - 1]);
}
