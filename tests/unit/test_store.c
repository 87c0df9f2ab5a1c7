/* test_store.c: what an event says is found again, once, whatever happens to its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/name_key.h"
#include "store/shelf.h"
#include "tests/unit/storing.h"

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
		IN_DIRECTORY(gathers_small_commits_in_slices),
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
