/* test_query.c: several day files asked as one, with some that are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/name.h"
#include "store/query.h"
#include "store/shelf.h"
#include "store/store.h"
#include "tests/unit/directory.h"

#define DAY_S INT64_C(1795219200)
#define DAYS 3

static char told[4096];

static void tell(void *arg, const char *text)
{
	(void)arg;
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s\n", text);
}

static void fill(const char *directory)
{
	const struct store_options options = { .directory = directory };
	struct diag diag = { .text = "" };
	struct store *store = store_open(&options, &diag);
	struct name name;
	bool again;

	assert_non_null(store);
	assert_null(name_from_text(&name, "www.example", 11));
	for (unsigned i = 0; i < DAYS * 10; i++) {
		struct store_event event = { .source = { "r", 0x123456789abc, 0 }, .counter = i + 1,
			.day_s = DAY_S + i / 10 * 86400, .latency_us = UINT32_MAX, .client = { ADDRESS_INET, 0, { 10, 0, 0, 1 } },
			.qname = name.octets, .qname_octets = name.length, .qtype = 1, .qclass = 1, .verdict = { "allow", "", "", "", "",
			"", "", "", "", "", "", "", "", 0, 0, 0 } };

		event.time_us = (uint64_t)event.day_s * 1000000 + i % 10 * 1000000;
		assert_int_equal(store_put(store, &event, &again, &diag), 0);
	}
	assert_int_equal(store_commit(store, &diag), 0);
	store_close(&store);
}

static struct query *open_window(const char *directory, int64_t from_ms, int64_t to_ms)
{
	const struct query_options options = { .directory = directory, .from_ms = from_ms, .to_ms = to_ms, .tell = tell };
	struct diag diag = { .text = "" };
	struct query *query = query_open(&options, &diag);

	told[0] = '\0';
	assert_non_null(query);
	assert_int_equal(query_run(query, "CREATE TABLE t (day, n)", &diag), 0);
	return query;
}

static int64_t number(struct query *query, const char *text)
{
	struct diag diag = { .text = "" };
	sqlite3_stmt *statement = query_ask(query, text, &diag);
	int64_t found;

	assert_non_null(statement);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	found = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return found;
}

static const char count[] = "INSERT INTO t SELECT :day, count(*) FROM day.event WHERE at BETWEEN :from_us AND :to_us";

static void asks_the_files_of_the_window(void **state)
{
	struct directory *directory = *state;
	struct diag diag = { .text = "" };
	struct query *query;

	fill(directory->path);
	query = open_window(directory->path, (DAY_S + 86400) * 1000 + 2000, (DAY_S + 2 * 86400) * 1000 + 3000);
	assert_int_equal(query_gather(query, QUERY_ALL, count, &diag), 0);
	assert_int_equal(query_files(query), 2);
	assert_int_equal(number(query, "SELECT sum(n) FROM t"), 8 + 4);
	assert_int_equal(number(query, "SELECT min(day) FROM t"), (DAY_S + 86400) * 1000);
	assert_int_equal(query_gather(query, QUERY_VERDICTS, count, &diag), 0);
	assert_int_equal(number(query, "SELECT sum(n) FROM t"), 12);
	assert_int_equal(query_run(query, "DELETE FROM t", &diag), 0);
	assert_int_equal(query_gather_before(query, QUERY_ALL, "INSERT INTO t SELECT :day, count(*) FROM day.event", &diag), 0);
	assert_int_equal(number(query, "SELECT sum(n) FROM t"), 10);
	query_close(&query);
	assert_null(query);
}

static void passes_a_broken_file_over_with_all_that_came_of_it(void **state)
{
	struct directory *directory = *state;
	struct diag diag = { .text = "" };
	char path[SHELF_PATH_MAX];
	struct query *query;
	FILE *file;

	fill(directory->path);
	shelf_path(directory->path, DAY_S + 86400, STORE_PLAIN, path);
	file = fopen(path, "r+b");
	assert_non_null(file);
	fseek(file, 4096, SEEK_SET);
	for (unsigned i = 0; i < 100000; i++)
		fputc(0xa5, file);
	fclose(file);
	query = open_window(directory->path, QUERY_BEGIN, QUERY_END);
	assert_int_equal(query_gather(query, QUERY_ALL, "INSERT INTO t VALUES (:day, 1000);"
		"INSERT INTO t SELECT :day, count(*) FROM day.event NOT INDEXED", &diag), 0);
	assert_int_equal(query_passed_over(query), 1);
	assert_non_null(strstr(told, path));
	assert_int_equal(number(query, "SELECT sum(n) FROM t"), 2 * (1000 + 10));
	query_close(&query);
}

static void remove_second(void *arg, unsigned done, unsigned of)
{
	struct diag diag;
	char path[SHELF_PATH_MAX];

	(void)of;
	shelf_path(arg, DAY_S + 86400, STORE_PLAIN, path);
	if (done == 1)
		assert_int_equal(shelf_remove(path, &diag), 0);
}

static void says_which_file_went_away(void **state)
{
	struct directory *directory = *state;
	const struct query_options options = { .directory = directory->path, .from_ms = QUERY_BEGIN, .to_ms = QUERY_END,
		.tell = tell, .progress = remove_second, .arg = directory->path };
	struct diag diag = { .text = "" };
	struct query *query;

	fill(directory->path);
	told[0] = '\0';
	query = query_open(&options, &diag);
	assert_non_null(query);
	assert_int_equal(query_run(query, "CREATE TABLE t (day, n)", &diag), 0);
	assert_int_equal(query_gather(query, QUERY_ALL, count, &diag), 0);
	assert_int_equal(query_gather(query, QUERY_ALL, count, &diag), 0);
	assert_int_equal(number(query, "SELECT sum(n) FROM t"), 2 * 2 * 10);
	assert_int_equal(query_files(query), 3);
	assert_int_equal(query_gone(query), 1);
	assert_int_equal(query_passed_over(query), 0);
	assert_non_null(strstr(told, "was removed"));
	assert_null(strchr(strchr(told, '\n') + 1, '\n'));
	query_close(&query);
}

static void takes_away_what_lies_beside_a_file_that_is_gone(void **state)
{
	struct directory *directory = *state;
	char path[SHELF_PATH_MAX], beside[SHELF_PATH_MAX + 8];
	FILE *file;

	shelf_path(directory->path, DAY_S, STORE_PLAIN, path);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(beside, sizeof(beside), "%s%s", path, i == 0 ? "-wal" : "-shm");
		file = fopen(beside, "w");
		assert_non_null(file);
		fclose(file);
		shelf_sweep(directory->path);
		assert_null(fopen(beside, "r"));
	}
	fill(directory->path);
	snprintf(beside, sizeof(beside), "%s-wal", path);
	fclose(fopen(beside, "w"));
	shelf_sweep(directory->path);
	file = fopen(beside, "r");
	assert_non_null(file);
	fclose(file);
}

static void binds_values_and_never_text(void **state)
{
	struct directory *directory = *state;
	struct diag diag = { .text = "" };
	struct query *query = open_window(directory->path, 0, 1);

	assert_true(query_bind_text(query, ":text", "'); DROP TABLE t; --"));
	assert_true(query_bind_octets(query, ":octets", "\0'\0", 3));
	assert_true(query_bind_number(query, ":number", -5));
	assert_true(query_bind_number(query, ":number", 5));
	assert_int_equal(query_run(query, "INSERT INTO t VALUES (:text, :octets); INSERT INTO t VALUES (:number, :begin)",
		&diag), 0);
	assert_int_equal(number(query, "SELECT count(*) FROM t WHERE day = :text AND n = :octets AND length(n) = 3"), 1);
	assert_int_equal(number(query, "SELECT day FROM t WHERE n = 0"), 5);
	query_close(&query);
}

static void refuses_values_that_are_too_long_or_too_many(void **state)
{
	static char text[QUERY_VALUE_MAX + 2];
	struct directory *directory = *state;
	struct query *query = open_window(directory->path, 0, 1);
	char name[16];

	memset(text, 'x', QUERY_VALUE_MAX + 1);
	assert_false(query_bind_text(query, ":text", text));
	text[QUERY_VALUE_MAX] = '\0';
	assert_true(query_bind_text(query, ":text", text));
	for (unsigned i = 1; i < QUERY_PARAMETERS; i++) {
		snprintf(name, sizeof(name), ":p%u", i);
		assert_true(query_bind_number(query, name, i));
	}
	assert_false(query_bind_number(query, ":more", 1));
	assert_true(query_bind_number(query, ":p1", 7));
	query_close(&query);
}

static void says_what_cannot_be_asked(void **state)
{
	struct directory *directory = *state;
	struct diag diag = { .text = "" };
	struct query *query = open_window(directory->path, QUERY_BEGIN, QUERY_END);
	struct query *nowhere = NULL;
	const struct query_options options = { .directory = "/nonexistent", .from_ms = 0, .to_ms = 1, .tell = tell };

	assert_int_equal(query_run(query, "SELECT nothing FROM t", &diag), -1);
	assert_non_null(strstr(diag.text, "nothing"));
	assert_null(query_ask(query, "SELEC", &diag));
	query_close(&query);
	nowhere = query_open(&options, &diag);
	assert_non_null(nowhere);
	assert_int_equal(query_gather(nowhere, QUERY_ALL, count, &diag), -1);
	query_close(&nowhere);
	query_close(&nowhere);
}

static int setup(void **state)
{
	struct directory *directory = malloc(sizeof(*directory));

	assert_non_null(directory);
	*directory = directory_make();
	*state = directory;
	return 0;
}

static int teardown(void **state)
{
	directory_remove(*state);
	free(*state);
	return 0;
}

#define IN_DIRECTORY(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(asks_the_files_of_the_window),
		IN_DIRECTORY(passes_a_broken_file_over_with_all_that_came_of_it),
		IN_DIRECTORY(says_which_file_went_away),
		IN_DIRECTORY(takes_away_what_lies_beside_a_file_that_is_gone),
		IN_DIRECTORY(binds_values_and_never_text),
		IN_DIRECTORY(refuses_values_that_are_too_long_or_too_many),
		IN_DIRECTORY(says_what_cannot_be_asked),
	};

	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
