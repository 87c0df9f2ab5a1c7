/* recorded_message.c: recorded answers, out of DNS messages (RFC 1035 section 4). */
#include <ldns/ldns.h>
#include <string.h>

#include "tools/recorded_parts.h"

#define TYPE_OPT 41
#define POINTER 0xc0u
#define EDNS_DO 0x8000u
#define OPCODE 0x78u
#define AA 0x04u                     /* of the third octet */
#define RA 0x80u                     /* of the fourth */

struct message {
	const uint8_t *octets;
	size_t length;
};

/* A name at `at` without compression (RFC 1035 section 4.1.4); a pointer has to lead backwards. Returns where what is
 * behind it begins; 0: no good name. */
static size_t read_name(const struct message *message, size_t at, struct name *name)
{
	uint8_t wire[NAME_OCTETS_MAX];
	size_t used = 0, end = 0, least = at;

	for (;;) {
		unsigned length;

		if (at >= message->length)
			return 0;
		length = message->octets[at];
		if (length >= POINTER) {
			if (message->length - at < 2)
				return 0;
			end = end == 0 ? at + 2 : end;
			at = (length & ~POINTER) << 8 | message->octets[at + 1];
			if (at >= least)
				return 0;
			least = at;
			continue;
		}
		if (length > 63 || length + 1 > message->length - at || length + 1 > sizeof(wire) - used)
			return 0;
		memcpy(wire + used, message->octets + at, length + 1);
		used += length + 1;
		at += length + 1;
		if (length == 0)
			break;
	}
	return name_from_wire(name, wire, used) ? (end == 0 ? at : end) : 0;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* Octets of fixed data before a name that may be compressed; -1: the type has none. */
static int name_at(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_CNAME: case LDNS_RR_TYPE_NS: case LDNS_RR_TYPE_PTR: case LDNS_RR_TYPE_DNAME:
		return 0;
	case LDNS_RR_TYPE_MX:
		return 2;
	case LDNS_RR_TYPE_SRV:
		return 6;
	default:
		return -1;
	}
}

/* What is no answer is judged by nobody, but tells who serves the zone. */
static void note_wire(struct recorded *recorded, const struct message *message, const struct name *owner,
	const struct record *record, size_t at, size_t octets)
{
	struct name target;

	if (record->type != LDNS_RR_TYPE_NS)
		recorded_note_server(recorded, owner, record, message->octets + at, octets);
	else if (read_name(message, at, &target) != 0)
		recorded_note_server(recorded, owner, record, target.octets, target.length);
}

static void add_wire(struct recorded *recorded, const struct message *message, const struct name *owner,
	struct record record, size_t at, size_t octets)
{
	uint8_t data[6 + NAME_OCTETS_MAX];
	const int before = name_at(record.type);
	struct name target;

	if (before < 0) {
		recorded_put(recorded, owner, record, message->octets + at, octets);
	} else if ((size_t)before < octets && read_name(message, at + (size_t)before, &target) != 0) {
		memcpy(data, message->octets + at, (size_t)before);
		memcpy(data + before, target.octets, target.length);
		recorded_put(recorded, owner, record, data, (size_t)before + target.length);
	} else {
		recorded->left_out++;
	}
}

/* One record; *at moves behind it. False: the message ends inside. */
static bool take_record(struct recorded *recorded, const struct message *message, enum record_section section, size_t *at)
{
	struct record record = { .section = section };
	struct name owner;
	size_t behind = read_name(message, *at, &owner), octets;
	const uint8_t *fixed = message->octets + behind;

	if (behind == 0 || message->length - behind < 10)
		return false;
	record.type = get16(fixed);
	record.class = get16(fixed + 2);
	record.ttl = (uint32_t)get16(fixed + 4) << 16 | get16(fixed + 6);
	octets = get16(fixed + 8);
	if (octets > message->length - behind - 10)
		return false;
	*at = behind + 10 + octets;
	if (record.type == TYPE_OPT) {
		recorded->dnssec_ok = (record.ttl & EDNS_DO) != 0;
		recorded->rcode = (uint16_t)((recorded->rcode & 15u) | (record.ttl >> 24 << 4));
	} else if (section == SECTION_ANSWER) {
		add_wire(recorded, message, &owner, record, behind + 10, octets);
	} else {
		note_wire(recorded, message, &owner, &record, behind + 10, octets);
	}
	return true;
}

bool recorded_take_message(struct recorded *recorded, const uint8_t *octets, size_t length)
{
	const struct message message = { octets, length };
	size_t at = length < 12 ? 0 : read_name(&message, 12, &recorded->qname);

	if (at == 0 || (octets[2] & OPCODE) != 0 || get16(octets + 4) != 1 || length - at < 4)
		return false;
	recorded->qtype = get16(octets + at);
	recorded->qclass = get16(octets + at + 2);
	recorded->answered = (octets[2] & 0x80) != 0;
	recorded->authoritative = (octets[2] & AA) != 0 && (octets[3] & RA) == 0;
	recorded->rcode = octets[3] & 15u;
	at += 4;
	for (unsigned section = 0; section < 3; section++)
		for (unsigned left = get16(octets + 6 + 2 * section); left > 0; left--)
			if (!take_record(recorded, &message, (enum record_section)section, &at)) {
				recorded->left_out += left;
				return true;
			}
	return true;
}
