/* recount.c: rows in an array, found by a table of their numbers; most events are passed over by a bit of their
 * client's or name's. */
#include "store/recount.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_PLACES 1024u
#define ID_BITS 26u                  /* of an id that has a bit of its own; others share */

struct recount {
	struct recount_row *rows;        /* owned */
	size_t count, room;
	uint32_t *places;                /* owned; number of the row + 1, 0: free; twice as many as rows or more */
	size_t mask;
	uint8_t *names, *clients;        /* owned; bits of ids that are wanted */
	size_t name_mask, client_mask;   /* of ids */
};

struct recount *recount_create(void)
{
	struct recount *recount = calloc(1, sizeof(*recount));

	if (recount == NULL)
		return NULL;
	recount->places = calloc(FIRST_PLACES, sizeof(*recount->places));
	recount->mask = FIRST_PLACES - 1;
	if (recount->places == NULL)
		recount_destroy(&recount);
	return recount;
}

void recount_destroy(struct recount **recount)
{
	if (*recount == NULL)
		return;
	free((*recount)->rows);
	free((*recount)->places);
	free((*recount)->names);
	free((*recount)->clients);
	free(*recount);
	*recount = NULL;
}

static size_t hash_of(uint32_t name, uint32_t client, uint32_t verdict)
{
	uint64_t hash = (name ^ (uint64_t)client << 32) * 0x9e3779b97f4a7c15u ^ verdict;

	hash = (hash ^ hash >> 29) * 0xd6e8feb86659fd93u;
	return (size_t)(hash ^ hash >> 32);
}

/* --- what is wanted ------------------------------------------------------------------------------------------- */

static void place(struct recount *recount, size_t number)
{
	const struct recount_row *row = &recount->rows[number];
	size_t at = hash_of(row->name, row->client, row->verdict) & recount->mask;

	while (recount->places[at] != 0)
		at = (at + 1) & recount->mask;
	recount->places[at] = (uint32_t)number + 1;
}

static bool grow(struct recount *recount)
{
	size_t room = recount->room == 0 ? FIRST_PLACES / 2 : recount->room * 2;
	struct recount_row *rows = room < UINT32_MAX / 2 ? realloc(recount->rows, room * sizeof(*rows)) : NULL;
	uint32_t *places;

	if (rows == NULL)
		return false;
	recount->rows = rows;
	places = calloc(room * 2, sizeof(*places));
	if (places == NULL)
		return false;
	free(recount->places);
	recount->places = places;
	recount->mask = room * 2 - 1;
	recount->room = room;
	for (size_t i = 0; i < recount->count; i++)
		place(recount, i);
	return true;
}

bool recount_want(struct recount *recount, uint32_t name, uint32_t client, uint32_t verdict)
{
	if (recount->count == recount->room && !grow(recount))
		return false;
	recount->rows[recount->count] = (struct recount_row){ .name = name, .client = client, .verdict = verdict };
	place(recount, recount->count++);
	return true;
}

const struct recount_row *recount_rows(const struct recount *recount, size_t *count)
{
	*count = recount->count;
	return recount->rows;
}

/* --- counting ------------------------------------------------------------------------------------------------- */

static uint8_t *make_bits(uint32_t most, size_t *mask)
{
	unsigned bits = 3;

	while (bits < ID_BITS && most >> bits != 0)
		bits++;
	*mask = ((size_t)1 << bits) - 1;
	return calloc(1, (*mask + 1) / 8);
}

static bool has_bit(const uint8_t *bits, size_t mask, uint32_t id)
{
	size_t at = id & mask;

	return (bits[at / 8] >> at % 8 & 1) != 0;
}

static bool set_bits(struct recount *recount)
{
	uint32_t name = 0, client = 0;

	for (size_t i = 0; i < recount->count; i++) {
		name = recount->rows[i].name > name ? recount->rows[i].name : name;
		client = recount->rows[i].client > client ? recount->rows[i].client : client;
	}
	free(recount->names);
	free(recount->clients);
	recount->names = make_bits(name, &recount->name_mask);
	recount->clients = make_bits(client, &recount->client_mask);
	if (recount->names == NULL || recount->clients == NULL)
		return false;
	for (size_t i = 0; i < recount->count; i++) {
		size_t name_at = recount->rows[i].name & recount->name_mask;
		size_t client_at = recount->rows[i].client & recount->client_mask;

		recount->names[name_at / 8] |= (uint8_t)(1u << name_at % 8);
		recount->clients[client_at / 8] |= (uint8_t)(1u << client_at % 8);
	}
	return true;
}

static void count(struct recount *recount, uint32_t name, uint32_t client, uint32_t verdict, int64_t ms)
{
	size_t at = hash_of(name, client, verdict) & recount->mask;

	for (; recount->places[at] != 0; at = (at + 1) & recount->mask) {
		struct recount_row *row = &recount->rows[recount->places[at] - 1];

		if (row->name != name || row->client != client || row->verdict != verdict)
			continue;
		row->first_ms = row->count == 0 || ms < row->first_ms ? ms : row->first_ms;
		row->last_ms = row->count == 0 || ms > row->last_ms ? ms : row->last_ms;
		row->count++;
		return;
	}
}

static int visit_pairs(void *arg, const struct slice *slice)
{
	struct recount *recount = arg;

	for (unsigned i = 0; i < slice->count; i++) {
		uint32_t client = slice->values[SLICE_CLIENT][i], name = slice->values[SLICE_NAME][i];

		if (has_bit(recount->clients, recount->client_mask, client) &&
				has_bit(recount->names, recount->name_mask, name))
			count(recount, name, client, slice->values[SLICE_VERDICT][i],
				slice->begin_ms + slice->values[SLICE_TIME][i]);
	}
	return SQLITE_OK;
}

static int visit_replies(void *arg, const struct slice *slice)
{
	struct recount *recount = arg;

	for (unsigned i = 0; i < slice->count; i++) {
		uint32_t reply = slice->values[SLICE_REPLY][i];

		if (has_bit(recount->names, recount->name_mask, reply))
			count(recount, reply, 0, 0, slice->begin_ms + slice->values[SLICE_TIME][i]);
	}
	return SQLITE_OK;
}

int recount_scan(struct recount *recount, sqlite3 *db, const struct slice_window *window, enum recount_by by)
{
	if (recount->count == 0)
		return SQLITE_OK;
	if (!set_bits(recount))
		return SQLITE_NOMEM;
	if (by == RECOUNT_REPLIES)
		return slice_scan(db, "day", window, SLICE_REPLY, visit_replies, recount);
	return slice_scan(db, "day", window, SLICE_TIME, visit_pairs, recount);
}
