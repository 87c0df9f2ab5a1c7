/* servers.c: walks up from a name through the NS records of the cache. */
#include "module/servers.h"

#include <string.h>

#include "module/extract.h"
#include "module/upstream.h"

#define HOPS_MAX 16            /* as many names of a chain as the policy judges */
#define SERVER_ADDRESSES_MAX 16

struct walk {
	struct servers *servers;
	uint16_t class;            /* host order */
	uint8_t chain;
	uint8_t zone_labels;       /* of the zone whose servers are being added */
	uint8_t configured_labels; /* of the stub that the name of the chain is in (policy/facts.h) */
};

/* The names of one zone's servers, copied: one lock at a time. */
struct zone_servers {
	size_t count;
	struct name names[FACTS_SERVERS_MAX];
};

/* An RRset of the message itself, or one of the cache, whose lock is then *locked. */
struct held {
	const struct packed_rrset_data *data;   /* NULL: not known */
	struct ub_packed_rrset_key *locked;
};

static const struct packed_rrset_data *find_in_reply(const struct reply_info *reply, const uint8_t *name,
	uint16_t type)
{
	for (size_t i = 0; reply != NULL && i < reply->rrset_count; i++) {
		const struct packed_rrset_key *key = &reply->rrsets[i]->rk;

		if (key->type == htons(type) && query_dname_compare(key->dname, (uint8_t *)(uintptr_t)name) == 0)
			return reply->rrsets[i]->entry.data;
	}
	return NULL;
}

static struct held hold(const struct walk *walk, const uint8_t *name, size_t octets, uint16_t type)
{
	struct module_env *env = walk->servers->env;
	time_t now = walk->servers->qstate != NULL ? *env->now : 0;
	struct held held = { .data = find_in_reply(walk->servers->reply, name, type) };

	if (held.data != NULL)
		return held;
	held.locked = rrset_cache_lookup(env->rrset_cache, (uint8_t *)(uintptr_t)name, octets, type, walk->class, 0,
		now, 0);
	if (held.locked != NULL)
		held.data = held.locked->entry.data;
	return held;
}

static void let_go(struct held *held)
{
	if (held->locked != NULL)
		lock_rw_unlock(&held->locked->entry.lock);
}

static void read_servers(struct walk *walk, const uint8_t *zone, size_t octets, struct zone_servers *to)
{
	struct held held = hold(walk, zone, octets, LDNS_RR_TYPE_NS);
	const struct packed_rrset_data *data = held.data;

	to->count = 0;
	for (size_t i = 0; data != NULL && i < data->count; i++)
		if (to->count == FACTS_SERVERS_MAX)
			walk->servers->left_out++;
		else if (name_from_wire(&to->names[to->count], data->rr_data[i] + 2, data->rr_len[i] - 2))
			to->count++;
	let_go(&held);
}

/* Appends the addresses of that type. */
static size_t read_addresses(struct walk *walk, const struct name *server, uint16_t type, struct address *to,
	size_t count)
{
	const bool inet = type == LDNS_RR_TYPE_A;
	const size_t octets = inet ? 4 : 16;
	struct held held = hold(walk, server->octets, server->length, type);
	const struct packed_rrset_data *data = held.data;

	for (size_t i = 0; data != NULL && i < data->count; i++) {
		if (data->rr_len[i] != octets + 2)
			continue;
		if (count == SERVER_ADDRESSES_MAX) {
			walk->servers->left_out++;
			continue;
		}
		to[count] = (struct address){ .family = inet ? ADDRESS_INET : ADDRESS_INET6 };
		memcpy(to[count++].octets, data->rr_data[i] + 2, octets);
	}
	let_go(&held);
	return count;
}

static bool is_full(const struct walk *walk)
{
	const struct servers *servers = walk->servers;

	return servers->name_count == FACTS_SERVERS_MAX || servers->count == SERVERS_ADDRESSES_MAX;
}

static void add(struct walk *walk, const struct name *name, const struct address *address)
{
	struct servers *servers = walk->servers;
	/* The addresses of one server come one after the other. */
	const bool same = servers->name_count > 0 && name_equal(&servers->names[servers->name_count - 1], name);

	if (servers->count == SERVERS_ADDRESSES_MAX || (!same && servers->name_count == FACTS_SERVERS_MAX)) {
		servers->left_out++;
		return;
	}
	if (!same)
		servers->names[servers->name_count++] = *name;
	servers->found[servers->count].address = *address;
	servers->found[servers->count].name = (uint8_t)(servers->name_count - 1);
	servers->found[servers->count].zone_labels = walk->zone_labels;
	servers->found[servers->count].configured_labels = walk->configured_labels;
	servers->found[servers->count++].chain = walk->chain;
}

