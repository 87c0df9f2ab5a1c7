/* coverage.c: numbers of all days together, and the holes in them. */
#include "store/coverage.h"

#include <stdbool.h>
#include <string.h>

#include "store/store.h"

#define SEEN_OCTETS (STORE_BLOCK_NUMBERS / 8)

static const char tables[] =
	"CREATE TABLE told (identity TEXT, boot TEXT, worker INTEGER, first_at INTEGER, last_at INTEGER,"
	" duplicates INTEGER, dropped INTEGER, left_out INTEGER, seq INTEGER, PRIMARY KEY (identity, boot, worker))"
	" WITHOUT ROWID;"
	"CREATE TABLE spoken (identity TEXT, boot TEXT, worker INTEGER, before INTEGER, dropped INTEGER, left_out INTEGER,"
	" left_out_first INTEGER, seq INTEGER, seq_first INTEGER,"
	" PRIMARY KEY (identity, boot, worker, before)) WITHOUT ROWID;"
	"CREATE TABLE block (identity TEXT, boot TEXT, worker INTEGER, block INTEGER, bits BLOB,"
	" PRIMARY KEY (identity, boot, worker, block)) WITHOUT ROWID;"
	"CREATE TABLE worker (id INTEGER PRIMARY KEY, identity TEXT, boot TEXT, worker INTEGER, first_at INTEGER,"
	" last_at INTEGER, low INTEGER, high INTEGER, received INTEGER, duplicates INTEGER, left_out INTEGER,"
	" missing INTEGER, dropped INTEGER, due INTEGER);"
	"CREATE TABLE gap (worker INTEGER, first INTEGER, last INTEGER, after_at INTEGER, before_at INTEGER,"
	" PRIMARY KEY (worker, first)) WITHOUT ROWID;"
	"CREATE TABLE beat (identity TEXT, boot TEXT, number INTEGER, at INTEGER, synchronized INTEGER,"
	" max_error_us INTEGER, offset_us INTEGER, PRIMARY KEY (identity, boot, number)) WITHOUT ROWID;"
	"CREATE TABLE unnumbered (identity TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID;";

/* What resolvers say: of each worker in heartbeats, and of those of a former process. */
#define SPOKEN(before) \
	"INSERT INTO spoken SELECT s.identity, n.boot, ifnull(w.value ->> '$.worker', 0), " before "," \
		" ifnull(w.value ->> '$.dropped', 0), ifnull(w.value ->> '$.left_out', 0)," \
		" ifnull(w.value ->> '$.left_out', 0), ifnull(w.value ->> '$.seq', 0), ifnull(w.value ->> '$.seq', 0)" \
		" FROM day.note AS n JOIN day.sensor AS s ON s.id = n.sensor," \
		" json_each(iif(json_valid(n.extra), n.extra, '{}'), '$.workers') AS w WHERE n.former = 0 AND w.type = 'object'" \
		" UNION ALL SELECT s.identity, n.boot, n.worker, " before "," \
		" ifnull(n.extra ->> '$.former.dropped', 0), ifnull(n.extra ->> '$.former.left_out', 0)," \
		" ifnull(n.extra ->> '$.former.left_out', 0), ifnull(n.extra ->> '$.former.seq', 0)," \
		" ifnull(n.extra ->> '$.former.seq', 0)" \
		" FROM day.note AS n JOIN day.sensor AS s ON s.id = n.sensor WHERE n.former = 1 AND json_valid(n.extra)" \
		" ON CONFLICT DO UPDATE SET dropped = max(dropped, excluded.dropped)," \
		" left_out = max(left_out, excluded.left_out), seq = max(seq, excluded.seq)," \
		" left_out_first = min(left_out_first, excluded.left_out_first), seq_first = min(seq_first, excluded.seq_first);"

#define ADD_BLOCKS \
	"INSERT INTO block SELECT s.identity, o.boot, o.worker, b.block, b.bits FROM day.seen AS b" \
		" JOIN day.source AS o ON o.id = b.source JOIN day.sensor AS s ON s.id = o.sensor WHERE o.boot <> ''" \
		" ON CONFLICT DO UPDATE SET bits = both_bits(bits, excluded.bits);"

