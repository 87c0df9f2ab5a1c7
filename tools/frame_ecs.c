/*
 * frame_ecs.c: Elastic Common Schema 9 (https://www.elastic.co/guide/en/ecs/current/), one "answer" event for
 * question and answer together. What the schema has no place for stands under `unbound_verdict`, which is the
 * frame's `extra`.
 */
#include "tools/frame_json.h"

#include <string.h>

#include "tools/frame_detection.h"

#define ECS_VERSION "9.0.0"
#define DATASET "unbound_verdict.dns"
#define POINTS_FULL 8u            /* as many deny (detect/fusion.c): the whole of 100 */

static const struct {
	const char *type;        /* of event.type, beside "protocol" */
	const char *kind;
} outcomes[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = { "info", "event" },
	[OUTCOME_ALLOWED] = { "allowed", "event" },
	[OUTCOME_OBSERVED] = { "info", "alert" },
	[OUTCOME_DENIED] = { "denied", "alert" },
	[OUTCOME_DROPPED] = { "denied", "alert" },
	[OUTCOME_MODIFIED] = { "denied", "alert" },
	[OUTCOME_TRUNCATED] = { "denied", "alert" },
};

/* How much, and why. */
static void put_risk(struct json_line *line, const struct frame_detection *detection)
{
	const unsigned most = detection->points < POINTS_FULL ? detection->points : POINTS_FULL;
	char reason[FRAME_REASON_MAX], norm[16];

	if (detection->tier == TIER_NONE)
		return;
	json_line_text(line, "reason", frame_reason(detection, reason));
	json_line_count(line, "risk_score", detection->points);
	json_line_key(line, "risk_score_norm");
	json_line_raw(line, norm, (size_t)snprintf(norm, sizeof(norm), "%.1f", 100.0 * most / POINTS_FULL));
}

