/* position.c: walks over what an answer is made of, in the order of precedence. */
#include "policy/position.h"

#include "policy/hot.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"

#define BIT(trigger) (1u << (trigger))

/* --- name servers ----------------------------------------------------------------------------------------------- */

static bool has_name(const struct server_names *names, const struct name *name, unsigned chain)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (names->chains[i] == chain && name_equal(&names->names[i], name))
			return true;
	return false;
}

static bool collect_server(void *arg, const struct server *server)
{
	struct server_names *names = arg;
	struct name name;

	if (!name_from_wire(&name, server->name, server->name_length) || has_name(names, &name, server->chain))
		return true;
	names->chains[names->count] = server->chain;
	names->names[names->count++] = name;
	return names->count < FACTS_SERVERS_MAX;
}

void server_names_collect(struct server_names *names, const struct facts *facts)
{
	names->count = 0;
	if (facts->servers != NULL)
		facts->servers(facts->servers_source, collect_server, names);
}

/* --- matches at one position ------------------------------------------------------------------------------------ */

struct matching {
	const struct snapshot *snapshot;
	const struct position *position;
	match_visit visit;
	void *arg;
};

static void match_answer_address(void *arg, const struct address *address)
{
	const struct matching *matching = arg;

	match_address(matching->snapshot, TRIGGER_IP, address, matching->visit, matching->arg);
}

static bool match_record(void *arg, const struct record *record)
{
	if (record->section == SECTION_ANSWER)
		rdata_addresses(record, match_answer_address, arg);
	return true;
}

static void match_addresses(struct matching *matching)
{
	const struct position *position = matching->position;
	const struct facts *facts = position->facts;

	if (position->record != NULL)
		match_record(matching, position->record);
	else if (position->addresses && facts->records != NULL)
		facts->records(facts->source, match_record, matching);
}

static void match_server_names(struct matching *matching)
{
	const struct server_names *servers = matching->position->servers;
	size_t i;

	for (i = 0; servers != NULL && i < servers->count; i++)
		if (servers->chains[i] == matching->position->chain)
			match_name(matching->snapshot, TRIGGER_NSDNAME, &servers->names[i], matching->visit,
				   matching->arg);
}

static bool match_server_address(void *arg, const struct server *server)
{
	const struct matching *matching = arg;

	if (server->chain == matching->position->chain)
		match_address(matching->snapshot, TRIGGER_NSIP, &server->address, matching->visit, matching->arg);
	return true;
}

HOT void position_match(const struct snapshot *snapshot, const struct position *position, match_visit visit, void *arg)
{
	struct matching matching = { snapshot, position, visit, arg };
	const struct facts *facts = position->facts;
	unsigned triggers = snapshot->triggers;

	if (position->clients && triggers & BIT(TRIGGER_CLIENT_IP))
		match_address(snapshot, TRIGGER_CLIENT_IP, &facts->client, visit, arg);
	if (triggers & BIT(TRIGGER_QNAME) &&
	    !(position->name == &facts->qname && facts->unlisted_in == snapshot->number))
		match_qname(snapshot, position->name == &facts->qname ? facts->begun : NULL, position->name, visit, arg);
	if (triggers & BIT(TRIGGER_IP))
		match_addresses(&matching);
	if (triggers & BIT(TRIGGER_NSDNAME))
		match_server_names(&matching);
	if (position->server_addresses && triggers & BIT(TRIGGER_NSIP) && facts->servers != NULL)
		facts->servers(facts->servers_source, match_server_address, &matching);
}

/* --- the chain of aliases --------------------------------------------------------------------------------------- */

/* Following a chain through records that may stand in any order, loop, or lie. */
struct chain {
	const struct name *name;                   /* the last one reached */
	struct name targets[POSITION_HOPS_MAX];
	unsigned hops;
	size_t aliases;                            /* seen in this visit */
	bool moved;                                /* in this visit */
	bool leads_on;                             /* some record has a target of another kind */
	bool goes_on;                              /* there are aliases that were not followed */
};

