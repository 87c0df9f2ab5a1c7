/* explanation_print.c: an explanation, for people and as JSON. */
#include "tools/explanation.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tools/json_out.h"

#define RULE_TEXT_MAX (NAME_TEXT_MAX + 2)
#define TRIGGER_TEXT_MAX 16

static enum term_style action_style(enum action action)
{
	if (action_table[action].denies)
		return STYLE_BAD;
	return action == ACTION_OBSERVE ? STYLE_WARN : STYLE_GOOD;
}

static char *type_text(uint16_t type)
{
	return ldns_rr_type2str((ldns_rr_type)type);
}

static bool is_whole_in_shadow(const struct explanation *explanation)
{
	return explanation->conf->mode == MODE_SHADOW;
}

/* RFC 3339; `to` holds 32. Returns `to`. */
static char *time_text(int64_t seconds, char *to)
{
	const time_t when = (time_t)seconds;
	struct tm parts;

	if (gmtime_r(&when, &parts) == NULL || strftime(to, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		snprintf(to, 32, "%lld", (long long)seconds);
	return to;
}

/* --- for people -------------------------------------------------------------------------------------------- */

/* Until when, by whom and why: what people know an override by. */
static void print_override(const struct override *override, FILE *to)
{
	char who[2 * OVERRIDE_WHO_MAX], why[2 * OVERRIDE_WHY_MAX], until[32];

	term_escape(who, sizeof(who), override->who, strnlen(override->who, sizeof(override->who)));
	term_escape(why, sizeof(why), override->why, strnlen(override->why, sizeof(override->why)));
	fprintf(to, "override %" PRIu64 " until %s by %s: %s", override->id, time_text(override->until, until), who, why);
}

static void print_place(const struct explained_rule *row, FILE *to)
{
	char safe[512];

	if (row->candidate.override != NULL) {
		print_override(row->candidate.override, to);
		return;
	}
	term_escape(safe, sizeof(safe), row->file, strlen(row->file));
	if (row->line != 0)
		fprintf(to, "%s:%u", safe, row->line);
	else
		fprintf(to, "%s (changed while it was read)", safe);
}

static void print_verdict(const struct explanation *explanation, const struct term *term, FILE *to)
{
	enum term_style style = action_style(explanation->verdict.action);
	char *type = type_text(explanation->facts->qtype), name[NAME_TEXT_MAX];

	fprintf(to, "%s %s: %s%s%s\n", name_to_text(&explanation->facts->qname, name), type != NULL ? type : "?",
		term_on(term, style), action_table[explanation->verdict.action].name, term_off(term, style));
	LDNS_FREE(type);
	if (*explanation->verdict.group_name != '\0')
		fprintf(to, "  the client is in the group %s\n", explanation->verdict.group_name);
	if (is_whole_in_shadow(explanation))
		fputs("  everything is in shadow (mode: shadow): reported, never enforced\n", to);
}

static void print_records(const struct explanation *explanation, FILE *to)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(explanation->records); i++) {
		char *text = ldns_rr2str(ldns_rr_list_rr(explanation->records, i));
		char safe[1024];

		if (text == NULL)
			continue;
		for (char *tab = text; (tab = strchr(tab, '\t')) != NULL; tab++)
			*tab = ' ';
		term_escape(safe, sizeof(safe), text, strcspn(text, "\n"));
		fprintf(to, "  %s\n", safe);
		LDNS_FREE(text);
	}
}

/* Was the question alone judged, and can the answer still change the verdict? */
static bool is_open(const struct explanation *explanation)
{
	const struct verdict *verdict = &explanation->verdict;

	return verdict->rule.trigger != TRIGGER_NONE && verdict->action != ACTION_OBSERVE && !verdict->final;
}

static void print_answer(const struct explanation *explanation, FILE *to)
{
	const char *rcode = explanation_rcode(explanation);
	size_t records = ldns_rr_list_rr_count(explanation->records);
	char text[EDE_TEXT_MAX];

	if (explanation->verdict.action == ACTION_DROP)
		fputs("  the client gets no answer at all\n", to);
	else if (explanation->verdict.action == ACTION_TRUNCATE)
		fputs("  over UDP the client gets TC=1 and no records; over TCP, TLS, HTTPS the real answer\n", to);
	else if (explanation->verdict.action == ACTION_PASS)
		fputs("  the client gets what resolution gives, and nothing in the answer is judged\n", to);
	else if (rcode == NULL && explanation->facts->records != NULL)
		fputs("  the client gets this answer as it is\n", to);
	else if (rcode == NULL)
		fputs("  the client gets what resolution gives, unless a name in the answer is denied\n", to);
	else if (records > 0)
		fprintf(to, "  the client gets %s, %zu record%s\n", rcode, records, records == 1 ? "" : "s");
	else if (explanation->verdict.action == ACTION_REFUSE)
		fprintf(to, "  the client gets %s\n", rcode);
	else
		fprintf(to, "  the client gets %s, no records, and an SOA that lets it remember that for %u s\n", rcode,
			explanation->verdict.ttl);
	print_records(explanation, to);
	if (is_open(explanation))
		fputs("  not final: rules about the answer may come first, so it is resolved before that is decided\n", to);
	if (explanation_ede(explanation, text, sizeof(text)) == 0)
		return;
	fprintf(to, "  EDE %d (%s)", explanation->verdict.rule.ede, explanation_ede_name(explanation->verdict.rule.ede));
	if (explanation->ede == EDE_MODE_TEXT)
		fprintf(to, ": %s, incident NUMBER\n", text);
	else
		fputs(" without a text, as the group has `ede: code`\n", to);
}

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

