/* recorded.c: recorded answers, out of texts and messages. */
#include "tools/recorded.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/address.h"
#include "policy/rdata.h"
#include "policy/rrtype.h"

#define CLASS_IN 1
#define TYPE_OPT 41
#define FIELD_MAX 4096
#define POINTER 0xc0u
#define EDNS_DO 0x8000u
#define OPCODE 0x78u
#define AA 0x04u                     /* of the third octet */
#define RA 0x80u                     /* of the fourth */

void recorded_init(struct recorded *recorded)
{
	/* Not the octets, which are many and are written before they are read. */
	memset(recorded, 0, offsetof(struct recorded, records));
	recorded->used = 0;
	recorded->qclass = CLASS_IN;
	recorded->count = 1;
	recorded->ns_dots_min = 1;
}

/* NULL: no room. */
static uint8_t *keep(struct recorded *recorded, const void *octets, size_t count)
{
	uint8_t *to = recorded->octets + recorded->used;

	if (count > sizeof(recorded->octets) - recorded->used)
		return NULL;
	memcpy(to, octets, count);
	recorded->used += count;
	return to;
}

/* --- name servers ------------------------------------------------------------------------------------------------- */

static void add_server(struct recorded *recorded, const struct name *name, const struct address *address,
	unsigned zone_labels)
{
	if (recorded->server_count == RECORDED_SERVERS_MAX)
		return;
	recorded->servers[recorded->server_count++] = (struct recorded_server){ *name, *address, (uint8_t)zone_labels };
}

/* A delegation can not lead out of the zone of who says it, nor to what was not asked for. */
static void note_delegation(struct recorded *recorded, const struct name *owner, const uint8_t *rdata, size_t octets)
{
	static const struct address unknown = { .family = ADDRESS_NONE };
	struct name server;

	if (owner->labels == 0 || owner->labels < recorded->zone_min || !name_is_below(&recorded->qname, owner) ||
	    !name_from_wire(&server, rdata, octets))
		return;
	if (owner->labels > recorded->apex)
		recorded->apex = owner->labels;
	add_server(recorded, &server, &unknown, owner->labels);
}

/* The first address completes the server, another one is a server more. */
static void note_address(struct recorded *recorded, const struct name *owner, uint16_t type, const uint8_t *rdata,
	size_t octets)
{
	struct address address = { .family = type == RRTYPE_A ? ADDRESS_INET : ADDRESS_INET6 };
	unsigned zone_labels = 0;

	if (octets != (type == RRTYPE_A ? 4 : 16))
		return;
	memcpy(address.octets, rdata, octets);
	for (size_t i = 0; i < recorded->server_count; i++) {
		struct recorded_server *server = &recorded->servers[i];

		if (!name_equal(&server->name, owner))
			continue;
		if (server->address.family == ADDRESS_NONE)
			server->address = address;
		if (server->address.family == address.family && address_compare(&server->address, &address) == 0)
			return;
		zone_labels = server->zone_labels;
	}
	if (zone_labels > 0)
		add_server(recorded, owner, &address, zone_labels);
}

static void note_server(struct recorded *recorded, const struct name *owner, const struct record *record,
	const uint8_t *rdata, size_t octets)
{
	if (record->class != CLASS_IN)
		return;
	if (record->type == LDNS_RR_TYPE_NS && record->section != SECTION_ADDITIONAL)
		note_delegation(recorded, owner, rdata, octets);
	else if (record->type == RRTYPE_A || record->type == RRTYPE_AAAA)
		note_address(recorded, owner, record->type, rdata, octets);
	else if (record->type == LDNS_RR_TYPE_SOA && record->section != SECTION_ADDITIONAL &&
		 name_is_below(&recorded->qname, owner) && owner->labels > recorded->apex)
		recorded->apex = owner->labels;
}

void recorded_add_responder(struct recorded *recorded, const struct address *address, unsigned zone_labels)
{
	static const struct name unknown = { 1, 0, { 0 } };
	struct address bare = *address;

	bare.port = 0;
	if (zone_labels > 0 && zone_labels <= recorded->qname.labels && bare.family != ADDRESS_NONE)
		add_server(recorded, &unknown, &bare, zone_labels);
}

