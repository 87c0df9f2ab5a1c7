/* conf_clause.c: the beginning, the end and the checks of clauses. */
#include "policy/conf_parse.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_GROUP "default"

/* Fails where a clause or value stood. */
void *clause_base(struct conf *conf, enum clause clause)
{
	switch (clause) {
	case CLAUSE_GROUP: return &conf->groups[conf->group_count - 1];
	case CLAUSE_LIST: return &conf->lists[conf->list_count - 1];
	case CLAUSE_DNSTAP: return &conf->dnstap;
	case CLAUSE_TARGET: return &conf->targets[conf->target_count - 1];
	case CLAUSE_INVENTORY: return &conf->inventories[conf->inventory_count - 1];
	case CLAUSE_DETECTION: return &conf->detection;
	case CLAUSE_VERDICT: case CLAUSE_DETECTOR: case CLAUSE_COUNT: break;
	}
	return conf;
}

bool clause_set_defaults(struct conf *conf, enum clause clause)
{
	char *base = clause_base(conf, clause);
	char wrong[CONF_WRONG_MAX];
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].clause == clause && option_table[i].fallback != NULL &&
		    option_store(&option_table[i], base, option_table[i].fallback, "", wrong) != 0)
			return false;
	return true;
}

bool keep_place(struct conf_place *place, const struct conf_lex *lex, const struct conf_word *word)
{
	free(place->file);
	place->file = strdup(conf_lex_path(lex));
	place->line = word->line;
	place->column = word->column;
	return place->file != NULL;
}

void drop_place(struct conf_place *place)
{
	free(place->file);
	place->file = NULL;
}

/* --- policy-list: ---------------------------------------------------------------------------------------------- */

static bool begin_list(struct conf *conf, unsigned line)
{
	struct list_conf *lists = realloc(conf->lists, (conf->list_count + 1) * sizeof(*lists));

	if (lists == NULL)
		return false;
	conf->lists = lists;
	lists[conf->list_count++] = (struct list_conf){ .action = ACTION_ALLOW, .ede = EDE_BY_ACTION, .line = line };
	return true;
}

static int finish_list(struct parsing *parsing)
{
	struct conf *conf = parsing->conf;
	struct list_conf *list = clause_base(conf, CLAUSE_LIST);
	const char *missing = list_conf_wrong(list);
	size_t i;

	if (missing != NULL)
		return fail_there(parsing, &parsing->place, "policy-list: %s%s%s", list->name,
			*list->name != '\0' ? " " : "", missing);
	for (i = 0; i + 1 < conf->list_count; i++)
		if (strcmp(conf->lists[i].name, list->name) == 0)
			return fail_there(parsing, &parsing->place,
				"policy-list: %s is there twice, first at line %u: give each list a name of its own",
				list->name, conf->lists[i].line);
	if (list->trait != TRAIT_NONE)
		list->action = ACTION_OBSERVE;
	if (list->action == ACTION_ALLOW && !format_has_actions(list->format))
		list->action = ACTION_NXDOMAIN;
	drop_place(&parsing->place);
	return 0;
}

/* --- client-group: --------------------------------------------------------------------------------------------- */

static bool begin_group(struct conf *conf, unsigned line)
{
	struct group_conf *groups = realloc(conf->groups, (conf->group_count + 1) * sizeof(*groups));

	if (groups == NULL)
		return false;
	conf->groups = groups;
	groups[conf->group_count++] = (struct group_conf){ .privacy = PRIVACY_COUNT, .line = line };
	return true;
}

static int finish_group(struct parsing *parsing)
{
	struct conf *conf = parsing->conf;
	struct group_conf *group = clause_base(conf, CLAUSE_GROUP);
	const char *missing = group_conf_wrong(group);
	size_t i;

	if (missing != NULL)
		return fail_there(parsing, &parsing->place, "client-group: %s%s%s", group->name,
			*group->name != '\0' ? " " : "", missing);
	for (i = 0; i + 1 < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, group->name) == 0)
			return fail_there(parsing, &parsing->place,
				"client-group: %s is there twice, first at line %u: give each group a name of its own",
				group->name, conf->groups[i].line);
	parsing->groups[conf->group_count - 1] = parsing->place;
	parsing->place.file = NULL;
	return 0;
}

