/* hunt_coverage_count.c: of each worker, which numbers are due, which came, and the gaps between them. */
#include "tools/hunt_coverage.h"

#define GAPS_KEPT 10000u             /* of a worker, with their numbers; all are counted */

struct counting {
	struct hunt *hunt;
	sqlite3_stmt *put_gap;               /* owned */
	sqlite3_stmt *past;                  /* owned; of the row that is counted: */
	sqlite3_stmt *worker;                /* sensor, boot, worker */
	bool begun;
	int64_t due;                         /* the first number is no later one */
	int64_t first, next;                 /* the first number that should be here; the one that should come next */
	int64_t up_to;                       /* what is above is not counted */
	int64_t received, missing;
	unsigned gaps;
};

static int run(struct counting *counting, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	sqlite3_reset(statement);
	return code == SQLITE_DONE ? 0 : diag_set(&counting->hunt->diag, "hunt", 0, 0, "%s",
		sqlite3_errmsg(query_workspace(counting->hunt->query)));
}

static void bind_worker(struct counting *counting, sqlite3_stmt *statement)
{
	for (int i = 0; i < 3; i++)
		sqlite3_bind_value(statement, i + 1, sqlite3_column_value(counting->worker, i));
}

static int note_gap(struct counting *counting, int64_t first, int64_t last)
{
	counting->missing += last - first + 1;
	if (counting->gaps++ >= GAPS_KEPT)
		return 0;
	bind_worker(counting, counting->put_gap);
	sqlite3_bind_int64(counting->put_gap, 4, first);
	sqlite3_bind_int64(counting->put_gap, 5, last);
	return run(counting, counting->put_gap);
}

