/* frame_event.c: from protobuf, JSON and a DNS message to plain values. */
#include "tools/frame_event.h"

#include <string.h>

#include "policy/address.h"
#include "tools/frame_decision.h"
#include "tools/frame_event_verdict.h"
#include "tools/frame_names.h"

#define DAY_SECONDS 86400
#define MICROSECONDS 1000000u
#define BOOT_DIGITS 12

/* --- the answer --------------------------------------------------------------------------------------------- */

static uint8_t path_of(const struct frame_fields *fields)
{
	struct json_value path = json_find(&fields->extra, "path");

	for (unsigned i = 0; i < PATH_COUNT; i++)
		if (json_is_text(&path, path_table[i].name))
			return (uint8_t)i;
	return fields->is_response ? STORE_PATH_RESPONSE : STORE_PATH_QUERY;
}

static uint8_t transport_of(const Dnstap__Message *message)
{
	static const uint8_t ours[] = { TRANSPORT_UNKNOWN, TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_DOT, TRANSPORT_DOH,
		TRANSPORT_DOQ + 1, TRANSPORT_DOQ + 2, TRANSPORT_DOQ };

	return message->has_socket_protocol && (size_t)message->socket_protocol < sizeof(ours) ?
		ours[message->socket_protocol] : TRANSPORT_UNKNOWN;
}

/* As verdictctl tap's passive DNS has it; another writer does not say what it made up, but for AA: a resolver has no
 * authority over what it was told. */
static bool is_upstream(const struct frame_event_reading *reading, enum frame_outcome outcome)
{
	const struct dns_view *dns = &reading->fields.dns;
	uint8_t path = reading->event.path;

	if (dns->octets == NULL || dns->error != NULL || (dns->flags & DNS_QR) == 0 || outcome > OUTCOME_OBSERVED)
		return false;
	return path != PATH_LOCAL && path != PATH_CHAOS && (path != STORE_PATH_RESPONSE || (dns->flags & DNS_AA) == 0);
}

static void take_message(struct frame_event_reading *reading)
{
	const struct dns_view *dns = &reading->fields.dns;
	struct store_event *event = &reading->event;
	bool response = dns->octets != NULL && (dns->flags & DNS_QR) != 0;

	event->rcode = response ? (int16_t)dns->rcode : -1;
	if (dns->octets == NULL)
		return;
	event->flags = dns->flags & (DNS_AA | DNS_TC | DNS_RD | DNS_RA | DNS_AD | DNS_CD);
	if (dns->has_question)
		frame_names_question(reading);
	if (response && dns->error == NULL)
		frame_names_records(reading);
}

static void take_client(struct frame_event_reading *reading)
{
	const Dnstap__Message *message = reading->fields.message;
	struct address *client = &reading->event.client;
	uint8_t length = 128;

	if (!frame_has_address(&message->query_address, message->has_query_address))
		return;
	client->family = message->query_address.len == 4 ? ADDRESS_INET : ADDRESS_INET6;
	memcpy(client->octets, message->query_address.data, message->query_address.len);
	prefix_unmap(client, &length);               /* one client, however its server listens */
}

/* --- who and when ------------------------------------------------------------------------------------------- */

static uint64_t boot_of(const char *text)
{
	uint64_t boot = 0;

	for (unsigned i = 0; i < BOOT_DIGITS; i++) {
		int digit = text[i] >= '0' && text[i] <= '9' ? text[i] - '0' :
			text[i] >= 'a' && text[i] <= 'f' ? text[i] - 'a' + 10 : -1;

		if (digit < 0)
			return 0;
		boot = boot << 4 | (unsigned)digit;
	}
	return text[BOOT_DIGITS] == '\0' ? boot : 0;
}

static void take_source(struct frame_event_reading *reading, struct store_source *source)
{
	const struct frame_fields *fields = &reading->fields;
	const Dnstap__Dnstap *dnstap = fields->dnstap;

	frame_ascii(dnstap->has_identity ? dnstap->identity.data : NULL, dnstap->has_identity ? dnstap->identity.len : 0,
		reading->identity, sizeof(reading->identity));
	*source = (struct store_source){ .identity = reading->identity, .boot = boot_of(fields->serial.boot) };
	if (fields->has_serial && fields->serial.worker <= UINT32_MAX)
		source->worker = (uint32_t)fields->serial.worker;
}

static uint64_t take_time(const struct frame_event_reading *reading, const struct frame_event_clock *clock,
	int64_t *day_s, bool *strayed)
{
	uint64_t seconds;
	uint32_t ns;
	int64_t filed;

	if (!frame_time(reading->fields.message, &seconds, &ns)) {
		seconds = (uint64_t)clock->now_s;
		ns = 0;
	}
	filed = (int64_t)seconds < clock->oldest_s || (int64_t)seconds > clock->newest_s ? clock->now_s :
		(int64_t)seconds;
	*day_s = filed - filed % DAY_SECONDS;
	*strayed = filed != (int64_t)seconds;
	return seconds * MICROSECONDS + ns / 1000;
}

