/* zone.c: sums that decay, and what is new about a name. */
#include "detect/zone.h"

#include <math.h>
#include <string.h>

#include "policy/hot.h"

#define HALF_LIFE_S 600.0f
#define LONG_HALF_LIFE_S 43200.0f
#define DAY_S 86400
#define HOUR_S 3600u
#define HOURS UINT16_MAX             /* until their numbers come again */
#define ENTROPY_MAX 5.0f             /* bits a character: more is rarely used, and names have no more */
#define LETTER_COST 4.0f             /* bits that a name costs, whatever is in it */

void zone_init(struct zone *zone, int64_t now_s, bool known, bool forgotten)
{
	zone->first_s = known ? 0 : (uint32_t)now_s;
	zone->again_s = forgotten ? (uint32_t)now_s : 0;
	zone->last_s = (uint32_t)now_s;
	zone->score = ZONE_NOT_SCORED;
}

/* What was noted by a clock that has been put back since was noted just now: it would be of the future for as long as
 * the clock was ahead. */
static void put_back(struct zone *zone, uint32_t now_s)
{
	uint32_t *const times[] = { &zone->first_s, &zone->last_s, &zone->secure_s, &zone->unsigned_s,
		&zone->served_first_s, &zone->again_s };

	for (unsigned i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (*times[i] > now_s)
			*times[i] = now_s;
}

HOT void zone_age(struct zone *zone, int64_t now_s)
{
	const int64_t passed = now_s - (int64_t)zone->last_s;
	float fast, slow;

	if (passed < 0)
		put_back(zone, (uint32_t)now_s);
	if (passed <= 0)
		return;
	fast = exp2f(-(float)passed / HALF_LIFE_S);
	slow = exp2f(-(float)passed / LONG_HALF_LIFE_S);
	zone->up10 *= fast;
	zone->down10 *= fast;
	zone->odd10 *= fast;
	zone->up12h *= slow;
	zone->raw12h *= slow;
	zone->last_s = (uint32_t)now_s;
}

HOT unsigned zone_days(const struct zone *zone, int64_t now_s)
{
	const int64_t age = now_s - (int64_t)zone->first_s;

	if (zone->first_s == 0)
		return UINT32_MAX;
	return age > 0 ? (unsigned)(age / DAY_S) : 0;
}

uint16_t zone_hour(int64_t now_s)
{
	return (uint16_t)((uint64_t)now_s / HOUR_S % HOURS + 1);
}

uint16_t zone_hour_after(uint16_t hour, int64_t hours)
{
	return hour != 0 ? (uint16_t)((hour - 1 + hours % HOURS + HOURS) % HOURS + 1) : 0;
}

bool zone_is_within(uint16_t hour, unsigned hours, int64_t now_s)
{
	return hour != 0 && ((unsigned)zone_hour(now_s) + HOURS - hour) % HOURS <= hours;
}

HOT void zone_note_client(struct zone *zone, uint32_t client)
{
	for (unsigned i = 0; i < zone->client_count; i++)
		if (zone->clients[i] == client)
			return;
	if (zone->client_count < ZONE_CLIENTS_MAX)
		zone->clients[zone->client_count++] = client;
}

HOT unsigned zone_clients(const struct zone *zone)
{
	return zone->again_s != 0 && zone->last_s - zone->again_s < DAY_S ? ZONE_CLIENTS_MAX : zone->client_count;
}

/* --- information -------------------------------------------------------------------------------------------------- */

/* Bits a character, from how often each occurs. */
static float entropy(const uint8_t *octets, size_t length)
{
	uint8_t counts[256] = { 0 };
	float sum = 0;

	for (size_t i = 0; i < length; i++)
		counts[octets[i]]++;
	for (size_t i = 0; i < length; i++) {
		const unsigned count = counts[octets[i]];

		counts[octets[i]] = 0;
		if (count > 1)
			sum += (float)count * log2f((float)count);
	}
	return log2f((float)length) - sum / (float)length;
}

static size_t shared_head(const struct prefix *prefix, const uint8_t *octets, size_t length)
{
	size_t most = prefix->length < length ? prefix->length : length;
	size_t shared = 0;

	most = most < PREFIX_HEAD ? most : PREFIX_HEAD;
	while (shared < most && prefix->head[shared] == octets[shared])
		shared++;
	return shared;
}

static uint8_t octet_from_end(const struct prefix *prefix, size_t back)
{
	if (prefix->length <= PREFIX_HEAD)
		return prefix->head[prefix->length - 1 - back];
	return prefix->tail[PREFIX_TAIL - 1 - back];
}

static size_t shared_tail(const struct prefix *prefix, const uint8_t *octets, size_t length, size_t head)
{
	size_t most = (prefix->length < length ? prefix->length : length) - head;
	size_t shared = 0;

	most = prefix->length <= PREFIX_HEAD || most < PREFIX_TAIL ? most : PREFIX_TAIL;
	while (shared < most && octet_from_end(prefix, shared) == octets[length - 1 - shared])
		shared++;
	return shared;
}

static void remember(struct zone *zone, const uint8_t *octets, size_t length)
{
	struct prefix *prefix = &zone->prefixes[zone->next++ % ZONE_PREFIXES];

	prefix->length = (uint8_t)length;
	memcpy(prefix->head, octets, length < PREFIX_HEAD ? length : PREFIX_HEAD);
	if (length > PREFIX_HEAD)
		memcpy(prefix->tail, octets + length - PREFIX_TAIL, PREFIX_TAIL);
}

HOT float zone_note_prefix(struct zone *zone, const uint8_t *octets, size_t length, float *raw)
{
	float bits;
	size_t shared = 0;

	*raw = 0;
	if (length == 0)
		return 0;
	for (unsigned i = 0; i < ZONE_PREFIXES; i++) {
		const struct prefix *prefix = &zone->prefixes[i];
		const size_t head = shared_head(prefix, octets, length);
		const size_t both = head + shared_tail(prefix, octets, length, head);

		shared = both > shared ? both : shared;
	}
	bits = fminf(entropy(octets, length), ENTROPY_MAX);
	remember(zone, octets, length);
	*raw = ((float)length * bits + LETTER_COST) / 8;
	return ((float)(length - shared) * bits + LETTER_COST) / 8;
}

float zone_worth(const void *record, int64_t now_s)
{
	const struct zone *zone = record;
	const float passed = fabsf((float)(now_s - (int64_t)zone->last_s));

	return fmaxf(zone->up12h, zone->raw12h) * exp2f(-passed / LONG_HALF_LIFE_S) + 1 / (1 + passed);
}