/* --- dnstap-target: -------------------------------------------------------------------------------------------- */

static bool begin_target(struct conf *conf, unsigned line)
{
	struct target_conf *targets = realloc(conf->targets, (conf->target_count + 1) * sizeof(*targets));

	if (targets == NULL)
		return false;
	conf->targets = targets;
	targets[conf->target_count++] = (struct target_conf){ .line = line };
	return true;
}

static int finish_target(struct parsing *parsing)
{
	struct conf *conf = parsing->conf;
	struct target_conf *target = clause_base(conf, CLAUSE_TARGET);
	const char *missing = target_conf_wrong(target);
	size_t i;

	if (missing != NULL)
		return fail_there(parsing, &parsing->place, "dnstap-target: %s%s%s", target->name,
			*target->name != '\0' ? " " : "", missing);
	for (i = 0; i + 1 < conf->target_count; i++)
		if (strcmp(conf->targets[i].name, target->name) == 0)
			return fail_there(parsing, &parsing->place,
				"dnstap-target: %s is there twice, first at line %u: give each target a name of its own",
				target->name, conf->targets[i].line);
	parsing->targets[conf->target_count - 1] = parsing->place;
	parsing->place.file = NULL;
	return 0;
}

/* Two that begin the same file would rename, or remove, what the other writes, and neither would know. */
static int check_files(const struct parsing *parsing)
{
	const struct conf *conf = parsing->conf;
	size_t i, other;

	for (i = 0; i < conf->target_count; i++) {
		const struct target_conf *target = &conf->targets[i];

		if (target->file == NULL)
			continue;
		if (conf->dnstap.file != NULL && strcmp(conf->dnstap.file, target->file) == 0)
			return fail_there(parsing, &parsing->targets[i],
				"dnstap-target: %s has the `file:` of `dnstap:` itself: remove one of them", target->name);
		for (other = 0; other < i; other++)
			if (conf->targets[other].file != NULL && strcmp(conf->targets[other].file, target->file) == 0)
				return fail_there(parsing, &parsing->targets[i],
					"dnstap-target: %s has the `file:` of %s: give each target a file of its own", target->name,
					conf->targets[other].name);
	}
	return 0;
}

/* --- approved-name-server: --------------------------------------------------------------------------------------- */

static bool begin_inventory(struct conf *conf, unsigned line)
{
	struct inventory_conf *all = realloc(conf->inventories, (conf->inventory_count + 1) * sizeof(*all));

	if (all == NULL)
		return false;
	conf->inventories = all;
	all[conf->inventory_count++] = (struct inventory_conf){ .action = ACTION_OBSERVE, .line = line };
	return true;
}

static int finish_inventory(struct parsing *parsing)
{
	const struct conf *conf = parsing->conf;
	const struct inventory_conf *inventory = clause_base(parsing->conf, CLAUSE_INVENTORY);
	const char *missing = inventory_conf_wrong(inventory);
	char zone[NAME_TEXT_MAX];
	size_t i;

	if (missing != NULL)
		return fail_there(parsing, &parsing->place, "approved-name-server: %s", missing);
	for (i = 0; i + 1 < conf->inventory_count; i++)
		if (name_equal(&conf->inventories[i].zone, &inventory->zone))
			return fail_there(parsing, &parsing->place,
				"approved-name-server: %.200s is there twice, first at line %u: join the two",
				name_to_text(&inventory->zone, zone), conf->inventories[i].line);
	drop_place(&parsing->place);
	return 0;
}

static bool has_group(const struct conf *conf, const char *name)
{
	size_t i;

	if (strcmp(name, DEFAULT_GROUP) == 0)
		return true;
	for (i = 0; i < conf->group_count; i++)
		if (strcmp(conf->groups[i].name, name) == 0)
			return true;
	return false;
}

int clause_note_group(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *value,
	const char *key)
{
	const size_t count = parsing->reference_count;
	struct group_reference *references = realloc(parsing->references, (count + 1) * sizeof(*references));

	if (references == NULL)
		return fail_at(parsing, lex, value, "%s: out of memory", key);
	parsing->references = references;
	references[count] = (struct group_reference){ .key = key };
	/* The type has checked that it fits. */
	memcpy(references[count].name, value->text, value->length + 1);
	if (!keep_place(&references[count].place, lex, value))
		return fail_at(parsing, lex, value, "%s: out of memory", key);
	parsing->reference_count++;
	return 0;
}

