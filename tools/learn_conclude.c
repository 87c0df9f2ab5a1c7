/* learn_conclude.c: what of all that was seen is proposed, and why the rest is not. */
#include "tools/learn_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/list_entry.h"

#define SUBJECTS_MIN 100u            /* that are measured, before a threshold goes down */
#define COMMON_MIN 1000u             /* in common use, before one goes up: of fewer 99.9 % are all */
#define MARGIN 4u                    /* a quarter above the highest, where a threshold goes down */

static int compare_zones(const void *a, const void *b)
{
	const struct learn_zone *left = a, *right = b;

	return name_compare(&left->name, &right->name);
}

const struct learn_zone *learn_find_zone(const struct learn *learn, const struct name *zone)
{
	struct learn_zone wanted;

	wanted.name = *zone;
	return learn->zone_count > 0 ? bsearch(&wanted, learn->zones, learn->zone_count, sizeof(wanted), compare_zones) : NULL;
}

/* --- what is in common use ---------------------------------------------------------------------------------------- */

static bool has(struct evidence *evidence, const void *key, size_t octets)
{
	size_t count;

	return evidence_range(evidence, key, octets, &count) != NULL;
}

static void count_zones_of_clients(struct learn *learn)
{
	size_t count;
	const struct evidence_item *pairs = evidence_sorted(learn->pairs, &count);

	for (size_t i = 0; i < count; i++)
		evidence_add(learn->clients, pairs[i].key + pairs[i].octets - LEARN_CLIENT_OCTETS, LEARN_CLIENT_OCTETS, 1,
			pairs[i].last_ms, 0);
}

/* A client that asks for hardly anything else may have been made for it. */
static bool is_witness(struct learn *learn, const uint8_t *client)
{
	size_t count;
	const struct evidence_item *item = evidence_range(learn->clients, client, LEARN_CLIENT_OCTETS, &count);

	return item != NULL && item->count >= LEARN_WITNESS_ZONES;
}

static uint32_t count_witnesses(struct learn *learn, const struct name *zone)
{
	size_t count;
	const struct evidence_item *pairs = evidence_range(learn->pairs, zone->octets, zone->length, &count);
	uint32_t witnesses = 0;

	for (size_t i = 0; i < count; i++)
		witnesses += is_witness(learn, pairs[i].key + zone->length);
	return witnesses;
}

/* --- zones -------------------------------------------------------------------------------------------------------- */

/* What of a detector or a tier speaks against it; NULL: nothing. */
static const char *said_against(struct learn *learn, struct learn_zone *zone)
{
	size_t count;
	const struct evidence_item *said = evidence_range(learn->said, zone->name.octets, zone->name.length, &count);

	for (size_t i = 0; i < count; i++) {
		const uint8_t *of = said[i].key + zone->name.length;

		if (!learn_is_ordinary(of[0])) {
			snprintf(zone->words, sizeof(zone->words), "ordinary use does not wake %s", detector_table[of[0]].name);
			return zone->words;
		}
		if (of[1] == TIER_BLOCK) {
			snprintf(zone->words, sizeof(zone->words), "%s reached the tier block", detector_table[of[0]].name);
			return zone->words;
		}
	}
	return NULL;
}

/* Anybody can ask for names of any octets. `*.com` would be all of com to whoever reads it as a pattern, and a list of
 * which the larger part cannot be read is refused as a whole. */
static bool fits_in_list(const struct name *zone)
{
	char text[NAME_TEXT_MAX];
	struct name read;

	name_to_text(zone, text);
	return list_read_name(&read, text, text + strlen(text)) == SKIP_COUNT && name_equal(&read, zone);
}

static const char *wrong_with(struct learn *learn, struct learn_zone *zone)
{
	const uint32_t days = (learn->options.days + 1) / 2;

	if (zone->listed)
		return "a list of the policy knows it";
	if (detect_zone_labels(learn->detect, &zone->name) == 0)
		return "it is no registrable domain";
	if (!fits_in_list(&zone->name))
		return "a list cannot hold such a name";
	if (has(learn->rented, zone->name.octets, zone->name.length))
		return "others rent names below it (Public Suffix List)";
	if (said_against(learn, zone) != NULL)
		return zone->words;
	if (zone->clients < learn->options.clients)
		snprintf(zone->words, sizeof(zone->words), "%u of %u clients ask for it", zone->clients, learn->options.clients);
	else if (zone->days < days)
		snprintf(zone->words, sizeof(zone->words), "seen on %u of %u days", zone->days, days);
	else
		return learn->is_short ? "too few days of observation" : NULL;
	return zone->words;
}

/* Of sorted items that begin with a zone, each zone once. */
static int find_zones(struct learn *learn)
{
	size_t count;
	const struct evidence_item *said = evidence_sorted(learn->said, &count);

	learn->zones = calloc(count + 1, sizeof(*learn->zones));
	if (learn->zones == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct learn_zone *zone = &learn->zones[learn->zone_count];

		if (!name_from_wire(&zone->name, said[i].key, said[i].octets) ||
		    (learn->zone_count > 0 && name_equal(&zone[-1].name, &zone->name)))
			continue;
		learn->zone_count++;
	}
	qsort(learn->zones, learn->zone_count, sizeof(*learn->zones), compare_zones);
	return 0;
}

