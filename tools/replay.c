/* replay.c: recorded traffic judged by a policy. */
#include "tools/replay.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/crowd.h"
#include "control/json.h"
#include "policy/evaluate.h"
#include "policy/rrtype.h"
#include "tools/counts.h"
#include "tools/json_out.h"
#include "tools/term.h"

#define ADDRESS_KEY_OCTETS 17
#define TOP_MAX 1000

struct replay {
	struct replay_options options;
	struct crowd crowd;
	uint64_t records, answered, left_out, unknown_group, shadowed;
	uint64_t verdicts[ACTION_COUNT];
	uint64_t groups[CROWD_MAX], denied_of_group[CROWD_MAX];
	struct counts *names, *clients, *lists;   /* of denials; lists of all matches, `list` and the action's number */
};

struct replay *replay_create(const struct replay_options *options)
{
	struct replay *replay = calloc(1, sizeof(*replay));

	if (replay == NULL)
		return NULL;
	replay->options = *options;
	replay->names = counts_create();
	replay->clients = counts_create();
	replay->lists = counts_create();
	if (replay->names == NULL || replay->clients == NULL || replay->lists == NULL)
		replay_destroy(&replay);
	else
		crowd_init(&replay->crowd, options->conf, snapshot_groups(options->snapshot));
	return replay;
}

void replay_destroy(struct replay **replay)
{
	if (*replay == NULL)
		return;
	counts_destroy(&(*replay)->names);
	counts_destroy(&(*replay)->clients);
	counts_destroy(&(*replay)->lists);
	free(*replay);
	*replay = NULL;
}

void replay_decide(const struct snapshot *snapshot, const struct facts *facts, bool answered, struct verdict *verdict)
{
	evaluate_question(snapshot, facts, verdict);
	if (answered && !(action_table[verdict->action].denies && verdict->final))
		evaluate_answer(snapshot, facts, verdict);
}

/* --- one record --------------------------------------------------------------------------------------------------- */

static int group_index(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, name) == 0)
			return (int)i + 1;
	return strcmp(name, "default") == 0 ? GROUP_DEFAULT : -1;
}

/* A recording without clients names the group: some client of it asks. */
static void set_client(struct replay *replay, const struct recorded *recorded, struct facts *facts)
{
	int group = group_index(replay->options.conf, recorded->group);

	if (group < 0 || !replay->crowd.known[group]) {
		replay->unknown_group += recorded->count;
		return;
	}
	facts->client = replay->crowd.clients[group].client;
	facts->server = replay->crowd.clients[group].server;
}

static void judge(struct replay *replay, const struct recorded *recorded, struct verdict *verdict)
{
	struct facts facts = recorded_facts(recorded);

	if (recorded->group[0] != '\0')
		set_client(replay, recorded, &facts);
	replay_decide(replay->options.snapshot, &facts, recorded->answered, verdict);
}

static void count_list(struct replay *replay, const struct rule_match *match, enum action action, bool shadow,
	uint64_t count)
{
	uint8_t key[LIST_NAME_MAX + 2];
	const size_t octets = strnlen(match->list, sizeof(match->list));

	key[0] = (uint8_t)action;
	key[1] = shadow;
	memcpy(key + 2, match->list, octets);
	counts_add(replay->lists, key, octets + 2, count);
}

static void count(struct replay *replay, const struct recorded *recorded, const struct verdict *verdict)
{
	const uint64_t times = recorded->count;
	uint8_t client[ADDRESS_KEY_OCTETS] = { (uint8_t)recorded->client.family };

	replay->records += times;
	replay->answered += recorded->answered ? times : 0;
	replay->left_out += recorded->left_out;
	replay->verdicts[verdict->action] += times;
	replay->groups[verdict->group] += times;
	if (verdict->shadow.trigger != TRIGGER_NONE) {
		replay->shadowed += times;
		count_list(replay, &verdict->shadow, verdict->shadow.action, true, times);
	}
	if (verdict->rule.trigger == TRIGGER_NONE)
		return;
	count_list(replay, &verdict->rule, verdict->action, false, times);
	if (!action_table[verdict->action].denies)
		return;
	replay->denied_of_group[verdict->group] += times;
	counts_add(replay->names, recorded->qname.octets, recorded->qname.length, times);
	if (recorded->client.family != ADDRESS_NONE) {
		memcpy(client + 1, recorded->client.octets, 16);
		counts_add(replay->clients, client, sizeof(client), times);
	}
}

static const char *address_text(const struct address *address, char *to, size_t cap)
{
	if (address->family == ADDRESS_NONE)
		return "";
	return inet_ntop(address->family == ADDRESS_INET ? AF_INET : AF_INET6, address->octets, to, (socklen_t)cap);
}

/* What is told of one record, as text that is safe on any terminal. */
struct told {
	char input[1024], client[4 * LIST_NAME_MAX], name[NAME_TEXT_MAX], type[RRTYPE_TEXT_MAX], rule[NAME_TEXT_MAX + 2];
	char detections[DETECTIONS_TEXT_MAX];
	const char *verdict, *list, *trigger, *group;
};

