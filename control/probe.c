/* probe.c: facts that show one record, or one server. */
#include "control/probe.h"

#define TTL 60
#define CLASS_IN 1
#define TYPE_A 1
#define TYPE_AAAA 28

static size_t show_record(const void *source, record_visit visit, void *arg)
{
	const struct probe *probe = source;
	const bool inet = probe->address.family == ADDRESS_INET;
	const struct record record = {
		.section = SECTION_ANSWER,
		.owner = probe->facts.qname.octets,
		.owner_length = probe->facts.qname.length,
		.type = inet ? TYPE_A : TYPE_AAAA,
		.class = CLASS_IN,
		.ttl = TTL,
		.rdata = probe->address.octets,
		.rdata_length = inet ? 4 : 16,
	};

	visit(arg, &record);
	return 0;
}

static size_t show_nothing(const void *source, record_visit visit, void *arg)
{
	(void)source;
	(void)visit;
	(void)arg;
	return 0;
}

static size_t show_server(const void *source, server_visit visit, void *arg)
{
	const struct probe *probe = source;
	const struct server server = { .name = probe->server.octets, .name_length = probe->server.length,
		.address = probe->address };

	visit(arg, &server);
	return 0;
}

void probe_client(struct probe *probe, const struct facts *asker, const struct address *address)
{
	probe->facts = *asker;
	probe->facts.client = *address;
}

void probe_record(struct probe *probe, const struct facts *asker, const struct address *address)
{
	probe->facts = *asker;
	probe->address = *address;
	probe->facts.records = show_record;
	probe->facts.source = probe;
}

void probe_server(struct probe *probe, const struct facts *asker, const struct name *server,
	const struct address *address)
{
	probe->facts = *asker;
	probe->address = *address;
	probe->server = *server;
	probe->facts.records = show_nothing;
	probe->facts.source = probe;
	probe->facts.servers = show_server;
	probe->facts.servers_source = probe;
}
