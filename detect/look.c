/* look.c: what detectors are given, and what they report. */
#include "detect/look.h"

#include <math.h>
#include <string.h>

#include "policy/address.h"
#include "policy/hot.h"

#define QUIET_S 1800                 /* between two reports of the same */

size_t look_prefix(const struct look *look, uint8_t to[NAME_OCTETS_MAX])
{
	const struct name *name = &look->facts->qname;
	const uint8_t *at = name->octets, *end = name_suffix(name, name->labels - look->zone_labels);
	size_t length = 0;

	while (at < end) {
		memcpy(to + length, at + 1, *at);
		length += *at;
		at += 1 + *at;
	}
	return length;
}

/* Of a client that is not known zeros. */
HOT uint64_t look_hash_client(const struct detect *detect, const struct address *client)
{
	struct address address = *client;
	const unsigned bits = address_client(&address);

	return hash_octets(&detect->key, address.octets, bits > 0 ? bits / 8 : 8);
}

/* Both are keyed already, and nobody outside knows the one that he could choose the other to meet. */
HOT uint64_t look_hash_both(uint64_t one, uint64_t other)
{
	one = (one ^ one >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + other;
	return (one ^ one >> 32) * UINT64_C(0x94d049bb133111eb);
}

static struct report *report_enter(struct look *look, enum detector detector, uint64_t *hash)
{
	/* A burst is about no zone: the last one of it is one of many. */
	const bool about_zone = look->has_zone && detector != DETECTOR_NXDOMAIN_BURST;
	struct report *report;
	bool fresh;

	*hash = look_hash_both(look_hash_both(detector, about_zone ? look->zone_hash : 0), look->client_hash);
	report = table_enter(look->detect->reports, *hash, look->now_s, &fresh);
	if (report != NULL)
		report->last_s = (uint32_t)look->now_s;
	return report;
}

/* Counts what is held back, or has no room. */
static bool is_to_be_said(struct report *report, enum tier tier, bool has_room, int64_t now_s, uint32_t *held_back)
{
	const int64_t passed = now_s - (int64_t)report->said_s;

	if (!has_room || (tier <= report->tier && passed >= 0 && passed < QUIET_S)) {
		report->held_back += report->held_back < UINT32_MAX;
		return false;
	}
	*held_back = report->held_back;
	*report = (struct report){ .said_s = (uint32_t)now_s, .last_s = (uint32_t)now_s, .tier = (uint8_t)tier };
	return true;
}

/* Where one of that tier can be said: behind the others, or in the place of the lightest. NULL: all weigh as much. */
static struct detection *place_for(struct detections *to, enum tier tier)
{
	struct detection *lightest = &to->items[0];

	if (to->count < DETECTIONS_MAX)
		return &to->items[to->count];
	for (size_t i = 1; i < to->count; i++)
		if (to->items[i].tier < lightest->tier)
			lightest = &to->items[i];
	return lightest->tier < tier ? lightest : NULL;
}

static void put_at(struct look *look, struct detection *place, const struct detection *made)
{
	if (place == look->lead) {
		look->spare = *place;
		look->lead = &look->spare;
		look->lead_is_said = false;
	}
	look->detections->count += place == &look->detections->items[look->detections->count];
	*place = *made;
}

struct detection *look_report(struct look *look, enum detector detector, enum tier tier, float value,
	uint32_t threshold)
{
	struct detection made = {
		.detector = (uint8_t)detector, .tier = (uint8_t)tier,
		.reaction = (uint8_t)look->conf[detector].reaction,
		.value = (uint32_t)fminf(fmaxf(value, 0), (float)INT32_MAX), .threshold = threshold,
	};
	struct detections *to = look->detections;
	struct detection *place = place_for(to, tier);
	struct report *report;
	bool said = place != NULL;
	uint64_t hash;

	if (look->sight->hear != NULL)
		look->sight->hear(look->sight->hear_arg, &made);
	report = report_enter(look, detector, &hash);
	if (report != NULL) {
		said = is_to_be_said(report, tier, said, look->now_s, &made.repeated);
		table_leave(look->detect->reports, hash);
	}
	fusion_note(look, detector, tier);
	if (tier > TIER_TAG)
		to->standing |= UINT32_C(1) << detector;
	if (!said)
		return fusion_lead(look, &made, NULL);
	put_at(look, place, &made);
	fusion_lead(look, &made, place);
	return place;
}

void detection_add(struct detection *detection, enum feature_name name, float value)
{
	if (detection == NULL || detection->feature_count == DETECTION_FEATURES_MAX)
		return;
	detection->features[detection->feature_count++] = (struct feature){ (uint8_t)name,
		(uint32_t)fminf(fmaxf(value, 0), (float)INT32_MAX) };
}

struct pair *look_pair(struct look *look)
{
	struct detect *detect = look->detect;
	bool fresh;

	if (look->pair != NULL || !look->may_have_pair)
		return look->pair;
	look->may_have_pair = false;
	look->pair_hash = look_hash_both(look->zone_hash, look->client_hash);
	look->pair = table_enter(detect->pairs, look->pair_hash, look->now_s, &fresh);
	if (look->pair == NULL)
		return NULL;
	pair_age(look->pair, look->now_s);
	pair_note(look->pair, look->sight->now_ms);
	return look->pair;
}
