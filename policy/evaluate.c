/* evaluate.c: the order of precedence, over the names of a chain, the lists and the client groups. */
#include "policy/evaluate.h"

#include <string.h>

#include "policy/match.h"
#include "policy/snapshot_parts.h"

#define TYPE_CNAME 5
#define TYPE_DNAME 39
#define HOPS_MAX 16
#define WORD_BITS 64

/* The most specific match of each list that has one. */
struct winners {
	uint64_t lists[CONF_LISTS_MAX / WORD_BITS];   /* which have */
	struct match of[CONF_LISTS_MAX];              /* only those are set */
};

/* One answer being judged. Each client group is decided by the first list that serves it and has something to say. */
struct judging {
	const struct snapshot *snapshot;
	const struct facts *facts;
	struct verdict *verdict;     /* NULL: only denied_to_some is asked for */
	uint64_t client;             /* the bit of the client's group */
	uint64_t undecided;          /* groups */
	unsigned decisions;          /* rules that decided for some group */
	bool denied_to_some;
	bool varies;                 /* one rule does different things to different clients */
};

/* Clients have no groups yet: all are of the first. */
static uint64_t group_of(const struct facts *facts)
{
	(void)facts;
	return 1;
}

static void judging_init(struct judging *judging, const struct snapshot *snapshot, const struct facts *facts,
			 struct verdict *verdict)
{
	*judging = (struct judging){
		.snapshot = snapshot,
		.facts = facts,
		.verdict = verdict,
		.client = group_of(facts),
		.undecided = GROUPS_ALL,
	};
}

static void keep_first(void *arg, const struct match *match)
{
	struct winners *winners = arg;
	unsigned list = match->class->list;
	uint64_t bit = UINT64_C(1) << list % WORD_BITS;

	if (winners->lists[list / WORD_BITS] & bit)
		return;
	winners->lists[list / WORD_BITS] |= bit;
	winners->of[list] = *match;
}

/* A TC bit means something over UDP only: over any other transport the rule lets the client have the answer. */
static bool passes_truncate(const struct facts *facts)
{
	return facts->transport != TRANSPORT_UDP && facts->transport != TRANSPORT_UNKNOWN;
}

static void decide_for_client(struct judging *judging, const struct name *name, const struct match *match,
			      unsigned chain)
{
	struct verdict *verdict = judging->verdict;

	match_describe(judging->snapshot, name, match, chain, &verdict->rule);
	verdict->action = match->class->action;
	if (verdict->action == ACTION_TRUNCATE && passes_truncate(judging->facts))
		verdict->action = ACTION_PASS;
	verdict->final = true;
	verdict->ttl = judging->snapshot->lists[match->class->list].ttl;
	verdict->data = match->class->data;
}

static void decide(struct judging *judging, const struct name *name, const struct match *match, unsigned chain)
{
	uint64_t groups = judging->undecided & judging->snapshot->lists[match->class->list].groups;

	if (groups == 0)
		return;
	judging->decisions++;
	judging->denied_to_some |= action_table[match->class->action].denies;
	judging->varies |= match->class->action == ACTION_TRUNCATE;
	if ((groups & judging->client) != 0 && judging->verdict != NULL)
		decide_for_client(judging, name, match, chain);
	judging->undecided &= ~groups;
}

/* A match that only reports: the first is kept, but one that would decide is worth more than one that would not. */
static void report(struct judging *judging, const struct name *name, const struct match *match, unsigned chain)
{
	const struct list_info *list = &judging->snapshot->lists[match->class->list];
	struct verdict *verdict = judging->verdict;
	struct rule_match *to;

	if (verdict == NULL || (judging->undecided & judging->client & list->groups) == 0)
		return;
	to = list->shadow ? &verdict->shadow : &verdict->rule;
	if (to->trigger != TRIGGER_NONE &&
	    (to->action != ACTION_OBSERVE || match->class->action == ACTION_OBSERVE))
		return;
	match_describe(judging->snapshot, name, match, chain, to);
	if (!list->shadow)
		verdict->action = ACTION_OBSERVE;
}

static void judge_list(struct judging *judging, const struct name *name, const struct match *match, unsigned chain)
{
	if (judging->snapshot->lists[match->class->list].shadow || match->class->action == ACTION_OBSERVE)
		report(judging, name, match, chain);
	else
		decide(judging, name, match, chain);
}

