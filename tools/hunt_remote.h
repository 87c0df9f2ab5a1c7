/*
 * hunt_remote.h: what pivots gather when events are in ClickHouse (doc/scale/tables.sql), and not in day files.
 *
 * A pivot has a list of fetches: a statement of doc/scale/hunts.sql, which is compiled in, and what each row of its
 * answer does in the workspace. What the pivot prints comes out of the same tables by the same statements in both
 * cases.
 *
 * A statement's :name is a value of the query (store/query.h). Numbers are put in as they are, octets as '...' of
 * hexadecimal digits, which is how the tables hold them, and text as unhex('...'): nothing else of what came from
 * outside is in a statement, and releases of before query parameters take it.
 *
 * Threads: as the hunt.
 */
#ifndef TOOLS_HUNT_REMOTE_H
#define TOOLS_HUNT_REMOTE_H

#include <stdint.h>

#include "tools/clickhouse.h"
#include "tools/hunt.h"

#define REMOTE_VERSION 2

struct hunt_fetch {
	const char *statement;       /* its name; NULL ends a list */
	const char *types;           /* of the columns, a letter each: t text, b octets in hexadecimal digits, i integer */
	const char *insert;          /* statements for each row, with ?1 and so on; the values of the query, too */
};

/* Looks whether the tables are there and of this release. 0 or -1 with hunt->diag. */
int hunt_remote_begin(struct hunt *hunt);

/* Runs all of them. 0 or -1 with hunt->diag. */
int hunt_fetch(struct hunt *hunt, const struct hunt_fetch *fetches);

/* One, with numbers of answers as the value :numbers: text as hunt_remote_number writes it, with commas between. */
int hunt_fetch_numbers(struct hunt *hunt, const struct hunt_fetch *fetch, const char *numbers);

/* Writes (unhex('boot'),worker,seq); `to` holds REMOTE_NUMBER_MAX. False: `boot` is none. */
#define REMOTE_NUMBER_MAX 128
bool hunt_remote_number(const char *boot, int64_t worker, int64_t seq, char *to);

/* --- for statements of fetches ------------------------------------------------------------------------------------ */

/* Columns of `hits`. */
#define REMOTE_HIT_TYPES "tbttttttttttiii"
#define REMOTE_HIT_INSERT \
	"INSERT OR IGNORE INTO decision (" HUNT_DECISION ") VALUES (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);" \
	"INSERT INTO hit SELECT ?1, ?2, id, ?13, ?14, ?15 FROM decision WHERE (" HUNT_DECISION ") =" \
	" (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);"

/* Columns of `events` and `around`. */
#define REMOTE_MOMENT_TYPES "ibtiittttittii"
#define REMOTE_MOMENT_INSERT \
	"INSERT INTO moment SELECT ?1, ?2, ?3, ?4, ?5, " HUNT_VERDICT_TEXT("d") ", ?10, ?11," \
	" iif(?12 = '', NULL, ?12 || '.' || ?13 || '.' || ?14)" \
	" FROM (SELECT ?6 AS verdict, ?7 AS list, ?8 AS shadow_list, ?9 AS detectors) AS d;"

/* Records with commas between, as a JSON array for json_each; record_owner, record_type, record_ttl and record_data take
 * one apart (hunt_functions). */
#define REMOTE_RECORDS(text) "'[\"' || replace(replace(" text ", '\\', '\\\\'), ',', '\",\"') || '\"]'"

#endif
