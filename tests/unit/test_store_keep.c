/* test_store_keep.c: what goes from a store: old days, and clients. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "store/forget.h"
#include "store/shelf.h"
#include "tests/unit/storing.h"

static void change(const struct directory *directory, const char *file, const char *text)
{
	char path[SHELF_PATH_MAX];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", directory->path, file);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void removes_days_by_age_and_size(void **state)
{
	struct store *store = open_store(*state);
	struct store_limits limits = { { 0 }, 0 };
	struct sample sample;
	struct diag diag;
	unsigned removed;

	for (uint64_t i = 0; i < 6; i++) {
		sample_init(&sample, "www.example", i + 1);
		sample.event.day_s = DAY + (int64_t)(i / 2) * DAY_S;
		sample.event.class = i % 2 == 0 ? STORE_PLAIN : STORE_VERDICTS;
		put(store, &sample.event);
	}
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S + 5, &removed, &diag), 0);
	assert_int_equal(removed, 0);
	limits.keep_s[STORE_PLAIN] = DAY_S;
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S - 1, &removed, &diag), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S, &removed, &diag), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(directory_count(*state, PLAIN), 0);
	assert_true(directory_count(*state, VERDICTS) > 0);
	limits.octets = 1;
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S + 5, &removed, &diag), 0);
	assert_int_equal(removed, 3);
	store_close(&store);
	assert_int_equal(number(*state, "2026-11-23-plain.sqlite", "SELECT count(*) FROM event"), 1);
	assert_int_equal(number(*state, "2026-11-23-verdicts.sqlite", "SELECT count(*) FROM event"), 1);
}

static void removes_what_was_set_aside_as_its_day(void **state)
{
	static const char *const aside[] = { PLAIN ".damaged", PLAIN ".damaged-1", PLAIN ".damaged-1-wal", VERDICTS ".damaged" };
	struct store *store = open_store(*state);
	struct store_limits limits = { { [STORE_PLAIN] = DAY_S }, 0 };
	struct diag diag;
	unsigned removed;

	put_simple(store, "www.example", 1);
	commit(store);
	for (size_t i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		directory_write(*state, aside[i], 0, "broken", 6);
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S - 1, &removed, &diag), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S, &removed, &diag), 0);
	assert_int_equal(removed, 3);
	assert_int_equal(directory_count(*state, PLAIN), 0);
	assert_int_equal(directory_count(*state, VERDICTS ".damaged"), 1);
	limits.octets = 1;
	assert_int_equal(store_keep(store, &limits, DAY + 2 * DAY_S, &removed, &diag), 0);
	assert_int_equal(directory_count(*state, VERDICTS ".damaged"), 0);
	store_close(&store);
}

static void what_cannot_be_removed_costs_nothing_else(void **state)
{
	struct store *store = open_store(*state);
	const struct directory *directory = *state;
	const struct store_limits limits = { { [STORE_PLAIN] = DAY_S }, 0 };
	char path[SHELF_PATH_MAX];
	struct sample sample;
	struct diag diag;
	unsigned removed;

	/* A directory is none of the files that can be unlinked. */
	snprintf(path, sizeof(path), "%s/2026-11-20-plain.sqlite.damaged", directory->path);
	assert_int_equal(mkdir(path, 0700), 0);
	put_simple(store, "www.example", 1);
	commit(store);
	sample_init(&sample, "www.example", 2);
	sample.event.day_s = DAY + 3 * DAY_S;
	put(store, &sample.event);
	assert_int_equal(store_keep(store, &limits, DAY + 3 * DAY_S, &removed, &diag), 1);
	assert_non_null(strstr(diag.file, "2026-11-20-plain.sqlite.damaged"));
	assert_int_equal(removed, 1);
	assert_int_equal(directory_count(*state, PLAIN), 0);
	commit(store);
	store_close(&store);
	assert_int_equal(number(*state, "2026-11-24-plain.sqlite", "SELECT count(*) FROM event"), 1);
	assert_int_equal(rmdir(path), 0);
}