static void print_shadow(const struct explanation *explanation, const struct term *term, FILE *to)
{
	const struct rule_match *shadow = &explanation->verdict.shadow;
	char rule[RULE_TEXT_MAX];

	if (shadow->trigger == TRIGGER_NONE)
		return;
	fprintf(to, "  %swithout shadow: %s by list %s, rule %s%s\n", term_on(term, STYLE_WARN),
		action_table[shadow->action].name, shadow->list, rule_match_text(shadow, rule), term_off(term, STYLE_WARN));
}

/* QNAME goes without saying. */
static char *print_rule(const struct rule_match *match, char *to)
{
	char rule[RULE_TEXT_MAX], trigger[TRIGGER_TEXT_MAX] = "";

	if (match->trigger != TRIGGER_QNAME)
		snprintf(trigger, sizeof(trigger), " (%s)", trigger_names[match->trigger]);
	snprintf(to, RULE_TEXT_MAX + TRIGGER_TEXT_MAX, "%s%s", rule_match_text(match, rule), trigger);
	return to;
}

/* What matched, where the reader cannot see it in the question. */
static void print_matched(const struct rule_match *match, FILE *to)
{
	char text[NAME_TEXT_MAX];

	fprintf(to, "    matches %s\n", matched_text(match, text));
}

static void print_row(const struct explained_rule *row, const struct name *qname, const struct term *term, FILE *to)
{
	const struct rule_match *match = &row->candidate.match;
	char rule[RULE_TEXT_MAX + TRIGGER_TEXT_MAX];

	fprintf(to, "%s%s %-12s %-24s %-10s ", term_on(term, row->candidate.won ? STYLE_STRONG : STYLE_PLAIN),
		row->candidate.won ? ">" : " ", match->list, print_rule(match, rule), action_table[match->action].name);
	print_place(row, to);
	fprintf(to, "%s\n", term_off(term, row->candidate.won ? STYLE_STRONG : STYLE_PLAIN));
	if (!name_equal(&match->matched_name, qname))
		print_matched(match, to);
	if (row->candidate.why_not != NULL)
		fprintf(to, "    %snot this one: %s%s\n", term_on(term, STYLE_FAINT), row->candidate.why_not,
			term_off(term, STYLE_FAINT));
}

void explanation_print(const struct explanation *explanation, const struct term *term, FILE *to)
{
	print_verdict(explanation, term, to);
	print_answer(explanation, to);
	print_shadow(explanation, term, to);
	if (explanation->rule_count == 0) {
		fputs("\nNo rule of any list matches.\n", to);
		return;
	}
	fputs("\nRules that match, in order of precedence (> decides):\n", to);
	for (size_t i = 0; i < explanation->rule_count; i++)
		print_row(&explanation->rules[i], &explanation->facts->qname, term, to);
	if (explanation->more > 0)
		fprintf(to, "... and %zu more\n", explanation->more);
}

/* --- for programs ------------------------------------------------------------------------------------------ */

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

static json_t *override_json(const struct override *override)
{
	json_t *object = json_object();
	char until[32];

	json_set_number(object, "id", override->id);
	json_set_text(object, "until", time_text(override->until, until));
	json_set_text(object, "who", override->who);
	json_set_text(object, "why", override->why);
	return object;
}

static json_t *row_json(const struct explained_rule *row)
{
	json_t *object = match_json(&row->candidate.match);

	if (row->candidate.override != NULL)
		json_object_set_new(object, "override", override_json(row->candidate.override));
	else
		json_set_text(object, "file", row->file);
	if (row->line != 0)
		json_set_number(object, "line", row->line);
	json_object_set_new(object, "shadow", json_boolean(row->candidate.shadow));
	json_object_set_new(object, "decides", json_boolean(row->candidate.won));
	json_set_text(object, "why_not", row->candidate.why_not);
	return object;
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

	if (explanation_ede(explanation, text, sizeof(text)) == 0)
		return NULL;
	object = json_object();
	json_object_set_new(object, "code", json_integer(explanation->verdict.rule.ede));
	if (explanation->ede == EDE_MODE_TEXT)
		json_set_text(object, "text", text);
	return object;
}

void explanation_print_json(const struct explanation *explanation, FILE *to)
{
	json_t *object = json_object(), *rows = json_array(), *ede = ede_json(explanation);
	char name[NAME_TEXT_MAX], *type = type_text(explanation->facts->qtype);

	for (size_t i = 0; i < explanation->rule_count; i++)
		json_array_append_new(rows, row_json(&explanation->rules[i]));
	json_set_text(object, "qname", name_to_text(&explanation->facts->qname, name));
	json_set_text(object, "qtype", type);
	json_set_text(object, "mode", is_whole_in_shadow(explanation) ? "shadow" : "enforce");
	if (*explanation->verdict.group_name != '\0')
		json_set_text(object, "group", explanation->verdict.group_name);
	json_set_text(object, "verdict", action_table[explanation->verdict.action].name);
	json_object_set_new(object, "denied", json_boolean(action_table[explanation->verdict.action].denies));
	json_object_set_new(object, "final", json_boolean(!is_open(explanation)));
	json_set_text(object, "rcode", explanation_rcode(explanation));
	json_object_set_new(object, "answers", records_json(explanation->records));
	if (ede != NULL)
		json_object_set_new(object, "ede", ede);
	if (explanation->verdict.shadow.trigger != TRIGGER_NONE)
		json_object_set_new(object, "shadow", match_json(&explanation->verdict.shadow));
	json_object_set_new(object, "rules", rows);
	LDNS_FREE(type);
	json_print_line(object, to, false);
}
