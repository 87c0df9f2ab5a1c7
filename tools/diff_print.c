/* diff_print.c: what would change, for people. */
#include "tools/diff.h"

#include <stdio.h>
#include <string.h>

#include "control/json.h"

#define TEXT_MAX 1400

static const char *safe(const json_t *object, const char *key, char *to)
{
	const char *text = json_get_text(object, key);

	term_escape(to, TEXT_MAX, text, strlen(text));
	return to;
}

/* "+ QNAME *.bad.example  nxdomain  new.txt:12", with the list's name (NULL: known) behind the sign. */
void diff_print_rule(const json_t *change, const char *list, const struct term *term, FILE *to)
{
	const json_t *before = json_object_get(change, "before"), *after = json_object_get(change, "after");
	const enum term_style style = before == NULL ? STYLE_BAD : after == NULL ? STYLE_GOOD : STYLE_WARN;
	const bool both = json_get_flag(change, "below") && json_get_flag(change, "itself");
	char owner[TEXT_MAX], old[TEXT_MAX], new[TEXT_MAX], old_file[TEXT_MAX], new_file[TEXT_MAX];

	fprintf(to, "%s%s%c%s ", list == NULL ? "  " : "", term_on(term, style),
		before == NULL ? '+' : after == NULL ? '-' : '~', term_off(term, style));
	if (list != NULL)
		fprintf(to, "%s ", list);
	fprintf(to, "%s %s%s  ", json_get_text(change, "trigger"), safe(change, "rule", owner), both ? " and below" : "");
	if (before == NULL)
		fprintf(to, "%s", safe(after, "action", new));
	else if (after == NULL)
		fprintf(to, "%s", safe(before, "action", old));
	else
		fprintf(to, "%s -> %s", safe(before, "action", old), safe(after, "action", new));
	if (before != NULL)
		fprintf(to, "  %s:%lld", safe(before, "file", old_file), (long long)json_get_number(before, "line"));
	if (after != NULL)
		fprintf(to, "%s%s:%lld", before != NULL ? " -> " : "  ", safe(after, "file", new_file),
			(long long)json_get_number(after, "line"));
	putc('\n', to);
}

static void print_values(const json_t *values, FILE *to)
{
	const json_t *value;
	char text[TEXT_MAX];
	size_t index;

	if (json_array_size(values) == 0)
		fputs("not set", to);
	json_array_foreach(values, index, value) {
		if (index == 8) {
			fprintf(to, " and %zu more", json_array_size(values) - index);
			break;
		}
		term_escape(text, sizeof(text), json_string_value(value), json_string_length(value));
		fprintf(to, "%s%s", index > 0 ? " " : "", text);
	}
}

static void print_options(const json_t *options, const char *before, FILE *to)
{
	const json_t *option;
	char name[TEXT_MAX];
	size_t index;

	json_array_foreach(options, index, option) {
		fprintf(to, "%s%s", before, json_get_text(option, "clause"));
		if (*json_get_text(option, "name") != '\0')
			fprintf(to, " %s", safe(option, "name", name));
		fprintf(to, ": %s: ", json_get_text(option, "key"));
		print_values(json_object_get(option, "before"), to);
		fputs(" -> ", to);
		print_values(json_object_get(option, "after"), to);
		putc('\n', to);
	}
}

static void print_examples(const json_t *list, const struct term *term, FILE *to)
{
	static const char *const kinds[] = { "added", "removed", "changed" };
	const json_t *examples = json_object_get(list, "examples"), *example;
	size_t index;

	for (size_t i = 0; i < 3; i++) {
		long long shown = 0;

		json_array_foreach(examples, index, example) {
			if (strcmp(json_get_text(example, "change"), kinds[i]) != 0)
				continue;
			diff_print_rule(example, NULL, term, to);
			shown++;
		}
		if (shown > 0 && shown < json_get_number(list, kinds[i]))
			fprintf(to, "  ... and %lld more %s\n", (long long)json_get_number(list, kinds[i]) - shown, kinds[i]);
	}
}

static void print_list(const json_t *list, const struct term *term, FILE *to)
{
	const char *state = json_get_text(list, "state");
	char name[TEXT_MAX];

	fprintf(to, "list %s%s%s", term_on(term, STYLE_STRONG), safe(list, "name", name), term_off(term, STYLE_STRONG));
	if (strcmp(state, "both") != 0)
		fprintf(to, " (%s)", state);
	fprintf(to, ": %lld added, %lld removed, %lld changed; %lld rules before, %lld after\n",
		(long long)json_get_number(list, "added"), (long long)json_get_number(list, "removed"),
		(long long)json_get_number(list, "changed"), (long long)json_get_number(list, "rules_before"),
		(long long)json_get_number(list, "rules_after"));
	print_examples(list, term, to);
}