static void judge_zones(struct learn *learn)
{
	for (size_t i = 0; i < learn->zone_count; i++) {
		struct learn_zone *zone = &learn->zones[i];
		size_t days;

		evidence_range(learn->zone_days, zone->name.octets, zone->name.length, &days);
		zone->days = learn->last_ms > 0 ? (uint32_t)days : 0;
		zone->listed = has(learn->listed, zone->name.octets, zone->name.length);
		zone->clients = count_witnesses(learn, &zone->name);
		zone->why_not = wrong_with(learn, zone);
	}
}

/* --- thresholds --------------------------------------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* Of sorted values; 0 without any. */
static uint32_t percentile(const uint32_t *values, size_t count, unsigned thousandths)
{
	return count > 0 ? values[(count * thousandths + 999) / 1000 - 1] : 0;
}

static bool is_common(struct learn *learn, const struct learn_row *row, const uint8_t *subject, const struct name *zone,
	const struct learn_zone *judged)
{
	if (row->about_client)
		return is_witness(learn, subject) && !has(learn->listed_clients, subject, LEARN_CLIENT_OCTETS);
	return judged == NULL && !has(learn->listed, zone->octets, zone->length) &&
		count_witnesses(learn, zone) >= learn->options.clients;
}

/* Measures what is not approved. `values` has room for all peaks. */
static void measure(struct learn *learn, unsigned index, struct learn_threshold *to, uint32_t *values)
{
	const struct learn_row *row = &learn_rows[index];
	const uint8_t prefix = (uint8_t)index;
	size_t count;
	const struct evidence_item *peaks = evidence_range(learn->peaks, &prefix, 1, &count);

	for (size_t i = 0; i < count; i++) {
		const struct learn_zone *judged = NULL;
		struct name zone = { 1, 0, { 0 } };

		if (!row->about_client && name_from_wire(&zone, peaks[i].key + 1, peaks[i].octets - 1))
			judged = learn_find_zone(learn, &zone);
		if (judged != NULL && judged->why_not == NULL)
			continue;
		to->subjects++;
		if (peaks[i].most > to->most_left)
			to->most_left = peaks[i].most;
		if (is_common(learn, row, peaks[i].key + 1, &zone, judged))
			values[to->common++] = peaks[i].most;
	}
	qsort(values, to->common, sizeof(*values), compare_numbers);
	to->median = percentile(values, to->common, 500);
	to->p99 = percentile(values, to->common, 990);
	to->p999 = percentile(values, to->common, 999);
	to->most = percentile(values, to->common, 1000);
}

/* Down to where nothing that was recorded would cross it, but not under half. Up, where it is about clients, to what
 * one in a thousand of those in common use is over, but not over the cap. */
static const char *choose(const struct learn *learn, const struct learn_row *row, struct learn_threshold *to)
{
	const struct detector_option *option = &detector_table[row->detector].options[row->option];
	const uint64_t above = (uint64_t)to->most_left + to->most_left / MARGIN + 1;
	const uint32_t half = (to->was + 1) / 2 > option->min ? (to->was + 1) / 2 : option->min;

	to->proposed = to->was;
	if (learn->is_short)
		return "too few days of observation";
	if (to->subjects < SUBJECTS_MIN)
		return "too little was measured";
	if (above < to->was) {
		to->proposed = above > half ? (uint32_t)above : half;
		return to->proposed < to->was ? NULL : "it is low enough";
	}
	if (!row->about_client)
		return "for zones it never goes up: what is in common use is approved by name";
	if (to->p999 < to->was)
		return "it fits what is in common use";
	if (to->common < COMMON_MIN)
		return "too little in common use was measured to go up";
	if (to->p999 >= (uint64_t)to->was * LEARN_CAP || to->p999 >= option->max)
		return "what is in common use is over the cap: look at those clients";
	to->proposed = to->p999 + 1;
	return NULL;
}

static int judge_thresholds(struct learn *learn)
{
	size_t count;
	uint32_t *values;

	evidence_sorted(learn->peaks, &count);
	values = calloc(count + 1, sizeof(*values));
	learn->thresholds = calloc(learn_row_count, sizeof(*learn->thresholds));
	if (values == NULL || learn->thresholds == NULL) {
		free(values);
		return -1;
	}
	for (unsigned i = 0; i < learn_row_count; i++) {
		const struct learn_row *row = &learn_rows[i];
		struct learn_threshold *to = &learn->thresholds[i];

		to->was = learn->options.conf->options.detectors[row->detector].values[row->option];
		measure(learn, i, to, values);
		to->why_not = choose(learn, row, to);
	}
	free(values);
	return 0;
}

int learn_conclude(struct learn *learn)
{
	size_t days;

	evidence_sorted(learn->days, &days);
	learn->is_short = learn->last_ms > 0 ? days < learn->options.days : learn->options.days > 0;
	count_zones_of_clients(learn);
	if (find_zones(learn) != 0)
		return -1;
	judge_zones(learn);
	return judge_thresholds(learn);
}
