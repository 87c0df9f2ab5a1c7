/* set_build.c: builds a set part by part, each in memory that fits the cache, and then where it stays. */
#include <stdlib.h>
#include <sys/mman.h>

#include "policy/set_memory.h"
#include "policy/set_parts.h"
#include "policy/set_queue.h"

/* Entries for each line on average: seven slots of eight. */
#define FILL_NUMERATOR 49
#define FILL_DENOMINATOR 8
#define FILTER_BITS 8
#define FIRST_ABOVE 4096
#define ABOVE_STEP ((size_t)1 << 16)   /* octets; whole pages */
#define RECENT 4096             /* a power of two */

struct set_builder {
	struct queue queue;
	size_t used;               /* entries in the queue */
	size_t names;              /* in the queue, one after the other the same counted once */
	uint64_t last;             /* `low` of the last entry */
	uint32_t *above;           /* mapped; places of names that rules are below */
	size_t above_used;
	size_t above_cap;
	uint32_t recent[RECENT];   /* some of them, so that most come once */
	struct hash_depths depths;
};

/* One part in the making. */
struct making {
	struct entry *entries;     /* owned */
	size_t count;
	struct line *scratch;      /* owned; room for as many lines as the largest part needs unmerged */
	set_merge merge;
	void *arg;
};

/* --- the builder ------------------------------------------------------------------------------------------------ */

struct set_builder *set_builder_create(void)
{
	struct set_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->above_cap = FIRST_ABOVE;
	builder->above = memory_map(FIRST_ABOVE * sizeof(*builder->above));
	if (builder->above != NULL && queue_init(&builder->queue))
		return builder;
	set_builder_destroy(&builder);
	return NULL;
}

void set_builder_destroy(struct set_builder **builder)
{
	if (*builder == NULL)
		return;
	queue_fini(&(*builder)->queue);
	if ((*builder)->above != NULL)
		munmap((*builder)->above, (*builder)->above_cap * sizeof(*(*builder)->above));
	free(*builder);
	*builder = NULL;
}

bool set_builder_add(struct set_builder *builder, const struct hash *hash, unsigned labels, uint16_t class)
{
	struct entry entry = {
		.key = { place_of(hash->low), tag_of(hash->low), hash->high & REST_MASK },
		.class = class,
	};

	if (!queue_add(&builder->queue, &entry))
		return false;
	builder->names += builder->used++ == 0 || hash->low != builder->last;
	builder->last = hash->low;
	hash_depths_add(&builder->depths, labels);
	return true;
}

static bool reserve_above(struct set_builder *builder)
{
	size_t octets = builder->above_cap * sizeof(*builder->above);
	void *above;

	if (builder->above_cap - builder->above_used >= SET_ABOVE_MAX)
		return true;
	if (octets > SIZE_MAX / 2)
		return false;
	above = mremap(builder->above, octets, octets * 2, MREMAP_MAYMOVE);
	if (above == MAP_FAILED)
		return false;
	builder->above = above;
	builder->above_cap *= 2;
	return true;
}

bool set_builder_add_above(struct set_builder *builder, const uint64_t *above, unsigned labels)
{
	unsigned i;

	if (!reserve_above(builder))
		return false;
	for (i = 0; i < SET_ABOVE_MAX && SET_ABOVE_FROM + i < labels; i++) {
		uint32_t place = place_of(above[i]);

		/* Place 0 looks as if it had come already when it has not. */
		if (builder->recent[place % RECENT] == place && place != 0)
			continue;
		builder->above[builder->above_used++] = place;
		builder->recent[place % RECENT] = place;
	}
	return true;
}

size_t set_builder_count(const struct set_builder *builder)
{
	return builder->used;
}

/* --- the filter ------------------------------------------------------------------------------------------------- */

static void mark(const struct set *set, uint32_t place, uint64_t factor)
{
	uint64_t *block = block_of(set, place);
	uint64_t bits = place * factor;
	unsigned i;

	for (i = 0; i < FILTER_BITS_EACH; i++, bits <<= 9)
		block[bits >> 61] |= UINT64_C(1) << (bits >> 55 & 63);
}

