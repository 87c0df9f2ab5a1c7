/* kept_frame.c: from plain values to JSON, a DNS message and protobuf: frame_event.c backwards. */
#include "tools/kept_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/action.h"
#include "policy/facts.h"
#include "policy/name.h"
#include "store/event.h"
#include "store/name_key.h"
#include "tools/hunt_export.h"

#define HEADER_OCTETS 12u
#define RECORD_FIXED 10u
#define MESSAGE_MAX ((size_t)16 * 1024 * 1024)
#define TYPE_OPT 41u
#define WORD_MAX 64

/* --- extra ------------------------------------------------------------------------------------------------------ */

static void put_text(struct json_line *line, const char *key, sqlite3_value *value)
{
	size_t octets;
	const char *text = export_text(value, &octets);

	if (octets == 0)
		return;
	json_line_key(line, key);
	json_line_string(line, text, octets);
}

static void put_count(struct json_line *line, const char *key, sqlite3_value *value)
{
	if (sqlite3_value_int64(value) > 0)
		json_line_count(line, key, (uint64_t)sqlite3_value_int64(value));
}

static bool has(sqlite3_value *value)
{
	return sqlite3_value_bytes(value) > 0;
}

/* An id stands in the JSON of detections between quotes. */
static bool is_of_detection(const char *word, size_t octets, const char *detections)
{
	char quoted[WORD_MAX + 3];

	if (octets > WORD_MAX)
		return false;
	quoted[0] = '"';
	memcpy(quoted + 1, word, octets);
	strcpy(quoted + 1 + octets, "\"");
	return strstr(detections, quoted) != NULL;
}

static void put_techniques(struct json_line *line, sqlite3_value **values)
{
	size_t octets, of_detections;
	const char *text = export_text(values[EVENT_TECHNIQUES], &octets);
	const char *detections = export_text(values[EVENT_DETECTIONS], &of_detections);
	bool begun = false;

	while (*(text += strspn(text, " ")) != '\0') {
		octets = strcspn(text, " ");
		if (!is_of_detection(text, octets, detections)) {
			if (!begun) {
				json_line_key(line, "attack");
				json_line_open(line, '[');
			}
			begun = true;
			json_line_string(line, text, octets);
		}
		text += octets;
	}
	if (begun)
		json_line_close(line, ']');
}

static void put_shadow(struct json_line *line, sqlite3_value **values)
{
	if (!has(values[EVENT_SHADOW_LIST]) && !has(values[EVENT_SHADOW_ACTION]))
		return;
	json_line_key(line, "shadow");
	json_line_open(line, '{');
	put_text(line, "list", values[EVENT_SHADOW_LIST]);
	put_text(line, "rule", values[EVENT_SHADOW_RULE]);
	put_text(line, "action", values[EVENT_SHADOW_ACTION]);
	put_text(line, "category", values[EVENT_SHADOW_CATEGORY]);
	if (!has(values[EVENT_LIST]))
		put_techniques(line, values);
	json_line_close(line, '}');
}

/* As dnstap/extra.c: of what the client did not get. */
static void put_incident(struct json_line *line, sqlite3_value **values)
{
	char number[WORD_MAX];
	size_t octets;
	enum action action = action_by_name(export_text(values[EVENT_VERDICT], &octets));

	if (!has(values[EVENT_BOOT]) || action == ACTION_COUNT || !action_table[action].denies)
		return;
	snprintf(number, sizeof(number), "%.12s.%lld.%lld", export_text(values[EVENT_BOOT], &octets),
		(long long)sqlite3_value_int64(values[EVENT_WORKER]), (long long)sqlite3_value_int64(values[EVENT_SEQ]));
	json_line_text(line, "incident", number);
}

