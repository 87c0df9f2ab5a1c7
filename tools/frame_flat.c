/*
 * frame_flat.c: one flat object with the names that searches for DNS already use: Splunk's Common Information Model
 * (Network Resolution) and Sigma's category dns (`query`, `answer`, `record_type`).
 */
#include "tools/frame_json.h"

#include <stdlib.h>
#include <string.h>

#include "tools/frame_detection.h"

static const char *const actions[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = NULL,
	[OUTCOME_ALLOWED] = "allowed",
	[OUTCOME_OBSERVED] = "allowed",
	[OUTCOME_DENIED] = "blocked",
	[OUTCOME_DROPPED] = "blocked",
	[OUTCOME_MODIFIED] = "blocked",
	[OUTCOME_TRUNCATED] = "blocked",
};

static void put_ends(struct json_line *line, const Dnstap__Message *message)
{
	const char *transport = frame_transport(message);

	frame_put_address(line, "src", &message->query_address, message->has_query_address);
	if (message->has_query_port)
		json_line_count(line, "src_port", message->query_port);
	frame_put_address(line, "dest", &message->response_address, message->has_response_address);
	if (message->has_response_port)
		json_line_count(line, "dest_port", message->response_port);
	if (transport == NULL)
		return;
	json_line_text(line, "transport", strcmp(transport, "udp") == 0 || strcmp(transport, "doq") == 0 ||
		strcmp(transport, "dnscryptudp") == 0 ? "udp" : "tcp");
	json_line_text(line, "dns_transport", transport);
}

/* One string, as rules for `answer` expect it. */
static void put_answers(struct json_line *line, const struct dns_view *dns)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct json_line joined = { .octets = NULL };
	struct dns_record record;
	uint64_t count = 0, ttl = 0;
	char small[DNS_NAME_MAX + 8];
	size_t octets;

	while (dns_next(dns, &cursor, &record)) {
		char *data = dns_data(dns, &record, false, small, &octets);

		if (count++ == 0)
			ttl = record.ttl;
		else
			json_line_put(&joined, ", ", 2);
		if (data != NULL)
			json_line_put(&joined, data, octets);
		if (data != small)
			free(data);
	}
	if (count > 0) {
		json_line_key(line, "answer");
		json_line_string(line, joined.octets != NULL ? joined.octets : "", joined.used);
		json_line_count(line, "ttl", ttl);
	}
	line->failed |= joined.failed;
	json_line_count(line, "answer_count", count);
	json_line_fini(&joined);
}

static void put_dns(struct json_line *line, const struct dns_view *dns)
{
	bool response = (dns->flags & DNS_QR) != 0;
	char text[DNS_TYPE_MAX];

	if (dns->octets == NULL)
		return;
	json_line_text(line, "message_type", response ? "Response" : "Query");
	json_line_count(line, "transaction_id", dns->id);
	json_line_text(line, "query_type", dns_opcode_name(dns, text));
	if (dns->has_question) {
		json_line_text(line, "query", dns->qname);
		json_line_text(line, "record_type", dns_type_name(dns->qtype, text));
		json_line_text(line, "record_class", dns_class_name(dns->qclass, text));
	}
	if (!response)
		return;
	json_line_text(line, "reply_code", dns_rcode_name(dns->rcode, text));
	json_line_count(line, "reply_code_id", dns->rcode);
	put_answers(line, dns);
}

static void put_duration(struct json_line *line, const Dnstap__Message *message)
{
	int64_t ns = frame_duration_ns(message);
	char text[32];

	if (ns < 0)
		return;
	json_line_key(line, "duration");
	json_line_raw(line, text, (size_t)snprintf(text, sizeof(text), "%llu.%06llu", (unsigned long long)ns / 1000000000,
		(unsigned long long)ns / 1000 % 1000000));
}

/* The words of the model's `severity`. */
static const char *const severities[TIER_COUNT] = {
	[TIER_LOW] = "low", [TIER_ALERT] = "medium", [TIER_HIGH] = "high", [TIER_BLOCK] = "critical",
};

/* Those of ours alone: a key that another writer has made up could be anything. */
static void put_features(struct json_line *line, struct json_value features)
{
	struct json_members members;

	if (features.at == NULL || !json_scan(features.at, features.octets, &members))
		return;
	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		const struct json_value value = json_find(&members, feature_names[i]);
		uint64_t number;
		char key[64];

		if (!json_number_of(&value, &number))
			continue;
		snprintf(key, sizeof(key), "feature_%s", feature_names[i]);
		json_line_count(line, key, number);
	}
}

static void put_detection(struct json_line *line, const struct frame_detection *detection)
{
	if (detection->tier == TIER_NONE)
		return;
	frame_put_value(line, "detector", detection->detector);
	json_line_text(line, "detector_tier", tier_names[detection->tier]);
	json_line_text(line, "severity", severities[detection->tier]);
	json_line_count(line, "risk_score", detection->points);
	frame_put_value(line, "detector_value", detection->value);
	frame_put_value(line, "detector_threshold", detection->threshold);
	put_features(line, detection->features);
}

static void put_decision(struct json_line *line, const struct frame_fields *fields)
{
	struct frame_detection detection;
	struct frame_decision decision;

	frame_decide(fields, &decision);
	frame_detect(fields, &decision, &detection);
	json_line_text(line, "action", actions[decision.outcome]);
	if (decision.verdict[0] != '\0')
		json_line_text(line, "verdict", decision.verdict);
	if (decision.hit)
		frame_put_rule(line, "signature", &decision);
	else
		frame_put_value(line, "signature", detection.detector);
	frame_put_value(line, "list", decision.list);
	frame_put_value(line, "rule", decision.rule);
	frame_put_value(line, "category", decision.category);
	frame_put_techniques(line, "mitre_technique_id", &detection);
	put_detection(line, &detection);
	frame_put_value(line, "path", json_find(&fields->extra, "path"));
	frame_put_value(line, "group", json_find(&fields->extra, "group"));
	frame_put_number(line, "frame", fields);
}

bool frame_print_flat(struct frame_printer *printer, const struct frame_fields *fields)
{
	const Dnstap__Dnstap *dnstap = fields->dnstap;
	struct json_line *line = frame_json_begin(printer);
	uint64_t seconds;
	uint32_t ns;

	if (frame_time(fields->message, &seconds, &ns))
		frame_put_time(line, "time", seconds, ns, true);
	json_line_text(line, "vendor_product", "unbound-verdict");
	frame_put_octets(line, "dvc", &dnstap->identity, dnstap->has_identity);
	put_ends(line, fields->message);
	put_dns(line, &fields->dns);
	put_duration(line, fields->message);
	put_decision(line, fields);
	return frame_json_end(printer);
}
