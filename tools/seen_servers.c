/* seen_servers.c: who serves which zone, taken from answers. */
#include "tools/seen_servers_parts.h"

#include <stdlib.h>

#include "policy/rrtype.h"

struct seen_servers *seen_servers_create(const struct seen_options *options)
{
	struct seen_servers *seen = calloc(1, sizeof(*seen));
	struct evidence **all[8];

	if (seen == NULL)
		return NULL;
	seen->options = *options;
	memcpy(all, (struct evidence **[8]){ &seen->names, &seen->pairs, &seen->hosts, &seen->asked, &seen->servers,
		&seen->places, &seen->both, &seen->below }, sizeof(all));
	for (size_t i = 0; i < 8; i++) {
		*all[i] = evidence_create(DIFFERENT_MAX);
		if (*all[i] == NULL) {
			seen_servers_destroy(&seen);
			return NULL;
		}
	}
	return seen;
}

void seen_servers_destroy(struct seen_servers **seen)
{
	if (*seen == NULL)
		return;
	evidence_destroy(&(*seen)->names);
	evidence_destroy(&(*seen)->pairs);
	evidence_destroy(&(*seen)->hosts);
	evidence_destroy(&(*seen)->asked);
	evidence_destroy(&(*seen)->servers);
	evidence_destroy(&(*seen)->places);
	evidence_destroy(&(*seen)->both);
	evidence_destroy(&(*seen)->below);
	free((*seen)->zones);
	free(*seen);
	*seen = NULL;
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

/* A server with several addresses is one name in one answer. */
static bool was_named(const struct recorded *recorded, size_t index)
{
	const struct recorded_server *server = &recorded->servers[index];

	for (size_t i = 0; i < index; i++)
		if (recorded->servers[i].zone_labels == server->zone_labels &&
		    name_equal(&recorded->servers[i].name, &server->name))
			return true;
	return false;
}

static void take_server(struct seen_servers *seen, const struct recorded *recorded, size_t index)
{
	const struct recorded_server *server = &recorded->servers[index];
	const struct name *qname = &recorded->qname;
	const uint8_t *zone = name_suffix(qname, qname->labels - server->zone_labels);
	struct key key = { 0 };

	put(&key, zone, (size_t)(qname->octets + qname->length - zone));
	put(&key, server->name.octets, server->name.length);
	if (!was_named(recorded, index))
		evidence_add(seen->names, key.at, key.octets, recorded->count, recorded->time_ms, 0);
	if (server->address.family == ADDRESS_NONE)
		return;
	put_address(&key, &server->address);
	evidence_add(seen->pairs, key.at, key.octets, recorded->count, recorded->time_ms, 0);
}

/* Perhaps the question was for a name server's address. */
static void take_host(struct seen_servers *seen, const struct recorded *recorded, const struct record *record)
{
	struct address address = { .family = record->type == RRTYPE_A ? ADDRESS_INET : ADDRESS_INET6 };
	struct key key = { 0 };

	if ((record->type != RRTYPE_A && record->type != RRTYPE_AAAA) ||
	    record->rdata_length != (record->type == RRTYPE_A ? 4 : 16) ||
	    record->owner_length != recorded->qname.length ||
	    memcmp(record->owner, recorded->qname.octets, record->owner_length) != 0)
		return;
	memcpy(address.octets, record->rdata, record->rdata_length);
	put(&key, record->owner, record->owner_length);
	put_address(&key, &address);
	evidence_add(seen->hosts, key.at, key.octets, recorded->count, recorded->time_ms, 0);
}

void seen_servers_take(struct seen_servers *seen, const struct recorded *recorded)
{
	evidence_add(seen->asked, recorded->qname.octets, recorded->qname.length, recorded->count, recorded->time_ms, 0);
	for (size_t i = 0; i < recorded->record_count; i++)
		take_host(seen, recorded, &recorded->records[i]);
	if (recorded->server_count == 0)
		return;
	seen->answers += recorded->count;
	if (recorded->time_ms > seen->last_ms)
		seen->last_ms = recorded->time_ms;
	if (recorded->time_ms != 0 && (seen->first_ms == 0 || recorded->time_ms < seen->first_ms))
		seen->first_ms = recorded->time_ms;
	for (size_t i = 0; i < recorded->server_count; i++)
		take_server(seen, recorded, i);
}
