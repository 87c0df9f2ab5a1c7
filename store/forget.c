/* forget.c: events, pairs and the address itself. */
#include "store/forget.h"

#include <string.h>

#include <sqlite3.h>

#include "policy/address.h"
#include "store/shelf.h"
#include "store/slice_forget.h"
#include "store/store.h"

#define SLICE_SINCE 3
#define MINUTE_US "60000000"

/* The length tells the families apart. Earlier releases kept an IPv4-mapped client as it came: of IPv4, what lies
 * below ::ffff:0:0/96 goes, too. */
static const char pick[] =
	"CREATE TEMP TABLE gone AS SELECT id FROM client WHERE length(address) = ?1 AND address BETWEEN ?2 AND ?3"
	" OR length(address) = 16 AND address BETWEEN ?4 AND ?5";
#define MAPPED_OCTETS 12
/* `since`: the version of a day file's tables that has what it speaks of. */
static const struct step {
	unsigned since;
	const char *text;
} steps[] = {
	{ 1, "DELETE FROM detail WHERE event IN (SELECT id FROM event WHERE client IN (SELECT id FROM temp.gone))" },
	{ 2, "CREATE TEMP TABLE touched AS SELECT DISTINCT p.name AS name, ifnull(a.domain, 0) AS domain FROM pair AS p"
		" LEFT JOIN name_sum AS a ON a.name = p.name WHERE p.client IN (SELECT id FROM temp.gone)" },
	{ 1, "DELETE FROM pair WHERE client IN (SELECT id FROM temp.gone)" },
	/* What is added up is made anew of what is left. */
	{ 2, "DELETE FROM name_sum WHERE name IN (SELECT name FROM temp.touched)" },
	{ 2, "INSERT INTO name_sum (name, domain, client, clients, first, last, count) SELECT t.name, t.domain,"
		" ifnull(min(nullif(p.client, 0)), 0), count(DISTINCT nullif(p.client, 0)), min(p.first), max(p.last), sum(p.count)"
		" FROM temp.touched AS t CROSS JOIN pair AS p ON p.name = t.name WHERE t.name <> 0 GROUP BY t.name" },
	{ 2, "DELETE FROM domain_sum WHERE domain IN (SELECT domain FROM temp.touched)" },
	{ 2, "INSERT INTO domain_sum (domain, first, last, count) SELECT domain, min(first), max(last), sum(count) FROM name_sum"
		" WHERE domain <> 0 AND domain IN (SELECT domain FROM temp.touched) GROUP BY domain" },
	{ 2, "DELETE FROM client_sum WHERE client IN (SELECT id FROM temp.gone)" },
	{ 2, "DELETE FROM verdict_sum" },
	{ 2, "INSERT INTO verdict_sum (verdict, first, last, count) SELECT verdict, min(first), max(last), sum(count) FROM pair"
		" GROUP BY verdict" },
	/* The rule of a verdict about a client is its address, a group can be one client; of a shadow rule the trigger is
	 * not kept: a prefix can be the client's. Numbered, for verdicts differ in their rules. */
	{ 1, "UPDATE verdict SET rule = iif(trigger = 'CLIENT-IP', '(forgotten ' || id || ')', rule),"
		" shadow_rule = iif(instr(shadow_rule, '/'), '(forgotten ' || id || ')', shadow_rule),"
		" grp = iif(grp = '', '', '(forgotten ' || id || ')')"
		" WHERE (trigger = 'CLIENT-IP' OR instr(shadow_rule, '/') OR grp <> '') AND id NOT IN (SELECT verdict FROM pair)" },
	{ 1, "CREATE TEMP TABLE lost AS SELECT (e.at - (e.at % " MINUTE_US " + " MINUTE_US ") % " MINUTE_US ") / " MINUTE_US
		" AS minute, r.verdict AS verdict, count(*) AS count FROM event AS e CROSS JOIN reply AS r ON r.id = e.reply"
		" WHERE e.client IN (SELECT id FROM temp.gone) GROUP BY 1, 2" },
	{ 1, "UPDATE minute SET count = minute.count - l.count FROM temp.lost AS l"
		" WHERE l.minute = minute.minute AND l.verdict = minute.verdict" },
	{ 1, "DELETE FROM minute WHERE count <= 0" },
	{ 1, "DELETE FROM client WHERE id IN (SELECT id FROM temp.gone)" },
	{ 1, "DELETE FROM event WHERE client IN (SELECT id FROM temp.gone)" },
};

static int fail(sqlite3 *db, const char *path, struct diag *diag)
{
	return diag_set(diag, path, 0, 0, "%s", sqlite3_errmsg(db));
}

