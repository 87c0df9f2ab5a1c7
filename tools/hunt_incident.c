/* hunt_incident.c: `hunt incident BOOT.WORKER.SEQ`: one answer, and what was around it. */
#include "tools/hunt.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"
#include "tools/hunt_remote.h"
#include "tools/verdictctl.h"

#define BOOT_DIGITS 12
#define AROUND_MS "60000"

static const char tables[] =
	HUNT_HIT_TABLES HUNT_MOMENT_TABLE
	"CREATE TABLE incident (at INTEGER, sensor TEXT, client BLOB, key TEXT, type, class, rcode, path, transport, latency,"
	" score, verdict TEXT, list TEXT, rule TEXT, trigger TEXT, category TEXT, techniques TEXT, chain, serial, ede,"
	" grp TEXT, shadow TEXT, detectors TEXT, detections TEXT, records TEXT);";

/* Its block says between which ids it lies. */
static const char find[] =
	"INSERT INTO incident SELECT e.at + :day * 1000, x.identity, coalesce(c.address, x''), coalesce(n.key, ''), r.type,"
	" r.class, r.rcode, e.path, e.transport, e.latency, e.score, v.verdict, v.list, v.rule, v.trigger, v.category,"
	" v.techniques, v.chain, v.serial, v.ede, v.grp, trim(v.shadow_list || ' ' || v.shadow_rule || ' ' ||"
	" v.shadow_action), v.detectors, d.detections, iif(r.records = '', NULL, (SELECT group_concat(line, ', ') FROM"
	"  (SELECT DISTINCT name_text(o.key) || ' ' || type_text(rr.type) || ' ' || record_text(rr.type, rr.data) AS line"
	"   FROM json_each(r.records) AS j CROSS JOIN day.rr AS rr ON rr.id = j.value"
	"   CROSS JOIN day.name AS o ON o.id = rr.owner ORDER BY line)))"
	" FROM day.source AS s CROSS JOIN day.seen AS b ON b.source = s.id AND b.block = :block"
	" CROSS JOIN day.event AS e ON e.id BETWEEN b.first AND b.last AND e.source = s.id AND e.seq = :seq"
	" CROSS JOIN day.sensor AS x ON x.id = s.sensor CROSS JOIN day.reply AS r ON r.id = e.reply"
	" CROSS JOIN day.verdict AS v ON v.id = r.verdict LEFT JOIN day.name AS n ON n.id = r.name"
	" LEFT JOIN day.client AS c ON c.id = e.client LEFT JOIN day.detail AS d ON d.event = e.id"
	" WHERE s.boot = :boot AND s.worker = :worker;";

/* Who asked for that name at all. */
static const char find_same[] =
	HUNT_FIND("SELECT p.* FROM (SELECT DISTINCT key FROM incident) AS i CROSS JOIN day.name AS n ON n.key = i.key"
		" CROSS JOIN day.pair AS p ON p.name = n.id WHERE" HUNT_IN_WINDOW("p"))
	HUNT_MERGE;

/* A minute leads to the ids of its events. */
static const char find_around[] =
	"INSERT INTO moment SELECT e.at + :day * 1000, c.address, coalesce(n.key, ''), r.type, r.rcode, "
	HUNT_VERDICT_TEXT("v") ", e.path, x.identity, iif(s.boot = '', NULL, s.boot || '.' || s.worker || '.' || e.seq)"
	" FROM (SELECT at / 1000 - :day AS ms, client, key FROM incident) AS i CROSS JOIN day.client AS c"
	"  ON c.address = i.client AND length(c.address) > 0"
	" CROSS JOIN (SELECT i.at AS of_at, min(m.first) AS low, max(m.last) AS high FROM incident AS i"
	"  CROSS JOIN day.minute AS m ON m.minute BETWEEN (i.at / 1000 - :day - " AROUND_MS ") / 60000 - 1"
	"   AND (i.at / 1000 - :day + " AROUND_MS ") / 60000 GROUP BY i.at) AS span ON span.of_at / 1000 - :day = i.ms"
	" CROSS JOIN day.event AS e ON e.id BETWEEN span.low AND span.high AND e.client = c.id"
	"  AND e.at BETWEEN (i.ms - " AROUND_MS ") * 1000 AND (i.ms + " AROUND_MS ") * 1000"
	" CROSS JOIN day.reply AS r ON r.id = e.reply CROSS JOIN day.verdict AS v ON v.id = r.verdict"
	" CROSS JOIN day.source AS s ON s.id = e.source CROSS JOIN day.sensor AS x ON x.id = s.sensor"
	" LEFT JOIN day.name AS n ON n.id = r.name;";

static bool read_number(const char **at, int64_t *number)
{
	char *stop;

	errno = 0;
	*number = strtoll(*at, &stop, 10);
	if (**at < '0' || **at > '9' || errno != 0)
		return false;
	*at = stop;
	return true;
}

static bool is_part(char letter)
{
	return isalnum((unsigned char)letter) || letter == '.';
}

/* BOOT.WORKER.SEQ, and nothing that could be more of it behind. Lower case, as it is kept. */
static bool read_incident(const char *at, char *boot, int64_t *worker, int64_t *seq)
{
	if (strspn(at, "0123456789abcdefABCDEF") != BOOT_DIGITS || at[BOOT_DIGITS] != '.')
		return false;
	for (unsigned i = 0; i < BOOT_DIGITS; i++)
		boot[i] = (char)tolower((unsigned char)at[i]);
	boot[BOOT_DIGITS] = '\0';
	at += BOOT_DIGITS + 1;
	if (!read_number(&at, worker) || *at++ != '.' || !read_number(&at, seq))
		return false;
	return !is_part(*at) || (*at == '.' && !is_part(at[1]));
}

