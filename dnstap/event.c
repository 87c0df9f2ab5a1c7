/*
 * event.c: one answer with its verdict, made flat on the query path.
 */
#include "dnstap/event.h"

#include <endian.h>
#include <string.h>

#include "dnstap/event_form.h"
#include "dnstap/wire.h"
#include "policy/hot.h"

#define BOOT_DIGITS 12
#define PRIVATE_RULE "(private)"

struct output {
	uint8_t *to;
	size_t used;
	size_t cap;
	bool full;
	struct event_form form;
};

#define EACH(octet) (UINT64_C(0x0101010101010101) * (octet))
#define EIGHT_DIGITS 100000000u

/* The digits of a number below EIGHT_DIGITS, the first one in the lowest octet: every denial has a number. Halves are
 * split into pairs, and those into digits, all at once; the factors and shifts divide by 100 and 10. */
static uint64_t digits_of(uint32_t value)
{
	const uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32;
	const uint64_t upper_pairs = halves * 10486 >> 20 & UINT64_C(0x0000007f0000007f);
	const uint64_t pairs = upper_pairs | (halves - upper_pairs * 100) << 16;
	const uint64_t tens = pairs * 103 >> 10 & UINT64_C(0x000f000f000f000f);

	return tens | (pairs - tens * 10) << 8;
}

/* May write up to 7 octets behind what it returns. */
static HOT char *put_decimal(char *to, uint64_t value)
{
	uint64_t digits;
	unsigned zeros;

	if (value < 10) {
		*to = (char)('0' + value);
		return to + 1;
	}
	if (value >= EIGHT_DIGITS) {
		to = put_decimal(to, value / EIGHT_DIGITS);
		digits = htole64(digits_of((uint32_t)(value % EIGHT_DIGITS)) + EACH('0'));
		memcpy(to, &digits, sizeof(digits));
		return to + sizeof(digits);
	}
	digits = digits_of((uint32_t)value);
	zeros = (unsigned)__builtin_ctzll(digits) / 8;
	digits = htole64((digits + EACH('0')) >> 8 * zeros);
	memcpy(to, &digits, sizeof(digits));
	return to + sizeof(digits) - zeros;
}

/* Eight hexadecimal digits at once: every denial has a number. */
static void put_hex(char *to, uint32_t value)
{
	uint64_t digits = value;

	digits = (digits | digits << 16) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits | digits << 8) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits | digits << 4) & EACH(0x0f);
	/* Bit 4 of a digit and 6 says that it is a letter. */
	digits += EACH('0') + ((digits + EACH(6)) >> 4 & EACH(1)) * ('a' - '0' - 10);
	digits = htobe64(digits);
	memcpy(to, &digits, sizeof(digits));
}

_Static_assert(BOOT_DIGITS + 1 + 5 + 1 + 20 + sizeof(uint64_t) <= FRAME_NUMBER_TEXT_MAX, "put_decimal has its room");

HOT char *frame_number_text(const struct frame_number *number, char *to)
{
	char *at = to + BOOT_DIGITS;

	/* The two overlap. */
	put_hex(to, (uint32_t)(number->boot >> (4 * BOOT_DIGITS - 32)));
	put_hex(at - 8, (uint32_t)number->boot);
	*at++ = '.';
	at = put_decimal(at, number->worker);
	*at++ = '.';
	at = put_decimal(at, number->counter);
	*at = '\0';
	return to;
}

static void put_part(struct output *output, enum event_part part, const void *octets, size_t count)
{
	if (count > UINT16_MAX || count > output->cap - output->used) {
		output->full = true;
		return;
	}
	memcpy(output->to + output->used, octets, count);
	output->used += count;
	output->form.lengths[part] = (uint16_t)count;
}

/* A rule for a client's address says as much as the address. */
static bool tells_client(const struct event *event, const struct rule_match *match)
{
	return event->privacy != PRIVACY_NONE && match->trigger == TRIGGER_CLIENT_IP;
}

static void put_rule(struct output *output, struct event_form_rule *form, enum event_part first,
		const struct event *event, const struct rule_match *match)
{
	char text[NAME_TEXT_MAX + 2];

	form->trigger = (uint8_t)match->trigger;
	if (match->trigger == TRIGGER_NONE)
		return;
	form->action = (uint8_t)match->action;
	form->chain = match->chain;
	form->serial = match->serial;
	put_part(output, first, match->list, strnlen(match->list, sizeof(match->list)));
	if (tells_client(event, match))
		memcpy(text, PRIVATE_RULE, sizeof(PRIVATE_RULE));
	else
		rule_match_text(match, text);
	put_part(output, first + 1, text, strnlen(text, sizeof(text)));
	put_part(output, first + 2, match->category, strnlen(match->category, sizeof(match->category)));
	put_part(output, first + 3, match->attack, strnlen(match->attack, sizeof(match->attack)));
}

