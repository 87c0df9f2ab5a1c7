/* load_check.c: does a policy do what its lists say? */
#include "control/load_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "control/crowd.h"
#include "control/probe.h"
#include "policy/address.h"
#include "policy/explain.h"
#include "policy/group.h"

#define RULES_TRIED 64          /* of each list */
#define UNPACKED_MAX ((size_t)16 << 20)
#define STRANGERS 64            /* names that nobody has heard of */
#define TYPES_TRIED 4

static const uint16_t types[TYPES_TRIED] = { 1, 28, 65, 16 };   /* A, AAAA, HTTPS, TXT */

/* Rules of one list, being looked for in the compiled form. */
struct trial {
	const struct snapshot *snapshot;
	const struct list_conf *list;
	size_t index;             /* of the list */
	struct facts facts;       /* of a client that it serves */
	unsigned left;
	struct name name;         /* that a rule should match, */
	struct address address;   /* or this */
	bool missing;             /* and none did */
	unsigned line;            /* of that rule */
};

struct search {
	size_t list;
	enum trigger trigger;
	bool found;
};

static bool is_wanted(void *arg, const struct explain_candidate *candidate)
{
	struct search *search = arg;

	search->found = candidate->match.trigger == search->trigger && candidate->list_index == search->list;
	return !search->found;
}

static bool is_found(const struct trial *trial, enum trigger trigger)
{
	struct search search = { .list = trial->index, .trigger = trigger };
	struct verdict verdict;
	struct probe probe;

	switch (trigger) {
	case TRIGGER_CLIENT_IP:
		probe_client(&probe, &trial->facts, &trial->address);
		break;
	case TRIGGER_IP:
		probe_record(&probe, &trial->facts, &trial->address);
		break;
	case TRIGGER_NSDNAME:
	case TRIGGER_NSIP:
		probe_server(&probe, &trial->facts, &trial->name, &trial->address);
		break;
	case TRIGGER_NONE:
	case TRIGGER_QNAME:
	case TRIGGER_COUNT:
		probe.facts = trial->facts;
		probe.facts.qname = trial->name;
		break;
	}
	if (probe.facts.records != NULL)
		explain_answer(trial->snapshot, &probe.facts, is_wanted, &search, &verdict);
	else
		explain_question(trial->snapshot, &probe.facts, is_wanted, &search, &verdict);
	return search.found;
}

/* A name that the rule is for. False: there is none that is short enough. */
static bool name_for(const struct rule *rule, struct name *name)
{
	static const uint8_t label[] = { 1, 'x' };
	uint8_t wire[NAME_OCTETS_MAX];

	if (rule->exact) {
		*name = rule->name;
		return true;
	}
	if (!rule->below || rule->name.length > sizeof(wire) - sizeof(label))
		return false;
	memcpy(wire, label, sizeof(label));
	memcpy(wire + sizeof(label), rule->name.octets, rule->name.length);
	return name_from_wire(name, wire, rule->name.length + sizeof(label));
}

/* Fills what the rule is for. False: there is nothing to try. What a rule for names has as address is of no rule. */
static bool aim(struct trial *trial, const struct rule *rule, enum trigger trigger)
{
	trial->name = (struct name){ .length = 1 };
	trial->address = (struct address){ .family = ADDRESS_NONE };
	if (trigger == TRIGGER_QNAME || trigger == TRIGGER_NSDNAME)
		return name_for(rule, &trial->name);
	trial->address = rule->address;
	address_mask(&trial->address, rule->prefix_length);
	return true;
}

/* A rule_visit: false ends the reading of the list. */
static bool try_rule(void *arg, const struct rule *rule)
{
	const enum trigger trigger = rule->trigger == TRIGGER_NONE ? TRIGGER_QNAME : rule->trigger;
	struct trial *trial = arg;

	if (aim(trial, rule, trigger) && !is_found(trial, trigger)) {
		trial->line = rule->line;
		trial->missing = true;
		return false;
	}
	return --trial->left > 0;
}

/* A type that the list judges; 0: none of the usual ones. */
static uint16_t type_for(const struct list_conf *list)
{
	if (list->qtypes.count > 0 && !rrtypes_have(&list->qtypes_exempt, list->qtypes.types[0]))
		return list->qtypes.types[0];
	for (unsigned i = 0; list->qtypes.count == 0 && i < TYPES_TRIED; i++)
		if (!rrtypes_have(&list->qtypes_exempt, types[i]))
			return types[i];
	return 0;
}

