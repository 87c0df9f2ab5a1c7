/*
 * hunt.h: what the pivots of `verdictctl hunt` share: one row of the table in cmd_hunt.c and one function each.
 *
 * A pivot binds what it was asked for, gathers from day files into tables of the workspace (store/query.h), and prints
 * sections: a heading, columns, and the SELECT that fills them. Nothing of a day file reaches the output unescaped:
 * names are keys or pass name_text, all else passes term_escape or json_line_string.
 *
 * Threads: a hunt belongs to its caller.
 */
#ifndef TOOLS_HUNT_H
#define TOOLS_HUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "store/query.h"
#include "tools/term.h"

#define HUNT_DIRECTORY "/var/lib/verdict-collect"
#define HUNT_LIMIT 100
#define HUNT_TEXT_OF(number) HUNT_TEXT_OF_(number)
#define HUNT_TEXT_OF_(number) #number
#define HUNT_COLUMNS_MAX 12
#define HUNT_SECTIONS_MAX 12

struct clickhouse;
struct command;
struct hunt_fetch;
struct name;

enum hunt_kind {
	HUNT_TEXT,
	HUNT_VERDICT,      /* text that is coloured when it denies */
	HUNT_TIME,         /* ms since 1970 */
	HUNT_COUNT,
	HUNT_FLAG          /* 0 or 1: nothing, or the column's name */
};

/* Columns stand in the order of the SELECT; key NULL ends them. */
struct hunt_column {
	const char *key;   /* in JSON, and as a heading */
	enum hunt_kind kind;
};

#define HUNT_COUNTED INT64_C(-1)    /* as many as its SELECT gives */
#define HUNT_UNCOUNTED INT64_C(-2)  /* more than that, nobody knows how many */

struct hunt_left_out {
	const char *section;
	int64_t rows;                  /* or HUNT_UNCOUNTED */
};

struct hunt {
	const struct command *command;
	struct query *query;
	struct clickhouse *remote;     /* instead of day files; NULL: none */
	unsigned aside;                /* damaged day files of the window, which nothing is read of */
	unsigned files;                /* of `remote`: days and classes in the window */
	const char *asked;             /* as given; NULL: nothing */
	int64_t from_ms, to_ms;        /* QUERY_BEGIN, QUERY_END: no limit */
	uint64_t limit;                /* rows of a section; 0: all */
	bool limited;                  /* by --limit */
	bool json, events;
	bool raw;                      /* nothing stands around what it prints */
	struct term term;
	int64_t all;                   /* rows of the next section: a number, HUNT_COUNTED or HUNT_UNCOUNTED */
	struct hunt_left_out left_out[HUNT_SECTIONS_MAX];
	unsigned left_out_count;
	uint64_t rows;                 /* that were printed */
	struct diag diag;              /* of whoever fails */
};

/* Pivots: 0; -1 with hunt->diag; or EXIT_USAGE after a complaint. */
int hunt_domain(struct hunt *hunt);
int hunt_ip(struct hunt *hunt);
int hunt_host(struct hunt *hunt);

int hunt_changes(struct hunt *hunt);
int hunt_coverage(struct hunt *hunt);
int hunt_export(struct hunt *hunt);
int hunt_incident(struct hunt *hunt);
int hunt_new(struct hunt *hunt);
int hunt_rule(struct hunt *hunt);
int hunt_technique(struct hunt *hunt);
int hunt_top(struct hunt *hunt);

/* Prints the rows of a SELECT as one section. 0 or -1. */
int hunt_section(struct hunt *hunt, const char *key, const struct hunt_column *columns, const char *select);

/* The same for one row with many columns, each in a line of its own. */
int hunt_card(struct hunt *hunt, const char *key, const struct hunt_column *columns, const char *select);

/* The first column of the first row of a SELECT; 0: there is none. -1: hunt->diag. */
int64_t hunt_number(struct hunt *hunt, const char *select);

/* Is each file of the window whole in it? Then what files have added up (store/store.h: *_sum) is the answer. 1, 0 or
 * -1 with hunt->diag. */
int hunt_is_whole(struct hunt *hunt);

