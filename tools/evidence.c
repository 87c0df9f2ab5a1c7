/* evidence.c: an open table that grows, and a sort at the end. */
#include "tools/evidence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "policy/hash.h"

#define SLOTS_FIRST ((size_t)1 << 12)
#define KEYS_OCTETS_FIRST ((size_t)1 << 16)
#define EMPTY 0u

struct evidence {
	struct hash_key secret;      /* keys may be chosen by whoever is recorded */
	size_t most, count, cap;     /* of items */
	struct evidence_item *items;
	size_t *places;              /* of the keys of items, in `keys` */
	uint32_t *slots;             /* numbers of items from 1 */
	size_t slot_count;           /* a power of two, over twice the items */
	uint8_t *keys;
	size_t used, keys_cap;
	uint64_t left_out;
	bool sorted;
};

struct evidence *evidence_create(size_t most)
{
	struct evidence *evidence = calloc(1, sizeof(*evidence));

	if (evidence == NULL)
		return NULL;
	evidence->most = most < UINT32_MAX ? most : UINT32_MAX - 1;
	evidence->slot_count = SLOTS_FIRST;
	evidence->cap = SLOTS_FIRST / 2;
	evidence->keys_cap = KEYS_OCTETS_FIRST;
	evidence->slots = calloc(evidence->slot_count, sizeof(*evidence->slots));
	evidence->items = calloc(evidence->cap, sizeof(*evidence->items));
	evidence->places = calloc(evidence->cap, sizeof(*evidence->places));
	evidence->keys = malloc(evidence->keys_cap);
	if (evidence->slots == NULL || evidence->items == NULL || evidence->places == NULL || evidence->keys == NULL ||
	    getrandom(&evidence->secret, sizeof(evidence->secret), 0) != sizeof(evidence->secret))
		evidence_destroy(&evidence);
	return evidence;
}

void evidence_destroy(struct evidence **evidence)
{
	if (*evidence == NULL)
		return;
	free((*evidence)->slots);
	free((*evidence)->items);
	free((*evidence)->places);
	free((*evidence)->keys);
	free(*evidence);
	*evidence = NULL;
}

/* The slot of the key, or the empty one where it belongs. */
static uint32_t *find_slot(const struct evidence *evidence, const void *key, size_t octets)
{
	size_t at = (size_t)hash_octets(&evidence->secret, key, octets) & (evidence->slot_count - 1);

	for (;; at = (at + 1) & (evidence->slot_count - 1)) {
		const uint32_t number = evidence->slots[at];

		if (number == EMPTY || (evidence->items[number - 1].octets == octets &&
		    memcmp(evidence->keys + evidence->places[number - 1], key, octets) == 0))
			return &evidence->slots[at];
	}
}

/* Twice the room for items. False, and nothing changed but spare room: no memory. */
static bool grow(struct evidence *evidence)
{
	struct evidence_item *items = realloc(evidence->items, 2 * evidence->cap * sizeof(*items));
	uint32_t *slots = calloc(2 * evidence->slot_count, sizeof(*slots));
	size_t *places;

	if (items != NULL)
		evidence->items = items;
	places = realloc(evidence->places, 2 * evidence->cap * sizeof(*places));
	if (places != NULL)
		evidence->places = places;
	if (items == NULL || places == NULL || slots == NULL) {
		free(slots);
		return false;
	}
	free(evidence->slots);
	evidence->slots = slots;
	evidence->slot_count *= 2;
	evidence->cap *= 2;
	for (size_t i = 0; i < evidence->count; i++)
		*find_slot(evidence, evidence->keys + evidence->places[i], evidence->items[i].octets) = (uint32_t)i + 1;
	return true;
}

static bool keep_key(struct evidence *evidence, const void *key, size_t octets)
{
	if (octets > evidence->keys_cap - evidence->used) {
		uint8_t *more = realloc(evidence->keys, evidence->keys_cap * 2);

		if (more == NULL)
			return false;
		evidence->keys = more;
		evidence->keys_cap *= 2;
	}
	memcpy(evidence->keys + evidence->used, key, octets);
	evidence->used += octets;
	return true;
}

/* NULL: no room. */
static struct evidence_item *begin(struct evidence *evidence, const void *key, size_t octets)
{
	if (evidence->count == evidence->most || (evidence->count == evidence->cap && !grow(evidence)) ||
	    !keep_key(evidence, key, octets))
		return NULL;
	evidence->places[evidence->count] = evidence->used - octets;
	evidence->items[evidence->count] = (struct evidence_item){ .octets = octets };
	*find_slot(evidence, key, octets) = (uint32_t)++evidence->count;
	return &evidence->items[evidence->count - 1];
}

void evidence_add(struct evidence *evidence, const void *key, size_t octets, uint64_t count, int64_t time_ms,
	uint32_t value)
{
	const uint32_t number = octets > 0 && octets <= EVIDENCE_KEY_MAX && !evidence->sorted ?
		*find_slot(evidence, key, octets) : EMPTY;
	struct evidence_item *item = number != EMPTY ? &evidence->items[number - 1] : NULL;

	if (item == NULL && octets > 0 && octets <= EVIDENCE_KEY_MAX && !evidence->sorted)
		item = begin(evidence, key, octets);
	if (item == NULL) {
		evidence->left_out += count;
		return;
	}
	item->count += count;
	if (time_ms != 0 && (item->first_ms == 0 || time_ms < item->first_ms))
		item->first_ms = time_ms;
	if (time_ms > item->last_ms)
		item->last_ms = time_ms;
	if (value > item->most)
		item->most = value;
}

static int compare(const void *a, const void *b)
{
	const struct evidence_item *left = a, *right = b;
	const size_t shorter = left->octets < right->octets ? left->octets : right->octets;
	const int order = memcmp(left->key, right->key, shorter);

	return order != 0 ? order : (left->octets > right->octets) - (left->octets < right->octets);
}

const struct evidence_item *evidence_sorted(struct evidence *evidence, size_t *count)
{
	*count = evidence->count;
	if (!evidence->sorted) {
		for (size_t i = 0; i < evidence->count; i++)
			evidence->items[i].key = evidence->keys + evidence->places[i];
		qsort(evidence->items, evidence->count, sizeof(*evidence->items), compare);
		evidence->sorted = true;
	}
	return evidence->count > 0 ? evidence->items : NULL;
}

static bool begins_with(const struct evidence_item *item, const void *prefix, size_t octets)
{
	return item->octets >= octets && memcmp(item->key, prefix, octets) == 0;
}

const struct evidence_item *evidence_range(struct evidence *evidence, const void *prefix, size_t octets, size_t *count)
{
	const struct evidence_item wanted = { .key = prefix, .octets = octets };
	size_t all, low = 0, high, end;
	const struct evidence_item *items = evidence_sorted(evidence, &all);

	for (high = all; low < high;) {
		const size_t middle = low + (high - low) / 2;

		if (compare(&items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < all && begins_with(&items[end], prefix, octets); end++)
		;
	*count = end - low;
	return *count > 0 ? items + low : NULL;
}

uint64_t evidence_left_out(const struct evidence *evidence)
{
	return evidence->left_out;
}

char *evidence_time(int64_t time_ms, char to[EVIDENCE_TIME_MAX])
{
	const time_t when = (time_t)(time_ms / 1000);
	struct tm broken;

	if (time_ms <= 0 || gmtime_r(&when, &broken) == NULL ||
	    strftime(to, EVIDENCE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &broken) == 0)
		snprintf(to, EVIDENCE_TIME_MAX, "no time");
	return to;
}
