/* match.c: looks up every suffix of a name, and every prefix of an address. */
#include "policy/match.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/hot.h"
#include "policy/set_parts.h"

/* --- what was found before -------------------------------------------------------------------------------------- */

_Static_assert(SET_ABOVE_TO <= MATCH_CUT_MAX, "what is kept has room for the cuts of names that are kept");

struct match_memo *match_memo_create(void)
{
	struct match_memo *memo = aligned_alloc(_Alignof(struct match_memo), sizeof(*memo));

	if (memo != NULL)
		memset(memo, 0, sizeof(*memo));
	return memo;
}

void match_memo_turn(struct match_memo *memo, uint64_t number)
{
	if (memo->number == number)
		return;
	memset(memo->lines, 0, sizeof(memo->lines));
	memo->number = number;
}

/* What is found now, to be kept. */
struct finds {
	uint64_t all;
	unsigned count;
};

static void finds_add(struct finds *finds, uint16_t class, unsigned cut)
{
	if (finds->count < MATCH_FINDS_MAX)
		finds->all |= match_find(class, cut) << finds->count * MATCH_FIND_BITS;
	finds->count++;
}

/* --- candidates ------------------------------------------------------------------------------------------------- */

/* A suffix or prefix that the filter lets through. */
struct candidate {
	struct hash_half half;
	unsigned cut;
};

/* Visits the classes from that number on; `match` is filled but for its class. */
static HOT void visit_classes(const struct snapshot *snapshot, uint16_t number, struct match *match, match_visit visit,
			      void *arg)
{
	for (; number != 0; number = snapshot->classes[number].also) {
		match->class = &snapshot->classes[number];
		if (match->cut == 0 ? match->class->exact : match->class->below)
			visit(arg, match);
	}
}

