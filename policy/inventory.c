/* inventory.c: clauses sorted by zone; of a name's suffixes the longest that has one. */
#include "policy/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"

struct inventory {
	size_t count;
	struct inventory_conf *all;          /* owned, with what is in it; in the order of names */
};

static int compare(const void *a, const void *b)
{
	const struct inventory_conf *left = a, *right = b;

	return name_compare(&left->zone, &right->zone);
}

static void *copy(const void *from, size_t count, size_t octets)
{
	void *to = malloc(count * octets + 1);

	if (to != NULL && count > 0)
		memcpy(to, from, count * octets);
	return to;
}

static bool copy_clause(struct inventory_conf *to, const struct inventory_conf *from)
{
	*to = *from;
	to->servers = copy(from->servers, from->server_count, sizeof(from->servers[0]));
	to->networks = copy(from->networks, from->network_count, sizeof(from->networks[0]));
	return to->servers != NULL && to->networks != NULL;
}

struct inventory *inventory_create(const struct conf *conf)
{
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory == NULL)
		return NULL;
	inventory->all = calloc(conf->inventory_count + 1, sizeof(inventory->all[0]));
	for (size_t i = 0; inventory != NULL && i < conf->inventory_count; i++) {
		if (inventory->all == NULL)
			break;
		inventory->count++;
		if (!copy_clause(&inventory->all[i], &conf->inventories[i]))
			inventory_destroy(&inventory);
	}
	if (inventory == NULL || inventory->all == NULL) {
		free(inventory);
		return NULL;
	}
	qsort(inventory->all, inventory->count, sizeof(inventory->all[0]), compare);
	return inventory;
}

void inventory_destroy(struct inventory **inventory)
{
	if (*inventory == NULL)
		return;
	for (size_t i = 0; i < (*inventory)->count; i++) {
		free((*inventory)->all[i].servers);
		free((*inventory)->all[i].networks);
	}
	free((*inventory)->all);
	free(*inventory);
	*inventory = NULL;
}

size_t inventory_octets(const struct inventory *inventory)
{
	size_t octets = sizeof(*inventory) + inventory->count * sizeof(inventory->all[0]);

	for (size_t i = 0; i < inventory->count; i++)
		octets += inventory->all[i].server_count * sizeof(struct name) +
			inventory->all[i].network_count * sizeof(struct network);
	return octets;
}

/* What is at or above a name stands before it in their order, but not always next to it: so each is looked for. */
static const struct inventory_conf *find(const struct inventory *inventory, const struct name *name)
{
	struct inventory_conf wanted;

	for (unsigned cut = 0; cut <= name->labels; cut++) {
		const uint8_t *suffix = name_suffix(name, cut);
		const struct inventory_conf *found;

		wanted.zone.length = (uint8_t)(name->octets + name->length - suffix);
		wanted.zone.labels = (uint8_t)(name->labels - cut);
		memcpy(wanted.zone.octets, suffix, wanted.zone.length);
		found = bsearch(&wanted, inventory->all, inventory->count, sizeof(inventory->all[0]), compare);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static bool is_name_approved(const struct inventory_conf *clause, const struct name *name)
{
	/* The root stands for a name that is not known. */
	if (clause->server_count == 0 || name->labels == 0)
		return true;
	for (size_t i = 0; i < clause->server_count; i++)
		if (name_equal(&clause->servers[i], name))
			return true;
	return false;
}

static bool is_inside(const struct network *network, const struct address *address)
{
	struct address masked = *address;

	if (network->address.family != address->family)
		return false;
	address_mask(&masked, network->prefix_length);
	return address_compare(&masked, &network->address) == 0;
}

static bool is_address_approved(const struct inventory_conf *clause, const struct address *address)
{
	if (clause->network_count == 0 || address->family == ADDRESS_NONE)
		return true;
	for (size_t i = 0; i < clause->network_count; i++)
		if (is_inside(&clause->networks[i], address))
			return true;
	return false;
}

static bool is_configured(const struct inventory_conf *clause, const struct server *server)
{
	return server->configured_labels >= clause->zone.labels;
}

struct search {
	const struct inventory_conf *clause;
	unsigned chain;
	struct intruder *intruder;
	bool found;
};

static bool look_at_server(void *arg, const struct server *server)
{
	struct search *search = arg;
	const struct inventory_conf *clause = search->clause;
	struct name name;

	if (server->chain != search->chain || is_configured(clause, server) || server->zone_labels < clause->zone.labels ||
	    !name_from_wire(&name, server->name, server->name_length))
		return true;
	if (!is_name_approved(clause, &name))
		search->intruder->trigger = TRIGGER_NSDNAME;
	else if (!is_address_approved(clause, &server->address))
		search->intruder->trigger = TRIGGER_NSIP;
	else
		return true;
	search->found = true;
	search->intruder->zone = &clause->zone;
	search->intruder->action = clause->action;
	search->intruder->name = name;
	search->intruder->address = server->address;
	return false;
}

bool inventory_find_intruder(const struct inventory *inventory, const struct name *name, unsigned chain,
	const struct facts *facts, struct intruder *intruder)
{
	struct search search = { .chain = chain, .intruder = intruder };

	if (facts->servers == NULL)
		return false;
	search.clause = find(inventory, name);
	if (search.clause != NULL)
		facts->servers(facts->servers_source, look_at_server, &search);
	return search.found;
}
