/* hunt_window.c: what a window has of day files that it cuts, added up from slices, for statements of SQL. */
#include "tools/hunt.h"

#include <stdlib.h>

#include "store/window_sums.h"

#define KEPT 4                       /* a window cuts two days, of two classes each */

struct kept {
	int64_t day, class;
	struct window_sums *sums;        /* owned; NULL: free */
};

/* Of a connection: sums that are asked for again. */
struct windows {
	struct kept kept[KEPT];
	unsigned oldest;
	const struct window_sums *now;   /* of the file that is attached; NULL: none */
};

static void forget_windows(void *arg)
{
	struct windows *windows = arg;

	for (unsigned i = 0; i < KEPT; i++)
		window_sums_destroy(&windows->kept[i].sums);
	free(windows);
}

static void make_sums(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct windows *windows = sqlite3_user_data(context);
	const struct slice_window window = { sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
		sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3]) };
	int64_t day = sqlite3_value_int64(values[4]), class = sqlite3_value_int64(values[5]);
	int64_t client = sqlite3_value_int64(values[6]);
	struct kept *place = &windows->kept[windows->oldest % KEPT];
	int code;

	(void)count;
	for (unsigned i = 0; i < KEPT; i++)
		if (windows->kept[i].sums != NULL && windows->kept[i].day == day && windows->kept[i].class == class) {
			windows->now = windows->kept[i].sums;
			return;
		}
	window_sums_destroy(&place->sums);
	windows->now = NULL;
	code = window_sums_make(sqlite3_context_db_handle(context), &window, client < 0 ? WINDOW_ALL : (uint32_t)client,
		&place->sums);
	if (code != SQLITE_OK) {
		sqlite3_result_error_code(context, code);
		return;
	}
	place->day = day;
	place->class = class;
	windows->now = place->sums;
	windows->oldest++;
}

static enum slice_column column_of(sqlite3_value *kind)
{
	static const enum slice_column columns[] = { SLICE_NAME, SLICE_DOMAIN, SLICE_CLIENT };
	int number = sqlite3_value_int(kind);

	return number >= 0 && number < 3 ? columns[number] : SLICE_VERDICT;
}

/* NULL: nothing of it is in the window. */
static void get_sum(sqlite3_context *context, int count, sqlite3_value **values, const struct window_sum **sum)
{
	const struct windows *windows = sqlite3_user_data(context);
	int64_t id = sqlite3_value_int64(values[1]);
	const struct window_sum *rows;
	uint32_t room = 0;

	(void)count;
	*sum = NULL;
	rows = windows->now == NULL ? NULL : window_sums_of(windows->now, column_of(values[0]), &room);
	if (id >= 0 && id < room && rows[id].count > 0)
		*sum = &rows[id];
}

static void get_first(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct window_sum *sum;

	get_sum(context, count, values, &sum);
	if (sum != NULL)
		sqlite3_result_int64(context, sum->first_ms);
}

static void get_last(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct window_sum *sum;

	get_sum(context, count, values, &sum);
	if (sum != NULL)
		sqlite3_result_int64(context, sum->last_ms);
}

static void get_count(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct window_sum *sum;

	get_sum(context, count, values, &sum);
	if (sum != NULL)
		sqlite3_result_int64(context, sum->count);
}

static void count_ids(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct windows *windows = sqlite3_user_data(context);
	const struct window_sum *rows;
	uint32_t room = 0, ids = 0;

	(void)count;
	rows = windows->now == NULL ? NULL : window_sums_of(windows->now, column_of(values[0]), &room);
	for (uint32_t id = 0; id < room; id++)
		ids += rows[id].count > 0;
	sqlite3_result_int64(context, ids);
}

/* Runs `put` with (kind, id, and what follows) for each. */
static int put_ids(sqlite3 *db, const char *put, int64_t kind, const uint32_t *ids, size_t count)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, put, -1, &statement, NULL);

	for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
		sqlite3_bind_int64(statement, 1, kind);
		sqlite3_bind_int64(statement, 2, ids[i]);
		code = sqlite3_step(statement) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return code;
}

/* -1: all of them. */
static void put_most(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct windows *windows = sqlite3_user_data(context);
	int64_t most = sqlite3_value_int64(values[1]);
	enum slice_column column = column_of(values[0]);
	uint32_t room = 0, next, *ids;
	size_t found;
	int code;

	(void)count;
	if (windows->now == NULL)
		return;
	window_sums_of(windows->now, column, &room);
	if (most < 0 || most > room)
		most = room;
	ids = malloc(((size_t)most + 1) * sizeof(*ids));
	if (ids == NULL) {
		sqlite3_result_error_nomem(context);
		return;
	}
	found = window_sums_most(windows->now, column, (size_t)most, ids, &next);
	code = put_ids(sqlite3_context_db_handle(context), "INSERT INTO most VALUES (?1, ?2)", sqlite3_value_int64(values[0]),
		ids, found);
	free(ids);
	if (code != SQLITE_OK)
		sqlite3_result_error_code(context, code);
	else
		sqlite3_result_int64(context, next);
}

int hunt_functions_of_windows(sqlite3 *db)
{
	static const struct {
		const char *name;
		int count;
		void (*function)(sqlite3_context *context, int count, sqlite3_value **values);
	} rows[] = {
		{ "window_first", 2, get_first }, { "window_last", 2, get_last }, { "window_count", 2, get_count },
		{ "window_most", 2, put_most }, { "window_ids", 1, count_ids }
	};
	struct windows *windows = calloc(1, sizeof(*windows));
	int code = windows == NULL ? SQLITE_NOMEM : SQLITE_OK;

	for (unsigned i = 0; code == SQLITE_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
		code = sqlite3_create_function(db, rows[i].name, rows[i].count, SQLITE_UTF8 | SQLITE_DIRECTONLY, windows,
			rows[i].function, NULL, NULL);
	if (code == SQLITE_OK)
		code = hunt_functions_of_rarest(db, &windows->now);
	if (code != SQLITE_OK) {
		free(windows);
		return code;
	}
	/* It frees what all have, when it fails too. */
	return sqlite3_create_function_v2(db, "window_sums", 7, SQLITE_UTF8 | SQLITE_DIRECTONLY, windows, make_sums, NULL, NULL,
		forget_windows);
}
