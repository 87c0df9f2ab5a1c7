/* slice_forget.c: each slice that has one of them is written anew. */
#include "store/slice_forget.h"

#include <stdlib.h>
#include <string.h>

#include "store/slice.h"

struct work {
	sqlite3 *db;
	uint32_t *gone;                  /* owned, in order */
	size_t gone_count;
	uint8_t *blob;                   /* owned; SLICE_OCTETS_MAX */
	uint32_t *values;                /* owned; SLICE_EVENTS_MAX */
	struct slice_event *events;      /* owned; SLICE_EVENTS_MAX */
	sqlite3_stmt *next, *put;        /* owned */
};

static int compare(const void *one, const void *other)
{
	uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return a < b ? -1 : a > b;
}

static int read_gone(struct work *work, const char *clients)
{
	sqlite3_stmt *row;
	int code = sqlite3_prepare_v2(work->db, clients, -1, &row, NULL), done;

	if (code != SQLITE_OK)
		return code;
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		uint32_t *more = realloc(work->gone, (work->gone_count + 1) * sizeof(*more));

		if (more == NULL)
			break;
		work->gone = more;
		more[work->gone_count++] = (uint32_t)sqlite3_column_int64(row, 0);
	}
	done = sqlite3_finalize(row);
	if (work->gone_count > 1)
		qsort(work->gone, work->gone_count, sizeof(*work->gone), compare);
	return code == SQLITE_ROW ? SQLITE_NOMEM : done;
}

static bool is_gone(const struct work *work, uint32_t client)
{
	return bsearch(&client, work->gone, work->gone_count, sizeof(client), compare) != NULL;
}

/* The events that stay, in work->events. */
static unsigned keep(struct work *work, const struct slice_column_at columns[SLICE_COLUMNS], unsigned count)
{
	unsigned kept = 0;

	for (unsigned column = 0; column < SLICE_COLUMNS; column++) {
		slice_decode(work->blob, &columns[column], count, work->values);
		for (unsigned i = 0; i < count; i++)
			work->events[i].values[column] = work->values[i];
	}
	for (unsigned i = 0; i < count; i++)
		if (!is_gone(work, work->events[i].values[SLICE_CLIENT]))
			work->events[kept++] = work->events[i];
	return kept;
}

/* When it began and ended must not tell of who is gone. */
static int write_slice(struct work *work, int64_t first, unsigned count, int64_t earliest)
{
	uint32_t least = UINT32_MAX, most = 0;
	int code;

	for (unsigned i = 0; i < count; i++) {
		uint32_t time = work->events[i].values[SLICE_TIME];

		least = time < least ? time : least;
		most = time > most ? time : most;
	}
	for (unsigned i = 0; i < count; i++)
		work->events[i].values[SLICE_TIME] -= least;
	sqlite3_bind_int64(work->put, 1, first);
	sqlite3_bind_int64(work->put, 2, count);
	sqlite3_bind_int64(work->put, 3, count == 0 ? 0 : earliest + least);
	sqlite3_bind_int64(work->put, 4, count == 0 ? 0 : earliest + most);
	sqlite3_bind_blob(work->put, 5, work->blob, (int)slice_encode(work->events, count, work->blob), SQLITE_STATIC);
	code = sqlite3_step(work->put);
	sqlite3_reset(work->put);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* SQLITE_DONE: there is no slice behind *first. */
static int change_next(struct work *work, int64_t *first)
{
	struct slice_column_at columns[SLICE_COLUMNS];
	int64_t count, earliest;
	size_t octets;
	unsigned kept;
	int code;

	sqlite3_bind_int64(work->next, 1, *first);
	code = sqlite3_step(work->next);
	if (code != SQLITE_ROW) {
		sqlite3_reset(work->next);
		return code;
	}
	*first = sqlite3_column_int64(work->next, 0);
	count = sqlite3_column_int64(work->next, 1);
	earliest = sqlite3_column_int64(work->next, 2);
	octets = (size_t)sqlite3_column_bytes(work->next, 3);
	if (count < 0 || count > SLICE_EVENTS_MAX || octets < SLICE_HEADER_OCTETS || octets > SLICE_OCTETS_MAX ||
			!slice_layout(sqlite3_column_blob(work->next, 3), octets, (unsigned)count, columns)) {
		sqlite3_reset(work->next);
		return SQLITE_CORRUPT;
	}
	memcpy(work->blob, sqlite3_column_blob(work->next, 3), octets);
	sqlite3_reset(work->next);
	kept = keep(work, columns, (unsigned)count);
	return kept == (unsigned)count ? SQLITE_OK : write_slice(work, *first, kept, earliest);
}

static int change_all(struct work *work)
{
	int64_t first = INT64_MIN;
	int code;

	work->blob = malloc(SLICE_OCTETS_MAX);
	work->values = calloc(SLICE_EVENTS_MAX, sizeof(*work->values));
	work->events = calloc(SLICE_EVENTS_MAX, sizeof(*work->events));
	if (work->blob == NULL || work->values == NULL || work->events == NULL)
		return SQLITE_NOMEM;
	code = sqlite3_prepare_v2(work->db, "SELECT first, count, earliest, octets FROM slice WHERE first > ? ORDER BY first"
		" LIMIT 1", -1, &work->next, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(work->db, "UPDATE slice SET count = ?2, earliest = ?3, latest = ?4, octets = ?5"
			" WHERE first = ?1", -1, &work->put, NULL);
	while (code == SQLITE_OK)
		code = change_next(work, &first);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

int slice_forget(sqlite3 *db, const char *clients)
{
	struct work work = { .db = db };
	int code = SQLITE_OK;

	if (sqlite3_table_column_metadata(db, "main", "slice", NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK)
		code = read_gone(&work, clients);
	if (code == SQLITE_OK && work.gone_count > 0)
		code = change_all(&work);
	sqlite3_finalize(work.next);
	sqlite3_finalize(work.put);
	free(work.gone);
	free(work.blob);
	free(work.values);
	free(work.events);
	return code;
}
