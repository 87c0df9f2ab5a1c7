#include "tests/property/naive.h"

#include <string.h>

#include "policy/address.h"

struct model_list model[LISTS_MAX];
struct list_conf confs[LISTS_MAX];
size_t list_count;

static bool prefix_matches(const struct rule *rule, const struct address *address)
{
	struct address a = rule->address, b = *address;

	if (a.family != b.family)
		return false;
	address_mask(&a, rule->prefix_length);
	address_mask(&b, rule->prefix_length);
	return memcmp(a.octets, b.octets, address_bits(a.family) / 8) == 0;
}

static bool name_matches(const struct rule *rule, const struct name *name)
{
	return name_equal(&rule->name, name) ? rule->exact : rule->below && name_is_below(name, &rule->name);
}

static bool comes_before(const struct hit *a, const struct hit *b)
{
	size_t i;
	int order = 0;

	if (b->rule == NULL)
		return true;
	if (a->rank[0] != b->rank[0])
		return a->rank[0] < b->rank[0];
	if (a->server != NULL)
		order = name_compare(a->server, b->server);
	for (i = 1; i < 3 && order == 0; i++)
		order = (int)a->rank[i] - (int)b->rank[i];
	if (order == 0 && a->server == NULL)
		order = address_compare(&a->address, &b->address);
	return order < 0;
}

static void try_name(struct hit *best, const struct rule *rule, const struct name *name)
{
	struct hit hit = { .rule = rule, .rank = { rule->trigger, name->labels - (unsigned)rule->name.labels, 0 } };

	if (rule->trigger == TRIGGER_NSDNAME)
		hit.server = name;
	if (name_matches(rule, name) && comes_before(&hit, best))
		*best = hit;
}

static void try_one_address(struct hit *best, const struct rule *rule, const struct address *address)
{
	unsigned length = rule->prefix_length + (address->family == ADDRESS_INET ? 96u : 0u);
	struct hit hit = { .rule = rule, .rank = { rule->trigger, 128 - length, 0 }, .address = *address };

	if (prefix_matches(rule, address) && comes_before(&hit, best))
		*best = hit;
}

static void try_address(struct hit *best, const struct rule *rule, const struct address *address)
{
	struct address inner;

	try_one_address(best, rule, address);
	if (address_embedded(address, &inner))
		try_one_address(best, rule, &inner);
}

/* What one list says at one name of the chain. */
static struct hit best_of(size_t list, const struct scene *scene, unsigned chain, const struct address *client)
{
	struct hit best = { .rule = NULL };
	size_t i, j;

	for (i = 0; i < model[list].count; i++) {
		const struct rule *rule = &model[list].rules[i];

		if (rule->trigger == TRIGGER_CLIENT_IP && chain == 0)
			try_address(&best, rule, client);
		if (rule->trigger == TRIGGER_QNAME)
			try_name(&best, rule, &scene->names[chain]);
		for (j = 0; rule->trigger == TRIGGER_IP && chain == scene->hops && j < scene->address_count; j++)
			try_address(&best, rule, &scene->addresses[j]);
		for (j = 0; j < scene->server_count; j++) {
			if (scene->servers[j].chain != chain)
				continue;
			if (rule->trigger == TRIGGER_NSDNAME)
				try_name(&best, rule, &scene->servers[j].name);
			else if (rule->trigger == TRIGGER_NSIP)
				try_address(&best, rule, &scene->servers[j].address);
		}
	}
	return best;
}

static enum action asked(const struct rule *rule, size_t list)
{
	return confs[list].action != ACTION_ALLOW ? confs[list].action : rule->action;
}

static bool applies(size_t list, uint16_t qtype)
{
	return (confs[list].qtypes.count == 0 || rrtypes_have(&confs[list].qtypes, qtype)) &&
	       !rrtypes_have(&confs[list].qtypes_exempt, qtype);
}

/* Does a list that serves the group know the name well? */
static bool is_known(const struct name *name, size_t group, uint16_t qtype)
{
	for (size_t list = 0; list < list_count; list++) {
		struct hit best = { .rule = NULL };

		for (size_t i = 0; i < model[list].count; i++)
			if (model[list].rules[i].trigger == TRIGGER_QNAME)
				try_name(&best, &model[list].rules[i], name);
		if (confs[list].trait == TRAIT_POPULAR && best.rule != NULL && crowd_serves(&confs[list], group) &&
		    applies(list, qtype))
			return true;
	}
	return false;
}

struct expected naive_search(const struct scene *scene, const struct address *client, const struct address *server,
			     uint16_t qtype)
{
	const size_t group = crowd_group(client, server);
	struct expected expected = { .action = ACTION_ALLOW };
	bool spared = false;
	unsigned chain;
	size_t list;

	for (chain = 0; chain <= scene->hops; chain++) {
		const struct override *override = crowd_override(&scene->names[chain], client, false);

		if (override != NULL)
			return (struct expected){ .action = override->action, .override = override, .chain = chain };
		for (list = 0; list < list_count; list++) {
			struct hit hit = best_of(list, scene, chain, client);

			if (hit.rule == NULL || confs[list].trait != TRAIT_NONE || !crowd_serves(&confs[list], group) ||
			    confs[list].shadow || !applies(list, qtype) ||
			    (asked(hit.rule, list) == ACTION_OBSERVE && expected.hit.rule != NULL))
				continue;
			expected = (struct expected){ asked(hit.rule, list), NULL, hit, list, chain };
			if (expected.action != ACTION_OBSERVE)
				return expected;
		}
		override = crowd_override(&scene->names[chain], client, true);
		spared |= is_known(&scene->names[chain], group, qtype);
		if (override != NULL && !spared)
			return (struct expected){ .action = override->action, .override = override, .chain = chain };
	}
	return expected;
}
