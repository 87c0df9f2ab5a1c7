/*
 * tally.c: a worker's table of counters is open addressing over (list, action, trigger, shadow).
 *
 * A row is written whole, then `used` is stored with release and pairs with the acquire in tally_rows; from then on
 * only its count changes, by its worker.
 */
#include "control/tally.h"
#include "policy/hot.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define PLACES (2 * TALLY_ROWS_MAX)   /* a power of two; never more than half full */

struct place {
	_Atomic bool used;
	uint8_t action, trigger;
	bool shadow;
	char list[LIST_NAME_MAX];
	_Atomic uint64_t count;
};

struct table {
	unsigned used;                 /* the worker's own, as is the next */
	struct place *last;            /* counted last, and often counted next; NULL: none yet */
	struct place places[PLACES];
};

struct tally {
	struct table *_Atomic tables[TALLY_WORKERS_MAX];   /* stored with release by its worker, once */
};

struct tally *tally_create(void)
{
	return calloc(1, sizeof(struct tally));
}

void tally_destroy(struct tally **tally)
{
	if (*tally == NULL)
		return;
	for (unsigned i = 0; i < TALLY_WORKERS_MAX; i++)
		free(atomic_load_explicit(&(*tally)->tables[i], memory_order_relaxed));
	free(*tally);
	*tally = NULL;
}

/* FNV-1a: names are the operator's, there is nobody to make them collide. */
static unsigned hash(const char *list, unsigned rest)
{
	uint32_t sum = 2166136261u ^ rest;

	for (; *list != '\0'; list++)
		sum = (sum ^ (uint8_t)*list) * 16777619u;
	return (sum ^ sum >> 15) & (PLACES - 1);
}

static bool is_same(const struct place *place, const char *list, enum action action, enum trigger trigger,
	bool shadow)
{
	return place->action == action && place->trigger == trigger && place->shadow == shadow &&
		strcmp(place->list, list) == 0;
}

/* NULL: the table is full. */
static struct place *find(struct table *table, const char *list, enum action action, enum trigger trigger,
	bool shadow)
{
	unsigned at = hash(list, (unsigned)action << 8 | (unsigned)trigger << 1 | shadow);
	struct place *place = &table->places[at];

	while (atomic_load_explicit(&place->used, memory_order_relaxed)) {
		if (is_same(place, list, action, trigger, shadow))
			return place;
		at = (at + 1) & (PLACES - 1);
		place = &table->places[at];
	}
	/* The last row is for the rest. */
	if (table->used >= TALLY_ROWS_MAX - (strcmp(list, TALLY_REST) != 0))
		return NULL;
	table->used++;
	place->action = (uint8_t)action;
	place->trigger = (uint8_t)trigger;
	place->shadow = shadow;
	strncpy(place->list, list, sizeof(place->list) - 1);
	atomic_store_explicit(&place->used, true, memory_order_release);
	return place;
}

static HOT void count(struct table *table, const struct rule_match *match, enum action action, bool shadow)
{
	struct place *place = table->last;

	if (place == NULL || !is_same(place, match->list, action, match->trigger, shadow))
		place = find(table, match->list, action, match->trigger, shadow);
	if (place == NULL)
		place = find(table, TALLY_REST, ACTION_ALLOW, TRIGGER_NONE, false);
	table->last = place;
	if (place != NULL)
		atomic_store_explicit(&place->count, atomic_load_explicit(&place->count, memory_order_relaxed) + 1,
			memory_order_relaxed);
}

HOT void tally_note(struct tally *tally, unsigned worker, const struct verdict *verdict)
{
	struct table *table;

	if (verdict->rule.trigger == TRIGGER_NONE && verdict->shadow.trigger == TRIGGER_NONE)
		return;
	if (worker >= TALLY_WORKERS_MAX)
		return;
	table = atomic_load_explicit(&tally->tables[worker], memory_order_relaxed);
	if (table == NULL) {
		table = calloc(1, sizeof(*table));
		if (table == NULL)
			return;
		atomic_store_explicit(&tally->tables[worker], table, memory_order_release);
	}
	if (verdict->rule.trigger != TRIGGER_NONE)
		count(table, &verdict->rule, verdict->action, false);
	if (verdict->shadow.trigger != TRIGGER_NONE)
		count(table, &verdict->shadow, verdict->shadow.action, true);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct tally_row *one = a, *other = b;
	int order = strcmp(one->list, other->list);

	if (order == 0)
		order = (int)one->action - (int)other->action;
	if (order == 0)
		order = (int)one->trigger - (int)other->trigger;
	return order != 0 ? order : (int)one->shadow - (int)other->shadow;
}

static size_t add(struct tally_row *rows, size_t used, size_t cap, const struct place *place)
{
	uint64_t seen = atomic_load_explicit(&place->count, memory_order_relaxed);

	for (size_t i = 0; i < used; i++) {
		if (is_same(place, rows[i].list, rows[i].action, rows[i].trigger, rows[i].shadow)) {
			rows[i].count += seen;
			return used;
		}
	}
	if (used == cap)
		return used;
	rows[used] = (struct tally_row){ .action = place->action, .trigger = place->trigger, .shadow = place->shadow,
		.count = seen };
	memcpy(rows[used].list, place->list, sizeof(place->list));
	return used + 1;
}

size_t tally_rows(const struct tally *tally, struct tally_row *rows, size_t cap)
{
	size_t used = 0;

	for (unsigned i = 0; i < TALLY_WORKERS_MAX; i++) {
		const struct table *table = atomic_load_explicit(&tally->tables[i], memory_order_acquire);

		for (unsigned at = 0; table != NULL && at < PLACES; at++)
			if (atomic_load_explicit(&table->places[at].used, memory_order_acquire))
				used = add(rows, used, cap, &table->places[at]);
	}
	qsort(rows, used, sizeof(*rows), compare);
	return used;
}