/* Sections of what HUNT_MERGE gathered. */
enum hunt_hit_section { HUNT_SUMMARY = 1, HUNT_VERDICTS = 2, HUNT_NAMES = 4, HUNT_CLIENTS = 8 };
int hunt_hits(struct hunt *hunt, unsigned sections);

/* What stands around the sections. */
void hunt_begin(struct hunt *hunt, const char *name);
void hunt_end(struct hunt *hunt);

/* Adds functions to the workspace: name_text(key), which a hunt takes as it is, and exported_name(key), wire_of(key), path_text(number), address_text(octets),
 * record_text(type, octets) and exported_record(type, octets), type_text(type), rcode_text(code); record_owner, record_type, record_ttl and record_data of
 * a record in one text (doc/scale/tables.sql); and the aggregate texts(text), each once, in order, with commas. 0 or -1. */
int hunt_functions(struct hunt *hunt);
/* addresses_of(type, data): a JSON array of the addresses that a record brings (policy/rdata.h), in hexadecimal digits; a
 * record in one text with such data is ' 0 0 ' || those. SQLite's code. */
int hunt_functions_of_addresses(sqlite3 *db);
int hunt_functions_of_texts(sqlite3 *db);             /* of them, those of hunt_texts.c. SQLite's code */
/* has_slices(): is every event of the attached file in one? recount_pairs and recount_replies(low, high, from, to) add to
 * `found` and `used` what the window has of those that it cuts. SQLite's code. */
int hunt_functions_of_slices(sqlite3 *db);
/* window_sums(low, high, from, to, day, class, client): what the attached file has in that window, added up, of one
 * client or (-1) of all; then of a kind (0 names, 1 domains, 2 clients, 3 verdicts) window_first, window_last and
 * window_count(kind, id), window_ids(kind), how many have a count, and window_most(kind, most), which puts the ids of the
 * greatest counts into `most` and is the count behind them. window_rarest(low, high, from, to, most, bounded) puts the
 * names of one client that fewest ask for into `most`, new ones first, and what the next one has into `next`.
 * window_askers(low, high, from, to) puts into `asked_by` who asks for the names in `wanted`. SQLite's code. */
int hunt_functions_of_windows(sqlite3 *db);
struct window_sums;
/* Of these, the last two. `now` leads to the sums of the file that is attached, or NULL. */
int hunt_functions_of_rarest(sqlite3 *db, const struct window_sums **now);

/* Reads `2h`, `yesterday`, `2026-11-21`, `2026-11-21T10:00:00.5Z` and so on as ms since 1970; `end`: as the last one that it
 * means. False: it is no time. */
bool hunt_time(const char *text, int64_t now_ms, bool end, int64_t *ms);

/* A name in any script, as it is asked in the DNS. NULL; else what is wrong: a URL and a stray '*' are, too. */
const char *hunt_read_name(const char *text, struct name *name);

/* A name, or all below one (`*.example.com`), as :low and :high around its keys. NULL; else what is wrong. */
const char *hunt_bind_name(struct hunt *hunt, const char *text);

/* An address or network as :low, :high, :octets and :type, IPv4 for IPv4-mapped; as :mapped_low and :mapped_high what is
 * below ::ffff:0:0/96 of IPv4, else nothing; as :digits the whole octets that all of it begin with. NULL; else what is wrong. */
const char *hunt_bind_network(struct hunt *hunt, const char *text);

/* Of `coverage`, its tables filled from hunt->remote: before gaps are counted, and the times of gaps. 0 or -1. */
int hunt_coverage_fetch(struct hunt *hunt);
int hunt_coverage_fetch_moments(struct hunt *hunt);

/* Of `coverage`: what a row of a heartbeat's `workers` says, and how two that know the past agree. What is 0 may be left
 * out. */
#define HUNT_TOLD_OF(w, key) "CAST(coalesce(json_extract(" w ".value, '$." key "'), 0) AS INTEGER)"
#define HUNT_PAST_OF(w) HUNT_TOLD_OF(w, "worker") ", " HUNT_TOLD_OF(w, "seq") ", " HUNT_TOLD_OF(w, "dropped") ", " \
	HUNT_TOLD_OF(w, "left_out")
