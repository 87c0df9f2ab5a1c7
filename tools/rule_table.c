/* rule_table.c: packs rules as they are read, and sorts them. */
#include "tools/rule_table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"

#define NETWORK_OCTETS 18    /* family, prefix length, address */
#define HEAD_OCTETS 5        /* trigger, covers, action, by_list, octets of the owner */
#define RECORD_HEAD_OCTETS 8 /* type, rdata length, TTL */
#define FIRST_ENTRIES 1024
#define FIRST_OCTETS (32 * 1024)

/* --- packing ---------------------------------------------------------------------------------------------------- */

static bool make_room(struct rule_table *table, size_t octets)
{
	while (table->count == table->room) {
		const size_t room = table->room == 0 ? FIRST_ENTRIES : table->room + table->room / 2;
		struct rule_entry *more = reallocarray(table->entries, room, sizeof(*more));

		if (more == NULL)
			return false;
		table->entries = more;
		table->room = room;
	}
	while (octets > table->cap - table->used) {
		const size_t cap = table->cap == 0 ? FIRST_OCTETS + octets : table->cap + table->cap / 2 + octets;
		uint8_t *more = realloc(table->octets, cap);

		if (more == NULL)
			return false;
		table->octets = more;
		table->cap = cap;
	}
	return true;
}

static bool is_network(enum trigger trigger)
{
	return trigger == TRIGGER_CLIENT_IP || trigger == TRIGGER_IP || trigger == TRIGGER_NSIP;
}

/* False: a prefix that no compiled policy has either. */
static bool pack_network(const struct rule *rule, uint8_t *to)
{
	struct address address = rule->address;
	uint8_t length = rule->prefix_length;

	if (address.family == ADDRESS_NONE || length > address_bits(address.family))
		return false;
	address_mask(&address, length);
	prefix_unmap(&address, &length);
	to[0] = (uint8_t)address.family;
	to[1] = length;
	memset(to + 2, 0, 16);
	memcpy(to + 2, address.octets, address_bits(address.family) / 8);
	return true;
}

/* As the compiler chooses it (policy/snapshot.c). */
static enum action action_of(const struct list_conf *conf, const struct rule *rule, bool *by_list)
{
	const bool own = conf->action == ACTION_ALLOW || rule->keeps_action;
	const enum action action = own ? rule->action : conf->action;

	*by_list = !own || rule->action == ACTION_ALLOW;
	if (action == ACTION_ALLOW)
		return ACTION_NXDOMAIN;
	return action == ACTION_LOCAL_DATA && rule->rdata == NULL ? ACTION_NODATA : action;
}

static uint8_t *pack_record(uint8_t *at, const struct rule *rule)
{
	memcpy(at, &rule->type, 2);
	memcpy(at + 2, &rule->rdata_length, 2);
	memcpy(at + 4, &rule->ttl, 4);
	memcpy(at + RECORD_HEAD_OCTETS, rule->rdata, rule->rdata_length);
	return at + RECORD_HEAD_OCTETS + rule->rdata_length;
}

static bool keep_rule(void *arg, const struct rule *rule)
{
	struct rule_table *table = arg;
	const enum trigger trigger = rule->trigger == TRIGGER_NONE ? TRIGGER_QNAME : rule->trigger;
	uint8_t network[NETWORK_OCTETS], *at;
	const uint8_t *owner = is_network(trigger) ? network : rule->name.octets;
	const uint8_t octets = is_network(trigger) ? NETWORK_OCTETS : rule->name.length;
	bool by_list;
	const enum action action = action_of(table->conf, rule, &by_list);

	if (is_network(trigger) && !pack_network(rule, network))
		return true;
	if (!make_room(table, HEAD_OCTETS + octets + RECORD_HEAD_OCTETS + rule->rdata_length))
		return false;
	at = table->octets + table->used;
	at[0] = (uint8_t)trigger;
	at[1] = is_network(trigger) ? COVERS_EXACT : (uint8_t)(rule->exact | rule->below << 1);
	at[2] = (uint8_t)action;
	at[3] = by_list;
	at[4] = octets;
	memcpy(at + HEAD_OCTETS, owner, octets);
	table->entries[table->count++] = (struct rule_entry){ .at = table->used, .line = rule->line,
		.tag = hash_octets(&table->key, owner, octets) + trigger };
	at += HEAD_OCTETS + octets;
	if (action == ACTION_LOCAL_DATA)
		at = pack_record(at, rule);
	table->used = (size_t)(at - table->octets);
	return true;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

struct rule_view rule_table_view(const struct rule_table *table, size_t index)
{
	const uint8_t *at = table->octets + table->entries[index].at;
	struct rule_view view = {
		.trigger = (enum trigger)at[0], .covers = at[1], .action = (enum action)at[2], .by_list = at[3] != 0,
		.owner = at + HEAD_OCTETS, .owner_octets = at[4], .line = table->entries[index].line,
	};

	if (view.action != ACTION_LOCAL_DATA)
		return view;
	at += HEAD_OCTETS + view.owner_octets;
	memcpy(&view.record.type, at, 2);
	memcpy(&view.record.rdata_length, at + 2, 2);
	memcpy(&view.record.ttl, at + 4, 4);
	view.record.rdata = at + RECORD_HEAD_OCTETS;
	return view;
}

static int compare_entries(const struct rule_table *a, const struct rule_entry *x, const struct rule_table *b,
	const struct rule_entry *y)
{
	const uint8_t *left, *right;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	left = a->octets + x->at;
	right = b->octets + y->at;
	if (left[0] != right[0])
		return left[0] < right[0] ? -1 : 1;
	/* The length first: it stands right before the owner. */
	return memcmp(left + HEAD_OCTETS - 1, right + HEAD_OCTETS - 1, left[4] < right[4] ? left[4] + 1u : right[4] + 1u);
}

int rule_table_compare(const struct rule_table *a, size_t i, const struct rule_table *b, size_t j)
{
	return compare_entries(a, &a->entries[i], b, &b->entries[j]);
}

static int by_owner(const void *a, const void *b, void *table)
{
	const struct rule_entry *x = a, *y = b;
	const int order = compare_entries(table, x, table, y);

	return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

int rule_table_load(struct rule_table *table, const struct list_conf *conf, const struct hash_key *key, int64_t now,
	struct diag *diag)
{
	*table = (struct rule_table){ .key = *key, .conf = conf };
	if (list_load(conf, now, keep_rule, table, &table->stats, diag) != 0) {
		rule_table_fini(table);
		return -1;
	}
	if (table->count > 1)
		qsort_r(table->entries, table->count, sizeof(*table->entries), by_owner, table);
	return 0;
}

void rule_table_fini(struct rule_table *table)
{
	free(table->entries);
	free(table->octets);
	*table = (struct rule_table){ .entries = NULL };
}

char *rule_owner_text(const struct rule_view *rule, unsigned covers, char *to)
{
	char name[NAME_TEXT_MAX], address[INET6_ADDRSTRLEN] = "";

	if (!is_network(rule->trigger)) {
		snprintf(to, NAME_TEXT_MAX + 2, "%s%s", covers == COVERS_BELOW ? "*." : "",
			name_wire_to_text(rule->owner, rule->owner_octets, name));
		return to;
	}
	inet_ntop(rule->owner[0] == ADDRESS_INET ? AF_INET : AF_INET6, rule->owner + 2, address, sizeof(address));
	snprintf(to, NAME_TEXT_MAX + 2, "%s/%u", address, rule->owner[1]);
	return to;
}
