/* explain.c: tells every matching rule and how it fared. */
#include "policy/explain.h"

#include "policy/evaluate.h"
#include "policy/match.h"
#include "policy/snapshot_parts.h"

/* One list's candidates at a time: matches come longest name first, people read in the order of precedence. */
struct telling {
	const struct snapshot *snapshot;
	const struct facts *facts;
	const struct verdict *verdict;
	explain_visit visit;
	void *arg;
	size_t list;
	bool list_has_one;     /* a more specific rule of this list was told already */
	bool decided;          /* by a list before this one */
	bool observed;         /* the rule that observes was told */
	bool going;
};

static const char *why_not(const struct telling *telling, const struct class *class)
{
	bool observes = class->action == ACTION_OBSERVE;

	if (telling->list_has_one)
		return "less specific rule of the same list";
	if (telling->snapshot->lists[telling->list].shadow)
		return "list is in shadow";
	if (observes && (telling->observed || telling->verdict->action != ACTION_OBSERVE))
		return "observe never decides";
	return telling->decided ? "list comes later" : NULL;
}

static void tell(void *arg, const struct match *match)
{
	struct telling *telling = arg;
	struct explain_candidate candidate;

	if (match->class->list != telling->list || !telling->going)
		return;
	match_describe(telling->snapshot, &telling->facts->qname, match, 0, &candidate.match);
	candidate.list_index = telling->list;
	candidate.shadow = telling->snapshot->lists[telling->list].shadow;
	candidate.why_not = why_not(telling, match->class);
	candidate.won = candidate.why_not == NULL;
	candidate.data = match->class->data;
	telling->list_has_one = true;
	if (candidate.won && match->class->action == ACTION_OBSERVE)
		telling->observed = true;
	else if (candidate.won)
		telling->decided = true;
	telling->going = telling->visit(telling->arg, &candidate);
}

void explain_question(const struct snapshot *snapshot, const struct facts *facts, explain_visit visit, void *arg,
		      struct verdict *verdict)
{
	struct telling telling = {
		.snapshot = snapshot,
		.facts = facts,
		.verdict = verdict,
		.visit = visit,
		.arg = arg,
		.going = true,
	};

	evaluate_question(snapshot, facts, verdict);
	for (telling.list = 0; telling.list < snapshot->list_count && telling.going; telling.list++) {
		telling.list_has_one = false;
		match_name(snapshot, &facts->qname, tell, &telling);
	}
}
