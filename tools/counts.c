/* counts.c: an open table of what was seen, and a sort at the end. */
#include "tools/counts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "policy/hash.h"

#define SLOTS (COUNTS_DISTINCT_MAX * 2)
#define KEYS_OCTETS_FIRST ((size_t)1 << 20)

struct slot {
	uint64_t count;           /* 0: empty */
	size_t key;               /* offset */
	uint8_t octets;
};

struct counts {
	struct hash_key secret;   /* keys may be chosen by whoever is recorded */
	struct slot *slots;
	uint8_t *keys;
	size_t used, cap;
	size_t distinct;
	uint64_t others;
};

struct counts *counts_create(void)
{
	struct counts *counts = calloc(1, sizeof(*counts));

	if (counts == NULL)
		return NULL;
	counts->slots = calloc(SLOTS, sizeof(*counts->slots));
	counts->keys = malloc(KEYS_OCTETS_FIRST);
	counts->cap = KEYS_OCTETS_FIRST;
	if (getrandom(&counts->secret, sizeof(counts->secret), 0) != sizeof(counts->secret) || counts->slots == NULL ||
	    counts->keys == NULL)
		counts_destroy(&counts);
	return counts;
}

void counts_destroy(struct counts **counts)
{
	if (*counts == NULL)
		return;
	free((*counts)->slots);
	free((*counts)->keys);
	free(*counts);
	*counts = NULL;
}

static bool make_room(struct counts *counts, size_t octets)
{
	uint8_t *more;

	if (octets <= counts->cap - counts->used)
		return true;
	more = realloc(counts->keys, counts->cap * 2);
	if (more == NULL)
		return false;
	counts->keys = more;
	counts->cap *= 2;
	return true;
}

void counts_add(struct counts *counts, const void *key, size_t octets, uint64_t count)
{
	size_t at = (size_t)(hash_octets(&counts->secret, key, octets) & (SLOTS - 1));
	struct slot *slot;

	for (;; at = (at + 1) & (SLOTS - 1)) {
		slot = &counts->slots[at];
		if (slot->count == 0)
			break;
		if (slot->octets == octets && memcmp(counts->keys + slot->key, key, octets) == 0) {
			slot->count += count;
			return;
		}
	}
	if (counts->distinct == COUNTS_DISTINCT_MAX || octets == 0 || octets > UINT8_MAX || !make_room(counts, octets)) {
		counts->others += count;
		return;
	}
	*slot = (struct slot){ count, counts->used, (uint8_t)octets };
	memcpy(counts->keys + counts->used, key, octets);
	counts->used += octets;
	counts->distinct++;
}

/* Negative: `a` comes first. */
static int compare(const struct counted *a, const struct counted *b)
{
	size_t octets = a->octets < b->octets ? a->octets : b->octets;
	int order;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	order = memcmp(a->key, b->key, octets);
	return order != 0 ? order : a->octets < b->octets ? -1 : a->octets > b->octets;
}

size_t counts_top(struct counts *counts, struct counted *to, size_t cap)
{
	size_t used = 0;

	for (size_t i = 0; i < SLOTS && cap > 0; i++) {
		const struct slot *slot = &counts->slots[i];
		struct counted one = { counts->keys + slot->key, slot->octets, slot->count };
		size_t at = used;

		if (slot->count == 0 || (used == cap && compare(&one, &to[cap - 1]) >= 0))
			continue;
		if (used < cap)
			used++;
		else
			at = cap - 1;
		for (; at > 0 && compare(&one, &to[at - 1]) < 0; at--)
			to[at] = to[at - 1];
		to[at] = one;
	}
	return used;
}

size_t counts_distinct(const struct counts *counts)
{
	return counts->distinct;
}

uint64_t counts_others(const struct counts *counts)
{
	return counts->others;
}