/* Somebody whom the list serves. */
static const struct facts *client_for(const struct crowd *crowd, uint64_t groups)
{
	for (unsigned group = 0; group < CROWD_MAX; group++)
		if ((groups >> group & 1) != 0 && crowd->known[group])
			return &crowd->clients[group];
	return NULL;
}

/* What the compiled form has no room for is counted, and is not there. A compressed list has to be unpacked as a whole
 * for its first lines: where it is large, that takes as long as building it. */
static bool can_be_tried(const struct list_report *report)
{
	return !report->withdrawn && report->stats.skipped[SKIP_TOO_MANY] == 0 &&
		(report->stats.octets == report->stats.file_octets || report->stats.octets <= UNPACKED_MAX);
}

/* `to` holds NAME_TEXT_MAX. Returns `to`. */
static const char *target_text(const struct trial *trial, char *to)
{
	const int family = trial->address.family == ADDRESS_INET ? AF_INET : AF_INET6;

	if (trial->address.family == ADDRESS_NONE ||
	    inet_ntop(family, trial->address.octets, to, NAME_TEXT_MAX) == NULL)
		name_to_text(&trial->name, to);
	return to;
}

static int check_list(const struct conf *conf, const struct build_report *build, const struct snapshot *snapshot,
	const struct crowd *crowd, size_t index, struct diag *diag)
{
	const struct list_conf *list = &conf->lists[index];
	const struct facts *client = client_for(crowd, group_mask(snapshot_groups(snapshot), list, conf->path, NULL));
	struct trial trial = { .snapshot = snapshot, .list = list, .index = index, .left = RULES_TRIED };
	char text[NAME_TEXT_MAX];
	struct list_stats stats;

	if (client == NULL || !can_be_tried(&build->lists[index]) || type_for(list) == 0)
		return 0;
	trial.facts = *client;
	trial.facts.qname = (struct name){ .length = 1 };
	trial.facts.qtype = type_for(list);
	/* Ending it early is an error of its own, which says nothing. */
	(void)list_load(list, build->lists[index].loaded_at, try_rule, &trial, &stats, NULL);
	if (!trial.missing)
		return 0;
	return diag_set(diag, list->file, trial.line, 0, "self-check: the compiled policy does not know this rule of "
		"policy-list %s (tried %.200s): the policy in force stays; please report this", list->name,
		target_text(&trial, text));
}

static bool is_any(void *arg, const struct explain_candidate *candidate)
{
	bool *found = arg;

	*found |= candidate->match.trigger == TRIGGER_QNAME;
	return !*found;
}

/* Three labels of letters that no list has. */
static void stranger(struct name *name, uint64_t *seed)
{
	uint8_t wire[3 * 13 + 1] = { 0 };

	for (unsigned i = 0; i < 3 * 13; i++) {
		*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		wire[i] = i % 13 == 0 ? 12 : (uint8_t)('a' + (*seed >> 33) % 26);
	}
	name_from_wire(name, wire, sizeof(wire));
}

int check_strangers(const struct conf *conf, const struct snapshot *snapshot, struct diag *diag)
{
	struct facts facts = { .qtype = types[0], .qclass = 1, .recursion_desired = true };
	uint64_t seed = 1;

	for (unsigned i = 0; i < STRANGERS; i++) {
		char text[NAME_TEXT_MAX];
		struct verdict verdict;
		bool found = false;

		stranger(&facts.qname, &seed);
		explain_question(snapshot, &facts, is_any, &found, &verdict);
		if (found)
			return diag_set(diag, conf->path, 0, 0, "self-check: the compiled policy has a rule for %s, "
				"which no list can have: the policy in force stays; please report this",
				name_to_text(&facts.qname, text));
	}
	return 0;
}

int check_itself(const struct conf *conf, const struct build_report *build, const struct snapshot *snapshot,
	struct diag *diag)
{
	struct crowd crowd;
	int result = check_strangers(conf, snapshot, diag);

	crowd_init(&crowd, conf, snapshot_groups(snapshot));
	for (size_t i = 0; result == 0 && i < build->list_count; i++)
		result = check_list(conf, build, snapshot, &crowd, i, diag);
	return result;
}
