/* conf_group.c: what can be wrong with client groups, alone and together. */
#include "policy/conf_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"

/* A group has a network. */
struct claim {
	const struct group_conf *group;
	const struct network *network;
};

const char *group_conf_wrong(const struct group_conf *group)
{
	if (*group->name == '\0')
		return "has no `name:`: add one, lists and frames tell groups by it";
	if (group->network_count == 0 && group->interface_count == 0)
		return "has neither a `network:` nor an `interface:`: add one, or nobody is in it";
	return NULL;
}

static const struct group_conf *parent_of(const struct conf *conf, const struct group_conf *group)
{
	size_t i;

	for (i = 0; i < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, group->parent) == 0)
			return &conf->groups[i];
	return NULL;
}

/* A group whose ancestors lead back to it; NULL: none. */
static const struct group_conf *find_circle(const struct conf *conf)
{
	size_t i, steps;

	for (i = 0; i < conf->group_count; i++) {
		const struct group_conf *at = parent_of(conf, &conf->groups[i]);

		for (steps = 0; at != NULL && steps < conf->group_count; steps++) {
			if (at == &conf->groups[i])
				return at;
			at = parent_of(conf, at);
		}
	}
	return NULL;
}

static int compare_networks(const struct network *a, const struct network *b)
{
	int order;

	if (a->address.family != b->address.family)
		return a->address.family < b->address.family ? -1 : 1;
	order = memcmp(a->address.octets, b->address.octets, sizeof(a->address.octets));
	return order != 0 ? order : (int)a->prefix_length - (int)b->prefix_length;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *first = a, *second = b;
	int order = compare_networks(first->network, second->network);

	if (order != 0)
		return order;
	return first->group < second->group ? -1 : first->group > second->group;
}

/* Could nobody say which of the two a query belongs to that fits the network of both? */
static bool share_interface(const struct group_conf *a, const struct group_conf *b)
{
	size_t i, j;

	if (a->interface_count == 0 || b->interface_count == 0)
		return a->interface_count == b->interface_count;
	for (i = 0; i < a->interface_count; i++)
		for (j = 0; j < b->interface_count; j++)
			if (compare_networks(&a->interfaces[i], &b->interfaces[j]) == 0 &&
			    a->interfaces[i].address.port == b->interfaces[j].address.port)
				return true;
	return false;
}

static void tell_clash(const struct claim *claim, const struct group_conf *other, char *wrong)
{
	const struct network *network = claim->network;
	char shown[INET6_ADDRSTRLEN];

	inet_ntop(network->address.family == ADDRESS_INET ? AF_INET : AF_INET6, network->address.octets, shown,
		sizeof(shown));
	snprintf(wrong, CONF_WRONG_MAX, "has network %s/%u%s, as has group %s at line %u: remove one of the two",
		shown, network->prefix_length, claim->group->interface_count > 0 ? " on the same interface" : "",
		other->name, other->line);
}

/* Claims of one network stand together. */
static const struct group_conf *find_clash(const struct claim *claims, size_t count, char *wrong)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		for (j = i; j > 0 && compare_networks(claims[i].network, claims[j - 1].network) == 0; j--) {
			if (claims[j - 1].group == claims[i].group ||
			    !share_interface(claims[j - 1].group, claims[i].group))
				continue;
			tell_clash(&claims[i], claims[j - 1].group, wrong);
			return claims[i].group;
		}
	}
	return NULL;
}

/* A group may say a network any number of times. */
static size_t leave_once(struct claim *claims, size_t count)
{
	size_t kept = 0, i;

	for (i = 0; i < count; i++)
		if (kept == 0 || compare_claims(&claims[kept - 1], &claims[i]) != 0)
			claims[kept++] = claims[i];
	return kept;
}

static const struct group_conf *find_network_twice(const struct conf *conf, char *wrong)
{
	const struct group_conf *found = NULL;
	size_t count = 0, i, j;
	struct claim *claims;

	for (i = 0; i < conf->group_count; i++)
		count += conf->groups[i].network_count;
	claims = calloc(count + 1, sizeof(*claims));
	if (claims == NULL)
		return NULL;
	count = 0;
	for (i = 0; i < conf->group_count; i++)
		for (j = 0; j < conf->groups[i].network_count; j++)
			claims[count++] = (struct claim){ &conf->groups[i], &conf->groups[i].networks[j] };
	qsort(claims, count, sizeof(*claims), compare_claims);
	found = find_clash(claims, leave_once(claims, count), wrong);
	free(claims);
	return found;
}

/* Groups without networks are told apart by their interfaces alone. */
static const struct group_conf *find_interface_twice(const struct conf *conf, char *wrong)
{
	size_t i, j;

	for (i = 0; i < conf->group_count; i++) {
		for (j = 0; j < i; j++) {
			const struct group_conf *a = &conf->groups[j], *b = &conf->groups[i];

			if (a->network_count > 0 || b->network_count > 0 || !share_interface(a, b))
				continue;
			snprintf(wrong, CONF_WRONG_MAX, "has the same interface as group %s at line %u: "
				"remove one of the two, or tell them apart by networks", a->name, a->line);
			return b;
		}
	}
	return NULL;
}

const struct group_conf *groups_wrong(const struct conf *conf, char *wrong)
{
	const struct group_conf *found = find_circle(conf);

	if (found != NULL) {
		snprintf(wrong, CONF_WRONG_MAX, "is its own ancestor by way of `parent: %.63s`: "
			"remove one `parent:` of the circle", found->parent);
		return found;
	}
	found = find_network_twice(conf, wrong);
	return found != NULL ? found : find_interface_twice(conf, wrong);
}