#define HUNT_PAST_HAS(w) w ".type = 'object' AND json_extract(" w ".value, '$.worker') IS NOT NULL"
#define HUNT_PAST_CONFLICT " ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)," \
	" dropped = max(dropped, excluded.dropped), left_out = max(left_out, excluded.left_out);"

/* --- what pivots gather ----------------------------------------------------------------------------------------- */

/* decision: each different decision once, and as a few words; hit: who asked for what, and what was decided. */
#define HUNT_DECISION "verdict, list, rule, trigger, category, techniques, shadow_list, shadow_rule, shadow_action," \
	" detectors"
/* What is printed of one. What differs most comes first, and hunt_hits groups in the order of the index. */
#define HUNT_ALIKE "rule, list, verdict, shadow_list, shadow_rule, shadow_action, techniques, detectors"
#define HUNT_HIT_TABLES \
	"CREATE TABLE decision (id INTEGER PRIMARY KEY, " HUNT_DECISION ", text TEXT GENERATED ALWAYS AS (" \
	HUNT_VERDICT_TEXT_OF("") ") STORED, UNIQUE (" HUNT_ALIKE ", trigger, category));" \
	"CREATE TABLE hit (key TEXT, client BLOB, decision INTEGER, first, last, count," \
	" PRIMARY KEY (key, client, decision)) WITHOUT ROWID;" \
	HUNT_FOUND_TABLES \
	"CREATE TABLE map (verdict INTEGER PRIMARY KEY, decision INTEGER NOT NULL);"

#define HUNT_IN_WINDOW(row) " " row ".first <= :to AND " row ".last >= :from "

/* Microseconds as milliseconds, rounded down, below 0 too. */
#define HUNT_MS(at) "((" at " - ((" at " % 1000) + 1000) % 1000) / 1000)"

/* Events of the window lie between the ids `low` and `high`. Of what it cuts, each event is counted: event by event back
 * from the newest (`scan` 0), or by reading all of these, from slices (2) or, of a file that has none of some, as rows
 * (1). Event by event costs about HUNT_EVENT_BY_EVENT times as much for each as a row does, and HUNT_BY_SLICES times as
 * much as in a slice. `few`: names. */
#define HUNT_SPAN_TABLE "CREATE TABLE span (low, high, scan, few);"
#define HUNT_EVENT_BY_EVENT "10.0"
#define HUNT_BY_SLICES "400.0"
#define HUNT_MINUTE(ms) "((" ms " - ((" ms " % 60000) + 60000) % 60000) / 60000)"
#define HUNT_SPAN(cut) \
	"DELETE FROM span;" \
	"INSERT INTO span SELECT min(m.first), max(m.last), 0, 0 FROM (SELECT 1 FROM " cut " LIMIT 1) AS c" \
	" CROSS JOIN day.minute AS m ON m.minute BETWEEN " HUNT_MINUTE(":from") " AND " HUNT_MINUTE(":to") ";"
#define HUNT_CHOOSE(cut) \
	"UPDATE span SET few = (SELECT count(DISTINCT name) <= 100 FROM " cut ") WHERE low IS NOT NULL;" \
	"UPDATE span SET scan = iif(m.sliced, 2, 1) * (iif(m.sliced, " HUNT_BY_SLICES ", " HUNT_EVENT_BY_EVENT ")" \
	" * (SELECT sum(count) FROM " cut ") * (1 + m.id - low) / m.id > 1 + high - low)" \
	" FROM (SELECT max(id) AS id, has_slices() AS sliced FROM day.event) AS m WHERE low IS NOT NULL;"
#define HUNT_OF_WINDOW " e.at >= :from_us AND e.at <= :to_us "

#define HUNT_FOUND_TABLES "CREATE TABLE found (name, client, verdict, first, last, count, newest);" HUNT_SPAN_TABLE

