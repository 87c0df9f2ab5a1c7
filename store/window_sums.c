/* window_sums.c: an array for each column, by id. */
#include "store/window_sums.h"

#include <stdlib.h>

static const enum slice_column kinds[] = { SLICE_CLIENT, SLICE_NAME, SLICE_VERDICT, SLICE_DOMAIN };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct window_sums {
	struct window_sum *rows[SLICE_COLUMNS];      /* owned */
	uint32_t room[SLICE_COLUMNS];
	uint32_t client;                             /* WINDOW_ALL: any */
	uint32_t *values;                            /* owned; of one client: its part of a slice */
};

void window_sums_destroy(struct window_sums **sums)
{
	if (*sums == NULL)
		return;
	for (unsigned i = 0; i < SLICE_COLUMNS; i++)
		free((*sums)->rows[i]);
	free((*sums)->values);
	free(*sums);
	*sums = NULL;
}

/* --- adding up ------------------------------------------------------------------------------------------------ */

static int make_room(struct window_sums *sums, enum slice_column column, uint32_t most)
{
	uint32_t room = sums->room[column] == 0 ? 1024 : sums->room[column];
	struct window_sum *more;

	if (most >= WINDOW_IDS_MAX)
		return SQLITE_CORRUPT;
	while (room <= most)
		room *= 2;
	if (room == sums->room[column])
		return SQLITE_OK;
	more = realloc(sums->rows[column], room * sizeof(*more));
	if (more == NULL)
		return SQLITE_NOMEM;
	for (uint32_t id = sums->room[column]; id < room; id++)
		more[id] = (struct window_sum){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
	sums->rows[column] = more;
	sums->room[column] = room;
	return SQLITE_OK;
}

/* Column by column: the rows of one are touched together. */
static int add_column(struct window_sums *sums, enum slice_column column, const struct slice *slice)
{
	const uint32_t *ids = slice->values[column], *times = slice->values[SLICE_TIME];
	struct window_sum *rows;
	uint32_t most = 0;
	int code;

	for (unsigned i = 0; i < slice->count; i++)
		most = ids[i] > most ? ids[i] : most;
	code = make_room(sums, column, most);
	rows = sums->rows[column];
	for (unsigned i = 0; code == SQLITE_OK && i < slice->count; i++) {
		struct window_sum *sum = &rows[ids[i]];
		int64_t ms = slice->begin_ms + times[i];

		sum->count++;
		sum->first_ms = ms < sum->first_ms ? ms : sum->first_ms;
		sum->last_ms = ms > sum->last_ms ? ms : sum->last_ms;
	}
	return code;
}

/* The events of the one client. */
static struct slice part_of(struct window_sums *sums, const struct slice *slice)
{
	struct slice part = { .begin_ms = slice->begin_ms };

	for (unsigned column = 0; column <= SLICE_DOMAIN; column++) {
		uint32_t *to = sums->values + (size_t)column * SLICE_EVENTS_MAX;

		part.count = 0;
		for (unsigned i = 0; i < slice->count; i++)
			if (slice->values[SLICE_CLIENT][i] == sums->client)
				to[part.count++] = slice->values[column][i];
		part.values[column] = to;
	}
	return part;
}

static int visit(void *arg, const struct slice *slice)
{
	struct window_sums *sums = arg;
	struct slice part = sums->client == WINDOW_ALL ? *slice : part_of(sums, slice);
	int code = SQLITE_OK;

	for (unsigned i = 0; code == SQLITE_OK && i < KINDS; i++)
		code = add_column(sums, kinds[i], &part);
	return code;
}

int window_sums_make(sqlite3 *db, const struct slice_window *window, uint32_t client, struct window_sums **sums)
{
	int code;

	*sums = calloc(1, sizeof(**sums));
	if (*sums == NULL)
		return SQLITE_NOMEM;
	(*sums)->client = client;
	if (client != WINDOW_ALL)
		(*sums)->values = calloc((size_t)SLICE_COLUMNS * SLICE_EVENTS_MAX, sizeof(*(*sums)->values));
	code = client != WINDOW_ALL && (*sums)->values == NULL ? SQLITE_NOMEM :
		slice_scan(db, "day", window, SLICE_DOMAIN, visit, *sums);
	if (code != SQLITE_OK)
		window_sums_destroy(sums);
	return code;
}

/* --- asking --------------------------------------------------------------------------------------------------- */

const struct window_sum *window_sums_of(const struct window_sums *sums, enum slice_column column, uint32_t *count)
{
	*count = sums->room[column];
	return sums->rows[column];
}

/* ids is a heap, the least count on top. */
static void sink(const struct window_sum *rows, uint32_t *ids, size_t count, size_t at)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		uint32_t id = ids[at];

		if (child + 1 < count && rows[ids[child + 1]].count < rows[ids[child]].count)
			child++;
		if (rows[id].count <= rows[ids[child]].count)
			return;
		ids[at] = ids[child];
		ids[child] = id;
	}
}

size_t window_sums_most(const struct window_sums *sums, enum slice_column column, size_t most, uint32_t *ids,
	uint32_t *next)
{
	const struct window_sum *rows = sums->rows[column];
	size_t count = 0;

	*next = 0;
	for (uint32_t id = 1; id < sums->room[column]; id++) {
		uint32_t left = rows[id].count;

		if (left == 0)
			continue;
		if (count < most) {
			ids[count++] = id;
			for (size_t at = count == most ? count / 2 : 0; at-- > 0; )
				sink(rows, ids, count, at);
			continue;
		}
		if (count > 0 && left > rows[ids[0]].count) {
			left = rows[ids[0]].count;
			ids[0] = id;
			sink(rows, ids, count, 0);
		}
		*next = left > *next ? left : *next;
	}
	return count;
}
