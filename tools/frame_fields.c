/* frame_fields.c: protobuf, DNS and JSON of one frame. */
#include "tools/frame_fields.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND 1000000000u
#define DAY_SECONDS 86400
#define YEAR_10000 253402300800u   /* RFC 3339 ends there */

/* --- memory for protobuf-c ---------------------------------------------------------------------------------- */

static bool is_inside(const struct frame_arena *arena, const void *at)
{
	return (uintptr_t)at >= (uintptr_t)arena->octets && (uintptr_t)at < (uintptr_t)arena->octets + FRAME_ARENA_OCTETS;
}

static void *arena_take(void *data, size_t octets)
{
	struct frame_arena *arena = data;
	void *taken;

	if (octets > FRAME_ARENA_OCTETS - arena->used)
		return malloc(octets);
	taken = arena->octets + arena->used;
	arena->used += (octets + 15) & ~(size_t)15;
	if (arena->used > FRAME_ARENA_OCTETS)
		arena->used = FRAME_ARENA_OCTETS;
	return taken;
}

static void arena_give(void *data, void *taken)
{
	if (!is_inside(data, taken))
		free(taken);
}

/* --- taking apart ------------------------------------------------------------------------------------------- */

static void read_message(struct frame_fields *fields, const Dnstap__Message *message)
{
	const ProtobufCBinaryData *wire = message->has_response_message ? &message->response_message :
		message->has_query_message ? &message->query_message : NULL;

	fields->message = message;
	fields->is_response = message->type % 2 == 0;
	if (wire != NULL) {
		dns_view_init(&fields->dns, wire->data, wire->len);
		return;
	}
	fields->dns.octets = NULL;
	fields->dns.error = NULL;
	fields->dns.has_question = false;
}

static void read_extra(struct frame_fields *fields, const ProtobufCBinaryData *extra)
{
	struct json_value boot, worker, counter;

	fields->has_extra = json_scan(extra->data, extra->len, &fields->extra);
	if (!fields->has_extra) {
		fields->extra.count = 0;
		return;
	}
	boot = json_find(&fields->extra, "boot");
	worker = json_find(&fields->extra, "worker");
	counter = json_find(&fields->extra, "seq");
	fields->has_serial = json_text_of(&boot, fields->serial.boot, sizeof(fields->serial.boot)) > 0 &&
		json_number_of(&worker, &fields->serial.worker) && json_number_of(&counter, &fields->serial.counter);
	if (fields->message->type != DNSTAP__MESSAGE__TYPE__TOOL_RESPONSE)
		return;
	if (json_find(&fields->extra, "heartbeat").at != NULL)
		fields->kind = FRAME_HEARTBEAT;
	else if (json_find(&fields->extra, "former").at != NULL)
		fields->kind = FRAME_FORMER;
}

bool frame_fields_init(struct frame_fields *fields, const uint8_t *octets, size_t length)
{
	ProtobufCAllocator allocator = { arena_take, arena_give, &fields->arena };
	Dnstap__Dnstap *dnstap;

	fields->arena.used = 0;
	dnstap = dnstap__dnstap__unpack(&allocator, length, octets);
	if (dnstap == NULL)
		return false;
	if (dnstap->message == NULL) {
		dnstap__dnstap__free_unpacked(dnstap, &allocator);
		return false;
	}
	fields->dnstap = dnstap;
	fields->kind = FRAME_EVENT;
	fields->has_extra = fields->has_serial = false;
	fields->extra.count = 0;
	fields->serial.boot[0] = '\0';
	read_message(fields, dnstap->message);
	if (dnstap->has_extra)
		read_extra(fields, &dnstap->extra);
	return true;
}

void frame_fields_fini(struct frame_fields *fields)
{
	ProtobufCAllocator allocator = { arena_take, arena_give, &fields->arena };

	dnstap__dnstap__free_unpacked(fields->dnstap, &allocator);
	fields->dnstap = NULL;
	fields->message = NULL;
}

/* --- fields ------------------------------------------------------------------------------------------------- */

const char *frame_enum_name(const ProtobufCMessage *message, const char *field, int value)
{
	const ProtobufCFieldDescriptor *row = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field);
	const ProtobufCEnumValue *found;

	if (row == NULL || row->type != PROTOBUF_C_TYPE_ENUM)
		return NULL;
	found = protobuf_c_enum_descriptor_get_value(row->descriptor, value);
	return found == NULL ? NULL : found->name;
}

