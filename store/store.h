/*
 * store.h: events of many resolvers in day files of SQLite: who asked, what came back, what was decided.
 *
 * FILES. STATE-DIRECTORY/YYYY-MM-DD-plain.sqlite and YYYY-MM-DD-verdicts.sqlite: the UTC day of the event, and its
 * class: verdicts holds all that `frames: verdicts` would send (every verdict but a plain allow, shadow verdicts,
 * detections) and what resolvers say of their own frames; plain holds the rest. Both have the same tables. A file
 * stands alone: ids are those of that file, and mean nothing in another one. To answer a question, ask each file of
 * the days in question and put the answers together (counts add up; first is the least, last the greatest).
 * `*.damaged` is set aside, `*.new` is being made; `*-wal` and `*-shm` are SQLite's. While a
 * collector writes to a file it is in WAL mode: any number may read, and what is committed is on disk
 * (synchronous=FULL); a file that is closed has no log, so that who may only read it can. Readers open with
 * SQLITE_OPEN_READONLY and a busy timeout, bind every value, and take `application_id` 0x76647374 ("vdst") and
 * `user_version` (STORE_OLDEST to STORE_VERSION) as proof of the schema.
 *
 * TIMES are relative to the day's first moment (`meta`: key 'day' is it in seconds since 1970): `at` in microseconds,
 * first and last in milliseconds, rounded down. Whose time lies outside the day (a clock that jumped) can have a time
 * below 0 or above the day's length.
 *
 * TABLES (store/schema.c has the text).
 *
 *   name      id, key, domain. `key` is the name with its labels reversed, lower case, every octet but letters,
 *             digits, '-', '_' and '*' as \DDD, unique: 'com.example.www'; the root is ''. So *.example.com is
 *             key > 'com.example.' AND key < 'com.example/' ('/' comes after '.'), and the name with all below it is
 *             that or key = 'com.example'. `domain` is the id of its registrable domain (public suffix list), which
 *             has a row too (with domain = id); 0: none. A name has a row because it was asked for, or because it is
 *             such a domain or the owner of a record.
 *   client    id, address: 4 or 16 octets as on the wire, unique; so a network is a range.
 *   verdict   id, verdict, list, rule, trigger, category, techniques, chain, serial, ede, grp, privacy, shadow_list,
 *             shadow_rule, shadow_action, shadow_category, detectors: each different decision once, '' and 0 for what
 *             is not there. verdict is '' for what says nothing of a policy. techniques holds all ATT&CK ids of
 *             list, shadow verdict and detectors, a blank before and after each (techniques LIKE '% T1071.004 %');
 *             detectors likewise, name/tier/action each.
 *   rr        id, owner, type, data, sensor, ttl, first, last, count: each different record of an answer once (class
 *             IN), and name servers of authority sections (type 2). owner -> name; data is uncompressed wire form with names in lower case; sensor -> sensor; ttl is
 *             the highest that was seen. first, last and count are those of passive DNS: they count answers really
 *             obtained upstream, so count = 0 (and first, last 0) for what only blocked, synthetic and local
 *             answers had. This is the passive DNS table; the view `pdns` has its rows with count > 0.
 *             An address in ipv4hint or ipv6hint of a record of type 64 or 65 (the first STORE_HINTS_MAX of it) has a
 *             row of type 1 or 28 and of the same owner, which leads to that record: where no answer had it, in no
 *             reply, and with ttl 0. Files of earlier releases lack it.
 *             Indexes: (owner, type, data, sensor); and (type, data) for the types of which pivots ask, to be used
 *             with the words `type IN (1, 2, 5, 12, 28, 39)` in the WHERE clause beside type = ? (a partial index).
 *   reply     id, name, type, class, flags, rcode, upstream, verdict, records, first, last, count: each different
 *             (question, answer, decision) once, with when and how often it was given. name 0: no question. records
 *             is a JSON array of rr ids in rising order, '' for none: `FROM reply, json_each(reply.records) AS j
 *             JOIN rr ON rr.id = j.value`, WHERE records <> ''. Two replies with equal `records` have the same record
 *             set. rcode -1: no answer was sent, or seen. flags: AA, TC, RD, RA, AD, CD as in the header.
 *   event     id, at, client, reply, source, seq, path, transport, latency, score, prev: one row for each frame, a
 *             question and its answer being one. Ids rise nearly with time: exactly within a commit, and commits come in order. client 0: none. latency in
 *             microseconds, -1: not known. path and transport: enum answer_path and transport of policy/facts.h, and
 *             STORE_PATH_* of store/event.h. `prev` leads to the event before it of the same pair: id - prev; 0:
 *             there is none.
 *   detail    event, detections: the detections of an event as its frame had them, JSON.
 *   pair      name, client, verdict, first, last, count, newest: who asked for what and what was decided; newest is
 *             the event id that its chain begins with. By (name, client, verdict), and an index by (client). In the
 *             verdicts class also by (verdict).
 *   name_sum  name, domain, client, clients, first, last, count: what `pair` has of a name (not of name 0), added up.
 *             clients counts those that are known (client 0 is none), client is the first of them: where clients = 1
 *             the only one. domain as in `name`. Indexes: (count) WHERE count >= 256, and (client, first) WHERE
 *             clients = 1.
 *   domain_sum  domain, first, last, count: what `name_sum` has of a registrable domain (not of 0), added up. Indexes:
 *             (count) WHERE count >= 256, and (first).
 *   client_sum  client, first, last, count, names: what `pair` has of a client (not of 0), and of how many names.
 *   verdict_sum  verdict, first, last, count: the same of a decision.
 *   slice     first, count, earliest, latest, octets: events once more, to be counted fast (store/slice.h has what the
 *             octets are): those with ids from `first` on. Of a file that an earlier release began, the first events
 *             have none: all events have one when the least `first` is not above the least id in `event`.
 *   minute    minute (of the day), verdict, first, last, count: how many events in that minute, and between which
 *             event ids they lie. Leads from a time to events, and is the picture over time.
 *   sensor    id, identity: a resolver.
 *   source    id, sensor, boot, worker, first, last, frames, duplicates, dropped, left_out, seq: a worker of
 *             a process; boot is 12 hexadecimal digits, '' for frames without numbers. dropped, left_out and seq are
 *             the highest that its frames told.
 *   seen      source, block, bits, count, first_at, last_at, first, last: which numbers came: bit n (least first) of
 *             octet m of `bits` is number block * 8192 + m * 8 + n, times in milliseconds, and event ids between
 *             which they lie. Numbers of one worker are spread over both classes and, around midnight, two days: put
 *             bits of equal (identity, boot, worker, block) together before you look for gaps.
 *   note      at, sensor, boot, worker, former, number, extra: heartbeats (former 0) and notes about a former process
 *             (former 1), with their JSON (doc/frames.md).
 *   meta      key, value.
 *
 * The events of a pair, the newest first:
 *
 *     WITH RECURSIVE chain(id, prev) AS (
 *             SELECT id, prev FROM event WHERE id = :newest
 *             UNION ALL
 *             SELECT e.id, e.prev FROM chain JOIN event AS e ON e.id = chain.id - chain.prev WHERE chain.prev > 0)
 *     SELECT e.* FROM chain JOIN event AS e USING (id) LIMIT :limit;
 *
 * An incident BOOT.WORKER.SEQ: its source, there its block seq / 8192, there the events between first and last with
 * that source and seq.
 *
 * ERRORS. -1 with a text in *diag. After one everything since the last commit is gone and comes again from whoever
 * was not told that it is safe; the store can be used on (it opens its files again).
 *
 * Threads: a store belongs to its caller. One process at a time writes to a directory (it is locked).
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/diag.h"
#include "store/event.h"

#define STORE_VERSION 3
#define STORE_OLDEST 2                 /* that is read, and written on: it had no slices */
#define STORE_APPLICATION 0x76647374
#define STORE_BLOCK_NUMBERS 8192u

