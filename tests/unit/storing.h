/*
 * storing.h: events into a store, and questions to its files.
 */
#ifndef TESTS_UNIT_STORING_H
#define TESTS_UNIT_STORING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "store/slice_scan.h"
#include "store/store.h"
#include "tests/unit/directory.h"

#define DAY 1795219200
#define DAY_S 86400
#define PLAIN "2026-11-21-plain.sqlite"
#define VERDICTS "2026-11-21-verdicts.sqlite"

struct sample {
	struct store_event event;
	struct name qname, owner;
	struct store_record record;
	uint8_t data[16];
};

static inline void sample_init(struct sample *sample, const char *qname, uint64_t counter)
{
	memset(sample, 0, sizeof(*sample));
	assert_null(name_from_text(&sample->qname, qname, strlen(qname)));
	memcpy(sample->data, (uint8_t[]){ 192, 0, 2, 1 }, 4);
	sample->record = (struct store_record){ sample->qname.octets, sample->qname.length, 1, 300, sample->data, 4 };
	sample->event = (struct store_event){ .source = { "resolver-1", 0x6560abcd1234, 0 }, .counter = counter,
		.time_us = (uint64_t)DAY * 1000000 + counter * 1000, .day_s = DAY, .latency_us = 70, .transport = 1,
		.client = { ADDRESS_INET, 0, { 10, 0, 0, 1 } }, .qname = sample->qname.octets,
		.qname_octets = sample->qname.length, .qtype = 1, .qclass = 1, .flags = 0x180, .upstream = true,
		.record_count = 1, .records = &sample->record,
		.verdict = { "allow", "", "", "", "", "", "", "", "", "", "", "", "", 0, 0, 0 } };
}

static inline void fail_with(const struct diag *diag)
{
	char text[sizeof(struct diag) + 32];

	fail_msg("%s", diag_format(diag, text, sizeof(text)));
}

static inline bool put(struct store *store, const struct store_event *event)
{
	struct diag diag;
	bool again = false;

	if (store_put(store, event, &again, &diag) != 0)
		fail_with(&diag);
	return again;
}

static inline void put_simple(struct store *store, const char *qname, uint64_t counter)
{
	struct sample sample;

	sample_init(&sample, qname, counter);
	assert_false(put(store, &sample.event));
}

static inline void commit(struct store *store)
{
	struct diag diag;

	if (store_commit(store, &diag) != 0)
		fail_with(&diag);
}

static char told[1024];

static inline void tell(void *arg, const char *text)
{
	(void)arg;
	snprintf(told, sizeof(told), "%s", text);
}

static inline struct store *open_store(const struct directory *directory)
{
	const struct store_options options = { .directory = directory->path, .tell = tell };
	struct diag diag;
	struct store *store = store_open(&options, &diag);

	if (store == NULL)
		fail_with(&diag);
	return store;
}