/* Fills `found`. `held` is a SELECT of whole rows of day.pair. Those that the window cuts are counted again. */
#define HUNT_CUT "found WHERE (first < :from OR last > :to)"
#define HUNT_FIND(held) \
	"DELETE FROM found;" \
	"INSERT INTO found " held ";" \
	HUNT_SPAN(HUNT_CUT) HUNT_CHOOSE(HUNT_CUT) \
	"INSERT INTO found WITH RECURSIVE part (name, client, verdict, id, at, prev) AS (" \
	" SELECT f.name, f.client, f.verdict, e.id, e.at, e.prev FROM span AS s CROSS JOIN (SELECT * FROM " HUNT_CUT ") AS f" \
	"  CROSS JOIN day.event AS e ON e.id = f.newest WHERE NOT s.scan AND f.newest >= s.low" \
	" UNION ALL SELECT p.name, p.client, p.verdict, e.id, e.at, e.prev FROM part AS p CROSS JOIN day.event AS e" \
	"  ON e.id = p.id - p.prev WHERE p.prev > 0 AND p.id - p.prev >= (SELECT low FROM span))" \
	" SELECT name, client, verdict, " HUNT_MS("min(at)") ", " HUNT_MS("max(at)") ", count(*), 0 FROM part" \
	"  WHERE at >= :from_us AND at <= :to_us GROUP BY name, client, verdict;" \
	"INSERT INTO found SELECT r.name, e.client, r.verdict, " HUNT_MS("min(e.at)") ", " HUNT_MS("max(e.at)") "," \
	" count(*), 0 FROM span AS s CROSS JOIN day.event AS e ON e.id BETWEEN s.low AND s.high" \
	" CROSS JOIN day.reply AS r ON r.id = e.reply WHERE s.scan = 1 AND" HUNT_OF_WINDOW \
	" AND e.client IN (SELECT client FROM " HUNT_CUT ") AND (NOT s.few OR e.reply IN (SELECT y.id FROM" \
	"  (SELECT DISTINCT name FROM " HUNT_CUT ") AS c CROSS JOIN day.reply AS y ON y.name = c.name))" \
	" AND (r.name, e.client, r.verdict) IN (SELECT name, client, verdict FROM " HUNT_CUT ")" \
	" GROUP BY r.name, e.client, r.verdict;" \
	"SELECT recount_pairs(low, high, :from, :to) FROM span WHERE scan = 2;" \
	"DELETE FROM " HUNT_CUT ";"

/* Adds `found` to `hit`. */
#define HUNT_MERGE \
	"INSERT OR IGNORE INTO decision (" HUNT_DECISION ") SELECT " HUNT_DECISION " FROM day.verdict" \
	" WHERE id IN (SELECT verdict FROM found);" \
	"DELETE FROM map;" \
	"INSERT INTO map SELECT v.id, d.id FROM day.verdict AS v JOIN decision AS d USING (" HUNT_DECISION ")" \
	" WHERE v.id IN (SELECT verdict FROM found);" \
	"INSERT INTO hit SELECT coalesce(n.key, ''), coalesce(c.address, x''), m.decision, f.first + :day, f.last + :day," \
	" f.count FROM found AS f JOIN map AS m ON m.verdict = f.verdict LEFT JOIN day.name AS n ON n.id = f.name" \
	" LEFT JOIN day.client AS c ON c.id = f.client WHERE true ON CONFLICT DO UPDATE SET" \
	" first = min(first, excluded.first), last = max(last, excluded.last), count = count + excluded.count;"

/* Fills `used`: replies to what is in `wanted`, in the window. Those that it cuts are counted again, by events or by
 * those of the names' pairs. */
#define HUNT_USED_TABLES \
	"CREATE TABLE used (reply INTEGER PRIMARY KEY, first, last, count);" \
	"CREATE TABLE partly (reply INTEGER PRIMARY KEY, name, verdict, count);"