struct store;

struct store_counts {
	uint64_t events, duplicates, notes, commits;
	uint64_t damaged;                /* files that were set aside */
};

struct store_options {
	const char *directory;           /* borrowed for the call; made where it is missing */
	/* Something that an operator should know, one line; may be NULL. */
	void (*tell)(void *arg, const char *text);
	void *arg;
};

/* Owned; NULL: *diag says why. Takes the lock of the directory. */
struct store *store_open(const struct store_options *options, struct diag *diag);

/* Does a process have the directory? */
bool store_is_taken(const char *directory);

/* Waits, some seconds at most, until a commit that has begun is in all of its files: who has read one of them finds in
 * the others what came before that. */
void store_settle(const char *directory);

/* What was not committed is gone. */
void store_close(struct store **store);

/* 0: taken, or it came before (*again). It is safe after the next store_commit. */
int store_put(struct store *store, const struct store_event *event, bool *again, struct diag *diag);
/* What a name server told the resolver: the name servers in it, for passive DNS. */
int store_servers(struct store *store, const struct store_event *event, struct diag *diag);
int store_note(struct store *store, const struct store_note *note, bool *again, struct diag *diag);

/* Everything that was put is on disk when it returns 0. */
int store_commit(struct store *store, struct diag *diag);

/* How long days are kept; 0: for ever, any size. */
struct store_limits {
	int64_t keep_s[STORE_CLASSES];   /* after the end of the day */
	uint64_t octets;                 /* of all files; the oldest go first, never one of the day of `now_s` or later */
};

/* Removes the files of days that are too old or too much, damaged ones too. *removed: how many. 1: *diag says what could
 * not be removed, and nothing is the worse for it. */
int store_keep(struct store *store, const struct store_limits *limits, int64_t now_s, unsigned *removed,
	struct diag *diag);

/* Removes every event of clients whose addresses begin with the first `bits` bits of *client, from all files, and
 * what says that they asked: what was asked and answered stays, nobody can say by whom. Commits before. *events: how
 * many, also where -1 says that one file could not be written to: the others were. */
int store_forget(struct store *store, const struct address *client, unsigned bits, uint64_t *events,
	struct diag *diag);

/* Has something been put since the last commit? */
bool store_is_dirty(const struct store *store);

const struct store_counts *store_counts(const struct store *store);

#endif
