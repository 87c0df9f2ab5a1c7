/*
 * frame.c: an event becomes a dnstap frame.
 */
#include "dnstap/frame.h"

#include <arpa/inet.h>
#include <string.h>

#include "dnstap/dnstap.pb-c.h"
#include "dnstap/extra.h"

/* Of a frame, without octets of a length of their own: 27 fields of at most 16, tags and lengths included. */
#define FIELDS_OCTETS_MAX ((size_t)27 * 16)

/* `list:rule` */
#define POLICY_RULE_MAX (LIST_NAME_MAX + 1 + NAME_TEXT_MAX + 2)

/* A response to `heartbeat.unbound-verdict. CH TXT`, without records. */
static const uint8_t note_message[] = "\0\0\x84\0\0\1\0\0\0\0\0\0\x9heartbeat\xfunbound-verdict\0\0\x10\0\x3";

static char type_list[] = "list", type_none[] = "none";   /* protobuf-c wants char *, and only reads it */

static const Dnstap__Policy__Action policy_actions[ACTION_COUNT] = {
	[ACTION_ALLOW] = DNSTAP__POLICY__ACTION__PASS,
	[ACTION_PASS] = DNSTAP__POLICY__ACTION__PASS,
	[ACTION_OBSERVE] = DNSTAP__POLICY__ACTION__PASS,
	[ACTION_NXDOMAIN] = DNSTAP__POLICY__ACTION__NXDOMAIN,
	[ACTION_NODATA] = DNSTAP__POLICY__ACTION__NODATA,
	[ACTION_REFUSE] = DNSTAP__POLICY__ACTION__LOCAL_DATA,
	[ACTION_DROP] = DNSTAP__POLICY__ACTION__DROP,
	[ACTION_TRUNCATE] = DNSTAP__POLICY__ACTION__TRUNCATE,
	[ACTION_LOCAL_DATA] = DNSTAP__POLICY__ACTION__LOCAL_DATA,
	[ACTION_SINKHOLE] = DNSTAP__POLICY__ACTION__LOCAL_DATA,
};

static const Dnstap__Policy__Match policy_matches[TRIGGER_COUNT] = {
	[TRIGGER_CLIENT_IP] = DNSTAP__POLICY__MATCH__CLIENT_IP,
	[TRIGGER_QNAME] = DNSTAP__POLICY__MATCH__QNAME,
	[TRIGGER_IP] = DNSTAP__POLICY__MATCH__RESPONSE_IP,
	[TRIGGER_NSDNAME] = DNSTAP__POLICY__MATCH__NS_NAME,
	[TRIGGER_NSIP] = DNSTAP__POLICY__MATCH__NS_IP,
};

/* TRANSPORT_UNKNOWN is 0, and no protocol of the schema is. */
static const uint8_t protocols[] = {
	[TRANSPORT_UDP] = DNSTAP__SOCKET_PROTOCOL__UDP,
	[TRANSPORT_TCP] = DNSTAP__SOCKET_PROTOCOL__TCP,
	[TRANSPORT_DOT] = DNSTAP__SOCKET_PROTOCOL__DOT,
	[TRANSPORT_DOH] = DNSTAP__SOCKET_PROTOCOL__DOH,
	[TRANSPORT_DOQ] = DNSTAP__SOCKET_PROTOCOL__DOQ,
};

/* Everything that the protobuf structs point to while they are packed. */
struct frame {
	Dnstap__Dnstap dnstap;
	Dnstap__Message message;
	Dnstap__Policy policy;
	uint8_t rule[POLICY_RULE_MAX];
	char value[NAME_TEXT_MAX];
	char extra[EXTRA_OCTETS_MAX];
};

/* protobuf-c's type is not const, but packing only reads. */
static ProtobufCBinaryData binary(const void *data, size_t length)
{
	return (ProtobufCBinaryData){ .len = length, .data = (uint8_t *)data };
}

static size_t address_octets(const struct address *address)
{
	return address->family == ADDRESS_INET ? 4 : address->family == ADDRESS_INET6 ? 16 : 0;
}

static void set_addresses(Dnstap__Message *message, const struct event_view *view, bool compat)
{
	size_t client = address_octets(&view->client), server = address_octets(&view->server);

	message->has_socket_family = client > 0 || server > 0;
	message->socket_family = client == 16 || server == 16 ? DNSTAP__SOCKET_FAMILY__INET6 : DNSTAP__SOCKET_FAMILY__INET;
	if (client > 0) {
		message->has_query_address = message->has_query_port = 1;
		message->query_address = binary(view->client.octets, client);
		message->query_port = view->client.port;
	}
	if (server > 0) {
		message->has_response_address = message->has_response_port = 1;
		message->response_address = binary(view->server.octets, server);
		message->response_port = view->server.port;
	}
	message->has_socket_protocol = view->transport != TRANSPORT_UNKNOWN;
	message->socket_protocol = compat && view->transport > TRANSPORT_TCP ? DNSTAP__SOCKET_PROTOCOL__TCP
		: protocols[view->transport];
	message->has_http_protocol = view->transport == TRANSPORT_DOH && !compat;
	message->http_protocol = DNSTAP__HTTP_PROTOCOL__HTTP2;   /* Unbound speaks no other */
}

static bool is_known(const struct timespec *time)
{
	return time->tv_sec != 0 || time->tv_nsec != 0;
}