static void forgets_a_client(void **state)
{
	struct store *store = open_store(*state);
	const struct address network = { ADDRESS_INET, 0, { 10, 0, 1, 77 } };
	struct sample sample;
	struct diag diag;
	uint64_t events;

	for (uint64_t i = 1; i <= 9; i++) {
		sample_init(&sample, "www.example", i);
		sample.event.client.octets[2] = (uint8_t)(i % 3);
		sample.event.client.octets[3] = (uint8_t)i;
		sample.event.class = i > 6 ? STORE_VERDICTS : STORE_PLAIN;
		sample.event.detail = i > 6 ? "[]" : NULL;
		put(store, &sample.event);
	}
	assert_int_equal(store_forget(store, &network, 24, &events, &diag), 0);
	assert_int_equal(events, 3);
	sample_init(&sample, "www.example", 1);
	assert_true(put(store, &sample.event));
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 4);
	assert_int_equal(number(*state, VERDICTS, "SELECT count(*) FROM detail"), 2);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM client WHERE hex(address) LIKE '0A0001%'"), 0);
	assert_int_equal(number(*state, PLAIN, "SELECT sum(count) FROM pair"), 4);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event WHERE client NOT IN (SELECT id FROM client)"), 0);
}

static int die(void *arg)
{
	(void)arg;
	kill(getpid(), SIGKILL);
	return 0;
}

/* What is changed goes to the disk before the end of its transaction, which never comes. */
static int die_at_commit(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
	(void)why;
	(void)api;
	sqlite3_exec(db, "PRAGMA cache_size = 1; PRAGMA cache_spill = 1", NULL, NULL, NULL);
	sqlite3_commit_hook(db, die, NULL);
	return SQLITE_OK;
}

static void readers_answer_from_a_day_as_it_was_before_a_forget_that_was_killed(void **state)
{
	const struct directory *directory = *state;
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 1, 77 } };
	struct store *store = open_store(directory);
	struct sample sample;
	struct diag diag;
	uint64_t events;
	int status = 0;
	pid_t child;

	for (uint64_t i = 1; i <= 2000; i++) {
		sample_init(&sample, "www.example", i);
		sample.event.client = client;
		put(store, &sample.event);
	}
	commit(store);
	store_close(&store);
	child = fork();
	if (child == 0) {
		char path[SHELF_PATH_MAX];

		snprintf(path, sizeof(path), "%s/" PLAIN, directory->path);
		sqlite3_auto_extension((void (*)(void))die_at_commit);
		forget_in(path, &client, 32, &events, &diag);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(number(directory, PLAIN, "SELECT count(*) FROM event WHERE client <> 0"), 2000);
	store = open_store(directory);
	assert_int_equal(store_forget(store, &client, 32, &events, &diag), 0);
	store_close(&store);
	assert_int_equal(events, 2000);
	assert_int_equal(number(directory, PLAIN, "SELECT count(*) FROM event"), 0);
}

static void forgets_an_ipv4_client_that_was_kept_as_mapped(void **state)
{
	struct store *store = open_store(*state);
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 1, 77 } };
	struct sample sample;
	struct diag diag;
	uint64_t events;

	for (uint64_t i = 1; i <= 3; i++) {
		sample_init(&sample, "www.example", i);
		sample.event.client = (struct address){ ADDRESS_INET6, 0, { [10] = 0xff, 0xff, 10, 0, 1, (uint8_t)(75 + i) } };
		put(store, &sample.event);
	}
	assert_int_equal(store_forget(store, &client, 32, &events, &diag), 0);
	assert_int_equal(events, 1);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM client WHERE hex(address) LIKE '%0A00014D'"), 0);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 2);
}

/* Without the tables of sums. */
static void forgets_a_client_in_a_file_of_the_first_release(void **state)
{
	struct store *store = open_store(*state);
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 0, 9 } };
	struct sample sample;
	struct diag diag;
	uint64_t events;

	sample_init(&sample, "www.example", 1);
	sample.event.client = client;
	put(store, &sample.event);
	sample.event.class = STORE_VERDICTS;
	sample.event.counter = 2;
	put(store, &sample.event);
	commit(store);
	store_close(&store);
	change(*state, PLAIN, "DROP TABLE name_sum; DROP TABLE domain_sum; DROP TABLE client_sum; DROP TABLE verdict_sum;"
		"DROP TABLE slice;"
		"PRAGMA user_version = 1");
	change(*state, VERDICTS, "PRAGMA user_version = 1000");
	store = open_store(*state);
	assert_int_equal(store_forget(store, &client, 32, &events, &diag), -1);
	assert_int_equal(events, 1);
	assert_non_null(strstr(diag.file, "verdicts"));
	assert_non_null(strstr(diag.text, "later release"));
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 0);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM client"), 0);
}

