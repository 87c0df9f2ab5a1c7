/*
 * hunt_export_csv.c: events as CSV (RFC 4180): a heading, CRLF, text in quotes.
 *
 * What a spreadsheet would take as a formula, text that begins with = + - @, gets a ' in front, as spreadsheets
 * themselves write it. Text is printable ASCII, all else \DDD, so that a terminal obeys nothing of it.
 */
#include "tools/hunt_export.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/facts.h"
#include "store/name_key.h"
#include "tools/kept_frame.h"
#include "tools/term.h"

static const char heading[] = "time,resolver,number,client,name,type,rcode,verdict,list,rule,category,techniques,shadow_list,"
	"shadow_rule,shadow_action,detectors,score,path,latency_us,records\r\n";

static void put(struct json_line *line, const char *text)
{
	json_line_put(line, text, strlen(text));
}

/* A text in quotes, as safe as it gets. */
static void put_text(struct json_line *line, const char *text, size_t octets)
{
	char piece[8];

	put(line, octets > 0 && strchr("=+-@", *text) != NULL ? "\"'" : "\"");
	for (size_t i = 0; i < octets; i++) {
		if (text[i] == '"')
			put(line, "\"\"");
		else if (term_escape(piece, sizeof(piece), text + i, 1) > 0)
			put(line, piece);
	}
	put(line, "\"");
}

static void put_value(struct json_line *line, sqlite3_value *value)
{
	size_t octets;
	const char *text = export_text(value, &octets);

	put(line, ",");
	put_text(line, text, octets);
}

/* Words with a blank before and after each. */
static void put_words(struct json_line *line, sqlite3_value *value)
{
	size_t octets;
	const char *text = export_text(value, &octets);

	put(line, ",");
	put_text(line, octets > 2 ? text + 1 : "", octets > 2 ? octets - 2 : 0);
}

static void put_own(struct json_line *line, const char *text)
{
	put(line, ",");
	put_text(line, text, strlen(text));
}

static void put_time(struct json_line *line, int64_t us)
{
	int64_t rest = (us % 1000000 + 1000000) % 1000000;
	time_t seconds = (time_t)((us - rest) / 1000000);
	char text[64], whole[96];
	struct tm moment;

	if (gmtime_r(&seconds, &moment) == NULL || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &moment) == 0)
		strcpy(text, "-");
	snprintf(whole, sizeof(whole), "%s.%06" PRId64 "Z", text, rest);
	put_text(line, whole, strlen(whole));
}

static void put_number(struct json_line *line, sqlite3_value *value, int64_t none)
{
	char text[32] = "";

	if (sqlite3_value_int64(value) != none)
		snprintf(text, sizeof(text), "%lld", (long long)sqlite3_value_int64(value));
	put(line, ",");
	put(line, text);
}

static void put_client(struct json_line *line, const struct kept_frame *frame)
{
	const Dnstap__Message *message = frame->fields.message;
	char text[INET6_ADDRSTRLEN] = "";

	if (frame_has_address(&message->query_address, message->has_query_address))
		frame_address(&message->query_address, true, text);
	put_own(line, text);
}

/* As the store writes names, whose escapes leave nothing that begins a formula but '-'. */
static void put_name(struct json_line *line, sqlite3_value *value, bool there)
{
	char text[NAME_KEY_MAX] = "";
	size_t octets;
	const char *key = export_text(value, &octets);

	if (there && octets < NAME_KEY_MAX)
		name_key_to_text(key, text);
	put_own(line, text);
}

/* `A 192.0.2.1; A 192.0.2.2` */
static void put_records(struct json_line *line, const struct dns_view *dns)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct json_line joined = { .octets = NULL };
	char small[DNS_NAME_MAX + 8], type[DNS_TYPE_MAX];
	struct dns_record record;
	size_t octets;

	while (dns_next(dns, &cursor, &record)) {
		char *data = dns_data(dns, &record, false, small, &octets);

		put(&joined, joined.used > 0 ? "; " : "");
		put(&joined, dns_type_name(record.type, type));
		put(&joined, " ");
		if (data != NULL)
			json_line_put(&joined, data, octets);
		if (data != small)
			free(data);
	}
	put(line, ",");
	put_text(line, joined.octets != NULL ? joined.octets : "", joined.used);
	line->failed |= joined.failed;
	json_line_fini(&joined);
}

static const char *path_name(int path)
{
	return path >= 0 && path < PATH_COUNT ? path_table[path].name : path == STORE_PATH_QUERY ? "query" : "response";
}

static void put_question(struct json_line *line, const struct kept_frame *frame, sqlite3_value **values)
{
	const struct dns_view *dns = &frame->fields.dns;
	int rcode = sqlite3_value_int(values[EVENT_RCODE]);
	char text[DNS_TYPE_MAX];

	put_name(line, values[EVENT_NAME], dns->has_question);
	put_own(line, dns->has_question ? dns_type_name(dns->qtype, text) : "");
	put_own(line, rcode < 0 ? "" : dns_rcode_name((unsigned)rcode & 0xfff, text));
}

static void put_origin(struct json_line *line, sqlite3_value **values)
{
	char number[64] = "";

	put_time(line, sqlite3_value_int64(values[EVENT_AT]));
	put_value(line, values[EVENT_RESOLVER]);
	if (sqlite3_value_bytes(values[EVENT_BOOT]) > 0)
		snprintf(number, sizeof(number), "%.12s.%lld.%lld", (const char *)sqlite3_value_text(values[EVENT_BOOT]),
			(long long)sqlite3_value_int64(values[EVENT_WORKER]), (long long)sqlite3_value_int64(values[EVENT_SEQ]));
	put_own(line, number);
}

static bool put_row(struct exporting *exporting, sqlite3_value **values, unsigned count)
{
	struct json_line *line = &exporting->line;
	struct kept_frame *frame = exporting->own;

	if (count != EVENT_COLUMNS || !kept_frame_make(frame, values))
		return false;
	put_origin(line, values);
	put_client(line, frame);
	put_question(line, frame, values);
	for (unsigned i = EVENT_VERDICT; i <= EVENT_RULE; i++)
		put_value(line, values[i]);
	put_value(line, values[EVENT_CATEGORY]);
	put_words(line, values[EVENT_TECHNIQUES]);
	for (unsigned i = EVENT_SHADOW_LIST; i <= EVENT_SHADOW_ACTION; i++)
		put_value(line, values[i]);
	put_words(line, values[EVENT_DETECTORS]);
	put_number(line, values[EVENT_SCORE], 0);
	put_own(line, path_name(sqlite3_value_int(values[EVENT_PATH])));
	put_number(line, values[EVENT_LATENCY], -1);
	put_records(line, &frame->fields.dns);
	put(line, "\r\n");
	kept_frame_done(frame);
	return true;
}

static bool begin(struct exporting *exporting)
{
	exporting->own = calloc(1, sizeof(struct kept_frame));
	fputs(heading, stdout);
	return exporting->own != NULL;
}

static void end(struct exporting *exporting)
{
	kept_frame_fini(exporting->own);
	free(exporting->own);
}

const struct export_format export_csv = { .name = "csv", .select = export_events, .fetch = "export.events",
	.types = EXPORT_EVENT_TYPES, .begin = begin, .put = put_row, .end = end };
