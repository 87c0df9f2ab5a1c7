/* frame_json.c: one frame as one JSON object, with all that it carries. */
#include "tools/frame_print.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/json_out.h"

#define EDNS_OPTION_EDE 15   /* RFC 8914 */

static void set_octets(json_t *object, const char *key, const ProtobufCBinaryData *octets, bool present)
{
	if (present)
		json_object_set_new(object, key, json_text(octets->data, octets->len));
}

/* RFC 3339 with nanoseconds, in UTC. */
static void set_time(json_t *object, const char *key, uint64_t seconds, uint32_t ns, bool present)
{
	time_t whole = (time_t)seconds;
	struct tm when;
	char date[40], text[64];

	if (!present || ns > 999999999 || gmtime_r(&whole, &when) == NULL ||
			strftime(date, sizeof(date), "%FT%T", &when) == 0)
		return;
	snprintf(text, sizeof(text), "%s.%09uZ", date, ns);
	json_set_text(object, key, text);
}

static void set_address(json_t *object, const char *key, const ProtobufCBinaryData *address, bool present)
{
	char text[INET6_ADDRSTRLEN];

	if (present)
		json_set_text(object, key, frame_address(address, present, text));
}

/* Unknown values stay visible as numbers. */
static void set_enum(json_t *object, const char *key, const ProtobufCMessage *message, const char *field, int value)
{
	const char *name = frame_enum_name(message, field, value);

	if (name != NULL)
		json_set_text(object, key, name);
	else
		json_object_set_new(object, key, json_integer(value));
}

static void set_owned(json_t *object, const char *key, char *text)
{
	json_set_text(object, key, text);
	free(text);
}

static void set_name(json_t *object, const char *key, const ldns_rdf *name)
{
	char *text = name == NULL ? NULL : ldns_rdf2str(name);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length > 1 && text[length - 1] == '.')
		text[length - 1] = '\0';
	set_owned(object, key, text);
}

static char *record_data(const ldns_rr *record)
{
	ldns_buffer *buffer = ldns_buffer_new(LDNS_MIN_BUFLEN);
	char *text = NULL;

	if (buffer == NULL)
		return NULL;
	for (size_t i = 0; i < ldns_rr_rd_count(record); i++)
		if ((i > 0 && ldns_buffer_printf(buffer, " ") < 0) ||
				ldns_rdf2buffer_str(buffer, ldns_rr_rdf(record, i)) != LDNS_STATUS_OK)
			break;
	text = ldns_buffer_export2str(buffer);
	ldns_buffer_free(buffer);
	return text;
}

static json_t *record_json(const ldns_rr *record)
{
	json_t *object = json_object();

	set_name(object, "name", ldns_rr_owner(record));
	set_owned(object, "type", ldns_rr_type2str(ldns_rr_get_type(record)));
	json_object_set_new(object, "ttl", json_integer(ldns_rr_ttl(record)));
	set_owned(object, "data", record_data(record));
	return object;
}

static json_t *answers_json(const ldns_pkt *packet)
{
	const ldns_rr_list *records = ldns_pkt_answer(packet);
	json_t *answers = json_array();

	for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
		json_array_append_new(answers, record_json(ldns_rr_list_rr(records, i)));
	return answers;
}

static json_t *ede_json(const ldns_pkt *packet)
{
	const ldns_rdf *rdf = ldns_pkt_edns_data(packet);
	const uint8_t *at = rdf == NULL ? NULL : ldns_rdf_data(rdf);
	size_t left = rdf == NULL ? 0 : ldns_rdf_size(rdf);
	json_t *found = json_array();

	while (left >= 4) {
		unsigned code = (unsigned)at[0] << 8 | at[1];
		size_t length = (size_t)at[2] << 8 | at[3];

		at += 4;
		left -= 4;
		if (length > left)
			break;
		if (code == EDNS_OPTION_EDE && length >= 2) {
			json_t *ede = json_object();

			json_object_set_new(ede, "code", json_integer(at[0] << 8 | at[1]));
			if (length > 2)
				json_object_set_new(ede, "text", json_text(at + 2, length - 2));
			json_array_append_new(found, ede);
		}
		at += length;
		left -= length;
	}
	return found;
}