/* Names of several clients, of one alone, and of nobody that is known: what is left is added up as if the others had never
 * been. */
static void forgets_a_client_in_what_is_added_up(void **state)
{
	static const char *const names[] = { "www.example", "a.shop.example", "b.shop.example", "alone.example", "other.example" };
	struct store *store = open_store(*state);
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 0, 7 } };
	struct sample sample;
	struct diag diag;
	uint64_t events, i = 0;

	sample_init(&sample, names[0], ++i);
	sample.event.client.octets[3] = 7;
	sample.event.verdict.rule = "its";
	sample.event.time_us -= 5000000;                /* nobody else asked so early */
	put(store, &sample.event);
	for (unsigned name = 0; name < 5; name++)
		for (unsigned who = 5; who < 9; who++) {
			if ((name == 3 && who != 7) || (name == 4 && who > 6))
				continue;
			sample_init(&sample, names[name], ++i);
			sample.event.client.octets[3] = (uint8_t)who;
			sample.event.verdict.rule = who == 7 ? "its" : i % 2 == 0 ? "even" : "odd";
			if (who == 8)
				sample.event.client.family = ADDRESS_NONE;
			put(store, &sample.event);
			if (i == 9)
				commit(store);
		}
	commit(store);
	/* Known by another verdict: it is no new client of that name. */
	sample_init(&sample, names[0], ++i);
	sample.event.client.octets[3] = 5;
	sample.event.verdict.rule = "later";
	put(store, &sample.event);
	commit(store);
	check_sums(*state, PLAIN);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM name_sum"), 5);
	assert_int_equal(store_forget(store, &client, 32, &events, &diag), 0);
	assert_int_equal(events, 5);
	store_close(&store);
	check_sums(*state, PLAIN);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM name_sum"), 4);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM client_sum"), 2);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM verdict_sum"), 3);
	assert_int_equal(number(*state, PLAIN, "SELECT sum(count) FROM minute"), i - 5);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM (SELECT minute, verdict, count FROM minute EXCEPT SELECT"
		" e.at / 60000000, r.verdict, count(*) FROM event AS e JOIN reply AS r ON r.id = e.reply GROUP BY 1, 2)"), 0);
}

/* A rule that is about one client says who that was. */
static void forgets_the_rule_that_names_a_client(void **state)
{
	static const char *const rules[] = { "10.0.1.1/32", "10.0.2.2/32" };
	struct store *store = open_store(*state);
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 1, 1 } };
	struct sample sample;
	struct diag diag;
	uint64_t events;

	for (unsigned i = 1; i <= 2; i++) {
		sample_init(&sample, "www.example", i);
		memcpy(sample.event.client.octets, (uint8_t[]){ 10, 0, (uint8_t)i, (uint8_t)i }, 4);
		sample.event.class = STORE_VERDICTS;
		sample.event.verdict.trigger = "CLIENT-IP";
		sample.event.verdict.rule = rules[i - 1];
		put(store, &sample.event);
	}
	assert_int_equal(store_forget(store, &client, 32, &events, &diag), 0);
	assert_int_equal(events, 1);
	store_close(&store);
	assert_string_equal(ask(*state, VERDICTS, "SELECT group_concat(rule, ' ') FROM verdict"), "(forgotten 1) 10.0.2.2/32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(removes_days_by_age_and_size),
		IN_DIRECTORY(forgets_a_client),
		IN_DIRECTORY(readers_answer_from_a_day_as_it_was_before_a_forget_that_was_killed),
		IN_DIRECTORY(forgets_an_ipv4_client_that_was_kept_as_mapped),
		IN_DIRECTORY(forgets_a_client_in_a_file_of_the_first_release),
		IN_DIRECTORY(forgets_a_client_in_what_is_added_up),
		IN_DIRECTORY(forgets_the_rule_that_names_a_client),
		IN_DIRECTORY(removes_what_was_set_aside_as_its_day),
		IN_DIRECTORY(what_cannot_be_removed_costs_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
