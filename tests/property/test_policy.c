/*
 * test_policy.c: for any lists and any name, the compiled policy says what a naive scan over all rules says.
 *
 * Names are drawn from few labels, so that rules repeat, contradict and cover each other, and from hostile ones: dots
 * and length octets inside labels, zeros, the longest label, 127 labels. The seed is printed; VERDICT_SEED sets it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/evaluate.h"
#include "policy/explain.h"
#include "policy/list.h"
#include "policy/snapshot.h"

#define ROUNDS 250
#define LISTS_MAX 12
#define RULES_MAX 300
#define QUERIES 300

struct model_list {
	struct rule rules[RULES_MAX];
	size_t count;
};

static struct model_list model[LISTS_MAX];
static struct list_conf confs[LISTS_MAX];
static size_t list_count;
static unsigned long long state;

static unsigned draw(unsigned below)
{
	unsigned long long z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned)((z ^ (z >> 31)) % below);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static const struct { const char *octets; unsigned length; } labels[] = {
	{ "a", 1 }, { "b", 1 }, { "a", 1 }, { "com", 3 }, { "example", 7 }, { "eightsss", 8 }, { "*", 1 },
	{ "\0", 1 }, { "\0\0", 2 }, { "a.b", 3 }, { "\1a", 2 }, { "a\1b", 3 }, { "\377", 1 }, { "sevenxx", 7 },
	{ "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz-", 63 },
};

/* Puts a label in front of the name; leaves it as it is when there is no room. */
static void prepend(struct name *name, unsigned which)
{
	uint8_t wire[NAME_OCTETS_MAX];
	unsigned length = labels[which].length;

	if (length + 1 > NAME_OCTETS_MAX - (unsigned)name->length)
		return;
	wire[0] = (uint8_t)length;
	memcpy(wire + 1, labels[which].octets, length);
	memcpy(wire + 1 + length, name->octets, name->length);
	if (!name_from_wire(name, wire, 1 + (size_t)length + name->length))
		abort();
}

static unsigned draw_label(void)
{
	return draw(3) != 0 ? draw(5) : draw(sizeof(labels) / sizeof(labels[0]));
}

static struct name draw_name(void)
{
	struct name name = { .length = 1 };
	unsigned depth = draw(50) == 0 ? 127 : draw(6);

	while (depth-- > 0)
		prepend(&name, depth > 6 ? 0 : draw_label());
	return name;
}

/* Near a rule: its name, something below it, or a parent of it. */
static struct name draw_query(void)
{
	const struct model_list *list = &model[draw((unsigned)list_count)];
	struct name name;
	unsigned depth;

	if (list->count == 0 || draw(4) == 0)
		return draw_name();
	name = list->rules[draw((unsigned)list->count)].name;
	if (name.labels != 0 && draw(4) == 0) {
		const struct name child = name;
		const uint8_t *parent = name_suffix(&child, 1 + draw(child.labels));

		name_from_wire(&name, parent, (size_t)(child.octets + child.length - parent));
	}
	for (depth = draw(3); depth > 0; depth--)
		prepend(&name, draw_label());
	return name;
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void draw_list(size_t index)
{
	static const enum action list_actions[] = {
		ACTION_ALLOW, ACTION_ALLOW, ACTION_NXDOMAIN, ACTION_PASS, ACTION_OBSERVE,
	};
	struct model_list *list = &model[index];
	size_t i;

	memset(&confs[index], 0, sizeof(confs[index]));
	confs[index].file = confs[index].name;
	snprintf(confs[index].name, sizeof(confs[index].name), "%zu", index);
	confs[index].action = list_actions[draw(5)];
	confs[index].shadow = draw(5) == 0;
	confs[index].ede = EDE_BY_ACTION;
	list->count = draw(10) == 0 ? 0 : draw(draw(3) == 0 ? RULES_MAX : 12);
	for (i = 0; i < list->count; i++) {
		struct rule *rule = &list->rules[i];

		*rule = (struct rule){ .trigger = TRIGGER_QNAME, .name = draw_name(), .exact = draw(3) != 0,
			.line = (unsigned)i + 1 };
		if (i > 0 && draw(4) == 0)
			rule->name = list->rules[draw((unsigned)i)].name;
		rule->below = !rule->exact || draw(2) == 0;
		rule->action = draw(2) == 0 ? ACTION_ALLOW : (enum action)draw(ACTION_TRUNCATE);
	}
}

int list_load(const struct list_conf *conf, int64_t now, rule_visit visit, void *arg, struct list_stats *stats,
	struct diag *diag)
{
	const struct model_list *list = &model[strtoul(conf->file, NULL, 10)];
	size_t i;