static void print_order(const json_t *order, FILE *to)
{
	if (order == NULL)
		return;
	fputs("order of lists: ", to);
	print_values(json_object_get(order, "before"), to);
	fputs(" -> ", to);
	print_values(json_object_get(order, "after"), to);
	putc('\n', to);
}

/* --- questions -------------------------------------------------------------------------------------------------- */

static void print_verdict(const json_t *verdict, FILE *to)
{
	char list[TEXT_MAX], rule[TEXT_MAX];

	fputs(json_get_text(verdict, "action"), to);
	if (*json_get_text(verdict, "list") != '\0')
		fprintf(to, " (%s: %s)", safe(verdict, "list", list), safe(verdict, "rule", rule));
}

void diff_print_question(const json_t *change, const struct term *term, FILE *to)
{
	char name[TEXT_MAX], client[TEXT_MAX];
	const bool denied = json_get_flag(change, "newly_denied");

	fprintf(to, "  %s?%s %s %s %s%s  ", term_on(term, denied ? STYLE_BAD : STYLE_WARN),
		term_off(term, denied ? STYLE_BAD : STYLE_WARN), safe(change, "name", name), json_get_text(change, "type"),
		*json_get_text(change, "client") != '\0' ? "from " : "", safe(change, "client", client));
	print_verdict(json_object_get(change, "before"), to);
	fputs(" -> ", to);
	print_verdict(json_object_get(change, "after"), to);
	fprintf(to, "  line %lld\n", (long long)json_get_number(change, "line"));
}

/* "  names: a.example 3, b.example 1" */
static void print_top(const json_t *questions, const char *key, FILE *to)
{
	const json_t *top = json_object_get(questions, key), *row;
	char name[TEXT_MAX];
	size_t index;

	if (json_array_size(top) == 0)
		return;
	fprintf(to, "  %s:", key);
	json_array_foreach(top, index, row)
		fprintf(to, "%s %s %lld", index > 0 ? "," : "", safe(row, "name", name),
			(long long)json_get_number(row, "count"));
	putc('\n', to);
}

static void print_questions(const json_t *questions, const struct term *term, FILE *to)
{
	const json_t *examples = json_object_get(questions, "examples"), *example;
	const long long changed = json_get_number(questions, "changed");
	size_t index;

	if (questions == NULL)
		return;
	fprintf(to, "questions: %lld, %lld would get another answer: %lld newly denied, %lld no longer",
		(long long)json_get_number(questions, "questions"), changed,
		(long long)json_get_number(questions, "newly_denied"), (long long)json_get_number(questions, "newly_allowed"));
	if (json_get_number(questions, "decided_elsewhere") > 0)
		fprintf(to, "; %lld the same by another rule", (long long)json_get_number(questions, "decided_elsewhere"));
	if (json_get_number(questions, "unreadable") > 0)
		fprintf(to, "; %lld lines cannot be read, the first is line %lld",
			(long long)json_get_number(questions, "unreadable"),
			(long long)json_get_number(questions, "unreadable_line"));
	if (json_get_number(questions, "unknown_group") > 0)
		fprintf(to, "; %lld of groups that neither configuration has, judged as the default group",
			(long long)json_get_number(questions, "unknown_group"));
	putc('\n', to);
	json_array_foreach(examples, index, example)
		diff_print_question(example, term, to);
	if (index > 0 && json_get_number(questions, "changed_lines") > (long long)index)
		fprintf(to, "  ... and %lld more\n",
			(long long)json_get_number(questions, "changed_lines") - (long long)index);
	print_top(questions, "names", to);
	print_top(questions, "lists", to);
	print_top(questions, "clients", to);
}

static void print_states(const json_t *rows, const char *what, FILE *to)
{
	const json_t *row;
	char name[TEXT_MAX];
	size_t index;

	json_array_foreach(rows, index, row)
		fprintf(to, "%s %s: %s\n", what, safe(row, "name", name), json_get_text(row, "state"));
}

void diff_print(const json_t *report, const struct term *term, FILE *to)
{
	const json_t *lists = json_object_get(report, "lists"), *row;
	size_t index;

	json_array_foreach(lists, index, row) {
		print_list(row, term, to);
		print_options(json_object_get(row, "reading"), "  read otherwise: ", to);
	}
	print_order(json_object_get(report, "order"), to);
	print_states(json_object_get(report, "groups"), "group", to);
	print_states(json_object_get(report, "targets"), "dnstap-target", to);
	print_options(json_object_get(report, "options"), "option of ", to);
	if (!json_get_flag(report, "policy_changes"))
		fputs("the policy is the same\n", to);
	print_questions(json_object_get(report, "questions"), term, to);
}