unsigned recorded_apex(const struct recorded *recorded)
{
	return recorded->authoritative ? recorded->apex : 0;
}

static size_t show_servers(const void *source, server_visit visit, void *arg)
{
	const struct recorded *recorded = source;

	for (size_t i = 0; i < recorded->server_count; i++) {
		const struct recorded_server *from = &recorded->servers[i];
		const struct server server = { from->name.octets, from->name.length, from->address, 0, from->zone_labels, 0 };

		if (from->zone_labels > recorded->ns_dots_min && !visit(arg, &server))
			break;
	}
	return 0;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static void add(struct recorded *recorded, const struct name *owner, struct record record, const uint8_t *rdata,
	size_t octets)
{
	const uint8_t *kept = keep(recorded, owner->octets, owner->length);
	const uint8_t *data = kept != NULL ? keep(recorded, rdata, octets) : NULL;

	if (recorded->record_count == FACTS_RECORDS_MAX || data == NULL || octets > UINT16_MAX) {
		recorded->left_out++;
		return;
	}
	record.owner = kept;
	record.owner_length = owner->length;
	record.rdata = data;
	record.rdata_length = (uint16_t)octets;
	recorded->records[recorded->record_count++] = record;
	note_server(recorded, owner, &record, data, octets);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

struct field {
	const char *at;
	size_t octets;
};

static struct field next_word(struct field *rest)
{
	struct field word;

	while (rest->octets > 0 && *rest->at == ' ') {
		rest->at++;
		rest->octets--;
	}
	word = *rest;
	for (word.octets = 0; word.octets < rest->octets && word.at[word.octets] != ' ';)
		word.octets++;
	rest->at += word.octets;
	rest->octets -= word.octets;
	return word;
}

static bool number_of(struct field word, uint32_t *value)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < word.octets; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || sum > UINT32_MAX)
			return false;
		sum = sum * 10 + (uint64_t)(word.at[i] - '0');
	}
	*value = (uint32_t)sum;
	return word.octets > 0 && sum <= UINT32_MAX;
}

/* The forms that make up nearly all of a recording. Returns the octets of data; 0: another form, or no good one. */
static size_t simple_data(uint16_t type, struct field data, uint8_t *to, struct name *target)
{
	char text[INET6_ADDRSTRLEN];
	const bool four = type == RRTYPE_A, six = type == RRTYPE_AAAA;

	if (four || six) {
		if (data.octets >= sizeof(text))
			return 0;
		memcpy(text, data.at, data.octets);
		text[data.octets] = '\0';
		return inet_pton(four ? AF_INET : AF_INET6, text, to) == 1 ? (four ? 4 : 16) : 0;
	}
	if (type != LDNS_RR_TYPE_CNAME && type != LDNS_RR_TYPE_NS && type != LDNS_RR_TYPE_PTR && type != LDNS_RR_TYPE_DNAME)
		return 0;
	if (name_from_text(target, data.at, data.octets) != NULL)
		return 0;
	memcpy(to, target->octets, target->length);
	return target->length;
}

/* Whatever else there is, by libldns. */
static size_t any_data(struct field type, struct field data, uint8_t *to, size_t cap)
{
	char text[FIELD_MAX];
	ldns_rr *rr = NULL;
	size_t used = 0;

	if (memchr(data.at, '\0', data.octets) != NULL ||
	    snprintf(text, sizeof(text), ". 0 IN %.*s %.*s", (int)type.octets, type.at, (int)data.octets, data.at)
		>= (int)sizeof(text) || ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) != LDNS_STATUS_OK)
		return 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) > cap - used) {
			used = 0;
			break;
		}
		memcpy(to + used, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
		used += ldns_rdf_size(rdf);
	}
	ldns_rr_free(rr);
	return used;
}

/* `#74`: so many octets, which the recording does not have. */
static size_t unknown_data(struct field data, uint8_t *to, size_t cap)
{
	uint32_t octets;

	if (data.octets < 2 || *data.at != '#' || !number_of((struct field){ data.at + 1, data.octets - 1 }, &octets))
		return 0;
	octets = octets < cap ? octets : (uint32_t)cap;
	memset(to, 0, octets);
	return octets;
}

