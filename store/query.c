/* query.c: day files attached in turn to a workspace. */
#include "store/query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/shelf.h"
#include "store/store.h"

#define DAY_MS (INT64_C(86400) * 1000)
#define PARAMETER_MAX 32
#define URI_MAX (3 * SHELF_PATH_MAX + 32)

struct parameter {
	char name[PARAMETER_MAX];
	enum query_kind kind;
	char *octets;                                /* owned */
	size_t count;
	int64_t number;
};

struct query {
	sqlite3 *db;
	char directory[SHELF_PATH_MAX];
	int64_t from_ms, to_ms, day_ms;              /* day_ms and class: of the file that is attached */
	enum store_class class;
	struct parameter parameters[QUERY_PARAMETERS];
	unsigned parameter_count;
	unsigned files, passed_over;
	char failed[SHELF_PATH_MAX];                 /* the last file that was told */
	void (*tell)(void *arg, const char *text);
	void (*progress)(void *arg, unsigned done, unsigned of);
	void *arg;
};

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

/* SQLite's code. */
static int run(struct query *query, const char *statements)
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
	return run(query, statements) == SQLITE_OK ? 0 : fail(query, query->directory, diag);
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

/* --- files -------------------------------------------------------------------------------------------------- */

static void write_uri(const char *path, const char *how, char *to)
{
	static const char digits[] = "0123456789abcdef";
	char *at = to + sprintf(to, "file:");

	for (; *path != '\0'; path++) {
		unsigned char octet = (unsigned char)*path;

		if (octet == '%' || octet == '?' || octet == '#' || octet < 0x21 || octet > 0x7e) {
			*at++ = '%';
			*at++ = digits[octet >> 4];
			*at++ = digits[octet & 15];
		} else {
			*at++ = (char)octet;
		}
	}
	strcpy(at, how);
}

static int attach_as(struct query *query, const char *path, const char *how)
{
	sqlite3_stmt *statement = NULL;
	char uri[URI_MAX];
	int code;

	write_uri(path, how, uri);
	code = sqlite3_prepare_v2(query->db, "ATTACH DATABASE ?1 AS day", -1, &statement, NULL);
	if (code != SQLITE_OK)
		return code;
	sqlite3_bind_text(statement, 1, uri, -1, SQLITE_STATIC);
	code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* -1: SQLite cannot read it. */
static int64_t number_of(struct query *query, const char *text)
{
	sqlite3_stmt *statement = NULL;
	int64_t number = -1;

	if (sqlite3_prepare_v2(query->db, text, -1, &statement, NULL) == SQLITE_OK &&
			sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	return sqlite3_finalize(statement) == SQLITE_OK ? number : -1;
}

/* NULL: it is a day file of this release. */
static const char *check(struct query *query)
{
	int64_t application = number_of(query, "PRAGMA day.application_id");
	int64_t version = application < 0 ? -1 : number_of(query, "PRAGMA day.user_version");

	if (version < 0)
		return sqlite3_errmsg(query->db);
	if (application != STORE_APPLICATION)
		return "is no day file";
	if (version > STORE_VERSION)
		return "was made by a later release";
	return version < STORE_VERSION ? "was made by an earlier release" : NULL;
}

static void detach(struct query *query)
{
	sqlite3_exec(query->db, "DETACH DATABASE day", NULL, NULL, NULL);
}

/* Who may only read cannot make the files that WAL needs. Without a WAL of its own the file is whole as it lies; one
 * that appears meanwhile is of a collector that begins, whose events are not there yet. */
static const char *attach(struct query *query, const char *path)
{
	char wal[SHELF_PATH_MAX + 8];
	const char *wrong;

	snprintf(wal, sizeof(wal), "%s-wal", path);
	if (attach_as(query, path, "?mode=ro") != SQLITE_OK)
		return sqlite3_errmsg(query->db);
	wrong = check(query);
	if (wrong == NULL || (sqlite3_errcode(query->db) & 0xff) != SQLITE_CANTOPEN || access(wal, F_OK) == 0)
		return wrong;
	detach(query);
	if (attach_as(query, path, "?mode=ro&immutable=1") != SQLITE_OK)
		return sqlite3_errmsg(query->db);
	return check(query);
}

/* Said once of each file, however often it is asked. */
static void pass_over(struct query *query, const char *path, const char *why)
{
	char text[sizeof(struct diag) + 32];
	struct diag diag;

	if (strcmp(query->failed, path) == 0)
		return;
	snprintf(query->failed, sizeof(query->failed), "%s", path);
	query->passed_over++;
	diag_set(&diag, path, 0, 0, "is passed over: %s", why);
	if (query->tell != NULL)
		query->tell(query->arg, diag_format(&diag, text, sizeof(text)));
}

/* Is it the file that SQLite cannot read, and not the workspace that cannot be written? */
static bool is_of_file(int code)
{
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_BUSY:
	case SQLITE_ERROR:                           /* a table is not as it should be */
		return true;
	}
	return false;
}

static int gather_attached(struct query *query, const char *path, const char *statements, struct diag *diag)
{
	int code = sqlite3_exec(query->db, "BEGIN", NULL, NULL, NULL);
	char why[256];

	if (code == SQLITE_OK)
		code = run(query, statements);
	if (code == SQLITE_OK)
		code = sqlite3_exec(query->db, "COMMIT", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return 0;
	snprintf(why, sizeof(why), "%s", sqlite3_errmsg(query->db));
	sqlite3_exec(query->db, "ROLLBACK", NULL, NULL, NULL);
	if (!is_of_file(code))
		return diag_set(diag, path, 0, 0, "%s", why);
	pass_over(query, path, why);
	return 0;
}

static int gather_file(struct query *query, const struct shelf_file *file, const char *statements, struct diag *diag)
{
	const char *wrong = attach(query, file->path);
	int result = 0;

	query->day_ms = file->day_s * 1000;
	query->class = file->class;
	if (wrong != NULL)
		pass_over(query, file->path, wrong);
	else
		result = gather_attached(query, file->path, statements, diag);
	detach(query);
	return result;
}

static int gather(struct query *query, unsigned classes, int64_t from_ms, int64_t to_ms, const char *statements,
	struct diag *diag)
{
	struct shelf_file *files;
	unsigned count, done = 0;
	int result = shelf_list(query->directory, from_ms / 1000, to_ms / 1000, &files, &count, diag);

	for (; result == 0 && done < count; done++) {
		if (query->progress != NULL)
			query->progress(query->arg, done, count);
		if ((classes >> files[done].class & 1) != 0)
			result = gather_file(query, &files[done], statements, diag);
	}
	query->files = count;
	free(files);
	return result;
}

int query_gather(struct query *query, unsigned classes, const char *statements, struct diag *diag)
{
	return gather(query, classes, query->from_ms, query->to_ms, statements, diag);
}

int query_gather_before(struct query *query, unsigned classes, const char *statements, struct diag *diag)
{
	unsigned files = query->files;
	int result = gather(query, classes, QUERY_BEGIN, query->from_ms - DAY_MS, statements, diag);

	query->files = files;
	return result;
}
