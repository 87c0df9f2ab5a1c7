/* hunt_window_rarest.c: of what one client asks for in a window, the names that few others ask for. */
#include "tools/hunt.h"

#include <stdlib.h>

#include "store/askers.h"
#include "store/window_sums.h"

static struct slice_window window_of(sqlite3_value **values)
{
	return (struct slice_window){ sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
		sqlite3_value_int64(values[2]), sqlite3_value_int64(values[3]) };
}

/* --- who asks for some names ------------------------------------------------------------------------------------ */

static int put_askers(sqlite3 *db, const struct askers *askers)
{
	sqlite3_stmt *name = NULL, *put = NULL;
	int code = sqlite3_prepare_v2(db, "SELECT name FROM wanted", -1, &name, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, "INSERT INTO asked_by VALUES (?1, ?2)", -1, &put, NULL);
	while (code == SQLITE_OK && (code = sqlite3_step(name)) == SQLITE_ROW) {
		const uint32_t *clients;
		unsigned count = askers_of(askers, (uint32_t)sqlite3_column_int64(name, 0), &clients);

		code = SQLITE_OK;
		for (unsigned i = 0; code == SQLITE_OK && i < count; i++) {
			sqlite3_bind_int64(put, 1, sqlite3_column_int64(name, 0));
			sqlite3_bind_int64(put, 2, clients[i]);
			code = sqlite3_step(put) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
			sqlite3_reset(put);
		}
	}
	sqlite3_finalize(name);
	sqlite3_finalize(put);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void find_askers(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct slice_window window = window_of(values);
	sqlite3 *db = sqlite3_context_db_handle(context);
	struct askers *askers = askers_create();
	sqlite3_stmt *name = NULL;
	int code = askers == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(db, "SELECT name FROM wanted", -1, &name, NULL);

	(void)count;
	while (code == SQLITE_OK && (code = sqlite3_step(name)) == SQLITE_ROW)
		code = askers_want(askers, (uint32_t)sqlite3_column_int64(name, 0)) ? SQLITE_OK : SQLITE_NOMEM;
	sqlite3_finalize(name);
	if (code == SQLITE_DONE)
		code = askers_scan(askers, db, &window);
	if (code == SQLITE_OK)
		code = put_askers(db, askers);
	askers_destroy(&askers);
	if (code != SQLITE_OK)
		sqlite3_result_error_code(context, code);
}

/* --- the rarest names of one client ----------------------------------------------------------------------------- */

struct rare {
	int64_t first_ms;
	uint32_t id;
	uint8_t askers;
	bool known;                      /* somebody asked for it before the window */
};

static int compare(const void *one, const void *other)
{
	const struct rare *a = one, *b = other;

	if (a->known != b->known)
		return a->known ? 1 : -1;
	if (a->askers != b->askers)
		return a->askers < b->askers ? -1 : 1;
	return a->first_ms < b->first_ms ? -1 : a->first_ms > b->first_ms;
}

/* Owned; NULL: no memory. */
static struct rare *names_of(const struct window_sums *sums, struct askers *askers, size_t *count)
{
	uint32_t room;
	const struct window_sum *rows = window_sums_of(sums, SLICE_NAME, &room);
	struct rare *names = malloc(((size_t)room + 1) * sizeof(*names));

	*count = 0;
	for (uint32_t id = 1; names != NULL && id < room; id++) {
		if (rows[id].count == 0)
			continue;
		names[(*count)++] = (struct rare){ .id = id, .first_ms = rows[id].first_ms };
		if (!askers_want(askers, id)) {
			free(names);
			return NULL;
		}
	}
	return names;
}

static int set_known(sqlite3 *db, struct rare *names, size_t count, int64_t from_ms)
{
	sqlite3_stmt *first = NULL;
	int code = sqlite3_prepare_v2(db, "SELECT first FROM day.name_sum WHERE name = ?", -1, &first, NULL);

	for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
		sqlite3_bind_int64(first, 1, names[i].id);
		if (sqlite3_step(first) == SQLITE_ROW)
			names[i].known = sqlite3_column_int64(first, 0) < from_ms;
		code = sqlite3_reset(first);
	}
	sqlite3_finalize(first);
	return code;
}

static int put(sqlite3 *db, const char *text, const int64_t values[3], int count)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, text, -1, &statement, NULL);

	for (int i = 0; code == SQLITE_OK && i < count; i++)
		sqlite3_bind_int64(statement, i + 1, values[i]);
	if (code == SQLITE_OK)
		sqlite3_step(statement);
	return code == SQLITE_OK ? sqlite3_finalize(statement) : code;
}

static int put_rarest(sqlite3 *db, struct rare *names, size_t count, size_t most)
{
	int code = SQLITE_OK;

	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; code == SQLITE_OK && i < count && i < most; i++)
		code = put(db, "INSERT INTO most VALUES (0, ?)", (const int64_t[]){ names[i].id, 0, 0 }, 1);
	if (code == SQLITE_OK && count > most)
		code = put(db, "INSERT INTO next VALUES (?, ?, ?)",
			(const int64_t[]){ names[most].known, names[most].askers, names[most].first_ms }, 3);
	return code;
}

static void find_rarest(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct window_sums *const *now = sqlite3_user_data(context);
	const struct slice_window window = window_of(values);
	sqlite3 *db = sqlite3_context_db_handle(context);
	struct askers *askers = *now == NULL ? NULL : askers_create();
	size_t found = 0;
	struct rare *names = askers == NULL ? NULL : names_of(*now, askers, &found);
	int code = names == NULL ? SQLITE_NOMEM : askers_scan(askers, db, &window);

	(void)count;
	for (size_t i = 0; code == SQLITE_OK && i < found; i++) {
		const uint32_t *clients;

		names[i].askers = (uint8_t)askers_of(askers, names[i].id, &clients);
	}
	if (code == SQLITE_OK && sqlite3_value_int(values[5]))
		code = set_known(db, names, found, window.from_ms);
	if (code == SQLITE_OK)
		code = put_rarest(db, names, found, (size_t)sqlite3_value_int64(values[4]));
	free(names);
	askers_destroy(&askers);
	if (code != SQLITE_OK)
		sqlite3_result_error_code(context, code);
}

int hunt_functions_of_rarest(sqlite3 *db, const struct window_sums **now)
{
	int code = sqlite3_create_function(db, "window_rarest", 6, SQLITE_UTF8 | SQLITE_DIRECTONLY, now, find_rarest, NULL,
		NULL);

	return code != SQLITE_OK ? code :
		sqlite3_create_function(db, "window_askers", 4, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, find_askers, NULL, NULL);
}