const char *frame_transport(const Dnstap__Message *message)
{
	static const char *const names[] = {
		[DNSTAP__SOCKET_PROTOCOL__UDP] = "udp",
		[DNSTAP__SOCKET_PROTOCOL__TCP] = "tcp",
		[DNSTAP__SOCKET_PROTOCOL__DOT] = "dot",
		[DNSTAP__SOCKET_PROTOCOL__DOH] = "doh",
		[DNSTAP__SOCKET_PROTOCOL__DNSCryptUDP] = "dnscryptudp",
		[DNSTAP__SOCKET_PROTOCOL__DNSCryptTCP] = "dnscrypttcp",
		[DNSTAP__SOCKET_PROTOCOL__DOQ] = "doq",
	};

	if (!message->has_socket_protocol || (size_t)message->socket_protocol >= sizeof(names) / sizeof(names[0]))
		return NULL;
	return names[message->socket_protocol];
}

bool frame_has_address(const ProtobufCBinaryData *address, bool present)
{
	return present && (address->len == 4 || address->len == 16);
}

char *frame_address(const ProtobufCBinaryData *address, bool present, char *to)
{
	if (!frame_has_address(address, present))
		strcpy(to, "-");
	else
		inet_ntop(address->len == 4 ? AF_INET : AF_INET6, address->data, to, INET6_ADDRSTRLEN);
	return to;
}

bool frame_time(const Dnstap__Message *message, uint64_t *seconds, uint32_t *ns)
{
	bool response = message->has_response_time_sec;

	*seconds = response ? message->response_time_sec : message->query_time_sec;
	*ns = response ? message->response_time_nsec : message->query_time_nsec;
	return (response || message->has_query_time_sec) && *ns < NS_PER_SECOND && *seconds < YEAR_10000;
}

/* Hostile seconds must not overflow: a difference over an hour says nothing about a resolver. */
int64_t frame_duration_ns(const Dnstap__Message *message)
{
	int64_t ns;

	if (!message->has_query_time_sec || !message->has_response_time_sec)
		return -1;
	if (message->response_time_sec < message->query_time_sec ||
			message->response_time_sec - message->query_time_sec > 3600)
		return -1;
	ns = (int64_t)(message->response_time_sec - message->query_time_sec) * NS_PER_SECOND;
	ns += (int64_t)message->response_time_nsec - (int64_t)message->query_time_nsec;
	return ns < 0 ? -1 : ns;
}

static void put_digits(char *to, unsigned digits, uint32_t value)
{
	while (digits > 0) {
		to[--digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* gmtime_r for each frame was a tenth of all; the date changes once a day. */
size_t frame_time_text(uint64_t seconds, uint32_t ns, char *to)
{
	static _Thread_local uint64_t day_known = UINT64_MAX;
	static _Thread_local char date[16];
	uint64_t day = seconds / DAY_SECONDS;
	uint32_t rest = (uint32_t)(seconds % DAY_SECONDS);

	if (ns >= NS_PER_SECOND || seconds >= YEAR_10000)
		return 0;
	if (day != day_known) {
		time_t midnight = (time_t)(day * DAY_SECONDS);
		struct tm when;

		if (gmtime_r(&midnight, &when) == NULL || strftime(date, sizeof(date), "%Y-%m-%dT", &when) != 11)
			return 0;
		day_known = day;
	}
	memcpy(to, date, 11);
	memcpy(to + 11, "00:00:00.000000000Z", 20);
	put_digits(to + 11, 2, rest / 3600);
	put_digits(to + 14, 2, rest / 60 % 60);
	put_digits(to + 17, 2, rest % 60);
	put_digits(to + 20, 9, ns);
	return 30;
}

char *frame_extra_text(const struct frame_fields *fields, const char *key, char *to)
{
	struct json_value value = json_find(&fields->extra, key);

	json_text_of(&value, to, FRAME_TEXT_MAX);
	return to;
}

bool frame_number(const struct frame_fields *fields, char *to, size_t cap)
{
	if (!fields->has_serial)
		return false;
	snprintf(to, cap, "%s.%" PRIu64 ".%" PRIu64, fields->serial.boot, fields->serial.worker, fields->serial.counter);
	return true;
}
