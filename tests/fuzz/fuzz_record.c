/* fuzz_record.c: any octets as a recording, whatever form they look like: what is shown lies inside and is valid. */
#include <stdlib.h>
#include <string.h>

#include "tools/record_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every octet that it is shown. */
static bool check_record(void *arg, const struct record *record)
{
	unsigned *sum = arg;
	struct name owner;

	if (!name_from_wire(&owner, record->owner, record->owner_length))
		abort();
	for (size_t i = 0; i < record->rdata_length; i++)
		*sum += record->rdata[i];
	return true;
}

static bool check_server(void *arg, const struct server *server)
{
	const struct recorded *recorded = arg;
	struct name name;

	if (!name_from_wire(&name, server->name, server->name_length) || server->zone_labels == 0 ||
	    server->zone_labels > recorded->qname.labels)
		abort();
	return true;
}

static void check(const struct recorded *recorded)
{
	struct facts facts = recorded_facts(recorded);
	struct behind_zone zone;
	unsigned sum = 0;

	if (recorded->count == 0 || recorded->rcode > 4095 || strnlen(recorded->group, sizeof(recorded->group)) ==
			sizeof(recorded->group))
		abort();
	if (facts.records != NULL && facts.records(facts.source, check_record, &sum) != recorded->left_out)
		abort();
	if (facts.servers != NULL)
		facts.servers(facts.servers_source, check_server, (void *)(uintptr_t)recorded);
	recorded_facts_behind(recorded, recorded->qname.labels, &zone, &facts);
	if (facts.servers != NULL && recorded->qname.labels > 0)
		facts.servers(facts.servers_source, check_server, (void *)(uintptr_t)recorded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recorded recorded;

	for (unsigned wanted = RECORD_RESPONSES; wanted <= RECORD_SERVERS && size > 0; wanted++) {
		FILE *from = fmemopen((void *)(uintptr_t)data, size, "r");
		struct record_source *source;
		struct diag diag;

		if (from == NULL)
			abort();
		source = record_source_open(from, "fuzz", (enum record_take)wanted, &diag);
		if (source != NULL && (data[size - 1] & 1) != 0 && !record_source_order(source))
			abort();
		while (source != NULL && record_source_next(source, &recorded, &diag) == 1)
			check(&recorded);
		record_source_close(&source);
	}
	return 0;
}
