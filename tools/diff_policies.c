/* diff_policies.c: pairs lists and groups of two configurations by name, and compares them. */
#include "tools/diff.h"

#include <string.h>
#include <sys/random.h>

#include "control/json.h"
#include "tools/json_out.h"
#include "tools/option_json.h"
#include "tools/rule_diff.h"

static const struct list_conf *find_list(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->list_count; i++)
		if (strcmp(conf->lists[i].name, name) == 0)
			return &conf->lists[i];
	return NULL;
}

static const struct group_conf *find_group(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, name) == 0)
			return &conf->groups[i];
	return NULL;
}

static const struct target_conf *find_target(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->target_count; i++)
		if (strcmp(conf->targets[i].name, name) == 0)
			return &conf->targets[i];
	return NULL;
}

/* --- the rules of one list -------------------------------------------------------------------------------------- */

struct pair {
	const struct diff_task *task;
	const struct list_conf *before, *after;   /* NULL: not there */
	struct rule_table old, new;
	struct rule_changes changes;
};

static void set_side(json_t *object, const char *side, const struct rule_table *table, size_t index, const char *file)
{
	char text[RULE_ASKS_MAX];
	json_t *about;

	if (index == RULE_NONE)
		return;
	about = json_object();
	json_set_text(about, "action", rule_asks_text(table, index, text, sizeof(text)));
	json_set_text(about, "file", file);
	json_set_number(about, "line", table->entries[index].line);
	json_object_set_new(object, side, about);
}

static json_t *change_json(const struct pair *pair, const struct rule_change *change)
{
	const bool gone = change->after == RULE_NONE;
	const struct rule_view view = rule_table_view(gone ? &pair->old : &pair->new,
		gone ? change->before : change->after);
	char owner[NAME_TEXT_MAX + 2];
	json_t *object = json_object();

	json_set_text(object, "change", change_names[change->kind]);
	json_set_text(object, "trigger", trigger_names[view.trigger]);
	json_set_text(object, "rule", rule_owner_text(&view, change->covers, owner));
	json_set_flag(object, "below", (change->covers & COVERS_BELOW) != 0);
	json_set_flag(object, "itself", (change->covers & COVERS_EXACT) != 0);
	set_side(object, "before", &pair->old, change->before, pair->before != NULL ? pair->before->file : NULL);
	set_side(object, "after", &pair->new, change->after, pair->after != NULL ? pair->after->file : NULL);
	return object;
}

static void print_each(const struct pair *pair, const char *name)
{
	const struct diff_task *task = pair->task;
	struct term term;

	term_init(&term, fileno(task->to));
	for (size_t i = 0; i < pair->changes.count && !ferror(task->to); i++) {
		json_t *change = change_json(pair, &pair->changes.changes[i]);

		json_set_text(change, "list", name);
		if (task->json) {
			json_print_line(change, task->to, false);
			continue;
		}
		diff_print_rule(change, name, &term, task->to);
		json_decref(change);
	}
}

static json_t *examples_json(const struct pair *pair)
{
	size_t taken[CHANGE_COUNT] = { 0 };
	json_t *array = json_array();

	for (size_t i = 0; !pair->task->each && i < pair->changes.count; i++) {
		const struct rule_change *change = &pair->changes.changes[i];

		if (taken[change->kind]++ < pair->task->limit)
			json_array_append_new(array, change_json(pair, change));
	}
	return array;
}

static json_t *pair_json(const struct pair *pair, const char *name, json_t *reading)
{
	json_t *object = json_object();

	json_set_text(object, "name", name);
	json_set_text(object, "state", pair->before == NULL ? "added" : pair->after == NULL ? "removed" : "both");
	json_set_number(object, "rules_before", pair->old.count);
	json_set_number(object, "rules_after", pair->new.count);
	for (int kind = 0; kind < CHANGE_COUNT; kind++)
		json_set_number(object, change_names[kind], pair->changes.counts[kind]);
	json_object_set_new(object, "reading", reading);
	json_object_set_new(object, "examples", examples_json(pair));
	return object;
}

static void pair_fini(struct pair *pair)
{
	rule_changes_fini(&pair->changes);
	rule_table_fini(&pair->old);
	rule_table_fini(&pair->new);
}

static int pair_load(struct pair *pair, struct diag *diag)
{
	struct hash_key key;

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return diag_set(diag, "", 0, 0, "no random key from the system: %m");
	if (pair->before != NULL && rule_table_load(&pair->old, pair->before, &key, pair->task->now, diag) != 0)
		return -1;
	if (pair->after != NULL && rule_table_load(&pair->new, pair->after, &key, pair->task->now, diag) != 0)
		return -1;
	return rule_diff(&pair->old, &pair->new, &pair->changes) ? 0 : diag_set(diag, "", 0, 0, "out of memory");
}

/* Adds the list's row to `lists`, and its counts to `counts`. */
static int compare_lists(const struct diff_task *task, const struct list_conf *before, const struct list_conf *after,
	json_t *lists, json_t *options, size_t *counts, struct diag *diag)
{
	const char *name = after != NULL ? after->name : before->name;
	struct pair pair = { .task = task, .before = before, .after = after };
	json_t *reading = json_array();
	int result = pair_load(&pair, diag);

	if (result == 0) {
		if (before != NULL && after != NULL)
			option_json_compare(CLAUSE_LIST, name, before, after, options, reading);
		for (int kind = 0; kind < CHANGE_COUNT; kind++)
			counts[kind] += pair.changes.counts[kind];
		if (task->each)
			print_each(&pair, name);
		json_array_append_new(lists, pair_json(&pair, name, reading));
	} else {
		json_decref(reading);
	}
	pair_fini(&pair);
	return result;
}

