/* hunt_coverage_remote.c: which numbered frames ClickHouse has, for `hunt coverage`. */
#include "tools/hunt_remote.h"

#include <string.h>

#include "tools/json_line.h"

#define NUMBERS_MAX 1000u            /* of a statement, which a server takes up to 256 KiB of */

#define WORKERS "(SELECT ?7 AS extra WHERE json_valid(?7)) AS n CROSS JOIN json_each(n.extra, '$.workers') AS w"

static const struct hunt_fetch fetches[] = {
	{ "coverage.sources", "ttiiiiiii", "INSERT INTO source VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)" },
	{ "coverage.seen", "ttiib", "INSERT INTO block VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT DO UPDATE SET bits = bits_or(bits, excluded.bits)" },
	{ "coverage.notes", "ttiiiit",
		"INSERT INTO told SELECT ?1, ?2, CAST(json_extract(w.value, '$.worker') AS INTEGER), ?6, ?5,"
		" CAST(json_extract(w.value, '$.seq') AS INTEGER), " HUNT_TOLD_OF("w", "dropped") ", "
		HUNT_TOLD_OF("w", "left_out") " FROM " WORKERS " WHERE ?4 = 0 AND w.type = 'object';"
		"INSERT INTO told SELECT ?1, ?2, ?3, ?6, 0, CAST(json_extract(?7, '$.former.seq') AS INTEGER),"
		" CAST(json_extract(?7, '$.former.dropped') AS INTEGER), CAST(json_extract(?7, '$.former.left_out') AS INTEGER)"
		" WHERE ?4 = 1 AND json_valid(?7);"
		"INSERT OR IGNORE INTO beat SELECT ?1, ?2, ?5, ?6, json_extract(?7, '$.clock.synchronized'),"
		" json_extract(?7, '$.clock.max_error_us') WHERE ?4 = 0 AND json_valid(?7);" },
	{ "coverage.past", "ttiii", "INSERT INTO past VALUES (?1, ?2, ?3, 0, ?4, ?5)" HUNT_PAST_CONFLICT },
	{ "coverage.past_seen", "ttiib", "INSERT INTO past VALUES (?1, ?2, ?3, last_bit(?4, ?5), 0, 0)" HUNT_PAST_CONFLICT },
	{ "coverage.past_notes", "ttt", "INSERT INTO past SELECT ?1, ?2, " HUNT_PAST_OF("w") " FROM json_each("
		"iif(json_valid(?3), ?3, '{}'), '$.workers') AS w WHERE " HUNT_PAST_HAS("w") HUNT_PAST_CONFLICT },
	{ NULL, NULL, NULL }
};

#define MOMENT_OF(number, column) "UPDATE gap SET " column " = ?5 WHERE sensor = ?1 AND boot = ?2 AND worker = ?3 AND " \
	number " = ?4 AND " column " IS NULL AND rowid <= :gaps;"
static const struct hunt_fetch moments = { "coverage.moments", "ttiii", MOMENT_OF("first - 1", "since")
	MOMENT_OF("last + 1", "until") };

int hunt_coverage_fetch(struct hunt *hunt)
{
	return hunt_fetch(hunt, fetches);
}

int hunt_coverage_fetch_moments(struct hunt *hunt)
{
	sqlite3_stmt *row = query_ask(hunt->query, "SELECT DISTINCT boot, worker, number FROM"
		" (SELECT boot, worker, first - 1 AS number FROM gap WHERE rowid <= :gaps UNION ALL"
		"  SELECT boot, worker, last + 1 FROM gap WHERE rowid <= :gaps) WHERE number > 0", &hunt->diag);
	struct json_line numbers = { .octets = NULL };
	char number[REMOTE_NUMBER_MAX];
	int code = SQLITE_ROW, result = row != NULL ? 0 : -1;

	while (result == 0 && code == SQLITE_ROW) {
		unsigned count = 0;

		json_line_reset(&numbers);
		while (count < NUMBERS_MAX && (code = sqlite3_step(row)) == SQLITE_ROW)
			if (hunt_remote_number((const char *)sqlite3_column_text(row, 0), sqlite3_column_int64(row, 1),
					sqlite3_column_int64(row, 2), number)) {
				json_line_put(&numbers, ",", count++ > 0 ? 1 : 0);
				json_line_put(&numbers, number, strlen(number));
			}
		json_line_put(&numbers, "", 1);
		if (count > 0)
			result = numbers.failed ? diag_set(&hunt->diag, "hunt", 0, 0, "no memory") :
				hunt_fetch_numbers(hunt, &moments, numbers.octets);
	}
	sqlite3_finalize(row);
	json_line_fini(&numbers);
	return result;
}
