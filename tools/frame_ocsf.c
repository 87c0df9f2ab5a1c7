/*
 * frame_ocsf.c: OCSF DNS Activity, class 4003 of schema 1.8 (https://schema.ocsf.io/1.8.0/classes/dns_activity).
 *
 * 1.9 moves three things: query.packet_uid becomes transaction_id, query.opcode_id and query.opcode stand at the
 * top, and the flags of answers[] become the event's. Both spellings are written, so that searches for either find
 * the event. Times are milliseconds; metadata.original_time has the nanoseconds.
 */
#include "tools/frame_json.h"

#include <string.h>

#include "tools/frame_detection.h"

#define NS_PER_MS 1000000
#define MS_PER_SECOND 1000
#define ID_OTHER 99

/* Ids and captions of the schema's profile security_control. */
static const struct {
	unsigned action_id, disposition_id, severity_id;
	const char *action, *disposition, *severity;
} outcomes[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = { 0, 0, 1, "Unknown", "Unknown", "Informational" },
	[OUTCOME_ALLOWED] = { 1, 1, 1, "Allowed", "Allowed", "Informational" },
	[OUTCOME_OBSERVED] = { 3, 15, 2, "Observed", "Detected", "Low" },
	[OUTCOME_DENIED] = { 2, 2, 3, "Denied", "Blocked", "Medium" },
	[OUTCOME_DROPPED] = { 2, 6, 3, "Denied", "Dropped", "Medium" },
	[OUTCOME_MODIFIED] = { 4, ID_OTHER, 3, "Modified", "Sinkholed", "Medium" },
	[OUTCOME_TRUNCATED] = { 4, 14, 3, "Modified", "Delayed", "Medium" },
};

/* Of detections: how much, by the schema's risk levels. */
static const struct {
	unsigned id;
	const char *caption;
} risks[TIER_COUNT] = {
	[TIER_LOW] = { 1, "Low" }, [TIER_ALERT] = { 2, "Medium" }, [TIER_HIGH] = { 3, "High" },
	[TIER_BLOCK] = { 4, "Critical" },
};

static const char *const rcode_captions[] = { "NoError", "FormError", "ServError", "NXDomain", "NotImp", "Refused",
	"YXDomain", "YXRRSet", "NXRRSet", "NotAuth", "NotZone", "DSOTYPENI" };
static const char *const opcode_captions[] = { "Query", "Inverse Query", "Status", "Reserved", "Notify", "Update",
	"DSO Message" };

static void put_ms(struct json_line *line, const char *key, uint64_t seconds, uint32_t ns, bool present)
{
	if (present && seconds < UINT64_MAX / MS_PER_SECOND / 2)
		json_line_count(line, key, seconds * MS_PER_SECOND + ns / NS_PER_MS);
}

/* 6 is the whole exchange; 1 and 2 are a query or an answer alone. */
static unsigned activity_of(const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;

	if (message->has_query_message && message->has_response_message)
		return 6;
	return fields->is_response ? 2 : 1;
}

static void put_class(struct json_line *line, const struct frame_fields *fields)
{
	unsigned activity = activity_of(fields);

	json_line_count(line, "class_uid", 4003);
	json_line_text(line, "class_name", "DNS Activity");
	json_line_count(line, "category_uid", 4);
	json_line_text(line, "category_name", "Network Activity");
	json_line_count(line, "activity_id", activity);
	json_line_text(line, "activity_name", activity == 6 ? "Traffic" : activity == 2 ? "Response" : "Query");
	json_line_count(line, "type_uid", 400300 + activity);
}