static void put_extra(struct json_line *line, sqlite3_value **values)
{
	int path = sqlite3_value_int(values[EVENT_PATH]);

	json_line_open(line, '{');
	json_line_count(line, "v", 1);
	if (has(values[EVENT_BOOT])) {
		put_text(line, "boot", values[EVENT_BOOT]);
		json_line_count(line, "worker", (uint64_t)sqlite3_value_int64(values[EVENT_WORKER]));
		json_line_count(line, "seq", (uint64_t)sqlite3_value_int64(values[EVENT_SEQ]));
	}
	put_text(line, "verdict", values[EVENT_VERDICT]);
	if (path >= 0 && path < PATH_COUNT)
		json_line_text(line, "path", path_table[path].name);
	put_text(line, "list", values[EVENT_LIST]);
	put_text(line, "rule", values[EVENT_RULE]);
	put_text(line, "trigger", values[EVENT_TRIGGER]);
	put_count(line, "chain", values[EVENT_CHAIN]);
	put_count(line, "serial", values[EVENT_SERIAL]);
	put_text(line, "category", values[EVENT_CATEGORY]);
	put_count(line, "ede", values[EVENT_EDE]);
	put_text(line, "group", values[EVENT_GROUP]);
	put_text(line, "privacy", values[EVENT_PRIVACY]);
	if (has(values[EVENT_LIST]))
		put_techniques(line, values);
	put_shadow(line, values);
	if (has(values[EVENT_DETECTIONS])) {
		size_t octets;
		const char *text = export_text(values[EVENT_DETECTIONS], &octets);

		json_line_key(line, "detections");
		json_line_raw(line, text, octets);
	}
	put_incident(line, values);
	json_line_close(line, '}');
}

/* --- message ---------------------------------------------------------------------------------------------------- */

struct writing {
	struct kept_frame *frame;
	size_t used;
	bool failed;
};

static uint8_t *room(struct writing *writing, size_t octets)
{
	struct kept_frame *frame = writing->frame;
	uint8_t *to;

	if (writing->failed || octets > MESSAGE_MAX - writing->used) {
		writing->failed = true;
		return NULL;
	}
	if (octets > frame->message_cap - writing->used) {
		size_t cap = 2 * (writing->used + octets);
		uint8_t *message = realloc(frame->message, cap);

		if (message == NULL) {
			writing->failed = true;
			return NULL;
		}
		frame->message = message;
		frame->message_cap = cap;
	}
	to = frame->message + writing->used;
	writing->used += octets;
	return to;
}

static void put_16(struct writing *writing, unsigned value)
{
	uint8_t *to = room(writing, 2);

	if (to != NULL) {
		to[0] = (uint8_t)(value >> 8);
		to[1] = (uint8_t)value;
	}
}

static void put_name(struct writing *writing, const char *key, size_t octets)
{
	char copy[NAME_KEY_MAX], text[NAME_KEY_MAX];
	struct name name;
	uint8_t *to;

	if (octets >= sizeof(copy)) {
		writing->failed = true;
		return;
	}
	memcpy(copy, key, octets);
	copy[octets] = '\0';
	name_key_to_text(copy, text);
	if (name_from_text(&name, text, strlen(text)) != NULL)
		writing->failed = true;
	else if ((to = room(writing, name.length)) != NULL)
		memcpy(to, name.octets, name.length);
}

bool kept_octets(const char *digits, size_t count, uint8_t *to, size_t cap, size_t *octets)
{
	static const char letters[] = "0123456789abcdef";

	*octets = count / 2;
	if (count % 2 != 0 || count / 2 > cap)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *at = memchr(letters, digits[i], 16);

		if (at == NULL)
			return false;
		to[i / 2] = (uint8_t)(i % 2 == 0 ? (at - letters) << 4 : to[i / 2] | (at - letters));
	}
	return true;
}