static void add_server(struct walk *walk, const struct name *name)
{
	struct address addresses[SERVER_ADDRESSES_MAX];
	size_t count = read_addresses(walk, name, LDNS_RR_TYPE_A, addresses, 0);

	count = read_addresses(walk, name, LDNS_RR_TYPE_AAAA, addresses, count);
	if (count == 0)
		add(walk, name, &(struct address){ .family = ADDRESS_NONE });
	for (size_t i = 0; i < count; i++)
		add(walk, name, &addresses[i]);
}

/* Where the iterator asked last: stubs, and what a state that must not store anything keeps out of the cache.
 * Forwarders are no servers of the zone. NULL: it did not run. */
static const struct delegpt *last_delegation(const struct module_qstate *qstate)
{
	const struct iter_qstate *iter = qstate != NULL ? extract_iterator(qstate) : NULL;

	return iter != NULL && !(iter->chase_flags & BIT_RD) ? iter->dp : NULL;
}

static void add_delegation(struct walk *walk, const struct delegpt *delegation)
{
	struct address address = { .family = ADDRESS_NONE };
	struct name name;

	for (const struct delegpt_ns *ns = delegation->nslist; ns != NULL; ns = ns->next)
		if (name_from_wire(&name, ns->name, ns->namelen))
			add(walk, &name, &address);
	/* Whose address it is, is not known here. */
	name = (struct name){ .length = 1 };
	for (const struct delegpt_addr *addr = delegation->target_list; addr != NULL; addr = addr->next_target) {
		extract_address(&address, &addr->addr, addr->addrlen);
		add(walk, &name, &address);
	}
}

static bool is_zone_of(const struct delegpt *delegation, const uint8_t *zone)
{
	return delegation != NULL && query_dname_compare(delegation->name, (uint8_t *)(uintptr_t)zone) == 0;
}

static bool has_dots(const struct walk *walk, unsigned labels)
{
	return (labels > 0 ? labels - 1 : 0) >= walk->servers->dots_min;
}

static void walk_up(struct walk *walk, const struct name *name)
{
	const struct delegpt *delegation = last_delegation(walk->servers->qstate);
	struct zone_servers servers;

	for (unsigned cut = 0; cut <= name->labels && !is_full(walk); cut++) {
		const unsigned labels = name->labels - cut;
		const uint8_t *zone = name_suffix(name, cut);

		if (!has_dots(walk, labels))
			return;
		walk->zone_labels = (uint8_t)labels;
		read_servers(walk, zone, (size_t)(name->octets + name->length - zone), &servers);
		for (size_t i = 0; i < servers.count; i++)
			add_server(walk, &servers.names[i]);
		if (servers.count == 0 && is_zone_of(delegation, zone))
			add_delegation(walk, delegation);
	}
}

static void add_stub(void *arg, const struct delegpt *stub)
{
	struct walk *walk = arg;

	/* Of a delegation the root is counted as a label. */
	walk->zone_labels = (uint8_t)(stub->namelabs - 1);
	if (has_dots(walk, (unsigned)stub->namelabs - 1))
		add_delegation(walk, stub);
}

/* Has nothing been found of what serves `name`, from the one numbered `first` on? */
static bool found_nothing(const struct walk *walk, size_t first)
{
	const struct servers *servers = walk->servers;

	for (size_t i = first; i < servers->count; i++)
		if (!servers->by_address || servers->found[i].address.family != ADDRESS_NONE)
			return false;
	return !is_full(walk);
}

/* Where the iterator would have been, if it ran. */
static void walk_configured(struct walk *walk, const struct name *name, size_t first)
{
	struct servers *servers = walk->servers;
	bool stub = upstream_visit_stub(servers->env, name, walk->class, add_stub, walk);

	if (!stub && has_dots(walk, name->labels) && found_nothing(walk, first) &&
	    !upstream_is_forwarded(servers->env, name, walk->class))
		servers->unknown = true;
}

/* The alias of `name` among the records. */
struct alias {
	struct name name;
	bool found;
};

