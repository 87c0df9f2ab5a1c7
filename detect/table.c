/* table.c: sets of eight under a bit. */
#include "detect/table.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "detect/pages.h"
#include "policy/hot.h"

#define WAYS 8u
#define BUSY (UINT64_C(1) << 63)     /* of the first tag */
#define SHORT_OCTETS 32u             /* up to here two records of a line are better than a line for each */

/* A line of the cache; behind it the records. */
struct set {
	_Atomic uint64_t tags[WAYS]; /* the hash, but for its highest bit; 0: free. BUSY guards them and the records */
};

_Static_assert(sizeof(struct set) == PAGES_LINE, "one look at the tags is one line");

struct table {
	uint8_t *sets;
	size_t mask, octets;         /* of a record */
	size_t stride;               /* from one record to the next */
	table_worth worth;
	_Atomic uint64_t used, evicted, lost;
};

static uint64_t tag_of(uint64_t hash)
{
	return (hash & ~BUSY) != 0 ? hash & ~BUSY : 1;
}

static size_t set_octets(const struct table *table)
{
	return sizeof(struct set) + WAYS * table->stride;
}

static struct set *set_at(const struct table *table, size_t index)
{
	return (struct set *)(void *)(table->sets + index * set_octets(table));
}

static struct set *set_of(const struct table *table, uint64_t hash)
{
	return set_at(table, (hash >> 32) & table->mask);
}

static void *record_at(const struct table *table, struct set *set, unsigned way)
{
	return (uint8_t *)(set + 1) + way * table->stride;
}

static uint64_t tag_at(const struct set *set, unsigned way)
{
	return atomic_load_explicit(&set->tags[way], memory_order_relaxed) & ~BUSY;
}

/* Under the set's BUSY. */
static void put_tag(struct set *set, unsigned way, uint64_t tag)
{
	atomic_store_explicit(&set->tags[way], way == 0 ? tag | BUSY : tag, memory_order_relaxed);
}

static bool take(struct set *set)
{
	return (atomic_fetch_or_explicit(&set->tags[0], BUSY, memory_order_acquire) & BUSY) == 0;
}

static void give_back(struct set *set)
{
	atomic_store_explicit(&set->tags[0], tag_at(set, 0), memory_order_release);   /* read by take */
}

struct table *table_create(size_t records, size_t octets, table_worth worth)
{
	struct table *table = calloc(1, sizeof(*table));
	const size_t unit = octets > SHORT_OCTETS ? PAGES_LINE : sizeof(uint64_t);
	size_t sets = 1;

	while (sets * WAYS < records)
		sets *= 2;
	if (table == NULL)
		return NULL;
	table->mask = sets - 1;
	table->octets = octets;
	table->stride = (octets + unit - 1) / unit * unit;
	table->worth = worth;
	table->sets = pages_create(sets * set_octets(table));
	if (table->sets == NULL)
		table_destroy(&table);
	return table;
}

void table_destroy(struct table **table)
{
	if (*table == NULL)
		return;
	free((*table)->sets);
	free(*table);
	*table = NULL;
}

static unsigned way_of(const struct set *set, uint64_t tag)
{
	unsigned way = 0;

	while (way < WAYS && tag_at(set, way) != tag)
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

HOT void *table_enter(struct table *table, uint64_t hash, int64_t now_s, bool *fresh)
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
	put_tag(set, way, tag);
	record = record_at(table, set, way);
	memset(record, 0, table->octets);
	return record;
}

HOT void table_leave(struct table *table, uint64_t hash)
{
	give_back(set_of(table, hash));
}

HOT void *table_find(struct table *table, uint64_t hash)
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
		struct set *set = set_at(table, i);

		while (!take(set))
			sched_yield();
		for (unsigned way = 0; way < WAYS; way++)
			if (tag_at(set, way) != 0 && !visit(arg, tag_at(set, way), record_at(table, set, way))) {
				put_tag(set, way, 0);
				atomic_fetch_sub_explicit(&table->used, 1, memory_order_relaxed);
			}
		give_back(set);
	}
}

static void copy_set(const struct table *table, struct set *set, uint64_t tags[WAYS], uint8_t *records)
{
	while (!take(set))
		sched_yield();
	for (unsigned way = 0; way < WAYS; way++)
		tags[way] = tag_at(set, way);
	memcpy(records, record_at(table, set, 0), WAYS * table->stride);
	give_back(set);
}

bool table_read(struct table *table, void (*visit)(void *arg, uint64_t hash, const void *record), void *arg)
{
	uint8_t *records = malloc(WAYS * table->stride);
	uint64_t tags[WAYS];

	if (records == NULL)
		return false;
	for (size_t i = 0; i <= table->mask; i++) {
		copy_set(table, set_at(table, i), tags, records);
		for (unsigned way = 0; way < WAYS; way++)
			if (tags[way] != 0)
				visit(arg, tags[way], records + way * table->stride);
	}
	free(records);
	return true;
}

HOT void table_fetch(const struct table *table, uint64_t hash)
{
	__builtin_prefetch(set_of(table, hash), 1);
}

HOT void table_fetch_record(const struct table *table, uint64_t hash, size_t octets)
{
	struct set *set = set_of(table, hash);
	const unsigned way = way_of(set, tag_of(hash));
	const uint8_t *record = record_at(table, set, way);

	for (size_t at = 0; way < WAYS && at < octets; at += PAGES_LINE)
		__builtin_prefetch(record + at, 1);
}

struct table_counts table_counts(const struct table *table)
{
	const size_t capacity = (table->mask + 1) * WAYS;

	return (struct table_counts){
		.used = atomic_load_explicit(&table->used, memory_order_relaxed),
		.evicted = atomic_load_explicit(&table->evicted, memory_order_relaxed),
		.lost = atomic_load_explicit(&table->lost, memory_order_relaxed),
		.capacity = capacity,
		.octets = (table->mask + 1) * set_octets(table) + sizeof(*table),
	};
}
