/* local_data.c: a few records packed into one piece of memory. */
#include "policy/local_data.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28
#define TYPE_ANY 255

/* What stands before each record's rdata. */
struct packed {
	uint32_t ttl;
	uint16_t type;
	uint16_t rdata_length;
};

struct local_data {
	uint32_t octets;    /* of `records` */
	uint32_t count;
	uint8_t records[];  /* struct packed and rdata in turn, unaligned */
};

static struct local_record unpack(const uint8_t *at)
{
	struct packed packed;

	memcpy(&packed, at, sizeof(packed));
	return (struct local_record){
		.type = packed.type,
		.rdata_length = packed.rdata_length,
		.ttl = packed.ttl,
		.rdata = at + sizeof(packed),
	};
}

static uint8_t *pack(uint8_t *at, const struct local_record *record)
{
	struct packed packed = { .ttl = record->ttl, .type = record->type, .rdata_length = record->rdata_length };

	memcpy(at, &packed, sizeof(packed));
	memcpy(at + sizeof(packed), record->rdata, record->rdata_length);
	return at + sizeof(packed) + record->rdata_length;
}

size_t local_data_count(const struct local_data *data)
{
	return data->count;
}

struct local_record local_data_at(const struct local_data *data, size_t index)
{
	const uint8_t *at = data->records;
	struct local_record record = unpack(at);

	while (index-- > 0) {
		at = record.rdata + record.rdata_length;
		record = unpack(at);
	}
	return record;
}

static size_t select_type(const struct local_data *data, uint16_t qtype, size_t *found, size_t cap)
{
	const uint8_t *at = data->records;
	size_t count = 0;
	size_t i;

	for (i = 0; i < data->count; i++) {
		struct local_record record = unpack(at);

		at = record.rdata + record.rdata_length;
		if ((qtype == TYPE_ANY || record.type == qtype) && count < cap)
			found[count++] = i;
	}
	return count;
}

size_t local_data_select(const struct local_data *data, uint16_t qtype, size_t *found, size_t cap)
{
	size_t count = qtype == TYPE_ANY ? 0 : select_type(data, TYPE_CNAME, found, cap);

	return count != 0 ? count : select_type(data, qtype, found, cap);
}

static uint8_t count_labels(const uint8_t *label)
{
	uint8_t labels = 0;

	for (; *label != 0; label += 1 + *label)
		labels++;
	return labels;
}

bool local_data_target(const struct local_record *record, const struct name *owner, struct name *target)
{
	const bool star = record->rdata[0] == 1 && record->rdata[1] == '*';
	const size_t front = star ? owner->length - 1u : 0;
	const size_t octets = record->rdata_length - (star ? 2u : 0u);

	if (octets > NAME_OCTETS_MAX - front)
		return false;
	memcpy(target->octets, owner->octets, front);
	memcpy(target->octets + front, record->rdata + (star ? 2 : 0), octets);
	target->length = (uint8_t)(front + octets);
	target->labels = count_labels(target->octets);
	return true;
}

static bool same_rdata(const struct local_record *a, const struct local_record *b)
{
	return a->type == b->type && a->rdata_length == b->rdata_length &&
	       memcmp(a->rdata, b->rdata, a->rdata_length) == 0;
}

/* The records of one type form an RRset: no record twice, one TTL (RFC 2181 section 5), and of CNAMEs only the first
 * (section 10.1). The lowest TTL is the one that nobody asked to be longer. */
static bool is_repeated(const struct local_record *records, size_t index)
{
	size_t i;

	for (i = 0; i < index; i++)
		if (same_rdata(&records[i], &records[index]) ||
		    (records[i].type == TYPE_CNAME && records[index].type == TYPE_CNAME))
			return true;
	return false;
}

static uint32_t common_ttl(const struct local_record *records, size_t count, uint16_t type)
{
	uint32_t ttl = LOCAL_TTL_MAX;
	size_t i;

	for (i = 0; i < count; i++)
		if (records[i].type == type && records[i].ttl < ttl)
			ttl = records[i].ttl;
	return ttl;
}

size_t local_data_fitting(const struct local_record *records, size_t count)
{
	size_t octets = 0;
	size_t i;

	for (i = 0; i < count && i < LOCAL_RECORDS_MAX; i++) {
		size_t more = sizeof(struct packed) + records[i].rdata_length;

		if (more > LOCAL_OCTETS_MAX - octets)
			break;
		octets += more;
	}
	return i;
}

struct local_data *local_data_create(const struct local_record *records, size_t count)
{
	struct local_data *data;
	size_t octets = 0;
	uint8_t *at;
	size_t i;

	count = local_data_fitting(records, count);
	for (i = 0; i < count; i++)
		octets += sizeof(struct packed) + records[i].rdata_length;
	data = calloc(1, sizeof(*data) + octets);
	if (data == NULL)
		return NULL;
	at = data->records;
	for (i = 0; i < count; i++) {
		struct local_record record = records[i];

		if (is_repeated(records, i))
			continue;
		record.ttl = common_ttl(records, count, record.type);
		at = pack(at, &record);
		data->count++;
	}
	data->octets = (uint32_t)(at - data->records);
	return data;
}

void local_data_destroy(struct local_data **data)
{
	free(*data);
	*data = NULL;
}

const uint8_t *local_data_octets(const struct local_data *data, size_t *octets)
{
	*octets = data->octets;
	return data->records;
}

const void *local_data_whole(const struct local_data *data, size_t *octets)
{
	*octets = sizeof(*data) + data->octets;
	return data;
}

/* What is read without being looked at again: the target of a CNAME, and addresses. */
static bool is_sound(const struct local_record *record)
{
	struct name name;

	switch (record->type) {
	case TYPE_CNAME:
		return name_from_wire(&name, record->rdata, record->rdata_length) &&
		       name.length == record->rdata_length;
	case TYPE_A:
		return record->rdata_length == 4;
	case TYPE_AAAA:
		return record->rdata_length == 16;
	default:
		return true;
	}
}

static bool all_sound(const struct local_data *data)
{
	const uint8_t *at = data->records;
	size_t left = data->octets;
	size_t i;

	for (i = 0; i < data->count; i++) {
		struct local_record record;

		if (left < sizeof(struct packed))
			return false;
		record = unpack(at);
		left -= sizeof(struct packed);
		if (record.rdata_length > left || record.ttl > LOCAL_TTL_MAX || !is_sound(&record))
			return false;
		left -= record.rdata_length;
		at = record.rdata + record.rdata_length;
	}
	return left == 0;
}

const struct local_data *local_data_view(const void *at, size_t cap, size_t *octets)
{
	const struct local_data *data = at;
	size_t whole;

	if (cap < sizeof(*data) || data->octets > LOCAL_OCTETS_MAX || data->count > LOCAL_RECORDS_MAX)
		return NULL;
	whole = (sizeof(*data) + data->octets + 7) / 8 * 8;
	if (whole > cap || !all_sound(data))
		return NULL;
	*octets = whole;
	return data;
}
