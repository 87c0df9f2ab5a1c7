/* recorded.c: recorded answers: their records and name servers as facts. */
#include "tools/recorded_parts.h"

#include <ldns/ldns.h>
#include <string.h>

#include "policy/address.h"
#include "policy/rrtype.h"

void recorded_init(struct recorded *recorded)
{
	/* Not the octets, which are many and are written before they are read. */
	memset(recorded, 0, offsetof(struct recorded, records));
	recorded->used = 0;
	behind_init(&recorded->behind);
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

void recorded_note_server(struct recorded *recorded, const struct name *owner, const struct record *record,
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

void recorded_put(struct recorded *recorded, const struct name *owner, struct record record, const uint8_t *rdata,
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
	recorded_note_server(recorded, owner, &record, data, octets);
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

void recorded_facts_behind(const struct recorded *recorded, unsigned zone_labels, struct behind_zone *zone,
	struct facts *facts)
{
	if (!recorded->behind.has_servers)
		return;
	*zone = (struct behind_zone){ &recorded->behind, (uint8_t)zone_labels };
	facts->servers = behind_visit;
	facts->servers_source = zone;
}
