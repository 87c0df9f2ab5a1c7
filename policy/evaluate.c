/* evaluate.c: the order of precedence, over positions, lists, triggers and the client groups. */
#include "policy/evaluate.h"

#include <string.h>

#include "policy/detection.h"
#include "policy/hot.h"
#include "policy/judging.h"
#include "policy/position.h"
#include "policy/rrtype.h"
#include "policy/snapshot_parts.h"

#define WORD_BITS 64
#define WORDS (CONF_LISTS_MAX / WORD_BITS)
#define BIT(trigger) (1u << (trigger))

/* The match of each list that comes first, if it has one. */
struct winners {
	uint64_t lists[WORDS];               /* which have */
	struct match of[CONF_LISTS_MAX];     /* only those are set */
};

/* At one position. Rules for clients match this client alone; the others everybody. */
struct found {
	bool any;
	struct winners client;
	struct winners all;
};

static bool winners_have(const struct winners *winners, unsigned list)
{
	return (winners->lists[list / WORD_BITS] >> list % WORD_BITS & 1) != 0;
}

static HOT void keep_first(void *arg, const struct match *match)
{
	struct found *found = arg;
	struct winners *winners = match->trigger == TRIGGER_CLIENT_IP ? &found->client : &found->all;
	unsigned list = match->class->list;

	if (winners_have(winners, list) && !match_is_before(match, &winners->of[list]))
		return;
	found->any = true;
	winners->lists[list / WORD_BITS] |= UINT64_C(1) << list % WORD_BITS;
	winners->of[list] = *match;
}

/* --- what a match does ------------------------------------------------------------------------------------------ */

/* A TC bit means something over UDP only: over any other transport the rule lets the client have the answer. */
static bool passes_truncate(const struct facts *facts)
{
	return facts->transport != TRANSPORT_UDP && facts->transport != TRANSPORT_UNKNOWN;
}

/* Triggers of an earlier list, or of this one, that come before `match` and are not known at the question. */
static unsigned unknown_before(const struct judging *judging, const struct match *match, size_t list)
{
	const struct policy_options *options = &judging->snapshot->options;
	unsigned unknown = BIT(TRIGGER_IP);

	if (judging->facts->servers == NULL && options->nsdname_wait_recurse)
		unknown |= BIT(TRIGGER_NSDNAME);
	if (judging->facts->servers == NULL && options->nsip_wait_recurse)
		unknown |= BIT(TRIGGER_NSIP);
	return list == match->class->list ? unknown & (BIT(match->trigger) - 1) : unknown;
}

/* At the question: can what the answer brings still come before this match? */
static bool can_be_overtaken(const struct judging *judging, const struct match *match)
{
	const struct policy_options *options = &judging->snapshot->options;
	size_t i;

	if (judging->stage == STAGE_ANSWER)
		return false;
	if (options->qname_wait_recurse || (options->keep_dnssec && judging->facts->dnssec_ok))
		return true;
	for (i = 0; i <= match->class->list; i++) {
		const struct list_info *list = &judging->snapshot->lists[i];

		if (!list->shadow && list->action != ACTION_OBSERVE && list_applies(list, judging->facts->qtype) &&
		    (list->groups & judging->client) != 0 &&
		    (list->triggers & unknown_before(judging, match, i)) != 0)
			return true;
	}
	return false;
}

static void decide_for_client(struct judging *judging, const struct match *match, unsigned chain)
{
	struct verdict *verdict = judging->verdict;

	match_describe(judging->snapshot, match, chain, &verdict->rule);
	verdict->action = match->class->action;
	if (verdict->action == ACTION_TRUNCATE && passes_truncate(judging->facts))
		verdict->action = ACTION_PASS;
	verdict->final = !can_be_overtaken(judging, match);
	verdict->ttl = judging->snapshot->lists[match->class->list].ttl;
	verdict->data = match->class->data;
	judging->open = false;
}

/* Is this client one that the list's match is for? */
static bool is_ours(const struct judging *judging, const struct match *match)
{
	return judging->open && (judging->snapshot->lists[match->class->list].groups & judging->client) != 0;
}

/* For the client alone, or for all that are undecided. */
static HOT void decide(struct judging *judging, const struct match *match, unsigned chain, bool ours, uint64_t groups)
{
	const struct list_info *list = &judging->snapshot->lists[match->class->list];

	groups &= judging->undecided & list->groups;
	ours = ours && is_ours(judging, match);
	if (groups == 0 && !ours)
		return;
	judging->decisions++;
	judging->denied_to_some |= action_table[match->class->action].denies;
	judging->varies |= match->class->action == ACTION_TRUNCATE;
	if (ours)
		decide_for_client(judging, match, chain);
	/* Whom the list only observes goes on to the next. */
	if (!list->observes_clients)
		judging->undecided &= ~groups;
}