/* The last one in the text: an EDE's ends with it, and in front of it stand names that anybody could have chosen. */
static bool bind(struct hunt *hunt)
{
	char boot[BOOT_DIGITS + 1], found[BOOT_DIGITS + 1];
	int64_t worker = -1, seq, found_worker, found_seq;

	for (const char *at = hunt->asked; *at != '\0'; at++)
		if ((at == hunt->asked || !is_part(at[-1])) && read_incident(at, found, &found_worker, &found_seq)) {
			strcpy(boot, found);
			worker = found_worker;
			seq = found_seq;
		}
	return worker >= 0 && query_bind_text(hunt->query, ":boot", boot) &&
		query_bind_number(hunt->query, ":worker", worker) && query_bind_number(hunt->query, ":seq", seq) &&
		query_bind_number(hunt->query, ":block", seq / STORE_BLOCK_NUMBERS);
}

static const struct hunt_column event[] = {
	{ "time", HUNT_TIME }, { "resolver", HUNT_TEXT }, { "client", HUNT_TEXT }, { "group", HUNT_TEXT },
	{ "name", HUNT_TEXT }, { "type", HUNT_TEXT }, { "rcode", HUNT_TEXT }, { "records", HUNT_TEXT },
	{ "verdict", HUNT_VERDICT }, { "list", HUNT_TEXT }, { "rule", HUNT_TEXT }, { "trigger", HUNT_TEXT },
	{ "chain", HUNT_COUNT }, { "serial", HUNT_COUNT }, { "category", HUNT_TEXT }, { "techniques", HUNT_TEXT },
	{ "ede", HUNT_COUNT }, { "shadow", HUNT_TEXT }, { "detectors", HUNT_TEXT }, { "score", HUNT_COUNT },
	{ "detections", HUNT_TEXT }, { "path", HUNT_TEXT }, { "latency_us", HUNT_COUNT }, { NULL, HUNT_TEXT }
};
static const struct hunt_column story[] = {
	{ "who", HUNT_TEXT }, { "first", HUNT_TIME }, { "last", HUNT_TIME }, { "count", HUNT_COUNT },
	{ "clients", HUNT_COUNT }, { "verdicts", HUNT_VERDICT }, { NULL, HUNT_TEXT }
};

static int print(struct hunt *hunt)
{
	if (hunt_card(hunt, "event", event, "SELECT " HUNT_MS("at") ", sensor, address_text(client), nullif(grp, ''),"
			" name_text(key), type_text(type), rcode_text(rcode), records, iif(verdict = '', '-', verdict), nullif(list, ''),"
			" nullif(rule, ''), nullif(trigger, ''), nullif(chain, 0), nullif(serial, 0), nullif(category, ''),"
			" nullif(trim(techniques), ''), nullif(ede, 0), nullif(shadow, ''), nullif(trim(detectors), ''),"
			" nullif(score, 0), detections, path_text(path), nullif(latency, -1) FROM incident ORDER BY at, sensor") != 0)
		return -1;
	if (hunt_section(hunt, "same_name", story, "SELECT iif(h.client IN (SELECT client FROM incident), 'this client',"
			" 'others') AS who, min(first), max(last), sum(count), count(DISTINCT h.client), texts("
			HUNT_VERDICT_TEXT("d") ") FROM hit AS h JOIN decision AS d ON d.id = h.decision GROUP BY who"
			" ORDER BY who DESC") != 0)
		return -1;
	return hunt_timeline(hunt);
}

static const struct hunt_fetch fetches[] = {
	{ "incident.event", "itbtiiiiiii" "tttttt" "iii" "ttttttt",
		"INSERT INTO incident SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,"
		" ?20, ?21, trim(?22 || ' ' || ?23 || ' ' || ?24), ?25, nullif(?26, ''), iif(?27 = '', NULL,"
		" (SELECT group_concat(line, ', ') FROM (SELECT DISTINCT name_text(record_owner(j.value)) || ' ' ||"
		"  type_text(record_type(j.value)) || ' ' || record_text(record_type(j.value), record_data(j.value)) AS line"
		"  FROM json_each(" REMOTE_RECORDS("?27") ") AS j ORDER BY line)))" },
	{ "incident.hits", REMOTE_HIT_TYPES, REMOTE_HIT_INSERT },
	{ "incident.around", REMOTE_MOMENT_TYPES, REMOTE_MOMENT_INSERT },
	{ NULL, NULL, NULL }
};

static int gather(struct hunt *hunt)
{
	struct query *query = hunt->query;

	if (query_run(query, tables, &hunt->diag) != 0)
		return -1;
	if (hunt->remote != NULL)
		return hunt_fetch(hunt, fetches);
	return query_gather(query, QUERY_ALL, find, &hunt->diag) == 0 &&
		query_gather(query, QUERY_ALL, find_same, &hunt->diag) == 0 &&
		query_gather(query, QUERY_ALL, find_around, &hunt->diag) == 0 ? 0 : -1;
}

int hunt_incident(struct hunt *hunt)
{
	if (!bind(hunt))
		return command_misuse(hunt->command, "an incident's number is BOOT.WORKER.SEQ, such as 3f2a9c1b7d40.1.17");
	if (gather(hunt) != 0)
		return -1;
	hunt_begin(hunt, "incident");
	return print(hunt);
}
