/* shift.c: the clock was put, and what is remembered goes with it. */
#include "detect/look.h"

#include <stdatomic.h>

#define HOUR_S 3600
#define AWAY_MAX_S (60 * 86400)      /* what is remembered for longest is forgotten by then */

struct shift {
	int64_t by_s;
	uint32_t after_s;            /* later than this is by the new clock already: workers go on meanwhile */
};

static bool is_new(const struct shift *shift, uint32_t time)
{
	return shift->by_s > 0 && (int32_t)(time - shift->after_s) > 0;
}

/* Times that would be before 1970 come out at the other end of the 32 bits, and back when the clock is put on: a machine
 * that begins in that year has lost none of them when it learns which one it is. 0 stands for no time. */
static void put(uint32_t *time, const struct shift *shift)
{
	if (*time == 0 || is_new(shift, *time))
		return;
	*time = (uint32_t)((uint64_t)*time + (uint64_t)shift->by_s);
	if (*time == 0)
		*time = 1;
}

static bool put_zone(void *arg, uint64_t hash, void *record)
{
	const struct shift *shift = arg;
	struct zone *zone = record;
	uint32_t *const times[] = { &zone->first_s, &zone->last_s, &zone->again_s, &zone->served_s, &zone->minute_s,
		&zone->secure_s, &zone->unsigned_s, &zone->hour_s, &zone->served_first_s, &zone->flux_s };

	(void)hash;
	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		put(times[i], shift);
	zone->others_h = zone_hour_after(zone->others_h, shift->by_s / HOUR_S);
	zone->moved_h = zone_hour_after(zone->moved_h, shift->by_s / HOUR_S);
	return true;
}

static bool put_client(void *arg, uint64_t hash, void *record)
{
	const struct shift *shift = arg;
	struct client *client = record;

	(void)hash;
	put(&client->window_s, shift);
	put(&client->last_s, shift);
	for (unsigned i = 0; i < CLIENT_PUBLIC; i++)
		put(&client->outside_s[i], shift);
	return true;
}

static bool put_pair(void *arg, uint64_t hash, void *record)
{
	const struct shift *shift = arg;
	struct pair *pair = record;

	(void)hash;
	put(&pair->window_s, shift);
	put(&pair->last_s, shift);
	put(&pair->evidence_s, shift);
	put(&pair->called_s, shift);
	if (pair->last_ms != 0 && !is_new(shift, (uint32_t)(pair->last_ms / 1000)))
		pair->last_ms += shift->by_s * 1000;
	return true;
}

static bool put_report(void *arg, uint64_t hash, void *record)
{
	const struct shift *shift = arg;
	struct report *report = record;

	(void)hash;
	put(&report->said_s, shift);
	put(&report->last_s, shift);
	return true;
}

static bool is_shift(int64_t by_s)
{
	return by_s >= -(int64_t)UINT32_MAX && by_s <= (int64_t)UINT32_MAX;
}

void detect_shift(struct detect *detect, int64_t by_s)
{
	struct shift shift = { .by_s = by_s };

	if (!is_shift(by_s))
		return;
	/* The last look at the clock was not long before it was put. */
	shift.after_s = (uint32_t)(atomic_load_explicit(&detect->turned_s, memory_order_relaxed) + by_s / 2);
	atomic_fetch_add_explicit(&detect->started_s, by_s, memory_order_relaxed);
	atomic_fetch_add_explicit(&detect->turned_s, by_s, memory_order_relaxed);
	bloom_shift(detect->names, by_s);
	bloom_shift(detect->known, by_s);
	bloom_shift(detect->answers, by_s);
	table_walk(detect->zones, put_zone, &shift);
	table_walk(detect->clients, put_client, &shift);
	table_walk(detect->pairs, put_pair, &shift);
	table_walk(detect->reports, put_report, &shift);
}

/* --- from a file -------------------------------------------------------------------------------------------------- */

static bool is_time(int64_t seconds)
{
	return seconds >= 0 && seconds <= (int64_t)UINT32_MAX;
}

/* The clock may not have been set yet, or not have been when it was saved: what cannot have passed since is put down to
 * it, and what can was not lived through either, so that nothing is new the sooner. */
void detect_resume(struct detect *detect, int64_t started_s, int64_t saved_s)
{
	const int64_t now_s = atomic_load_explicit(&detect->started_s, memory_order_relaxed);
	const bool has_lived = is_time(saved_s) && started_s <= saved_s && started_s >= saved_s - (int64_t)UINT32_MAX;
	const int64_t lived_s = has_lived ? saved_s - started_s : 0;

	atomic_store_explicit(&detect->turned_s, saved_s, memory_order_relaxed);
	if (is_time(saved_s) && (now_s < saved_s || now_s - saved_s > AWAY_MAX_S))
		detect_shift(detect, now_s - saved_s);
	atomic_store_explicit(&detect->started_s, now_s - lived_s, memory_order_relaxed);
	atomic_store_explicit(&detect->turned_s, now_s, memory_order_relaxed);
}