/* A match that only reports: the first is kept, but one that would decide is worth more than one that would not. */
static void report(struct judging *judging, const struct match *match, unsigned chain)
{
	const struct list_info *list = &judging->snapshot->lists[match->class->list];
	struct verdict *verdict = judging->verdict;
	struct rule_match *to;

	if (!is_ours(judging, match))
		return;
	if (list->trait != TRAIT_NONE) {
		verdict->traits |= chain == 0 ? list->trait : TRAIT_NONE;
		return;
	}
	to = list->shadow ? &verdict->shadow : &verdict->rule;
	if (to->trigger != TRIGGER_NONE &&
	    (to->action != ACTION_OBSERVE || match->class->action == ACTION_OBSERVE))
		return;
	match_describe(judging->snapshot, match, chain, to);
	if (!list->shadow)
		verdict->action = ACTION_OBSERVE;
}

/* --- one position ----------------------------------------------------------------------------------------------- */

/* What everybody knows, or the operator vouches for, no detector denies; registration feeds say the opposite. */
static void spare(struct judging *judging, const struct list_info *list, const struct match *all)
{
	if ((list->trait & (TRAIT_POPULAR | TRAIT_APPROVED | TRAIT_INTERNAL)) != 0 && all->trigger == TRIGGER_QNAME)
		judging->spared |= list->groups;
}

static bool only_reports(const struct list_info *list, const struct match *match)
{
	return list->shadow || match->class->action == ACTION_OBSERVE;
}

/* Some other client may be one that the list decides. */
static void decide_for_others(struct judging *judging, const struct list_info *list)
{
	if ((judging->undecided & list->groups) == 0)
		return;
	judging->decisions++;
	judging->denied_to_some |= list->denies_clients;
	judging->varies |= list->denies_clients;
}

static void judge_list(struct judging *judging, const struct position *position, const struct found *found,
		       unsigned index)
{
	const struct list_info *list = &judging->snapshot->lists[index];
	const struct match *client = winners_have(&found->client, index) ? &found->client.of[index] : NULL;
	const struct match *all = winners_have(&found->all, index) ? &found->all.of[index] : NULL;

	if (!list_applies(list, judging->facts->qtype))
		return;
	if (position->clients && list->decides_clients)
		decide_for_others(judging, list);
	if (client != NULL && only_reports(list, client))
		report(judging, client, position->chain);
	else if (client != NULL)
		decide(judging, client, position->chain, true, 0);
	if (all == NULL)
		return;
	spare(judging, list, all);
	if (!only_reports(list, all))
		decide(judging, all, position->chain, client == NULL, GROUPS_ALL);
	else if (client == NULL)
		report(judging, all, position->chain);
}

static HOT void judge_lists(struct judging *judging, const struct position *position)
{
	struct found found;
	unsigned word;

	memset(found.client.lists, 0, sizeof(found.client.lists));
	memset(found.all.lists, 0, sizeof(found.all.lists));
	found.any = false;
	position_match(judging->snapshot, position, keep_first, &found);
	judging->listed |= found.any;
	/* Most names are in no list, and nobody's rules for clients have a say. */
	if (!found.any && !(judging->snapshot->triggers & BIT(TRIGGER_CLIENT_IP)))
		return;
	for (word = 0; word < WORDS && judging_goes_on(judging); word++) {
		uint64_t left = found.client.lists[word] | found.all.lists[word];

		if (position->clients)
			left |= judging->snapshot->client_lists[word];
		for (; left != 0 && judging_goes_on(judging); left &= left - 1)
			judge_list(judging, position, &found, word * WORD_BITS + (unsigned)__builtin_ctzll(left));
	}
}

HOT bool judge_position(void *arg, const struct position *position)
{
	struct judging *judging = arg;
	bool detected = false;

	if (judging->snapshot->overrides != NULL) {
		detected = judge_overrides(judging, position, false);
		if (!judging_goes_on(judging)) {
			judging->listed = true;
			return false;
		}
	}
	if (judging->snapshot->inventory != NULL && position->server_addresses) {
		judge_inventory(judging, position);
		if (!judging_goes_on(judging)) {
			judging->listed = true;
			return false;
		}
	}
	judge_lists(judging, position);
	if (detected && judging_goes_on(judging))
		judge_overrides(judging, position, true);
	return judging_goes_on(judging);
}

