/* look_alike.c: compares the label of a new zone with those of all protected ones. */
#include "detect/look_alike.h"

#include <stdlib.h>
#include <string.h>

#include "detect/look.h"
#include "detect/skeleton.h"

enum { LENGTH_MIN };

#define TOKEN_MIN 4u                 /* octets: shorter ones are parts of many words */

struct brand {
	uint8_t label[1 + SKELETON_MAX];     /* its length first */
	struct skeleton skeleton;
};

struct brands {
	uint64_t *zones;             /* their hashes, each at a place of its own or at the next free one; 0: free */
	size_t mask;
	size_t count;
	struct brand all[];
};

/* Where the zone is, or would be: each answer asks, however many are protected. */
static uint64_t *place_of(const struct brands *brands, uint64_t zone)
{
	size_t at = zone & brands->mask;

	while (brands->zones[at] != 0 && brands->zones[at] != zone)
		at = (at + 1) & brands->mask;
	return &brands->zones[at];
}

/* At most a quarter of the places are taken. */
static struct brands *make_room(size_t count)
{
	struct brands *brands = calloc(1, sizeof(*brands) + count * sizeof(brands->all[0]));
	size_t places = 4;

	if (brands == NULL)
		return NULL;
	while (places < count * 4)
		places *= 2;
	brands->mask = places - 1;
	brands->zones = calloc(places, sizeof(*brands->zones));
	if (brands->zones == NULL)
		brands_destroy(&brands);
	return brands;
}

/* The leftmost label of the zone, its length first. */
static const uint8_t *label_of(const struct name *name, unsigned labels)
{
	return name_suffix(name, name->labels - labels);
}

struct brands *brands_create(const struct suffix_set *suffixes, const struct name *names, size_t count)
{
	struct brands *brands = make_room(count);

	for (size_t i = 0; brands != NULL && i < count; i++) {
		struct brand *brand = &brands->all[brands->count];
		const struct suffix_found found = suffix_find(suffixes, &names[i]);
		const uint8_t *label;

		if (found.labels == 0)
			continue;
		label = label_of(&names[i], found.labels);
		*place_of(brands, found.zone) = found.zone;
		memcpy(brand->label, label, 1u + *label);
		skeleton_make(&brand->skeleton, label + 1, *label);
		brands->count++;
	}
	return brands;
}

void brands_destroy(struct brands **brands)
{
	if (*brands == NULL)
		return;
	free((*brands)->zones);
	free(*brands);
	*brands = NULL;
}

bool brands_have(const struct brands *brands, uint64_t zone_hash)
{
	return *place_of(brands, zone_hash) != 0;
}

/* Where words between hyphens begin and end in a label: bits of its octets, from 0. */
struct words {
	uint64_t begins, ends;
};

static struct words words_of(const uint8_t *label)
{
	const unsigned length = *label;
	struct words words = { 1, UINT64_C(1) << length };

	for (unsigned at = 0; at < length; at++)
		if (label[1 + at] == '-') {
			words.ends |= UINT64_C(1) << at;
			words.begins |= UINT64_C(2) << at;
		}
	return words;
}

/* Looks at places alone where one may stand: a label of hyphens must not cost more for every brand there is. */
static bool has_token(const uint8_t *label, const struct words *words, const uint8_t *token)
{
	const size_t wanted = *token;
	uint64_t at = words->begins & words->ends >> wanted;

	if (wanted < TOKEN_MIN || wanted > *label)
		return false;
	for (; at != 0; at &= at - 1)
		if (memcmp(label + 1 + __builtin_ctzll(at), token + 1, wanted) == 0)
			return true;
	return false;
}

static enum likeness compare(const struct brand *brand, const uint8_t *label, const struct words *words,
	const struct skeleton *skeleton, size_t near_min)
{
	if (*label == *brand->label && memcmp(label, brand->label, 1u + *label) == 0)
		return LIKENESS_SAME;
	if (skeleton->length > 0 && skeleton_equal(skeleton, &brand->skeleton))
		return LIKENESS_SKELETON;
	if (*brand->label >= near_min && label_is_near(label + 1, *label, brand->label + 1, *brand->label))
		return LIKENESS_NEAR;
	return has_token(label, words, brand->label) ? LIKENESS_TOKEN : LIKENESS_NONE;
}

enum likeness brands_compare(const struct brands *brands, const struct name *name, unsigned labels,
	uint64_t zone_hash, size_t near_min, size_t *length)
{
	const uint8_t *label = label_of(name, labels);
	const struct words words = words_of(label);
	enum likeness most = LIKENESS_NONE;
	struct skeleton skeleton;

	if (brands_have(brands, zone_hash))
		return LIKENESS_NONE;
	skeleton_make(&skeleton, label + 1, *label);
	for (size_t i = 0; i < brands->count; i++) {
		const enum likeness likeness = compare(&brands->all[i], label, &words, &skeleton, near_min);

		if (likeness > most) {
			most = likeness;
			*length = *brands->all[i].label;
		}
	}
	return most;
}

enum tier look_alike_tier(enum likeness likeness)
{
	switch (likeness) {
	case LIKENESS_UNKNOWN: case LIKENESS_NONE: break;
	case LIKENESS_SAME: return TIER_TAG;
	case LIKENESS_TOKEN: case LIKENESS_NEAR: return TIER_LOW;
	case LIKENESS_SKELETON: return TIER_ALERT;
	}
	return TIER_NONE;
}

void judge_look_alike(struct look *look)
{
	const uint32_t near_min = look_option(look, DETECTOR_LOOK_ALIKE, LENGTH_MIN);
	const struct brands *brands = look->detect->brands;
	struct zone *zone = look->zone;
	size_t length = 0;

	/* Once for each zone, and for those that are like one each time: they are few. */
	zone->likeness = (uint8_t)brands_compare(brands, &look->facts->qname, look->zone_labels, look->zone_hash, near_min,
		&length);
	if (zone->likeness != LIKENESS_NONE)
		detection_add(look_report(look, DETECTOR_LOOK_ALIKE, look_alike_tier((enum likeness)zone->likeness), (float)length,
			near_min), FEATURE_LIKENESS, zone->likeness);
}
