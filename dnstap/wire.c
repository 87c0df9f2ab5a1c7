/*
 * wire.c: query and response of an event in DNS wire form.
 */
#include "dnstap/wire.h"

#include <arpa/inet.h>
#include <string.h>

#define FLAG_QR 0x8000u
#define FLAG_TC 0x0200u
#define TYPE_CNAME 5
#define TYPE_OPT 41
#define OPTION_EDE 15
#define RECORD_FIXED_OCTETS 10u
#define OPT_OCTETS 11        /* without options */
#define OPT_DO 0x8000u
#define OUR_UDP_SIZE 1232    /* what we say in the copy of a response; the resolver's own setting is not known here */
#define POINTER 0xc000u
#define POINTER_MAX 0x3fffu

/* A name that stands uncompressed in the message: where, and how long. Length 0: none. */
struct place {
	size_t at;
	size_t length;
};

struct writer {
	uint8_t *to;
	size_t used;
	size_t limit;             /* records may go up to here; room for the OPT lies behind it */
	bool full;                /* a record did not fit */
	unsigned section;         /* of the last record */
	uint16_t counts[3];       /* by section */
	struct place question;
	struct place target;      /* of the last CNAME */
	struct place owner;       /* the last one written out */
};

/* Octets may alias the writer itself: a whole number at a time keeps its place from being read again for each. */
static void put16(struct writer *writer, unsigned value)
{
	const uint16_t octets = htons((uint16_t)value);

	memcpy(writer->to + writer->used, &octets, sizeof(octets));
	writer->used += sizeof(octets);
}

/* Type, class, TTL and length of a record. */
static void put_fixed(struct writer *writer, const struct record *record)
{
	const struct {
		uint16_t type, class, ttl_high, ttl_low, length;
	} fixed = { htons(record->type), htons(record->class), htons((uint16_t)(record->ttl >> 16)),
		htons((uint16_t)record->ttl), htons(record->rdata_length) };

	memcpy(writer->to + writer->used, &fixed, RECORD_FIXED_OCTETS);
	writer->used += RECORD_FIXED_OCTETS;
}

static void put(struct writer *writer, const void *octets, size_t count)
{
	if (count > 0)
		memcpy(writer->to + writer->used, octets, count);
	writer->used += count;
}

static uint8_t lower(uint8_t octet)
{
	return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet + 32) : octet;
}

