/* compiled_tables.c: the large part of a compiled file: local data, classes, and the set. */
#include <endian.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "policy/compiled_parts.h"
#include "policy/list_record.h"

#define WIRE_HEAD 11          /* the root, type, class, TTL, length of the rdata */

/* --- local data ------------------------------------------------------------------------------------------------- */

/* Would the record be taken from a list? What libldns makes of it must be what it was: no compressed name in it. */
static bool record_possible(const struct local_record *record, uint8_t *wire, uint8_t *again)
{
	const uint16_t head[] = { htobe16(record->type), htobe16(1), 0, 0, htobe16(record->rdata_length) };
	ldns_rr *rr = NULL;
	size_t at = 0;
	bool same;

	if (!record_is_local_data(record->type))
		return false;
	wire[0] = 0;
	memcpy(wire + 1, head, sizeof(head));
	memcpy(wire + WIRE_HEAD, record->rdata, record->rdata_length);
	if (ldns_wire2rr(&rr, wire, WIRE_HEAD + (size_t)record->rdata_length, &at, LDNS_SECTION_ANSWER) !=
	    LDNS_STATUS_OK)
		return false;
	same = at == WIRE_HEAD + (size_t)record->rdata_length && record_rdata(rr, again) == record->rdata_length &&
	       memcmp(again, record->rdata, record->rdata_length) == 0;
	ldns_rr_free(rr);
	return same;
}

static bool records_possible(const struct local_data *data, uint8_t *wire, uint8_t *again)
{
	const size_t count = local_data_count(data);

	for (size_t i = 0; i < count; i++) {
		const struct local_record record = local_data_at(data, i);

		if (!record_possible(&record, wire, again))
			return false;
	}
	return true;
}

static int index_data(struct compiled_reading *reading)
{
	const struct compiled_header *header = &reading->header;
	uint8_t *wire = malloc(2 * (WIRE_HEAD + (size_t)UINT16_MAX));
	const uint8_t *at = reading->snapshot->records;
	uint64_t left = header->data_octets;
	int result = 0;

	reading->data = calloc((size_t)header->data_count + 1, sizeof(*reading->data));
	if (wire == NULL || reading->data == NULL)
		result = compiled_no_memory(reading);
	for (size_t i = 1; result == 0 && i <= header->data_count; i++) {
		size_t octets = 0;

		reading->data[i] = local_data_view(at, (size_t)left, &octets);
		if (reading->data[i] == NULL ||
		    !records_possible(reading->data[i], wire, wire + WIRE_HEAD + UINT16_MAX))
			result = compiled_wrong_at(reading, reading->places.lines - left, "these are no records");
		at += octets;
		left -= octets;
	}
	if (result == 0 && left != 0)
		result = compiled_wrong_at(reading, reading->places.lines - left, "behind the last records there is more");
	free(wire);
	return result;
}

/* --- classes ---------------------------------------------------------------------------------------------------- */

/* What another list says about the same name was there before, and is of an earlier list: no chain has an end that is
 * its beginning. */
static bool class_possible(const struct compiled_reading *reading, size_t number)
{
	const struct compiled_class *class = &reading->classes[number];
	const struct compiled_class *also = &reading->classes[class->also];

	return class->list < reading->header.list_count && class->also < number &&
	       (class->also == 0 || also->list < class->list) && class->action > ACTION_ALLOW &&
	       class->action < ACTION_COUNT && compiled_is_flag(class->exact) && compiled_is_flag(class->below) &&
	       class->data <= reading->header.data_count &&
	       (class->action == ACTION_LOCAL_DATA) == (class->data != 0);
}

static int take_classes(struct compiled_reading *reading)
{
	struct snapshot *snapshot = reading->snapshot;
	const size_t count = (size_t)reading->header.class_count;

	snapshot->classes = calloc(count, sizeof(*snapshot->classes));
	if (snapshot->classes == NULL)
		return compiled_no_memory(reading);
	snapshot->class_count = count;
	for (size_t i = 1; i < count; i++) {
		const struct compiled_class *from = &reading->classes[i];

		if (!class_possible(reading, i))
			return compiled_wrong_at(reading, reading->places.classes + i * sizeof(*from), "this is no class");
		snapshot->classes[i] = (struct class){
			.data = from->action == ACTION_SINKHOLE ? snapshot->lists[from->list].sinkhole :
				reading->data[from->data],
			.list = from->list,
			.exact = from->exact != 0,
			.below = from->below != 0,
			.also = from->also,
			.action = (enum action)from->action,
		};
	}
	return 0;
}

int compiled_read_classes(struct compiled_reading *reading)
{
	const struct compiled_places *places = &reading->places;
	void *classes = NULL;
	int result = compiled_take_new(reading, &classes, places->data - places->classes);

	reading->classes = classes;
	if (result == 0)
		result = compiled_take_new(reading, &reading->snapshot->records, places->lines - places->data);
	if (result != 0)
		return -1;
	reading->snapshot->records_octets = (size_t)(places->lines - places->data);
	return index_data(reading) != 0 ? -1 : take_classes(reading);
}

/* --- the set ---------------------------------------------------------------------------------------------------- */

static int read_lines(struct compiled_reading *reading, struct set *set)
{
	const uint64_t octets = set_form_lines(&reading->header.set);
	struct set_check check = SET_CHECK_INITIALIZER;
	char *to = set_lines_room(set);
	uint64_t done = 0;

	do {
		const size_t piece = octets - done < COMPILED_CHUNK ? (size_t)(octets - done) : COMPILED_CHUNK;

		if (compiled_take_summed(reading, to + done, piece) != 0)
			return -1;
		done += piece;
		if (!set_check_lines(&check, set, (uint32_t)(done / 64), (uint32_t)reading->header.class_count))
			return compiled_wrong_at(reading, reading->places.lines + (uint64_t)check.line * 64,
				"this line of the table has a class that does not exist, or no search would end here");
	} while (done < octets);
	return 0;
}

static int read_filter(struct compiled_reading *reading, struct set *set)
{
	const uint64_t octets = set_form_filter(&reading->header.set);
	char *to = set_filter_room(set);

	for (uint64_t done = 0; done < octets; done += COMPILED_CHUNK)
		if (compiled_take_summed(reading, to + done,
				octets - done < COMPILED_CHUNK ? (size_t)(octets - done) : COMPILED_CHUNK) != 0)
			return -1;
	return 0;
}

int compiled_read_set(struct compiled_reading *reading)
{
	reading->snapshot->set = set_create(&reading->header.set);
	if (reading->snapshot->set == NULL)
		return compiled_no_memory(reading);
	if (read_lines(reading, reading->snapshot->set) != 0 || read_filter(reading, reading->snapshot->set) != 0)
		return -1;
	if (XXH3_64bits_digest(reading->sum) != reading->header.checksum)
		return compiled_wrong_at(reading, HEADER_AT(checksum), "the checksum is wrong: the file is damaged");
	set_seal(reading->snapshot->set);
	return 0;
}