/* Of the others a policy asks no more than whether they are there, and detectors how much there is. */
static bool data_matters(uint16_t type)
{
	switch (type) {
	case LDNS_RR_TYPE_A: case LDNS_RR_TYPE_AAAA: case LDNS_RR_TYPE_CNAME: case LDNS_RR_TYPE_DNAME:
		return true;
	default:
		return rdata_has_target(type);
	}
}

static void add_field(struct recorded *recorded, struct field field, struct name *owner)
{
	struct record record = { .section = SECTION_ANSWER, .class = CLASS_IN };
	uint8_t data[FIELD_MAX];
	struct field type = next_word(&field), ttl = next_word(&field);
	struct name target;
	size_t octets = 0;

	while (field.octets > 0 && *field.at == ' ') {
		field.at++;
		field.octets--;
	}
	if (type.octets == 0)
		return;
	if (rrtype_from_text(&record.type, type.at, type.octets) && number_of(ttl, &record.ttl))
		octets = simple_data(record.type, field, data, &target);
	if (octets == 0 && !data_matters(record.type))
		octets = unknown_data(field, data, sizeof(data));
	if (octets == 0)
		octets = any_data(type, field, data, sizeof(data));
	if (record.type == 0 || (octets == 0 && data_matters(record.type))) {
		recorded->left_out++;
		return;
	}
	add(recorded, owner, record, data, octets);
	if (record.type == LDNS_RR_TYPE_CNAME && name_from_wire(&target, data, octets))
		*owner = target;
}

/* Where the record ends: at a semicolon that neither quotes nor a backslash take for text (RFC 1035 section 5.1). */
static const char *record_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ';'); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && at + 1 < end)
			at++;
	}
	return at;
}

static bool begins_authority(struct field field)
{
	static const char mark[] = "auth:";
	const struct field word = next_word(&field);

	return word.octets >= sizeof(mark) - 1 && memcmp(word.at, mark, sizeof(mark) - 1) == 0;
}

void recorded_add_text(struct recorded *recorded, const char *text, size_t octets)
{
	struct name owner = recorded->qname;
	const char *const end = text + octets;
	const char *stop = text;

	for (; text < end; text = stop < end ? stop + 1 : end) {
		stop = record_end(text, end);
		const struct field field = { text, (size_t)(stop - text) };

		if (begins_authority(field))
			return;
		add_field(recorded, field, &owner);
	}
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

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
		note_server(recorded, owner, record, message->octets + at, octets);
	else if (read_name(message, at, &target) != 0)
		note_server(recorded, owner, record, target.octets, target.length);
}

static void add_wire(struct recorded *recorded, const struct message *message, const struct name *owner,
	struct record record, size_t at, size_t octets)
{
	uint8_t data[6 + NAME_OCTETS_MAX];
	const int before = name_at(record.type);
	struct name target;

	if (before < 0) {
		add(recorded, owner, record, message->octets + at, octets);
	} else if ((size_t)before < octets && read_name(message, at + (size_t)before, &target) != 0) {
		memcpy(data, message->octets + at, (size_t)before);
		memcpy(data + before, target.octets, target.length);
		add(recorded, owner, record, data, (size_t)before + target.length);
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

/* --- facts -------------------------------------------------------------------------------------------------------- */

static size_t show_records(const void *source, record_visit visit, void *arg)
{
	const struct recorded *recorded = source;

	for (size_t i = 0; i < recorded->record_count && visit(arg, &recorded->records[i]); i++)
		;
	return recorded->left_out;
}

struct facts recorded_facts(const struct recorded *recorded)
{
	return (struct facts){
		.client = recorded->client,
		.server = recorded->server,
		.transport = TRANSPORT_UDP,
		.qname = recorded->qname,
		.qtype = recorded->qtype,
		.qclass = recorded->qclass,
		.rcode = recorded->rcode,
		.records = recorded->record_count > 0 ? show_records : NULL,
		.source = recorded,
		.servers = recorded->server_count > 0 ? show_servers : NULL,
		.servers_source = recorded,
		.dnssec_ok = recorded->dnssec_ok,
		.recursion_desired = true,
	};
}