static int pick_clients(sqlite3 *db, const char *path, const struct address *client, unsigned bits,
	struct diag *diag)
{
	struct address first = *client, last = *client;
	uint8_t low[16] = { [10] = 0xff, [11] = 0xff }, high[16] = { [10] = 0xff, [11] = 0xff };
	int octets = client->family == ADDRESS_INET ? 4 : 16, code;
	sqlite3_stmt *statement;

	address_mask(&first, bits);
	address_mask(&last, bits);
	for (unsigned bit = bits; bit < (unsigned)octets * 8; bit++)
		last.octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	if (sqlite3_prepare_v2(db, pick, -1, &statement, NULL) != SQLITE_OK)
		return fail(db, path, diag);
	sqlite3_bind_int(statement, 1, octets);
	sqlite3_bind_blob(statement, 2, first.octets, octets, SQLITE_TRANSIENT);
	sqlite3_bind_blob(statement, 3, last.octets, octets, SQLITE_TRANSIENT);
	if (client->family == ADDRESS_INET) {
		memcpy(low + MAPPED_OCTETS, first.octets, sizeof(low) - MAPPED_OCTETS);
		memcpy(high + MAPPED_OCTETS, last.octets, sizeof(high) - MAPPED_OCTETS);
		sqlite3_bind_blob(statement, 4, low, sizeof(low), SQLITE_TRANSIENT);
		sqlite3_bind_blob(statement, 5, high, sizeof(high), SQLITE_TRANSIENT);
	}
	code = sqlite3_step(statement);
	if (code != SQLITE_DONE)
		fail(db, path, diag);
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : -1;
}

static int run(sqlite3 *db, const char *path, const char *text, struct diag *diag)
{
	return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(db, path, diag);
}

/* The log would still hold pages as they were, and the file too while somebody who reads keeps the log from it. */
static int empty_log(sqlite3 *db, const char *path, struct diag *diag)
{
	sqlite3_stmt *statement;
	bool busy;

	if (sqlite3_prepare_v2(db, "PRAGMA wal_checkpoint(TRUNCATE)", -1, &statement, NULL) != SQLITE_OK)
		return fail(db, path, diag);
	busy = sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_int(statement, 0) != 0;
	sqlite3_finalize(statement);
	return busy ? diag_set(diag, path, 0, 0, "is being read: its disk still has what was removed; ask again") : 0;
}

/* Of the tables; 0: *diag. */
static unsigned version_of(sqlite3 *db, const char *path, struct diag *diag)
{
	static const char *const texts[2] = { "PRAGMA application_id", "PRAGMA user_version" };
	int64_t found[2] = { 0, 0 };
	sqlite3_stmt *statement;
	int code;

	for (unsigned i = 0; i < 2; i++) {
		code = sqlite3_prepare_v2(db, texts[i], -1, &statement, NULL);
		if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
			found[i] = sqlite3_column_int64(statement, 0);
		if (sqlite3_finalize(statement) != SQLITE_OK || code != SQLITE_OK) {
			fail(db, path, diag);
			return 0;
		}
	}
	if (found[0] == STORE_APPLICATION && found[1] > 0 && found[1] <= STORE_VERSION)
		return (unsigned)found[1];
	diag_set(diag, path, 0, 0, "%s", found[0] == STORE_APPLICATION ?
		"was made by a later release, and still tells of it: forget with that one, or remove the file" : "is no day file");
	return 0;
}

static int delete_all(sqlite3 *db, const char *path, const struct address *client, unsigned bits, uint64_t *events,
	struct diag *diag)
{
	unsigned version = version_of(db, path, diag);

	if (version == 0)
		return -1;
	/* By a log, which a reader needs nothing of: a journal that somebody killed leaves has to be played back first. */
	if (run(db, path, "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL;"
			"PRAGMA temp_store = MEMORY; BEGIN IMMEDIATE", diag) != 0 || pick_clients(db, path, client, bits, diag) != 0)
		return -1;
	if (version >= SLICE_SINCE && slice_forget(db, "SELECT id FROM temp.gone") != SQLITE_OK)
		return fail(db, path, diag);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (version >= steps[i].since && run(db, path, steps[i].text, diag) != 0)
			return -1;
	*events += (uint64_t)sqlite3_changes64(db);
	return run(db, path, "COMMIT", diag) != 0 ? -1 : empty_log(db, path, diag);
}

int forget_in(const char *path, const struct address *client, unsigned bits, uint64_t *events, struct diag *diag)
{
	sqlite3 *db;
	int result;

	if (!shelf_is_regular(path, false))
		return diag_set(diag, path, 0, 0, SHELF_IRREGULAR);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
		fail(db, path, diag);
		sqlite3_close(db);
		return -1;
	}
	sqlite3_busy_timeout(db, 10000);
	result = delete_all(db, path, client, bits, events, diag);
	/* As day_close leaves a file. */
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(db);
	return result;
}
