/* hunt_slices.c: functions of SQL that count what a window has of the attached day file, by its slices. */
#include "tools/hunt.h"

#include <stddef.h>

#include "store/recount.h"

/* Every event of the file has its place in one; not in what an earlier release began. */
static void has_slices(sqlite3_context *context, int count, sqlite3_value **values)
{
	sqlite3 *db = sqlite3_context_db_handle(context);
	sqlite3_stmt *row = NULL;
	int has = 0;

	(void)count;
	(void)values;
	if (sqlite3_prepare_v2(db, "SELECT ifnull((SELECT min(id) FROM day.event) >= (SELECT min(first) FROM day.slice), 0)",
			-1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
		has = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	sqlite3_result_int(context, has);
}

static struct slice_window window_of(sqlite3_value **values)
{
	return (struct slice_window){ sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
		sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3]) };
}

/* --- counting again ------------------------------------------------------------------------------------------- */

/* What is counted again, and where it goes. */
struct again {
	enum recount_by by;
	const char *wanted, *put;
};

static int read_wanted(sqlite3 *db, const struct again *again, const struct slice_window *window,
	struct recount *recount)
{
	sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, again->wanted, -1, &row, NULL), done;

	if (code != SQLITE_OK)
		return code;
	sqlite3_bind_int64(row, 1, window->from_ms);
	sqlite3_bind_int64(row, 2, window->to_ms);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		if (!recount_want(recount, (uint32_t)sqlite3_column_int64(row, 0), (uint32_t)sqlite3_column_int64(row, 1),
				(uint32_t)sqlite3_column_int64(row, 2)))
			break;
	done = sqlite3_finalize(row);
	return code == SQLITE_ROW ? SQLITE_NOMEM : done;
}

static int put_counts(sqlite3 *db, const struct again *again, const struct recount *recount)
{
	sqlite3_stmt *put = NULL;
	int code = sqlite3_prepare_v2(db, again->put, -1, &put, NULL);
	const struct recount_row *rows;
	size_t count;

	rows = recount_rows(recount, &count);
	for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
		const int64_t values[] = { rows[i].name, rows[i].first_ms, rows[i].last_ms, rows[i].count, rows[i].client,
			rows[i].verdict };

		for (int j = 0; j < sqlite3_bind_parameter_count(put); j++)
			sqlite3_bind_int64(put, j + 1, values[j]);
		if (rows[i].count > 0)
			code = sqlite3_step(put) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
		sqlite3_reset(put);
	}
	sqlite3_finalize(put);
	return code;
}

static void count_again(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct again *again = sqlite3_user_data(context);
	const struct slice_window window = window_of(values);
	sqlite3 *db = sqlite3_context_db_handle(context);
	struct recount *recount = recount_create();
	int code = recount == NULL ? SQLITE_NOMEM : read_wanted(db, again, &window, recount);

	(void)count;
	if (code == SQLITE_OK)
		code = recount_scan(recount, db, &window, again->by);
	if (code == SQLITE_OK)
		code = put_counts(db, again, recount);
	recount_destroy(&recount);
	if (code != SQLITE_OK)
		sqlite3_result_error_code(context, code);
}

int hunt_functions_of_slices(sqlite3 *db)
{
	static const struct again pairs = { RECOUNT_PAIRS,
		"SELECT name, client, verdict FROM found WHERE first < ?1 OR last > ?2",
		"INSERT INTO found (name, first, last, count, client, verdict, newest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)" };
	static const struct again replies = { RECOUNT_REPLIES, "SELECT reply, 0, 0 FROM partly",
		"INSERT INTO used (reply, first, last, count) VALUES (?1, ?2, ?3, ?4)" };
	static const struct { const char *name; int count; const struct again *again; } rows[] = {
		{ "recount_pairs", 4, &pairs }, { "recount_replies", 4, &replies }
	};
	int code = sqlite3_create_function(db, "has_slices", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, has_slices, NULL,
		NULL);

	for (unsigned i = 0; code == SQLITE_OK && i < sizeof(rows) / sizeof(rows[0]); i++)
		code = sqlite3_create_function_v2(db, rows[i].name, rows[i].count, SQLITE_UTF8 | SQLITE_DIRECTONLY,
			(void *)(uintptr_t)rows[i].again, count_again, NULL, NULL, NULL);
	return code;
}