static bool create_filter(struct set *set, const struct set_builder *builder)
{
	set->blocks = (builder->names + builder->above_used) / (BLOCK_WORDS * 64 / FILTER_BITS) + 1;
	if (set->blocks > UINT32_MAX)
		return false;
	set->filter = memory_map(set_filter_octets(set));
	return set->filter != NULL;
}

/* Sorts by part, in place: each goes to where its part is filled next, what was there takes its turn. */
static void sort_above(uint32_t *above, size_t count)
{
	size_t next[SET_PARTS] = { 0 };
	size_t ends[SET_PARTS];
	size_t sum = 0;
	size_t i;
	unsigned part;

	for (i = 0; i < count; i++)
		next[above[i] >> 24]++;
	for (part = 0; part < SET_PARTS; part++) {
		size_t size = next[part];

		next[part] = sum;
		sum += size;
		ends[part] = sum;
	}
	for (part = 0; part < SET_PARTS; part++) {
		while (next[part] < ends[part]) {
			uint32_t place = above[next[part]];
			size_t *to = &next[place >> 24];

			above[next[part]] = above[*to];
			above[(*to)++] = place;
		}
	}
}

/* Marks the names of a part that rules are below, and forgets them. Returns where those of the next begin. */
static size_t mark_above(const struct set *set, struct set_builder *builder, unsigned part, size_t from)
{
	size_t step = ABOVE_STEP / sizeof(*builder->above);
	size_t i = from;

	while (i < builder->above_used && builder->above[i] >> 24 == part)
		mark(set, builder->above[i++], FILTER_ABOVE);
	if (i / step != from / step)
		memory_forget(builder->above + from / step * step, (i / step - from / step) * ABOVE_STEP);
	return i;
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Goes through the slots that hold one name, in the order in which they were filled. */
struct visit {
	const struct part *part;
	const struct key *key;
	uint32_t index;
	unsigned found;
};

static struct visit visit_begin(const struct part *part, const struct key *key)
{
	uint32_t index = home(part, key->place);

	return (struct visit){ part, key, index, slots_with(&part->lines[index], key->tag) };
}

/* The class in the next one; NULL: no more. */
static uint16_t *visit_next(struct visit *visit)
{
	for (;;) {
		struct line *line = &visit->part->lines[visit->index];

		while (visit->found != 0) {
			unsigned slot = (unsigned)__builtin_ctz(visit->found) / 2;

			visit->found &= visit->found - 1;
			if (line->classes[slot] != SET_NO_CLASS && rest_at(line, slot) == visit->key->rest)
				return &line->classes[slot];
		}
		if ((line->passed & passed_bit(visit->key->tag)) == 0)
			return NULL;
		visit->index = next_line(visit->part, visit->index);
		visit->found = slots_with(&visit->part->lines[visit->index], visit->key->tag);
	}
}

static void put(struct line *line, unsigned slot, const struct key *key, uint16_t class)
{
	uint64_t rest = htole64(key->rest);

	line->tags[slot] = key->tag;
	line->classes[slot] = class;
	memcpy(line->rests + (size_t)slot * REST_OCTETS, &rest, REST_OCTETS);
}

/* There is room: a part has more slots than entries. */
static void add(const struct part *part, const struct key *key, uint16_t class)
{
	uint32_t index = home(part, key->place);

	for (;; index = next_line(part, index)) {
		struct line *line = &part->lines[index];
		unsigned slot;

		for (slot = 0; slot < SET_SLOTS; slot++) {
			if (line->classes[slot] == SET_NO_CLASS) {
				put(line, slot, key, class);
				return;
			}
		}
		line->passed |= passed_bit(key->tag);
	}
}

/* --- parts ------------------------------------------------------------------------------------------------------ */

/* Returns how many entries more there are: 0 or 1. */
static size_t merge_entry(const struct making *making, const struct part *part, const struct entry *entry)
{
	struct visit visit = visit_begin(part, &entry->key);
	uint16_t *slots[SET_SAME_MAX];
	uint16_t present[SET_SAME_MAX];
	uint16_t merged = SET_NO_CLASS;
	enum set_step step = SET_ADD;
	size_t index = 0;
	size_t count = 0;

	while (count < SET_SAME_MAX && (slots[count] = visit_next(&visit)) != NULL) {
		present[count] = *slots[count];
		count++;
	}
	if (count != 0)
		step = making->merge(making->arg, present, count, entry->class, &index, &merged);
	switch (step) {
	case SET_ADD:
		add(part, &entry->key, entry->class);
		return 1;
	case SET_DROP:
		break;
	case SET_REPLACE:
		if (index < count)
			*slots[index] = merged;
		break;
	}
	return 0;
}

static uint32_t lines_for(size_t entries)
{
	return entries == 0 ? 0 : (uint32_t)(entries * FILL_DENOMINATOR / FILL_NUMERATOR + 1);
}

/* Puts into `to` what `from` holds: for each entry whose name is not there yet all that its name has. */
static void transfer(const struct making *making, const struct part *from, const struct part *to)
{
	size_t i;

	for (i = 0; i < making->count; i++) {
		const struct key *key = &making->entries[i].key;
		struct visit there = visit_begin(to, key);
		struct visit here = visit_begin(from, key);
		uint16_t *class;

		if (visit_next(&there) != NULL)
			continue;
		while ((class = visit_next(&here)) != NULL)
			add(to, key, *class);
	}
}

static void build_part(struct set *set, struct making *making, unsigned number)
{
	struct part scratch = { making->scratch, lines_for(making->count) };
	struct part part = { set->lines + set->first[number], 0 };
	size_t left = 0;
	size_t i;

	memset(making->scratch, 0, scratch.count * sizeof(struct line));
	for (i = 0; i < making->count; i++) {
		mark(set, making->entries[i].key.place, FILTER_RULE);
		left += merge_entry(making, &scratch, &making->entries[i]);
	}
	part.count = lines_for(left);
	if (part.count == scratch.count)
		memcpy(part.lines, scratch.lines, part.count * sizeof(struct line));
	else
		transfer(making, &scratch, &part);
	set->first[number + 1] = set->first[number] + part.count;
	set->entries += left;
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

/* Room for every entry, should none be merged away; pages that are not used stay untouched. */
static bool create_lines(struct set *set, const struct queue *queue)
{
	uint64_t lines = 0;
	unsigned i;

	for (i = 0; i < SET_PARTS; i++)
		lines += lines_for(queue->parts[i].count);
	if (lines > UINT32_MAX || lines > SIZE_MAX / 2 / sizeof(struct line))
		return false;
	set->mapped = memory_pages((size_t)(lines == 0 ? 1 : lines) * sizeof(struct line));
	set->lines = memory_map(set->mapped);
	return set->lines != NULL;
}

static bool making_init(struct making *making, const struct queue *queue)
{
	size_t most = 0;
	unsigned i;

	for (i = 0; i < SET_PARTS; i++)
		most = queue->parts[i].count > most ? queue->parts[i].count : most;
	making->entries = malloc((most + 1) * sizeof(*making->entries));
	making->scratch = malloc((lines_for(most) + (size_t)1) * sizeof(*making->scratch));
	return making->entries != NULL && making->scratch != NULL;
}

/* Gives back the pages behind the last line. */
static void trim(struct set *set)
{
	size_t needed = memory_pages(((size_t)set->first[SET_PARTS] + 1) * sizeof(struct line));

	if (needed < set->mapped) {
		munmap((uint8_t *)set->lines + needed, set->mapped - needed);
		set->mapped = needed;
	}
}

static void build_parts(struct set *set, struct set_builder *builder, struct making *making)
{
	size_t above = 0;
	unsigned i;

	sort_above(builder->above, builder->above_used);
	for (i = 0; i < SET_PARTS; i++) {
		above = mark_above(set, builder, i, above);
		making->count = builder->queue.parts[i].count;
		queue_take(&builder->queue, i, making->entries);
		build_part(set, making, i);
	}
	builder->above_used = 0;
	trim(set);
	memory_settle(set->lines, set->mapped);
	memory_settle(set->filter, set_filter_octets(set));
}

struct set *set_build(struct set_builder *builder, set_merge merge, void *arg)
{
	struct set *set = calloc(1, sizeof(*set));
	struct making making = { .merge = merge, .arg = arg };

	if (set == NULL)
		return NULL;
	set->depths = builder->depths;
	if (create_filter(set, builder) && create_lines(set, &builder->queue) &&
	    making_init(&making, &builder->queue))
		build_parts(set, builder, &making);
	else
		set_destroy(&set);
	free(making.entries);
	free(making.scratch);
	return set;
}
