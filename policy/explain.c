/* explain.c: tells every matching rule and how it fared. */
#include "policy/explain.h"

#include "policy/address.h"
#include "policy/detection.h"
#include "policy/evaluate.h"
#include "policy/position.h"
#include "policy/snapshot_parts.h"

/* Rules of one list that match at one position; a list with more shows those that were found first. */
#define MATCHES_MAX 256

/* One list's candidates at one position at a time: people read in the order of precedence. */
struct telling {
	const struct snapshot *snapshot;
	const struct facts *facts;
	const struct verdict *verdict;
	explain_visit visit;
	void *arg;
	size_t list;
	struct match matches[MATCHES_MAX];
	size_t count;
	bool decided;          /* by a list or a name before this one */
	bool decided_here;     /* at this position */
	bool overridden;       /* by an override */
	bool observed;         /* the rule that observes was told */
	bool spared;           /* from detectors, by a list that knows this name or one before it */
	bool going;
};

static const char *why_not(const struct telling *telling, size_t index)
{
	const struct list_info *list = &telling->snapshot->lists[telling->list];
	const struct match *match = &telling->matches[index];
	const bool observes = match->class->action == ACTION_OBSERVE;

	if ((list->groups >> telling->verdict->group & 1) == 0)
		return "list does not serve the client's group";
	if (!list_applies(list, telling->facts->qtype))
		return "list does not judge this question type";
	if (index > 0)
		return telling->matches[0].trigger == match->trigger ? "less specific rule of the same list"
								     : "another trigger of the same list comes first";
	if (list->trait != TRAIT_NONE)
		return "list tells what is known of names, and never decides";
	if (list->shadow)
		return "list is in shadow";
	if (telling->snapshot->options.recursive_only && !telling->facts->recursion_desired)
		return "queries without RD are not judged";
	if (observes && (telling->observed || telling->verdict->action != ACTION_OBSERVE))
		return "observe never decides";
	if (telling->decided && telling->decided_here && telling->overridden)
		return "an override decided";
	if (telling->decided)
		return telling->decided_here ? "list comes later" : "an earlier name decided";
	if (!observes && telling->verdict->rule.trigger == TRIGGER_NONE)
		return "answer is signed, and the client asked for signatures";
	return NULL;
}

static void tell(struct telling *telling, size_t index, unsigned chain)
{
	const struct match *match = &telling->matches[index];
	struct explain_candidate candidate;

	match_describe(telling->snapshot, match, chain, &candidate.match);
	candidate.list_index = telling->list;
	candidate.override = NULL;
	candidate.shadow = telling->snapshot->lists[telling->list].shadow;
	candidate.why_not = why_not(telling, index);
	candidate.won = candidate.why_not == NULL;
	candidate.data = match->class->data;
	if (candidate.won && match->class->action == ACTION_OBSERVE)
		telling->observed = true;
	else if (candidate.won)
		telling->decided = telling->decided_here = true;
	telling->going = telling->visit(telling->arg, &candidate);
}

/* Several addresses can match one rule: it is told once. */
static bool is_same_rule(const struct match *a, const struct match *b)
{
	struct address prefixes[2] = { a->address, b->address };

	if (a->class != b->class || a->trigger != b->trigger || a->name != NULL || b->name != NULL ||
	    a->prefix_length != b->prefix_length)
		return false;
	address_mask(&prefixes[0], a->prefix_length);
	address_mask(&prefixes[1], b->prefix_length);
	return address_compare(&prefixes[0], &prefixes[1]) == 0;
}

/* Keeps the matches of the list in their order of precedence. */
static void collect(void *arg, const struct match *match)
{
	struct telling *telling = arg;
	size_t at;

	if (match->class->list != telling->list || telling->count == MATCHES_MAX)
		return;
	for (at = 0; at < telling->count; at++)
		if (is_same_rule(match, &telling->matches[at]))
			return;
	for (at = telling->count++; at > 0 && match_is_before(match, &telling->matches[at - 1]); at--)
		telling->matches[at] = telling->matches[at - 1];
	telling->matches[at] = *match;
}

/* --- overrides -------------------------------------------------------------------------------------------------- */

/* The overrides at one position. */
struct override_telling {
	struct telling *telling;
	const struct position *position;
	bool detectors;        /* theirs, or the operators' */
};

