/*
 * test_triggers.c: for any lists, answers, clients and name servers
 *   - the verdict is what a naive search over all rules says,
 *   - a decision on the question that is called final is the decision on every answer to it,
 *   - who is denied is denied in the eyes of every other client, so that the answer stays out of shared caches,
 *   - clients that are treated differently are said to differ, and with nothing to tell them apart they never are,
 *   - groups and overrides are those that a naive search finds, and a group is judged by its own lists alone,
 *   - and the explanation names the same rule.
 *
 * Names and addresses are drawn from few, so that rules meet. The seed is printed; VERDICT_SEED sets it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/address.h"
#include "policy/evaluate.h"
#include "policy/explain.h"
#include "policy/list.h"
#include "policy/snapshot.h"
#include "tests/property/naive.h"

#define ROUNDS 800
#define ANSWERS 60
#define CLIENTS 6
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned long long state;

static unsigned draw(unsigned below)
{
	unsigned long long z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned)((z ^ (z >> 31)) % below);
}

/* --- drawing ---------------------------------------------------------------------------------------------------- */

static struct name draw_name(void)
{
	static const char *const names[] = {
		"a.x", "b.a.x", "c.b.a.x", "x", "y", "a.y", "b.a.y", "z.y", "q.z.y", "c.x", "d.x",
	};
	const char *text = names[draw(COUNT(names))];
	struct name name;

	if (name_from_text(&name, text, strlen(text)) != NULL)
		abort();
	return name;
}

/* 10.0.0.0 to 10.0.0.7, the same inside IPv6, or 2001:db8::0 to ::7. */
static struct address draw_address(void)
{
	struct address address = { .family = ADDRESS_INET, .octets = { 10, 0, 0, (uint8_t)draw(8) } };
	struct address wide = { .family = ADDRESS_INET6 };

