/* snapshot.c: compiles the lists of a configuration into one immutable policy. */
#include "policy/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/place.h"
#include "policy/snapshot_parts.h"

/* A snapshot in the making. */
struct build {
	struct snapshot *snapshot;
	struct set_builder *entries;
	struct class_table classes;
	uint16_t list;                 /* being loaded */
	struct list_report *reports;
	const struct build_history *before;   /* NULL: nothing was loaded */
	int64_t now;                   /* seconds since 1970 */
	/* Rules left out of the list being loaded, because of a limit of ours. */
	size_t left_out;
	unsigned left_out_line;        /* of the first; 0: none */
	bool no_memory;
};

/* --- rules ------------------------------------------------------------------------------------------------------ */

static void leave_out(struct build *build, size_t rules, unsigned line)
{
	if (build->left_out == 0)
		build->left_out_line = line;
	build->left_out += rules;
}

static bool add_entry(struct build *build, const struct class *class, const struct hash *hash, unsigned labels,
		      unsigned line)
{
	uint16_t number = class_table_number(&build->classes, class);

	if (number == 0)
		leave_out(build, 1, line);
	else if (!set_builder_add(build->entries, hash, labels, number))
		build->no_memory = true;
	build->no_memory |= build->classes.no_memory;
	return !build->no_memory;
}

/* The list's own action first; a rule and a list without one mean NXDOMAIN. */
static enum action action_of(const struct list_info *list, const struct rule *rule)
{
	const bool own = list->action == ACTION_ALLOW || rule->keeps_action;
	enum action action = own ? rule->action : list->action;

	if (action == ACTION_ALLOW)
		return ACTION_NXDOMAIN;
	/* Local data of no record at all. */
	if (action == ACTION_LOCAL_DATA && rule->rdata == NULL)
		return ACTION_NODATA;
	return action;
}

static bool collect_record(struct build *build, const struct rule *rule, const struct place *place)
{
	struct local_owner owner = {
		.hash = place->hash,
		.labels = (uint8_t)place->labels,
		.exact = place->exact,
		.below = place->below,
		.line = rule->line,
	};
	struct local_record record = {
		.type = rule->type,
		.rdata_length = rule->rdata_length,
		.ttl = snapshot_ttl(build->snapshot, rule->ttl),
		.rdata = rule->rdata,
	};

	if (!local_pool_collect(build->snapshot->pool, &owner, &record))
		build->no_memory = true;
	return !build->no_memory;
}

static void note_trigger(struct list_info *list, enum trigger trigger, enum action action)
{
	list->triggers |= 1u << trigger;
	if (trigger != TRIGGER_CLIENT_IP || list->shadow)
		return;
	list->decides_clients |= action != ACTION_OBSERVE;
	list->denies_clients |= action_table[action].denies;
	list->observes_clients |= action == ACTION_OBSERVE;
}

static bool add_rule(void *arg, const struct rule *rule)
{
	struct build *build = arg;
	struct list_info *list = &build->snapshot->lists[build->list];
	const enum trigger trigger = rule->trigger == TRIGGER_NONE ? TRIGGER_QNAME : rule->trigger;
	struct class class = { .list = build->list, .action = action_of(list, rule) };
	struct place place;

	switch (place_rule(build->snapshot, build->entries, rule, &place)) {
	case PLACE_FOUND:
		break;
	case PLACE_NONE:
		return true;
	case PLACE_NO_MEMORY:
		build->no_memory = true;
		return false;
	}
	note_trigger(list, trigger, class.action);
	if (class.action == ACTION_LOCAL_DATA)
		return collect_record(build, rule, &place);
	class.exact = place.exact;
	class.below = place.below;
	if (class.action == ACTION_SINKHOLE)
		class.data = list->sinkhole;
	return add_entry(build, &class, &place.hash, place.labels, rule->line);
}

static bool add_local_data(void *arg, const struct local_owner *owner, const struct local_data *data, size_t left_out)
{
	struct build *build = arg;
	struct class class = {
		.data = data,
		.list = build->list,
		.exact = owner->exact,
		.below = owner->below,
		.action = ACTION_LOCAL_DATA,
	};

	if (left_out != 0)
		leave_out(build, left_out, owner->line);
	return add_entry(build, &class, &owner->hash, owner->labels, owner->line);
}

/* --- one name said twice ---------------------------------------------------------------------------------------- */

/* A class in the place of the one at `index`; when there are too many classes the name keeps both. */
static enum set_step replace_by(struct build *build, const struct class *class, uint16_t *merged)
{
	*merged = class_table_number(&build->classes, class);
	return *merged == 0 ? SET_ADD : SET_REPLACE;
}

/* Entries come list by list, so what the same list said is never behind another's in a chain of classes. Of one list,
 * what earlier rules cover is dropped, two that ask for the same become one class, and two that do not stay two
 * entries, so that the first is found first. What another list says is chained: a name takes one slot however many
 * lists have it. */
