/* query.c: a workspace, values, and statements. */
#include "store/query_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct query *query, const char *where, struct diag *diag)
{
	return diag_set(diag, where, 0, 0, "%s", sqlite3_errmsg(query->db));
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static int open_workspace(struct query *query, struct diag *diag)
{
	char text[256];

	if (sqlite3_open_v2("", &query->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI |
			SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		return fail(query, query->directory, diag);
	sqlite3_extended_result_codes(query->db, 1);
	sqlite3_busy_timeout(query->db, 10000);
	/* A day file could hold anything: its views and triggers get no function that matters. */
	sqlite3_db_config(query->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(query->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	snprintf(text, sizeof(text), "PRAGMA cache_size = -%d; PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;"
		"PRAGMA temp_store = FILE; PRAGMA cell_size_check = ON;"
		"PRAGMA automatic_index = OFF", QUERY_CACHE_KIB);
	return sqlite3_exec(query->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(query, query->directory, diag);
}

struct query *query_open(const struct query_options *options, struct diag *diag)
{
	struct query *query = calloc(1, sizeof(*query));

	if (query == NULL) {
		diag_set(diag, options->directory, 0, 0, "no memory");
		return NULL;
	}
	query->from_ms = options->from_ms;
	query->to_ms = options->to_ms;
	query->tell = options->tell;
	query->progress = options->progress;
	query->arg = options->arg;
	if (strlen(options->directory) >= sizeof(query->directory) - SHELF_NAME_MAX) {
		diag_set(diag, options->directory, 0, 0, "its name is too long");
		query_close(&query);
		return NULL;
	}
	strcpy(query->directory, options->directory);
	if (open_workspace(query, diag) != 0)
		query_close(&query);
	return query;
}

void query_close(struct query **query)
{
	if (*query == NULL)
		return;
	sqlite3_close((*query)->db);
	for (unsigned i = 0; i < (*query)->parameter_count; i++)
		free((*query)->parameters[i].octets);
	free((*query)->listed);
	free(*query);
	*query = NULL;
}

sqlite3 *query_workspace(struct query *query)
{
	return query->db;
}

unsigned query_files(const struct query *query)
{
	return query->files;
}

unsigned query_passed_over(const struct query *query)
{
	return query->passed_over;
}

unsigned query_gone(const struct query *query)
{
	return query->gone;
}

/* --- parameters --------------------------------------------------------------------------------------------- */

static struct parameter *find_parameter(struct query *query, const char *name)
{
	for (unsigned i = 0; i < query->parameter_count; i++)
		if (strcmp(query->parameters[i].name, name) == 0)
			return &query->parameters[i];
	return NULL;
}

static bool bind(struct query *query, const char *name, enum query_kind kind, const void *octets, size_t count)
{
	struct parameter *parameter = find_parameter(query, name);
	char *copy;

	if (count > QUERY_VALUE_MAX || strlen(name) >= PARAMETER_MAX ||
			(parameter == NULL && query->parameter_count == QUERY_PARAMETERS))
		return false;
	copy = malloc(count + 1);
	if (copy == NULL)
		return false;
	if (count > 0)
		memcpy(copy, octets, count);
	if (parameter == NULL)
		parameter = &query->parameters[query->parameter_count++];
	free(parameter->octets);
	*parameter = (struct parameter){ .kind = kind, .octets = copy, .count = count };
	strcpy(parameter->name, name);
	return true;
}

bool query_bind_text(struct query *query, const char *parameter, const char *text)
{
	return bind(query, parameter, QUERY_TEXT, text, strlen(text));
}

bool query_bind_octets(struct query *query, const char *parameter, const void *octets, size_t count)
{
	return bind(query, parameter, QUERY_OCTETS, octets, count);
}

bool query_bind_number(struct query *query, const char *parameter, int64_t number)
{
	if (!bind(query, parameter, QUERY_NUMBER, NULL, 0))
		return false;
	find_parameter(query, parameter)->number = number;
	return true;
}

static bool own_value(const struct query *query, const char *name, int64_t *value)
{
	int64_t from = query->from_ms - query->day_ms, to = query->to_ms - query->day_ms;
	const struct { const char *name; int64_t value; } own[] = {
		{ ":day", query->day_ms }, { ":from", from }, { ":to", to }, { ":from_us", from * 1000 },
		{ ":to_us", to * 1000 + 999 }, { ":begin", query->from_ms }, { ":end", query->to_ms },
		{ ":class", (int64_t)query->class },
	};

	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(name, own[i].name) == 0) {
			*value = own[i].value;
			return true;
		}
	return false;
}

bool query_value(struct query *query, const char *name, struct query_value *value)
{
	const struct parameter *parameter = find_parameter(query, name);
	int64_t number;

	if (parameter != NULL)
		*value = (struct query_value){ parameter->kind, parameter->octets, parameter->count, parameter->number };
	else if (own_value(query, name, &number))
		*value = (struct query_value){ .kind = QUERY_NUMBER, .number = number };
	else
		return false;
	return true;
}

static void bind_all(struct query *query, sqlite3_stmt *statement)
{
	for (int i = 1; i <= sqlite3_bind_parameter_count(statement); i++) {
		const char *name = sqlite3_bind_parameter_name(statement, i);
		struct query_value value = { .kind = QUERY_NUMBER };

		if (name != NULL)
			query_value(query, name, &value);
		if (value.kind == QUERY_NUMBER)
			sqlite3_bind_int64(statement, i, value.number);
		else if (value.kind == QUERY_TEXT)
			sqlite3_bind_text(statement, i, value.octets, (int)value.count, SQLITE_STATIC);
		else
			sqlite3_bind_blob(statement, i, value.octets, (int)value.count, SQLITE_STATIC);
	}
}

/* --- statements --------------------------------------------------------------------------------------------- */

int query_step(struct query *query, const char *statements)
{
	int code = SQLITE_OK;

	while (code == SQLITE_OK && *statements != '\0') {
		sqlite3_stmt *statement = NULL;

		code = sqlite3_prepare_v2(query->db, statements, -1, &statement, &statements);
		if (code != SQLITE_OK || statement == NULL)
			continue;
		bind_all(query, statement);
		while ((code = sqlite3_step(statement)) == SQLITE_ROW)
			;
		sqlite3_finalize(statement);
		code = code == SQLITE_DONE ? SQLITE_OK : code;
	}
	return code;
}

int query_run(struct query *query, const char *statements, struct diag *diag)
{
	return query_step(query, statements) == SQLITE_OK ? 0 : fail(query, query->directory, diag);
}

sqlite3_stmt *query_ask(struct query *query, const char *statement, struct diag *diag)
{
	return query_ask_next(query, &statement, diag);
}

sqlite3_stmt *query_ask_next(struct query *query, const char **statements, struct diag *diag)
{
	sqlite3_stmt *asked = NULL;

	if (sqlite3_prepare_v2(query->db, *statements, -1, &asked, statements) != SQLITE_OK) {
		fail(query, query->directory, diag);
		return NULL;
	}
	bind_all(query, asked);
	return asked;
}
