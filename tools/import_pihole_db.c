/*
 * import_pihole_db.c: the tables of gravity.db, from SQLite or as JSON of Teleporter v5.
 *
 * A database from outside can hold views, triggers and expressions that run code or without end, so they are off, and
 * what reading costs is bounded.
 */
#include "tools/import_pihole.h"

#include <errno.h>
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 1000000000
#define STEPS_AT_ONCE 1000000
#define HEAP_MAX ((sqlite3_int64)768 << 20)
#define ROWS_MAX ((size_t)1 << 22)

const struct pihole_table pihole_tables[PIHOLE_TABLES] = {
	{ "group", { "group.json", NULL }, { "id", "name", "enabled", NULL }, PIHOLE_GROUP, false, false },
	{ "client", { "client.json", NULL }, { "id", "ip", NULL, NULL }, PIHOLE_CLIENT, false, false },
	{ "adlist", { "adlist.json", NULL }, { "id", "address", "enabled", "type" }, PIHOLE_LIST, false, true },
	{ "domainlist", { "whitelist.exact.json", "blacklist.exact.json", "whitelist.regex.json", "blacklist.regex.json" },
		{ "id", "domain", "enabled", "type" }, PIHOLE_DOMAIN, false, true },
	{ "client_by_group", { "client_by_group.json", NULL }, { "client_id", "group_id", NULL, NULL }, PIHOLE_CLIENT, true,
		false },
	{ "adlist_by_group", { "adlist_by_group.json", NULL }, { "adlist_id", "group_id", NULL, NULL }, PIHOLE_LIST, true,
		true },
	{ "domainlist_by_group", { "domainlist_by_group.json", NULL }, { "domainlist_id", "group_id", NULL, NULL },
		PIHOLE_DOMAIN, true, true },
};

/* --- rows ------------------------------------------------------------------------------------------------------- */

struct pihole_row *pihole_add(struct pihole *pihole, enum pihole_kind kind, const char *text, const char *more)
{
	struct pihole_row *row;

	if (pihole->row_count == pihole->row_room) {
		const size_t room = pihole->row_room > 0 ? pihole->row_room * 2 : 64;
		struct pihole_row *grown = room <= ROWS_MAX ? reallocarray(pihole->rows, room, sizeof(*grown)) : NULL;

		if (grown == NULL) {
			diag_set(pihole->diag, pihole->path, 0, 0, "out of memory, or over %zu rows", ROWS_MAX);
			return NULL;
		}
		pihole->rows = grown;
		pihole->row_room = room;
	}
	row = &pihole->rows[pihole->row_count];
	*row = (struct pihole_row){ .kind = kind, .enabled = true, .text = strndup(text, PIHOLE_TEXT_MAX),
		.more = more != NULL ? strndup(more, PIHOLE_TEXT_MAX) : NULL, .file = "gravity.db" };
	pihole->row_count++;
	if (row->text != NULL && (more == NULL || row->more != NULL))
		return row;
	diag_set(pihole->diag, pihole->path, 0, 0, "out of memory");
	return NULL;
}

static int add_link(struct pihole *pihole, enum pihole_kind kind, int64_t id, int64_t group)
{
	if (pihole->link_count == pihole->link_room) {
		const size_t room = pihole->link_room > 0 ? pihole->link_room * 2 : 64;
		struct pihole_link *grown = room <= ROWS_MAX ? reallocarray(pihole->links, room, sizeof(*grown)) : NULL;

		if (grown == NULL)
			return diag_set(pihole->diag, pihole->path, 0, 0, "out of memory, or over %zu links", ROWS_MAX);
		pihole->links = grown;
		pihole->link_room = room;
	}
	pihole->links[pihole->link_count++] = (struct pihole_link){ kind, id, group };
	return 0;
}

static bool read_number(const char *text, int64_t *to)
{
	char *end;

	if (text == NULL)
		return false;
	errno = 0;
	*to = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0';
}

int pihole_take(struct pihole *pihole, const struct pihole_table *table, const char *const values[PIHOLE_COLUMNS])
{
	int64_t id, enabled = 1, type = 0;
	struct pihole_row *row;

	if (!read_number(values[0], &id) || values[1] == NULL) {
		import_lost(pihole->import, "gravity.db", 0, "a row of %s without its id or value", table->name);
		return 0;
	}
	if (table->links)
		return read_number(values[1], &type) ? add_link(pihole, table->kind, id, type) : 0;
	if ((values[2] != NULL && !read_number(values[2], &enabled)) ||
	    (values[3] != NULL && !read_number(values[3], &type)) || strlen(values[1]) >= PIHOLE_TEXT_MAX) {
		import_lost(pihole->import, "gravity.db", 0, "%s %lld: %.100s", table->name, (long long)id, values[1]);
		return 0;
	}
	if (table->kind == PIHOLE_GROUP && id == 0) {
		pihole->rows[0].enabled = enabled != 0;   /* the default group is there before it is read */
		return 0;
	}
	row = pihole_add(pihole, table->kind, values[1], NULL);
	if (row == NULL)
		return -1;
	row->id = id;
	row->enabled = enabled != 0;
	row->type = type;
	return 0;
}

/* --- SQLite ----------------------------------------------------------------------------------------------------- */

static int stop_in_time(void *steps)
{
	return (*(int *)steps += STEPS_AT_ONCE) > STEPS_MAX;
}

