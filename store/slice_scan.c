/* slice_scan.c: rows of `slice`, and of each blob no more than is asked for. */
#include "store/slice_scan.h"

#include <stdio.h>
#include <stdlib.h>

struct scan {
	sqlite3 *db;
	const char *schema;
	enum slice_column last;
	sqlite3_blob *blob;              /* owned */
	uint8_t *room;                   /* owned */
	uint32_t *values;                /* owned; SLICE_EVENTS_MAX of each column */
};

static int open_blob(struct scan *scan, int64_t first)
{
	if (scan->blob != NULL)
		return sqlite3_blob_reopen(scan->blob, first);
	return sqlite3_blob_open(scan->db, scan->schema, "slice", "octets", first, 0, &scan->blob);
}

static uint32_t *values_of(const struct scan *scan, unsigned column)
{
	return scan->values + (size_t)column * SLICE_EVENTS_MAX;
}

static int read_slice(struct scan *scan, int64_t first, unsigned count)
{
	struct slice_column_at columns[SLICE_COLUMNS];
	int code = open_blob(scan, first), octets;
	size_t needed;

	if (code != SQLITE_OK)
		return code;
	octets = sqlite3_blob_bytes(scan->blob);
	if (octets < (int)SLICE_HEADER_OCTETS)
		return SQLITE_CORRUPT;
	code = sqlite3_blob_read(scan->blob, scan->room, SLICE_HEADER_OCTETS, 0);
	if (code != SQLITE_OK)
		return code;
	if (!slice_layout(scan->room, (size_t)octets, count, columns))
		return SQLITE_CORRUPT;
	needed = columns[scan->last].offset + (size_t)count * columns[scan->last].width;
	code = sqlite3_blob_read(scan->blob, scan->room, (int)needed, 0);
	for (unsigned i = 0; code == SQLITE_OK && i <= scan->last; i++)
		slice_decode(scan->room, &columns[i], count, values_of(scan, i));
	return code;
}

/* Leaves those whose times are from..to. Returns how many. */
static unsigned cut(const struct scan *scan, unsigned count, int64_t from, int64_t to)
{
	const uint32_t *times = values_of(scan, SLICE_TIME);
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (times[i] < from || times[i] > to)
			continue;
		for (unsigned column = 0; column <= scan->last; column++)
			values_of(scan, column)[kept] = values_of(scan, column)[i];
		kept++;
	}
	return kept;
}

static int visit_row(struct scan *scan, sqlite3_stmt *row, const struct slice_window *window,
	int (*visit)(void *, const struct slice *), void *arg)
{
	int64_t count = sqlite3_column_int64(row, 1), begin_ms = sqlite3_column_int64(row, 2);
	int64_t end_ms = sqlite3_column_int64(row, 3);
	struct slice slice = { .begin_ms = begin_ms };
	int code;

	if (count == 0 || begin_ms > window->to_ms || end_ms < window->from_ms)
		return SQLITE_OK;
	if (count < 0 || count > SLICE_EVENTS_MAX || end_ms < begin_ms ||
			(uint64_t)end_ms - (uint64_t)begin_ms > UINT32_MAX)
		return SQLITE_CORRUPT;
	code = read_slice(scan, sqlite3_column_int64(row, 0), (unsigned)count);
	if (code != SQLITE_OK)
		return code;
	slice.count = (unsigned)count;
	if (begin_ms < window->from_ms || end_ms > window->to_ms)
		slice.count = cut(scan, slice.count, window->from_ms - begin_ms, window->to_ms - begin_ms);
	for (unsigned i = 0; i <= scan->last; i++)
		slice.values[i] = values_of(scan, i);
	return visit(arg, &slice);
}

int slice_scan(sqlite3 *db, const char *schema, const struct slice_window *window, enum slice_column last,
	int (*visit)(void *arg, const struct slice *slice), void *arg)
{
	struct scan scan = { .db = db, .schema = schema, .last = last, .room = malloc(SLICE_OCTETS_MAX),
		.values = calloc((size_t)SLICE_COLUMNS * SLICE_EVENTS_MAX, sizeof(*scan.values)) };
	sqlite3_stmt *row = NULL;
	char text[256];
	int code, done;

	snprintf(text, sizeof(text), "SELECT first, count, earliest, latest FROM %s.slice WHERE first >= ifnull((SELECT"
		" max(first) FROM %s.slice WHERE first <= ?1), 0) AND first <= ?2 ORDER BY first", schema, schema);
	code = scan.room == NULL || scan.values == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(db, text, -1, &row, NULL);
	if (code == SQLITE_OK) {
		sqlite3_bind_int64(row, 1, window->low);
		sqlite3_bind_int64(row, 2, window->high);
	}
	while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW)
		code = visit_row(&scan, row, window, visit, arg);
	done = sqlite3_finalize(row);
	sqlite3_blob_close(scan.blob);
	free(scan.room);
	free(scan.values);
	return code != SQLITE_DONE ? code : done;
}
