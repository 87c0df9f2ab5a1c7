/* frame_names.c: decompression. */
#include "tools/frame_names.h"

#include <string.h>

#include "policy/rrtype.h"

#define QUESTION_AT 12
#define POINTER_TO_QUESTION 0xc00c
#define CLASS_IN 1
#define TYPE_OPT 41

/* Where names lie in the data of types that may be compressed: behind `before` octets, `names` of them, then `behind`
 * octets. */
static const struct data_form {
	uint16_t type;
	uint8_t before, names, behind;
} forms[] = {
	{ RRTYPE_NS, 0, 1, 0 }, { RRTYPE_MD, 0, 1, 0 }, { RRTYPE_MF, 0, 1, 0 }, { RRTYPE_CNAME, 0, 1, 0 },
	{ RRTYPE_SOA, 0, 2, 20 }, { RRTYPE_MB, 0, 1, 0 }, { 8 /* MG */, 0, 1, 0 }, { 9 /* MR */, 0, 1, 0 },
	{ RRTYPE_PTR, 0, 1, 0 }, { 14 /* MINFO */, 0, 2, 0 }, { RRTYPE_MX, 2, 1, 0 }, { 17 /* RP */, 0, 2, 0 },
	{ 18 /* AFSDB */, 2, 1, 0 }, { 21 /* RT */, 2, 1, 0 }, { 26 /* PX */, 2, 2, 0 }, { RRTYPE_SRV, 6, 1, 0 },
	{ 36 /* KX */, 2, 1, 0 }, { RRTYPE_DNAME, 0, 1, 0 },
};

size_t frame_ascii(const uint8_t *octets, size_t count, char *to, size_t cap)
{
	size_t used = 0;

	for (size_t i = 0; i < count && cap - used > 4; i++) {
		if (octets[i] > 0x1f && octets[i] < 0x7f && octets[i] != '\\') {
			to[used++] = (char)octets[i];
			continue;
		}
		to[used++] = '\\';
		to[used++] = (char)('0' + octets[i] / 100);
		to[used++] = (char)('0' + octets[i] / 10 % 10);
		to[used++] = (char)('0' + octets[i] % 10);
	}
	to[used] = '\0';
	return used;
}

/* Copies the name at *at to `to`, which holds NAME_OCTETS_MAX, and sets *at behind it. 0: it is none. A pointer leads
 * backwards, so that each step is nearer to the end. */
static size_t copy_name(const uint8_t *octets, size_t length, size_t *at, uint8_t *to)
{
	size_t from = *at, used = 0;
	bool jumped = false;

	while (from < length && octets[from] != 0) {
		unsigned octet = octets[from];

		if (octet >= 0xc0) {
			size_t target = length - from < 2 ? length : ((octet & 0x3f) << 8 | octets[from + 1]);

			if (target >= from)
				return 0;
			if (!jumped)
				*at = from + 2;
			jumped = true;
			from = target;
			continue;
		}
		if (octet > 63 || octet >= length - from || octet + 1 > NAME_OCTETS_MAX - 1 - used)
			return 0;
		to[used++] = (uint8_t)octet;
		for (unsigned i = 1; i <= octet; i++) {
			uint8_t letter = octets[from + i];

			to[used++] = letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter;
		}
		from += octet + 1;
	}
	if (from >= length)
		return 0;
	if (!jumped)
		*at = from + 1;
	to[used++] = 0;
	return used;
}

static bool has_room(const struct frame_event_reading *reading, size_t octets)
{
	return octets <= sizeof(reading->names) - reading->name_used;
}

void frame_names_question(struct frame_event_reading *reading)
{
	const struct dns_view *dns = &reading->fields.dns;
	uint8_t *to = reading->names + reading->name_used;
	size_t at = QUESTION_AT;
	size_t octets = copy_name(dns->octets, dns->length, &at, to);

	if (octets == 0)
		return;
	reading->name_used += octets;
	reading->event.qname = to;
	reading->event.qname_octets = (uint8_t)octets;
	reading->event.qtype = dns->qtype;
	reading->event.qclass = dns->qclass;
}