static bool follow(void *arg, const struct record *record)
{
	struct chain *chain = arg;
	struct name owner;

	if (record->section != SECTION_ANSWER)
		return true;
	if (record->type != RRTYPE_CNAME) {
		chain->leads_on |= rdata_has_target(record->type);
		return true;
	}
	chain->aliases++;
	if (chain->hops == POSITION_HOPS_MAX || !name_from_wire(&owner, record->owner, record->owner_length) ||
	    !name_equal(&owner, chain->name) || !rdata_alias(record, &chain->targets[chain->hops]))
		return true;
	chain->name = &chain->targets[chain->hops++];
	chain->moved = true;
	return true;
}

/* Records in order are followed in one visit; what was passed over before its turn needs another. */
static void chain_follow(struct chain *chain, const struct facts *facts)
{
	chain->name = &facts->qname;
	chain->hops = 0;
	chain->leads_on = false;
	do {
		chain->aliases = 0;
		chain->moved = false;
		facts->records(facts->source, follow, chain);
	} while (chain->moved && chain->aliases > chain->hops && chain->hops < POSITION_HOPS_MAX);
	chain->goes_on = chain->hops == POSITION_HOPS_MAX && chain->aliases > chain->hops;
}

/* --- the walk --------------------------------------------------------------------------------------------------- */

struct walk {
	const struct facts *facts;
	struct position position;
	position_visit visit;
	void *arg;
	bool aliases;              /* are targets, too: the chain is longer than what is followed */
};

/* Where the record leads, as far as the chain has not been there. */
static bool target_of(const struct walk *walk, const struct record *record, struct name *target)
{
	if (record->type == RRTYPE_CNAME)
		return walk->aliases && rdata_alias(record, target);
	return rdata_target(record, target);
}

static bool walk_target(void *arg, const struct record *record)
{
	struct walk *walk = arg;
	struct name target;

	if (record->section != SECTION_ANSWER || !target_of(walk, record, &target))
		return true;
	walk->position.name = &target;
	return walk->visit(walk->arg, &walk->position);
}

static void walk_answer(struct walk *walk)
{
	const struct facts *facts = walk->facts;
	struct position *position = &walk->position;
	struct chain chain;

	chain_follow(&chain, facts);
	for (; position->chain <= chain.hops; position->chain++) {
		if (position->chain > 0)
			position->name = &chain.targets[position->chain - 1];
		position->clients = position->chain == 0;
		position->addresses = position->chain == chain.hops;
		if (!walk->visit(walk->arg, position))
			return;
	}
	if (!chain.leads_on && !chain.goes_on)
		return;
	walk->aliases = chain.goes_on;
	*position = (struct position){ .facts = facts, .chain = chain.hops };
	facts->records(facts->source, walk_target, walk);
}

static HOT void walk_all(struct walk *walk, enum stage stage)
{
	const bool answered = stage == STAGE_ANSWER && walk->facts->records != NULL;

	walk->position.addresses = answered;
	if (answered && !walk->facts->leads_nowhere)
		walk_answer(walk);
	else
		walk->visit(walk->arg, &walk->position);
}

/* Apart, so that a walk without servers does not touch so much stack. */
static __attribute__((noinline)) void walk_with_servers(struct walk *walk, enum stage stage)
{
	struct server_names names;

	server_names_collect(&names, walk->facts);
	walk->position.servers = &names;
	walk_all(walk, stage);
	walk->position.servers = NULL;
}

HOT void position_walk(const struct snapshot *snapshot, const struct facts *facts, enum stage stage,
		   position_visit visit, void *arg)
{
	struct walk walk = {
		.facts = facts,
		.position = { .facts = facts, .name = &facts->qname, .clients = true, .server_addresses = true },
		.visit = visit,
		.arg = arg,
	};

	if (facts->servers != NULL && snapshot->triggers & BIT(TRIGGER_NSDNAME))
		walk_with_servers(&walk, stage);
	else
		walk_all(&walk, stage);
}
