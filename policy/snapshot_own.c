/* snapshot_own.c: a snapshot as an object: made, shared, freed, asked. */
#include "policy/snapshot.h"

#include <stdlib.h>

#include "policy/hot.h"
#include "policy/place.h"
#include "policy/snapshot_parts.h"

/* A place in memory can be that of one snapshot after another. */
static uint64_t next_number(void)
{
	static atomic_uint_least64_t last;

	return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

struct snapshot *snapshot_create(size_t list_count, const struct hash_key *key)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (snapshot == NULL)
		return NULL;
	snapshot->number = next_number();
	snapshot->key = *key;
	place_derive_keys(snapshot);
	snapshot->list_count = list_count;
	snapshot->lists = calloc(list_count + 1, sizeof(*snapshot->lists));
	snapshot->pool = local_pool_create(key);
	snapshot->sharers = malloc(sizeof(*snapshot->sharers));
	if (snapshot->sharers != NULL)
		atomic_init(snapshot->sharers, 1);
	if (snapshot->lists == NULL || snapshot->pool == NULL || snapshot->sharers == NULL)
		snapshot_destroy(&snapshot);
	return snapshot;
}

/* A truncating rule lets TCP through. */
static bool may_pass(const struct class *class)
{
	return class->action == ACTION_PASS || class->action == ACTION_TRUNCATE;
}

static uint64_t groups_passing_late(const struct snapshot *snapshot)
{
	const unsigned late = 1u << TRIGGER_IP | 1u << TRIGGER_NSDNAME | 1u << TRIGGER_NSIP;
	uint64_t groups = 0;
	size_t i;

	for (i = 1; i < snapshot->class_count; i++) {
		const struct list_info *list = &snapshot->lists[snapshot->classes[i].list];

		if (may_pass(&snapshot->classes[i]) && !list->shadow && (list->triggers & late) != 0)
			groups |= list->groups;
	}
	return groups;
}

struct snapshot *snapshot_derive(const struct snapshot *base, struct override_set *set)
{
	struct snapshot *snapshot = malloc(sizeof(*snapshot));

	if (snapshot == NULL)
		return NULL;
	*snapshot = *base;
	snapshot->number = next_number();
	/* Who derives holds base, so the last sharer cannot be leaving now: no order is needed. */
	atomic_fetch_add_explicit(snapshot->sharers, 1, memory_order_relaxed);
	if (set != NULL && override_set_count(set) == 0)
		override_set_destroy(&set);
	snapshot->overrides = set;
	snapshot->passing_late = set != NULL ? groups_passing_late(snapshot) : 0;
	return snapshot;
}

static void free_shared(struct snapshot *snapshot)
{
	set_destroy(&snapshot->set);
	local_pool_destroy(&snapshot->pool);
	group_table_destroy(&snapshot->groups);
	inventory_destroy(&snapshot->inventory);
	free(snapshot->classes);
	free(snapshot->records);
	free(snapshot->lists);
	free(snapshot->sharers);
}

void snapshot_destroy(struct snapshot **snapshot)
{
	if (*snapshot == NULL)
		return;
	override_set_destroy(&(*snapshot)->overrides);
	/* What every other sharer did comes before the last one frees: release, paired with acquire. */
	if ((*snapshot)->sharers == NULL ||
	    atomic_fetch_sub_explicit((*snapshot)->sharers, 1, memory_order_acq_rel) == 1)
		free_shared(*snapshot);
	free(*snapshot);
	*snapshot = NULL;
}

void build_report_fini(struct build_report *report)
{
	free(report->lists);
	*report = (struct build_report){ .list_count = 0 };
}

size_t snapshot_octets(const struct snapshot *snapshot)
{
	return sizeof(*snapshot) + set_octets(snapshot->set) + snapshot->class_count * sizeof(*snapshot->classes) +
	       snapshot->list_count * sizeof(*snapshot->lists) + local_pool_octets(snapshot->pool) + snapshot->records_octets +
	       group_table_octets(snapshot->groups) +
	       (snapshot->inventory != NULL ? inventory_octets(snapshot->inventory) : 0) +
	       (snapshot->overrides != NULL ? override_set_octets(snapshot->overrides) : 0);
}

size_t snapshot_rule_count(const struct snapshot *snapshot)
{
	return snapshot->rules;
}

unsigned snapshot_triggers(const struct snapshot *snapshot)
{
	const struct override_set *overrides = snapshot->overrides;

	if (overrides != NULL && override_set_has_clients(overrides))
		return snapshot->triggers | 1u << TRIGGER_CLIENT_IP;
	return snapshot->triggers;
}

unsigned snapshot_server_triggers(const struct snapshot *snapshot)
{
	const unsigned all = 1u << TRIGGER_NSDNAME | 1u << TRIGGER_NSIP;

	return snapshot->inventory != NULL ? all : snapshot->triggers & all;
}

bool snapshot_has_inventory(const struct snapshot *snapshot)
{
	return snapshot->inventory != NULL;
}

HOT const struct policy_options *snapshot_options(const struct snapshot *snapshot)
{
	return &snapshot->options;
}

const struct group_table *snapshot_groups(const struct snapshot *snapshot)
{
	return snapshot->groups;
}
