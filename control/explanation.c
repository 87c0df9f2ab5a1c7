/* explanation.c: gathers what matches, where it stands, and what the client gets. */
#include "control/explanation.h"

#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/evaluate.h"
#include "policy/list.h"
#include "policy/rdata.h"

#define RECORD_HEADER_OCTETS 10   /* type, class, TTL, rdata length */

/* --- the lines of rules ------------------------------------------------------------------------------------ */

struct search {
	struct explanation *explanation;
	const struct list_conf *list;
	size_t list_index;
};

static enum action rule_action(const struct list_conf *list, const struct rule *rule)
{
	enum action action = list->action != ACTION_ALLOW && !rule->keeps_action ? list->action : rule->action;

	return action != ACTION_ALLOW ? action : ACTION_NXDOMAIN;
}

static bool is_same_prefix(const struct rule *rule, const struct rule_match *match)
{
	struct address address = rule->address;
	uint8_t length = rule->prefix_length;

	if (length > address_bits(address.family))
		return false;
	address_mask(&address, length);
	prefix_unmap(&address, &length);
	return length == match->prefix_length && address.family == match->address.family &&
		address_compare(&address, &match->address) == 0;
}

static bool is_same_rule(const struct rule *rule, const struct rule_match *match)
{
	const enum trigger trigger = rule->trigger == TRIGGER_NONE ? TRIGGER_QNAME : rule->trigger;

	if (trigger != match->trigger)
		return false;
	if (match->address.family != ADDRESS_NONE)
		return is_same_prefix(rule, match);
	return (match->wildcard ? rule->below : rule->exact) && name_equal(&rule->name, &match->rule_name);
}

/* The first line that says it counts: what comes later is a duplicate. */
static bool note_line(void *arg, const struct rule *rule)
{
	const struct search *search = arg;

	for (size_t i = 0; i < search->explanation->rule_count; i++) {
		struct explained_rule *row = &search->explanation->rules[i];
		const struct rule_match *match = &row->candidate.match;

		if (row->line == 0 && row->candidate.list_index == search->list_index &&
				rule_action(search->list, rule) == match->action && is_same_rule(rule, match))
			row->line = rule->line;
	}
	return true;
}

static bool list_has_rows(const struct explanation *explanation, size_t list_index)
{
	for (size_t i = 0; i < explanation->rule_count; i++)
		if (explanation->rules[i].candidate.list_index == list_index)
			return true;
	return false;
}

int explanation_find_lines(struct explanation *explanation, struct diag *diag)
{
	for (size_t i = 0; i < explanation->conf->list_count; i++) {
		struct search search = { explanation, &explanation->conf->lists[i], i };
		struct list_stats stats;

		if (list_has_rows(explanation, i) && list_load(search.list, 0, note_line, &search, &stats, diag) != 0)
			return -1;
	}
	return 0;
}

/* --- the answer -------------------------------------------------------------------------------------------- */

