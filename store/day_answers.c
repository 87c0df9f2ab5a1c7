/* day_answers.c: the records of an answer, and the answer itself: found in memory, else in the file, else made. */
#include "store/day_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rdata.h"
#include "policy/rrtype.h"

#define DATA_WHOLE 64u               /* octets of record data that go into a key as they are */

/* --- records ------------------------------------------------------------------------------------------------ */

static struct dict_key record_key(const struct day *day, const struct store_record *record, uint32_t sensor)
{
	uint8_t octets[NAME_OCTETS_MAX + 8 + DATA_WHOLE];
	const uint32_t numbers[] = { sensor, record->type | (uint32_t)record->octets << 16 };
	size_t used = record->owner_octets;
	struct dict_key data;

	memcpy(octets, record->owner, used);
	memcpy(octets + used, numbers, sizeof(numbers));
	used += sizeof(numbers);
	if (record->octets <= DATA_WHOLE) {
		memcpy(octets + used, record->data, record->octets);
		used += record->octets;
	} else {
		data = dict_key_of(&day->shared->secret, record->data, record->octets);
		memcpy(octets + used, &data, sizeof(data));
		used += sizeof(data);
	}
	return dict_key_of(&day->shared->secret, octets, used);
}

static uint32_t find_record(struct day *day, const struct store_record *record, uint32_t sensor, struct dict_key key,
	struct diag *diag)
{
	const enum day_statement both[] = { DAY_FIND_RR, DAY_ADD_RR };
	uint32_t owner = day_name(day, record->owner, record->owner_octets, diag);
	int64_t id;

	if (owner == 0)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		sqlite3_bind_int64(day->statements[both[i]], 1, owner);
		sqlite3_bind_int64(day->statements[both[i]], 2, record->type);
		sqlite3_bind_blob(day->statements[both[i]], 3, record->octets > 0 ? (const void *)record->data : "",
			record->octets, SQLITE_STATIC);
		sqlite3_bind_int64(day->statements[both[i]], 4, sensor);
	}
	sqlite3_bind_int64(day->statements[DAY_ADD_RR], 5, record->ttl);
	id = day_look(day, DAY_FIND_RR, diag);
	if (id == 0) {
		id = day_made(day, DAY_ADD_RR, diag);
		dict_put(day->rrs, key, (uint32_t)id, record->ttl);
		return (uint32_t)id;
	}
	if (id > 0)
		dict_put(day->rrs, key, (uint32_t)id, 0);
	return id < 0 ? 0 : (uint32_t)id;
}

struct hints {
	struct day *day;
	const struct store_record *of;
	uint32_t sensor;
	unsigned left;
	bool failed;
	struct diag *diag;
};

static void add_hint(void *arg, const struct address *address)
{
	struct hints *hints = arg;
	bool inet = address->family == ADDRESS_INET;
	const struct store_record hint = { hints->of->owner, hints->of->owner_octets, inet ? RRTYPE_A : RRTYPE_AAAA, 0,
		address->octets, inet ? 4 : 16 };
	struct dict_key key;

	if (hints->failed || hints->left == 0)
		return;
	hints->left--;
	key = record_key(hints->day, &hint, hints->sensor);
	hints->failed = dict_find(hints->day->rrs, key) == NULL &&
		find_record(hints->day, &hint, hints->sensor, key, hints->diag) == 0;
}

/* The index of data begins at the address: what an HTTPS or SVCB record brings is found by rows of its own. */
static int add_hints(struct day *day, const struct store_record *record, uint32_t sensor, struct diag *diag)
{
	struct hints hints = { day, record, sensor, STORE_HINTS_MAX, false, diag };
	const struct record wire = { .type = record->type, .class = 1, .rdata = record->data, .rdata_length = record->octets };

	if (record->type == RRTYPE_SVCB || record->type == RRTYPE_HTTPS)
		rdata_addresses(&wire, add_hint, &hints);
	return hints.failed ? -1 : 0;
}

static int compare_ids(const void *one, const void *other)
{
	uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return a < b ? -1 : a > b;
}

static unsigned sort_unique(uint32_t *ids, unsigned count)
{
	unsigned kept = 0;

	if (count > 1)
		qsort(ids, count, sizeof(*ids), compare_ids);
	for (unsigned i = 0; i < count; i++)
		if (i == 0 || ids[i] != ids[kept - 1])
			ids[kept++] = ids[i];
	return kept;
}

