#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store/forget.h"
#include "store/name_key.h"
#include "store/shelf.h"
#include "store/slice_scan.h"
#include "store/store.h"
#include "tests/unit/directory.h"

#define DAY 1795219200
#define DAY_S 86400
#define PLAIN "2026-11-21-plain.sqlite"
#define VERDICTS "2026-11-21-verdicts.sqlite"

/* --- events --------------------------------------------------------------------------------------------------- */

struct sample {
	struct store_event event;
	struct name qname, owner;
	struct store_record record;
	uint8_t data[16];
};

static void sample_init(struct sample *sample, const char *qname, uint64_t counter)
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

static void fail_with(const struct diag *diag)
{
	char text[sizeof(struct diag) + 32];

	fail_msg("%s", diag_format(diag, text, sizeof(text)));
}

static bool put(struct store *store, const struct store_event *event)
{
	struct diag diag;
	bool again = false;

	if (store_put(store, event, &again, &diag) != 0)
		fail_with(&diag);
	return again;
}

static void put_simple(struct store *store, const char *qname, uint64_t counter)
{
	struct sample sample;

	sample_init(&sample, qname, counter);
	assert_false(put(store, &sample.event));
}

static void commit(struct store *store)
{
	struct diag diag;

	if (store_commit(store, &diag) != 0)
		fail_with(&diag);
}

static char told[1024];

static void tell(void *arg, const char *text)
{
	(void)arg;
	snprintf(told, sizeof(told), "%s", text);
}

static struct store *open_store(const struct directory *directory)
{
	const struct store_options options = { .directory = directory->path, .tell = tell };
	struct diag diag;
	struct store *store = store_open(&options, &diag);

	if (store == NULL)
		fail_with(&diag);
	return store;
}

/* --- questions ------------------------------------------------------------------------------------------------ */

/* The first column of the first row as text; "" for no row. */
static const char *ask(const struct directory *directory, const char *file, const char *text)
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

static void change(const struct directory *directory, const char *file, const char *text)
{
	char path[SHELF_PATH_MAX];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", directory->path, file);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static long number(const struct directory *directory, const char *file, const char *text)
{
	return strtol(ask(directory, file, text), NULL, 10);
}

static int setup(void **state)
{
	struct directory *directory = malloc(sizeof(*directory));

	*directory = directory_make();
	*state = directory;
	told[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	directory_remove(*state);
	free(*state);
	return 0;
}

/* --- claims --------------------------------------------------------------------------------------------------- */

static void keeps_what_an_event_says(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "www.Example.com", 7);
	sample.event.verdict = (struct store_verdict){ "nxdomain", "malware", "*.example.com", "QNAME", "c2", " T1071.004 ",
		"branch", "", "", "", "", "", " tunnel/high/observe ", 1, 42, 15 };
	sample.event.class = STORE_VERDICTS;
	sample.event.score = 93;
	sample.event.detail = "[{\"detector\":\"tunnel\"}]";
	sample.event.rcode = 3;
	put(store, &sample.event);
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, VERDICTS, "SELECT n.key || ' ' || d.key || ' ' || hex(c.address) || ' ' || e.at || ' ' ||"
		" e.seq || ' ' || e.latency || ' ' || e.score || ' ' || e.transport || ' ' || r.type || ' ' || r.rcode || ' ' ||"
		" r.flags || ' ' || v.verdict || ' ' || v.list || ' ' || v.rule || ' ' || v.trigger || ' ' || v.category ||"
		" v.techniques || v.chain || ' ' || v.serial || ' ' || v.ede || ' ' || v.grp || v.detectors || s.boot || ' ' ||"
		" s.worker || ' ' || z.identity || ' ' || x.detections FROM event e JOIN reply r ON r.id = e.reply JOIN name n"
		" ON n.id = r.name JOIN name d ON d.id = n.domain JOIN client c ON c.id = e.client JOIN verdict v ON v.id ="
		" r.verdict JOIN source s ON s.id = e.source JOIN sensor z ON z.id = s.sensor JOIN detail x ON x.event = e.id"),
		"com.example.www com.example 0A000001 7000 7 70 93 1 1 3 384 nxdomain malware *.example.com QNAME c2 T1071.004 1"
		" 42 15 branch tunnel/high/observe 6560abcd1234 0 resolver-1 [{\"detector\":\"tunnel\"}]");
	assert_string_equal(ask(*state, VERDICTS, "SELECT n.key || ' ' || rr.type || ' ' || hex(rr.data) || ' ' || rr.ttl FROM"
		" reply r, json_each(r.records) j JOIN rr ON rr.id = j.value JOIN name n ON n.id = rr.owner"),
		"com.example.www 1 C0000201 300");
}

