/* overlap.c: looks for each rule's name or network among the rules that cover what is below them. */
#include "policy/overlap.h"

#include "policy/address.h"
#include "policy/list_names.h"

#define LENGTHS_MAX 129

struct overlap {
	struct names tables[TRIGGER_COUNT];
	/* Which prefix lengths occur, by trigger and family: the rest need not be looked for. */
	bool lengths[TRIGGER_COUNT][2][LENGTHS_MAX];
	size_t subsumed;
};

static enum trigger trigger_of(const struct rule *rule)
{
	return rule->trigger == TRIGGER_NONE ? TRIGGER_QNAME : rule->trigger;
}

/* Actions without data come before LOCAL_DATA, so each has a bit. */
_Static_assert(ACTION_LOCAL_DATA == 8, "the flags of names hold eight actions");

static uint8_t flag_of(const struct rule *rule)
{
	return (uint8_t)(1u << rule->action);
}

static bool is_counted(const struct rule *rule)
{
	return rule->rdata == NULL && rule->action < ACTION_LOCAL_DATA;
}

/* The network as the compiler sees it, too. */
static struct address network_of(const struct rule *rule, uint8_t *length)
{
	struct address address = rule->address;

	*length = rule->prefix_length;
	prefix_unmap(&address, length);
	return address;
}

static bool add(void *arg, const struct rule *rule)
{
	struct overlap *overlap = arg;
	struct names *names = &overlap->tables[trigger_of(rule)];
	struct address address;
	struct name name;
	uint8_t length;

	if (!is_counted(rule))
		return true;
	if (rule->prefix_length == 0)
		return !rule->below || names_add(names, &rule->name, flag_of(rule));
	address = network_of(rule, &length);
	name = prefix_name(&address, length);
	overlap->lengths[trigger_of(rule)][address.family == ADDRESS_INET6][length] = true;
	return names_add(names, &name, flag_of(rule));
}

static bool is_below_network(const struct overlap *overlap, const struct rule *rule)
{
	const enum trigger trigger = trigger_of(rule);
	uint8_t length;
	struct address address = network_of(rule, &length);

	while (length-- > 0) {
		struct name name;

		if (!overlap->lengths[trigger][address.family == ADDRESS_INET6][length])
			continue;
		address_mask(&address, length);
		name = prefix_name(&address, length);
		if (names_find(&overlap->tables[trigger], &name, 0) & flag_of(rule))
			return true;
	}
	return false;
}

static bool is_below_name(const struct overlap *overlap, const struct rule *rule)
{
	unsigned cut;

	for (cut = 1; cut < rule->name.labels; cut++)
		if (names_find(&overlap->tables[trigger_of(rule)], &rule->name, cut) & flag_of(rule))
			return true;
	return false;
}

static bool count(void *arg, const struct rule *rule)
{
	struct overlap *overlap = arg;

	if (is_counted(rule))
		overlap->subsumed += rule->prefix_length > 0 ? is_below_network(overlap, rule) :
			is_below_name(overlap, rule);
	return true;
}

static bool init(struct overlap *overlap)
{
	bool fine = true;

	*overlap = (struct overlap){ .subsumed = 0 };
	for (size_t i = 0; i < TRIGGER_COUNT; i++)
		fine = fine && names_init(&overlap->tables[i]);
	return fine;
}

int overlap_count(const struct list_conf *conf, size_t *subsumed, struct diag *diag)
{
	struct overlap overlap;
	struct list_stats stats;
	int result;

	if (!init(&overlap))
		return diag_set(diag, conf->file, 0, 0, "no random key from the system");
	result = list_load(conf, 0, add, &overlap, &stats, diag);
	if (result == 0)
		result = list_load(conf, 0, count, &overlap, &stats, diag);
	for (size_t i = 0; i < TRIGGER_COUNT; i++)
		names_fini(&overlap.tables[i]);
	if (result == 0)
		*subsumed = overlap.subsumed;
	return result;
}
