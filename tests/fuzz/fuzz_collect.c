/*
 * fuzz_collect.c: hostile octets as a dnstap frame that `verdictctl collect` keeps.
 *
 * Laws: nothing is read outside the input; every name is canonical, and its key leads back to it; every record of an
 * address has an address; texts end; what is filed has a day.
 */
#include "tools/frame_event.h"

#include <stdlib.h>
#include <string.h>

#include "store/name_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const uint8_t *octets, size_t count)
{
	char key[NAME_KEY_MAX], text[NAME_KEY_MAX];
	struct name name, again;

	check(name_from_wire(&name, octets, count) && name.length == count && memcmp(name.octets, octets, count) == 0);
	check(name_key_write(octets, count, key) == strlen(key));
	check(name_key_to_text(key, text) == strlen(text));
	check(name_from_text(&again, text, strlen(text)) == NULL && name_equal(&name, &again));
}

static unsigned sum(const void *octets, size_t count)
{
	unsigned total = 0;

	for (size_t i = 0; i < count; i++)
		total += ((const uint8_t *)octets)[i];
	return total;
}

static unsigned check_event(const struct store_event *event)
{
	const struct store_verdict *verdict = &event->verdict;
	const char *const texts[] = { verdict->verdict, verdict->list, verdict->rule, verdict->trigger, verdict->category,
		verdict->techniques, verdict->group, verdict->privacy, verdict->shadow_list, verdict->shadow_rule,
		verdict->shadow_action, verdict->shadow_category, verdict->detectors, event->source.identity };
	unsigned total = event->detail == NULL ? 0 : sum(event->detail, strlen(event->detail));

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		total += sum(texts[i], strlen(texts[i]));
	if (event->qname != NULL)
		check_name(event->qname, event->qname_octets);
	check(event->record_count <= STORE_RECORDS_MAX && event->day_s % 86400 == 0);
	check(event->server_count <= STORE_RECORDS_MAX - event->record_count);
	for (unsigned i = 0; i < event->record_count + event->server_count; i++) {
		const struct store_record *record = &event->records[i];

		check_name(record->owner, record->owner_octets);
		check((record->type != 1 || record->octets == 4) && (record->type != 28 || record->octets == 16));
		check(i < event->record_count || record->type == 2);
		if (record->type == 5 || record->type == 2)
			check_name(record->data, record->octets);
		total += sum(record->data, record->octets);
	}
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct frame_event_clock clock = { 1700000000, 1690000000, 1710000000 };
	static struct frame_event_reading reading;
	static volatile unsigned total;
	enum frame_event_kind kind = frame_event_read(&reading, data, size, &clock);

	if (kind == FRAME_EVENT_BAD)
		return 0;
	if (kind == FRAME_EVENT_ANSWER)
		total += check_event(&reading.event);
	if (kind == FRAME_EVENT_NOTE)
		total += sum(reading.note.extra, reading.note.extra_octets);
	frame_event_fini(&reading);
	return 0;
}
