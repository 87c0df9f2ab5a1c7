/* seen_servers_gather.c: the zones that are wanted, and what was seen of each. */
#include "tools/seen_servers_parts.h"

#include <stdlib.h>

#include "policy/address.h"
#include "policy/conf.h"

/* --- the wanted zones --------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return name_compare(a, b);
}

/* Of the name's own suffixes the longest that is wanted; -1: none is. */
static long find_zone(const struct seen_servers *seen, const struct name *name)
{
	for (unsigned cut = 0; cut < name->labels; cut++) {
		const uint8_t *suffix = name_suffix(name, cut);
		const struct name *found;
		struct name wanted;

		if (!name_from_wire(&wanted, suffix, (size_t)(name->octets + name->length - suffix)))
			return -1;
		found = bsearch(&wanted, seen->zones, seen->zone_count, sizeof(*seen->zones), compare_names);
		if (found != NULL)
			return (long)(found - seen->zones);
	}
	return -1;
}

/* Is it a zone that servers were seen of? */
static bool is_zone(struct seen_servers *seen, const uint8_t *wire, size_t octets)
{
	size_t count;

	return evidence_range(seen->names, wire, octets, &count) != NULL;
}

static int compare_asked(const void *a, const void *b)
{
	const struct evidence_item *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return memcmp(left->key, right->key, left->octets < right->octets ? left->octets : right->octets);
}

/* How often each zone was asked for: a question is for the longest zone that holds its name. A top-level domain is not
 * what anybody has an inventory of. */
static struct evidence *count_zones(struct seen_servers *seen)
{
	struct evidence *zones = evidence_create(DIFFERENT_MAX);
	size_t count;
	const struct evidence_item *asked = evidence_sorted(seen->asked, &count);
	struct name name;

	for (size_t i = 0; zones != NULL && i < count; i++) {
		if (!name_from_wire(&name, asked[i].key, asked[i].octets))
			continue;
		for (unsigned cut = 0; cut + 1 < name.labels; cut++) {
			const uint8_t *suffix = name_suffix(&name, cut);
			const size_t octets = (size_t)(name.octets + name.length - suffix);

			if (!is_zone(seen, suffix, octets))
				continue;
			evidence_add(zones, suffix, octets, asked[i].count, 0, 0);
			break;
		}
	}
	return zones;
}

static void add_top(struct seen_servers *seen, struct evidence *zones)
{
	size_t count;
	const struct evidence_item *items = evidence_sorted(zones, &count);
	struct evidence_item *ranked = calloc(count + 1, sizeof(*ranked));

	if (ranked == NULL || items == NULL) {
		free(ranked);
		return;
	}
	memcpy(ranked, items, count * sizeof(*ranked));
	qsort(ranked, count, sizeof(*ranked), compare_asked);
	for (size_t i = 0; i < count && i < seen->options.top && seen->zone_count < CONF_INVENTORIES_MAX; i++)
		if (name_from_wire(&seen->zones[seen->zone_count], ranked[i].key, ranked[i].octets))
			seen->zone_count++;
	free(ranked);
}

static int choose_zones(struct seen_servers *seen)
{
	struct evidence *counted;
	size_t kept = 0;

	seen->zones = calloc(CONF_INVENTORIES_MAX, sizeof(*seen->zones));
	if (seen->zones == NULL)
		return -1;
	for (size_t i = 0; i < seen->options.zone_count && seen->zone_count < CONF_INVENTORIES_MAX; i++)
		seen->zones[seen->zone_count++] = seen->options.zones[i];
	if (seen->options.top > 0) {
		counted = count_zones(seen);
		if (counted == NULL)
			return -1;
		add_top(seen, counted);
		evidence_destroy(&counted);
	}
	qsort(seen->zones, seen->zone_count, sizeof(*seen->zones), compare_names);
	for (size_t i = 0; i < seen->zone_count; i++)
		if (kept == 0 || !name_equal(&seen->zones[kept - 1], &seen->zones[i]))
			seen->zones[kept++] = seen->zones[i];
	seen->zone_count = kept;
	return 0;
}

