/* collect_pair.c: four places for each set of keys. */
#include "tools/collect_pair.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "store/dict.h"
#include "tools/frame_event.h"

#define SETS (1u << 14)
#define WAYS 4u
#define MICROSECONDS 1000000u

struct row {
	struct pair_key key;
	uint64_t time_us;
	int64_t came_s;
	uint8_t *frame;                  /* owned; NULL: an answer, or nothing */
	size_t octets;
	unsigned from;
	bool used;
};

struct pairing {
	struct dict_secret secret;
	pairing_keep keep;
	void *arg;
	unsigned waiting;
	size_t octets;                   /* of the frames that wait */
	bool asked;                      /* a question has come */
	struct row rows[SETS][WAYS];
};

struct pairing *pairing_create(pairing_keep keep, void *arg)
{
	struct pairing *pairing = calloc(1, sizeof(*pairing));   /* pages come as they are used */

	if (pairing == NULL)
		return NULL;
	pairing->keep = keep;
	pairing->arg = arg;
	if (getrandom(&pairing->secret, sizeof(pairing->secret), 0) != sizeof(pairing->secret))
		pairing_destroy(&pairing);
	return pairing;
}

static void clear(struct pairing *pairing, struct row *row)
{
	pairing->waiting -= row->frame != NULL;
	pairing->octets -= row->frame != NULL ? row->octets : 0;
	free(row->frame);
	memset(row, 0, sizeof(*row));
}

void pairing_destroy(struct pairing **pairing)
{
	if (*pairing == NULL)
		return;
	for (unsigned i = 0; i < SETS && (*pairing)->waiting > 0; i++)
		for (unsigned j = 0; j < WAYS; j++)
			clear(*pairing, &(*pairing)->rows[i][j]);
	free(*pairing);
	*pairing = NULL;
}

bool pairing_key(const struct pairing *pairing, const struct frame_event_reading *reading, struct pair_key *key)
{
	const Dnstap__Message *message = reading->fields.message;
	const struct store_event *event = &reading->event;
	const uint32_t numbers[] = { event->qtype | (uint32_t)event->qclass << 16,
		reading->fields.dns.id | message->query_port << 16, event->client.family };
	uint8_t octets[STORE_IDENTITY_MAX + sizeof(numbers) + sizeof(event->client.octets) + NAME_OCTETS_MAX];
	size_t used = strlen(reading->identity);
	struct dict_key made;

	if (event->qname == NULL || !message->has_query_port || event->client.family == ADDRESS_NONE)
		return false;
	memcpy(octets, reading->identity, used);
	memcpy(octets + used, numbers, sizeof(numbers));
	used += sizeof(numbers);
	memcpy(octets + used, event->client.octets, sizeof(event->client.octets));
	used += sizeof(event->client.octets);
	memcpy(octets + used, event->qname, event->qname_octets);
	made = dict_key_of(&pairing->secret, octets, used + event->qname_octets);
	*key = (struct pair_key){ made.low, made.high };
	return true;
}

static struct row *set_of(struct pairing *pairing, const struct pair_key *key)
{
	return pairing->rows[key->high % SETS];
}

static bool is_near(uint64_t one, uint64_t other)
{
	return (one > other ? one - other : other - one) <= (uint64_t)PAIR_WAIT_S * MICROSECONDS;
}

/* The oldest of that key; `waits`: a question, else an answer. */
static struct row *find(struct pairing *pairing, const struct pair_key *key, uint64_t time_us, bool waits)
{
	struct row *set = set_of(pairing, key), *best = NULL;

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].used && (set[i].frame != NULL) == waits && set[i].key.low == key->low &&
				set[i].key.high == key->high && is_near(set[i].time_us, time_us) &&
				(best == NULL || set[i].time_us < best->time_us))
			best = &set[i];
	return best;
}

/* Free ones first, then answers, then questions; of equals the oldest. */
static struct row *place(struct row *set)
{
	struct row *best = &set[0];

	for (unsigned i = 1; i < WAYS && best->used; i++)
		if (!set[i].used || (set[i].frame == NULL && best->frame != NULL) ||
				((set[i].frame == NULL) == (best->frame == NULL) && set[i].time_us < best->time_us))
			best = &set[i];
	return best;
}

bool pairing_answer(struct pairing *pairing, const struct pair_key *key, uint64_t time_us, uint64_t *asked_us)
{
	struct row *row = pairing->asked ? find(pairing, key, time_us, true) : NULL;

	if (row != NULL) {
		*asked_us = row->time_us;
		clear(pairing, row);
		return true;
	}
	row = pairing->asked ? place(set_of(pairing, key)) : NULL;
	if (row != NULL && row->frame == NULL)
		*row = (struct row){ .key = *key, .time_us = time_us, .used = true };
	return false;
}

static bool give_back(struct pairing *pairing, struct row *row)
{
	if (!pairing->keep(pairing->arg, row->frame, row->octets))
		return false;
	clear(pairing, row);
	return true;
}

enum pair_result pairing_question(struct pairing *pairing, const struct pair_key *key, uint64_t time_us,
	const uint8_t *octets, size_t length, unsigned from, int64_t now_s)
{
	struct row *row = find(pairing, key, time_us, false);
	uint8_t *frame;

	pairing->asked = true;
	if (row != NULL) {
		clear(pairing, row);
		return PAIR_ANSWERED;
	}
	row = place(set_of(pairing, key));
	if (row->frame != NULL && !give_back(pairing, row))
		return PAIR_FAILED;
	frame = length <= PAIR_OCTETS_MAX - pairing->octets ? malloc(length) : NULL;
	if (frame == NULL)
		return pairing->keep(pairing->arg, octets, length) ? PAIR_WAITS : PAIR_FAILED;
	memcpy(frame, octets, length);
	*row = (struct row){ *key, time_us, now_s, frame, length, from, true };
	pairing->waiting++;
	pairing->octets += length;
	return PAIR_WAITS;
}

bool pairing_release(struct pairing *pairing, unsigned from, int64_t until_s)
{
	for (unsigned i = 0; i < SETS && pairing->waiting > 0; i++)
		for (unsigned j = 0; j < WAYS; j++) {
			struct row *row = &pairing->rows[i][j];

			if (row->frame != NULL && (from == 0 || row->from == from) && row->came_s <= until_s &&
					!give_back(pairing, row))
				return false;
		}
	return true;
}