/* --- whole configurations --------------------------------------------------------------------------------------- */

static int compare_all_lists(const struct diff_task *task, json_t *lists, json_t *options, size_t *counts,
	struct diag *diag)
{
	for (size_t i = 0; i < task->after->list_count; i++) {
		const struct list_conf *list = &task->after->lists[i];

		if (compare_lists(task, find_list(task->before, list->name), list, lists, options, counts, diag) != 0)
			return -1;
	}
	for (size_t i = 0; i < task->before->list_count; i++) {
		const struct list_conf *list = &task->before->lists[i];

		if (find_list(task->after, list->name) == NULL &&
		    compare_lists(task, list, NULL, lists, options, counts, diag) != 0)
			return -1;
	}
	return 0;
}

/* The names of its lists that the other has too. */
static json_t *order_json(const struct conf *conf, const struct conf *other)
{
	json_t *array = json_array();

	for (size_t i = 0; i < conf->list_count; i++)
		if (find_list(other, conf->lists[i].name) != NULL)
			json_array_append_new(array, json_string(conf->lists[i].name));
	return array;
}

static bool compare_order(const struct diff_task *task, json_t *report)
{
	json_t *before = order_json(task->before, task->after), *after = order_json(task->after, task->before);
	const bool same = json_equal(before, after);

	if (same) {
		json_decref(before);
		json_decref(after);
	} else {
		json_object_set_new(report, "order", json_pack("{s:o, s:o}", "before", before, "after", after));
	}
	return !same;
}

static void note_groups(const struct conf *conf, const struct conf *other, const char *state, json_t *groups)
{
	for (size_t i = 0; i < conf->group_count; i++)
		if (find_group(other, conf->groups[i].name) == NULL)
			json_array_append_new(groups, json_pack("{s:s, s:s}", "name", conf->groups[i].name, "state", state));
}

static void note_targets(const struct conf *conf, const struct conf *other, const char *state, json_t *targets)
{
	for (size_t i = 0; i < conf->target_count; i++)
		if (find_target(other, conf->targets[i].name) == NULL)
			json_array_append_new(targets, json_pack("{s:s, s:s}", "name", conf->targets[i].name, "state", state));
}

static const struct inventory_conf *find_inventory(const struct conf *conf, const struct name *zone)
{
	static const struct inventory_conf none;

	for (size_t i = 0; i < conf->inventory_count; i++)
		if (name_equal(&conf->inventories[i].zone, zone))
			return &conf->inventories[i];
	return &none;
}

/* A clause that one of the two does not have is one without values there. */
static void compare_inventories(const struct diff_task *task, json_t *options)
{
	const struct conf *after = task->after, *before = task->before;
	char zone[NAME_TEXT_MAX];

	for (size_t i = 0; i < after->inventory_count; i++)
		option_json_compare(CLAUSE_INVENTORY, name_to_text(&after->inventories[i].zone, zone),
			find_inventory(before, &after->inventories[i].zone), &after->inventories[i], options, options);
	for (size_t i = 0; i < before->inventory_count; i++)
		if (find_inventory(after, &before->inventories[i].zone)->zone.length == 0)
			option_json_compare(CLAUSE_INVENTORY, name_to_text(&before->inventories[i].zone, zone),
				&before->inventories[i], find_inventory(after, &before->inventories[i].zone), options, options);
}

static void compare_options(const struct diff_task *task, json_t *options)
{
	option_json_compare(CLAUSE_VERDICT, NULL, task->before, task->after, options, options);
	for (size_t i = 0; i < task->after->group_count; i++) {
		const struct group_conf *group = &task->after->groups[i], *before = find_group(task->before, group->name);

		if (before != NULL)
			option_json_compare(CLAUSE_GROUP, group->name, before, group, options, options);
	}
	compare_inventories(task, options);
	option_json_compare(CLAUSE_DNSTAP, NULL, &task->before->dnstap, &task->after->dnstap, options, options);
	for (size_t i = 0; i < task->after->target_count; i++) {
		const struct target_conf *target = &task->after->targets[i], *before = find_target(task->before, target->name);

		if (before != NULL)
			option_json_compare(CLAUSE_TARGET, target->name, before, target, options, options);
	}
}

int diff_policies(const struct diff_task *task, json_t *report, bool *changes, struct diag *diag)
{
	json_t *lists = json_array(), *groups = json_array(), *options = json_array(), *rules = json_object();
	json_t *targets = json_array();
	size_t counts[CHANGE_COUNT] = { 0 }, total = 0;
	int result;

	compare_options(task, options);
	note_groups(task->after, task->before, "added", groups);
	note_groups(task->before, task->after, "removed", groups);
	note_targets(task->after, task->before, "added", targets);
	note_targets(task->before, task->after, "removed", targets);
	result = compare_all_lists(task, lists, options, counts, diag);
	for (int kind = 0; kind < CHANGE_COUNT; kind++) {
		json_set_number(rules, change_names[kind], counts[kind]);
		total += counts[kind];
	}
	*changes = compare_order(task, report) || total > 0 || json_array_size(groups) > 0 ||
		json_array_size(targets) > 0 || json_array_size(options) > 0 || json_array_size(lists) != task->before->list_count ||
		task->before->list_count != task->after->list_count;
	json_object_set_new(report, "rules", rules);
	json_object_set_new(report, "lists", lists);
	json_object_set_new(report, "groups", groups);
	json_object_set_new(report, "targets", targets);
	json_object_set_new(report, "options", options);
	return result;
}