	(void)now;
	for (i = 0; i < list->count; i++)
		if (!visit(arg, &list->rules[i]))
			return diag_set(diag, conf->file, 0, 0, "out of memory");
	*stats = (struct list_stats){ .rules = list->count };
	return 0;
}

/* --- the naive scan --------------------------------------------------------------------------------------------- */

struct expected {
	enum action action;
	const struct rule *rule;      /* NULL: none */
	size_t list;
	const struct rule *shadow;
	size_t shadow_list;
};

static bool matches(const struct rule *rule, const struct name *name)
{
	if (rule->name.labels == 0)
		return false;
	return name_equal(&rule->name, name) ? rule->exact : rule->below && name_is_below(name, &rule->name);
}

/* The longest matching rule name, the first of equals. */
static const struct rule *best_of(const struct model_list *list, const struct name *name)
{
	const struct rule *best = NULL;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (matches(&list->rules[i], name) &&
		    (best == NULL || list->rules[i].name.labels > best->name.labels))
			best = &list->rules[i];
	return best;
}

static enum action asked(const struct rule *rule, size_t list)
{
	enum action action = confs[list].action != ACTION_ALLOW ? confs[list].action : rule->action;

	return action == ACTION_ALLOW ? ACTION_NXDOMAIN : action;
}

static struct expected scan(const struct name *name)
{
	struct expected expected = { .action = ACTION_ALLOW };
	size_t i;

	for (i = 0; i < list_count; i++) {
		const struct rule *rule = best_of(&model[i], name);
		bool observes = rule != NULL && asked(rule, i) == ACTION_OBSERVE;

		if (rule == NULL)
			continue;
		if (confs[i].shadow) {
			if (expected.shadow == NULL ||
			    (asked(expected.shadow, expected.shadow_list) == ACTION_OBSERVE && !observes)) {
				expected.shadow = rule;
				expected.shadow_list = i;
			}
		} else if (!observes || expected.rule == NULL) {
			expected.rule = rule;
			expected.list = i;
			expected.action = asked(rule, i);
			if (!observes)
				return expected;
		}
	}
	return expected;
}

/* --- the law ---------------------------------------------------------------------------------------------------- */

static bool same(const struct rule_match *match, const struct rule *rule, size_t list, const struct name *name)
{
	if (rule == NULL)
		return match->trigger == TRIGGER_NONE;
	return match->trigger == TRIGGER_QNAME && strtoul(match->list, NULL, 10) == list &&
	       name_equal(&match->rule_name, &rule->name) && match->action == asked(rule, list) &&
	       match->wildcard == !name_equal(&rule->name, name);
}

static bool note_winner(void *arg, const struct explain_candidate *candidate)
{
	const struct explain_candidate **winner = arg;
	static struct explain_candidate kept;

	if (!candidate->won)
		return true;
	/* An observing rule is told before the one that decides. */
	kept = *candidate;
	*winner = &kept;
	return true;
}

static bool agrees(const struct snapshot *snapshot, const struct name *name)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .qname = *name, .qtype = 1, .qclass = 1 };
	struct expected expected = scan(name);
	const struct explain_candidate *winner = NULL;
	char text[NAME_TEXT_MAX];
	struct verdict verdict;
	struct verdict explained;

	evaluate_question(snapshot, &facts, &verdict);
	explain_question(snapshot, &facts, note_winner, &winner, &explained);
	if (verdict.action == expected.action && explained.action == expected.action &&
	    same(&verdict.rule, expected.rule, expected.list, name) &&
	    same(&verdict.shadow, expected.shadow, expected.shadow_list, name) &&
	    verdict.denied_to_some == action_table[expected.action].denies &&
	    (!evaluate_is_plain(snapshot, &facts) || (expected.rule == NULL && expected.shadow == NULL)) &&
	    (winner == NULL ? expected.rule == NULL
			    : same(&winner->match, expected.rule, expected.list, name)))
		return true;
	printf("# %s: %s by list %s, expected %s by list %zu\n", name_to_text(name, text),
	       action_table[verdict.action].name, verdict.rule.list,
	       action_table[expected.action].name, expected.list);
	return false;
}

static bool round_agrees(void)
{
	struct conf conf = { .lists = confs };
	struct snapshot *snapshot;
	struct diag diag;
	char path[] = "-";
	bool good = true;
	size_t i;

	list_count = 1 + draw(LISTS_MAX);
	for (i = 0; i < list_count; i++)
		draw_list(i);
	conf.path = path;
	conf.list_count = list_count;
	snapshot = snapshot_build(&conf, 0, NULL, &diag);
	if (snapshot == NULL)
		return false;
	for (i = 0; i < QUERIES && good; i++) {
		struct name name = draw_query();

		good = agrees(snapshot, &name);
	}
	snapshot_destroy(&snapshot);
	return good;
}

int main(void)
{
	const char *seed = getenv("VERDICT_SEED");
	unsigned round;

	state = seed != NULL ? strtoull(seed, NULL, 10) : (unsigned long long)time(NULL) << 16 ^ (unsigned)getpid();
	printf("1..1\n# seed: VERDICT_SEED=%llu\n", state);
	for (round = 0; round < ROUNDS; round++) {
		if (!round_agrees()) {
			printf("not ok 1 - the compiled policy equals the naive scan # round %u\n", round);
			return 1;
		}
	}
	printf("ok 1 - the compiled policy equals the naive scan\n");
	return 0;
}