static enum set_step merge(void *arg, const uint16_t *present, size_t count, uint16_t number, size_t *index,
			   uint16_t *merged)
{
	struct build *build = arg;
	struct class class = build->classes.classes[number];
	const struct class *twin = NULL;
	bool exact = false;
	bool below = false;
	size_t i;

	*index = 0;
	for (i = 0; i < count; i++) {
		const struct class *other = &build->classes.classes[present[i]];

		if (other->list != class.list)
			continue;
		exact |= other->exact;
		below |= other->below;
		twin = other;
		*index = i;
	}
	if (twin == NULL) {
		class.also = present[0];
		return replace_by(build, &class, merged);
	}
	if ((exact || !class.exact) && (below || !class.below)) {
		build->reports[class.list].duplicates++;
		return SET_DROP;
	}
	/* Two entries of one list cover all there is between them, so here the twin is the only one. */
	if (twin->action != class.action || twin->data != class.data)
		return SET_ADD;
	class.exact |= exact;
	class.below |= below;
	class.also = twin->also;
	return replace_by(build, &class, merged);
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void count_left_out(struct build *build, struct list_stats *stats)
{
	size_t left_out = build->left_out < stats->rules ? build->left_out : stats->rules;

	if (left_out == 0)
		return;
	stats->rules -= left_out;
	stats->skipped[SKIP_TOO_MANY] += left_out;
	if (stats->skipped_line[SKIP_TOO_MANY] == 0)
		stats->skipped_line[SKIP_TOO_MANY] = build->left_out_line;
}

static void note_age(const struct build *build, struct list_report *report)
{
	report->loaded_at = build->now;
	report->expires_at = list_expires_at(&report->stats);
	report->expired = report->expires_at != 0 && build->now >= report->expires_at;
	report->withdrawn = report->stats.withheld > 0;
}

static int load_list(struct build *build, const struct conf *conf, uint16_t index, struct diag *diag)
{
	struct snapshot *snapshot = build->snapshot;
	struct list_stats *stats = &build->reports[index].stats;

	build->list = index;
	build->left_out = 0;
	build->left_out_line = 0;
	if (snapshot_describe(snapshot, conf, index, diag) != 0)
		return -1;
	if (list_load(&conf->lists[index], build->now, add_rule, build, stats, diag) != 0)
		return -1;
	else if (!local_pool_flush(snapshot->pool, add_local_data, build))
		build->no_memory = true;
	if (build->no_memory)
		return diag_set(diag, conf->lists[index].file, 0, 0, "out of memory");
	count_left_out(build, stats);
	if (snapshot_check_feed(build->before, &conf->lists[index], stats, diag) != 0)
		return -1;
	note_age(build, &build->reports[index]);
	snapshot->lists[index].serial = stats->serial;
	snapshot_sum_list(snapshot, index, stats->rules);
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static void build_fini(struct build *build)
{
	set_builder_destroy(&build->entries);
	class_table_fini(&build->classes);
	free(build->reports);
	snapshot_destroy(&build->snapshot);
}

static bool build_init(struct build *build, size_t list_count, const struct hash_key *key)
{
	*build = (struct build){ .snapshot = snapshot_create(list_count, key) };
	build->entries = set_builder_create();
	build->reports = calloc(list_count + 1, sizeof(*build->reports));
	if (class_table_init(&build->classes, key) && build->snapshot != NULL && build->entries != NULL &&
	    build->reports != NULL)
		return true;
	build_fini(build);
	return false;
}

static int compile(struct build *build, const struct conf *conf, struct diag *diag)
{
	size_t i;

	if (snapshot_take_conf(build->snapshot, conf, diag) != 0)
		return -1;
	for (i = 0; i < conf->list_count; i++)
		if (load_list(build, conf, (uint16_t)i, diag) != 0)
			return -1;
	build->snapshot->set = set_build(build->entries, merge, build);
	if (build->snapshot->set == NULL)
		return diag_set(diag, conf->path, 0, 0, "out of memory");
	build->snapshot->class_count = build->classes.count;
	build->snapshot->classes = class_table_take(&build->classes);
	return 0;
}

struct snapshot *snapshot_build(const struct conf *conf, int64_t now, struct build_report *report, struct diag *diag)
{
	return snapshot_build_again(conf, now, NULL, report, diag);
}

struct snapshot *snapshot_build_again(const struct conf *conf, int64_t now, const struct build_history *before,
				      struct build_report *report, struct diag *diag)
{
	struct snapshot *snapshot;
	struct hash_key key;
	struct build build;

	if (report != NULL)
		*report = (struct build_report){ .list_count = 0 };
	if (conf->list_count > CONF_LISTS_MAX) {
		diag_set(diag, conf->path, 0, 0, "%zu lists; at most %d can be used", conf->list_count,
			 CONF_LISTS_MAX);
		return NULL;
	}
	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		diag_set(diag, conf->path, 0, 0, "no random key from the system: %s", strerror(errno));
		return NULL;
	}
	if (!build_init(&build, conf->list_count, &key)) {
		diag_set(diag, conf->path, 0, 0, "out of memory");
		return NULL;
	}
	build.before = before;
	build.now = now;
	if (compile(&build, conf, diag) != 0) {
		build_fini(&build);
		return NULL;
	}
	snapshot = build.snapshot;
	build.snapshot = NULL;
	if (report != NULL) {
		report->list_count = conf->list_count;
		report->lists = build.reports;
		build.reports = NULL;
	}
	build_fini(&build);
	return snapshot;
}