static void restrict_database(sqlite3 *database, int *steps)
{
	sqlite3_hard_heap_limit64(HEAP_MAX);
	sqlite3_limit(database, SQLITE_LIMIT_LENGTH, 1 << 20);
	sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_progress_handler(database, STEPS_AT_ONCE, stop_in_time, steps);
	sqlite3_exec(database, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
}

static bool has_column(sqlite3 *database, const char *table, const char *column)
{
	return sqlite3_table_column_metadata(database, NULL, table, column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* A column that this version has not is NULL. */
static sqlite3_stmt *select_from(sqlite3 *database, const struct pihole_table *table)
{
	char sql[512] = "SELECT ";
	sqlite3_stmt *statement = NULL;

	for (unsigned i = 0; i < PIHOLE_COLUMNS; i++) {
		const bool there = table->columns[i] != NULL && has_column(database, table->name, table->columns[i]);
		const size_t used = strlen(sql);

		snprintf(sql + used, sizeof(sql) - used, there ? "%s\"%s\"" : "%sNULL", i > 0 ? ", " : "", table->columns[i]);
	}
	snprintf(sql + strlen(sql), sizeof(sql) - strlen(sql), " FROM \"%s\"", table->name);
	return sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

static int read_table(struct pihole *pihole, sqlite3 *database, const char *name, const struct pihole_table *table)
{
	sqlite3_stmt *statement;
	int code = SQLITE_DONE;
	int result = 0;

	if (!has_column(database, table->name, NULL))
		return !table->needed ? 0 :
			diag_set(pihole->diag, name, 0, 0, "is no gravity database of Pi-hole v5 or v6: there is no table %s",
				table->name);
	statement = select_from(database, table);
	while (statement != NULL && result == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *values[PIHOLE_COLUMNS];

		for (int i = 0; i < PIHOLE_COLUMNS; i++)
			values[i] = (const char *)sqlite3_column_text(statement, i);
		result = pihole_take(pihole, table, values);
	}
	if (result == 0 && (statement == NULL || code != SQLITE_DONE))
		result = diag_set(pihole->diag, name, 0, 0, "table %s cannot be read: %s", table->name,
			sqlite3_errmsg(database));
	sqlite3_finalize(statement);
	return result;
}

static int read_tables(struct pihole *pihole, sqlite3 *database, const char *name)
{
	int steps = 0;

	restrict_database(database, &steps);
	if (sqlite3_exec(database, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) != SQLITE_OK)
		return diag_set(pihole->diag, name, 0, 0, "cannot be read: %s", sqlite3_errmsg(database));
	for (unsigned i = 0; i < PIHOLE_TABLES; i++)
		if (read_table(pihole, database, name, &pihole_tables[i]) != 0)
			return -1;
	pihole->has_database = true;
	pihole->files++;
	return 0;
}

int pihole_read_database(struct pihole *pihole, const char *path)
{
	sqlite3 *database = NULL;
	int code = -1;

	if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
		code = read_tables(pihole, database, path);
	else
		diag_set(pihole->diag, path, 0, 0, "cannot be opened: %s",
			database != NULL ? sqlite3_errmsg(database) : "out of memory");
	sqlite3_close(database);
	return code;
}

int pihole_read_database_octets(struct pihole *pihole, const char *name, const void *octets, size_t length)
{
	unsigned char *copy = sqlite3_malloc64(length + 1);
	sqlite3 *database = NULL;
	int code = -1;

	if (copy != NULL && sqlite3_open_v2(":memory:", &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		memcpy(copy, octets, length);
		/* A database in memory has no log beside it: what its header says of one is taken back (SQLite's file format,
		 * octets 18 and 19). */
		if (length > 19 && copy[18] == 2 && copy[19] == 2)
			copy[18] = copy[19] = 1;
		/* Takes the copy, whatever comes. */
		if (sqlite3_deserialize(database, "main", copy, (sqlite3_int64)length, (sqlite3_int64)length,
		    SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) == SQLITE_OK)
			code = read_tables(pihole, database, name);
		else
			diag_set(pihole->diag, name, 0, 0, "is no database: %s", sqlite3_errmsg(database));
	} else {
		sqlite3_free(copy);
		diag_set(pihole->diag, name, 0, 0, "out of memory");
	}
	sqlite3_close(database);
	return code;
}

/* --- JSON ------------------------------------------------------------------------------------------------------- */

/* Numbers stand as such or as text. */
static const char *text_of(const json_t *value, char number[static 32])
{
	if (json_is_string(value))
		return json_string_value(value);
	if (!json_is_integer(value))
		return NULL;
	snprintf(number, 32, "%lld", (long long)json_integer_value(value));
	return number;
}

int pihole_read_json(struct pihole *pihole, const struct pihole_table *table, const char *name, const char *text,
	size_t length)
{
	json_error_t error;
	json_t *rows = json_loadb(text, length, 0, &error), *row;
	size_t index;
	int code = 0;

	if (!json_is_array(rows)) {
		json_decref(rows);
		return diag_set(pihole->diag, name, rows == NULL ? (unsigned)error.line : 0, 0, "%s",
			rows == NULL ? error.text : "is no array");
	}
	json_array_foreach(rows, index, row) {
		char numbers[PIHOLE_COLUMNS][32];
		const char *values[PIHOLE_COLUMNS];

		for (unsigned i = 0; i < PIHOLE_COLUMNS; i++)
			values[i] = table->columns[i] != NULL ? text_of(json_object_get(row, table->columns[i]), numbers[i]) : NULL;
		code = pihole_take(pihole, table, values);
		if (code != 0)
			break;
	}
	json_decref(rows);
	pihole->has_database = true;
	pihole->files++;
	return code;
}
