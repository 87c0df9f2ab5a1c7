/* explanation_print.c: an explanation for people. */
#include "tools/explanation_print.h"

#include <string.h>

#include "control/json.h"
#include "policy/action.h"

#define SAFE_MAX 1280

/* A member of an object, safe for a terminal; `to` holds SAFE_MAX. Returns `to`. */
static const char *safe(const json_t *object, const char *key, char *to)
{
	const char *text = json_get_text(object, key);

	term_escape(to, SAFE_MAX, text, strlen(text));
	return to;
}

static bool is(const json_t *object, const char *key, const char *value)
{
	return strcmp(json_get_text(object, key), value) == 0;
}

static enum term_style action_style(const json_t *explanation)
{
	if (json_get_flag(explanation, "denied"))
		return STYLE_BAD;
	return is(explanation, "verdict", action_table[ACTION_OBSERVE].name) ? STYLE_WARN : STYLE_GOOD;
}

/* --- the verdict and the answer ---------------------------------------------------------------------------- */

static void print_verdict(const json_t *explanation, const struct term *term, FILE *to)
{
	enum term_style style = action_style(explanation);
	char name[SAFE_MAX], type[SAFE_MAX], verdict[SAFE_MAX], group[SAFE_MAX];

	fprintf(to, "%s %s: %s%s%s", safe(explanation, "qname", name), safe(explanation, "qtype", type),
		term_on(term, style), safe(explanation, "verdict", verdict), term_off(term, style));
	if (*safe(explanation, "group", group) != '\0')
		fprintf(to, " for group %s", group);
	putc('\n', to);
	if (is(explanation, "mode", "shadow"))
		fputs("  everything is in shadow (mode: shadow): reported, never enforced\n", to);
}

static void print_records(const json_t *records, FILE *to)
{
	size_t index;
	json_t *record;

	json_array_foreach(records, index, record) {
		const char *text = json_string_value(record) != NULL ? json_string_value(record) : "";
		char line[SAFE_MAX], clean[SAFE_MAX];

		snprintf(line, sizeof(line), "%s", text);
		for (char *tab = line; (tab = strchr(tab, '\t')) != NULL; tab++)
			*tab = ' ';
		term_escape(clean, sizeof(clean), line, strlen(line));
		fprintf(to, "  %s\n", clean);
	}
}

static void print_rcode(const json_t *explanation, FILE *to)
{
	const size_t records = json_array_size(json_object_get(explanation, "answers"));
	char rcode[SAFE_MAX];

	safe(explanation, "rcode", rcode);
	if (records > 0)
		fprintf(to, "  the client gets %s, %zu record%s\n", rcode, records, records == 1 ? "" : "s");
	else if (is(explanation, "verdict", action_table[ACTION_REFUSE].name))
		fprintf(to, "  the client gets %s\n", rcode);
	else
		fprintf(to, "  the client gets %s, no records, and an SOA that lets it remember that for %lld s\n", rcode,
			(long long)json_get_number(explanation, "ttl"));
}

static void print_answer(const json_t *explanation, FILE *to)
{
	if (is(explanation, "verdict", action_table[ACTION_DROP].name))
		fputs("  the client gets no answer at all\n", to);
	else if (is(explanation, "verdict", action_table[ACTION_TRUNCATE].name))
		fputs("  over UDP the client gets TC=1 and no records; over TCP, TLS, HTTPS the real answer\n", to);
	else if (is(explanation, "verdict", action_table[ACTION_PASS].name))
		fputs("  the client gets what resolution gives, and nothing in the answer is judged\n", to);
	else if (!is(explanation, "rcode", ""))
		print_rcode(explanation, to);
	else if (is(explanation, "judged", "answer"))
		fputs("  the client gets this answer as it is\n", to);
	else
		fputs("  the client gets what resolution gives, unless a name in the answer is denied\n", to);
	print_records(json_object_get(explanation, "answers"), to);
	if (!json_get_flag(explanation, "final"))
		fputs("  not final: rules about the answer may come first, so it is resolved before that is decided\n", to);
}

static void print_ede(const json_t *ede, FILE *to)
{
	char name[SAFE_MAX], text[SAFE_MAX];

	if (ede == NULL)
		return;
	fprintf(to, "  EDE %lld (%s)", (long long)json_get_number(ede, "code"), safe(ede, "name", name));
	if (*safe(ede, "text", text) != '\0')
		fprintf(to, ": %s, incident NUMBER\n", text);
	else
		fputs(" without a text, as the group has `ede: code`\n", to);
}

