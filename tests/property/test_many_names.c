/*
 * test_many_names.c: among very many names, hostile ones included, the policy finds for each query the longest rule
 * that matches, as a binary search in the sorted names does, which knows no hash.
 *
 * VERDICT_NAMES sets how many rules (200,000; `make property` takes 2 million), VERDICT_SEED what they are.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/evaluate.h"
#include "policy/list.h"
#include "policy/snapshot.h"

#define NAMES_USUAL 200000
#define QUERIES_EACH 5

/* A rule of the model: its name lies in `octets`. */
struct known {
	size_t at;
	uint8_t length;
	bool exact;
	bool below;
};

static struct known *rules;     /* in the order of the list */
static struct known *sorted;    /* by name, each once, with what all its rules say */
static size_t rule_count;
static size_t sorted_count;
static uint8_t *octets;
static uint64_t state;

static uint64_t draw(uint64_t below)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

/* Puts a label in front; leaves the name as it is when there is no room. */
static void prepend(struct name *name, const uint8_t *label, unsigned length)
{
	uint8_t wire[NAME_OCTETS_MAX];

	if (length + 1 > NAME_OCTETS_MAX - (unsigned)name->length)
		return;
	wire[0] = (uint8_t)length;
	memcpy(wire + 1, label, length);
	memcpy(wire + 1 + length, name->octets, name->length);
	if (!name_from_wire(name, wire, 1 + (size_t)length + name->length))
		abort();
}

/* Few letters, so that names repeat and are each other's suffixes; lengths around those of a word of the hash. */
static void prepend_plain(struct name *name)
{
	static const unsigned lengths[] = { 1, 2, 3, 6, 7, 8, 9, 14, 15, 16, 17, 63 };
	uint8_t label[63];
	unsigned length = lengths[draw(12)];
	uint64_t bits = draw(UINT64_MAX);
	unsigned i;

	for (i = 0; i < length; i++)
		label[i] = (uint8_t)('a' + (i < 12 ? bits >> 2 * i & 3 : 0));
	prepend(name, label, length);
}

/* Octets that look like the end of a label, a length, or padding. */
static void prepend_hostile(struct name *name)
{
	static const uint8_t letters[] = { 0, 1, 7, 8, '.', '*', 'a', 0xff };
	uint8_t label[63];
	unsigned length = 1 + (unsigned)draw(draw(8) == 0 ? 63 : 9);
	unsigned i;

	for (i = 0; i < length; i++)
		label[i] = letters[draw(sizeof(letters))];
	prepend(name, label, length);
}

static void prepend_some(struct name *name, unsigned labels)
{
	while (labels-- > 0) {
		if (draw(4) != 0)
			prepend_plain(name);
		else
			prepend_hostile(name);
	}
}

/* As many labels as there can be, or as many octets. */
static void fill_up(struct name *name)
{
	static const uint8_t letters[63] = { 'z' };
	unsigned length = draw(2) == 0 ? 1 : 63;

	while (name->length < NAME_OCTETS_MAX - length)
		prepend(name, letters, length);
}

static struct name name_of(const struct known *known)
{
	struct name name;

	if (!name_from_wire(&name, octets + known->at, known->length))
		abort();
	return name;
}

/* Another name like this one: below it, above it, or with something changed. */
static void change(struct name *name)
{
	const uint8_t *suffix;
	uint8_t wire[NAME_OCTETS_MAX];

	switch (draw(5)) {
	case 0:
		prepend_some(name, 1 + (unsigned)draw(3));
		break;
	case 1:
		fill_up(name);
		break;
	case 2:
		if (name->labels == 0)
			break;
		suffix = name_suffix(name, 1 + (unsigned)draw(name->labels));
		memcpy(wire, suffix, (size_t)(name->octets + name->length - suffix));
		(void)name_from_wire(name, wire, sizeof(wire));
		break;
	case 3:
		/* The same octets, cut into labels elsewhere. */
		memcpy(wire, name->octets, name->length);
		if (wire[0] > 2) {
			wire[wire[0] / 2 + 1] = (uint8_t)(wire[0] - wire[0] / 2 - 1);
			wire[0] /= 2;
		}
		(void)name_from_wire(name, wire, name->length);
		break;
	default:
		if (name->length > 1)
			name->octets[1] ^= 1;
		memcpy(wire, name->octets, name->length);
		(void)name_from_wire(name, wire, name->length);
		break;
	}
}

static struct name draw_name(size_t known)
{
	struct name name = { .length = 1 };

	if (known != 0 && draw(3) == 0) {
		name = name_of(&rules[draw(known)]);
		change(&name);
	} else {
		prepend_some(&name, 1 + (unsigned)draw(draw(16) == 0 ? 127 : 4));
	}
	return name;
}

