/* match.c: looks up every suffix of a name. */
#include "policy/match.h"

#include <string.h>

static void visit_suffix(const struct snapshot *snapshot, const struct hash *hash, unsigned cut, match_visit visit,
			 void *arg)
{
	uint16_t numbers[SET_SAME_MAX];
	size_t count = set_find(snapshot->set, hash, numbers, SET_SAME_MAX);
	uint16_t number;
	size_t i;

	for (i = 0; i < count; i++) {
		for (number = numbers[i]; number != 0; number = snapshot->classes[number].also) {
			struct match match = { .class = &snapshot->classes[number], .cut = cut };

			if (cut == 0 ? match.class->exact : match.class->below)
				visit(arg, &match);
		}
	}
}

void match_name(const struct snapshot *snapshot, const struct name *name, match_visit visit, void *arg)
{
	const struct hash_depths *depths = set_depths(snapshot->set);
	struct hash hashes[NAME_LABELS_MAX];
	unsigned cut;

	hash_suffixes(&snapshot->key, name, depths, hashes);
	/* All lines are on their way before the first is needed. */
	for (cut = 0; cut < name->labels; cut++)
		if (hash_depths_has(depths, name->labels - cut))
			set_prefetch(snapshot->set, &hashes[cut]);
	for (cut = 0; cut < name->labels; cut++)
		if (hash_depths_has(depths, name->labels - cut))
			visit_suffix(snapshot, &hashes[cut], cut, visit, arg);
}

/* Only what denies can say why it did. */
static int16_t ede_of(const struct list_info *list, enum action action)
{
	if (!action_table[action].denies)
		return EDE_NONE;
	return list->ede == EDE_BY_ACTION ? action_table[action].ede : list->ede;
}

void match_describe(const struct snapshot *snapshot, const struct name *name, const struct match *match,
		    unsigned chain, struct rule_match *to)
{
	const struct list_info *list = &snapshot->lists[match->class->list];
	const uint8_t *suffix = name_suffix(name, match->cut);
	size_t octets = (size_t)(name->octets + name->length - suffix);

	to->trigger = TRIGGER_QNAME;
	to->action = match->class->action;
	memcpy(to->list, list->name, sizeof(to->list));
	memcpy(to->category, list->category, sizeof(to->category));
	memcpy(to->attack, list->attack, sizeof(to->attack));
	to->serial = list->serial;
	to->ede = ede_of(list, match->class->action);
	to->wildcard = match->cut != 0;
	to->chain = (uint8_t)chain;
	to->rule_name.length = (uint8_t)octets;
	to->rule_name.labels = (uint8_t)(name->labels - match->cut);
	memcpy(to->rule_name.octets, suffix, octets);
}