static uint64_t told(const struct frame_fields *fields, const char *key)
{
	struct json_value value = json_find(&fields->extra, key);
	uint64_t found;

	return json_number_of(&value, &found) && found <= FRAME_COUNTER_MAX ? found : 0;
}

static enum frame_event_kind read_answer(struct frame_event_reading *reading, const struct frame_event_clock *clock)
{
	const struct frame_fields *fields = &reading->fields;
	int64_t latency_ns = frame_duration_ns(fields->message);
	struct store_event *event = &reading->event;
	struct frame_decision decision;

	*event = (struct store_event){ .latency_us = UINT32_MAX, .records = reading->records,
		.verdict = { "", "", "", "", "", "", "", "", "", "", "", "", "", 0, 0, 0 } };
	take_source(reading, &event->source);
	if (fields->has_serial && event->source.boot != 0 && fields->serial.worker <= UINT32_MAX &&
			fields->serial.counter <= FRAME_COUNTER_MAX)
		event->counter = fields->serial.counter;
	event->time_us = take_time(reading, clock, &event->day_s, &event->strayed);
	if (latency_ns >= 0)
		event->latency_us = (uint32_t)(latency_ns / 1000 < UINT32_MAX ? latency_ns / 1000 : UINT32_MAX - 1);
	event->path = path_of(fields);
	event->transport = transport_of(fields->message);
	event->dropped = told(fields, "dropped");
	event->left_out = told(fields, "left_out");
	take_client(reading);
	frame_decide(fields, &decision);
	if (json_find(&fields->extra, "verdict").at != NULL)
		frame_event_take_verdict(reading);
	else
		frame_event_take_policy(reading, &decision);
	event->upstream = is_upstream(reading, decision.outcome);
	take_message(reading);
	return FRAME_EVENT_ANSWER;
}

/* What is below the zone that was asked for is the server's to tell. */
static enum frame_event_kind read_servers(struct frame_event_reading *reading, const struct frame_event_clock *clock)
{
	const Dnstap__Message *message = reading->fields.message;
	const struct dns_view *dns = &reading->fields.dns;
	struct store_event *event = &reading->event;

	if (!message->has_query_zone || dns->octets == NULL || dns->error != NULL || !dns->has_question ||
			(dns->flags & DNS_QR) == 0)
		return FRAME_EVENT_OTHER;
	*event = (struct store_event){ .records = reading->records, .upstream = true };
	take_source(reading, &event->source);
	event->time_us = take_time(reading, clock, &event->day_s, &event->strayed);
	frame_names_question(reading);
	frame_names_servers(reading, message->query_zone.data, message->query_zone.len);
	return event->server_count > 0 ? FRAME_EVENT_SERVERS : FRAME_EVENT_OTHER;
}

static uint64_t former_worker(const struct frame_fields *fields)
{
	struct json_value former = json_find(&fields->extra, "former");
	struct json_members members;
	struct json_value worker;
	uint64_t found = 0;

	if (former.at != NULL && json_scan(former.at, former.octets, &members)) {
		worker = json_find(&members, "worker");
		json_number_of(&worker, &found);
	}
	return found <= UINT32_MAX ? found : 0;
}

static enum frame_event_kind read_note(struct frame_event_reading *reading, const struct frame_event_clock *clock)
{
	const struct frame_fields *fields = &reading->fields;
	struct store_note *note = &reading->note;

	*note = (struct store_note){ .former = fields->kind == FRAME_FORMER, .number = told(fields, "heartbeat"),
		.extra = (const char *)fields->dnstap->extra.data, .extra_octets = fields->dnstap->extra.len };
	take_source(reading, &note->source);
	note->source.worker = note->former ? (uint32_t)former_worker(fields) : 0;
	note->time_us = take_time(reading, clock, &note->day_s, &note->strayed);
	return FRAME_EVENT_NOTE;
}

enum frame_event_kind frame_event_read(struct frame_event_reading *reading, const uint8_t *octets, size_t length,
	const struct frame_event_clock *clock)
{
	reading->text_used = reading->name_used = 0;
	if (!frame_fields_init(&reading->fields, octets, length))
		return FRAME_EVENT_BAD;
	if (reading->fields.kind != FRAME_EVENT)
		return read_note(reading, clock);
	if (reading->fields.message->type == DNSTAP__MESSAGE__TYPE__RESOLVER_RESPONSE)
		return read_servers(reading, clock);
	if (reading->fields.message->type != DNSTAP__MESSAGE__TYPE__CLIENT_RESPONSE &&
			reading->fields.message->type != DNSTAP__MESSAGE__TYPE__CLIENT_QUERY)
		return FRAME_EVENT_OTHER;
	return read_answer(reading, clock);
}

void frame_event_fini(struct frame_event_reading *reading)
{
	frame_fields_fini(&reading->fields);
}
