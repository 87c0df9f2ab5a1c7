/* hunt_export_cof.c: `hunt export cof`: passive DNS as NDJSON (draft-dulaunoy-dnsop-passive-dns-cof-13). */
#include "tools/hunt_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hunt_remote.h"

/* Times of COF are in seconds. */
static const char tables[] =
	"CREATE TABLE pdns (key TEXT, type INTEGER, data BLOB, sensor TEXT, first, last, count,"
	" PRIMARY KEY (key, type, data, sensor)) WITHOUT ROWID;";
static const char find[] =
	"INSERT INTO pdns SELECT n.key, rr.type, rr.data, x.identity, rr.first + :day, rr.last + :day, rr.count"
	" FROM day.rr AS rr JOIN day.name AS n ON n.id = rr.owner JOIN day.sensor AS x ON x.id = rr.sensor"
	" WHERE rr.count > 0 AND" HUNT_IN_WINDOW("rr") "ON CONFLICT DO UPDATE SET first = min(first, excluded.first),"
	" last = max(last, excluded.last), count = count + excluded.count;";
static const char rows[] = "SELECT exported_name(key), type_text(type), exported_record(type, data), first / 1000, last / 1000,"
	" count, sensor FROM pdns ORDER BY key, type, data, sensor";

static const struct hunt_fetch fetches[] = {
	{ "export.cof", "tibtiii", "INSERT INTO pdns VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)" }, { NULL, NULL, NULL }
};

/* Where it is NULL it has no octets. */
static const char *text_of(sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);

	return text != NULL ? text : "";
}

static void put(struct json_line *line, const char *key, sqlite3_stmt *row, int at)
{
	const char *text = text_of(row, at);

	json_line_key(line, key);
	json_line_string(line, text, (size_t)sqlite3_column_bytes(row, at));
}

/* A type without a name is its number. */
static void put_type(struct json_line *line, sqlite3_stmt *row, int at)
{
	const char *text = (const char *)sqlite3_column_text(row, at);

	if (text == NULL || strncmp(text, "TYPE", 4) != 0) {
		put(line, "rrtype", row, at);
		return;
	}
	json_line_key(line, "rrtype");
	json_line_integer(line, strtol(text + 4, NULL, 10));
}

static void put_row(struct json_line *line, sqlite3_stmt *row)
{
	json_line_reset(line);
	json_line_open(line, '{');
	put(line, "rrname", row, 0);
	put_type(line, row, 1);
	json_line_key(line, "rdata");
	json_line_open(line, '[');
	json_line_string(line, text_of(row, 2), (size_t)sqlite3_column_bytes(row, 2));
	json_line_close(line, ']');
	json_line_key(line, "time_first");
	json_line_integer(line, sqlite3_column_int64(row, 3));
	json_line_key(line, "time_last");
	json_line_integer(line, sqlite3_column_int64(row, 4));
	json_line_key(line, "count");
	json_line_integer(line, sqlite3_column_int64(row, 5));
	put(line, "sensor_id", row, 6);
	json_line_put(line, "}\n", 2);
}

static int gather(struct hunt *hunt)
{
	if (query_run(hunt->query, tables, &hunt->diag) != 0)
		return -1;
	return hunt->remote != NULL ? hunt_fetch(hunt, fetches) : query_gather(hunt->query, QUERY_ALL, find, &hunt->diag);
}

int hunt_export_cof(struct hunt *hunt)
{
	struct json_line line = { .octets = NULL };
	sqlite3_stmt *row;
	int code = SQLITE_NOMEM;

	if (gather(hunt) != 0 || (row = query_ask(hunt->query, rows, &hunt->diag)) == NULL)
		return -1;
	while (!line.failed && (code = sqlite3_step(row)) == SQLITE_ROW) {
		put_row(&line, row);
		if (!line.failed)
			fwrite(line.octets, 1, line.used, stdout);
	}
	if (code != SQLITE_DONE)
		diag_set(&hunt->diag, "hunt", 0, 0, "%s", sqlite3_errmsg(query_workspace(hunt->query)));
	sqlite3_finalize(row);
	json_line_fini(&line);
	return code == SQLITE_DONE ? 0 : -1;
}