static const char add[] =
	"INSERT INTO told SELECT s.identity, o.boot, o.worker, o.first + :day, o.last + :day, o.duplicates, o.dropped,"
		" o.left_out, o.seq FROM day.source AS o JOIN day.sensor AS s ON s.id = o.sensor WHERE o.boot <> ''"
		" ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at),"
		" last_at = max(last_at, excluded.last_at), duplicates = duplicates + excluded.duplicates,"
		" dropped = max(dropped, excluded.dropped), left_out = max(left_out, excluded.left_out),"
		" seq = max(seq, excluded.seq);"
	ADD_BLOCKS
	"INSERT INTO unnumbered SELECT s.identity, sum(o.frames) FROM day.source AS o"
		" JOIN day.sensor AS s ON s.id = o.sensor WHERE o.boot = '' GROUP BY s.identity"
		" ON CONFLICT DO UPDATE SET count = count + excluded.count;"
	"INSERT OR IGNORE INTO beat SELECT s.identity, n.boot, n.number, n.at / 1000 + :day,"
		" n.extra ->> '$.clock.synchronized', n.extra ->> '$.clock.max_error_us', n.extra ->> '$.clock.offset_us'"
		" FROM day.note AS n JOIN day.sensor AS s ON s.id = n.sensor WHERE n.former = 0 AND json_valid(n.extra);"
	SPOKEN("0");

static const char add_before[] =
	"INSERT INTO spoken SELECT s.identity, o.boot, o.worker, 1, o.dropped, o.left_out, o.left_out, o.seq, o.seq"
		" FROM day.source AS o JOIN day.sensor AS s ON s.id = o.sensor WHERE o.boot <> ''"
		" ON CONFLICT DO UPDATE SET dropped = max(dropped, excluded.dropped),"
		" left_out = max(left_out, excluded.left_out), seq = max(seq, excluded.seq);"
	SPOKEN("1");

/* low 0: the first that came, which the bits will say, or `due`, where a resolver's first word leads to. Where answers are
 * left out and nobody knows how many were before, it begins at that word; without one, nothing counts as left out.
 * left_out and dropped: what they grew by. Of whom nothing is expected, the row goes. */
static const char make_workers[] =
	"INSERT INTO worker (identity, boot, worker, first_at, last_at, low, high, received, duplicates, left_out, missing,"
		" dropped, due) SELECT identity, boot, worker, first_at, last_at, CASE WHEN past IS NOT NULL THEN past + 1 WHEN began"
		" THEN 1 WHEN left_out > left_out_past THEN due ELSE 0 END, high, 0, duplicates, left_out - left_out_past, 0, dropped,"
		" due FROM (SELECT *, CASE WHEN past IS NOT NULL THEN left_out_before WHEN began THEN 0 WHEN due IS NOT NULL THEN"
		" left_out_first ELSE left_out END AS left_out_past FROM (SELECT k.identity AS identity, k.boot AS boot,"
		" k.worker AS worker, t.first_at AS first_at, t.last_at AS last_at, b.seq AS past, s.seq_first + 1 AS due,"
		" EXISTS (SELECT 1 FROM beat WHERE beat.identity = k.identity AND beat.boot = k.boot AND number = 1) AS began,"
		" max(ifnull(t.seq, 0), ifnull(s.seq, 0)) AS high, ifnull(t.duplicates, 0) AS duplicates,"
		" max(ifnull(t.left_out, 0), ifnull(s.left_out, 0)) AS left_out, b.left_out AS left_out_before,"
		" s.left_out_first AS left_out_first,"
		" max(ifnull(t.dropped, 0), ifnull(s.dropped, 0)) - ifnull(b.dropped, 0) AS dropped"
		" FROM (SELECT identity, boot, worker FROM told UNION SELECT identity, boot, worker FROM spoken WHERE before = 0)"
		" AS k LEFT JOIN told AS t USING (identity, boot, worker)"
		" LEFT JOIN spoken AS s ON s.identity = k.identity AND s.boot = k.boot AND s.worker = k.worker AND s.before = 0"
		" LEFT JOIN spoken AS b ON b.identity = k.identity AND b.boot = k.boot AND b.worker = k.worker AND b.before = 1))"
		" ORDER BY identity, boot, worker;"
	"DELETE FROM worker WHERE high < low OR high = 0;";

