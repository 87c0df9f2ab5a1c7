/* diff_questions.c: judges recorded questions by two policies. */
#include "tools/diff.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/crowd.h"
#include "control/json.h"
#include "policy/local_data.h"
#include "policy/rrtype.h"
#include "policy/snapshot.h"
#include "tools/json_out.h"
#include "tools/record_source.h"
#include "tools/replay.h"

#define TOP_KEPT 10
#define CLIENT_TEXT_MAX (LIST_NAME_MAX + 8)
#define TOP_DISTINCT_MAX 100000    /* of each kind: what comes later is not counted by name */

struct judging {
	const struct diff_task *task;
	struct snapshot *before, *after;          /* owned, as is all below */
	struct crowd *old_crowd, *new_crowd;      /* clients of groups */
	json_t *names, *lists, *clients;          /* how often each changed */
	json_t *examples;
	uint64_t questions, changed, changed_lines, newly_denied, newly_allowed, elsewhere, unknown_group;
	struct term term;
};

/* --- one question ----------------------------------------------------------------------------------------------- */

static bool same_data(const struct local_data *a, const struct local_data *b)
{
	const uint8_t *left, *right;
	size_t left_octets, right_octets;

	if (a == NULL || b == NULL)
		return a == b;
	left = local_data_octets(a, &left_octets);
	right = local_data_octets(b, &right_octets);
	return left_octets == right_octets && memcmp(left, right, left_octets) == 0;
}

static bool gives_the_answer(const struct verdict *verdict)
{
	return !action_table[verdict->action].denies;
}

/* What the client gets, not who says so. */
static bool same_answer(const struct verdict *a, const struct verdict *b)
{
	if (gives_the_answer(a) || gives_the_answer(b))
		return gives_the_answer(a) == gives_the_answer(b);
	return a->action == b->action && same_data(a->data, b->data);
}

static bool same_rule(const struct rule_match *a, const struct rule_match *b)
{
	return a->trigger == b->trigger && strcmp(a->list, b->list) == 0 && a->wildcard == b->wildcard &&
		a->prefix_length == b->prefix_length &&
		(a->trigger == TRIGGER_NONE || name_equal(&a->rule_name, &b->rule_name));
}

static json_t *verdict_json(const struct verdict *verdict)
{
	json_t *object = json_object();
	char rule[NAME_TEXT_MAX + 2];

	json_set_text(object, "action", action_table[verdict->action].name);
	if (verdict->rule.trigger == TRIGGER_NONE)
		return object;
	json_set_text(object, "list", verdict->rule.list);
	json_set_text(object, "rule", rule_match_text(&verdict->rule, rule));
	return object;
}

static void count_in(json_t *counts, const char *key, uint64_t more)
{
	const json_t *found = json_object_get(counts, key);

	if (found == NULL && json_object_size(counts) >= TOP_DISTINCT_MAX)
		return;
	json_object_set_new(counts, key, json_integer(json_integer_value(found) + (json_int_t)more));
}

/* Printable: what stands in a recording is checked. */
static void client_text(const struct recorded *recorded, char *to)
{
	*to = '\0';
	if (recorded->group[0] != '\0')
		snprintf(to, CLIENT_TEXT_MAX, "group=%s", recorded->group);
	else if (recorded->client.family != ADDRESS_NONE)
		inet_ntop(recorded->client.family == ADDRESS_INET ? AF_INET : AF_INET6, recorded->client.octets, to,
			CLIENT_TEXT_MAX);
}

static void note_change(struct judging *judging, const struct recorded *question, const struct verdict *before,
	const struct verdict *after)
{
	const struct diff_task *task = judging->task;
	const char *list = after->rule.trigger != TRIGGER_NONE ? after->rule.list : before->rule.list;
	const bool denied = gives_the_answer(before), allowed = gives_the_answer(after);
	char name[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX], given[CLIENT_TEXT_MAX], client[sizeof(given) * 4];
	json_t *change;

	judging->changed += question->count;
	judging->newly_denied += denied ? question->count : 0;
	judging->newly_allowed += allowed ? question->count : 0;
	client_text(question, given);
	term_escape(client, sizeof(client), given, strlen(given));
	count_in(judging->names, name_to_text(&question->qname, name), question->count);
	count_in(judging->lists, list, question->count);
	if (*client != '\0')
		count_in(judging->clients, client, question->count);
	if (judging->changed_lines++ >= task->limit && !task->each)
		return;
	change = json_object();
	json_set_text(change, "name", name);
	json_set_text(change, "type", rrtype_to_text(question->qtype, type));
	if (*client != '\0')
		json_set_text(change, "client", client);
	json_set_number(change, "count", question->count);
	json_set_number(change, "line", question->where);
	json_set_flag(change, "newly_denied", denied);
	json_object_set_new(change, "before", verdict_json(before));
	json_object_set_new(change, "after", verdict_json(after));
	if (!task->each) {
		json_array_append_new(judging->examples, change);
	} else if (task->json) {
		json_print_line(change, task->to, false);
	} else {
		diff_print_question(change, &judging->term, task->to);
		json_decref(change);
	}
}

static int group_index(const struct conf *conf, const char *name)
{
	if (strcmp(name, "default") == 0)
		return GROUP_DEFAULT;
	for (size_t i = 0; i < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, name) == 0)
			return (int)i + 1;
	return -1;
}

/* A client of the group as the old configuration has it, else the new one: who asks stays the same. */
static struct facts client_of(struct judging *judging, const struct recorded *question)
{
	const int old = group_index(judging->task->before, question->group);
	const int new = group_index(judging->task->after, question->group);