/* The same for what the set has for a candidate. */
static HOT void visit_candidate(const struct snapshot *snapshot, const struct candidate *candidate, struct match *match,
				match_visit visit, void *arg, struct finds *finds)
{
	uint16_t numbers[SET_SAME_MAX];
	size_t count = set_find(snapshot->set, &candidate->half, numbers, SET_SAME_MAX);
	size_t i;

	for (i = 0; i < count; i++) {
		finds_add(finds, numbers[i], candidate->cut);
		visit_classes(snapshot, numbers[i], match, visit, arg);
	}
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static bool asks_filter(unsigned labels)
{
	return labels >= SET_ABOVE_FROM && labels <= SET_ABOVE_TO;
}

/* Walks down from the top, or from where `start` is (NULL: nowhere), as far as there can be rules. Fills `candidates`,
 * the shortest first. */
static HOT size_t collect(const struct snapshot *snapshot, const struct hash_key *key, const struct hash_depths *depths,
		      const struct match_start *start, const struct name *name, struct candidate *candidates)
{
	struct hash_starts starts;
	struct hash_walk walk;
	size_t count = 0;
	unsigned labels;

	if (start != NULL)
		walk = start->walk;
	else
		hash_walk_begin(&walk, key, name, &starts);
	for (labels = start != NULL ? SET_ABOVE_FROM : 1; labels <= name->labels; labels++) {
		struct candidate *candidate = &candidates[count];
		struct set_hint hint;

		if (start != NULL && labels == SET_ABOVE_FROM) {
			candidate->half = start->half;
		} else if (start != NULL && start->has_whole && labels == name->labels) {
			candidate->half = start->whole;
			walk.cut = 0;
		} else {
			hash_walk_label(&walk);
			if (!hash_depths_has(depths, labels) && !asks_filter(labels))
				continue;
			hash_walk_half(&walk, &candidate->half);
		}
		candidate->cut = walk.cut;
		/* Of the whole name there is nothing below to ask the filter for, and the line says more: most rules that
		 * are found are found there, and each look elsewhere in so much memory is one to wait for. */
		if (walk.cut == 0)
			return count + hash_depths_has(depths, labels);
		hint = hint_of(snapshot->set, candidate->half.low);
		if (hint.here && hash_depths_has(depths, labels)) {
			/* On its way while the walk goes on. */
			prefetch_line(snapshot->set, candidate->half.low);
			count++;
		}
		if (!hint.below && asks_filter(labels))
			break;
	}
	return count;
}

HOT bool match_misses(const struct snapshot *snapshot, const struct name *name)
{
	const struct hash_depths *depths = &snapshot->set->depths;
	struct hash_starts starts;
	struct hash_walk walk;
	struct hash_half half;
	struct set_hint hint;
	unsigned labels;

	hash_walk_begin(&walk, &snapshot->key, name, &starts);
	for (labels = 1; labels <= name->labels; labels++) {
		const bool listed = hash_depths_has(depths, labels);

		hash_walk_label(&walk);
		if (!listed && !asks_filter(labels))
			continue;
		hash_walk_half(&walk, &half);
		hint = hint_of(snapshot->set, half.low);
		if (listed && hint.here)
			return false;
		if (!hint.below && asks_filter(labels))
			break;
	}
	return true;
}

static struct finds visit_candidates(const struct snapshot *snapshot, enum trigger trigger, const struct name *name,
				     const struct candidate *candidates, size_t count, match_visit visit, void *arg)
{
	struct finds finds = { .all = 0 };
	struct match match;

	if (count == 0)
		return finds;
	match = (struct match){ .trigger = trigger, .name = name };
	while (count-- > 0) {
		match.cut = candidates[count].cut;
		visit_candidate(snapshot, &candidates[count], &match, visit, arg, &finds);
	}
	return finds;
}

void match_name(const struct snapshot *snapshot, enum trigger trigger, const struct name *name, match_visit visit,
		void *arg)
{
	struct candidate candidates[NAME_LABELS_MAX];
	const bool qname = trigger == TRIGGER_QNAME;
	size_t count = collect(snapshot, qname ? &snapshot->key : &snapshot->keys[trigger],
			       qname ? &snapshot->set->depths : &snapshot->server_depths, NULL, name, candidates);

	visit_candidates(snapshot, trigger, name, candidates, count, visit, arg);
}

/* Does the worker know the whole name? */
static bool is_known(struct match_start *start, uint64_t low)
{
	start->low = low;
	if (start->memo != NULL)
		start->known = match_memo_get(start->memo, low);
	return start->known != 0;
}

/* A name that is found is found as a whole, as a rule: its line is on the way before it is known to be wanted. Names of
 * many labels are mostly not found, and cost more to hash. */
static bool begin_whole(const struct snapshot *snapshot, const struct name *name, struct match_start *start)
{
	struct hash_walk walk = start->walk;

	start->has_whole = name->labels <= SET_ABOVE_TO && hash_depths_has(&snapshot->set->depths, name->labels);
	if (!start->has_whole) {
		start->memo = NULL;
		return false;
	}
	while (walk.cut > 0)
		hash_walk_label(&walk);
	hash_walk_half(&walk, &start->whole);
	if (is_known(start, start->whole.low))
		return true;
	prefetch_line(snapshot->set, start->whole.low);
	return false;
}

/* Without rules for top-level domains, which are rare, a search begins at SET_ABOVE_FROM labels. */
HOT void match_begin(const struct snapshot *snapshot, const struct name *name, struct match_memo *memo,
		     struct match_start *start)
{
	start->number = 0;
	if (name->labels < SET_ABOVE_FROM || hash_depths_has(&snapshot->set->depths, 1))
		return;
	start->number = snapshot->number;
	start->memo = memo;
	start->known = 0;
	if (memo != NULL)
		match_memo_turn(memo, snapshot->number);
	hash_walk_begin(&start->walk, &snapshot->key, name, &start->starts);
	while (start->walk.cut + SET_ABOVE_FROM > name->labels)
		hash_walk_label(&start->walk);
	if (start->walk.cut > 0 && begin_whole(snapshot, name, start))
		return;
	hash_walk_half(&start->walk, &start->half);
	if (start->walk.cut > 0)
		prefetch_block(snapshot->set, start->half.low);
	else if (!is_known(start, start->half.low))
		prefetch_line(snapshot->set, start->half.low);
}

static void match_known(const struct snapshot *snapshot, uint64_t finds, const struct name *name, match_visit visit,
			void *arg)
{
	struct match match = { .trigger = TRIGGER_QNAME, .name = name };

	for (; finds != 0; finds >>= MATCH_FIND_BITS) {
		match.cut = finds >> 16 & MATCH_CUT_MAX;
		visit_classes(snapshot, (uint16_t)finds, &match, visit, arg);
	}
}

/* Goes on with what was begun, if it is about this snapshot. Nothing is known yet of what it finds. */
static HOT struct finds search(const struct snapshot *snapshot, const struct match_start *start, bool begun,
			       const struct name *name, match_visit visit, void *arg)
{
	struct candidate candidates[NAME_LABELS_MAX];
	const struct hash_depths *depths = &snapshot->set->depths;
	struct finds finds;
	size_t count;

	if (begun && start->walk.cut == 0) {
		candidates[0] = (struct candidate){ .half = start->half, .cut = 0 };
		count = hash_depths_has(depths, SET_ABOVE_FROM);
	} else {
		count = collect(snapshot, &snapshot->key, depths, begun ? start : NULL, name, candidates);
	}
	finds = visit_candidates(snapshot, TRIGGER_QNAME, name, candidates, count, visit, arg);
	/* It may be about another snapshot by now. */
	if (begun && start->memo != NULL && start->memo->number == snapshot->number && finds.count > 0 &&
	    finds.count <= MATCH_FINDS_MAX)
		match_memo_put(start->memo, start->low, finds.all);
	return finds;
}

static bool is_begun(const struct snapshot *snapshot, const struct match_start *start)
{
	return start != NULL && start->number == snapshot->number;
}

HOT void match_qname(const struct snapshot *snapshot, const struct match_start *start, const struct name *name,
		 match_visit visit, void *arg)
{
	const bool begun = is_begun(snapshot, start);

	if (begun && start->known != 0)
		match_known(snapshot, start->known, name, visit, arg);
	else
		search(snapshot, start, begun, name, visit, arg);
}

static void note_any(void *arg, const struct match *match)
{
	(void)match;
	*(bool *)arg = true;
}

/* Are there no rules at or below the last SET_ABOVE_FROM labels? */
static inline bool ends_here(const struct snapshot *snapshot, const struct match_start *start)
{
	const struct set_hint hint = hint_of(snapshot->set, start->half.low);

	return !hint.below && !(hint.here && hash_depths_has(&snapshot->set->depths, SET_ABOVE_FROM));
}

HOT bool match_finds_none(const struct snapshot *snapshot, struct match_start *start, const struct name *name)
{
	const bool begun = is_begun(snapshot, start);
	struct finds finds;
	bool any = false;

	if (begun && start->known != 0)
		return false;
	/* As it is for most names. */
	if (begun && start->walk.cut > 0 && ends_here(snapshot, start))
		return true;
	finds = search(snapshot, start, begun, name, note_any, &any);
	if (begun && finds.count > 0 && finds.count <= MATCH_FINDS_MAX)
		start->known = finds.all;
	return !any;
}

/* --- addresses -------------------------------------------------------------------------------------------------- */

static void match_prefix(const struct snapshot *snapshot, struct match *match, match_visit visit, void *arg)
{
	struct address prefix = match->address;
	struct candidate candidate = { .cut = 0 };
	struct hash_starts starts;
	struct hash_walk walk;
	struct finds finds = { .all = 0 };
	struct name name;

	address_mask(&prefix, match->prefix_length);
	name = prefix_name(&prefix, match->prefix_length);
	hash_walk_begin(&walk, &snapshot->keys[match->trigger], &name, &starts);
	hash_walk_label(&walk);
	hash_walk_half(&walk, &candidate.half);
	if (hint_of(snapshot->set, candidate.half.low).here)
		visit_candidate(snapshot, &candidate, match, visit, arg, &finds);
}

/* One look-up for each length that some rule has. */
static void match_prefixes(const struct snapshot *snapshot, enum trigger trigger, const struct address *address,
			   match_visit visit, void *arg)
{
	const struct prefix_lengths *lengths = &snapshot->prefixes[trigger][address->family == ADDRESS_INET6];
	struct match match = { .trigger = trigger, .address = *address };
	unsigned word = PREFIX_WORDS;

	while (word-- > 0) {
		uint64_t left = lengths->bits[word];

		while (left != 0) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(left);

			left &= ~(UINT64_C(1) << bit);
			match.prefix_length = (uint8_t)(word * 64 + bit);
			match_prefix(snapshot, &match, visit, arg);
		}
	}
}

/* The IPv4 address inside: as every resolver knows it, else behind the longest prefix that is configured. */
static bool find_inner(const struct snapshot *snapshot, const struct address *address, struct address *inner)
{
	const struct policy_options *options = &snapshot->options;
	unsigned longest = 0;
	size_t i;

	if (address_embedded(address, inner))
		return true;
	for (i = 0; i < options->nat64_count; i++) {
		const struct network *prefix = &options->nat64[i];

		if (prefix->prefix_length > longest &&
		    address_nat64(address, &prefix->address, prefix->prefix_length, inner))
			longest = prefix->prefix_length;
	}
	return longest > 0;
}

void match_address(const struct snapshot *snapshot, enum trigger trigger, const struct address *address,
		   match_visit visit, void *arg)
{
	struct address inner;

	if (address->family == ADDRESS_NONE)
		return;
	match_prefixes(snapshot, trigger, address, visit, arg);
	if (find_inner(snapshot, address, &inner))
		match_prefixes(snapshot, trigger, &inner, visit, arg);
}