static void print_shadow(const json_t *shadow, const struct term *term, FILE *to)
{
	char action[SAFE_MAX], list[SAFE_MAX], rule[SAFE_MAX];

	if (shadow == NULL)
		return;
	fprintf(to, "  %swithout shadow: %s by list %s, rule %s%s\n", term_on(term, STYLE_WARN),
		safe(shadow, "action", action), safe(shadow, "list", list), safe(shadow, "rule", rule),
		term_off(term, STYLE_WARN));
}

/* What matched is the name server, or its address. */
static void print_inventory(const json_t *inventory, FILE *to)
{
	char zone[SAFE_MAX], trigger[SAFE_MAX], matched[SAFE_MAX], id[SAFE_MAX];
	const json_t *attack = json_object_get(inventory, "attack"), *one;
	size_t index;

	if (inventory == NULL)
		return;
	fprintf(to, "  decided by approved-name-server: zone %s, where %s (%s) is none of those\n", safe(inventory, "rule", zone),
		safe(inventory, "matched", matched), safe(inventory, "trigger", trigger));
	json_array_foreach(attack, index, one) {
		const char *text = json_string_value(one) != NULL ? json_string_value(one) : "";

		term_escape(id, sizeof(id), text, strlen(text));
		fprintf(to, "%s%s", index == 0 ? "  ATT&CK " : " ", id);
	}
	fputs(index > 0 ? "\n" : "", to);
}

/* --- the rules --------------------------------------------------------------------------------------------- */

/* Until when, by whom and why: what people know an override by. */
static void print_override(const json_t *override, FILE *to)
{
	char until[SAFE_MAX], who[SAFE_MAX], why[SAFE_MAX];

	fprintf(to, "override %lld until %s by %s: %s", (long long)json_get_number(override, "id"),
		safe(override, "until", until), safe(override, "who", who), safe(override, "why", why));
}

static void print_place(const json_t *row, FILE *to)
{
	const json_t *override = json_object_get(row, "override");
	char file[SAFE_MAX];

	if (override != NULL)
		print_override(override, to);
	else if (*safe(row, "file", file) == '\0')
		fputs("(its list is being replaced)", to);
	else if (json_get_number(row, "line") != 0)
		fprintf(to, "%s:%lld", file, (long long)json_get_number(row, "line"));
	else
		fprintf(to, "%s (changed since it was loaded)", file);
}

/* QNAME goes without saying. */
static const char *rule_text(const json_t *row, char *to, size_t cap)
{
	char rule[SAFE_MAX], trigger[SAFE_MAX];

	if (is(row, "trigger", trigger_names[TRIGGER_QNAME]))
		snprintf(to, cap, "%s", safe(row, "rule", rule));
	else
		snprintf(to, cap, "%s (%s)", safe(row, "rule", rule), safe(row, "trigger", trigger));
	return to;
}

static void print_row(const json_t *row, const char *qname, const struct term *term, FILE *to)
{
	const bool decides = json_get_flag(row, "decides");
	char list[SAFE_MAX], action[SAFE_MAX], rule[2 * SAFE_MAX + 4], text[SAFE_MAX];

	fprintf(to, "%s%s %-12s %-24s %-10s ", term_on(term, decides ? STYLE_STRONG : STYLE_PLAIN), decides ? ">" : " ",
		safe(row, "list", list), rule_text(row, rule, sizeof(rule)), safe(row, "action", action));
	print_place(row, to);
	fprintf(to, "%s\n", term_off(term, decides ? STYLE_STRONG : STYLE_PLAIN));
	/* What matched, where the reader cannot see it in the question. */
	if (!is(row, "matched", qname))
		fprintf(to, "    matches %s\n", safe(row, "matched", text));
	if (*safe(row, "why_not", text) != '\0')
		fprintf(to, "    %snot this one: %s%s\n", term_on(term, STYLE_FAINT), text, term_off(term, STYLE_FAINT));
}

void explanation_print(const json_t *explanation, const struct term *term, FILE *to)
{
	const json_t *rules = json_object_get(explanation, "rules"), *row;
	size_t index;

	print_verdict(explanation, term, to);
	print_answer(explanation, to);
	print_ede(json_object_get(explanation, "ede"), to);
	print_shadow(json_object_get(explanation, "shadow"), term, to);
	print_inventory(json_object_get(explanation, "inventory"), to);
	if (json_array_size(rules) == 0) {
		fputs("\nNo rule of any list matches.\n", to);
		return;
	}
	fputs("\nRules that match, in order of precedence (> decides):\n", to);
	json_array_foreach(rules, index, row)
		print_row(row, json_get_text(explanation, "qname"), term, to);
	if (json_get_number(explanation, "more") > 0)
		fprintf(to, "... and %lld more\n", (long long)json_get_number(explanation, "more"));
}