	switch (draw(5)) {
	case 0:
		memcpy(wide.octets, "\x20\x01\x0d\xb8", 4);
		wide.octets[15] = address.octets[3];
		return wide;
	case 1:
		memcpy(wide.octets, draw(2) == 0 ? "\0\0\0\0\0\0\0\0\0\0\xff\xff" : "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12);
		memcpy(wide.octets + 12, address.octets, 4);
		return wide;
	}
	return address;
}

static void draw_rule(struct rule *rule)
{
	static const enum action actions[] = { ACTION_NXDOMAIN, ACTION_NODATA, ACTION_PASS, ACTION_REFUSE, ACTION_OBSERVE };

	*rule = (struct rule){
		.trigger = (enum trigger)(1 + draw(TRIGGER_COUNT - 1)), .name = draw_name(), .action = actions[draw(5)],
		.exact = draw(2) != 0, .address = draw_address(),
	};
	rule->below = !rule->exact || draw(3) == 0;
	/* A model of unmapped rules is simpler to be sure of. */
	if (rule->address.family == ADDRESS_INET6)
		rule->address.octets[10] = 0x20;
	rule->prefix_length = (uint8_t)(address_bits(rule->address.family) - draw(5));
}

static void draw_list(size_t index)
{
	static char served[LISTS_MAX][SEVERAL][LIST_NAME_MAX];
	struct list_conf *conf = &confs[index];
	size_t i;

	memset(conf, 0, sizeof(*conf));
	conf->file = conf->name;
	snprintf(conf->name, sizeof(conf->name), "%zu", index);
	conf->action = draw(6) == 0 ? ACTION_PASS : ACTION_ALLOW;
	conf->shadow = draw(6) == 0;
	if (draw(4) == 0) {
		conf->trait = draw(4) == 0 ? TRAIT_REGISTERED : TRAIT_POPULAR;
		conf->action = ACTION_OBSERVE;
	}
	crowd_draw_served(draw, conf, served[index], SEVERAL);
	if (draw(5) == 0)
		rrtypes_add(draw(2) == 0 ? &conf->qtypes : &conf->qtypes_exempt, (uint16_t)(1 + draw(2)));
	model[index].count = draw(RULES_MAX + 1);
	for (i = 0; i < model[index].count; i++)
		draw_rule(&model[index].rules[i]);
}

static void draw_scene(struct scene *scene, const struct name *qname)
{
	size_t i;

	scene->names[0] = *qname;
	scene->hops = draw(3) == 0 ? 1 + draw(HOPS_MAX) : 0;
	for (i = 1; i <= scene->hops; i++)
		scene->names[i] = draw_name();
	scene->address_count = draw(SEVERAL + 1);
	for (i = 0; i < scene->address_count; i++)
		scene->addresses[i] = draw_address();
	scene->server_count = draw(SEVERAL + 1);
	for (i = 0; i < scene->server_count; i++) {
		scene->servers[i].name = draw_name();
		scene->servers[i].address = draw_address();
		scene->servers[i].chain = draw(scene->hops + 1);
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

/* --- the scene as facts ----------------------------------------------------------------------------------------- */

static size_t show_records(const void *source, record_visit visit, void *arg)
{
	const struct scene *scene = source;
	bool going = true;
	size_t i;

	for (i = 0; i < scene->hops && going; i++) {
		struct record record = { .owner = scene->names[i].octets, .owner_length = scene->names[i].length,
			.type = 5, .class = 1, .rdata = scene->names[i + 1].octets,
			.rdata_length = scene->names[i + 1].length };

		going = visit(arg, &record);
	}
	for (i = 0; i < scene->address_count && going; i++) {
		const bool wide = scene->addresses[i].family == ADDRESS_INET6;
		struct record record = { .owner = scene->names[scene->hops].octets,
			.owner_length = scene->names[scene->hops].length, .type = wide ? 28 : 1, .class = 1,
			.rdata = scene->addresses[i].octets, .rdata_length = wide ? 16 : 4 };

		going = visit(arg, &record);
	}
	return 0;
}

static size_t show_servers(const void *source, server_visit visit, void *arg)
{
	const struct scene *scene = source;
	size_t i;

	for (i = 0; i < scene->server_count; i++) {
		struct server server = { scene->servers[i].name.octets, scene->servers[i].name.length,
			scene->servers[i].address, (uint8_t)scene->servers[i].chain, SERVER_ZONE_UNKNOWN, 0 };

		if (!visit(arg, &server))
			break;
	}
	return 0;
}

/* --- the laws --------------------------------------------------------------------------------------------------- */

static bool broken(const char *law, const struct scene *scene, const struct verdict *verdict,
		   const struct expected *expected)
{
	char name[NAME_TEXT_MAX], rule[NAME_TEXT_MAX + 2];

	printf("# %s: %s, %u hops, %zu addresses, %zu servers: %s by list %s, %s (%s) at %u; expected %s by list %zu (%s) "
	       "at %u\n", law, name_to_text(&scene->names[0], name), scene->hops, scene->address_count,
	       scene->server_count, action_table[verdict->action].name, verdict->rule.list,
	       rule_match_text(&verdict->rule, rule), trigger_names[verdict->rule.trigger], verdict->rule.chain,
	       action_table[expected->action].name, expected->list,
	       expected->hit.rule != NULL ? trigger_names[expected->hit.rule->trigger] : "none", expected->chain);
	return false;
}

static bool is_expected(const struct verdict *verdict, const struct expected *expected)
{
	const struct rule_match *match = &verdict->rule;
	const struct rule *rule = expected->hit.rule;

	if (expected->override != NULL)
		return verdict->action == expected->action && match->serial == expected->override->id &&
		       strcmp(match->list, OVERRIDE_LIST_NAME) == 0 && match->chain == expected->chain &&
		       name_equal(&match->rule_name, &expected->override->name);
	if (verdict->action != expected->action || (rule == NULL) != (match->trigger == TRIGGER_NONE))
		return false;
	if (rule == NULL)
		return true;
	if (match->trigger != rule->trigger || strtoul(match->list, NULL, 10) != expected->list ||
	    match->chain != expected->chain)
		return false;
	return rule->trigger == TRIGGER_QNAME || rule->trigger == TRIGGER_NSDNAME
		? name_equal(&match->rule_name, &rule->name) && match->matched_address.family == ADDRESS_NONE
		: match->prefix_length == rule->prefix_length &&
		  address_compare(&match->matched_address, &expected->hit.address) == 0;
}

static bool note_winner(void *arg, const struct explain_candidate *candidate)
{
	struct rule_match *winner = arg;

	/* An observing rule is told before the one that decides. */
	if (candidate->won)
		*winner = candidate->match;
	return true;
}

static bool is_explained(const struct snapshot *snapshot, const struct facts *facts, const struct verdict *verdict)
{
	struct rule_match winner = { .trigger = TRIGGER_NONE };
	char a[NAME_TEXT_MAX + 2], b[NAME_TEXT_MAX + 2];
	struct verdict again;

	explain_answer(snapshot, facts, note_winner, &winner, &again);
	return winner.trigger == verdict->rule.trigger && winner.chain == verdict->rule.chain &&
	       strcmp(rule_match_text(&winner, a), rule_match_text(&verdict->rule, b)) == 0;
}

static bool is_any_list_of_some(void)
{
	size_t i;

	for (i = 0; i < list_count; i++)
		if (confs[i].group_count > 0)
			return true;
	return false;
}

/* Does the policy treat all clients alike, whoever they are? */
static bool is_blind(const struct snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < crowd_override_count; i++)
		if (crowd_overrides[i].client.address.family != ADDRESS_NONE)
			return false;
	return (snapshot_triggers(snapshot) & 1u << TRIGGER_CLIENT_IP) == 0 && !is_any_list_of_some();
}

/* Of one worker, whatever the policy. */
static struct match_memo memo;

/* It does not wait for what another list denies by the answer. */
static bool is_detectors(const struct verdict *verdict)
{
	return strcmp(verdict->rule.list, OVERRIDE_LIST_NAME) == 0 &&
	       override_is_detectors(&crowd_overrides[verdict->rule.serial - 1]);
}

static bool is_plain(const struct verdict *verdict)
{
	return verdict->action == ACTION_ALLOW && verdict->rule.trigger == TRIGGER_NONE &&
	       verdict->shadow.trigger == TRIGGER_NONE && !verdict->denied_to_some && !verdict->differs &&
	       verdict->traits == 0 && verdict->group_name[0] == '\0';
}

/* Where one of them is denied. */
static bool know_of_others(const struct scene *scene, const struct verdict verdicts[CLIENTS],
	const struct expected expected[CLIENTS], bool any_let)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		if (!verdicts[i].denied_to_some)
			return broken("denied to some", scene, &verdicts[i], &expected[i]);
		if ((any_let || verdicts[i].action != verdicts[0].action) && !verdicts[i].differs)
			return broken("differs", scene, &verdicts[i], &expected[i]);
	}
	return true;
}

