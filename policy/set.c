/* set.c: the table of tags, its search, and how it is built. */
#include "policy/set.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 7
#define TAG_OCTETS 7
#define NO_CLASS 0
#define HUGE_PAGE (UINT64_C(2) << 20)
#define FIRST_ENTRIES 4096
#define AHEAD 8
/* Entries for each bucket on average: three quarters of the slots. */
#define FILL_NUMERATOR 21
#define FILL_DENOMINATOR 4

struct bucket {
	uint8_t tags[SLOTS * TAG_OCTETS];
	uint8_t passed;
	uint16_t classes[SLOTS];   /* NO_CLASS: the slot is free */
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct set {
	struct bucket *buckets;    /* mapped */
	size_t count;              /* below 2^32 */
	size_t entries;
	struct hash_depths depths;
};

/* What a hash means in the table. */
struct entry {
	uint64_t tag;
	uint32_t place;
	uint16_t class;
	uint8_t bit;
};

struct set_builder {
	struct entry *entries;     /* mapped */
	size_t used;
	size_t cap;
	struct hash_depths depths;
};

static struct entry entry_of(const struct hash *hash, uint16_t class)
{
	return (struct entry){
		.tag = hash->high >> 8,
		.place = (uint32_t)(hash->low >> 32),
		.class = class,
		.bit = (uint8_t)(1u << (hash->low & 7)),
	};
}

static inline size_t home(const struct set *set, uint32_t place)
{
	return (size_t)((uint64_t)place * set->count >> 32);
}

static inline size_t next(const struct set *set, size_t index)
{
	return index + 1 == set->count ? 0 : index + 1;
}

/* The tags of the last slots end before the bucket does, so eight octets may be read from each. */
static inline bool has_tag(const struct bucket *bucket, unsigned slot, uint64_t tag)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)bucket + (size_t)slot * TAG_OCTETS, sizeof(word));
	return (le64toh(word) ^ tag) << 8 == 0;
}

void set_prefetch(const struct set *set, const struct hash *hash)
{
	__builtin_prefetch(&set->buckets[home(set, (uint32_t)(hash->low >> 32))]);
}

/* One bit for each slot with that tag; a free slot has tag 0. */
static inline unsigned slots_with(const struct bucket *bucket, uint64_t tag)
{
	unsigned found = 0;
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		found |= (unsigned)has_tag(bucket, slot, tag) << slot;
	return found;
}

static size_t find(const struct set *set, const struct entry *entry, uint16_t *classes, size_t cap)
{
	const struct bucket *bucket;
	size_t index = home(set, entry->place);
	size_t count = 0;
	unsigned found;

	for (;;) {
		bucket = &set->buckets[index];
		for (found = slots_with(bucket, entry->tag); found != 0; found &= found - 1) {
			uint16_t class = bucket->classes[__builtin_ctz(found)];

			if (class != NO_CLASS && count < cap)
				classes[count++] = class;
		}
		/* Some bucket always has room and so was never passed: the search ends. */
		if ((bucket->passed & entry->bit) == 0)
			return count;
		index = next(set, index);
	}
}

size_t set_find(const struct set *set, const struct hash *hash, uint16_t *classes, size_t cap)
{
	struct entry entry = entry_of(hash, NO_CLASS);

	return find(set, &entry, classes, cap);
}

static void put(struct bucket *bucket, unsigned slot, const struct entry *entry)
{
	uint64_t tag = htole64(entry->tag);

	memcpy(bucket->tags + (size_t)slot * TAG_OCTETS, &tag, TAG_OCTETS);
	bucket->classes[slot] = entry->class;
}

/* False: no room but the one slot that stays free, so that every search ends. */
static bool add(struct set *set, const struct entry *entry)
{
	size_t index = home(set, entry->place);

	if (set->entries >= set->count * SLOTS - 1)
		return false;
	for (;;) {
		struct bucket *bucket = &set->buckets[index];
		unsigned slot;

		for (slot = 0; slot < SLOTS; slot++) {
			if (bucket->classes[slot] == NO_CLASS) {
				put(bucket, slot, entry);
				set->entries++;
				return true;
			}
		}
		bucket->passed |= entry->bit;
		index = next(set, index);
	}
}

/* Puts `class` in the place of the `which`-th class of the entry's name. */
static void replace(struct set *set, const struct entry *entry, size_t which, uint16_t class)
{
	size_t index = home(set, entry->place);
	unsigned found;

	for (;; index = next(set, index)) {
		struct bucket *bucket = &set->buckets[index];

		for (found = slots_with(bucket, entry->tag); found != 0; found &= found - 1) {
			unsigned slot = (unsigned)__builtin_ctz(found);

			if (bucket->classes[slot] == NO_CLASS)
				continue;
			if (which-- == 0) {
				bucket->classes[slot] = class;
				return;
			}
		}
		if ((bucket->passed & entry->bit) == 0)
			return;
	}
}

