/* frame_fields.c: protobuf, DNS and JSON of one frame. */
#include "tools/frame_fields.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_SECOND 1000000000

static void parse_packet(struct frame_fields *fields, const ProtobufCBinaryData *wire)
{
	ldns_rr_list *questions;
	ldns_status status = ldns_wire2pkt(&fields->packet, wire->data, wire->len);

	if (status != LDNS_STATUS_OK) {
		fields->packet = NULL;
		fields->packet_error = ldns_get_errorstr_by_id(status);
		return;
	}
	questions = ldns_pkt_question(fields->packet);
	if (questions != NULL && ldns_rr_list_rr_count(questions) > 0)
		fields->question = ldns_rr_list_rr(questions, 0);
}

static void parse_message(struct frame_fields *fields, const Dnstap__Message *message)
{
	fields->message = message;
	fields->is_response = message->type % 2 == 0;
	if (message->has_response_message)
		parse_packet(fields, &message->response_message);
	else if (message->has_query_message)
		parse_packet(fields, &message->query_message);
}

static void parse_extra(struct frame_fields *fields, const ProtobufCBinaryData *extra)
{
	fields->extra = json_loadb((const char *)extra->data, extra->len, 0, NULL);
	if (fields->extra != NULL && !json_is_object(fields->extra)) {
		json_decref(fields->extra);
		fields->extra = NULL;
	}
}

bool frame_fields_init(struct frame_fields *fields, const uint8_t *octets, size_t length)
{
	Dnstap__Dnstap *dnstap = dnstap__dnstap__unpack(NULL, length, octets);

	if (dnstap == NULL)
		return false;
	if (dnstap->message == NULL) {
		dnstap__dnstap__free_unpacked(dnstap, NULL);
		return false;
	}
	memset(fields, 0, sizeof(*fields));
	fields->dnstap = dnstap;
	parse_message(fields, dnstap->message);
	if (dnstap->has_extra)
		parse_extra(fields, &dnstap->extra);
	return true;
}

void frame_fields_fini(struct frame_fields *fields)
{
	json_decref(fields->extra);
	ldns_pkt_free(fields->packet);
	dnstap__dnstap__free_unpacked(fields->dnstap, NULL);
	memset(fields, 0, sizeof(*fields));
}

const char *frame_enum_name(const ProtobufCMessage *message, const char *field, int value)
{
	const ProtobufCFieldDescriptor *row = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field);
	const ProtobufCEnumValue *found;

	if (row == NULL || row->type != PROTOBUF_C_TYPE_ENUM)
		return NULL;
	found = protobuf_c_enum_descriptor_get_value(row->descriptor, value);
	return found == NULL ? NULL : found->name;
}

char *frame_address(const ProtobufCBinaryData *address, bool present, char *to)
{
	if (present && address->len == 4)
		inet_ntop(AF_INET, address->data, to, INET6_ADDRSTRLEN);
	else if (present && address->len == 16)
		inet_ntop(AF_INET6, address->data, to, INET6_ADDRSTRLEN);
	else
		strcpy(to, "-");
	return to;
}

unsigned frame_rcode(const ldns_pkt *packet)
{
	return (unsigned)ldns_pkt_edns_extended_rcode(packet) << 4 | ldns_pkt_get_rcode(packet);
}

char *frame_rcode_name(unsigned rcode, char *to)
{
	const ldns_lookup_table *row = ldns_lookup_by_id(ldns_rcodes, (int)rcode);

	if (row != NULL)
		snprintf(to, 16, "%s", row->name);
	else
		snprintf(to, 16, "RCODE%u", rcode);
	return to;
}

/* Hostile seconds must not overflow: a difference over an hour says nothing about a resolver. */
int64_t frame_duration_us(const Dnstap__Message *message)
{
	int64_t seconds, ns;

	if (!message->has_query_time_sec || !message->has_response_time_sec)
		return -1;
	if (message->response_time_sec < message->query_time_sec ||
			message->response_time_sec - message->query_time_sec > 3600)
		return -1;
	seconds = (int64_t)(message->response_time_sec - message->query_time_sec);
	ns = seconds * NS_PER_SECOND + (int64_t)message->response_time_nsec - (int64_t)message->query_time_nsec;
	return ns < 0 ? -1 : ns / 1000;
}

const char *frame_extra_string(const struct frame_fields *fields, const char *key)
{
	return json_string_value(json_object_get(fields->extra, key));
}

bool frame_number(const struct frame_fields *fields, char *to, size_t cap)
{
	const char *boot = frame_extra_string(fields, "boot");
	json_t *worker = json_object_get(fields->extra, "worker");
	json_t *counter = json_object_get(fields->extra, "seq");

	if (boot == NULL || !json_is_integer(worker) || !json_is_integer(counter))
		return false;
	snprintf(to, cap, "%s.%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT, boot, json_integer_value(worker),
		json_integer_value(counter));
	return true;
}