static void put_times(struct json_line *line, const Dnstap__Message *message)
{
	int64_t duration = frame_duration_ns(message);
	uint64_t seconds;
	uint32_t ns;

	if (!frame_time(message, &seconds, &ns))
		seconds = ns = 0;
	put_ms(line, "time", seconds, ns, true);
	put_ms(line, "query_time", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	put_ms(line, "start_time", message->query_time_sec, message->query_time_nsec, message->has_query_time_sec);
	put_ms(line, "response_time", message->response_time_sec, message->response_time_nsec,
		message->has_response_time_sec);
	if (duration >= 0)
		json_line_count(line, "duration", (uint64_t)duration / NS_PER_MS);
}

static void put_metadata(struct json_line *line, const struct frame_fields *fields)
{
	static const char profiles[] = "[\"security_control\"]";
	const Dnstap__Dnstap *dnstap = fields->dnstap;
	uint64_t seconds;
	uint32_t ns;

	json_line_key(line, "metadata");
	json_line_open(line, '{');
	json_line_text(line, "version", "1.8.0");
	json_line_key(line, "profiles");
	json_line_raw(line, profiles, sizeof(profiles) - 1);
	json_line_key(line, "product");
	json_line_open(line, '{');
	json_line_text(line, "name", "unbound-verdict");
	frame_put_octets(line, "version", &dnstap->version, dnstap->has_version);
	json_line_close(line, '}');
	frame_put_octets(line, "log_provider", &dnstap->identity, dnstap->has_identity);
	json_line_text(line, "log_name", "dnstap");
	frame_put_number(line, "uid", fields);
	if (fields->has_serial && fields->serial.counter <= INT32_MAX)   /* the schema's integers have 32 bits */
		json_line_count(line, "sequence", fields->serial.counter);
	if (frame_time(fields->message, &seconds, &ns))
		frame_put_time(line, "original_time", seconds, ns, true);
	json_line_close(line, '}');
}

static void put_ends(struct json_line *line, const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;
	const Dnstap__Dnstap *dnstap = fields->dnstap;

	if (frame_has_address(&message->query_address, message->has_query_address)) {
		json_line_key(line, "src_endpoint");
		json_line_open(line, '{');
		frame_put_address(line, "ip", &message->query_address, true);
		if (message->has_query_port)
			json_line_count(line, "port", message->query_port);
		json_line_close(line, '}');
	}
	json_line_key(line, "dst_endpoint");
	json_line_open(line, '{');
	frame_put_address(line, "ip", &message->response_address, message->has_response_address);
	if (message->has_response_port)
		json_line_count(line, "port", message->response_port);
	if (dnstap->has_identity)
		frame_put_octets(line, "hostname", &dnstap->identity, true);
	json_line_text(line, "svc_name", "dns");
	json_line_close(line, '}');
}

static void put_connection(struct json_line *line, const Dnstap__Message *message)
{
	const char *transport = frame_transport(message);

	json_line_text(line, "app_protocol_name", "dns");
	json_line_key(line, "connection_info");
	json_line_open(line, '{');
	json_line_count(line, "direction_id", 1);
	json_line_text(line, "direction", "Inbound");
	if (transport != NULL) {
		bool udp = strcmp(transport, "udp") == 0 || strcmp(transport, "doq") == 0 ||
			strcmp(transport, "dnscryptudp") == 0;

		json_line_count(line, "protocol_num", udp ? 17 : 6);
		json_line_text(line, "protocol_name", udp ? "udp" : "tcp");
	}
	if (message->has_socket_family)
		json_line_count(line, "protocol_ver_id",
			message->socket_family == DNSTAP__SOCKET_FAMILY__INET6 ? 6 : 4);
	json_line_close(line, '}');
}

/* --- the DNS message ---------------------------------------------------------------------------------------- */

static void put_flag_ids(struct json_line *line, const struct dns_view *dns)
{
	static const unsigned bits[] = { DNS_AA, DNS_TC, DNS_RD, DNS_RA, DNS_AD, DNS_CD };

	json_line_key(line, "flag_ids");
	json_line_open(line, '[');
	for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if ((dns->flags & bits[i]) != 0)
			json_line_number(line, i + 1);
	json_line_close(line, ']');
}

static void put_opcode(struct json_line *line, const struct dns_view *dns)
{
	unsigned opcode = dns->flags >> 11 & 15;
	bool known = opcode < sizeof(opcode_captions) / sizeof(opcode_captions[0]);

	json_line_count(line, "opcode_id", known ? opcode : ID_OTHER);
	json_line_text(line, "opcode", known ? opcode_captions[opcode] : "Other");
}

static void put_query(struct json_line *line, const struct dns_view *dns)
{
	char text[DNS_TYPE_MAX];

	json_line_key(line, "query");
	json_line_open(line, '{');
	json_line_text(line, "hostname", dns->qname);
	json_line_text(line, "type", dns_type_name(dns->qtype, text));
	json_line_text(line, "class", dns_class_name(dns->qclass, text));
	json_line_count(line, "packet_uid", dns->id);
	put_opcode(line, dns);
	json_line_close(line, '}');
}

static void put_rcode(struct json_line *line, const struct dns_view *dns)
{
	char text[DNS_TYPE_MAX];
	bool captioned = dns->rcode < sizeof(rcode_captions) / sizeof(rcode_captions[0]);

	json_line_count(line, "rcode_id", captioned || (dns->rcode >= 16 && dns->rcode <= 23) ? dns->rcode : ID_OTHER);
	json_line_text(line, "rcode", captioned ? rcode_captions[dns->rcode] : dns_rcode_name(dns->rcode, text));
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
		char text[DNS_TYPE_MAX];

		json_line_open(line, '{');
		json_line_text(line, "type", dns_type_name(record.type, text));
		json_line_text(line, "class", dns_class_name(record.class, text));
		json_line_count(line, "ttl", record.ttl <= INT32_MAX ? record.ttl : 0);   /* RFC 2181 section 8 */
		frame_put_rdata(line, "rdata", dns, &record);
		json_line_count(line, "packet_uid", dns->id);
		put_flag_ids(line, dns);
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
}

static void put_dns(struct json_line *line, const struct dns_view *dns)
{
	if (dns->octets == NULL)
		return;
	json_line_count(line, "transaction_id", dns->id);
	put_opcode(line, dns);
	put_flag_ids(line, dns);
	if (dns->has_question)
		put_query(line, dns);
	if ((dns->flags & DNS_QR) == 0)
		return;
	put_rcode(line, dns);
	put_answers(line, dns);
}

/* --- the verdict -------------------------------------------------------------------------------------------- */

static void put_attacks(struct json_line *line, const struct frame_detection *detection)
{
	if (detection->technique_count == 0)
		return;
	json_line_key(line, "attacks");
	json_line_open(line, '[');
	for (unsigned i = 0; i < detection->technique_count; i++) {
		json_line_open(line, '{');
		json_line_key(line, "technique");
		json_line_open(line, '{');
		frame_put_value_text(line, "uid", detection->techniques[i]);
		json_line_close(line, '}');
		json_line_close(line, '}');
	}
	json_line_close(line, ']');
}

static void put_rule(struct json_line *line, const Dnstap__Policy *policy, const struct frame_decision *decision)
{
	json_line_key(line, "firewall_rule");
	json_line_open(line, '{');
	if (decision->rule.at != NULL) {
		frame_put_rule(line, "uid", decision);
		frame_put_value_text(line, "name", decision->rule);
	} else if (policy != NULL && policy->has_rule) {
		frame_put_octets(line, "name", &policy->rule, true);
	} else {
		json_line_text(line, "name", decision->verdict);
	}
	if (policy != NULL)
		json_line_text(line, "type", policy->type);
	frame_put_value_text(line, "category", decision->category);
	frame_put_value_text(line, "match_location", decision->trigger);
	if (policy != NULL && policy->has_value && !decision->shadow) {
		json_line_key(line, "match_details");
		json_line_open(line, '[');
		json_line_string(line, policy->value.data, policy->value.len);
		json_line_close(line, ']');
	}
	json_line_close(line, '}');
	if (decision->list.at == NULL)
		return;
	json_line_key(line, "policy");
	json_line_open(line, '{');
	frame_put_value_text(line, "name", decision->list);
	frame_put_value_text(line, "version", decision->serial);
	json_line_key(line, "is_applied");
	json_line_raw(line, decision->shadow ? "false" : "true", decision->shadow ? 5 : 4);
	json_line_close(line, '}');
}

/* Without a rule of a list the detector is what made the alert. */
static void put_detection(struct json_line *line, const struct frame_decision *decision,
	const struct frame_detection *detection)
{
	char reason[FRAME_REASON_MAX];

	if (detection->tier == TIER_NONE)
		return;
	json_line_count(line, "risk_score", detection->points);
	json_line_count(line, "risk_level_id", risks[detection->tier].id);
	json_line_text(line, "risk_level", risks[detection->tier].caption);
	json_line_text(line, "risk_details", frame_reason(detection, reason));
	if (decision->hit)
		return;
	json_line_key(line, "firewall_rule");
	json_line_open(line, '{');
	frame_put_value(line, "name", detection->detector);
	json_line_text(line, "type", "detector");
	json_line_close(line, '}');
}

static void put_decision(const struct frame_printer *printer, struct json_line *line,
	const struct frame_fields *fields)
{
	struct frame_detection detection;
	struct frame_decision decision;
	enum frame_outcome outcome;
	bool alert;

	frame_decide(fields, &decision);
	frame_detect(fields, &decision, &detection);
	outcome = frame_outcome_told(&decision, &detection);
	if (printer->sinkhole_as_blocked && outcome == OUTCOME_MODIFIED)
		outcome = OUTCOME_DENIED;
	alert = decision.hit || detection.tier != TIER_NONE;
	json_line_count(line, "severity_id", outcomes[outcome].severity_id);
	json_line_text(line, "severity", outcomes[outcome].severity);
	json_line_count(line, "action_id", outcomes[outcome].action_id);
	json_line_text(line, "action", outcomes[outcome].action);
	json_line_count(line, "disposition_id", outcomes[outcome].disposition_id);
	json_line_text(line, "disposition", outcomes[outcome].disposition);
	json_line_key(line, "is_alert");
	json_line_raw(line, alert ? "true" : "false", alert ? 4 : 5);
	if (decision.verdict[0] != '\0')
		json_line_text(line, "status_detail", decision.verdict);
	if (decision.hit)
		put_rule(line, fields->message->policy, &decision);
	put_detection(line, &decision, &detection);
	put_attacks(line, &detection);
}

static void put_observable(struct json_line *line, const char *name, const char *type, unsigned type_id,
	const char *value)
{
	json_line_open(line, '{');
	json_line_text(line, "name", name);
	json_line_text(line, "type", type);
	json_line_count(line, "type_id", type_id);
	json_line_text(line, "value", value);
	json_line_close(line, '}');
}

static void put_observables(struct json_line *line, const struct frame_fields *fields)
{
	const Dnstap__Message *message = fields->message;
	char text[64];

	json_line_key(line, "observables");
	json_line_open(line, '[');
	if (fields->dns.has_question)
		put_observable(line, "query.hostname", "Hostname", 1, fields->dns.qname);
	if (frame_has_address(&message->query_address, message->has_query_address))
		put_observable(line, "src_endpoint.ip", "IP Address", 2,
			frame_address(&message->query_address, true, text));
	json_line_close(line, ']');
}

bool frame_print_ocsf(struct frame_printer *printer, const struct frame_fields *fields)
{
	struct json_line *line = frame_json_begin(printer);

	put_class(line, fields);
	put_times(line, fields->message);
	put_metadata(line, fields);
	put_decision(printer, line, fields);
	put_ends(line, fields);
	put_connection(line, fields->message);
	put_dns(line, &fields->dns);
	put_observables(line, fields);
	if (fields->has_extra) {
		json_line_key(line, "unmapped");
		json_line_raw(line, (const char *)fields->dnstap->extra.data, fields->dnstap->extra.len);
	}
	return frame_json_end(printer);
}