/* --- gathering ---------------------------------------------------------------------------------------------------- */

static void merge(struct evidence *into, const struct key *key, const struct evidence_item *item)
{
	evidence_add(into, key->at, key->octets, item->count, item->first_ms, 0);
	evidence_add(into, key->at, key->octets, 0, item->last_ms, 0);
}

static void put_network(const struct seen_servers *seen, struct key *key, const uint8_t *family_and_octets)
{
	struct address address = { .family = (enum address_family)family_and_octets[0] };

	memcpy(address.octets, family_and_octets + 1, address.family == ADDRESS_INET ? 4 : 16);
	address_mask(&address, address.family == ADDRESS_INET ? seen->options.prefix_ipv4 : seen->options.prefix_ipv6);
	put_address(key, &address);
}

static void note_place(struct seen_servers *seen, size_t number, const struct name *server,
	const struct evidence_item *item, const uint8_t *address)
{
	struct key place = key_of(number), both = key_of(number);

	put_network(seen, &place, address);
	merge(seen->places, &place, item);
	put(&both, server->octets, server->length);
	put_network(seen, &both, address);
	merge(seen->both, &both, item);
}

/* Of an item that begins with a zone and a server. Returns the number of the wanted zone, -1: of none. */
static long take_apart(const struct seen_servers *seen, const struct evidence_item *item, struct name *zone,
	struct name *server, const uint8_t **rest)
{
	if (!name_from_wire(zone, item->key, item->octets) ||
	    !name_from_wire(server, item->key + zone->length, item->octets - zone->length))
		return -1;
	*rest = item->key + zone->length + server->length;
	return find_zone(seen, zone);
}

static void gather_names(struct seen_servers *seen)
{
	size_t count;
	const struct evidence_item *items = evidence_sorted(seen->names, &count);
	struct name zone, server;
	const uint8_t *rest;

	for (size_t i = 0; i < count; i++) {
		const long number = take_apart(seen, &items[i], &zone, &server, &rest);
		struct key key, below;

		if (number < 0)
			continue;
		below = key_of((size_t)number);
		put(&below, zone.octets, zone.length);
		if (!name_equal(&zone, &seen->zones[number]))
			merge(seen->below, &below, &items[i]);
		if (server.labels == 0)
			continue;
		key = key_of((size_t)number);
		put(&key, server.octets, server.length);
		merge(seen->servers, &key, &items[i]);
	}
}

static void gather_pairs(struct seen_servers *seen)
{
	size_t count;
	const struct evidence_item *items = evidence_sorted(seen->pairs, &count);
	struct name zone, server;
	const uint8_t *address;

	for (size_t i = 0; i < count; i++) {
		const long number = take_apart(seen, &items[i], &zone, &server, &address);

		if (number >= 0)
			note_place(seen, (size_t)number, &server, &items[i], address);
	}
}

/* Addresses that somebody asked for. */
static void gather_hosts(struct seen_servers *seen)
{
	size_t count, hosts;
	const struct evidence_item *servers = evidence_sorted(seen->servers, &count);
	uint32_t number;

	for (size_t i = 0; i < count; i++) {
		const uint8_t *wire = servers[i].key + NUMBER_OCTETS;
		const struct evidence_item *host = evidence_range(seen->hosts, wire, servers[i].octets - NUMBER_OCTETS, &hosts);
		struct name name;

		memcpy(&number, servers[i].key, sizeof(number));
		if (!name_from_wire(&name, wire, servers[i].octets - NUMBER_OCTETS))
			continue;
		for (size_t j = 0; j < hosts; j++)
			note_place(seen, ntohl(number), &name, &host[j], host[j].key + name.length);
	}
}

int seen_servers_gather(struct seen_servers *seen)
{
	if (seen->zones != NULL)
		return 0;
	if (choose_zones(seen) != 0)
		return -1;
	gather_names(seen);
	gather_pairs(seen);
	gather_hosts(seen);
	return 0;
}