#define HUNT_USED \
	"DELETE FROM used;" \
	"DELETE FROM partly;" \
	"INSERT INTO used SELECT r.id, r.first, r.last, r.count FROM wanted AS w CROSS JOIN day.reply AS r ON r.name = w.id" \
	" WHERE r.first >= :from AND r.last <= :to;" \
	"INSERT INTO partly SELECT r.id, r.name, r.verdict, r.count FROM wanted AS w CROSS JOIN day.reply AS r" \
	" ON r.name = w.id WHERE" HUNT_IN_WINDOW("r") "AND (r.first < :from OR r.last > :to);" \
	HUNT_SPAN("partly") HUNT_CHOOSE("partly") \
	"INSERT INTO used WITH RECURSIVE part (reply, id, at, prev) AS (" \
	"  SELECT e.reply, e.id, e.at, e.prev FROM span AS s CROSS JOIN (SELECT DISTINCT name, verdict FROM partly) AS c" \
	"   CROSS JOIN day.pair AS p ON p.name = c.name AND p.verdict = c.verdict CROSS JOIN day.event AS e" \
	"   ON e.id = p.newest WHERE NOT s.scan AND p.newest >= s.low AND" HUNT_IN_WINDOW("p") \
	"  UNION ALL SELECT e.reply, e.id, e.at, e.prev FROM part AS p CROSS JOIN day.event AS e ON e.id = p.id - p.prev" \
	"   WHERE p.prev > 0 AND p.id - p.prev >= (SELECT low FROM span))" \
	" SELECT reply, " HUNT_MS("min(at)") ", " HUNT_MS("max(at)") ", count(*) FROM part" \
	" WHERE at >= :from_us AND at <= :to_us AND reply IN (SELECT reply FROM partly) GROUP BY reply;" \
	"INSERT INTO used SELECT e.reply, " HUNT_MS("min(e.at)") ", " HUNT_MS("max(e.at)") ", count(*) FROM span AS s" \
	" CROSS JOIN day.event AS e ON e.id BETWEEN s.low AND s.high WHERE s.scan = 1 AND" HUNT_OF_WINDOW \
	" AND e.reply IN (SELECT reply FROM partly) GROUP BY e.reply;" \
	"SELECT recount_replies(low, high, :from, :to) FROM span WHERE scan = 2;"

/* The events of pairs one by one, of which hunt_timeline prints the window's. */
#define HUNT_MOMENT_TABLE \
	"CREATE TABLE moment (at INTEGER, client BLOB, key TEXT, type, rcode, verdict TEXT, path, sensor TEXT, number TEXT);"
#define HUNT_EVENTS(held) \
	HUNT_SPAN("(SELECT 1)") \
	"INSERT INTO moment WITH RECURSIVE part (id, prev) AS (" \
	" SELECT e.id, e.prev FROM (" held ") AS h CROSS JOIN day.event AS e ON e.id = h.newest" \
	"  WHERE h.newest >= (SELECT low FROM span)" \
	" UNION ALL SELECT e.id, e.prev FROM part AS p CROSS JOIN day.event AS e ON e.id = p.id - p.prev" \
	"  WHERE p.prev > 0 AND p.id - p.prev >= (SELECT low FROM span))" \
	" SELECT e.at + :day * 1000, coalesce(c.address, x''), coalesce(n.key, ''), r.type, r.rcode, " \
	HUNT_VERDICT_TEXT("v") ", e.path, x.identity, iif(s.boot = '', NULL, s.boot || '.' || s.worker || '.' || e.seq)" \
	" FROM part CROSS JOIN day.event AS e ON e.id = part.id CROSS JOIN day.reply AS r ON r.id = e.reply" \
	" CROSS JOIN day.verdict AS v ON v.id = r.verdict CROSS JOIN day.source AS s ON s.id = e.source" \
	" CROSS JOIN day.sensor AS x ON x.id = s.sensor LEFT JOIN day.name AS n ON n.id = r.name" \
	" LEFT JOIN day.client AS c ON c.id = e.client WHERE" HUNT_OF_WINDOW ";"
int hunt_timeline(struct hunt *hunt);

/* A decision as one word or a few. */
#define HUNT_VERDICT_TEXT(d) HUNT_VERDICT_TEXT_OF(d ".")
#define HUNT_VERDICT_TEXT_OF(d) "iif(" d "verdict = '', '-', " d "verdict) || iif(" d "list = '', '', ' ' || " d "list)" \
	" || iif(" d "shadow_list = '', '', ' (shadow ' || " d "shadow_list || ')')" \
	" || iif(" d "detectors = '', '', ' [' || trim(" d "detectors) || ']')"

#endif
