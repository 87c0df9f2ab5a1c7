/* Slices of events, and what is counted from them, against counting event by event. */
#include "store/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/askers.h"
#include "store/recount.h"
#include "store/slice_scan.h"
#include "store/window_sums.h"

#define EVENTS 5000
#define NAMES 300u
#define CLIENTS 12u
#define VERDICTS 3u

static uint64_t seed = 7;

static uint32_t draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

/* --- octets --------------------------------------------------------------------------------------------------- */

static void keeps_values_of_any_width(void **state)
{
	static const uint32_t most[] = { 0, 1, 255, 256, 65535, 65536, 16777215, 16777216, UINT32_MAX };
	static uint8_t octets[SLICE_OCTETS_MAX];
	struct slice_event events[40];
	struct slice_column_at columns[SLICE_COLUMNS];
	uint32_t values[40];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		unsigned count = draw(41);
		size_t used;

		for (unsigned column = 0; column < SLICE_COLUMNS; column++) {
			uint32_t top = most[draw(9)];

			for (unsigned i = 0; i < count; i++)
				events[i].values[column] = i == 0 ? top : top == 0 ? 0 : draw(top);
		}
		used = slice_encode(events, count, octets);
		assert_true(slice_layout(octets, used, count, columns));
		for (unsigned column = 0; column < SLICE_COLUMNS; column++) {
			slice_decode(octets, &columns[column], count, values);
			for (unsigned i = 0; i < count; i++)
				assert_int_equal(values[i], events[i].values[column]);
		}
	}
}

static void refuses_octets_that_are_not_so_many_events(void **state)
{
	static const struct { uint8_t header[SLICE_HEADER_OCTETS]; size_t octets; unsigned count; bool fits; const char *why; }
		rows[] = {
		{ { 1, 2, 3, 4, 0, 1 }, 6 + 2 * 11, 2, true, "as it should be" },
		{ { 1, 2, 3, 4, 0, 1 }, 6 + 2 * 11 - 1, 2, false, "one octet is missing" },
		{ { 1, 2, 3, 4, 0, 1 }, 6 + 2 * 11 + 1, 2, false, "one too many" },
		{ { 1, 2, 5, 4, 0, 1 }, 6 + 2 * 13, 2, false, "no value has five octets" },
		{ { 255, 255, 255, 255, 255, 255 }, 6 + 6 * 255, 1, false, "nor 255" },
		{ { 0, 0, 0, 0, 0, 0 }, 6, SLICE_EVENTS_MAX, true, "all of them 0" },
		{ { 0, 0, 0, 0, 0, 0 }, 6, SLICE_EVENTS_MAX + 1, false, "more than a slice has" },
		{ { 4, 4, 4, 4, 4, 4 }, 6, UINT32_MAX, false, "the sum must not wrap" },
	};
	struct slice_column_at columns[SLICE_COLUMNS];

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_layout(rows[i].header, rows[i].octets, rows[i].count, columns) != rows[i].fits)
			fail_msg("%s", rows[i].why);
}

/* --- counting ------------------------------------------------------------------------------------------------- */

struct made {
	sqlite3 *db;
	struct slice_event events[EVENTS];
	int64_t ms[EVENTS];
};

static void run(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
}