/* What matched, when it is not the question's name: a name in wire form, or the octets of an address. */
static void put_value(struct output *output, const struct event *event)
{
	const struct rule_match *match = &event->verdict->rule;
	const struct address *address = tells_client(event, match) ? event->shown : &match->matched_address;

	if (match->trigger == TRIGGER_NONE)
		return;
	if (match->matched_name.length > 0) {
		if (match->chain > 0 || !name_equal(&match->matched_name, &event->facts->qname))
			put_part(output, PART_VALUE, match->matched_name.octets, match->matched_name.length);
	} else if (address->family != ADDRESS_NONE) {
		put_part(output, PART_VALUE, address->octets, address->family == ADDRESS_INET ? 4 : 16);
	}
}

static void put_messages(struct output *output, const struct event *event)
{
	size_t query = wire_query(event, output->to + output->used, output->cap - output->used);
	struct event quiet;
	size_t response = 0;

	output->form.lengths[PART_QUERY] = (uint16_t)query;
	output->used += query;
	/* The text of an EDE names the rule. */
	if (tells_client(event, &event->verdict->rule)) {
		quiet = *event;
		quiet.ede_text = NULL;
		event = &quiet;
	}
	if (query > 0 && event->path != PATH_DROPPED)
		response = wire_response(event, output->to + output->used, output->cap - output->used);
	output->form.lengths[PART_RESPONSE] = (uint16_t)response;
	output->used += response;
	if (query == 0 || (response == 0 && event->path != PATH_DROPPED))
		output->full = true;
}

static void put_detections(struct output *output, const struct detections *detections)
{
	struct event_form_detection forms[DETECTIONS_MAX];

	for (size_t i = 0; i < detections->count; i++) {
		const struct detection *from = &detections->items[i];
		struct event_form_detection *to = &forms[i];

		*to = (struct event_form_detection){ from->detector, from->tier, from->reaction, from->feature_count,
			from->value, from->threshold, from->repeated, { 0 }, { 0 } };
		for (unsigned j = 0; j < from->feature_count; j++) {
			to->features[j] = from->features[j].name;
			to->values[j] = from->features[j].value;
		}
	}
	put_part(output, PART_DETECTIONS, forms, detections->count * sizeof(*forms));
}

static void put_behind(struct output *output, const struct behind *behind)
{
	output->form.security = (uint8_t)behind->security;
	output->form.has_servers = behind->has_servers;
	put_part(output, PART_SERVERS, behind->octets, behind->used);
}

static void set_address(struct event_form_address *form, const struct address *address)
{
	memcpy(form->octets, address->octets, sizeof(form->octets));
	form->port = address->port;
	form->family = (uint8_t)address->family;
}

static void set_numbers(struct event_form *form, const struct event *event)
{
	form->magic = EVENT_FORM_MAGIC;
	form->version = EVENT_FORM_VERSION;
	form->boot = event->number.boot;
	form->worker = event->number.worker;
	form->counter = event->number.counter;
	form->dropped = event->dropped;
	form->left_out = event->left_out;
	form->query_sec = event->query_time.tv_sec;
	form->query_nsec = (uint32_t)event->query_time.tv_nsec;
	form->response_sec = event->response_time.tv_sec;
	form->response_nsec = (uint32_t)event->response_time.tv_nsec;
	form->path = (uint8_t)event->path;
	form->transport = (uint8_t)event->facts->transport;
	form->action = (uint8_t)event->verdict->action;
	form->ede = event->ede;
	form->privacy = (uint8_t)event->privacy;
	form->unsent = event->unsent;
	set_address(&form->client, event->privacy != PRIVACY_NONE ? event->shown : &event->facts->client);
	set_address(&form->server, &event->facts->server);
}

size_t event_encode(const struct event *event, uint8_t *to, size_t cap)
{
	struct output output = { .to = to, .used = sizeof(struct event_form), .cap = cap };

	if (cap < sizeof(struct event_form))
		return 0;
	set_numbers(&output.form, event);
	put_rule(&output, &output.form.rule, PART_LIST, event, &event->verdict->rule);
	put_rule(&output, &output.form.shadow, PART_SHADOW_LIST, event, &event->verdict->shadow);
	put_value(&output, event);
	put_messages(&output, event);
	put_part(&output, PART_GROUP, event->verdict->group_name,
			strnlen(event->verdict->group_name, sizeof(event->verdict->group_name)));
	if (event->detections != NULL)
		put_detections(&output, event->detections);
	if (event->behind != NULL)
		put_behind(&output, event->behind);
	if (output.full)
		return 0;
	memcpy(to, &output.form, sizeof(output.form));
	return output.used;
}