static const char *what_decided(const struct telling *telling, bool detectors)
{
	if (!telling->decided_here)
		return "an earlier name decided";
	if (!telling->overridden)
		return "a list decided, and lists come before detectors";
	return detectors ? "another override decided" : "a more specific override decided";
}

static const char *why_not_override(const struct telling *telling, const struct override *override, bool detectors)
{
	if (!override_is_for(override, &telling->facts->client))
		return "override is for other clients";
	if (telling->snapshot->shadow)
		return "everything is in shadow";
	if (telling->snapshot->options.recursive_only && !telling->facts->recursion_desired)
		return "queries without RD are not judged";
	if (telling->decided)
		return what_decided(telling, detectors);
	if (detectors && telling->spared)
		return "detectors deny nothing that is popular, approved or internal";
	if (telling->verdict->rule.trigger == TRIGGER_NONE)
		return "answer is signed, and the client asked for signatures";
	return NULL;
}

static bool tell_override(void *arg, const struct override *override)
{
	const struct override_telling *told = arg;
	struct telling *telling = told->telling;
	struct explain_candidate candidate = { .list_index = EXPLAIN_NO_LIST, .override = override };

	if (override_is_detectors(override) != told->detectors)
		return true;
	match_describe_override(override, told->position->name, told->position->chain, &candidate.match);
	candidate.shadow = telling->snapshot->shadow;
	candidate.why_not = why_not_override(telling, override, told->detectors);
	candidate.won = candidate.why_not == NULL;
	if (candidate.won)
		telling->decided = telling->decided_here = telling->overridden = true;
	telling->going = telling->visit(telling->arg, &candidate);
	return telling->going;
}

/* --- one position ------------------------------------------------------------------------------------------------ */

static void tell_overrides(struct telling *telling, const struct position *position, bool detectors)
{
	if (telling->snapshot->overrides != NULL && telling->going)
		override_match(telling->snapshot->overrides, position->name, tell_override,
			       &(struct override_telling){ telling, position, detectors });
}

/* As in evaluate: by its name, whoever asks. */
static bool is_spared(const struct telling *telling)
{
	const struct list_info *list = &telling->snapshot->lists[telling->list];
	size_t i;

	if ((list->trait & (TRAIT_POPULAR | TRAIT_APPROVED | TRAIT_INTERNAL)) == 0 ||
	    (list->groups >> telling->verdict->group & 1) == 0 || !list_applies(list, telling->facts->qtype))
		return false;
	for (i = 0; i < telling->count && telling->matches[i].trigger != TRIGGER_QNAME; i++)
		continue;
	return i < telling->count;
}

static bool tell_position(void *arg, const struct position *position)
{
	struct telling *telling = arg;
	size_t i;

	telling->decided_here = false;
	tell_overrides(telling, position, false);
	for (telling->list = 0; telling->list < telling->snapshot->list_count && telling->going; telling->list++) {
		telling->count = 0;
		position_match(telling->snapshot, position, collect, telling);
		telling->spared |= is_spared(telling);
		for (i = 0; i < telling->count && telling->going; i++)
			tell(telling, i, position->chain);
	}
	tell_overrides(telling, position, true);
	return telling->going;
}

static void explain(const struct snapshot *snapshot, const struct facts *facts, enum stage stage,
		    explain_visit visit, void *arg, const struct verdict *verdict)
{
	struct telling telling = {
		.snapshot = snapshot,
		.facts = facts,
		.verdict = verdict,
		.visit = visit,
		.arg = arg,
		.going = true,
	};

	position_walk(snapshot, facts, stage, tell_position, &telling);
}

void explain_question(const struct snapshot *snapshot, const struct facts *facts, explain_visit visit, void *arg,
		      struct verdict *verdict)
{
	evaluate_question(snapshot, facts, verdict);
	explain(snapshot, facts, STAGE_QUESTION, visit, arg, verdict);
}

void explain_answer(const struct snapshot *snapshot, const struct facts *facts, explain_visit visit, void *arg,
		    struct verdict *verdict)
{
	evaluate_answer(snapshot, facts, verdict);
	explain(snapshot, facts, STAGE_ANSWER, visit, arg, verdict);
}