static void put(struct made *made, unsigned first, unsigned count, int64_t base)
{
	static uint8_t octets[SLICE_OCTETS_MAX];
	int64_t latest = base;
	sqlite3_stmt *statement;

	for (unsigned i = first; i < first + count; i++) {
		made->ms[i] = base + draw(400);
		made->events[i] = (struct slice_event){ { [SLICE_CLIENT] = draw(CLIENTS), [SLICE_NAME] = draw(NAMES),
			[SLICE_VERDICT] = 1 + draw(VERDICTS), [SLICE_TIME] = (uint32_t)(made->ms[i] - base),
			[SLICE_DOMAIN] = draw(40), [SLICE_REPLY] = 1 + draw(900) } };
		latest = made->ms[i] > latest ? made->ms[i] : latest;
	}
	sqlite3_prepare_v2(made->db, "INSERT INTO day.slice VALUES (?, ?, ?, ?, ?)", -1, &statement, NULL);
	sqlite3_bind_int64(statement, 1, first + 1);
	sqlite3_bind_int64(statement, 2, count);
	sqlite3_bind_int64(statement, 3, base);
	sqlite3_bind_int64(statement, 4, latest);
	sqlite3_bind_blob(statement, 5, octets, (int)slice_encode(&made->events[first], count, octets), SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
	sqlite3_finalize(statement);
}

/* Slices of any size, that overlap in time, some of them before the day's first moment. */
static int setup(void **state)
{
	struct made *made = calloc(1, sizeof(*made));

	assert_int_equal(sqlite3_open(":memory:", &made->db), SQLITE_OK);
	run(made->db, "ATTACH ':memory:' AS day; CREATE TABLE day.slice (first INTEGER PRIMARY KEY, count, earliest, latest,"
		" octets)");
	for (unsigned first = 0, count; first < EVENTS; first += count) {
		count = 1 + draw(600);
		count = count > EVENTS - first ? EVENTS - first : count;
		put(made, first, count, (int64_t)first / 10 - 200);
	}
	*state = made;
	return 0;
}

static int teardown(void **state)
{
	struct made *made = *state;

	sqlite3_close(made->db);
	free(made);
	return 0;
}

/* Some begin or end exactly at an event or beside one; some have nothing in them. */
static struct slice_window a_window(const struct made *made)
{
	struct slice_window window = { 1, EVENTS, made->ms[draw(EVENTS)] + (int64_t)draw(3) - 1,
		made->ms[draw(EVENTS)] + (int64_t)draw(3) - 1 };

	if (draw(10) == 0)
		window.from_ms = INT64_MIN / 4;
	if (draw(10) == 0)
		window.to_ms = INT64_MAX / 4;
	return window;
}

static bool is_in(const struct made *made, const struct slice_window *window, unsigned i)
{
	return made->ms[i] >= window->from_ms && made->ms[i] <= window->to_ms;
}

static void check_row(const struct made *made, const struct slice_window *window, const struct recount_row *row,
	enum recount_by by)
{
	struct recount_row wanted = { .count = 0 };

	for (unsigned i = 0; i < EVENTS; i++) {
		const uint32_t *values = made->events[i].values;

		if (!is_in(made, window, i) || (by == RECOUNT_REPLIES ? values[SLICE_REPLY] != row->name :
				values[SLICE_NAME] != row->name || values[SLICE_CLIENT] != row->client ||
				values[SLICE_VERDICT] != row->verdict))
			continue;
		wanted.first_ms = wanted.count == 0 || made->ms[i] < wanted.first_ms ? made->ms[i] : wanted.first_ms;
		wanted.last_ms = wanted.count == 0 || made->ms[i] > wanted.last_ms ? made->ms[i] : wanted.last_ms;
		wanted.count++;
	}
	assert_int_equal(row->count, wanted.count);
	if (row->count > 0 && (row->first_ms != wanted.first_ms || row->last_ms != wanted.last_ms))
		fail_msg("first %lld, last %lld", (long long)row->first_ms, (long long)row->last_ms);
}

static void counts_again_what_is_wanted(void **state)
{
	const struct made *made = *state;

	for (unsigned round = 0; round < 60; round++) {
		enum recount_by by = draw(2) == 0 ? RECOUNT_PAIRS : RECOUNT_REPLIES;
		const struct slice_window window = a_window(made);
		struct recount *recount = recount_create();
		const struct recount_row *rows;
		size_t count;

		for (unsigned i = 0; i < 10; i++)
			assert_true(by == RECOUNT_PAIRS ? recount_want(recount, 30 * i, draw(CLIENTS), 1 + draw(VERDICTS)) :
				recount_want(recount, 90 * i + 1, 0, 0));
		assert_int_equal(recount_scan(recount, made->db, &window, by), SQLITE_OK);
		rows = recount_rows(recount, &count);
		assert_int_equal(count, 10);
		for (size_t i = 0; i < count; i++)
			check_row(made, &window, &rows[i], by);
		recount_destroy(&recount);
	}
}

static void check_sums(const struct made *made, const struct slice_window *window, uint32_t client,
	const struct window_sums *sums, enum slice_column column)
{
	uint32_t room;
	const struct window_sum *rows = window_sums_of(sums, column, &room);

	for (uint32_t id = 0; id < NAMES; id++) {
		struct window_sum wanted = { .first_ms = INT64_MAX, .last_ms = INT64_MIN };

		for (unsigned i = 0; i < EVENTS; i++) {
			if (!is_in(made, window, i) || made->events[i].values[column] != id ||
					(client != WINDOW_ALL && made->events[i].values[SLICE_CLIENT] != client))
				continue;
			wanted.count++;
			wanted.first_ms = made->ms[i] < wanted.first_ms ? made->ms[i] : wanted.first_ms;
			wanted.last_ms = made->ms[i] > wanted.last_ms ? made->ms[i] : wanted.last_ms;
		}
		assert_int_equal(id < room ? rows[id].count : 0, wanted.count);
		if (wanted.count > 0 && (rows[id].first_ms != wanted.first_ms || rows[id].last_ms != wanted.last_ms))
			fail_msg("first or last of %u", id);
	}
	for (uint32_t id = NAMES; id < room; id++)
		assert_int_equal(rows[id].count, 0);
}

static void check_most(const struct window_sums *sums, size_t most)
{
	uint32_t room, next, ids[NAMES + 1], least = UINT32_MAX, behind = 0;
	const struct window_sum *rows = window_sums_of(sums, SLICE_NAME, &room);
	size_t count = window_sums_most(sums, SLICE_NAME, most, ids, &next);
	bool chosen[NAMES] = { false };

	assert_true(count <= most);
	for (size_t i = 0; i < count; i++) {
		assert_false(chosen[ids[i]]);
		chosen[ids[i]] = true;
		least = rows[ids[i]].count < least ? rows[ids[i]].count : least;
	}
	for (uint32_t id = 1; id < room && id < NAMES; id++)
		if (!chosen[id] && rows[id].count > behind)
			behind = rows[id].count;
	assert_int_equal(next, behind);
	assert_true(behind <= least && (behind == 0 || count == most));
}

static void adds_a_window_up(void **state)
{
	static const enum slice_column columns[] = { SLICE_CLIENT, SLICE_NAME, SLICE_VERDICT, SLICE_DOMAIN };
	const struct made *made = *state;

	for (unsigned round = 0; round < 30; round++) {
		const struct slice_window window = a_window(made);
		uint32_t client = draw(2) == 0 ? WINDOW_ALL : draw(CLIENTS);
		struct window_sums *sums;

		assert_int_equal(window_sums_make(made->db, &window, client, &sums), SQLITE_OK);
		for (unsigned i = 0; i < 4; i++)
			check_sums(made, &window, client, sums, columns[i]);
		for (size_t most = 0; most <= NAMES; most += 1 + draw(60))
			check_most(sums, most);
		window_sums_destroy(&sums);
	}
}

static void knows_a_few_askers(void **state)
{
	const struct made *made = *state;

	for (unsigned round = 0; round < 40; round++) {
		const struct slice_window window = a_window(made);
		struct askers *askers = askers_create();

		for (uint32_t name = 1; name < NAMES; name += 7)
			assert_true(askers_want(askers, name) && askers_want(askers, name));
		assert_int_equal(askers_scan(askers, made->db, &window), SQLITE_OK);
		for (uint32_t name = 0; name < NAMES; name++) {
			bool asks[CLIENTS] = { false };
			const uint32_t *clients;
			unsigned count = askers_of(askers, name, &clients), wanted = 0;

			for (unsigned i = 0; i < EVENTS; i++)
				if (is_in(made, &window, i) && made->events[i].values[SLICE_NAME] == name)
					asks[made->events[i].values[SLICE_CLIENT]] = true;
			for (uint32_t client = 1; client < CLIENTS; client++)
				wanted += asks[client];
			assert_int_equal(count, name % 7 != 1 ? 0 : wanted < ASKERS_MAX ? wanted : ASKERS_MAX);
			for (unsigned i = 0; i < count; i++) {
				assert_true(asks[clients[i]]);
				asks[clients[i]] = false;
			}
		}
		askers_destroy(&askers);
	}
}

static void reads_the_slices_between_two_ids(void **state)
{
	const struct made *made = *state;
	struct slice_window window = { EVENTS - 1, EVENTS, INT64_MIN / 4, INT64_MAX / 4 };
	struct window_sums *sums;
	const struct window_sum *rows;
	uint32_t room, count = 0;
	sqlite3_stmt *last;

	sqlite3_prepare_v2(made->db, "SELECT count FROM day.slice ORDER BY first DESC LIMIT 1", -1, &last, NULL);
	assert_int_equal(sqlite3_step(last), SQLITE_ROW);
	assert_int_equal(window_sums_make(made->db, &window, WINDOW_ALL, &sums), SQLITE_OK);
	rows = window_sums_of(sums, SLICE_VERDICT, &room);
	for (uint32_t id = 0; id < room; id++)
		count += rows[id].count;
	assert_int_equal(count, sqlite3_column_int(last, 0));
	window_sums_destroy(&sums);
	sqlite3_finalize(last);
}

static void finds_damage(void **state)
{
	static const struct { const char *damage, *why; } rows[] = {
		{ "UPDATE day.slice SET octets = zeroblob(7) WHERE first = 1", "an octet more than the header says" },
		{ "UPDATE day.slice SET octets = x'' WHERE first = 1", "no header" },
		{ "UPDATE day.slice SET octets = x'ffffffffffff' WHERE first = 1", "a header of nothing" },
		{ "UPDATE day.slice SET count = count + 1 WHERE first = 1", "one event too many" },
		{ "UPDATE day.slice SET count = -1 WHERE first = 1", "less than none" },
		{ "UPDATE day.slice SET count = 9000000000000 WHERE first = 1", "more than there can be" },
		{ "UPDATE day.slice SET latest = earliest - 1 WHERE first = 1", "ends before it begins" },
		{ "UPDATE day.slice SET earliest = -9000000000000000 WHERE first = 1", "longer than its times can say" },
	};
	const struct made *made = *state;
	const struct slice_window window = { 1, EVENTS, INT64_MIN / 4, INT64_MAX / 4 };
	struct window_sums *sums;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(made->db, "SAVEPOINT before");
		run(made->db, rows[i].damage);
		if (window_sums_make(made->db, &window, WINDOW_ALL, &sums) != SQLITE_CORRUPT || sums != NULL)
			fail_msg("%s", rows[i].why);
		run(made->db, "ROLLBACK TO before; RELEASE before");
	}
	assert_int_equal(window_sums_make(made->db, &window, WINDOW_ALL, &sums), SQLITE_OK);
	window_sums_destroy(&sums);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_values_of_any_width),
		cmocka_unit_test(refuses_octets_that_are_not_so_many_events),
		cmocka_unit_test_setup_teardown(counts_again_what_is_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(adds_a_window_up, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_a_few_askers, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_the_slices_between_two_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_damage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
