/* hunt_export_rows.c: a day file as rows of doc/scale/tables.sql, one JSON object a line (ClickHouse's JSONEachRow). */
#include "tools/hunt_export.h"

#include <string.h>
#include <time.h>

#define DAY_SECONDS 86400

/* An array of texts. */
static void put_list(struct json_line *line, const char *text, size_t octets)
{
	const char *end = text + octets;

	json_line_open(line, '[');
	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma != NULL ? comma : end;

		json_line_string(line, text, (size_t)(stop - text));
		text = stop + 1;
	}
	json_line_close(line, ']');
}

static void put_day(struct json_line *line, int64_t day)
{
	time_t seconds = (time_t)(day * DAY_SECONDS);
	char text[32] = "";
	struct tm date;

	if (gmtime_r(&seconds, &date) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d", &date);
	json_line_string(line, text, strlen(text));
}

static bool put_row(struct exporting *exporting, sqlite3_value **values, unsigned count)
{
	const char *key = exporting->format->keys;
	struct json_line *line = &exporting->line;

	json_line_open(line, '{');
	for (unsigned i = 0; i < count; i++) {
		size_t octets = strcspn(key, " ");
		const char *text;
		char name[32];

		memcpy(name, key, octets);
		name[octets] = '\0';
		key += octets + (key[octets] != '\0');
		json_line_key(line, name);
		if (strcmp(name, "day") == 0) {
			put_day(line, sqlite3_value_int64(values[i]));
			continue;
		}
		if (sqlite3_value_type(values[i]) == SQLITE_INTEGER) {
			json_line_integer(line, sqlite3_value_int64(values[i]));
			continue;
		}
		text = export_text(values[i], &octets);
		if (strcmp(name, "records") == 0)
			put_list(line, text, octets);
		else
			json_line_string(line, text, octets);
	}
	json_line_put(line, "}\n", 2);
	return true;
}

#define SOURCES " JOIN day.source AS s ON s.id = b.source JOIN day.sensor AS x ON x.id = s.sensor"

const struct export_format export_rows[] = {
	{ .name = "clickhouse-event", .select = export_events, .types = EXPORT_EVENT_TYPES, .put = put_row,
		.keys = "day class at resolver boot worker seq id client name domain type qclass flags rcode path transport"
			" latency_us upstream records verdict list rule trigger category techniques chain serial ede grp privacy"
			" shadow_list shadow_rule shadow_action shadow_category detectors score detections" },
	{ .name = "clickhouse-record", .types = "iititiiiii", .put = put_row,
		.select = "SELECT :day / 86400000, :class, n.key, rr.type, lower(hex(rr.data)), x.identity, rr.ttl, rr.first + :day,"
			" rr.last + :day, rr.count FROM day.rr AS rr JOIN day.name AS n ON n.id = rr.owner JOIN day.sensor AS x"
			" ON x.id = rr.sensor WHERE rr.count > 0",
		.keys = "day class name type data resolver ttl first last count" },
	{ .name = "clickhouse-source", .types = "iittiiiiiii", .put = put_row,
		.select = "SELECT :day / 86400000, :class, x.identity, s.boot, s.worker, s.first + :day, s.last + :day, s.frames,"
			" s.duplicates, s.dropped, s.left_out FROM day.source AS s JOIN day.sensor AS x ON x.id = s.sensor",
		.keys = "day class resolver boot worker first last frames duplicates dropped left_out" },
	{ .name = "clickhouse-seen", .types = "iittiiti", .put = put_row,
		.select = "SELECT :day / 86400000, :class, x.identity, s.boot, s.worker, b.block, lower(hex(b.bits)), b.count"
			" FROM day.seen AS b" SOURCES,
		.keys = "day class resolver boot worker block bits count" },
	{ .name = "clickhouse-note", .types = "iiittiiit", .put = put_row,
		.select = "SELECT :day / 86400000, :class, n.at + :day * 1000, x.identity, n.boot, n.worker, n.former, n.number,"
			" n.extra FROM day.note AS n JOIN day.sensor AS x ON x.id = n.sensor",
		.keys = "day class at resolver boot worker former number extra" },
	{ .name = NULL },
};
