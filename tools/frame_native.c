/* frame_native.c: one frame as one JSON object, with all that it carries. */
#include "tools/frame_json.h"

#include <string.h>

static void put_times(struct json_line *line, const Dnstap__Message *message)
{
	int64_t ns = frame_duration_ns(message);
	uint64_t seconds;
	uint32_t fraction;

	if (frame_time(message, &seconds, &fraction))
		frame_put_time(line, "time", seconds, fraction, true);
	frame_put_time(line, "query_time", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	if (ns >= 0)
		json_line_count(line, "duration_us", (uint64_t)ns / 1000);
}

static void put_ends(struct json_line *line, const Dnstap__Message *message)
{
	const char *transport = frame_transport(message);

	frame_put_address(line, "client", &message->query_address, message->has_query_address);
	if (message->has_query_port)
		json_line_count(line, "client_port", message->query_port);
	frame_put_address(line, "server", &message->response_address, message->has_response_address);
	if (message->has_response_port)
		json_line_count(line, "server_port", message->response_port);
	if (transport != NULL)
		json_line_text(line, "transport", transport);
	else if (message->has_socket_protocol)
		json_line_count(line, "transport", (uint32_t)message->socket_protocol);
	if (message->has_http_protocol)
		frame_put_enum(line, "http", &message->base, "http_protocol", (int)message->http_protocol);
}

static void put_answers(struct json_line *line, const struct dns_view *dns)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct dns_record record;

	json_line_key(line, "answers");
	json_line_open(line, '[');
	while (dns_next(dns, &cursor, &record)) {
		json_line_open(line, '{');
		frame_put_record(line, dns, &record, true, false, "data");
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
}

static void put_ede(struct json_line *line, const struct dns_view *dns)
{
	const uint8_t *text;
	unsigned code;
	size_t at = 0, octets;
	bool any = false;

	while (dns_next_ede(dns, &at, &code, &text, &octets)) {
		if (!any) {
			json_line_key(line, "ede");
			json_line_open(line, '[');
		}
		any = true;
		json_line_open(line, '{');
		json_line_count(line, "code", code);
		if (octets > 0) {
			json_line_key(line, "text");
			json_line_string(line, text, octets);
		}
		json_line_close(line, '}');
	}
	if (any)
		json_line_close(line, ']');
}

static void put_dns(struct json_line *line, const struct dns_view *dns)
{
	char text[DNS_TYPE_MAX];

	json_line_text(line, "dns_error", dns->error);
	if (dns->octets == NULL)
		return;
	json_line_count(line, "id", dns->id);
	frame_put_flags(line, "flags", dns, false);
	if (dns->has_question) {
		json_line_key(line, "qname");
		json_line_string(line, dns->qname, dns->qname_octets);
		json_line_text(line, "qtype", dns_type_name(dns->qtype, text));
		json_line_text(line, "qclass", dns_class_name(dns->qclass, text));
	}
	if ((dns->flags & DNS_QR) == 0)
		return;
	json_line_text(line, "rcode", dns_rcode_name(dns->rcode, text));
	put_answers(line, dns);
	put_ede(line, dns);
}

static void put_policy(struct json_line *line, const Dnstap__Policy *policy)
{
	json_line_key(line, "policy");
	json_line_open(line, '{');
	json_line_text(line, "type", policy->type);
	frame_put_octets(line, "rule", &policy->rule, policy->has_rule);
	if (policy->has_action)
		frame_put_enum(line, "action", &policy->base, "action", (int)policy->action);
	if (policy->has_match)
		frame_put_enum(line, "match", &policy->base, "match", (int)policy->match);
	frame_put_octets(line, "value", &policy->value, policy->has_value);
	json_line_close(line, '}');
}

bool frame_print_native(struct frame_printer *printer, const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;
	const Dnstap__Dnstap *dnstap = fields->dnstap;
	struct json_line *line = frame_json_begin(printer);

	put_times(line, message);
	frame_put_octets(line, "identity", &dnstap->identity, dnstap->has_identity);
	frame_put_octets(line, "version", &dnstap->version, dnstap->has_version);
	frame_put_enum(line, "type", &message->base, "type", (int)message->type);
	put_ends(line, message);
	put_dns(line, &fields->dns);
	if (message->policy != NULL)
		put_policy(line, message->policy);
	if (fields->has_extra) {
		json_line_key(line, "verdict");
		json_line_raw(line, (const char *)dnstap->extra.data, dnstap->extra.len);
	} else {
		frame_put_octets(line, "extra", &dnstap->extra, dnstap->has_extra);
	}
	return frame_json_end(printer);
}
