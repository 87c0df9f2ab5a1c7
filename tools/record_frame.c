/* record_frame.c: what one dnstap frame records. */
#include "tools/record_frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "policy/verdict.h"
#include "tools/json_scan.h"

static struct address address_of(protobuf_c_boolean has, const ProtobufCBinaryData *octets)
{
	struct address address = { .family = ADDRESS_NONE };

	if (!has || (octets->len != 4 && octets->len != 16))
		return address;
	address.family = octets->len == 4 ? ADDRESS_INET : ADDRESS_INET6;
	memcpy(address.octets, octets->data, octets->len);
	return address;
}

/* A time beyond the year 5138 is none. */
static int64_t time_of(uint64_t seconds, uint32_t nanoseconds)
{
	return seconds < UINT64_C(100000000000) ? (int64_t)(seconds * 1000 + nanoseconds % 1000000000 / 1000000) : 0;
}

static bool is_wanted(enum record_take take, Dnstap__Message__Type type)
{
	switch (take) {
	case RECORD_RESPONSES: return type == DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE;
	case RECORD_QUERIES: return type == DNSTAP__MESSAGE__TYPE__CLIENT_QUERY;
	case RECORD_SERVERS: return type == DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE ||
		type == DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE;
	}
	return false;
}

/* What a name server said to the resolver is about the zone that it was asked as a server of, and what is below. */
static unsigned zone_asked(const Dnstap__Message *message)
{
	struct name zone;

	if (message->type != DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE || !message->has_query_zone ||
	    !name_from_wire(&zone, message->query_zone.data, message->query_zone.len))
		return 0;
	return zone.labels;
}

static enum record_skip take_message(const Dnstap__Message *message, enum record_take take, struct recorded *to)
{
	const ProtobufCBinaryData *wire = message->has_response_message ? &message->response_message
		: &message->query_message;

	if (!is_wanted(take, message->type))
		return message->type == DNSTAP__MESSAGE__TYPE__CLIENT_QUERY ? SKIP_QUERY : SKIP_NOTE;
	to->zone_min = zone_asked(message);
	if ((!message->has_response_message && !message->has_query_message) ||
	    !recorded_take_message(to, wire->data, wire->len))
		return SKIP_NO_QUESTION;
	to->client = address_of(message->has_query_address, &message->query_address);
	to->client.port = (uint16_t)message->query_port;
	to->server = address_of(message->has_response_address, &message->response_address);
	to->server.port = (uint16_t)message->response_port;
	recorded_add_responder(to, &to->server, to->zone_min);
	to->time_ms = message->has_response_time_sec ? time_of(message->response_time_sec, message->response_time_nsec)
		: message->has_query_time_sec ? time_of(message->query_time_sec, message->query_time_nsec) : 0;
	return SKIP_REASONS;
}

/* --- what stands behind an answer --------------------------------------------------------------------------------- */

static struct json_value member(const struct json_value *object, const char *key)
{
	struct json_members members;

	if (!json_scan(object->at, object->octets, &members))
		return (struct json_value){ NULL, 0 };
	return json_find(&members, key);
}

static bool read_address(const struct json_value *value, struct address *address)
{
	char text[INET6_ADDRSTRLEN];

	*address = (struct address){ .family = ADDRESS_NONE };
	if (json_text_of(value, text, sizeof(text)) == 0)
		return false;
	if (inet_pton(AF_INET, text, address->octets) == 1)
		address->family = ADDRESS_INET;
	else if (inet_pton(AF_INET6, text, address->octets) == 1)
		address->family = ADDRESS_INET6;
	return address->family != ADDRESS_NONE;
}

static void add_server(const struct json_value *server, struct behind *to)
{
	const struct json_value addresses = member(server, "addresses"), named = member(server, "name");
	struct address address = { .family = ADDRESS_NONE };
	struct name name = { .length = 1 };
	struct json_value element;
	char text[NAME_TEXT_MAX];
	bool any = false;
	size_t at = 0;

	/* The root stands for a name that is not known. */
	if (named.at != NULL && name_from_text(&name, text, json_text_of(&named, text, sizeof(text))) != NULL)
		return;
	while (json_next(&addresses, &at, &element))
		if (read_address(&element, &address))
			any |= behind_add(to, &name, &address);
	if (!any)
		behind_add(to, &name, &(struct address){ .family = ADDRESS_NONE });
}

static void take_behind(const struct json_members *members, struct behind *to)
{
	const struct json_value security = json_find(members, "security"), servers = json_find(members, "servers");
	struct json_value element;
	size_t at = 0;

	for (unsigned i = SECURITY_UNKNOWN + 1; i < SECURITY_COUNT; i++)
		if (json_is_text(&security, security_names[i]))
			to->security = (enum security)i;
	to->has_servers = servers.at != NULL && servers.at[0] == '[';
	while (json_next(&servers, &at, &element))
		add_server(&element, to);
}

/* Only our own frames have it (doc/frames.md). */
static void take_extra(const ProtobufCBinaryData *extra, struct recorded *to)
{
	struct json_members members;
	struct json_value path, verdict, number;

	if (!json_scan(extra->data, extra->len, &members))
		return;
	path = json_find(&members, "path");
	for (unsigned i = 0; i < PATH_COUNT; i++)
		if (json_is_text(&path, path_table[i].name))
			to->path = (enum answer_path)i;
	verdict = json_find(&members, "verdict");
	for (unsigned i = 0; i < ACTION_COUNT; i++)
		if (action_table[i].denies && json_is_text(&verdict, action_table[i].name))
			to->denied = true;
	number = json_find(&members, "seq");
	to->numbered = json_number_of(&number, &to->ordinal);
	take_behind(&members, &to->behind);
}

enum record_skip record_take_frame(const Dnstap__Dnstap *frame, enum record_take take, struct recorded *to)
{
	const enum record_skip why = take_message(frame->message, take, to);

	if (why == SKIP_REASONS && frame->has_extra)
		take_extra(&frame->extra, to);
	return why;
}
