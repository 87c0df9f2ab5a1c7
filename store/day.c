/* day.c: opening, transactions, and taking an event. */
#include "store/day_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/schema.h"
#include "store/shelf.h"
#include "store/store.h"

#define NAME_BITS 17
#define CLIENT_BITS 15
#define VERDICT_BITS 12
#define RR_BITS 19
#define REPLY_BITS 18
#define CHECKED_OCTETS (256 << 20)
#define VERSION_TEXT(number) #number
#define VERSION_OF(number) VERSION_TEXT(number)

static const char *const texts[DAY_STATEMENTS] = {
	[DAY_BEGIN] = "BEGIN IMMEDIATE",
	[DAY_COMMIT] = "COMMIT",
	[DAY_FIND_NAME] = "SELECT id FROM name WHERE key = ?",
	[DAY_ADD_NAME] = "INSERT INTO name (key, domain) VALUES (?, ?)",
	[DAY_SET_DOMAIN] = "UPDATE name SET domain = id WHERE id = ?",
	[DAY_FIND_CLIENT] = "SELECT id FROM client WHERE address = ?",
	[DAY_ADD_CLIENT] = "INSERT INTO client (address) VALUES (?)",
	[DAY_FIND_VERDICT] = "SELECT id FROM verdict WHERE list = ? AND rule = ? AND verdict = ? AND trigger = ? AND"
		" category = ? AND techniques = ? AND grp = ? AND privacy = ? AND shadow_list = ? AND shadow_rule = ? AND"
		" shadow_action = ? AND shadow_category = ? AND detectors = ? AND chain = ? AND serial = ? AND ede = ?",
	[DAY_ADD_VERDICT] = "INSERT INTO verdict (list, rule, verdict, trigger, category, techniques, grp, privacy,"
		" shadow_list, shadow_rule, shadow_action, shadow_category, detectors, chain, serial, ede)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[DAY_FIND_SENSOR] = "SELECT id FROM sensor WHERE identity = ?",
	[DAY_ADD_SENSOR] = "INSERT INTO sensor (identity) VALUES (?)",
	[DAY_FIND_SOURCE] = "SELECT id FROM source WHERE sensor = ? AND boot = ? AND worker = ?",
	[DAY_ADD_SOURCE] = "INSERT INTO source (sensor, boot, worker, first, last, frames, duplicates, dropped,"
		" left_out, seq) VALUES (?, ?, ?, 0, 0, 0, 0, 0, 0, 0)",
	[DAY_COUNT_SOURCE] = "UPDATE source SET first = iif(frames = 0, ?2, min(first, ?2)), last = iif(frames = 0, ?3,"
		" max(last, ?3)), frames = frames + ?4, duplicates = duplicates + ?5, dropped = max(dropped, ?6),"
		" left_out = max(left_out, ?7), seq = max(seq, ?8) WHERE id = ?1",
	[DAY_FIND_RR] = "SELECT id, ttl FROM rr WHERE owner = ? AND type = ? AND data = ? AND sensor = ?",
	[DAY_ADD_RR] = "INSERT INTO rr (owner, type, data, sensor, ttl, first, last, count)"
		" VALUES (?, ?, ?, ?, ?, 0, 0, 0)",
	[DAY_COUNT_RR] = "UPDATE rr SET first = iif(count = 0, ?2, min(first, ?2)), last = iif(count = 0, ?3,"
		" max(last, ?3)), count = count + ?4, ttl = max(ttl, ?5) WHERE id = ?1",
	[DAY_AGE_RR] = "UPDATE rr SET ttl = max(ttl, ?2) WHERE id = ?1",
	[DAY_FIND_REPLY] = "SELECT id FROM reply WHERE name = ? AND type = ? AND verdict = ? AND flags = ? AND rcode = ?"
		" AND class = ? AND upstream = ? AND records = ?",
	[DAY_ADD_REPLY] = "INSERT INTO reply (name, type, verdict, flags, rcode, class, upstream, records, first, last,"
		" count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)",
	[DAY_COUNT_REPLY] = "UPDATE reply SET first = iif(count = 0, ?2, min(first, ?2)), last = iif(count = 0, ?3,"
		" max(last, ?3)), count = count + ?4 WHERE id = ?1",
	[DAY_ADD_EVENT] = "INSERT INTO event (id, at, client, reply, source, seq, path, transport, latency, score, prev)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[DAY_ADD_DETAIL] = "INSERT INTO detail (event, detections) VALUES (?, ?)",
	[DAY_FIND_PAIRS] = "SELECT verdict, newest FROM pair WHERE name = ? AND client = ? ORDER BY verdict DESC",
	[DAY_ADD_PAIR] = "INSERT INTO pair (name, client, verdict, first, last, count, newest) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[DAY_COUNT_PAIR] = "UPDATE pair SET first = min(first, ?4), last = max(last, ?5), count = count + ?6, newest = ?7"
		" WHERE name = ?1 AND client = ?2 AND verdict = ?3",
	/* An index is written anew for each of its columns that a statement names: most of the time none changes. */
	[DAY_FIND_NAME_SUM] = "SELECT domain, clients, first FROM name_sum WHERE name = ?",
	[DAY_FIND_DOMAIN_OF] = "SELECT domain FROM name WHERE id = ?",
	[DAY_ADD_NAME_SUM] = "INSERT INTO name_sum (name, first, last, count, clients, client, domain)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
	[DAY_COUNT_NAME_SUM] = "UPDATE name_sum SET last = max(last, ?3), count = count + ?4 WHERE name = ?1",
	[DAY_CHANGE_NAME_SUM] = "UPDATE name_sum SET first = min(first, ?2), last = max(last, ?3), count = count + ?4,"
		" clients = clients + ?5, client = iif(clients = 0, ?6, client) WHERE name = ?1",
	[DAY_FIND_DOMAIN_SUM] = "SELECT first FROM domain_sum WHERE domain = ?",
	[DAY_ADD_DOMAIN_SUM] = "INSERT INTO domain_sum (domain, first, last, count) VALUES (?, ?, ?, ?)",
	[DAY_COUNT_DOMAIN_SUM] = "UPDATE domain_sum SET last = max(last, ?3), count = count + ?4 WHERE domain = ?1",
	[DAY_CHANGE_DOMAIN_SUM] = "UPDATE domain_sum SET first = min(first, ?2), last = max(last, ?3), count = count + ?4"
		" WHERE domain = ?1",
	[DAY_COUNT_CLIENT] = "INSERT INTO client_sum (client, first, last, count, names) VALUES (?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
		" count = count + excluded.count, names = names + excluded.names",
	[DAY_COUNT_VERDICT] = "INSERT INTO verdict_sum (verdict, first, last, count) VALUES (?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
		" count = count + excluded.count",
	[DAY_PUT_MINUTE] = "INSERT INTO minute (minute, verdict, first, last, count) VALUES (?, ?, ?, ?, ?)"
		" ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last),"
		" count = count + excluded.count",
	[DAY_FIND_SEEN] = "SELECT bits, count, first_at, last_at, first, last FROM seen WHERE source = ? AND block = ?",
	[DAY_PUT_SEEN] = "REPLACE INTO seen (source, block, bits, count, first_at, last_at, first, last)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[DAY_PUT_SLICE] = "REPLACE INTO slice (first, count, earliest, latest, octets) VALUES (?, ?, ?, ?, ?)",
	[DAY_FIND_NOTE] = "SELECT 1 FROM sensor JOIN note ON note.sensor = sensor.id WHERE identity = ? AND boot = ? AND"
		" former = ? AND worker = ? AND number = ?",
	[DAY_ADD_NOTE] = "INSERT OR IGNORE INTO note (sensor, boot, former, worker, number, at, extra)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
};