static const char make_timed[] =
	"CREATE TABLE timed AS SELECT g.worker AS worker, g.first AS first, g.last AS last, w.identity AS identity,"
		" w.boot AS boot, w.worker AS number FROM gap AS g JOIN worker AS w ON w.id = g.worker"
		" ORDER BY g.last - g.first DESC, g.worker, g.first LIMIT :timed;";

#define AT(number) \
	"(SELECT e.at / 1000 + :day FROM timed AS t JOIN day.sensor AS s ON s.identity = t.identity" \
		" JOIN day.source AS o ON o.sensor = s.id AND o.boot = t.boot AND o.worker = t.number" \
		" JOIN day.seen AS b ON b.source = o.id AND b.block = (" number ") / :numbers" \
		" JOIN day.event AS e ON e.id BETWEEN b.first AND b.last AND e.source = o.id AND e.seq = " number \
		" WHERE t.worker = gap.worker AND t.first = gap.first LIMIT 1)"

static const char add_times[] =
	"UPDATE gap SET after_at = " AT("t.first - 1") " WHERE after_at IS NULL AND (worker, first) IN"
		" (SELECT worker, first FROM timed);"
	"UPDATE gap SET before_at = " AT("t.last + 1") " WHERE before_at IS NULL AND (worker, first) IN"
		" (SELECT worker, first FROM timed);";

/* SQL: both_bits(one, other). */
static void both_bits(sqlite3_context *context, int count, sqlite3_value **values)
{
	const uint8_t *one = sqlite3_value_blob(values[0]), *other = sqlite3_value_blob(values[1]);
	int octets = sqlite3_value_bytes(values[0]);
	uint8_t both[SEEN_OCTETS] = { 0 };

	(void)count;
	for (int i = 0; i < (int)SEEN_OCTETS; i++)
		both[i] = (uint8_t)((i < octets ? one[i] : 0) | (i < sqlite3_value_bytes(values[1]) ? other[i] : 0));
	sqlite3_result_blob(context, both, sizeof(both), SQLITE_TRANSIENT);
}

/* --- holes ---------------------------------------------------------------------------------------------------- */

struct walk {
	sqlite3_stmt *put_gap;
	int64_t worker, low, high;
	int64_t due;                     /* low is no later one */
	int64_t next;                    /* the number that should come */
	int64_t received, gaps;
	bool keep;                       /* what is missing is a gap, and not left out */
	bool failed;
};

static void note_gap(struct walk *walk, int64_t first, int64_t last)
{
	if (first > last || !walk->keep || walk->gaps++ >= COVERAGE_GAPS)
		return;
	sqlite3_bind_int64(walk->put_gap, 1, walk->worker);
	sqlite3_bind_int64(walk->put_gap, 2, first);
	sqlite3_bind_int64(walk->put_gap, 3, last);
	if (sqlite3_step(walk->put_gap) != SQLITE_DONE)
		walk->failed = true;
	sqlite3_reset(walk->put_gap);
}

static void came(struct walk *walk, int64_t number)
{
	if (number < walk->low || number > walk->high || number == 0)
		return;
	if (walk->low == 0)
		walk->low = walk->next = number < walk->due ? number : walk->due;
	note_gap(walk, walk->next, number - 1);
	walk->next = number + 1;
	walk->received++;
}

static int walk_blocks(sqlite3_stmt *blocks, struct walk *walk)
{
	int code;

	walk->next = walk->low;
	while ((code = sqlite3_step(blocks)) == SQLITE_ROW) {
		int64_t first = sqlite3_column_int64(blocks, 0) * (int64_t)STORE_BLOCK_NUMBERS;
		const uint8_t *bits = sqlite3_column_blob(blocks, 1);
		int octets = sqlite3_column_bytes(blocks, 1);

		for (int i = 0; i < 8 * octets && i < (int)STORE_BLOCK_NUMBERS; i++)
			if ((bits[i / 8] >> (i % 8) & 1) != 0)
				came(walk, first + i);
	}
	if (walk->low == 0)
		walk->low = walk->next = walk->high < walk->due ? walk->high : walk->due;
	note_gap(walk, walk->next, walk->high);
	return code == SQLITE_DONE ? 0 : -1;
}