static void judge_name(struct judging *judging, const struct name *name, unsigned chain)
{
	struct winners winners;
	unsigned word;
	uint64_t left;

	memset(winners.lists, 0, sizeof(winners.lists));
	match_name(judging->snapshot, name, keep_first, &winners);
	for (word = 0; word < CONF_LISTS_MAX / WORD_BITS; word++)
		for (left = winners.lists[word]; left != 0 && judging->undecided != 0; left &= left - 1)
			judge_list(judging, name,
				   &winners.of[word * WORD_BITS + (unsigned)__builtin_ctzll(left)], chain);
}

static void judging_end(const struct judging *judging)
{
	struct verdict *verdict = judging->verdict;

	verdict->denied_to_some = judging->denied_to_some;
	verdict->differs = judging->varies || judging->decisions > 1 ||
			   (judging->decisions == 1 && judging->undecided != 0);
}

void evaluate_question(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	struct judging judging;

	verdict_init(verdict);
	judging_init(&judging, snapshot, facts, verdict);
	judge_name(&judging, &facts->qname, 0);
	judging_end(&judging);
}

/* --- the chain of aliases --------------------------------------------------------------------------------------- */

/* Following a chain through records that may stand in any order, loop, or lie. */
struct chain {
	struct judging *judging;
	struct name name;         /* the last one reached */
	unsigned hops;
	size_t aliases;           /* seen in this visit */
	bool moved;               /* in this visit */
};

/* The target of a CNAME, if it is a name and nothing else. */
static bool target_of(const struct record *record, struct name *target)
{
	return name_from_wire(target, record->rdata, record->rdata_length) && target->length == record->rdata_length;
}

static bool follow(void *arg, const struct record *record)
{
	struct chain *chain = arg;
	struct name name;

	if (record->section != SECTION_ANSWER || record->type != TYPE_CNAME)
		return true;
	chain->aliases++;
	if (!name_from_wire(&name, record->owner, record->owner_length) || !name_equal(&name, &chain->name) ||
	    !target_of(record, &name))
		return true;
	chain->name = name;
	chain->moved = true;
	chain->hops++;
	judge_name(chain->judging, &name, chain->hops);
	return chain->hops < HOPS_MAX && chain->judging->undecided != 0;
}

/* Records in order are followed in one visit; what was passed over before its turn needs another. */
static void judge_chain(struct judging *judging)
{
	const struct facts *facts = judging->facts;
	struct chain chain;

	if (facts->records == NULL)
		return;
	chain.judging = judging;
	chain.name = facts->qname;
	chain.hops = 0;
	do {
		chain.aliases = 0;
		chain.moved = false;
		facts->records(facts->source, follow, &chain);
	} while (chain.moved && chain.aliases > chain.hops && chain.hops < HOPS_MAX && judging->undecided != 0);
}

void evaluate_answer(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	struct judging judging;

	verdict_init(verdict);
	judging_init(&judging, snapshot, facts, verdict);
	judge_name(&judging, &facts->qname, 0);
	if (judging.undecided != 0)
		judge_chain(&judging);
	judging_end(&judging);
}

/* --- what must stay out of shared caches ------------------------------------------------------------------------ */

struct scan {
	const struct snapshot *snapshot;
	const struct facts *facts;
	struct name owner;      /* the last one judged: the records of an RRset follow each other */
	bool denied;
};

static bool name_is_denied(const struct scan *scan, const struct name *name)
{
	struct judging judging;

	judging_init(&judging, scan->snapshot, scan->facts, NULL);
	judge_name(&judging, name, 0);
	return judging.denied_to_some;
}

static bool scan_record(void *arg, const struct record *record)
{
	struct scan *scan = arg;
	struct name name;

	if (record->section != SECTION_ANSWER)
		return true;
	if (name_from_wire(&name, record->owner, record->owner_length) && !name_equal(&name, &scan->owner)) {
		scan->owner = name;
		scan->denied = name_is_denied(scan, &name);
	}
	if (!scan->denied && (record->type == TYPE_CNAME || record->type == TYPE_DNAME) && target_of(record, &name))
		scan->denied = name_is_denied(scan, &name);
	return !scan->denied;
}

bool evaluate_denied_to_some(const struct snapshot *snapshot, const struct facts *facts)
{
	struct scan scan;

	if (facts->records == NULL)
		return false;
	scan.snapshot = snapshot;
	scan.facts = facts;
	scan.owner.length = 0;   /* no name has it */
	scan.denied = false;
	facts->records(facts->source, scan_record, &scan);
	return scan.denied;
}