/* --- all of them ----------------------------------------------------------------------------------------------- */

int clause_finish(struct parsing *parsing)
{
	if (!parsing->open)
		return 0;
	parsing->open = false;
	if (parsing->clause == CLAUSE_TARGET)
		return finish_target(parsing);
	if (parsing->clause == CLAUSE_INVENTORY)
		return finish_inventory(parsing);
	return parsing->clause == CLAUSE_LIST ? finish_list(parsing) : finish_group(parsing);
}

static int begin_repeated(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	enum clause clause)
{
	struct conf *conf = parsing->conf;
	const struct { size_t count, max; const char *full; bool (*begin)(struct conf *conf, unsigned line); } kinds[] = {
		[CLAUSE_LIST] = { conf->list_count, CONF_LISTS_MAX,
			"policy-list: there are 256 lists already: join some of them", begin_list },
		[CLAUSE_GROUP] = { conf->group_count, CONF_GROUPS_MAX,
			"client-group: there are 63 groups already: join some of them", begin_group },
		[CLAUSE_TARGET] = { conf->target_count, CONF_TARGETS_MAX,
			"dnstap-target: there are 12 targets already: remove some of them", begin_target },
		[CLAUSE_INVENTORY] = { conf->inventory_count, CONF_INVENTORIES_MAX,
			"approved-name-server: there are 4096 zones already: remove some of them", begin_inventory },
	};
	size_t i;

	if (kinds[clause].count == kinds[clause].max)
		return fail_at(parsing, lex, word, "%s", kinds[clause].full);
	for (i = 0; i < OPTION_COUNT; i++)
		if (option_table[i].clause == clause)
			parsing->seen[i] = false;
	if (!kinds[clause].begin(conf, word->line) ||
	    !keep_place(&parsing->place, lex, word) || !clause_set_defaults(conf, clause))
		return fail_at(parsing, lex, word, "%s: out of memory", clause_names[clause]);
	parsing->open = true;
	return 0;
}

int clause_begin(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	enum clause clause)
{
	if (clause_finish(parsing) != 0)
		return -1;
	parsing->clause = clause;
	parsing->detector = DETECTOR_COUNT;
	parsing->conf->detection.wanted |= clause == CLAUSE_DETECTION || clause == CLAUSE_DETECTOR;
	return clause == CLAUSE_LIST || clause == CLAUSE_GROUP || clause == CLAUSE_TARGET || clause == CLAUSE_INVENTORY ?
		begin_repeated(parsing, lex, word, clause) : 0;
}

int clauses_check(struct parsing *parsing)
{
	const struct conf *conf = parsing->conf;
	const struct group_conf *group;
	char wrong[CONF_WRONG_MAX];
	size_t i;

	for (i = 0; i < parsing->reference_count; i++) {
		const struct group_reference *reference = &parsing->references[i];

		if (!has_group(conf, reference->name))
			return fail_there(parsing, &reference->place, "%s: there is no `client-group:` of the name %s",
				reference->key, reference->name);
	}
	group = groups_wrong(conf, wrong);
	if (group == NULL)
		return clause_detectors_check(parsing) != 0 ? -1 : check_files(parsing);
	return fail_there(parsing, &parsing->groups[group - conf->groups], "client-group: %s %s", group->name, wrong);
}

void parsing_fini(struct parsing *parsing)
{
	size_t i;

	drop_place(&parsing->place);
	for (i = 0; i < CONF_GROUPS_MAX; i++)
		drop_place(&parsing->groups[i]);
	for (i = 0; i < CONF_TARGETS_MAX; i++)
		drop_place(&parsing->targets[i]);
	for (i = 0; i < parsing->reference_count; i++)
		drop_place(&parsing->references[i].place);
	for (i = 0; i < DETECTOR_COUNT * DETECTOR_OPTIONS_MAX; i++)
		drop_place(&parsing->values[i / DETECTOR_OPTIONS_MAX][i % DETECTOR_OPTIONS_MAX]);
	free(parsing->references);
}