static int walk_worker(sqlite3_stmt *worker, sqlite3_stmt *blocks, sqlite3_stmt *put, struct walk *walk)
{
	int64_t left_out = sqlite3_column_int64(worker, 6), missing;
	int result;

	walk->worker = sqlite3_column_int64(worker, 0);
	walk->low = sqlite3_column_int64(worker, 4);
	walk->high = sqlite3_column_int64(worker, 5);
	walk->due = sqlite3_column_type(worker, 7) != SQLITE_NULL ? sqlite3_column_int64(worker, 7) : INT64_MAX;
	walk->received = walk->gaps = 0;
	walk->keep = left_out == 0;
	for (int i = 1; i < 4; i++)
		sqlite3_bind_value(blocks, i, sqlite3_column_value(worker, i));
	result = walk_blocks(blocks, walk) != 0 || walk->failed ? -1 : 0;
	sqlite3_reset(blocks);
	missing = walk->high - walk->low + 1 - walk->received - left_out;
	sqlite3_bind_int64(put, 1, walk->low);
	sqlite3_bind_int64(put, 2, walk->received);
	sqlite3_bind_int64(put, 3, missing > 0 ? missing : 0);
	sqlite3_bind_int64(put, 4, walk->worker);
	if (sqlite3_step(put) != SQLITE_DONE)
		result = -1;
	sqlite3_reset(put);
	return result;
}

static int walk_all(struct query *query, struct diag *diag)
{
	sqlite3_stmt *workers = query_ask(query, "SELECT id, identity, boot, worker, low, high, left_out, due FROM worker",
		diag);
	sqlite3_stmt *blocks = query_ask(query, "SELECT block, bits FROM block WHERE identity = ? AND boot = ?"
		" AND worker = ? ORDER BY block", diag);
	sqlite3_stmt *put = query_ask(query, "UPDATE worker SET low = ?, received = ?, missing = ? WHERE id = ?", diag);
	struct walk walk = { .put_gap = query_ask(query, "INSERT INTO gap VALUES (?, ?, ?, NULL, NULL)", diag) };
	int code = SQLITE_ERROR;

	if (workers != NULL && blocks != NULL && put != NULL && walk.put_gap != NULL)
		while ((code = sqlite3_step(workers)) == SQLITE_ROW)
			if (walk_worker(workers, blocks, put, &walk) != 0)
				break;
	if (code != SQLITE_DONE)
		diag_set(diag, "", 0, 0, "%s", sqlite3_errmsg(query_workspace(query)));
	sqlite3_finalize(workers);
	sqlite3_finalize(blocks);
	sqlite3_finalize(put);
	sqlite3_finalize(walk.put_gap);
	return code == SQLITE_DONE ? 0 : -1;
}

/* A file is read after another one: what came in between is in one of them alone. What is missing is looked for again,
 * up to the same numbers. */
static int look_again(struct query *query, struct diag *diag)
{
	if (query_run(query, "DELETE FROM gap", diag) != 0 ||
			query_gather_settled(query, QUERY_ALL, ADD_BLOCKS, diag) != 0)
		return -1;
	return walk_all(query, diag);
}

static int walk_until_sure(struct query *query, struct diag *diag)
{
	sqlite3_stmt *missing;
	bool again;

	if (walk_all(query, diag) != 0)
		return -1;
	missing = query_ask(query, "SELECT 1 FROM worker WHERE missing > 0 LIMIT 1", diag);
	if (missing == NULL)
		return -1;
	again = sqlite3_step(missing) == SQLITE_ROW;
	sqlite3_finalize(missing);
	return again ? look_again(query, diag) : 0;
}

int coverage_fill(struct query *query, struct diag *diag)
{
	if (sqlite3_create_function(query_workspace(query), "both_bits", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL,
			both_bits, NULL, NULL) != SQLITE_OK || !query_bind_number(query, ":numbers", STORE_BLOCK_NUMBERS) ||
			!query_bind_number(query, ":timed", COVERAGE_TIMED))
		return diag_set(diag, "", 0, 0, "no memory");
	if (query_run(query, tables, diag) != 0 || query_gather(query, QUERY_ALL, add, diag) != 0 ||
			query_gather_before(query, QUERY_ALL, add_before, diag) != 0 || query_run(query, make_workers, diag) != 0 ||
			walk_until_sure(query, diag) != 0 || query_run(query, make_timed, diag) != 0)
		return -1;
	return query_gather(query, QUERY_ALL, add_times, diag);
}
