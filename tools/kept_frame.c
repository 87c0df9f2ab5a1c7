/* kept_frame.c: from plain values to JSON and protobuf: frame_event.c backwards. */
#include "tools/kept_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/action.h"
#include "policy/facts.h"
#include "store/event.h"
#include "tools/hunt_export.h"

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
	bool made = kept_message_make(&frame->message, values);
	size_t length, octets;
	const char *identity = export_text(values[EVENT_RESOLVER], &octets);
	ProtobufCBinaryData text = { octets, (uint8_t *)(uintptr_t)identity };
	uint8_t address[16];

	json_line_reset(&frame->extra);
	put_extra(&frame->extra, values);
	if (!made || frame->extra.failed)
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
	message.response_message = message.query_message = (ProtobufCBinaryData){ frame->message.used,
		frame->message.octets };
	return pack(frame, &dnstap, &length) && frame_fields_init(&frame->fields, frame->octets, length);
}

void kept_frame_done(struct kept_frame *frame)
{
	frame_fields_fini(&frame->fields);
}

void kept_frame_fini(struct kept_frame *frame)
{
	json_line_fini(&frame->extra);
	kept_message_fini(&frame->message);
	free(frame->octets);
}