static void files_by_day_and_class(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "a.example", 1);
	put(store, &sample.event);
	sample_init(&sample, "b.example", 2);
	sample.event.day_s += DAY_S;
	sample.event.time_us += (uint64_t)DAY_S * 1000000;
	put(store, &sample.event);
	sample_init(&sample, "c.example", 3);
	sample.event.class = STORE_VERDICTS;
	put(store, &sample.event);
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "SELECT group_concat(key) FROM name JOIN reply ON reply.name = name.id"), "example.a");
	assert_string_equal(ask(*state, "2026-11-22-plain.sqlite", "SELECT group_concat(key) FROM name JOIN reply ON"
		" reply.name = name.id"), "example.b");
	assert_int_equal(number(*state, "2026-11-22-plain.sqlite", "SELECT at FROM event"), 2000);
	assert_string_equal(ask(*state, VERDICTS, "SELECT group_concat(key) FROM name JOIN reply ON reply.name = name.id"),
		"example.c");
}

static void counts_each_number_once(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "www.example", 9);
	assert_false(put(store, &sample.event));
	assert_true(put(store, &sample.event));
	commit(store);
	assert_true(put(store, &sample.event));
	store_close(&store);
	store = open_store(*state);
	assert_true(put(store, &sample.event));
	sample.event.source.worker = 1;
	assert_false(put(store, &sample.event));
	sample.event.source.boot++;
	assert_false(put(store, &sample.event));
	sample.event.source.identity = "resolver-2";
	assert_false(put(store, &sample.event));
	sample.event.counter = 0;
	assert_false(put(store, &sample.event));
	assert_false(put(store, &sample.event));
	commit(store);
	assert_int_equal(store_counts(store)->duplicates, 1);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 6);
	assert_int_equal(number(*state, PLAIN, "SELECT sum(count) FROM seen"), 4);
}

/* More blocks than are kept at hand, each seen a second time. */
static void knows_numbers_of_long_ago(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;
	unsigned again = 0;

	for (unsigned round = 0; round < 2; round++)
		for (uint64_t block = 0; block < 3000; block++) {
			sample_init(&sample, "www.example", block * STORE_BLOCK_NUMBERS + 5);
			sample.event.time_us = (uint64_t)DAY * 1000000;
			again += put(store, &sample.event);
		}
	commit(store);
	store_close(&store);
	assert_int_equal(again, 3000);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 3000);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM seen WHERE count = 1 AND first = last"), 3000);
}

static void rounds_moments_before_midnight_down(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "www.example", 1);
	sample.event.time_us = (uint64_t)DAY * 1000000 - 1;
	put(store, &sample.event);
	commit(store);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT at FROM event"), -1);
	assert_int_equal(number(*state, PLAIN, "SELECT first FROM pair"), -1);
	assert_int_equal(number(*state, PLAIN, "SELECT first FROM rr"), -1);
	assert_int_equal(number(*state, PLAIN, "SELECT last FROM source"), -1);
	assert_int_equal(number(*state, PLAIN, "SELECT first_at FROM seen"), -1);
}

static void counts_as_passive_dns_what_came_from_upstream_alone(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	for (uint64_t i = 1; i <= 5; i++) {
		sample_init(&sample, "www.example", i);
		sample.event.upstream = i <= 3;
		sample.record.ttl = (uint32_t)(i * 10);
		sample.data[3] = i == 5 ? 66 : 1;
		put(store, &sample.event);
	}
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "SELECT group_concat(rrname || ' ' || hex(rdata) || ' ' || first || ' ' || last ||"
		" ' ' || count || ' ' || ttl || ' ' || sensor) FROM pdns"), "example.www C0000201 1 3 3 40 resolver-1");
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM rr WHERE count = 0 AND first = 0 AND last = 0"), 1);
}

static int check_slice(void *arg, const struct slice *slice)
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
static void check_slices(const struct directory *directory, const char *file)
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
static void check_sums(const struct directory *directory, const char *file)
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