static json_t *flags_json(const ldns_pkt *packet)
{
	const struct {
		const char *name;
		bool set;
	} flags[] = {
		{ "qr", ldns_pkt_qr(packet) }, { "aa", ldns_pkt_aa(packet) }, { "tc", ldns_pkt_tc(packet) },
		{ "rd", ldns_pkt_rd(packet) }, { "ra", ldns_pkt_ra(packet) }, { "ad", ldns_pkt_ad(packet) },
		{ "cd", ldns_pkt_cd(packet) },
	};
	json_t *set = json_array();

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].set)
			json_array_append_new(set, json_string(flags[i].name));
	return set;
}

static void set_packet(json_t *object, const struct frame_fields *fields)
{
	const ldns_pkt *packet = fields->packet;
	char rcode[16];
	json_t *ede;

	json_set_text(object, "dns_error", fields->packet_error);
	if (packet == NULL)
		return;
	json_object_set_new(object, "id", json_integer(ldns_pkt_id(packet)));
	json_object_set_new(object, "flags", flags_json(packet));
	if (fields->question != NULL) {
		set_name(object, "qname", ldns_rr_owner(fields->question));
		set_owned(object, "qtype", ldns_rr_type2str(ldns_rr_get_type(fields->question)));
		set_owned(object, "qclass", ldns_rr_class2str(ldns_rr_get_class(fields->question)));
	}
	if (!ldns_pkt_qr(packet))
		return;
	json_set_text(object, "rcode", frame_rcode_name(frame_rcode(packet), rcode));
	json_object_set_new(object, "answers", answers_json(packet));
	ede = ede_json(packet);
	if (json_array_size(ede) > 0)
		json_object_set(object, "ede", ede);
	json_decref(ede);
}

static json_t *policy_json(const Dnstap__Policy *policy)
{
	json_t *object = json_object();

	json_set_text(object, "type", policy->type);
	set_octets(object, "rule", &policy->rule, policy->has_rule);
	if (policy->has_action)
		set_enum(object, "action", &policy->base, "action", (int)policy->action);
	if (policy->has_match)
		set_enum(object, "match", &policy->base, "match", (int)policy->match);
	set_octets(object, "value", &policy->value, policy->has_value);
	return object;
}

static void set_transport(json_t *object, const Dnstap__Message *message)
{
	const char *name;
	char lower[16];
	size_t i = 0;

	if (!message->has_socket_protocol)
		return;
	name = frame_enum_name(&message->base, "socket_protocol", (int)message->socket_protocol);
	if (name == NULL) {
		json_object_set_new(object, "transport", json_integer((json_int_t)message->socket_protocol));
		return;
	}
	for (; name[i] != '\0' && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	json_set_text(object, "transport", lower);
}

static void set_ends(json_t *object, const Dnstap__Message *message)
{
	set_address(object, "client", &message->query_address, message->has_query_address);
	if (message->has_query_port)
		json_object_set_new(object, "client_port", json_integer(message->query_port));
	set_address(object, "server", &message->response_address, message->has_response_address);
	if (message->has_response_port)
		json_object_set_new(object, "server_port", json_integer(message->response_port));
	set_transport(object, message);
	if (message->has_http_protocol)
		set_enum(object, "http", &message->base, "http_protocol", (int)message->http_protocol);
}

static void set_times(json_t *object, const Dnstap__Message *message)
{
	int64_t us = frame_duration_us(message);

	if (message->has_response_time_sec)
		set_time(object, "time", message->response_time_sec, message->response_time_nsec, true);
	else
		set_time(object, "time", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	set_time(object, "query_time", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	if (us >= 0)
		json_object_set_new(object, "duration_us", json_integer(us));
}

bool frame_print_json(const struct frame_printer *printer, const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;
	const Dnstap__Dnstap *dnstap = fields->dnstap;
	json_t *object = json_object();

	set_times(object, message);
	set_octets(object, "identity", &dnstap->identity, dnstap->has_identity);
	set_octets(object, "version", &dnstap->version, dnstap->has_version);
	set_enum(object, "type", &message->base, "type", (int)message->type);
	set_ends(object, message);
	set_packet(object, fields);
	if (message->policy != NULL)
		json_object_set_new(object, "policy", policy_json(message->policy));
	if (fields->extra != NULL)
		json_object_set(object, "verdict", fields->extra);
	else
		set_octets(object, "extra", &dnstap->extra, dnstap->has_extra);
	return json_print_line(object, printer->to, printer->live);
}