static void tell(const struct recorded *recorded, const struct verdict *verdict, const char *input, struct told *told)
{
	const bool matched = verdict->rule.trigger != TRIGGER_NONE;
	char address[INET6_ADDRSTRLEN];
	const char *client = recorded->group[0] != '\0' ? recorded->group :
		address_text(&recorded->client, address, sizeof(address));

	term_escape(told->input, sizeof(told->input), input, strlen(input));
	term_escape(told->client, sizeof(told->client), client, strlen(client));
	name_to_text(&recorded->qname, told->name);
	rrtype_to_text(recorded->qtype, told->type);
	told->rule[0] = '\0';
	if (matched)
		rule_match_text(&verdict->rule, told->rule);
	told->verdict = action_table[verdict->action].name;
	told->list = matched ? verdict->rule.list : "";
	told->trigger = matched ? trigger_names[verdict->rule.trigger] : "";
	told->group = verdict->group_name;
}

static void print_each_json(const struct told *told, uint64_t where, FILE *to)
{
	json_t *object = json_object();

	json_set_text(object, "input", told->input);
	json_set_number(object, "place", where);
	json_set_text(object, "client", told->client);
	json_set_text(object, "name", told->name);
	json_set_text(object, "type", told->type);
	json_set_text(object, "verdict", told->verdict);
	json_set_text(object, "list", told->list);
	json_set_text(object, "rule", told->rule);
	json_set_text(object, "trigger", told->trigger);
	json_set_text(object, "group", told->group);
	json_set_text(object, "detections", told->detections);
	(void)json_print_line(object, to, false);
}

static void print_each(const struct replay *replay, const struct recorded *recorded, const struct verdict *verdict,
	const struct detections *detections, const char *input)
{
	FILE *to = replay->options.each;
	struct told told;

	tell(recorded, verdict, input, &told);
	detections_text(detections, told.detections);
	if (replay->options.json)
		print_each_json(&told, recorded->where, to);
	else
		fprintf(to, "%s:%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", told.input, recorded->where, told.client,
			told.name, told.type, told.verdict, told.list, told.rule, told.trigger, told.group, told.detections);
}

bool replay_is_detected(const struct recorded *recorded, const struct verdict *verdict)
{
	return !recorded->denied && recorded->path != PATH_DROPPED &&
		!(action_table[verdict->action].denies && path_table[recorded->path].can_be_denied);
}

void replay_judge(struct replay *replay, const struct recorded *recorded, const char *name)
{
	struct detections detections = { 0 };
	struct verdict verdict;

	judge(replay, recorded, &verdict);
	count(replay, recorded, &verdict);
	if (replay->options.detect != NULL && replay_is_detected(recorded, &verdict))
		replay_detect_judge(replay->options.detect, recorded, verdict.traits |
			(verdict.action == ACTION_PASS ? TRAIT_APPROVED : TRAIT_NONE), &detections);
	if (replay->options.each != NULL)
		print_each(replay, recorded, &verdict, &detections, name);
}

/* --- report ------------------------------------------------------------------------------------------------------- */