/* What is counted, against counting by hand; ids and chains over several commits. */
static void agrees_with_counting_by_hand(void **state)
{
	enum { NAMES = 7, CLIENTS = 5, EVENTS = 4000 };
	struct store *store = open_store(*state);
	unsigned pairs[NAMES][CLIENTS] = { { 0 } }, names[NAMES] = { 0 };
	struct sample sample;
	char text[300];

	srand(7);
	for (uint64_t i = 1; i <= EVENTS; i++) {
		unsigned name = (unsigned)rand() % NAMES, client = (unsigned)rand() % CLIENTS;

		snprintf(text, sizeof(text), "host%u.example", name);
		sample_init(&sample, text, i);
		sample.event.client.octets[3] = (uint8_t)client;
		sample.event.time_us = (uint64_t)DAY * 1000000 + (uint64_t)(rand() % 1000) * 60000000 / 1000;
		put(store, &sample.event);
		pairs[name][client]++;
		names[name]++;
		if (rand() % 900 == 0)
			commit(store);
	}
	commit(store);
	store_close(&store);
	for (unsigned name = 0; name < NAMES; name++) {
		snprintf(text, sizeof(text), "SELECT sum(reply.count) FROM reply JOIN name ON name.id = reply.name WHERE key ="
			" 'example.host%u'", name);
		assert_int_equal(number(*state, PLAIN, text), names[name]);
		for (unsigned client = 0; client < CLIENTS; client++) {
			char chain[700];

			snprintf(text, sizeof(text), "FROM pair JOIN name ON name.id = pair.name JOIN client ON client.id = pair.client"
				" WHERE key = 'example.host%u' AND address = x'0A0000%02X'", name, client);
			snprintf(chain, sizeof(chain), "SELECT sum(count) %s", text);
			assert_int_equal(number(*state, PLAIN, chain), pairs[name][client]);
			snprintf(chain, sizeof(chain), "WITH RECURSIVE chain(id, prev) AS (SELECT id, prev FROM event WHERE id = (SELECT"
				" newest %s) UNION ALL SELECT e.id, e.prev FROM chain JOIN event e ON e.id = chain.id - chain.prev WHERE"
				" chain.prev > 0) SELECT count(*) FROM chain", text);
			assert_int_equal(number(*state, PLAIN, chain), pairs[name][client]);
		}
	}
	assert_int_equal(number(*state, PLAIN, "SELECT sum(count) FROM minute"), EVENTS);
	check_sums(*state, PLAIN);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event e JOIN minute m ON m.minute = e.at / 60000000 AND e.id"
		" BETWEEN m.first AND m.last"), EVENTS);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM pair WHERE first <> (SELECT min(at) / 1000 FROM event JOIN"
		" reply ON reply.id = event.reply WHERE reply.name = pair.name AND event.client = pair.client)"), 0);
}

/* A process that is killed: what it committed is there, once, and nothing else. */
static void loses_nothing_that_was_committed(void **state)
{
	struct store *store;
	pid_t child = fork();
	int status;

	if (child == 0) {
		store = open_store(*state);
		for (uint64_t i = 1; i <= 500; i++)
			put_simple(store, "www.example", i);
		commit(store);
		for (uint64_t i = 501; i <= 700; i++)
			put_simple(store, "www.example", i);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	store = open_store(*state);
	for (uint64_t i = 1; i <= 700; i++) {
		struct sample sample;

		sample_init(&sample, "www.example", i);
		assert_int_equal(put(store, &sample.event), i <= 500);
	}
	commit(store);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 700);
	assert_int_equal(number(*state, PLAIN, "SELECT count(DISTINCT seq) FROM event"), 700);
}

/* No more octets: the commit fails, what was committed before stays, and with room it goes on. */
static void outlives_a_full_disk(void **state)
{
	struct store *store = open_store(*state);
	struct rlimit before, small;
	struct diag diag = { .text = "" };
	struct sample sample;
	char text[64];
	bool again, failed = false;

	put_simple(store, "www.example", 1);
	commit(store);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_FSIZE, &small);
	for (uint64_t i = 2; i <= 100000 && !failed; i++) {
		snprintf(text, sizeof(text), "host-%u-of-a-name-that-takes-room.example", (unsigned)i);
		sample_init(&sample, text, i);
		failed = store_put(store, &sample.event, &again, &diag) != 0 || (i % 1000 == 0 && store_commit(store, &diag) != 0);
	}
	setrlimit(RLIMIT_FSIZE, &before);
	assert_true(failed);
	assert_string_not_equal(diag.text, "");
	sample_init(&sample, "www.example", 1);
	assert_true(put(store, &sample.event));
	sample_init(&sample, "after.example", 200001);
	assert_false(put(store, &sample.event));
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "PRAGMA integrity_check"), "ok");
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event WHERE seq IN (1, 200001)"), 2);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) - count(DISTINCT seq) FROM event"), 0);
}

