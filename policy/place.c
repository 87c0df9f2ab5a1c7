/* place.c: from rules to the hashes that they are found by. */
#include "policy/place.h"

#include "policy/address.h"

/* What comes out of the keyed hash is as good as drawn. */
void place_derive_keys(struct snapshot *snapshot)
{
	uint8_t what[2];

	for (what[0] = 0; what[0] < TRIGGER_COUNT; what[0]++) {
		what[1] = 0;
		snapshot->keys[what[0]].k0 = hash_octets(&snapshot->key, what, sizeof(what));
		what[1] = 1;
		snapshot->keys[what[0]].k1 = hash_octets(&snapshot->key, what, sizeof(what));
	}
}

static enum placed place_name(struct snapshot *snapshot, struct set_builder *entries, const struct rule *rule,
			      struct place *place)
{
	const bool servers = rule->trigger == TRIGGER_NSDNAME;
	const struct hash_key *key = servers ? &snapshot->keys[TRIGGER_NSDNAME] : &snapshot->key;
	uint64_t above[SET_ABOVE_MAX];

	/* The root would match everything. */
	if (rule->name.labels == 0 || (!rule->exact && !rule->below))
		return PLACE_NONE;
	place->hash = hash_name_above(key, &rule->name, SET_ABOVE_FROM, SET_ABOVE_TO, above);
	place->labels = servers ? 0 : rule->name.labels;
	place->exact = rule->exact;
	place->below = rule->below;
	if (!set_builder_add_above(entries, above, rule->name.labels))
		return PLACE_NO_MEMORY;
	if (servers)
		hash_depths_add(&snapshot->server_depths, rule->name.labels);
	return PLACE_FOUND;
}

static enum placed place_prefix(struct snapshot *snapshot, const struct rule *rule, struct place *place)
{
	struct address address = rule->address;
	uint8_t length = rule->prefix_length;
	struct prefix_lengths *lengths;
	struct name name;

	if (address.family == ADDRESS_NONE || length > address_bits(address.family))
		return PLACE_NONE;
	address_mask(&address, length);
	prefix_unmap(&address, &length);
	name = prefix_name(&address, length);
	lengths = &snapshot->prefixes[rule->trigger][address.family == ADDRESS_INET6];
	lengths->bits[length / 64] |= UINT64_C(1) << length % 64;
	*place = (struct place){ .hash = hash_name(&snapshot->keys[rule->trigger], &name), .exact = true };
	return PLACE_FOUND;
}

enum placed place_rule(struct snapshot *snapshot, struct set_builder *entries, const struct rule *rule,
		       struct place *place)
{
	switch (rule->trigger) {
	case TRIGGER_CLIENT_IP:
	case TRIGGER_IP:
	case TRIGGER_NSIP:
		return place_prefix(snapshot, rule, place);
	case TRIGGER_NONE:
	case TRIGGER_QNAME:
	case TRIGGER_NSDNAME:
		return place_name(snapshot, entries, rule, place);
	case TRIGGER_COUNT:
		break;
	}
	return PLACE_NONE;
}