static json_t *names_json(struct counts *counts, size_t top)
{
	struct counted tops[TOP_MAX];
	const size_t used = counts_top(counts, tops, top < TOP_MAX ? top : TOP_MAX);
	json_t *array = json_array();
	char text[NAME_TEXT_MAX];

	for (size_t i = 0; i < used; i++) {
		json_t *object = json_object();

		name_wire_to_text(tops[i].key, tops[i].octets, text);
		json_set_text(object, "name", text);
		json_set_number(object, "count", tops[i].count);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *clients_json(struct counts *counts, size_t top)
{
	struct counted tops[TOP_MAX];
	const size_t used = counts_top(counts, tops, top < TOP_MAX ? top : TOP_MAX);
	json_t *array = json_array();
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < used; i++) {
		json_t *object = json_object();

		inet_ntop(tops[i].key[0] == ADDRESS_INET ? AF_INET : AF_INET6, tops[i].key + 1, text, sizeof(text));
		json_set_text(object, "client", text);
		json_set_number(object, "count", tops[i].count);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *lists_json(struct counts *counts)
{
	struct counted tops[TOP_MAX];
	const size_t used = counts_top(counts, tops, TOP_MAX);
	json_t *array = json_array();
	char text[LIST_NAME_MAX];

	for (size_t i = 0; i < used; i++) {
		json_t *object = json_object();

		memcpy(text, tops[i].key + 2, tops[i].octets - 2);
		text[tops[i].octets - 2] = '\0';
		json_set_text(object, "list", text);
		json_set_text(object, "action", action_table[tops[i].key[0]].name);
		json_set_flag(object, "shadow", tops[i].key[1] != 0);
		json_set_number(object, "count", tops[i].count);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *groups_json(const struct replay *replay)
{
	const struct conf *conf = replay->options.conf;
	json_t *array = json_array();

	for (size_t i = 0; conf->group_count > 0 && i <= conf->group_count; i++) {
		json_t *object = json_object();

		json_set_text(object, "group", i == GROUP_DEFAULT ? "default" : conf->groups[i - 1].name);
		json_set_number(object, "records", replay->groups[i]);
		json_set_number(object, "denied", replay->denied_of_group[i]);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *replay_report(struct replay *replay, size_t top)
{
	json_t *report = json_object(), *verdicts = json_object();
	uint64_t denied = 0;

	for (unsigned action = 0; action < ACTION_COUNT; action++) {
		denied += action_table[action].denies ? replay->verdicts[action] : 0;
		if (replay->verdicts[action] > 0)
			json_set_number(verdicts, action_table[action].name, replay->verdicts[action]);
	}
	json_set_number(report, "records", replay->records);
	json_set_number(report, "with_answer", replay->answered);
	json_set_number(report, "denied", denied);
	json_set_number(report, "shadow", replay->shadowed);
	json_object_set_new(report, "verdicts", verdicts);
	json_object_set_new(report, "lists", lists_json(replay->lists));
	json_object_set_new(report, "groups", groups_json(replay));
	json_object_set_new(report, "names", names_json(replay->names, top));
	json_set_number(report, "denied_names", counts_distinct(replay->names));
	json_set_number(report, "denied_other_names", counts_others(replay->names));
	json_object_set_new(report, "clients", clients_json(replay->clients, top));
	json_set_number(report, "denied_clients", counts_distinct(replay->clients));
	json_set_number(report, "records_of_answers_left_out", replay->left_out);
	json_set_number(report, "unknown_group", replay->unknown_group);
	if (replay->options.detect != NULL)
		json_object_set_new(report, "detection", replay_detect_report(replay->options.detect, top));
	return report;
}

static void print_number(const json_t *report, const char *key, const char *label, bool always, FILE *to)
{
	const json_int_t value = json_integer_value(json_object_get(report, key));

	if (value > 0 || always)
		fprintf(to, "%-22s %12" JSON_INTEGER_FORMAT "\n", label, value);
}

static void print_rows(const json_t *array, const char *key, const char *title, FILE *to)
{
	const json_t *row;
	size_t index;

	json_array_foreach(array, index, row) {
		const char *text = json_string_value(json_object_get(row, key));
		const char *action = json_string_value(json_object_get(row, "action"));
		char safe[NAME_TEXT_MAX * 2];

		term_escape(safe, sizeof(safe), text, strlen(text));
		fprintf(to, "%s%12" JSON_INTEGER_FORMAT "  %s%s%s%s\n", index == 0 ? title : "",
			json_integer_value(json_object_get(row, "count")), safe, action != NULL ? ": " : "",
			action != NULL ? action : "", json_is_true(json_object_get(row, "shadow")) ? " (shadow)" : "");
	}
}

void replay_print(const json_t *report, FILE *to)
{
	const json_t *verdicts = json_object_get(report, "verdicts"), *groups = json_object_get(report, "groups"), *row;
	const char *key;
	json_t *value;
	size_t index;

	print_number(report, "records", "records", true, to);
	print_number(report, "with_answer", "  with an answer", false, to);
	print_number(report, "unknown_group", "  of an unknown group", false, to);
	print_number(report, "denied", "denied", true, to);
	print_number(report, "shadow", "matched in shadow", false, to);
	print_number(report, "records_of_answers_left_out", "  their records left out", false, to);
	fprintf(to, "\nverdicts\n");
	json_object_foreach((json_t *)(uintptr_t)verdicts, key, value)
		fprintf(to, "%12" JSON_INTEGER_FORMAT "  %s\n", json_integer_value(value), key);
	print_rows(json_object_get(report, "lists"), "list", "\nlists\n", to);
	json_array_foreach(groups, index, row)
		fprintf(to, "%s%12" JSON_INTEGER_FORMAT "  %s, of %" JSON_INTEGER_FORMAT "\n",
			index == 0 ? "\ngroups, denied\n" : "", json_integer_value(json_object_get(row, "denied")),
			json_string_value(json_object_get(row, "group")), json_integer_value(json_object_get(row, "records")));
	print_rows(json_object_get(report, "names"), "name", "\nnames that are denied most\n", to);
	if (json_integer_value(json_object_get(report, "denied_other_names")) > 0)
		fprintf(to, "%12" JSON_INTEGER_FORMAT "  of names that came behind the first %" JSON_INTEGER_FORMAT
			", not counted each\n", json_integer_value(json_object_get(report, "denied_other_names")),
			json_integer_value(json_object_get(report, "denied_names")));
	print_rows(json_object_get(report, "clients"), "client", "\nclients that are denied most\n", to);
	if (json_object_get(report, "detection") != NULL)
		replay_detect_print(json_object_get(report, "detection"), to);
}