static void refuses_a_second_writer(void **state)
{
	struct store *store = open_store(*state);
	const struct store_options options = { .directory = ((struct directory *)*state)->path };
	struct diag diag;

	assert_true(store_is_taken(options.directory));
	assert_null(store_open(&options, &diag));
	assert_string_equal(diag.text, "another process collects into it");
	store_close(&store);
	assert_false(store_is_taken(options.directory));
}

static void sets_a_damaged_file_aside(void **state)
{
	static const struct {
		const char *why;
		off_t at, cut;
		const char *octets;
	} rows[] = {
		{ "its head is something else", 0, -1, "<html>This is no database, and it never was one</html>" },
		{ "a page in it is overwritten", 8192, -1, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		{ "its end is gone", 0, 20480, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct store *store = open_store(*state);
		struct sample sample;

		for (uint64_t n = 1; n < 300; n++) {
			sample_init(&sample, "www.example", n);
			put(store, &sample.event);
		}
		commit(store);
		store_close(&store);
		if (rows[i].cut >= 0)
			directory_cut(*state, PLAIN, rows[i].cut);
		else
			directory_write(*state, PLAIN, rows[i].at, rows[i].octets, strlen(rows[i].octets));
		store = open_store(*state);
		told[0] = '\0';
		sample_init(&sample, "www.example", 1);
		if (put(store, &sample.event))
			fail_msg("%s: it was taken for whole", rows[i].why);
		commit(store);
		assert_int_equal(store_counts(store)->damaged, 1);
		assert_non_null(strstr(told, PLAIN));
		store_close(&store);
		assert_int_equal(directory_count(*state, PLAIN ".damaged"), i + 1);
		assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 1);
		directory_forget(*state, PLAIN);
	}
}

static void leaves_a_later_release_s_file_alone(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;
	struct diag diag;
	bool again;
	char path[256];
	sqlite3 *db;

	put_simple(store, "www.example", 1);
	commit(store);
	store_close(&store);
	snprintf(path, sizeof(path), "%s/%s", ((struct directory *)*state)->path, PLAIN);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store = open_store(*state);
	sample_init(&sample, "www.example", 2);
	assert_int_equal(store_put(store, &sample.event, &again, &diag), -1);
	assert_string_equal(diag.text, "was made by a later release");
	store_close(&store);
	assert_int_equal(directory_count(*state, PLAIN ".damaged"), 0);
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

/* A frame whose time cannot be believed is filed on the day that it comes: sent again after midnight it is known. */
static void knows_what_strayed_on_the_days_before(void **state)
{
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "www.example", 1);
	sample.event.strayed = true;
	assert_false(put(store, &sample.event));
	for (int days = 1; days <= 3; days++) {
		sample.event.day_s = DAY + days * DAY_S;
		assert_true(put(store, &sample.event));
	}
	sample.event.source.worker = 1;
	assert_false(put(store, &sample.event));
	sample.event.source.identity = "resolver-2";
	assert_false(put(store, &sample.event));
	sample.event.counter = 0;
	assert_false(put(store, &sample.event));
	commit(store);
	assert_int_equal(store_counts(store)->duplicates, 3);
	assert_int_equal(store_counts(store)->events, 4);
	store_close(&store);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM event"), 1);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM source"), 1);
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

