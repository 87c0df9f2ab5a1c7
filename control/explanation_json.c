/* explanation_json.c: an explanation as JSON, for programs and for what prints it. */
#include "control/explanation.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "control/audit.h"
#include "control/json.h"
#include "policy/inventory.h"

#define RULE_TEXT_MAX (NAME_TEXT_MAX + 2)

/* --- what the client gets ---------------------------------------------------------------------------------- */

/* The rcode that the client gets; NULL: whatever resolution gives, or no answer at all. */
static const char *rcode_text(const struct explanation *explanation)
{
	switch (explanation->verdict.action) {
	case ACTION_NXDOMAIN:
		return "NXDOMAIN";
	case ACTION_REFUSE:
		return "REFUSED";
	case ACTION_NODATA:
	case ACTION_LOCAL_DATA:
	case ACTION_SINKHOLE:
	case ACTION_TRUNCATE:
		return "NOERROR";
	case ACTION_ALLOW:
	case ACTION_PASS:
	case ACTION_OBSERVE:
	case ACTION_DROP:
	case ACTION_COUNT:
		break;
	}
	return NULL;
}

static const char *ede_name(int code)
{
	switch (code) {
	case EDE_FORGED:
		return "Forged Answer";
	case EDE_BLOCKED:
		return "Blocked";
	case EDE_CENSORED:
		return "Censored";
	case EDE_FILTERED:
		return "Filtered";
	case EDE_PROHIBITED:
		return "Prohibited";
	}
	return "";
}

/* The EDE text without the incident number, which only an answer has; empty: none is sent. */
static size_t ede_text(const struct explanation *explanation, char *to, size_t cap)
{
	const struct verdict *verdict = &explanation->verdict;

	*to = '\0';
	if (!action_table[verdict->action].denies || verdict->rule.ede == EDE_NONE || verdict->action == ACTION_DROP ||
			explanation->ede == EDE_MODE_NONE)
		return 0;
	return verdict_ede_text(verdict, NULL, to, cap);
}

/* Was the question alone judged, and can the answer still change the verdict? */
static bool is_open(const struct explanation *explanation)
{
	const struct verdict *verdict = &explanation->verdict;

	return verdict->rule.trigger != TRIGGER_NONE && verdict->action != ACTION_OBSERVE && !verdict->final;
}

static json_t *records_json(const ldns_rr_list *records)
{
	json_t *array = json_array();

	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(records, i));

		if (text != NULL)
			json_array_append_new(array, json_text(text, strcspn(text, "\n")));
		LDNS_FREE(text);
	}
	return array;
}

static json_t *ede_json(const struct explanation *explanation)
{
	char text[EDE_TEXT_MAX];
	json_t *object;

	if (ede_text(explanation, text, sizeof(text)) == 0)
		return NULL;
	object = json_object();
	json_object_set_new(object, "code", json_integer(explanation->verdict.rule.ede));
	json_set_text(object, "name", ede_name(explanation->verdict.rule.ede));
	if (explanation->ede == EDE_MODE_TEXT)
		json_set_text(object, "text", text);
	return object;
}

/* --- rules ------------------------------------------------------------------------------------------------- */

/* `to` holds NAME_TEXT_MAX. Returns `to`. */
static char *matched_text(const struct rule_match *match, char *to)
{
	const struct address *address = &match->matched_address;

	if (match->matched_name.length > 0)
		return name_to_text(&match->matched_name, to);
	if (inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, to, NAME_TEXT_MAX) == NULL)
		*to = '\0';
	return to;
}

static json_t *words_json(const char *text)
{
	json_t *words = json_array();
	size_t length;

	for (; *text != '\0'; text += length) {
		text += strspn(text, " ");
		length = strcspn(text, " ");
		if (length > 0)
			json_array_append_new(words, json_text(text, length));
	}
	return words;
}

static json_t *match_json(const struct rule_match *match)
{
	json_t *object = json_object();
	char rule[RULE_TEXT_MAX], matched[NAME_TEXT_MAX];

	json_set_text(object, "list", match->list);
	json_set_text(object, "rule", rule_match_text(match, rule));
	json_set_text(object, "action", action_table[match->action].name);
	json_set_text(object, "trigger", trigger_names[match->trigger]);
	json_set_text(object, "matched", matched_text(match, matched));
	if (match->chain > 0)
		json_set_number(object, "chain", match->chain);
	if (*match->category != '\0')
		json_set_text(object, "category", match->category);
	if (*match->attack != '\0')
		json_object_set_new(object, "attack", words_json(match->attack));
	return object;
}

static json_t *override_row(const struct override *override)
{
	json_t *object = json_object();
	char until[AUDIT_TIME_MAX];

	json_set_number(object, "id", override->id);
	json_set_text(object, "until", audit_time(override->until, until));
	json_set_text(object, "who", override->who);
	json_set_text(object, "why", override->why);
	return object;
}

static json_t *row_json(const struct explained_rule *row)
{
	json_t *object = match_json(&row->candidate.match);

	if (row->override != NULL)
		json_object_set_new(object, "override", override_row(row->override));
	else
		json_set_text(object, "file", row->file);
	if (row->line != 0)
		json_set_number(object, "line", row->line);
	json_set_flag(object, "shadow", row->candidate.shadow);
	json_set_flag(object, "decides", row->candidate.won);
	json_set_text(object, "why_not", row->candidate.why_not);
	return object;
}

static json_t *rows_json(const struct explanation *explanation)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < explanation->rule_count; i++)
		json_array_append_new(rows, row_json(&explanation->rules[i]));
	return rows;
}

/* --- the whole --------------------------------------------------------------------------------------------- */

json_t *explanation_json(const struct explanation *explanation)
{
	const struct verdict *verdict = &explanation->verdict;
	json_t *object = json_object(), *ede = ede_json(explanation);
	char name[NAME_TEXT_MAX], *type = ldns_rr_type2str((ldns_rr_type)explanation->facts->qtype);

	json_set_text(object, "qname", name_to_text(&explanation->facts->qname, name));
	json_set_text(object, "qtype", type);
	json_set_text(object, "judged", explanation->facts->records != NULL ? "answer" : "question");
	json_set_text(object, "mode", explanation->conf->mode == MODE_SHADOW ? "shadow" : "enforce");
	if (*verdict->group_name != '\0')
		json_set_text(object, "group", verdict->group_name);
	json_set_text(object, "verdict", action_table[verdict->action].name);
	json_set_flag(object, "denied", action_table[verdict->action].denies);
	json_set_flag(object, "final", !is_open(explanation));
	json_set_text(object, "rcode", rcode_text(explanation));
	json_set_number(object, "ttl", verdict->ttl);
	json_object_set_new(object, "answers", records_json(explanation->records));
	if (ede != NULL)
		json_object_set_new(object, "ede", ede);
	if (verdict->shadow.trigger != TRIGGER_NONE)
		json_object_set_new(object, "shadow", match_json(&verdict->shadow));
	/* Its clauses are no rules of a list, and stand in no row. */
	if (strcmp(verdict->rule.list, INVENTORY_LIST_NAME) == 0)
		json_object_set_new(object, "inventory", match_json(&verdict->rule));
	json_object_set_new(object, "rules", rows_json(explanation));
	json_set_number(object, "more", explanation->more);
	LDNS_FREE(type);
	return object;
}