	if (old >= 0 && judging->old_crowd->known[old])
		return judging->old_crowd->clients[old];
	if (new >= 0 && judging->new_crowd->known[new])
		return judging->new_crowd->clients[new];
	judging->unknown_group++;
	return judging->old_crowd->clients[GROUP_DEFAULT];
}

static void judge(struct judging *judging, const struct recorded *question)
{
	struct facts facts = recorded_facts(question);
	struct verdict before, after;

	if (question->group[0] != '\0') {
		const struct facts client = client_of(judging, question);

		facts.client = client.client;
		facts.server = client.server;
	}
	replay_decide(judging->before, &facts, question->answered, &before);
	replay_decide(judging->after, &facts, question->answered, &after);
	judging->questions += question->count;
	if (!same_answer(&before, &after))
		note_change(judging, question, &before, &after);
	else if (!same_rule(&before.rule, &after.rule))
		judging->elsewhere += question->count;
}

/* --- the most changed ------------------------------------------------------------------------------------------- */

struct top {
	const char *name;
	json_int_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct top *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

static json_t *top_json(json_t *counts)
{
	struct top *tops = calloc(json_object_size(counts) + 1, sizeof(*tops));
	json_t *array = json_array(), *value;
	size_t used = 0;
	const char *key;

	if (tops != NULL) {
		json_object_foreach(counts, key, value)
			tops[used++] = (struct top){ key, json_integer_value(value) };
		qsort(tops, used, sizeof(*tops), by_count);
	}
	for (size_t i = 0; i < used && i < TOP_KEPT; i++)
		json_array_append_new(array, json_pack("{s:s, s:I}", "name", tops[i].name, "count", tops[i].count));
	free(tops);
	return array;
}

static json_t *judging_json(const struct judging *judging, const struct record_counts *counts)
{
	json_t *object = json_object();

	json_set_number(object, "questions", judging->questions);
	json_set_number(object, "changed", judging->changed);
	json_set_number(object, "changed_lines", judging->changed_lines);
	json_set_number(object, "newly_denied", judging->newly_denied);
	json_set_number(object, "newly_allowed", judging->newly_allowed);
	json_set_number(object, "decided_elsewhere", judging->elsewhere);
	json_set_number(object, "unknown_group", judging->unknown_group);
	json_set_number(object, "unreadable", counts->skipped[SKIP_UNREADABLE]);
	json_set_number(object, "unreadable_line", counts->first_unreadable);
	json_object_set_new(object, "names", top_json(judging->names));
	json_object_set_new(object, "lists", top_json(judging->lists));
	json_object_set_new(object, "clients", top_json(judging->clients));
	json_object_set(object, "examples", judging->examples);
	return object;
}

/* --- a whole recording ------------------------------------------------------------------------------------------ */

static int judging_init(struct judging *judging, struct diag *diag)
{
	const struct diff_task *task = judging->task;

	term_init(&judging->term, fileno(task->to));
	judging->names = json_object();
	judging->lists = json_object();
	judging->clients = json_object();
	judging->examples = json_array();
	judging->old_crowd = calloc(1, sizeof(*judging->old_crowd));
	judging->new_crowd = calloc(1, sizeof(*judging->new_crowd));
	if (judging->old_crowd == NULL || judging->new_crowd == NULL)
		return diag_set(diag, task->after->path, 0, 0, "out of memory");
	judging->before = snapshot_build(task->before, task->now, NULL, diag);
	if (judging->before == NULL)
		return -1;
	judging->after = snapshot_build(task->after, task->now, NULL, diag);
	if (judging->after == NULL)
		return -1;
	crowd_init(judging->old_crowd, task->before, snapshot_groups(judging->before));
	crowd_init(judging->new_crowd, task->after, snapshot_groups(judging->after));
	return 0;
}

static void judging_fini(struct judging *judging)
{
	snapshot_destroy(&judging->before);
	snapshot_destroy(&judging->after);
	free(judging->old_crowd);
	free(judging->new_crowd);
	json_decref(judging->names);
	json_decref(judging->lists);
	json_decref(judging->clients);
	json_decref(judging->examples);
}

static int judge_all(struct judging *judging, struct record_source *source, const char *path, json_t *report,
	struct diag *diag)
{
	struct recorded *recorded = malloc(sizeof(*recorded));
	struct record_counts counts;
	int got;

	if (recorded == NULL)
		return diag_set(diag, path, 0, 0, "out of memory");
	while ((got = record_source_next(source, recorded, diag)) == 1)
		judge(judging, recorded);
	free(recorded);
	record_source_counts(source, &counts);
	if (got == 0 && judging->questions == 0)
		got = diag_set(diag, path, (unsigned)counts.first_unreadable, 0,
			"no questions: lines of time, client, name and type with tabs between, or of name and type; "
			"dnstap or pcap with responses");
	if (got == 0)
		json_object_set_new(report, "questions", judging_json(judging, &counts));
	return got;
}

int diff_questions(const struct diff_task *task, const char *path, json_t *report, bool *changes, struct diag *diag)
{
	FILE *from = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
	struct judging judging = { .task = task };
	struct record_source *source;
	int result;

	if (from == NULL)
		return diag_set(diag, path, 0, 0, "%m");
	source = record_source_open(from, path, RECORD_RESPONSES, diag);
	result = source == NULL ? -1 : judging_init(&judging, diag);
	if (result == 0)
		result = judge_all(&judging, source, path, report, diag);
	*changes = judging.changed > 0;
	judging_fini(&judging);
	record_source_close(&source);
	return result;
}
