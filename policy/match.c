/* match.c: looks up every suffix of a name. */
#include "policy/match.h"

#include <string.h>

/* A suffix that the filter lets through. */
struct candidate {
	struct hash_half half;
	unsigned cut;
};

static void visit_candidate(const struct snapshot *snapshot, const struct candidate *candidate, match_visit visit,
			    void *arg)
{
	uint16_t numbers[SET_SAME_MAX];
	size_t count = set_find(snapshot->set, &candidate->half, numbers, SET_SAME_MAX);
	uint16_t number;
	size_t i;

	for (i = 0; i < count; i++) {
		for (number = numbers[i]; number != 0; number = snapshot->classes[number].also) {
			struct match match = { .class = &snapshot->classes[number], .cut = candidate->cut };

			if (candidate->cut == 0 ? match.class->exact : match.class->below)
				visit(arg, &match);
		}
	}
}

static bool asks_filter(unsigned labels)
{
	return labels >= SET_ABOVE_FROM && labels <= SET_ABOVE_TO;
}

/* Walks down from the top as far as there can be rules. Fills `candidates`, the shortest first. */
static size_t collect(const struct snapshot *snapshot, const struct name *name, struct candidate *candidates)
{
	const struct hash_depths *depths = set_depths(snapshot->set);
	struct hash_walk walk;
	size_t count = 0;
	unsigned labels;

	hash_walk_begin(&walk, &snapshot->key, name);
	for (labels = 1; labels <= name->labels; labels++) {
		struct candidate *candidate = &candidates[count];
		struct set_hint hint;

		hash_walk_label(&walk);
		if (!hash_depths_has(depths, labels) && !asks_filter(labels))
			continue;
		hash_walk_half(&walk, &candidate->half);
		hint = set_hint(snapshot->set, candidate->half.low);
		if (hint.here && hash_depths_has(depths, labels)) {
			/* On its way while the walk goes on. */
			set_prefetch(snapshot->set, candidate->half.low);
			candidate->cut = walk.cut;
			count++;
		}
		if (!hint.below && asks_filter(labels))
			break;
	}
	return count;
}

void match_name(const struct snapshot *snapshot, const struct name *name, match_visit visit, void *arg)
{
	struct candidate candidates[NAME_LABELS_MAX];
	size_t count = collect(snapshot, name, candidates);

	while (count-- > 0)
		visit_candidate(snapshot, &candidates[count], visit, arg);
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