static void what_is_no_regular_file_is_set_aside(void **state)
{
	static const struct { const char *tail; mode_t mode; const char *why; } rows[] = {
		{ "", S_IFIFO, "who opens it waits" }, { "-wal", S_IFIFO, "as does who opens its log" },
		{ "-shm", S_IFIFO, "or its index" }, { "-journal", S_IFIFO, "or its journal" }, { "", S_IFDIR, "a directory" },
		{ "", S_IFSOCK, "a socket" }, { "", S_IFLNK, "a link to a device" }, { "-journal", S_IFDIR, "beside it, too" },
	};
	const struct directory *directory = *state;
	const struct address client = { ADDRESS_INET, 0, { 10, 0, 0, 1 } };
	char path[SHELF_PATH_MAX + 16], first[SHELF_PATH_MAX];
	struct store *store;
	struct diag diag;
	uint64_t events;

	shelf_path(directory->path, DAY, STORE_PLAIN, first);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		store = open_store(directory);
		put_simple(store, "www.example", i + 1);
		commit(store);
		store_close(&store);
		snprintf(path, sizeof(path), "%s%s", first, rows[i].tail);
		unlink(path);
		assert_int_equal(rows[i].mode == S_IFLNK ? symlink("/dev/zero", path) : rows[i].mode == S_IFDIR ? mkdir(path, 0750) :
			mknod(path, rows[i].mode | 0640, 0), 0);
		assert_int_equal(forget_in(first, &client, 32, &events, &diag), -1);
		assert_non_null(strstr(diag.text, "no regular file"));
		told[0] = '\0';
		store = open_store(directory);
		put_simple(store, "www.example", 100 + i);
		commit(store);
		assert_int_equal(store_counts(store)->damaged, 1);
		store_close(&store);
		if (strstr(told, "no regular file") == NULL)
			fail_msg("%s: %s", rows[i].why, told);
		assert_int_equal(number(directory, PLAIN, "SELECT count(*) FROM event"), 1);
	}
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

/* Commits of a few events make one slice together, a jump of the clock another one. */
static void gathers_small_commits_in_slices(void **state)
{
	static const uint64_t jumps_s[] = { 0, 0, 3, 1, 0, 0, 90 * 86400u, 0, 0, 1 };
	struct store *store = open_store(*state);
	struct sample sample;
	uint64_t counter = 0;

	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < 300; j++) {
			sample_init(&sample, j % 3 == 0 ? "www.example" : "a.shop.example", ++counter);
			sample.event.time_us += jumps_s[i] * 1000000 - (uint64_t)i * 900000 + j * 7;
			put(store, &sample.event);
		}
		commit(store);
	}
	check_sums(*state, PLAIN);
	assert_int_equal(number(*state, PLAIN, "SELECT sum(count) FROM slice"), 3000);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM slice"), 3);
	store_close(&store);
	store = open_store(*state);
	put_simple(store, "www.example", ++counter);
	commit(store);
	store_close(&store);
	check_sums(*state, PLAIN);
	assert_int_equal(number(*state, PLAIN, "SELECT count(*) FROM slice"), 4);
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

static void keeps_a_note_that_strayed_once_over_midnight(void **state)
{
	struct store *store = open_store(*state);
	struct store_note note = { .source = { "resolver-1", 5, 0 }, .number = 3, .time_us = 1000000, .day_s = DAY,
		.strayed = true, .extra = "{\"v\":1}", .extra_octets = 7 };
	struct diag diag;
	bool again;

	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_false(again);
	note.day_s = DAY + 86400;
	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_true(again);
	note.source.boot = 6;
	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_false(again);
	assert_int_equal(store_counts(store)->notes, 2);
	assert_int_equal(store_counts(store)->duplicates, 1);
	commit(store);
	store_close(&store);
}

static void keeps_notes_once(void **state)
{
	struct store *store = open_store(*state);
	struct store_note note = { .source = { "resolver-1", 5, 0 }, .number = 3, .time_us = (uint64_t)DAY * 1000000,
		.day_s = DAY, .extra = "{\"v\":1}", .extra_octets = 7 };
	struct diag diag;
	bool again;

	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_false(again);
	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_true(again);
	note.former = true;
	note.source.worker = 2;
	assert_int_equal(store_note(store, &note, &again, &diag), 0);
	assert_false(again);
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, VERDICTS, "SELECT group_concat(boot || ' ' || former || ' ' || worker || ' ' || number || ' '"
		" || extra, ';') FROM note"), "000000000005 0 0 3 {\"v\":1};000000000005 1 2 3 {\"v\":1}");
}

static void takes_any_octets_in_names(void **state)
{
	static const uint8_t hostile[] = "\x0d'; DROP TABLE\x06\0\x1b[31m\x03" "a.b\7example";
	struct store *store = open_store(*state);
	struct sample sample;

	sample_init(&sample, "www.example", 1);
	sample.event.qname = hostile;
	sample.event.qname_octets = sizeof(hostile);
	put(store, &sample.event);
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "SELECT key FROM name JOIN reply ON reply.name = name.id"),
		"example.a\\046b.\\000\\027\\09131m.\\039\\059\\032\\068\\082\\079\\080\\032\\084\\065\\066\\076\\069");
}