/* The first column of the first row as text; "" for no row. */
static inline const char *ask(const struct directory *directory, const char *file, const char *text)
{
	static char answer[4096];
	char path[256];
	sqlite3_stmt *statement;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", directory->path, file);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(db));
	answer[0] = '\0';
	if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL)
		snprintf(answer, sizeof(answer), "%s", (const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

static inline long number(const struct directory *directory, const char *file, const char *text)
{
	return strtol(ask(directory, file, text), NULL, 10);
}

static inline int setup(void **state)
{
	struct directory *directory = malloc(sizeof(*directory));

	*directory = directory_make();
	*state = directory;
	told[0] = '\0';
	return 0;
}

static inline int teardown(void **state)
{
	directory_remove(*state);
	free(*state);
	return 0;
}

static inline int check_slice(void *arg, const struct slice *slice)
{
	sqlite3_stmt *event = arg;

	for (unsigned i = 0; i < slice->count; i++) {
		assert_int_equal(sqlite3_step(event), SQLITE_ROW);
		if (sqlite3_column_int64(event, 0) != slice->begin_ms + slice->values[SLICE_TIME][i])
			fail_msg("event %lld has another time", (long long)sqlite3_column_int64(event, 6));
		assert_int_equal(sqlite3_column_int64(event, 1), slice->values[SLICE_CLIENT][i]);
		assert_int_equal(sqlite3_column_int64(event, 2), slice->values[SLICE_NAME][i]);
		assert_int_equal(sqlite3_column_int64(event, 3), slice->values[SLICE_VERDICT][i]);
		assert_int_equal(sqlite3_column_int64(event, 4), slice->values[SLICE_DOMAIN][i]);
		assert_int_equal(sqlite3_column_int64(event, 5), slice->values[SLICE_REPLY][i]);
	}
	return SQLITE_OK;
}

/* Slices have all events, in the order of their ids, and nothing else. */
static inline void check_slices(const struct directory *directory, const char *file)
{
	const struct slice_window all = { INT64_MIN, INT64_MAX, INT64_MIN / 4, INT64_MAX / 4 };
	char path[256];
	sqlite3_stmt *event;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", directory->path, file);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT (e.at - ((e.at % 1000) + 1000) % 1000) / 1000, e.client, r.name, r.verdict,"
		" ifnull(n.domain, 0), e.reply, e.id FROM event AS e JOIN reply AS r ON r.id = e.reply LEFT JOIN name AS n"
		" ON n.id = r.name ORDER BY e.id", -1, &event, NULL), SQLITE_OK);
	assert_int_equal(slice_scan(db, "main", &all, SLICE_REPLY, check_slice, event), SQLITE_OK);
	assert_int_equal(sqlite3_step(event), SQLITE_DONE);
	sqlite3_finalize(event);
	sqlite3_close(db);
	assert_int_equal(number(directory, file, "SELECT (SELECT min(id) FROM event) < (SELECT min(first) FROM slice)"), 0);
}

/* What is added up, against adding up what it is made of. */
static inline void check_sums(const struct directory *directory, const char *file)
{
	static const struct { const char *sums, *made; } laws[] = {
		{ "SELECT name, domain, clients, first, last, count FROM name_sum",
			"SELECT p.name, n.domain, count(DISTINCT nullif(client, 0)), min(first), max(last), sum(count) FROM pair AS p"
			" JOIN name AS n ON n.id = p.name GROUP BY p.name" },
		{ "SELECT name, client FROM name_sum WHERE clients = 1",
			"SELECT name, max(client) FROM pair WHERE name <> 0 GROUP BY name HAVING count(DISTINCT nullif(client, 0)) = 1" },
		{ "SELECT * FROM domain_sum", "SELECT n.domain, min(first), max(last), sum(count) FROM pair AS p"
			" JOIN name AS n ON n.id = p.name WHERE n.domain <> 0 GROUP BY n.domain" },
		{ "SELECT * FROM client_sum", "SELECT client, min(first), max(last), sum(count), count(DISTINCT name) FROM pair"
			" WHERE client <> 0 GROUP BY client" },
		{ "SELECT * FROM verdict_sum", "SELECT verdict, min(first), max(last), sum(count) FROM pair GROUP BY verdict" },
	};
	char text[1400];

	for (unsigned i = 0; i < sizeof(laws) / sizeof(laws[0]); i++) {
		snprintf(text, sizeof(text), "SELECT count(*) FROM (SELECT * FROM (%s) EXCEPT SELECT * FROM (%s))", laws[i].sums,
			laws[i].made);
		assert_int_equal(number(directory, file, text), 0);
		snprintf(text, sizeof(text), "SELECT count(*) FROM (SELECT * FROM (%s) EXCEPT SELECT * FROM (%s))", laws[i].made,
			laws[i].sums);
		assert_int_equal(number(directory, file, text), 0);
	}
	assert_int_equal(number(directory, file, "SELECT count(*) FROM name_sum WHERE clients > 0 AND client NOT IN"
		" (SELECT id FROM client)"), 0);
	check_slices(directory, file);
}

#define IN_DIRECTORY(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

#endif