/* One answer, in the eyes of several clients. */
static bool laws_hold(const struct snapshot *snapshot, const struct scene *scene, uint16_t qtype)
{
	struct facts facts = { .transport = TRANSPORT_UDP, .qname = scene->names[0], .qtype = qtype, .qclass = 1,
		.records = show_records, .source = scene, .servers = show_servers, .servers_source = scene,
		.recursion_desired = true };
	struct facts question = facts;
	struct match_start start;
	struct verdict verdicts[CLIENTS], asked_first;
	struct expected expected[CLIENTS];
	bool any_denied = false, any_let = false;
	uint64_t plain;
	size_t i;

	question.records = NULL;
	if (draw(2) == 0)
		question.servers = NULL;
	for (i = 0; i < CLIENTS; i++) {
		facts.client = question.client = draw_address();
		facts.server = draw_address();
		facts.server.port = draw(2) == 0 ? 53 : 853;
		question.server = facts.server;
		expected[i] = naive_search(scene, &facts.client, &facts.server, qtype);
		evaluate_answer(snapshot, &facts, &verdicts[i]);
		if (!is_expected(&verdicts[i], &expected[i]))
			return broken("naive search", scene, &verdicts[i], &expected[i]);
		if (verdicts[i].group != crowd_group(&facts.client, &facts.server))
			return broken("group", scene, &verdicts[i], &expected[i]);
		if (!is_explained(snapshot, &facts, &verdicts[i]))
			return broken("explanation", scene, &verdicts[i], &expected[i]);
		plain = 0;
		if (draw(2) == 0) {
			evaluate_begin(snapshot, &question, draw(4) == 0 ? NULL : &memo, &start);
			plain = draw(2) == 0 ? evaluate_end_plain(snapshot, &question, &start) : 0;
		}
		evaluate_question(snapshot, &question, &asked_first);
		if (plain != 0 && (plain != asked_first.unlisted_in || plain != evaluate_plain_number(snapshot) ||
				   !is_plain(&asked_first)))
			return broken("plain question", scene, &asked_first, &expected[i]);
		if (asked_first.final && !is_expected(&asked_first, &expected[i]) &&
		    !(is_detectors(&asked_first) && action_table[expected[i].action].denies))
			return broken("final", scene, &asked_first, &expected[i]);
		facts.unlisted_in = asked_first.unlisted_in;
		evaluate_answer(snapshot, &facts, &verdicts[i]);
		if (!is_expected(&verdicts[i], &expected[i]))
			return broken("unlisted", scene, &verdicts[i], &expected[i]);
		facts.unlisted_in = 0;
		if (action_table[verdicts[i].action].denies)
			any_denied = true;
		else
			any_let = true;
	}
	if (any_denied && !know_of_others(scene, verdicts, expected, any_let))
		return false;
	facts.client.family = ADDRESS_NONE;
	if (is_blind(snapshot) &&
	    (verdicts[0].denied_to_some != any_denied || verdicts[0].differs))
		return broken("alike", scene, &verdicts[0], &expected[0]);
	if (any_denied && scene->hops + scene->address_count > 0 && !evaluate_denied_to_some(snapshot, &facts))
		return broken("response guard", scene, &verdicts[0], &expected[0]);
	return true;
}