/* --- the model -------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	const struct known *left = a;
	const struct known *right = b;
	int order = (int)left->length - (int)right->length;

	return order != 0 ? order : memcmp(octets + left->at, octets + right->at, left->length);
}

static bool make_rules(void)
{
	size_t used = 0;
	size_t i;

	rules = calloc(rule_count, sizeof(*rules));
	sorted = calloc(rule_count, sizeof(*sorted));
	/* A name behind them for a query to be looked up by. */
	octets = malloc((rule_count + 1) * NAME_OCTETS_MAX);
	if (rules == NULL || sorted == NULL || octets == NULL)
		return false;
	for (i = 0; i < rule_count; i++) {
		struct name name = draw_name(i);

		rules[i] = (struct known){ .at = used, .length = name.length, .exact = draw(4) != 0 };
		rules[i].below = !rules[i].exact || draw(2) == 0;
		memcpy(octets + used, name.octets, name.length);
		used += name.length;
	}
	memcpy(sorted, rules, rule_count * sizeof(*sorted));
	qsort(sorted, rule_count, sizeof(*sorted), compare_names);
	for (i = 0; i < rule_count; i++) {
		if (sorted_count != 0 && compare_names(&sorted[sorted_count - 1], &sorted[i]) == 0) {
			sorted[sorted_count - 1].exact |= sorted[i].exact;
			sorted[sorted_count - 1].below |= sorted[i].below;
		} else {
			sorted[sorted_count++] = sorted[i];
		}
	}
	return true;
}

/* How many labels to cut off to get the name of the longest rule that matches; -1: none does. */
static int best_cut(const struct name *name)
{
	struct known wanted = { .at = rule_count * NAME_OCTETS_MAX };
	const struct known *found;
	unsigned cut;

	for (cut = 0; cut < name->labels; cut++) {
		const uint8_t *suffix = name_suffix(name, cut);

		wanted.length = (uint8_t)(name->octets + name->length - suffix);
		memcpy(octets + wanted.at, suffix, wanted.length);
		found = bsearch(&wanted, sorted, sorted_count, sizeof(*sorted), compare_names);
		if (found != NULL && (cut == 0 ? found->exact : found->below))
			return (int)cut;
	}
	return -1;
}

/* --- the policy ------------------------------------------------------------------------------------------------- */

int list_load(const struct list_conf *conf, int64_t now, rule_visit visit, void *arg, struct list_stats *stats,
	struct diag *diag)
{
	size_t i;

	(void)now;
	for (i = 0; i < rule_count; i++) {
		struct rule rule = { .trigger = TRIGGER_QNAME, .name = name_of(&rules[i]), .exact = rules[i].exact,
				     .below = rules[i].below, .action = ACTION_NXDOMAIN, .line = (unsigned)i + 1 };

		if (!visit(arg, &rule))
			return diag_set(diag, conf->file, 0, 0, "out of memory");
	}
	*stats = (struct list_stats){ .rules = rule_count };
	return 0;
}

static bool agrees(const struct snapshot *snapshot, const struct name *name)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .qname = *name, .qtype = 1, .qclass = 1 };
	int cut = best_cut(name);
	struct match_start start;
	struct verdict verdict;
	char text[NAME_TEXT_MAX];
	bool same, plain;

	evaluate_begin(snapshot, &facts, NULL, &start);
	plain = evaluate_end_plain(snapshot, &facts, &start) != 0;
	evaluate_question(snapshot, &facts, &verdict);
	if (cut < 0)
		same = verdict.rule.trigger == TRIGGER_NONE;
	else
		same = verdict.rule.trigger == TRIGGER_QNAME && verdict.rule.wildcard == (cut != 0) &&
		       verdict.rule.rule_name.labels == name->labels - cut &&
		       memcmp(verdict.rule.rule_name.octets, name_suffix(name, (unsigned)cut),
			      verdict.rule.rule_name.length) == 0;
	same &= plain == (cut < 0) && (!evaluate_is_plain(snapshot, &facts) || plain);
	if (!same)
		printf("# %s: expected %d labels cut off\n", name_to_text(name, text), cut);
	return same;
}

static bool all_agree(void)
{
	char path[] = "-";
	struct list_conf list = { .name = "many", .file = path, .ede = EDE_BY_ACTION, .action = ACTION_NXDOMAIN };
	struct conf conf = { .path = path, .lists = &list, .list_count = 1 };
	struct snapshot *snapshot;
	struct diag diag;
	bool good = true;
	size_t hits = 0;
	size_t i;

	if (!make_rules())
		return false;
	snapshot = snapshot_build(&conf, 0, NULL, &diag);
	if (snapshot == NULL)
		return false;
	for (i = 0; i < rule_count && good; i++) {
		struct name name = name_of(&rules[i]);

		good = agrees(snapshot, &name);
	}
	for (i = 0; i < rule_count * QUERIES_EACH && good; i++) {
		struct name name = draw_name(draw(2) == 0 ? rule_count : 0);

		good = agrees(snapshot, &name);
		hits += best_cut(&name) >= 0;
	}
	printf("# %zu rules, %zu names, %zu of %zu queries match\n", rule_count, sorted_count, hits, i);
	/* Queries that all match, or all do not, would prove little. */
	good = good && hits > i / 20 && hits < i - i / 20;
	snapshot_destroy(&snapshot);
	return good;
}

int main(void)
{
	const char *seed = getenv("VERDICT_SEED");
	const char *count = getenv("VERDICT_NAMES");
	bool good;

	rule_count = count != NULL ? strtoull(count, NULL, 10) : NAMES_USUAL;
	state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	printf("1..1\n# seed: VERDICT_SEED=%llu\n", (unsigned long long)state);
	good = rule_count != 0 && all_agree();
	printf("%sok 1 - every query finds the longest rule that matches it\n", good ? "" : "not ");
	free(rules);
	free(sorted);
	free(octets);
	return good ? 0 : 1;
}
