/* hunt_remote.c: statements of doc/scale/hunts.sql with values in them, and rows of their answers into the workspace. */
#include "tools/hunt_remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json_line.h"

#define NAME_MAX_OCTETS 64
#define INSERTS_MAX 4u
#define DAY_MS INT64_C(86400000)
#define DAY_LAST 65535               /* of ClickHouse's Date */
#define CODE_UNKNOWN_TABLE 60
#define CODE_UNKNOWN_DATABASE 81

static const char statements[] =
#include "tools/hunts_sql.h"
	;

/* --- statements --------------------------------------------------------------------------------------------- */

/* What stands between the line `-- NAME: ...` and the ';'. NULL: there is none. */
static const char *find_statement(const char *name, size_t *octets)
{
	char heading[NAME_MAX_OCTETS];
	const char *at;

	snprintf(heading, sizeof(heading), "\n-- %s: ", name);
	at = strstr(statements, heading);
	at = at != NULL ? strchr(at + 1, '\n') : NULL;
	*octets = at != NULL ? strcspn(at, ";") : 0;
	return at;
}

static void put_text(struct json_line *to, const char *text)
{
	json_line_put(to, text, strlen(text));
}

static void put_hex(struct json_line *to, const char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const unsigned char octet = (unsigned char)octets[i];

		json_line_put(to, &"0123456789abcdef"[octet >> 4], 1);
		json_line_put(to, &"0123456789abcdef"[octet & 15], 1);
	}
}

static void put_value(struct json_line *to, const struct query_value *value)
{
	char number[32];

	switch (value->kind) {
	case QUERY_NUMBER:
		snprintf(number, sizeof(number), "%" PRId64, value->number);
		put_text(to, number);
		break;
	case QUERY_OCTETS:
		put_text(to, "'");
		put_hex(to, value->octets, value->count);
		put_text(to, "'");
		break;
	case QUERY_TEXT:
		put_text(to, "unhex('");
		put_hex(to, value->octets, value->count);
		put_text(to, "')");
		break;
	}
}

static bool is_of_name(char letter)
{
	return (letter >= 'a' && letter <= 'z') || letter == '_';
}

/* Every ':' of the file begins a value's name. */
static int write_statement(struct hunt *hunt, const char *name, const char *numbers, struct json_line *to)
{
	size_t left, octets;
	const char *at = find_statement(name, &left);
	struct query_value value;
	char parameter[NAME_MAX_OCTETS];

	if (at == NULL)
		return diag_set(&hunt->diag, "hunts.sql", 0, 0, "there is no %s", name);
	for (; left > 0; at += octets, left -= octets) {
		if (*at != ':') {
			octets = strcspn(at, ":");
			octets = octets < left ? octets : left;
			json_line_put(to, at, octets);
			continue;
		}
		for (octets = 1; octets < left && octets < sizeof(parameter) - 1 && is_of_name(at[octets]); octets++)
			;
		memcpy(parameter, at, octets);
		parameter[octets] = '\0';
		if (strcmp(parameter, ":numbers") == 0 && numbers != NULL)
			put_text(to, numbers);
		else if (query_value(hunt->query, parameter, &value))
			put_value(to, &value);
		else
			return diag_set(&hunt->diag, "hunts.sql", 0, 0, "%s has no value %s", name, parameter);
	}
	json_line_put(to, "\nFORMAT TabSeparated", sizeof("\nFORMAT TabSeparated"));
	return to->failed ? diag_set(&hunt->diag, "hunt", 0, 0, "no memory") : 0;
}

bool hunt_remote_number(const char *boot, int64_t worker, int64_t seq, char *to)
{
	size_t octets = strlen(boot);
	char *at = to;

	if (octets != 12 || strspn(boot, "0123456789abcdef") != octets || worker < 0 || seq < 0)
		return false;
	at += sprintf(at, "(unhex('");
	for (size_t i = 0; i < octets; i++)
		at += sprintf(at, "%02x", (unsigned char)boot[i]);
	sprintf(at, "'),%" PRId64 ",%" PRId64 ")", worker, seq);
	return true;
}

/* --- rows --------------------------------------------------------------------------------------------------- */

struct fetching {
	struct hunt *hunt;
	const struct hunt_fetch *fetch;
	sqlite3_stmt *inserts[INSERTS_MAX];          /* owned */
	unsigned count;
};