/* --- the verdict ------------------------------------------------------------------------------------------------ */

static bool find_signature(void *arg, const struct record *record)
{
	bool *found = arg;

	*found |= record->type == RRTYPE_RRSIG && record->section != SECTION_ADDITIONAL;
	return !*found;
}

static bool is_signed(const struct facts *facts)
{
	bool found = false;

	if (facts->records != NULL)
		facts->records(facts->source, find_signature, &found);
	return found;
}

/* Who asks for signatures and gets them can tell that an answer was changed: break-dnssec: no leaves it as it is. */
static void spare_signed(const struct judging *judging)
{
	if (!judging->snapshot->options.keep_dnssec || judging->stage != STAGE_ANSWER || !judging->facts->dnssec_ok)
		return;
	if (action_table[judging->verdict->action].denies && is_signed(judging->facts))
		verdict_demote(judging->verdict);
}

static void judging_end(const struct judging *judging)
{
	struct verdict *verdict = judging->verdict;

	verdict->denied_to_some = judging->denied_to_some;
	verdict->unlisted_in = judging->stage == STAGE_QUESTION && !judging->listed ? judging->snapshot->number : 0;
	/* Where nobody is denied, everybody gets the same answer. */
	verdict->differs = judging->denied_to_some &&
			   (judging->varies || judging->decisions > 1 || judging->undecided != 0 ||
			    judging->snapshot->options.keep_dnssec || judging->snapshot->options.recursive_only);
	spare_signed(judging);
}

static void judge_as_group(struct judging *judging)
{
	const struct group_table *groups = judging->snapshot->groups;
	const unsigned group = group_find(groups, judging->facts);
	struct verdict *verdict = judging->verdict;

	judging->client = UINT64_C(1) << group;
	verdict->group = (uint8_t)group;
	memcpy(verdict->group_name, group_name(groups, group), sizeof(verdict->group_name));
}

/* Nothing but names decides, and every client is of the one group. */
static bool is_of_names(const struct snapshot *snapshot)
{
	return snapshot->all_groups == 1 && judges_names_alone(snapshot);
}

/* And there is none but the qname. */
static bool depends_on_qname(const struct snapshot *snapshot, const struct facts *facts)
{
	return is_of_names(snapshot) && (facts->records == NULL || facts->leads_nowhere);
}

uint64_t evaluate_plain_number(const struct snapshot *snapshot)
{
	return is_of_names(snapshot) ? snapshot->number : 0;
}

HOT bool evaluate_is_known_plain(const struct snapshot *snapshot, const struct facts *facts)
{
	return facts->unlisted_in == snapshot->number && depends_on_qname(snapshot, facts);
}

static HOT void evaluate(const struct snapshot *snapshot, const struct facts *facts, enum stage stage,
		     struct verdict *verdict)
{
	struct judging judging;

	verdict_init(verdict);
	judging_init(&judging, snapshot, facts, stage, verdict);
	judging.client = 1;
	if (snapshot->all_groups != 1)
		judge_as_group(&judging);
	position_walk(snapshot, facts, stage, judge_position, &judging);
	judging_end(&judging);
}

HOT bool evaluate_is_plain(const struct snapshot *snapshot, const struct facts *facts)
{
	return depends_on_qname(snapshot, facts) &&
	       (snapshot->triggers == 0 || match_misses(snapshot, &facts->qname));
}

HOT void evaluate_begin(const struct snapshot *snapshot, struct facts *facts, struct match_memo *memo,
			struct match_start *start)
{
	match_begin(snapshot, &facts->qname, memo, start);
	facts->begun = start;
}

HOT uint64_t evaluate_end_plain(const struct snapshot *snapshot, const struct facts *facts, struct match_start *start)
{
	if (!is_of_names(snapshot) ||
	    (snapshot->triggers != 0 && !match_finds_none(snapshot, start, &facts->qname)))
		return 0;
	return snapshot->number;
}

HOT void evaluate_question(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	evaluate(snapshot, facts, STAGE_QUESTION, verdict);
}

HOT void evaluate_answer(const struct snapshot *snapshot, const struct facts *facts, struct verdict *verdict)
{
	evaluate(snapshot, facts, STAGE_ANSWER, verdict);
}

unsigned evaluate_group(const struct snapshot *snapshot, const struct facts *facts)
{
	return group_find(snapshot->groups, facts);
}

HOT enum ede_mode evaluate_ede_mode(const struct snapshot *snapshot, unsigned group)
{
	return group_ede(snapshot->groups, group);
}