static bool copy_owner(struct frame_event_reading *reading, size_t at, struct store_record *record)
{
	const struct dns_view *dns = &reading->fields.dns;
	uint8_t *to = reading->names + reading->name_used;
	size_t octets;

	if (reading->event.qname != NULL && dns->octets[at] == POINTER_TO_QUESTION >> 8 &&
			dns->octets[at + 1] == (POINTER_TO_QUESTION & 0xff)) {
		record->owner = reading->event.qname;
		record->owner_octets = reading->event.qname_octets;
		return true;
	}
	if (!has_room(reading, NAME_OCTETS_MAX) || (octets = copy_name(dns->octets, dns->length, &at, to)) == 0)
		return false;
	reading->name_used += octets;
	record->owner = to;
	record->owner_octets = (uint8_t)octets;
	return true;
}

static bool copy_data(struct frame_event_reading *reading, const struct dns_record *view,
	const struct data_form *form, struct store_record *record)
{
	const struct dns_view *dns = &reading->fields.dns;
	size_t at = view->data_at + form->before, end = view->data_at + view->octets, used = form->before;
	uint8_t *to = reading->names + reading->name_used;

	if (view->octets < form->before || !has_room(reading, 2 * NAME_OCTETS_MAX + 32))
		return false;
	memcpy(to, dns->octets + view->data_at, form->before);
	for (unsigned i = 0; i < form->names; i++) {
		size_t octets = copy_name(dns->octets, end, &at, to + used);

		if (octets == 0)
			return false;
		used += octets;
	}
	if (at > end || end - at != form->behind)
		return false;
	memcpy(to + used, dns->octets + at, form->behind);
	used += form->behind;
	reading->name_used += used;
	record->data = to;
	record->octets = (uint16_t)used;
	return true;
}

static bool take_data(struct frame_event_reading *reading, const struct dns_record *view, struct store_record *record)
{
	record->type = view->type;
	record->ttl = view->ttl;
	if ((view->type == RRTYPE_A && view->octets != 4) || (view->type == RRTYPE_AAAA && view->octets != 16))
		return false;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].type == view->type)
			return copy_data(reading, view, &forms[i], record);
	record->data = reading->fields.dns.octets + view->data_at;
	record->octets = view->octets;
	return true;
}

static bool take_record(struct frame_event_reading *reading, const struct dns_record *view, unsigned at)
{
	struct store_record *record = &reading->records[at];

	return view->class == CLASS_IN && view->type != TYPE_OPT && copy_owner(reading, view->at, record) &&
		take_data(reading, view, record);
}

/* Is the name below `zone`, or it? */
static bool ends_with(const uint8_t *name, size_t octets, const uint8_t *zone, size_t zone_octets)
{
	size_t at = 0;

	while (octets - at > zone_octets)
		at += name[at] + 1u;
	return octets - at == zone_octets && memcmp(name + at, zone, zone_octets) == 0;
}

/* Name servers of zones that the question lies in: anything else would be somebody's word about others. `zone` is the
 * highest of them. */
static void take_servers(struct frame_event_reading *reading, struct dns_cursor cursor, const uint8_t *zone,
	size_t octets)
{
	struct store_event *event = &reading->event;
	struct dns_record view;

	while (event->qname != NULL && event->server_count < STORE_RECORDS_MAX - event->record_count &&
			dns_next(&reading->fields.dns, &cursor, &view)) {
		unsigned at = event->record_count + event->server_count;
		const struct store_record *record = &reading->records[at];

		if (view.type == RRTYPE_NS && take_record(reading, &view, at) &&
				ends_with(event->qname, event->qname_octets, record->owner, record->owner_octets) &&
				ends_with(record->owner, record->owner_octets, zone, octets))
			event->server_count++;
	}
}

void frame_names_records(struct frame_event_reading *reading)
{
	const struct dns_view *dns = &reading->fields.dns;
	struct dns_cursor cursor = dns_answers(dns);
	struct store_event *event = &reading->event;
	struct dns_record view;

	while (event->record_count < STORE_RECORDS_MAX && dns_next(dns, &cursor, &view))
		event->record_count += take_record(reading, &view, event->record_count);
	if (event->upstream)
		take_servers(reading, dns_authorities(dns, &cursor), (const uint8_t *)"", 1);
}

void frame_names_servers(struct frame_event_reading *reading, const uint8_t *zone, size_t octets)
{
	const struct dns_view *dns = &reading->fields.dns;
	struct dns_cursor cursor = dns_answers(dns);
	uint8_t known[NAME_OCTETS_MAX];
	struct dns_record view;
	size_t at = 0, length = copy_name(zone, octets, &at, known);

	while (dns_next(dns, &cursor, &view))
		;
	if (length > 0)
		take_servers(reading, dns_authorities(dns, &cursor), known, length);
}