/* `owner type ttl data`, in `octets` octets. */
static void put_record(struct writing *writing, const char *text, size_t octets)
{
	const char *end = text + octets, *type, *ttl, *data;
	uint8_t *to;
	size_t used;
	unsigned long seconds;

	if ((type = memchr(text, ' ', octets)) == NULL || (ttl = memchr(type + 1, ' ', (size_t)(end - type - 1))) == NULL ||
			(data = memchr(ttl + 1, ' ', (size_t)(end - ttl - 1))) == NULL) {
		writing->failed = true;
		return;
	}
	put_name(writing, text, (size_t)(type - text));
	put_16(writing, (unsigned)strtoul(type, NULL, 10) & 0xffff);
	put_16(writing, 1);
	seconds = strtoul(ttl, NULL, 10);
	put_16(writing, (unsigned)(seconds >> 16) & 0xffff);
	put_16(writing, (unsigned)seconds & 0xffff);
	used = (size_t)(end - data - 1);
	put_16(writing, (unsigned)(used / 2) & 0xffff);
	to = used / 2 <= UINT16_MAX ? room(writing, used / 2) : NULL;
	if (to == NULL || !kept_octets(data + 1, used, to, used / 2, &used))
		writing->failed = true;
}

static unsigned put_records(struct writing *writing, sqlite3_value *value)
{
	size_t octets;
	const char *text = export_text(value, &octets), *end = text + octets;
	unsigned count = 0;

	for (; text < end && !writing->failed; count++) {
		const char *comma = memchr(text, ',', (size_t)(end - text));

		put_record(writing, text, (size_t)((comma != NULL ? comma : end) - text));
		text = comma != NULL ? comma + 1 : end;
	}
	return count;
}

/* An rcode past 15 has its upper bits in an OPT record (RFC 6891). */
static size_t put_message(struct kept_frame *frame, sqlite3_value **values)
{
	struct writing writing = { .frame = frame };
	int rcode = sqlite3_value_int(values[EVENT_RCODE]);
	unsigned flags = (unsigned)sqlite3_value_int(values[EVENT_FLAGS]) & 0xffff, count;
	bool question = has(values[EVENT_NAME]) || sqlite3_value_int(values[EVENT_TYPE]) != 0 ||
		sqlite3_value_int(values[EVENT_QCLASS]) != 0;
	const uint16_t header[] = { 0, (uint16_t)(rcode < 0 ? flags : DNS_QR | flags | (unsigned)(rcode & 15)),
		question ? 1 : 0, 0, 0, rcode > 15 ? 1 : 0 };
	size_t octets;

	for (unsigned i = 0; i < HEADER_OCTETS / 2; i++)
		put_16(&writing, header[i]);
	if (question) {
		const char *key = export_text(values[EVENT_NAME], &octets);

		put_name(&writing, key, octets);
		put_16(&writing, (unsigned)sqlite3_value_int(values[EVENT_TYPE]) & 0xffff);
		put_16(&writing, (unsigned)sqlite3_value_int(values[EVENT_QCLASS]) & 0xffff);
	}
	count = put_records(&writing, values[EVENT_RECORDS]);
	if (rcode > 15) {
		uint8_t *opt = room(&writing, 1 + RECORD_FIXED);

		if (opt != NULL)
			memcpy(opt, (const uint8_t[1 + RECORD_FIXED]){ 0, 0, TYPE_OPT, 4, 0xd0, (uint8_t)(rcode >> 4) }, 1 + RECORD_FIXED);
	}
	if (writing.failed || count > UINT16_MAX)
		return 0;
	frame->message[6] = (uint8_t)(count >> 8);
	frame->message[7] = (uint8_t)count;
	return writing.used;
}

/* --- the frame -------------------------------------------------------------------------------------------------- */

static void put_transport(Dnstap__Message *message, int transport)
{
	static const struct { int transport; Dnstap__SocketProtocol protocol; } rows[] = {
		{ TRANSPORT_UDP, DNSTAP__SOCKET_PROTOCOL__UDP }, { TRANSPORT_TCP, DNSTAP__SOCKET_PROTOCOL__TCP },
		{ TRANSPORT_DOT, DNSTAP__SOCKET_PROTOCOL__DOT }, { TRANSPORT_DOH, DNSTAP__SOCKET_PROTOCOL__DOH },
		{ TRANSPORT_DOQ, DNSTAP__SOCKET_PROTOCOL__DOQ }, { TRANSPORT_DOQ + 1, DNSTAP__SOCKET_PROTOCOL__DNSCryptUDP },
		{ TRANSPORT_DOQ + 2, DNSTAP__SOCKET_PROTOCOL__DNSCryptTCP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].transport == transport) {
			message->has_socket_protocol = true;
			message->socket_protocol = rows[i].protocol;
		}
}