/* --- running ------------------------------------------------------------------------------------------------ */

int day_fail(struct day *day, struct diag *diag)
{
	int code = sqlite3_errcode(day->db);

	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		day->damaged = true;
	return diag_set(diag, day->path, 0, 0, "%s", sqlite3_errmsg(day->db));
}

int day_run(struct day *day, enum day_statement which, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[which];
	int code = sqlite3_step(statement);

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		day_fail(day, diag);
	sqlite3_reset(statement);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : -1;
}

int64_t day_look(struct day *day, enum day_statement which, struct diag *diag)
{
	sqlite3_stmt *statement = day->statements[which];
	int code = sqlite3_step(statement);
	int64_t found = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		found = day_fail(day, diag);
	sqlite3_reset(statement);
	return found;
}

int day_begin(struct day *day, struct diag *diag)
{
	if (day->in_transaction)
		return 0;
	if (day_run(day, DAY_BEGIN, diag) != 0)
		return -1;
	day->in_transaction = true;
	return 0;
}

/* --- opening ------------------------------------------------------------------------------------------------ */

static int execute(struct day *day, const char *text, struct diag *diag)
{
	return sqlite3_exec(day->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : day_fail(day, diag);
}

static int64_t ask(struct day *day, const char *text, struct diag *diag)
{
	sqlite3_stmt *statement;
	int64_t found = 0;

	if (sqlite3_prepare_v2(day->db, text, -1, &statement, NULL) != SQLITE_OK)
		return day_fail(day, diag);
	if (sqlite3_step(statement) == SQLITE_ROW)
		found = sqlite3_column_int64(statement, 0);
	if (sqlite3_finalize(statement) != SQLITE_OK)
		return day_fail(day, diag);
	return found;
}

/* The events that are there stay without slices. */
static int add_tables(struct day *day, struct diag *diag)
{
	if (execute(day, "BEGIN IMMEDIATE", diag) != 0 || execute(day, store_schema_slice, diag) != 0)
		return -1;
	return execute(day, "PRAGMA user_version = " VERSION_OF(STORE_VERSION) "; COMMIT", diag);
}

static int check_tables(struct day *day, struct diag *diag)
{
	int64_t version = ask(day, "PRAGMA user_version", diag);
	int64_t application = version < 0 ? -1 : ask(day, "PRAGMA application_id", diag);

	if (version < 0 || application < 0)
		return -1;
	if (application == STORE_APPLICATION && version > STORE_VERSION)
		return diag_set(diag, day->path, 0, 0, "was made by a later release");
	if (application == STORE_APPLICATION && version >= STORE_OLDEST &&
			ask(day, "SELECT value FROM meta WHERE key = 'day'", NULL) == day->day_s)
		return version == STORE_VERSION ? 0 : add_tables(day, diag);
	day->damaged = true;
	return diag_set(diag, day->path, 0, 0, application == STORE_APPLICATION && version < STORE_OLDEST ?
		"was made by an earlier release, and has other tables" : "is no file of this day");
}

static int prepare(struct day *day, struct diag *diag)
{
	for (unsigned i = 0; i < DAY_STATEMENTS; i++)
		if (sqlite3_prepare_v3(day->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &day->statements[i], NULL) !=
				SQLITE_OK)
			return day_fail(day, diag);
	return 0;
}

/* A small file is looked through whole; a large one would keep senders waiting, and shows its damage when it is
 * read. */
static int check_whole(struct day *day, struct diag *diag)
{
	sqlite3_stmt *statement;
	struct stat status;
	bool fine;

	if (stat(day->path, &status) != 0 || status.st_size == 0 || status.st_size > CHECKED_OCTETS)
		return 0;
	if (sqlite3_prepare_v2(day->db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
		return day_fail(day, diag);
	/* Without a row it is memory, a lock or the disk that failed, or the damage itself has a code. */
	if (sqlite3_step(statement) != SQLITE_ROW) {
		day_fail(day, diag);
		sqlite3_finalize(statement);
		return -1;
	}
	fine = strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
	sqlite3_finalize(statement);
	day->damaged = !fine;
	return fine ? 0 : diag_set(diag, day->path, 0, 0, "is damaged");
}

static int open_at(struct day *day, const char *path, int more, struct diag *diag)
{
	if (sqlite3_open_v2(path, &day->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_PRIVATECACHE | more, NULL) != SQLITE_OK)
		return day_fail(day, diag);
	sqlite3_extended_result_codes(day->db, 1);
	sqlite3_busy_timeout(day->db, 10000);
	return 0;
}

static int make_tables(struct day *day, struct diag *diag)
{
	char text[256];

	snprintf(text, sizeof(text), "INSERT INTO meta VALUES ('day', %lld); PRAGMA application_id = %d;"
		"PRAGMA user_version = " VERSION_OF(STORE_VERSION) "; COMMIT", (long long)day->day_s, STORE_APPLICATION);
	if (execute(day, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", diag) != 0 || execute(day, store_schema, diag) != 0 ||
			execute(day, store_schema_slice, diag) != 0 || execute(day, store_schema_more[day->class], diag) != 0)
		return -1;
	return execute(day, text, diag);
}

/* A new file gets its name when it has its tables: whoever lists the directory never finds half of one. */
static int make_file(struct day *day, struct diag *diag)
{
	char path[sizeof(day->path) + 8];
	int result;

	snprintf(path, sizeof(path), "%s.new", day->path);
	/* A log that is left of a file that somebody removed is none of the new one's. */
	if (shelf_remove(path, diag) != 0 || shelf_remove(day->path, diag) != 0)
		return -1;
	result = open_at(day, path, SQLITE_OPEN_CREATE, diag);
	if (result == 0)
		result = make_tables(day, diag);
	if (sqlite3_close(day->db) != SQLITE_OK && result == 0)
		result = diag_set(diag, path, 0, 0, "cannot be closed");
	day->db = NULL;
	if (result == 0 && rename(path, day->path) != 0)
		result = diag_set(diag, day->path, 0, 0, "cannot be made: %s", strerror(errno));
	return result;
}

/* A disk that does not answer is another thing: to make a file removes what has its name. */
static bool is_missing(const char *path)
{
	struct stat status;

	return lstat(path, &status) != 0 && errno == ENOENT;
}

static int open_database(struct day *day, bool look, struct diag *diag)
{
	char text[64];
	int64_t last;

	if (!shelf_is_regular(day->path, false)) {
		day->damaged = true;
		return diag_set(diag, day->path, 0, 0, SHELF_IRREGULAR);
	}
	if ((is_missing(day->path) && make_file(day, diag) != 0) || open_at(day, day->path, 0, diag) != 0)
		return -1;
	snprintf(text, sizeof(text), "PRAGMA cache_size = -%d", DAY_CACHE_KIB);
	if (execute(day, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384;"
			"PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY", diag) != 0 ||
			execute(day, text, diag) != 0 || (look && check_whole(day, diag) != 0) ||
			check_tables(day, diag) != 0 || prepare(day, diag) != 0)
		return -1;
	last = ask(day, "SELECT max(id) FROM event", diag);
	if (last < 0)
		return -1;
	day->next_event = (uint64_t)last + 1;
	return 0;
}

static bool make_room(struct day *day)
{
	day->names = dict_create(NAME_BITS);
	day->clients = dict_create(CLIENT_BITS);
	day->verdicts = dict_create(VERDICT_BITS);
	day->rrs = dict_create(RR_BITS);
	day->replies = dict_create(REPLY_BITS);
	day->seen = calloc(1, sizeof(*day->seen));
	day->events = calloc(DAY_BATCH_EVENTS, sizeof(*day->events));
	day->uses = calloc(DAY_USES_MAX, sizeof(*day->uses));
	return day->names != NULL && day->clients != NULL && day->verdicts != NULL && day->rrs != NULL &&
		day->replies != NULL && day->seen != NULL && day->events != NULL && day->uses != NULL && day_flush_init(day);
}

struct day *day_open(const char *path, int64_t day_s, enum store_class class, const struct day_shared *shared,
	bool look, bool *damaged, struct diag *diag)
{
	struct day *day = calloc(1, sizeof(*day));

	*damaged = false;
	if (day == NULL) {
		diag_set(diag, path, 0, 0, "no memory");
		return NULL;
	}
	snprintf(day->path, sizeof(day->path), "%s", path);
	day->day_s = day_s;
	day->class = class;
	day->shared = shared;
	if (!make_room(day))
		diag_set(diag, path, 0, 0, "no memory");
	else if (open_database(day, look, diag) == 0)
		return day;
	*damaged = day->damaged;
	day_close(&day);
	return NULL;
}

void day_close(struct day **day)
{
	struct day *closed = *day;

	if (closed == NULL)
		return;
	for (unsigned i = 0; i < DAY_STATEMENTS; i++)
		sqlite3_finalize(closed->statements[i]);
	/* Without a log who may read the file alone can do so: to read a log takes leave to write beside it. */
	if (closed->db != NULL && !closed->in_transaction && !closed->damaged)
		sqlite3_exec(closed->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(closed->db);
	for (unsigned i = 0; i < closed->event_count; i++)
		free(closed->events[i].detail);
	dict_destroy(&closed->names);
	dict_destroy(&closed->clients);
	dict_destroy(&closed->verdicts);
	dict_destroy(&closed->rrs);
	dict_destroy(&closed->replies);
	day_flush_fini(closed);
	free(closed->seen);
	free(closed->events);
	free(closed->uses);
	free(closed);
	*day = NULL;
}

bool day_is_dirty(const struct day *day)
{
	return day->in_transaction;
}

bool day_is_damaged(const struct day *day)
{
	return day->damaged;
}

int day_commit(struct day *day, struct diag *diag)
{
	if (!day->in_transaction)
		return 0;
	if (day_flush(day, diag) != 0 || day_run(day, DAY_COMMIT, diag) != 0)
		return -1;
	day->in_transaction = false;
	return 0;
}