/* Names of equal length are equal when their octets are, letter case aside: label lengths are below 'A'. */
static bool same_name(const uint8_t *a, const uint8_t *b, size_t length)
{
	size_t i;

	if (memcmp(a, b, length) == 0)
		return true;
	for (i = 0; i < length; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool stands_at(const struct writer *writer, const struct place *place, const struct record *record)
{
	return place->length == record->owner_length && record->owner_length > 2 && place->at <= POINTER_MAX
		&& same_name(writer->to + place->at, record->owner, record->owner_length);
}

/* Where the record's owner can be pointed to; 0: nowhere. */
static size_t find_owner(const struct writer *writer, const struct record *record)
{
	if (stands_at(writer, &writer->question, record))
		return writer->question.at;
	if (stands_at(writer, &writer->target, record))
		return writer->target.at;
	if (stands_at(writer, &writer->owner, record))
		return writer->owner.at;
	return 0;
}

static void put_record(struct writer *writer, const struct record *record, size_t pointer)
{
	if (pointer) {
		put16(writer, POINTER | (unsigned)pointer);
	} else {
		writer->owner = (struct place){ writer->used, record->owner_length };
		put(writer, record->owner, record->owner_length);
	}
	put_fixed(writer, record);
	if (record->type == TYPE_CNAME)
		writer->target = (struct place){ writer->used, record->rdata_length };
	put(writer, record->rdata, record->rdata_length);
}

static bool visit_record(void *arg, const struct record *record)
{
	struct writer *writer = arg;
	size_t pointer = find_owner(writer, record);
	size_t need = (pointer ? 2u : record->owner_length) + RECORD_FIXED_OCTETS + record->rdata_length;

	if (record->type == TYPE_OPT)
		return true;   /* we write our own */
	if (record->section > SECTION_ADDITIONAL || record->section < writer->section
			|| need > writer->limit - writer->used) {
		writer->full = true;
		return false;
	}
	writer->section = record->section;
	writer->counts[record->section]++;
	put_record(writer, record, pointer);
	return true;
}

/* Header (counts still without records) and question. */
static void put_head(struct writer *writer, const struct event *event, unsigned flags)
{
	const struct name *qname = &event->facts->qname;

	put16(writer, event->id);
	put16(writer, flags);
	put16(writer, qname->length > 0);
	memset(writer->to + writer->used, 0, 6);
	writer->used += 6;
	if (qname->length == 0)
		return;
	writer->question = (struct place){ writer->used, qname->length };
	put(writer, qname->octets, qname->length);
	put16(writer, event->facts->qtype);
	put16(writer, event->facts->qclass);
}

static size_t head_octets(const struct event *event)
{
	size_t length = event->facts->qname.length;

	return WIRE_HEADER_OCTETS + (length > 0 ? length + 4 : 0);
}

/* OPT; `code` is an EDE, or EDE_NONE. */
static void put_opt(struct writer *writer, unsigned size, unsigned rcode, bool edns_do, int code, const char *text,
		size_t text_length)
{
	writer->to[writer->used++] = 0;
	put16(writer, TYPE_OPT);
	put16(writer, size);
	put16(writer, (rcode >> 4) << 8);
	put16(writer, edns_do ? OPT_DO : 0);
	put16(writer, code == EDE_NONE ? 0 : (unsigned)(6 + text_length));
	if (code == EDE_NONE)
		return;
	put16(writer, OPTION_EDE);
	put16(writer, (unsigned)(2 + text_length));
	put16(writer, (unsigned)code);
	put(writer, text, text_length);
}

static void set16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

size_t wire_query(const struct event *event, uint8_t *to, size_t cap)
{
	struct writer writer = { .to = to };

	if (head_octets(event) + (event->edns ? OPT_OCTETS : 0) > cap)
		return 0;
	put_head(&writer, event, event->query_flags & ~FLAG_QR);
	if (event->edns) {
		put_opt(&writer, event->udp_size, 0, event->edns_do, EDE_NONE, NULL, 0);
		set16(to + 10, 1);
	}
	return writer.used;
}

/* Writes the records. False: `cap` is what stopped them, not the size of a message. */
static bool put_records(struct writer *writer, const struct event *event, bool cap_is_small)
{
	const struct facts *facts = event->facts;

	if (!facts->records)
		return true;
	if (facts->records(facts->source, visit_record, writer) > 0 && !writer->full) {
		writer->full = true;
		return true;
	}
	return !(writer->full && cap_is_small);
}

size_t wire_response(const struct event *event, uint8_t *to, size_t cap)
{
	struct writer writer = { .to = to };
	const char *text = event->ede != EDE_NONE && event->ede_text ? event->ede_text : "";
	size_t text_length = strnlen(text, EDE_TEXT_MAX);
	size_t opt = !event->edns ? 0 : event->ede == EDE_NONE ? OPT_OCTETS : OPT_OCTETS + 6 + text_length;
	size_t room = cap < WIRE_RESPONSE_MAX ? cap : WIRE_RESPONSE_MAX;
	unsigned flags = event->response_flags | FLAG_QR;

	if (head_octets(event) + opt > room)
		return 0;
	writer.limit = room - opt;
	put_head(&writer, event, flags);
	if (!put_records(&writer, event, cap < WIRE_RESPONSE_MAX))
		return 0;
	if (writer.full)
		set16(to + 2, flags | FLAG_TC);
	if (event->edns) {
		put_opt(&writer, OUR_UDP_SIZE, event->facts->rcode, event->edns_do, event->ede, text, text_length);
		writer.counts[SECTION_ADDITIONAL]++;
	}
	set16(to + 6, writer.counts[SECTION_ANSWER]);
	set16(to + 8, writer.counts[SECTION_AUTHORITY]);
	set16(to + 10, writer.counts[SECTION_ADDITIONAL]);
	return writer.used;
}