/* A record in wire form is what libldns reads; the room suffices for every record. */
static ldns_rr *make_record(const struct name *owner, const struct local_record *record)
{
	size_t length = (size_t)owner->length + RECORD_HEADER_OCTETS + record->rdata_length, position = 0;
	uint8_t *wire = malloc(length), *at = wire;
	ldns_rr *made = NULL;

	if (wire == NULL)
		return NULL;
	memcpy(at, owner->octets, owner->length);
	at += owner->length;
	ldns_write_uint16(at, record->type);
	ldns_write_uint16(at + 2, LDNS_RR_CLASS_IN);
	ldns_write_uint32(at + 4, record->ttl);
	ldns_write_uint16(at + 8, record->rdata_length);
	memcpy(at + RECORD_HEADER_OCTETS, record->rdata, record->rdata_length);
	if (ldns_wire2rr(&made, wire, length, &position, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		made = NULL;
	free(wire);
	return made;
}

/* The CNAME of `name` that the answer has. */
struct alias_search {
	struct name name;
	bool moved;
};

static bool visit_alias(void *arg, const struct record *record)
{
	struct alias_search *search = arg;
	struct name owner;

	if (record->type != LDNS_RR_TYPE_CNAME || !name_from_wire(&owner, record->owner, record->owner_length) ||
			!name_equal(&owner, &search->name))
		return true;
	search->moved = rdata_alias(record, &search->name);
	return false;
}

/* The name that the denial is about: where the chain leads in as many steps as the verdict says. */
static struct name denied_name(const struct facts *facts, unsigned chain)
{
	struct alias_search search = { .name = facts->qname, .moved = facts->records != NULL };

	while (chain-- > 0 && search.moved) {
		search.moved = false;
		facts->records(facts->source, visit_alias, &search);
	}
	return search.name;
}

static bool make_records(struct explanation *explanation)
{
	const struct name owner = denied_name(explanation->facts, explanation->verdict.rule.chain);
	const struct local_data *data = explanation->verdict.data;
	size_t found[LOCAL_RECORDS_MAX];
	size_t count;

	explanation->records = ldns_rr_list_new();
	if (explanation->records == NULL)
		return false;
	if (data == NULL)
		return true;
	count = local_data_select(data, explanation->facts->qtype, found, LOCAL_RECORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct local_record record = local_data_at(data, found[i]);
		ldns_rr *made = make_record(&owner, &record);

		if (made != NULL && !ldns_rr_list_push_rr(explanation->records, made))
			ldns_rr_free(made);
	}
	return true;
}

/* --- gathering --------------------------------------------------------------------------------------------- */

/* Is it the list that it was when the snapshot was built? */
static const char *list_file(const struct conf *conf, const struct explain_candidate *candidate)
{
	if (candidate->list_index >= conf->list_count)
		return NULL;
	return strcmp(conf->lists[candidate->list_index].name, candidate->match.list) == 0 ?
		conf->lists[candidate->list_index].file : NULL;
}

static bool keep(void *arg, const struct explain_candidate *candidate)
{
	struct explanation *explanation = arg;
	struct explained_rule *row = &explanation->rules[explanation->rule_count];

	if (explanation->rule_count == EXPLANATION_ROWS_MAX) {
		explanation->more++;
		return true;
	}
	*row = (struct explained_rule){ .candidate = *candidate };
	row->candidate.data = NULL;
	if (candidate->override == NULL) {
		row->file = list_file(explanation->conf, candidate);
	} else {
		row->override = malloc(sizeof(*row->override));
		if (row->override == NULL)
			return false;
		*row->override = *candidate->override;
	}
	row->candidate.override = row->override;
	explanation->rule_count++;
	return true;
}

int explanation_judge(struct explanation *explanation, const struct conf *conf, const struct snapshot *snapshot,
	const struct facts *facts, struct diag *diag)
{
	bool made;

	memset(explanation, 0, sizeof(*explanation));
	explanation->conf = conf;
	explanation->facts = facts;
	explanation->rules = calloc(EXPLANATION_ROWS_MAX, sizeof(*explanation->rules));
	if (explanation->rules == NULL)
		return diag_set(diag, conf->path, 0, 0, "out of memory");
	if (facts->records != NULL)
		explain_answer(snapshot, facts, keep, explanation, &explanation->verdict);
	else
		explain_question(snapshot, facts, keep, explanation, &explanation->verdict);
	explanation->ede = evaluate_ede_mode(snapshot, explanation->verdict.group);
	made = make_records(explanation);
	explanation->verdict.data = NULL;
	if (made)
		return 0;
	explanation_fini(explanation);
	return diag_set(diag, conf->path, 0, 0, "out of memory");
}

void explanation_fini(struct explanation *explanation)
{
	ldns_rr_list_deep_free(explanation->records);
	for (size_t i = 0; i < explanation->rule_count; i++)
		free(explanation->rules[i].override);
	free(explanation->rules);
	memset(explanation, 0, sizeof(*explanation));
}