static int64_t less(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

static int note_number(struct counting *counting, int64_t number)
{
	int result = 0;

	if (number > counting->up_to)
		return 0;
	if (!counting->begun) {
		counting->begun = true;
		counting->first = counting->next = less(number, counting->due);
	}
	if (number < counting->next)
		return 0;
	if (number > counting->next)
		result = note_gap(counting, counting->next, number - 1);
	counting->received++;
	counting->next = number + 1;
	return result;
}

static int note_block(struct counting *counting, int64_t block, const uint8_t *bits)
{
	for (unsigned i = 0; i < HUNT_BLOCK_OCTETS; i++) {
		int64_t number = block * STORE_BLOCK_NUMBERS + i * 8;

		if (bits[i] == 0)
			continue;
		if (bits[i] == 0xff && counting->begun && counting->next == number && number + 7 <= counting->up_to) {
			counting->received += 8;
			counting->next += 8;
			continue;
		}
		for (unsigned bit = 0; bit < 8; bit++)
			if ((bits[i] >> bit & 1) != 0 && note_number(counting, number + bit) != 0)
				return -1;
	}
	return 0;
}

static int note_blocks(struct counting *counting, sqlite3_stmt *blocks)
{
	int code, result = 0;

	bind_worker(counting, blocks);
	while (result == 0 && (code = sqlite3_step(blocks)) == SQLITE_ROW)
		if (sqlite3_column_bytes(blocks, 1) == (int)HUNT_BLOCK_OCTETS)
			result = note_block(counting, sqlite3_column_int64(blocks, 0), sqlite3_column_blob(blocks, 1));
	sqlite3_reset(blocks);
	return result;
}

/* Where numbers begin to be due, and what its resolver had dropped and left out by then. */
struct base {
	int64_t dropped, left_out;
};

/* False: the days before know nothing of it. */
static bool begin_after_past(struct counting *counting, struct base *base)
{
	sqlite3_stmt *past = counting->past;
	bool found;

	bind_worker(counting, past);
	found = sqlite3_step(past) == SQLITE_ROW;
	if (found) {
		counting->begun = true;
		counting->first = counting->next = sqlite3_column_int64(past, 0) + 1;
		*base = (struct base){ sqlite3_column_int64(past, 1), sqlite3_column_int64(past, 2) };
	}
	sqlite3_reset(past);
	return found;
}

/* At 1 where the process began here. Else at the first number that came, or that a resolver's first word leads to; at
 * that word where answers are left out, for how many were before nobody said. Without a word nothing counts as left
 * out. */
static void begin_here(struct counting *counting, struct base *base)
{
	sqlite3_stmt *worker = counting->worker;
	bool whole = sqlite3_column_int(worker, 6) != 0, spoken = sqlite3_column_type(worker, 7) != SQLITE_NULL;
	int64_t left_before = sqlite3_column_int64(worker, 11), left_out = sqlite3_column_int64(worker, 12);

	*base = (struct base){ 0 };
	counting->due = spoken ? sqlite3_column_int64(worker, 7) + 1 : INT64_MAX;
	counting->first = counting->next = whole || !spoken ? 1 : counting->due;
	counting->begun = whole || (spoken && left_out > left_before);
	if (!whole)
		*base = (struct base){ sqlite3_column_int64(worker, 9), spoken ? left_before : left_out };
}

/* What the window has, after what begin_* set. */
static int count_numbers(struct counting *counting, sqlite3_stmt *blocks, int64_t told, int64_t *last)
{
	counting->received = counting->missing = 0;
	counting->gaps = 0;
	if (note_blocks(counting, blocks) != 0)
		return -1;
	*last = counting->next - 1 > told ? counting->next - 1 : told;
	return *last >= counting->next ? note_gap(counting, counting->next, *last) : 0;
}

/* Columns of a worker: 3 first, 4 last, 5 duplicates, 6 its process began here, 7 the first and 8 the last number that
 * was told, 9 and 10 dropped, 11 and 12 left out: before, and up to now; 13 what is above is not counted. */
static int count_worker(struct counting *counting, sqlite3_stmt *blocks, sqlite3_stmt *put)
{
	sqlite3_stmt *worker = counting->worker;
	int64_t told = sqlite3_column_int64(worker, 8), left_out, dropped, last;
	struct base base;
	bool past = begin_after_past(counting, &base);

	counting->up_to = sqlite3_column_int64(worker, 13);
	if (!past)
		begin_here(counting, &base);
	if (count_numbers(counting, blocks, told, &last) != 0)
		return -1;
	/* A clock was set back: those days were not the past. */
	if (past && counting->received == 0 && told < counting->first - 1) {
		begin_here(counting, &base);
		if (count_numbers(counting, blocks, told, &last) != 0)
			return -1;
	}
	left_out = sqlite3_column_int64(worker, 12) - base.left_out;
	left_out = left_out < 0 ? 0 : less(left_out, counting->missing);
	dropped = sqlite3_column_int64(worker, 10) - base.dropped;
	dropped = dropped < 0 ? 0 : less(dropped, counting->missing - left_out);
	bind_worker(counting, put);
	sqlite3_bind_value(put, 4, sqlite3_column_value(worker, 3));
	sqlite3_bind_value(put, 5, sqlite3_column_value(worker, 4));
	sqlite3_bind_int64(put, 6, counting->first);
	sqlite3_bind_int64(put, 7, last);
	sqlite3_bind_int64(put, 8, last - counting->first + 1 - left_out);
	sqlite3_bind_int64(put, 9, counting->received);
	sqlite3_bind_int64(put, 10, left_out);
	sqlite3_bind_int64(put, 11, counting->missing - left_out);
	sqlite3_bind_int64(put, 12, dropped);
	sqlite3_bind_value(put, 13, sqlite3_column_value(worker, 5));
	sqlite3_bind_int(put, 14, told >= counting->next - 1);
	return run(counting, put);
}

/* Workers of which frames came, or a resolver spoke. What was told before the first frame that is here counts from the
 * first word on. */
static const char workers[] =
	"WITH known AS (SELECT sensor, boot, worker FROM source WHERE boot <> '' UNION"
	" SELECT sensor, boot, worker FROM told WHERE worker IS NOT NULL),"
	" word AS (SELECT sensor, boot, worker, min(at) AS first, max(at) AS last, min(seq) AS low, max(seq) AS high,"
	"  min(dropped) AS dropped_before, max(dropped) AS dropped, min(left_out) AS left_before,"
	"  max(left_out) AS left_out FROM told GROUP BY sensor, boot, worker)"
	" SELECT k.sensor, k.boot, k.worker, coalesce(s.first, w.first), max(coalesce(s.last, w.last), coalesce(w.last,"
	"  s.last)), coalesce(s.duplicates, 0), EXISTS (SELECT 1 FROM beat AS b WHERE b.sensor = k.sensor"
	"  AND b.boot = k.boot AND b.number = 1), w.low, coalesce(w.high, 0), coalesce(w.dropped_before, 0),"
	" max(coalesce(w.dropped, 0), coalesce(s.dropped, 0)), coalesce(w.left_before, 0),"
	" max(coalesce(w.left_out, 0), coalesce(s.left_out, 0)), coalesce(u.last, 9223372036854775807)"
	" FROM known AS k LEFT JOIN source AS s USING (sensor, boot, worker) LEFT JOIN word AS w USING (sensor, boot, worker)"
	" LEFT JOIN up_to AS u USING (sensor, boot, worker) ORDER BY k.sensor, k.boot, k.worker";

int hunt_coverage_count(struct hunt *hunt)
{
	struct counting counting = { .hunt = hunt };
	sqlite3_stmt *blocks = query_ask(hunt->query, "SELECT block, bits FROM block WHERE sensor = ?1 AND boot = ?2"
		" AND worker = ?3 ORDER BY block", &hunt->diag);
	sqlite3_stmt *put = query_ask(hunt->query, "INSERT INTO covered VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		" ?12, ?13, ?14)", &hunt->diag);
	int result = -1, code;

	counting.put_gap = query_ask(hunt->query, "INSERT INTO gap (sensor, boot, worker, first, last)"
		" VALUES (?1, ?2, ?3, ?4, ?5)", &hunt->diag);
	counting.worker = query_ask(hunt->query, workers, &hunt->diag);
	counting.past = query_ask(hunt->query, "SELECT seq, dropped, left_out FROM past WHERE sensor = ?1 AND boot = ?2"
		" AND worker = ?3", &hunt->diag);
	if (blocks != NULL && put != NULL && counting.put_gap != NULL && counting.worker != NULL &&
			counting.past != NULL) {
		result = 0;
		while (result == 0 && (code = sqlite3_step(counting.worker)) == SQLITE_ROW)
			result = count_worker(&counting, blocks, put);
	}
	sqlite3_finalize(blocks);
	sqlite3_finalize(put);
	sqlite3_finalize(counting.put_gap);
	sqlite3_finalize(counting.past);
	sqlite3_finalize(counting.worker);
	return result;
}