static void set_message(Dnstap__Message *message, const struct event_view *view, bool compat)
{
	message->type = DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE;
	set_addresses(message, view, compat);
	message->has_query_time_sec = message->has_query_time_nsec = is_known(&view->query_time);
	message->query_time_sec = (uint64_t)view->query_time.tv_sec;
	message->query_time_nsec = (uint32_t)view->query_time.tv_nsec;
	message->has_response_time_sec = message->has_response_time_nsec = is_known(&view->response_time);
	message->response_time_sec = (uint64_t)view->response_time.tv_sec;
	message->response_time_nsec = (uint32_t)view->response_time.tv_nsec;
	message->has_query_message = 1;
	message->query_message = binary(view->query.data, view->query.length);
	message->has_response_message = view->response.length > 0;
	message->response_message = binary(view->response.data, view->response.length);
}

/* The name or address that matched, as text; false when it is not known. */
static bool value_text(const struct event_view *view, char *to)
{
	const enum trigger trigger = view->rule.trigger;
	struct name name;

	if (trigger == TRIGGER_CLIENT_IP || trigger == TRIGGER_IP || trigger == TRIGGER_NSIP)
		return view->value.length > 0 &&
			inet_ntop(view->value.length == 4 ? AF_INET : AF_INET6, view->value.data, to, NAME_TEXT_MAX) != NULL;
	if (view->value.length > 0) {
		name_wire_to_text(view->value.data, view->value.length, to);
		return true;
	}
	if (trigger != TRIGGER_QNAME || view->rule.chain > 0 || !event_qname(view, &name))
		return false;
	name_to_text(&name, to);
	return true;
}

static void set_policy(struct frame *frame, const struct event_view *view)
{
	const struct event_rule *rule = &view->rule;
	Dnstap__Policy *policy = &frame->policy;

	policy->type = rule->trigger == TRIGGER_NONE ? type_none : type_list;
	policy->has_action = 1;
	policy->action = policy_actions[view->action];
	if (rule->trigger == TRIGGER_NONE)
		return;
	memcpy(frame->rule, rule->list.data, rule->list.length);
	frame->rule[rule->list.length] = ':';
	memcpy(frame->rule + rule->list.length + 1, rule->rule.data, rule->rule.length);
	policy->has_rule = 1;
	policy->rule = binary(frame->rule, rule->list.length + 1 + rule->rule.length);
	policy->has_match = 1;
	policy->match = policy_matches[rule->trigger];
	policy->has_value = value_text(view, frame->value);
	policy->value = binary(frame->value, policy->has_value ? strlen(frame->value) : 0);
}

static void set_origin(Dnstap__Dnstap *dnstap, const struct frame_origin *origin)
{
	if (origin->identity) {
		dnstap->has_identity = 1;
		dnstap->identity = binary(origin->identity, strnlen(origin->identity, FRAME_ORIGIN_MAX));
	}
	if (origin->version) {
		dnstap->has_version = 1;
		dnstap->version = binary(origin->version, strnlen(origin->version, FRAME_ORIGIN_MAX));
	}
}

/* No less than the frame takes: to count it exactly costs as much as to write it. */
static size_t size_at_most(const Dnstap__Dnstap *dnstap)
{
	const Dnstap__Message *message = dnstap->message;
	const Dnstap__Policy *policy = message->policy;

	return FIELDS_OCTETS_MAX + dnstap->identity.len + dnstap->version.len + dnstap->extra.len
		+ message->query_address.len + message->response_address.len + message->query_message.len
		+ message->response_message.len + policy->rule.len + policy->value.len;
}

static size_t pack(Dnstap__Dnstap *dnstap, const char *extra, size_t extra_octets, uint8_t *to, size_t cap)
{
	dnstap->type = DNSTAP__DNSTAP__TYPE__MESSAGE;
	dnstap->has_extra = 1;
	dnstap->extra = binary(extra, extra_octets);
	if (size_at_most(dnstap) > cap && dnstap__dnstap__get_packed_size(dnstap) > cap)
		return 0;
	return dnstap__dnstap__pack(dnstap, to);
}

size_t frame_encode_note(const char *extra, size_t extra_octets, const struct timespec *time,
		const struct frame_origin *origin, uint8_t *to, size_t cap)
{
	Dnstap__Dnstap dnstap = DNSTAP__DNSTAP__INIT;
	Dnstap__Message message = DNSTAP__MESSAGE__INIT;
	Dnstap__Policy policy = DNSTAP__POLICY__INIT;

	set_origin(&dnstap, origin);
	policy.type = type_none;
	policy.has_action = 1;
	policy.action = DNSTAP__POLICY__ACTION__PASS;
	message.type = DNSTAP__MESSAGE__TYPE__TOOL_RESPONSE;
	message.policy = &policy;
	message.has_response_time_sec = message.has_response_time_nsec = 1;
	message.response_time_sec = (uint64_t)time->tv_sec;
	message.response_time_nsec = (uint32_t)time->tv_nsec;
	message.has_response_message = 1;
	message.response_message = binary(note_message, sizeof(note_message) - 1);
	dnstap.message = &message;
	return pack(&dnstap, extra, extra_octets, to, cap);
}

size_t frame_encode(const struct event_view *view, const struct frame_origin *origin, uint8_t *to, size_t cap)
{
	struct frame frame;
	size_t extra = extra_write(view, frame.extra, sizeof(frame.extra));

	if (extra == 0)
		return 0;
	dnstap__dnstap__init(&frame.dnstap);
	dnstap__message__init(&frame.message);
	dnstap__policy__init(&frame.policy);
	set_origin(&frame.dnstap, origin);
	set_message(&frame.message, view, origin->compat_protocol);
	set_policy(&frame, view);
	frame.message.policy = &frame.policy;
	frame.dnstap.message = &frame.message;
	return pack(&frame.dnstap, frame.extra, extra, to, cap);
}
