/* evaluate_inventory.c: what the inventory of name servers decides, before all lists. */
#include <string.h>

#include "policy/inventory.h"
#include "policy/judging.h"

static void describe(const struct intruder *intruder, unsigned chain, struct rule_match *to)
{
	*to = (struct rule_match){
		.trigger = intruder->trigger,
		.action = intruder->action,
		.list = INVENTORY_LIST_NAME,
		.attack = INVENTORY_ATTACK,
		.ede = action_table[intruder->action].ede,
		.chain = (uint8_t)chain,
		.rule_name = *intruder->zone,
	};
	if (intruder->trigger == TRIGGER_NSIP)
		to->matched_address = intruder->address;
	if (intruder->trigger == TRIGGER_NSDNAME)
		to->matched_name = intruder->name;
}

static void report(struct judging *judging, const struct intruder *intruder, unsigned chain)
{
	struct verdict *verdict = judging->verdict;
	struct rule_match *to;

	if (!judging->open)
		return;
	to = judging->snapshot->shadow ? &verdict->shadow : &verdict->rule;
	if (to->trigger != TRIGGER_NONE && to->action != ACTION_OBSERVE)
		return;
	describe(intruder, chain, to);
	if (!judging->snapshot->shadow)
		verdict->action = ACTION_OBSERVE;
}

static void decide(struct judging *judging, const struct intruder *intruder, unsigned chain)
{
	const struct policy_options *options = &judging->snapshot->options;
	const uint32_t most = options->max_policy_ttl;
	struct verdict *verdict = judging->verdict;

	if (judging->undecided != 0) {
		judging->decisions++;
		judging->denied_to_some |= action_table[intruder->action].denies;
	}
	judging->undecided = 0;
	if (!judging->open)
		return;
	judging->open = false;
	describe(intruder, chain, &verdict->rule);
	verdict->action = intruder->action;
	verdict->final = judging->stage == STAGE_ANSWER ||
			 (!options->qname_wait_recurse && !(options->keep_dnssec && judging->facts->dnssec_ok));
	verdict->ttl = most != 0 && most < INVENTORY_TTL ? most : INVENTORY_TTL;
	verdict->data = NULL;
}

void judge_inventory(struct judging *judging, const struct position *position)
{
	struct intruder intruder;

	if (!inventory_find_intruder(judging->snapshot->inventory, position->name, position->chain, judging->facts,
		&intruder))
		return;
	if (judging->snapshot->shadow || intruder.action == ACTION_OBSERVE)
		report(judging, &intruder, position->chain);
	else
		decide(judging, &intruder, position->chain);
}