static void put_event(struct json_line *line, const struct frame_fields *fields,
	const struct frame_decision *decision, const struct frame_detection *detection)
{
	const enum frame_outcome outcome = frame_outcome_told(decision, detection);
	const Dnstap__Message *message = fields->message;
	int64_t ns = frame_duration_ns(message);

	json_line_key(line, "event");
	json_line_open(line, '{');
	json_line_text(line, "kind", outcomes[outcome].kind);
	json_line_key(line, "category");
	json_line_open(line, '[');
	json_line_string(line, "network", sizeof("network") - 1);
	if (decision->hit || detection->tier != TIER_NONE)
		json_line_string(line, "intrusion_detection", sizeof("intrusion_detection") - 1);
	json_line_close(line, ']');
	json_line_key(line, "type");
	json_line_open(line, '[');
	json_line_string(line, "protocol", 8);
	json_line_string(line, outcomes[outcome].type, strlen(outcomes[outcome].type));
	json_line_close(line, ']');
	json_line_text(line, "module", "unbound_verdict");
	json_line_text(line, "dataset", DATASET);
	if (decision->verdict[0] != '\0') {
		char action[sizeof("dns-policy-") + FRAME_VERDICT_MAX];

		snprintf(action, sizeof(action), "dns-policy-%s", decision->verdict);
		json_line_text(line, "action", action);
	}
	json_line_text(line, "outcome", "success");
	put_risk(line, detection);
	frame_put_number(line, "id", fields);
	if (fields->has_serial)
		json_line_count(line, "sequence", fields->serial.counter);
	frame_put_time(line, "start", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	frame_put_time(line, "end", message->response_time_sec, message->response_time_nsec,
		message->has_response_time_sec);
	if (ns >= 0)
		json_line_count(line, "duration", (uint64_t)ns);
	json_line_close(line, '}');
}

static void put_end(struct json_line *line, const char *key, const ProtobufCBinaryData *address, bool has_address,
	const uint32_t *port)
{
	if (!frame_has_address(address, has_address) && port == NULL)
		return;
	json_line_key(line, key);
	json_line_open(line, '{');
	frame_put_address(line, "ip", address, has_address);
	if (port != NULL)
		json_line_count(line, "port", *port);
	json_line_close(line, '}');
}

static void put_ends(struct json_line *line, const Dnstap__Message *message)
{
	const uint32_t *client = message->has_query_port ? &message->query_port : NULL;
	const uint32_t *server = message->has_response_port ? &message->response_port : NULL;

	put_end(line, "client", &message->query_address, message->has_query_address, client);
	put_end(line, "source", &message->query_address, message->has_query_address, client);
	put_end(line, "server", &message->response_address, message->has_response_address, server);
	put_end(line, "destination", &message->response_address, message->has_response_address, server);
}

static void put_network(struct json_line *line, const Dnstap__Message *message)
{
	const char *transport = frame_transport(message);

	json_line_key(line, "network");
	json_line_open(line, '{');
	if (message->has_socket_family)
		json_line_text(line, "type", message->socket_family == DNSTAP__SOCKET_FAMILY__INET6 ? "ipv6" : "ipv4");
	if (transport != NULL) {
		bool udp = message->socket_protocol == DNSTAP__SOCKET_PROTOCOL__UDP ||
			message->socket_protocol == DNSTAP__SOCKET_PROTOCOL__DNSCryptUDP ||
			message->socket_protocol == DNSTAP__SOCKET_PROTOCOL__DOQ;

		json_line_text(line, "transport", udp ? "udp" : "tcp");
		if (message->socket_protocol > DNSTAP__SOCKET_PROTOCOL__TCP)
			json_line_text(line, "application", transport);
	}
	json_line_text(line, "protocol", "dns");
	json_line_close(line, '}');
	if (message->has_http_protocol) {
		json_line_key(line, "http");
		json_line_open(line, '{');
		json_line_text(line, "version", message->http_protocol == DNSTAP__HTTP_PROTOCOL__HTTP1 ? "1.1" :
			message->http_protocol == DNSTAP__HTTP_PROTOCOL__HTTP2 ? "2" : "3");
		json_line_close(line, '}');
	}
}

static void put_answers(struct json_line *line, const struct dns_view *dns)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct dns_record record;

	if (!frame_has_data(dns, DATA_ALL))
		return;
	json_line_key(line, "answers");
	json_line_open(line, '[');
	while (dns_next(dns, &cursor, &record)) {
		json_line_open(line, '{');
		frame_put_record(line, dns, &record, false, true, "data");
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
	if (!frame_has_data(dns, DATA_ADDRESSES))
		return;
	json_line_key(line, "resolved_ip");
	json_line_open(line, '[');
	frame_put_data(line, dns, DATA_ADDRESSES);
	json_line_close(line, ']');
}

static void put_dns(struct json_line *line, const struct dns_view *dns)
{
	char text[DNS_TYPE_MAX];

	if (dns->octets == NULL)
		return;
	json_line_key(line, "dns");
	json_line_open(line, '{');
	json_line_text(line, "type", (dns->flags & DNS_QR) != 0 ? "answer" : "query");
	snprintf(text, sizeof(text), "%u", dns->id);
	json_line_text(line, "id", text);
	json_line_text(line, "op_code", dns_opcode_name(dns, text));
	frame_put_flags(line, "header_flags", dns, true);
	if ((dns->flags & DNS_QR) != 0)
		json_line_text(line, "response_code", dns_rcode_name(dns->rcode, text));
	if (dns->has_question) {
		json_line_key(line, "question");
		json_line_open(line, '{');
		json_line_text(line, "name", dns->qname);
		json_line_text(line, "type", dns_type_name(dns->qtype, text));
		json_line_text(line, "class", dns_class_name(dns->qclass, text));
		json_line_close(line, '}');
	}
	put_answers(line, dns);
	json_line_close(line, '}');
}

static void put_observer(struct json_line *line, const Dnstap__Dnstap *dnstap)
{
	json_line_key(line, "observer");
	json_line_open(line, '{');
	frame_put_octets(line, "hostname", &dnstap->identity, dnstap->has_identity);
	frame_put_octets(line, "version", &dnstap->version, dnstap->has_version);
	json_line_text(line, "type", "dns-resolver");
	json_line_close(line, '}');
}

/* The rule's; without one the detector is the rule that made the alert. */
static void put_rule(struct json_line *line, const Dnstap__Policy *policy, const struct frame_decision *decision,
	const struct frame_detection *detection)
{
	if (!decision->hit && detection->tier == TIER_NONE)
		return;
	json_line_key(line, "rule");
	json_line_open(line, '{');
	if (decision->rule.at != NULL)
		frame_put_rule(line, "name", decision);
	else if (policy != NULL && decision->hit)
		frame_put_octets(line, "name", &policy->rule, policy->has_rule);
	if (!decision->hit) {
		frame_put_value(line, "name", detection->detector);
		json_line_text(line, "ruleset", "detectors");
	}
	frame_put_value(line, "ruleset", decision->list);
	frame_put_value(line, "category", decision->category);
	frame_put_value_text(line, "version", decision->serial);
	json_line_close(line, '}');
	if (detection->technique_count == 0)
		return;
	json_line_key(line, "threat");
	json_line_open(line, '{');
	json_line_text(line, "framework", "MITRE ATT&CK");
	json_line_key(line, "technique");
	json_line_open(line, '{');
	frame_put_techniques(line, "id", detection);
	json_line_close(line, '}');
	json_line_close(line, '}');
}

static void put_related(struct json_line *line, const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;
	char text[64];

	json_line_key(line, "related");
	json_line_open(line, '{');
	json_line_key(line, "ip");
	json_line_open(line, '[');
	if (frame_has_address(&message->query_address, message->has_query_address)) {
		frame_address(&message->query_address, true, text);
		json_line_string(line, text, strlen(text));
	}
	frame_put_data(line, &fields->dns, DATA_ADDRESSES);
	json_line_close(line, ']');
	json_line_key(line, "hosts");
	json_line_open(line, '[');
	if (fields->dns.has_question)
		json_line_string(line, fields->dns.qname, fields->dns.qname_octets);
	frame_put_data(line, &fields->dns, DATA_NAMES);
	json_line_close(line, ']');
	json_line_close(line, '}');
}

/* @timestamp is required: where a frame has no time, it is that of the epoch. */
bool frame_print_ecs(struct frame_printer *printer, const struct frame_fields *fields)
{
	const Dnstap__Dnstap *dnstap = fields->dnstap;
	struct json_line *line = frame_json_begin(printer);
	struct frame_detection detection;
	struct frame_decision decision;
	uint64_t seconds;
	uint32_t ns;

	frame_decide(fields, &decision);
	frame_detect(fields, &decision, &detection);
	if (!frame_time(fields->message, &seconds, &ns))
		seconds = ns = 0;
	frame_put_time(line, "@timestamp", seconds, ns, true);
	json_line_key(line, "ecs");
	json_line_raw(line, "{\"version\":\"" ECS_VERSION "\"}", sizeof("{\"version\":\"" ECS_VERSION "\"}") - 1);
	put_event(line, fields, &decision, &detection);
	put_observer(line, dnstap);
	put_ends(line, fields->message);
	put_network(line, fields->message);
	put_dns(line, &fields->dns);
	put_rule(line, fields->message->policy, &decision, &detection);
	put_related(line, fields);
	if (fields->dns.error != NULL) {
		json_line_key(line, "error");
		json_line_open(line, '{');
		json_line_text(line, "message", fields->dns.error);
		json_line_close(line, '}');
	}
	if (fields->has_extra) {
		json_line_key(line, "unbound_verdict");
		json_line_raw(line, (const char *)dnstap->extra.data, dnstap->extra.len);
	}
	return frame_json_end(printer);
}