static bool insert(struct set *set, const struct entry *entry, set_merge merge, void *arg)
{
	uint16_t present[SET_SAME_MAX];
	size_t count = find(set, entry, present, SET_SAME_MAX);
	enum set_step step = SET_ADD;
	uint16_t merged = NO_CLASS;
	size_t index = 0;

	if (count != 0)
		step = merge(arg, present, count, entry->class, &index, &merged);
	switch (step) {
	case SET_ADD:
		return add(set, entry);
	case SET_DROP:
		break;
	case SET_REPLACE:
		replace(set, entry, index, merged);
		break;
	}
	return true;
}

/* Zeroed memory from the system, not from the heap; on huge pages when it is large, since every search goes to
 * another page. NULL: none. */
static void *map(size_t octets)
{
	size_t extra = octets >= 2 * HUGE_PAGE ? HUGE_PAGE : 0;
	uint8_t *start;
	size_t skip;

	if (octets > SIZE_MAX - extra)
		return NULL;
	start = mmap(NULL, octets + extra, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	if (extra == 0)
		return start;
	skip = (size_t)(-(uintptr_t)start & (HUGE_PAGE - 1));
	if (skip != 0)
		munmap(start, skip);
	if (skip != extra)
		munmap(start + skip + octets, extra - skip);
	(void)madvise(start + skip, octets, MADV_HUGEPAGE);
	return start + skip;
}

static size_t whole_pages(size_t octets)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (octets + page - 1) / page * page;
}

static struct set *create(size_t entries, const struct hash_depths *depths)
{
	size_t count = entries / FILL_NUMERATOR * FILL_DENOMINATOR + FILL_DENOMINATOR;
	struct set *set;

	if (count > UINT32_MAX)
		return NULL;
	set = calloc(1, sizeof(*set));
	if (set == NULL)
		return NULL;
	set->count = count;
	set->depths = *depths;
	set->buckets = map(whole_pages(count * sizeof(struct bucket)));
	if (set->buckets == NULL) {
		free(set);
		return NULL;
	}
	return set;
}

void set_destroy(struct set **set)
{
	if (*set == NULL)
		return;
	munmap((*set)->buckets, whole_pages((*set)->count * sizeof(struct bucket)));
	free(*set);
	*set = NULL;
}

struct set_builder *set_builder_create(void)
{
	struct set_builder *builder = calloc(1, sizeof(*builder));

	if (builder == NULL)
		return NULL;
	builder->cap = FIRST_ENTRIES;
	builder->entries = map(builder->cap * sizeof(struct entry));
	if (builder->entries == NULL) {
		free(builder);
		return NULL;
	}
	return builder;
}

void set_builder_destroy(struct set_builder **builder)
{
	if (*builder == NULL)
		return;
	munmap((*builder)->entries, (*builder)->cap * sizeof(struct entry));
	free(*builder);
	*builder = NULL;
}

static bool grow(struct set_builder *builder)
{
	size_t octets = builder->cap * sizeof(struct entry);
	void *entries;

	if (octets > SIZE_MAX / 2)
		return false;
	entries = mremap(builder->entries, octets, octets * 2, MREMAP_MAYMOVE);
	if (entries == MAP_FAILED)
		return false;
	builder->entries = entries;
	builder->cap *= 2;
	return true;
}

bool set_builder_add(struct set_builder *builder, const struct hash *hash, unsigned labels, uint16_t class)
{
	if (builder->used == builder->cap && !grow(builder))
		return false;
	builder->entries[builder->used++] = entry_of(hash, class);
	hash_depths_add(&builder->depths, labels);
	return true;
}

size_t set_builder_count(const struct set_builder *builder)
{
	return builder->used;
}

static bool insert_all(struct set *set, const struct set_builder *builder, set_merge merge, void *arg)
{
	size_t i;

	for (i = 0; i < builder->used; i++) {
		/* Every entry goes to a line of its own: fetch the coming ones while this one is put in. */
		if (builder->used - i > AHEAD)
			__builtin_prefetch(&set->buckets[home(set, builder->entries[i + AHEAD].place)], 1);
		if (!insert(set, &builder->entries[i], merge, arg))
			return false;
	}
	return true;
}

struct set *set_build(const struct set_builder *builder, size_t entries, set_merge merge, void *arg)
{
	struct set *set = create(entries, &builder->depths);

	if (set != NULL && !insert_all(set, builder, merge, arg))
		set_destroy(&set);
	return set;
}

const struct hash_depths *set_depths(const struct set *set)
{
	return &set->depths;
}

size_t set_entries(const struct set *set)
{
	return set->entries;
}

size_t set_octets(const struct set *set)
{
	return sizeof(*set) + whole_pages(set->count * sizeof(struct bucket));
}
