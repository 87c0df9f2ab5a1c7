/* table.c: sets of eight under a byte. */
#include "detect/table.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8u

struct set {
	_Atomic uint8_t busy;        /* guards everything below and the set's records */
	uint64_t tags[WAYS];         /* 0: free */
};

struct table {
	struct set *sets;
	uint8_t *records;
	size_t mask, octets;
	table_worth worth;
	_Atomic uint64_t used, evicted, lost;
};

static uint64_t tag_of(uint64_t hash)
{
	return hash != 0 ? hash : 1;
}

static struct set *set_of(const struct table *table, uint64_t hash)
{
	return &table->sets[(hash >> 32) & table->mask];
}

static void *record_at(const struct table *table, const struct set *set, unsigned way)
{
	return table->records + ((size_t)(set - table->sets) * WAYS + way) * table->octets;
}

static bool take(struct set *set)
{
	return atomic_exchange_explicit(&set->busy, 1, memory_order_acquire) == 0;
}

static void give_back(struct set *set)
{
	atomic_store_explicit(&set->busy, 0, memory_order_release);   /* read by take */
}

struct table *table_create(size_t records, size_t octets, table_worth worth)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t sets = 1;

	while (sets * WAYS < records)
		sets *= 2;
	if (table == NULL)
		return NULL;
	table->sets = calloc(sets, sizeof(*table->sets));
	table->records = calloc(sets * WAYS, octets);
	table->mask = sets - 1;
	table->octets = octets;
	table->worth = worth;
	if (table->sets == NULL || table->records == NULL)
		table_destroy(&table);
	return table;
}

void table_destroy(struct table **table)
{
	if (*table == NULL)
		return;
	free((*table)->sets);
	free((*table)->records);
	free(*table);
	*table = NULL;
}

static unsigned way_of(const struct set *set, uint64_t tag)
{
	unsigned way = 0;

	while (way < WAYS && set->tags[way] != tag)
		way++;
	return way;
}

/* A free way, or that of the record that is worth least. */
static unsigned way_for(struct table *table, struct set *set, int64_t now_s)
{
	const unsigned free_way = way_of(set, 0);
	unsigned least = 0;
	float worth = 0;

	if (free_way < WAYS) {
		atomic_fetch_add_explicit(&table->used, 1, memory_order_relaxed);
		return free_way;
	}
	for (unsigned way = 0; way < WAYS; way++) {
		const float other = table->worth(record_at(table, set, way), now_s);

		if (way == 0 || other < worth) {
			worth = other;
			least = way;
		}
	}
	atomic_fetch_add_explicit(&table->evicted, 1, memory_order_relaxed);
	return least;
}

void *table_enter(struct table *table, uint64_t hash, int64_t now_s, bool *fresh)
{
	struct set *set = set_of(table, hash);
	const uint64_t tag = tag_of(hash);
	unsigned way;
	void *record;

	if (!take(set)) {
		atomic_fetch_add_explicit(&table->lost, 1, memory_order_relaxed);
		return NULL;
	}
	way = way_of(set, tag);
	*fresh = way == WAYS;
	if (!*fresh)
		return record_at(table, set, way);
	way = way_for(table, set, now_s);
	set->tags[way] = tag;
	record = record_at(table, set, way);
	memset(record, 0, table->octets);
	return record;
}

void table_leave(struct table *table, uint64_t hash)
{
	give_back(set_of(table, hash));
}

void *table_find(struct table *table, uint64_t hash)
{
	struct set *set = set_of(table, hash);
	unsigned way;

	if (!take(set)) {
		atomic_fetch_add_explicit(&table->lost, 1, memory_order_relaxed);
		return NULL;
	}
	way = way_of(set, tag_of(hash));
	if (way < WAYS)
		return record_at(table, set, way);
	give_back(set);
	return NULL;
}

bool table_copy(struct table *table, uint64_t hash, void *to)
{
	struct set *set = set_of(table, hash);
	unsigned way;

	while (!take(set))
		sched_yield();
	way = way_of(set, tag_of(hash));
	if (way < WAYS)
		memcpy(to, record_at(table, set, way), table->octets);
	give_back(set);
	return way < WAYS;
}

void table_walk(struct table *table, bool (*visit)(void *arg, uint64_t hash, void *record), void *arg)
{
	for (size_t i = 0; i <= table->mask; i++) {
		struct set *set = &table->sets[i];

		while (!take(set))
			sched_yield();
		for (unsigned way = 0; way < WAYS; way++)
			if (set->tags[way] != 0 && !visit(arg, set->tags[way], record_at(table, set, way))) {
				set->tags[way] = 0;
				atomic_fetch_sub_explicit(&table->used, 1, memory_order_relaxed);
			}
		give_back(set);
	}
}

static void copy_set(const struct table *table, struct set *set, uint64_t tags[WAYS], uint8_t *records)
{
	while (!take(set))
		sched_yield();
	memcpy(tags, set->tags, sizeof(set->tags));
	memcpy(records, record_at(table, set, 0), WAYS * table->octets);
	give_back(set);
}

bool table_read(struct table *table, void (*visit)(void *arg, uint64_t hash, const void *record), void *arg)
{
	uint8_t *records = malloc(WAYS * table->octets);
	uint64_t tags[WAYS];

	if (records == NULL)
		return false;
	for (size_t i = 0; i <= table->mask; i++) {
		copy_set(table, &table->sets[i], tags, records);
		for (unsigned way = 0; way < WAYS; way++)
			if (tags[way] != 0)
				visit(arg, tags[way], records + way * table->octets);
	}
	free(records);
	return true;
}

void table_fetch(const struct table *table, uint64_t hash)
{
	const struct set *set = set_of(table, hash);

	__builtin_prefetch(set, 1);
	__builtin_prefetch((const uint8_t *)(set + 1) - 1, 1);
}

struct table_counts table_counts(const struct table *table)
{
	const size_t capacity = (table->mask + 1) * WAYS;

	return (struct table_counts){
		.used = atomic_load_explicit(&table->used, memory_order_relaxed),
		.evicted = atomic_load_explicit(&table->evicted, memory_order_relaxed),
		.lost = atomic_load_explicit(&table->lost, memory_order_relaxed),
		.capacity = capacity,
		.octets = capacity * table->octets + (table->mask + 1) * sizeof(struct set) + sizeof(*table),
	};
}