static void finds_what_is_below_a_name_as_a_range(void **state)
{
	static const char *const names[] = { "example.com", "www.example.com", "a.b.example.com", "xexample.com",
		"example.community", "example.com.evil", "-.example.com", "example-a.com" };
	struct store *store = open_store(*state);

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		put_simple(store, names[i], i + 1);
	commit(store);
	store_close(&store);
	assert_string_equal(ask(*state, PLAIN, "SELECT group_concat(key, ' ') FROM (SELECT key FROM name WHERE key > 'com.example.'"
		" AND key < 'com.example/' ORDER BY key)"), "com.example.- com.example.b.a com.example.www");
}

static void turns_keys_back(void **state)
{
	static const char *const rows[][2] = { { "com.example.www", "www.example.com" }, { "", "." }, { "com", "com" },
		{ "example.a\\046b", "a\\046b.example" } };
	char text[NAME_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(name_key_to_text(rows[i][0], text), strlen(rows[i][1]));
		assert_string_equal(text, rows[i][1]);
	}
}

static void lists_the_files_of_some_days(void **state)
{
	static const char *const names[] = { "2026-11-21-verdicts.sqlite", "2026-11-21-plain.sqlite", "2026-11-20-plain.sqlite",
		"2026-11-21-plain.sqlite-wal", "2026-11-21-plain.sqlite.damaged", "2026-13-01-plain.sqlite", "2026-11-21-other.sqlite",
		"2026-11-22-plain.sqlite" };
	struct shelf_file *files;
	struct diag diag;
	unsigned count;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		directory_write(*state, names[i], 0, "x", 1);
	assert_int_equal(shelf_list(((struct directory *)*state)->path, DAY, DAY + DAY_S - 1, &files, &count, &diag), 0);
	assert_int_equal(count, 2);
	assert_int_equal(files[0].class, STORE_PLAIN);
	assert_int_equal(files[1].class, STORE_VERDICTS);
	assert_int_equal(files[0].day_s, DAY);
	free(files);
	assert_int_equal(shelf_list(((struct directory *)*state)->path, 0, INT64_MAX / 2, &files, &count, &diag), 0);
	assert_int_equal(count, 4);
	free(files);
}

#define IN_DIRECTORY(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(keeps_what_an_event_says),
		IN_DIRECTORY(files_by_day_and_class),
		IN_DIRECTORY(counts_each_number_once),
		IN_DIRECTORY(knows_numbers_of_long_ago),
		IN_DIRECTORY(rounds_moments_before_midnight_down),
		IN_DIRECTORY(counts_as_passive_dns_what_came_from_upstream_alone),
		IN_DIRECTORY(agrees_with_counting_by_hand),
		IN_DIRECTORY(loses_nothing_that_was_committed),
		IN_DIRECTORY(outlives_a_full_disk),
		IN_DIRECTORY(refuses_a_second_writer),
		IN_DIRECTORY(sets_a_damaged_file_aside),
		IN_DIRECTORY(leaves_a_later_release_s_file_alone),
		IN_DIRECTORY(removes_days_by_age_and_size),
		IN_DIRECTORY(forgets_a_client),
		IN_DIRECTORY(readers_answer_from_a_day_as_it_was_before_a_forget_that_was_killed),
		IN_DIRECTORY(what_is_no_regular_file_is_set_aside),
		IN_DIRECTORY(forgets_an_ipv4_client_that_was_kept_as_mapped),
		IN_DIRECTORY(forgets_a_client_in_a_file_of_the_first_release),
		IN_DIRECTORY(forgets_a_client_in_what_is_added_up),
		IN_DIRECTORY(gathers_small_commits_in_slices),
		IN_DIRECTORY(forgets_the_rule_that_names_a_client),
		IN_DIRECTORY(removes_what_was_set_aside_as_its_day),
		IN_DIRECTORY(what_cannot_be_removed_costs_nothing_else),
		IN_DIRECTORY(knows_what_strayed_on_the_days_before),
		IN_DIRECTORY(keeps_a_note_that_strayed_once_over_midnight),
		IN_DIRECTORY(keeps_notes_once),
		IN_DIRECTORY(takes_any_octets_in_names),
		IN_DIRECTORY(finds_what_is_below_a_name_as_a_range),
		IN_DIRECTORY(lists_the_files_of_some_days),
		cmocka_unit_test(turns_keys_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
