/* match_rule.c: which of two rules comes first, and what is said of one. */
#include "policy/match.h"

#include <string.h>

#include "policy/address.h"
#include "policy/hot.h"
#include "policy/snapshot_parts.h"

/* --- precedence ------------------------------------------------------------------------------------------------- */

/* IPv4 counts as IPv4-mapped, so that both kinds can be compared: /24 is /120. */
static unsigned mapped_length(const struct match *match)
{
	return match->prefix_length + (match->address.family == ADDRESS_INET ? 96u : 0u);
}

bool match_is_before(const struct match *a, const struct match *b)
{
	int order;

	if (a->trigger != b->trigger)
		return a->trigger < b->trigger;
	if (a->name != NULL && b->name != NULL) {
		order = a->trigger == TRIGGER_NSDNAME ? name_compare(a->name, b->name) : 0;
		return order < 0 || (order == 0 && a->cut < b->cut);
	}
	if (mapped_length(a) != mapped_length(b))
		return mapped_length(a) > mapped_length(b);
	return address_compare(&a->address, &b->address) < 0;
}

/* --- description ------------------------------------------------------------------------------------------------ */

/* Only what denies can say why it did. */
static int16_t ede_of(const struct list_info *list, enum action action)
{
	if (!action_table[action].denies)
		return EDE_NONE;
	return list->ede == EDE_BY_ACTION ? action_table[action].ede : list->ede;
}

static inline void describe_name(const struct name *name, unsigned cut, struct rule_match *to)
{
	const uint8_t *suffix = name_suffix(name, cut);

	to->prefix_length = 0;
	to->address.family = ADDRESS_NONE;
	to->matched_address.family = ADDRESS_NONE;
	to->rule_name.length = (uint8_t)(name->octets + name->length - suffix);
	to->rule_name.labels = (uint8_t)(name->labels - cut);
	/* As name_copy does; what stands behind the name is its room still. */
	if (name->length <= NAME_SHORT_MAX)
		memcpy(to->rule_name.octets, suffix, NAME_SHORT_MAX);
	else
		memcpy(to->rule_name.octets, suffix, to->rule_name.length);
	name_copy(&to->matched_name, name);
}

static void describe_address(const struct match *match, struct rule_match *to)
{
	to->prefix_length = match->prefix_length;
	to->address = match->address;
	to->address.port = 0;
	address_mask(&to->address, match->prefix_length);
	to->matched_address = match->address;
	to->rule_name = (struct name){ .length = 1 };
	to->matched_name.length = 0;
}

HOT void match_describe(const struct snapshot *snapshot, const struct match *match, unsigned chain, struct rule_match *to)
{
	const struct list_info *list = &snapshot->lists[match->class->list];

	to->trigger = match->trigger;
	to->action = match->class->action;
	memcpy(to->list, list->name, sizeof(to->list));
	memcpy(to->category, list->category, sizeof(to->category));
	memcpy(to->attack, list->attack, sizeof(to->attack));
	to->serial = list->serial;
	to->ede = ede_of(list, match->class->action);
	to->wildcard = match->cut != 0;
	to->chain = (uint8_t)chain;
	if (match->name != NULL)
		describe_name(match->name, match->cut, to);
	else
		describe_address(match, to);
}

void match_describe_override(const struct override *override, const struct name *name, unsigned chain,
			     struct rule_match *to)
{
	const unsigned cut = name->labels - (unsigned)override->name.labels;

	to->trigger = TRIGGER_QNAME;
	to->action = override->action;
	memcpy(to->list, OVERRIDE_LIST_NAME, sizeof(OVERRIDE_LIST_NAME));
	to->category[0] = '\0';
	to->attack[0] = '\0';
	to->serial = (uint32_t)override->id;
	to->ede = action_table[override->action].ede;
	to->wildcard = cut != 0;
	to->chain = (uint8_t)chain;
	describe_name(name, cut, to);
}