/* The policy with the overrides in front of it; what it is derived from may go. */
static struct snapshot *override(struct snapshot *base)
{
	struct override_set *set = override_set_create(crowd_overrides, crowd_override_count);
	struct snapshot *derived = base != NULL && set != NULL ? snapshot_derive(base, set) : NULL;

	snapshot_destroy(&base);
	return derived;
}

static bool round_holds(void)
{
	char path[] = "-";
	struct conf conf = { .path = path, .lists = confs, .groups = crowd_groups };
	struct snapshot *snapshot;
	struct diag diag;
	bool good = true;
	size_t i;

	crowd_draw(draw, draw_address, draw_name);
	list_count = 1 + draw(LISTS_MAX);
	for (i = 0; i < list_count; i++)
		draw_list(i);
	conf.list_count = list_count;
	conf.group_count = crowd_group_count;
	conf.options.nsip_wait_recurse = conf.options.nsdname_wait_recurse = true;
	snapshot = override(snapshot_build(&conf, 0, NULL, &diag));
	if (snapshot == NULL)
		return false;
	for (i = 0; i < ANSWERS && good; i++) {
		struct name qname = draw_name();
		struct scene scene;

		draw_scene(&scene, &qname);
		good = laws_hold(snapshot, &scene, (uint16_t)(1 + draw(2)));
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
		if (!round_holds()) {
			printf("not ok 1 - triggers, clients and the answer agree # round %u\n", round);
			return 1;
		}
	}
	printf("ok 1 - triggers, clients and the answer agree\n");
	return 0;
}
