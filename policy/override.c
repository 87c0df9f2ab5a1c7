/* override.c: an immutable table of names, found by hashes of the suffixes of a question. */
#include "policy/override.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/hash.h"
#include "policy/hash_walk.h"

/* Overrides of one name stand together. */
struct slot {
	uint64_t hash;             /* of the name */
	uint32_t first;
	uint32_t count;            /* 0: the slot is free */
};

struct override_set {
	struct override *overrides;   /* owned; in the order in which they win, name by name */
	size_t count;
	struct slot *slots;           /* owned; open addressing */
	size_t slot_mask;
	struct hash_depths depths;
	bool has_clients;
};

/* Operators choose the names, so nobody can crowd the table: the key need not be secret. */
static const struct hash_key key = { 0 };

/* --- order ------------------------------------------------------------------------------------------------------ */

static int compare_names(const struct name *a, const struct name *b)
{
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->octets, b->octets, a->length);
}

/* IPv4 counts as IPv4-mapped; everybody comes behind all prefixes. */
static int client_length(const struct network *client)
{
	if (client->address.family == ADDRESS_NONE)
		return -1;
	return client->prefix_length + (client->address.family == ADDRESS_INET ? 96 : 0);
}

static int compare_clients(const struct network *a, const struct network *b)
{
	const int first = client_length(a), second = client_length(b);

	if (first != second)
		return first > second ? -1 : 1;
	if (first < 0)
		return 0;
	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	return address_compare(&a->address, &b->address);
}

static int compare_places(const struct override *a, const struct override *b)
{
	int order = compare_names(&a->name, &b->name);

	if (order == 0)
		order = compare_clients(&a->client, &b->client);
	return order != 0 ? order : override_is_detectors(a) - override_is_detectors(b);
}

/* The latest first: what was made later, or in the same second has the higher number. */
static int compare(const void *a, const void *b)
{
	const struct override *first = a, *second = b;
	int order = compare_places(first, second);

	if (order != 0)
		return order;
	if (first->made != second->made)
		return first->made > second->made ? -1 : 1;
	return first->id > second->id ? -1 : first->id < second->id;
}

/* --- building --------------------------------------------------------------------------------------------------- */

static void take(struct override_set *set, const struct override *overrides, size_t count)
{
	size_t kept = 0, i;

	for (i = 0; i < count; i++) {
		struct network *client = &set->overrides[i].client;

		set->overrides[i] = overrides[i];
		if (client->address.family == ADDRESS_NONE)
			continue;
		set->has_clients = true;
		prefix_unmap(&client->address, &client->prefix_length);
		address_mask(&client->address, client->prefix_length);
	}
	qsort(set->overrides, count, sizeof(*set->overrides), compare);
	for (i = 0; i < count; i++)
		if (kept == 0 || compare_places(&set->overrides[kept - 1], &set->overrides[i]) != 0)
			set->overrides[kept++] = set->overrides[i];
	set->count = kept;
}

static uint64_t hash_of(const struct name *name)
{
	return hash_name(&key, name).low;
}

static void index_names(struct override_set *set)
{
	size_t first, end, at;

	for (first = 0; first < set->count; first = end) {
		const struct name *name = &set->overrides[first].name;
		const uint64_t hash = hash_of(name);

		for (end = first + 1; end < set->count && name_equal(&set->overrides[end].name, name); end++)
			continue;
		for (at = hash & set->slot_mask; set->slots[at].count != 0; at = (at + 1) & set->slot_mask)
			continue;
		set->slots[at] = (struct slot){ hash, (uint32_t)first, (uint32_t)(end - first) };
		if (name->labels > 0)
			hash_depths_add(&set->depths, name->labels);
	}
}

struct override_set *override_set_create(const struct override *overrides, size_t count)
{
	struct override_set *set = calloc(1, sizeof(*set));
	size_t slots = 8;

	if (set == NULL)
		return NULL;
	/* Half of them stay free, so that a search ends soon. */
	while (slots / 2 < count)
		slots *= 2;
	set->slot_mask = slots - 1;
	set->slots = calloc(slots, sizeof(*set->slots));
	set->overrides = calloc(count + 1, sizeof(*set->overrides));
	if (set->slots == NULL || set->overrides == NULL) {
		override_set_destroy(&set);
		return NULL;
	}
	take(set, overrides, count);
	index_names(set);
	return set;
}

void override_set_destroy(struct override_set **set)
{
	if (*set == NULL)
		return;
	free((*set)->overrides);
	free((*set)->slots);
	free(*set);
	*set = NULL;
}

size_t override_set_count(const struct override_set *set)
{
	return set->count;
}

bool override_set_has_clients(const struct override_set *set)
{
	return set->has_clients;
}

size_t override_set_octets(const struct override_set *set)
{
	return sizeof(*set) + set->count * sizeof(*set->overrides) + (set->slot_mask + 1) * sizeof(*set->slots);
}

/* --- looking up ------------------------------------------------------------------------------------------------- */

/* The slot of the suffix of `name` behind `cut` labels; NULL: it has no override. */
static const struct slot *find(const struct override_set *set, uint64_t hash, const struct name *name, unsigned cut)
{
	const uint8_t *suffix = name_suffix(name, cut);
	const size_t length = (size_t)(name->octets + name->length - suffix);
	size_t at;

	for (at = hash & set->slot_mask; set->slots[at].count != 0; at = (at + 1) & set->slot_mask) {
		const struct name *other = &set->overrides[set->slots[at].first].name;

		if (set->slots[at].hash == hash && other->length == length &&
		    memcmp(other->octets, suffix, length) == 0)
			return &set->slots[at];
	}
	return NULL;
}

void override_match(const struct override_set *set, const struct name *name, override_visit visit, void *arg)
{
	const struct slot *found[NAME_LABELS_MAX];
	struct hash_starts starts;
	struct hash_walk walk;
	struct hash_half half;
	unsigned count = 0, labels, i;

	hash_walk_begin(&walk, &key, name, &starts);
	for (labels = 1; labels <= name->labels; labels++) {
		hash_walk_label(&walk);
		if (!hash_depths_has(&set->depths, labels))
			continue;
		hash_walk_half(&walk, &half);
		found[count] = find(set, half.low, name, walk.cut);
		if (found[count] != NULL)
			count++;
	}
	for (; count > 0; count--) {
		const struct slot *slot = found[count - 1];

		for (i = 0; i < slot->count; i++)
			if (!visit(arg, &set->overrides[slot->first + i]))
				return;
	}
}

bool override_is_for(const struct override *override, const struct address *client)
{
	struct address address = *client;
	uint8_t length = 128;

	if (override->client.address.family == ADDRESS_NONE)
		return true;
	prefix_unmap(&address, &length);
	if (address.family != override->client.address.family)
		return false;
	address_mask(&address, override->client.prefix_length);
	return address_compare(&address, &override->client.address) == 0;
}
