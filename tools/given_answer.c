/* given_answer.c: records by libldns, and the visitors that show them. */
#include "tools/given_answer.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define TTL_USUAL 300
#define RDATA_MAX 65535

int given_address(struct address *address, const char *text)
{
	struct address read = { .family = ADDRESS_INET };

	if (inet_pton(AF_INET, text, read.octets) != 1) {
		read.family = ADDRESS_INET6;
		if (inet_pton(AF_INET6, text, read.octets) != 1)
			return -1;
	}
	*address = read;
	return 0;
}

/* All fields behind each other; names are not compressed in libldns's form. */
static int join_rdata(const ldns_rr *rr, struct given_record *record)
{
	size_t octets = 0, used = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		octets += ldns_rdf_size(ldns_rr_rdf(rr, i));
	if (octets > RDATA_MAX)
		return -1;
	record->rdata = malloc(octets + 1);
	if (record->rdata == NULL)
		return -1;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);

		memcpy(record->rdata + used, ldns_rdf_data(field), ldns_rdf_size(field));
		used += ldns_rdf_size(field);
	}
	record->rdata_length = (uint16_t)octets;
	return 0;
}

const char *given_answer_add(struct given_answer *answer, const char *text)
{
	struct given_record *record = &answer->records[answer->record_count];
	const ldns_rdf *owner;
	ldns_rr *rr = NULL;
	const char *wrong = NULL;

	if (answer->record_count == FACTS_RECORDS_MAX)
		return "there are too many records: 256 are judged";
	if (ldns_rr_new_frm_str(&rr, text, TTL_USUAL, NULL, NULL) != LDNS_STATUS_OK)
		return "is no record: write it as in a zone, `www.example. A 192.0.2.1`";
	owner = ldns_rr_owner(rr);
	record->type = (uint16_t)ldns_rr_get_type(rr);
	record->class = (uint16_t)ldns_rr_get_class(rr);
	record->ttl = ldns_rr_ttl(rr);
	if (!name_from_wire(&record->owner, ldns_rdf_data(owner), ldns_rdf_size(owner)))
		wrong = "has no good owner";
	else if (join_rdata(rr, record) != 0)
		wrong = "is too large";
	else
		answer->record_count++;
	ldns_rr_free(rr);
	return wrong;
}

const char *given_answer_add_server(struct given_answer *answer, const char *text, unsigned chain)
{
	struct given_server server = { .chain = (uint8_t)chain };
	size_t octets = strcspn(text, " ");
	const char *address = text + octets + strspn(text + octets, " ");
	const char *wrong;

	if (answer->server_count == FACTS_SERVERS_MAX)
		return "there are too many name servers: 64 are judged";
	wrong = name_from_text(&server.name, text, octets);
	if (wrong != NULL)
		return wrong;
	if (*address != '\0' && given_address(&server.address, address) != 0)
		return "has no good address: write a name and perhaps an address, `ns.example 192.0.2.53`";
	answer->servers[answer->server_count++] = server;
	return NULL;
}

static size_t show_records(const void *source, record_visit visit, void *arg)
{
	const struct given_answer *answer = source;

	for (size_t i = 0; i < answer->record_count; i++) {
		const struct given_record *given = &answer->records[i];
		struct record record = {
			.section = SECTION_ANSWER,
			.owner = given->owner.octets,
			.owner_length = given->owner.length,
			.type = given->type,
			.class = given->class,
			.ttl = given->ttl,
			.rdata = given->rdata,
			.rdata_length = given->rdata_length,
		};

		if (!visit(arg, &record))
			break;
	}
	return 0;
}

static size_t show_servers(const void *source, server_visit visit, void *arg)
{
	const struct given_answer *answer = source;

	for (size_t i = 0; i < answer->server_count; i++) {
		const struct given_server *given = &answer->servers[i];
		struct server server = { given->name.octets, given->name.length, given->address, given->chain,
			SERVER_ZONE_UNKNOWN, 0 };

		if (!visit(arg, &server))
			break;
	}
	return 0;
}

void given_answer_show(const struct given_answer *answer, struct facts *facts)
{
	if (answer->record_count > 0) {
		facts->records = show_records;
		facts->source = answer;
	}
	if (answer->server_count > 0) {
		facts->servers = show_servers;
		facts->servers_source = answer;
	}
}

void given_answer_fini(struct given_answer *answer)
{
	for (size_t i = 0; i < answer->record_count; i++)
		free(answer->records[i].rdata);
	answer->record_count = answer->server_count = 0;
}