static int digit_of(char letter)
{
	return letter >= '0' && letter <= '9' ? letter - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 :
		letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

static bool bind_octets(sqlite3_stmt *statement, int at, const char *digits, size_t count)
{
	char *octets = sqlite3_malloc64(count / 2 + 1);
	bool fine = octets != NULL && count % 2 == 0;

	for (size_t i = 0; fine && i < count / 2; i++) {
		int high = digit_of(digits[2 * i]), low = digit_of(digits[2 * i + 1]);

		fine = high >= 0 && low >= 0;
		octets[i] = fine ? (char)(high << 4 | low) : 0;
	}
	if (!fine)
		sqlite3_free(octets);
	return fine && sqlite3_bind_blob64(statement, at, octets, count / 2, sqlite3_free) == SQLITE_OK;
}

static bool bind_integer(sqlite3_stmt *statement, int at, const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	return end != text && *end == '\0' && sqlite3_bind_int64(statement, at, number) == SQLITE_OK;
}

static bool bind_row(sqlite3_stmt *statement, const char *types, const struct tsv_row *row)
{
	bool fine = true;

	for (unsigned i = 0; fine && i < row->count; i++) {
		char number[16];
		int at;

		snprintf(number, sizeof(number), "?%u", i + 1);
		at = sqlite3_bind_parameter_index(statement, number);
		if (at == 0)
			continue;
		fine = types[i] == 'b' ? bind_octets(statement, at, row->columns[i], row->octets[i]) :
			types[i] == 'i' ? bind_integer(statement, at, row->columns[i]) :
			sqlite3_bind_text64(statement, at, row->columns[i], row->octets[i], SQLITE_TRANSIENT, SQLITE_UTF8) ==
				SQLITE_OK;
	}
	return fine;
}

static bool take_row(void *arg, const struct tsv_row *row)
{
	struct fetching *fetching = arg;
	struct hunt *hunt = fetching->hunt;

	if (row->count != strlen(fetching->fetch->types)) {
		diag_set(&hunt->diag, "--store", 0, 0, "its answer to %s has %u columns", fetching->fetch->statement, row->count);
		return false;
	}
	for (unsigned i = 0; i < fetching->count; i++) {
		int code;

		if (!bind_row(fetching->inserts[i], fetching->fetch->types, row)) {
			diag_set(&hunt->diag, "--store", 0, 0, "its answer to %s is not understood", fetching->fetch->statement);
			return false;
		}
		while ((code = sqlite3_step(fetching->inserts[i])) == SQLITE_ROW)
			;
		sqlite3_reset(fetching->inserts[i]);
		if (code != SQLITE_DONE) {
			diag_set(&hunt->diag, "--store", 0, 0, "its answer to %s: %s", fetching->fetch->statement,
				sqlite3_errmsg(query_workspace(hunt->query)));
			return false;
		}
	}
	return true;
}

static int prepare(struct fetching *fetching)
{
	const char *at = fetching->fetch->insert;

	while (*at != '\0' && fetching->count < INSERTS_MAX) {
		sqlite3_stmt *statement = query_ask_next(fetching->hunt->query, &at, &fetching->hunt->diag);

		if (statement == NULL)
			return -1;
		fetching->inserts[fetching->count++] = statement;
	}
	return 0;
}

int hunt_fetch_numbers(struct hunt *hunt, const struct hunt_fetch *fetch, const char *numbers)
{
	struct fetching fetching = { .hunt = hunt, .fetch = fetch };
	struct json_line statement = { .octets = NULL };
	int result = -1;

	if (prepare(&fetching) == 0 && write_statement(hunt, fetch->statement, numbers, &statement) == 0)
		result = clickhouse_ask(hunt->remote, statement.octets, take_row, &fetching, &hunt->diag);
	for (unsigned i = 0; i < fetching.count; i++)
		sqlite3_finalize(fetching.inserts[i]);
	json_line_fini(&statement);
	return result;
}

int hunt_fetch(struct hunt *hunt, const struct hunt_fetch *fetches)
{
	if (query_run(hunt->query, "BEGIN", &hunt->diag) != 0)
		return -1;
	for (; fetches->statement != NULL; fetches++)
		if (hunt_fetch_numbers(hunt, fetches, NULL) != 0)
			return -1;
	return query_run(hunt->query, "COMMIT", &hunt->diag);
}

/* --- beginning ---------------------------------------------------------------------------------------------- */

static int64_t day_of(int64_t ms)
{
	int64_t day = ms < 0 ? 0 : ms / DAY_MS;

	return day < DAY_LAST ? day : DAY_LAST;
}

static int check_version(struct hunt *hunt)
{
	static const struct hunt_fetch fetches[] = {
		{ "version", "it", "INSERT INTO version VALUES (?1, ?2)" },
		{ "files", "ii", "INSERT INTO files VALUES (?1, ?2)" },
		{ NULL, NULL, NULL }
	};
	sqlite3_stmt *row;
	int version = 0;

	if (query_run(hunt->query, "CREATE TABLE version (version, application); CREATE TABLE files (day, class)",
			&hunt->diag) != 0)
		return -1;
	if (hunt_fetch_numbers(hunt, &fetches[0], NULL) != 0) {
		int code = clickhouse_code(hunt->remote);

		return code != CODE_UNKNOWN_TABLE && code != CODE_UNKNOWN_DATABASE ? -1 : diag_set(&hunt->diag, "--store", 0, 0,
			"its database has not the tables of doc/scale/tables.sql");
	}
	row = query_ask(hunt->query, "SELECT version FROM version WHERE application = 'unbound-verdict'", &hunt->diag);
	if (row != NULL && sqlite3_step(row) == SQLITE_ROW)
		version = sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	if (version != REMOTE_VERSION)
		return diag_set(&hunt->diag, "--store", 0, 0, "its tables are of version %d, and this verdictctl asks version %d",
			version, REMOTE_VERSION);
	return hunt_fetch_numbers(hunt, &fetches[1], NULL);
}

int hunt_remote_begin(struct hunt *hunt)
{
	struct query *query = hunt->query;
	sqlite3_stmt *row;

	if (!query_bind_number(query, ":first_day", day_of(hunt->from_ms)) ||
			!query_bind_number(query, ":last_day", day_of(hunt->to_ms)) ||
			!query_bind_number(query, ":begin_us", hunt->from_ms * 1000))
		return diag_set(&hunt->diag, "hunt", 0, 0, "no memory");
	if (check_version(hunt) != 0)
		return -1;
	row = query_ask(query, "SELECT count(*) FROM files", &hunt->diag);
	if (row == NULL)
		return -1;
	if (sqlite3_step(row) == SQLITE_ROW)
		hunt->files = (unsigned)sqlite3_column_int(row, 0);
	sqlite3_finalize(row);
	return 0;
}