static bool find_alias(void *arg, const struct record *record)
{
	struct alias *alias = arg;
	struct name owner;

	if (record->section != SECTION_ANSWER || record->type != LDNS_RR_TYPE_CNAME ||
	    !name_from_wire(&owner, record->owner, record->owner_length) || !name_equal(&owner, &alias->name))
		return true;
	alias->found = name_from_wire(&alias->name, record->rdata, record->rdata_length);
	return !alias->found;
}

static void collect(struct servers *servers)
{
	const struct facts *facts = servers->facts;
	struct walk walk = { .servers = servers, .class = facts->qclass };
	struct alias alias = { .name = facts->qname };

	servers->name_count = 0;
	servers->count = 0;
	servers->left_out = 0;
	servers->unknown = false;
	do {
		const size_t first = servers->count;

		walk.configured_labels = servers->by_upstream ?
			upstream_configured_labels(servers->env, &alias.name, walk.class) : 0;
		walk_up(&walk, &alias.name);
		if (servers->qstate == NULL)
			walk_configured(&walk, &alias.name, first);
		alias.found = false;
		if (facts->records != NULL && ++walk.chain <= HOPS_MAX)
			facts->records(facts->source, find_alias, &alias);
	} while (alias.found && !servers->first_alone && !is_full(&walk));
}

static size_t walk_servers(const void *source, server_visit visit, void *arg)
{
	const struct servers *servers = source;
	bool going = true;

	for (size_t i = 0; i < servers->count && going; i++) {
		const struct server server = {
			.name = servers->names[servers->found[i].name].octets,
			.name_length = servers->names[servers->found[i].name].length,
			.address = servers->found[i].address,
			.chain = servers->found[i].chain,
			.zone_labels = servers->found[i].zone_labels,
			.configured_labels = servers->found[i].configured_labels,
		};

		going = visit(arg, &server);
	}
	return servers->left_out;
}

static size_t walk_late(const void *source, server_visit visit, void *arg)
{
	/* It is the caller's of servers_attach_late, who may change it. */
	struct servers *servers = (struct servers *)(uintptr_t)source;

	if (servers->late)
		collect(servers);
	servers->late = false;
	return walk_servers(source, visit, arg);
}

bool servers_wanted(const struct snapshot *snapshot)
{
	return snapshot_server_triggers(snapshot) != 0;
}

void servers_show(const struct servers *servers, struct facts *facts)
{
	facts->servers = walk_servers;
	facts->servers_source = servers;
}

/* What most policies need none of has to cost little. */
static bool is_wanted(struct facts *facts, const struct snapshot *snapshot)
{
	facts->servers = NULL;
	facts->servers_source = NULL;
	return servers_wanted(snapshot);
}

static void attach(struct servers *servers, struct facts *facts, const struct snapshot *snapshot)
{
	servers->facts = facts;
	servers->by_address = (snapshot_server_triggers(snapshot) & 1u << TRIGGER_NSIP) != 0;
	servers->first_alone = false;
	servers->by_upstream = snapshot_has_inventory(snapshot);
	servers->dots_min = snapshot_options(snapshot)->min_ns_dots;
	collect(servers);
	servers_show(servers, facts);
}

void servers_attach(struct servers *servers, struct facts *facts, struct module_qstate *qstate,
	const struct reply_info *reply, const struct snapshot *snapshot)
{
	if (!is_wanted(facts, snapshot))
		return;
	servers->env = qstate->env;
	servers->qstate = qstate;
	servers->reply = reply;
	attach(servers, facts, snapshot);
}

void servers_attach_cached(struct servers *servers, struct facts *facts, struct module_env *env,
	const struct snapshot *snapshot)
{
	if (!is_wanted(facts, snapshot))
		return;
	servers->env = env;
	servers->qstate = NULL;
	servers->reply = NULL;
	attach(servers, facts, snapshot);
}

void servers_attach_late(struct servers *servers, struct facts *facts, struct module_qstate *qstate,
	const struct reply_info *reply)
{
	servers->env = qstate->env;
	servers->qstate = qstate;
	servers->reply = reply;
	servers->facts = facts;
	servers->dots_min = 1;
	servers->late = servers->first_alone = true;
	servers->by_upstream = servers->by_address = false;
	facts->servers = walk_late;
	facts->servers_source = servers;
}