int day_records(struct day *day, const struct store_event *event, uint32_t sensor, int64_t at_us, uint32_t *ids,
	struct diag *diag)
{
	unsigned count = 0;

	for (unsigned i = 0; i < event->record_count + event->server_count; i++) {
		const struct store_record *record = &event->records[i];
		struct dict_key key = record_key(day, record, sensor);
		struct dict_row *row = dict_find(day->rrs, key);
		uint32_t id = row != NULL ? row->id : find_record(day, record, sensor, key, diag);

		if (id == 0 || (row == NULL && add_hints(day, record, sensor, diag) != 0))
			return -1;
		if (i < event->record_count)
			ids[count++] = id;
		/* Only a TTL that is a new height is worth a write where the record does not count. */
		if (event->upstream || row == NULL || record->ttl > row->more)
			day->uses[day->use_count++] = (struct day_use){ id, record->ttl,
				event->upstream ? day_milliseconds(at_us) : INT64_MIN };
		if (row != NULL && record->ttl > row->more)
			row->more = record->ttl;
	}
	return (int)sort_unique(ids, count);
}

/* --- replies ------------------------------------------------------------------------------------------------ */

static int write_records(const uint32_t *records, unsigned count, char *to)
{
	int used = 0;

	for (unsigned i = 0; i < count; i++)
		used += sprintf(to + used, "%c%" PRIu32, i == 0 ? '[' : ',', records[i]);
	if (count > 0)
		to[used++] = ']';
	return used;
}

static uint32_t find_reply(struct day *day, const struct store_event *event, uint32_t name, uint32_t verdict,
	const uint32_t *records, unsigned count, struct diag *diag)
{
	const enum day_statement both[] = { DAY_FIND_REPLY, DAY_ADD_REPLY };
	const int64_t values[] = { name, event->qtype, verdict, event->flags, event->rcode, event->qclass,
		event->upstream };
	char text[STORE_RECORDS_MAX * 11 + 2];
	int octets = write_records(records, count, text);
	int64_t id;

	for (unsigned i = 0; i < 2; i++) {
		for (int j = 0; j < 7; j++)
			sqlite3_bind_int64(day->statements[both[i]], j + 1, values[j]);
		sqlite3_bind_text(day->statements[both[i]], 8, text, octets, SQLITE_STATIC);
	}
	id = day_look(day, DAY_FIND_REPLY, diag);
	if (id == 0)
		id = day_made(day, DAY_ADD_REPLY, diag);
	sqlite3_clear_bindings(day->statements[DAY_FIND_REPLY]);
	sqlite3_clear_bindings(day->statements[DAY_ADD_REPLY]);
	return id < 0 ? 0 : (uint32_t)id;
}

uint32_t day_reply(struct day *day, const struct store_event *event, uint32_t verdict, const uint32_t *records,
	unsigned count, uint32_t *name, struct diag *diag)
{
	uint8_t octets[NAME_OCTETS_MAX + 16 + 4 * STORE_RECORDS_MAX];
	const uint32_t numbers[] = { verdict, event->qtype | (uint32_t)event->qclass << 16,
		event->flags | (uint32_t)(uint16_t)event->rcode << 16, event->upstream | count << 1 };
	size_t used = event->qname == NULL ? 0 : event->qname_octets;
	struct dict_key key;
	struct dict_row *row;
	uint32_t id;

	if (used > 0)
		memcpy(octets, event->qname, used);
	memcpy(octets + used, numbers, sizeof(numbers));
	used += sizeof(numbers);
	memcpy(octets + used, records, count * sizeof(*records));
	key = dict_key_of(&day->shared->secret, octets, used + count * sizeof(*records));
	row = dict_find(day->replies, key);
	if (row != NULL) {
		*name = row->more;
		return row->id;
	}
	*name = event->qname == NULL ? 0 : day_name(day, event->qname, event->qname_octets, diag);
	if (event->qname != NULL && *name == 0)
		return 0;
	id = find_reply(day, event, *name, verdict, records, count, diag);
	if (id != 0)
		dict_put(day->replies, key, id, *name);
	return id;
}