static void put_client(Dnstap__Message *message, sqlite3_value *value, uint8_t *address)
{
	size_t count, octets;
	const char *digits = export_text(value, &count);

	if (!kept_octets(digits, count, address, 16, &octets) || (octets != 4 && octets != 16))
		return;
	message->has_query_address = message->has_socket_family = true;
	message->query_address = (ProtobufCBinaryData){ octets, address };
	message->socket_family = octets == 4 ? DNSTAP__SOCKET_FAMILY__INET : DNSTAP__SOCKET_FAMILY__INET6;
}

static void put_times(Dnstap__Message *message, int64_t at, int64_t latency, bool response)
{
	int64_t asked = latency >= 0 ? at - latency : at;

	if (at < 0 || asked < 0)
		return;
	if (response) {
		message->has_response_time_sec = message->has_response_time_nsec = true;
		message->response_time_sec = (uint64_t)at / 1000000;
		message->response_time_nsec = (uint32_t)(at % 1000000) * 1000;
	}
	if (!response || latency >= 0) {
		message->has_query_time_sec = message->has_query_time_nsec = true;
		message->query_time_sec = (uint64_t)asked / 1000000;
		message->query_time_nsec = (uint32_t)(asked % 1000000) * 1000;
	}
}

static bool pack(struct kept_frame *frame, const Dnstap__Dnstap *dnstap, size_t *length)
{
	*length = dnstap__dnstap__get_packed_size(dnstap);
	if (*length > frame->octets_cap) {
		uint8_t *octets = realloc(frame->octets, 2 * *length);

		if (octets == NULL)
			return false;
		frame->octets = octets;
		frame->octets_cap = 2 * *length;
	}
	dnstap__dnstap__pack(dnstap, frame->octets);
	return true;
}

bool kept_frame_make(struct kept_frame *frame, sqlite3_value **values)
{
	Dnstap__Message message = DNSTAP__MESSAGE__INIT;
	Dnstap__Dnstap dnstap = DNSTAP__DNSTAP__INIT;
	bool response = sqlite3_value_int(values[EVENT_PATH]) != STORE_PATH_QUERY;
	size_t length = put_message(frame, values), octets;
	const char *identity = export_text(values[EVENT_RESOLVER], &octets);
	ProtobufCBinaryData text = { octets, (uint8_t *)(uintptr_t)identity };
	uint8_t address[16];

	json_line_reset(&frame->extra);
	put_extra(&frame->extra, values);
	if (length == 0 || frame->extra.failed)
		return false;
	dnstap.type = DNSTAP__DNSTAP__TYPE__MESSAGE;
	dnstap.message = &message;
	dnstap.has_identity = octets > 0;
	dnstap.identity = text;
	dnstap.has_extra = has(values[EVENT_BOOT]) || has(values[EVENT_VERDICT]);
	dnstap.extra = (ProtobufCBinaryData){ frame->extra.used, (uint8_t *)frame->extra.octets };
	message.type = response ? DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE : DNSTAP__MESSAGE__TYPE__CLIENT_QUERY;
	put_times(&message, sqlite3_value_int64(values[EVENT_AT]), sqlite3_value_int64(values[EVENT_LATENCY]), response);
	put_transport(&message, sqlite3_value_int(values[EVENT_TRANSPORT]));
	put_client(&message, values[EVENT_CLIENT], address);
	message.has_response_message = response;
	message.has_query_message = !response;
	message.response_message = message.query_message = (ProtobufCBinaryData){ length, frame->message };
	return pack(frame, &dnstap, &length) && frame_fields_init(&frame->fields, frame->octets, length);
}

void kept_frame_done(struct kept_frame *frame)
{
	frame_fields_fini(&frame->fields);
}

void kept_frame_fini(struct kept_frame *frame)
{
	json_line_fini(&frame->extra);
	free(frame->message);
	free(frame->octets);
}
