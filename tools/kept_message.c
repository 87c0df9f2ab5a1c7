/* kept_message.c: from plain values to a DNS message. */
#include "tools/kept_message.h"

#include <stdlib.h>
#include <string.h>

#include "policy/name.h"
#include "store/name_key.h"
#include "tools/dns_view.h"
#include "tools/hunt_export.h"

#define HEADER_OCTETS 12u
#define RECORD_FIXED 10u
#define MESSAGE_MAX ((size_t)16 * 1024 * 1024)
#define TYPE_OPT 41u

static uint8_t *room(struct kept_message *message, size_t count)
{
	uint8_t *to;

	if (message->failed || count > MESSAGE_MAX - message->used) {
		message->failed = true;
		return NULL;
	}
	if (count > message->cap - message->used) {
		size_t cap = 2 * (message->used + count);
		uint8_t *octets = realloc(message->octets, cap);

		if (octets == NULL) {
			message->failed = true;
			return NULL;
		}
		message->octets = octets;
		message->cap = cap;
	}
	to = message->octets + message->used;
	message->used += count;
	return to;
}

static void put_16(struct kept_message *message, unsigned value)
{
	uint8_t *to = room(message, 2);

	if (to != NULL) {
		to[0] = (uint8_t)(value >> 8);
		to[1] = (uint8_t)value;
	}
}

static void put_name(struct kept_message *message, const char *key, size_t octets)
{
	char copy[NAME_KEY_MAX], text[NAME_KEY_MAX];
	struct name name;
	uint8_t *to;

	if (octets >= sizeof(copy)) {
		message->failed = true;
		return;
	}
	memcpy(copy, key, octets);
	copy[octets] = '\0';
	name_key_to_text(copy, text);
	if (name_from_text(&name, text, strlen(text)) != NULL)
		message->failed = true;
	else if ((to = room(message, name.length)) != NULL)
		memcpy(to, name.octets, name.length);
}

bool kept_octets(const char *digits, size_t count, uint8_t *to, size_t cap, size_t *octets)
{
	static const char letters[] = "0123456789abcdef";

	*octets = count / 2;
	if (count % 2 != 0 || count / 2 > cap)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *at = memchr(letters, digits[i], 16);

		if (at == NULL)
			return false;
		to[i / 2] = (uint8_t)(i % 2 == 0 ? (at - letters) << 4 : to[i / 2] | (at - letters));
	}
	return true;
}

/* `owner type ttl data`, in `octets` octets. */
static void put_record(struct kept_message *message, const char *text, size_t octets)
{
	const char *end = text + octets, *type, *ttl, *data;
	uint8_t *to;
	size_t used;
	unsigned long seconds;

	if ((type = memchr(text, ' ', octets)) == NULL || (ttl = memchr(type + 1, ' ', (size_t)(end - type - 1))) == NULL ||
			(data = memchr(ttl + 1, ' ', (size_t)(end - ttl - 1))) == NULL) {
		message->failed = true;
		return;
	}
	put_name(message, text, (size_t)(type - text));
	put_16(message, (unsigned)strtoul(type, NULL, 10) & 0xffff);
	put_16(message, 1);
	seconds = strtoul(ttl, NULL, 10);
	put_16(message, (unsigned)(seconds >> 16) & 0xffff);
	put_16(message, (unsigned)seconds & 0xffff);
	used = (size_t)(end - data - 1);
	put_16(message, (unsigned)(used / 2) & 0xffff);
	to = used / 2 <= UINT16_MAX ? room(message, used / 2) : NULL;
	if (to == NULL || !kept_octets(data + 1, used, to, used / 2, &used))
		message->failed = true;
}

static unsigned put_records(struct kept_message *message, sqlite3_value *value)
{
	size_t octets;
	const char *text = export_text(value, &octets), *end = text + octets;
	unsigned count = 0;

	for (; text < end && !message->failed; count++) {
		const char *comma = memchr(text, ',', (size_t)(end - text));

		put_record(message, text, (size_t)((comma != NULL ? comma : end) - text));
		text = comma != NULL ? comma + 1 : end;
	}
	return count;
}

/* An rcode past 15 has its upper bits in an OPT record (RFC 6891). */
bool kept_message_make(struct kept_message *message, sqlite3_value **values)
{
	int rcode = sqlite3_value_int(values[EVENT_RCODE]);
	unsigned flags = (unsigned)sqlite3_value_int(values[EVENT_FLAGS]) & 0xffff, count;
	bool question = sqlite3_value_bytes(values[EVENT_NAME]) > 0 || sqlite3_value_int(values[EVENT_TYPE]) != 0 ||
		sqlite3_value_int(values[EVENT_QCLASS]) != 0;
	const uint16_t header[] = { 0, (uint16_t)(rcode < 0 ? flags : DNS_QR | flags | (unsigned)(rcode & 15)),
		question ? 1 : 0, 0, 0, rcode > 15 ? 1 : 0 };
	size_t octets;

	message->used = 0;
	message->failed = false;
	for (unsigned i = 0; i < HEADER_OCTETS / 2; i++)
		put_16(message, header[i]);
	if (question) {
		const char *key = export_text(values[EVENT_NAME], &octets);

		put_name(message, key, octets);
		put_16(message, (unsigned)sqlite3_value_int(values[EVENT_TYPE]) & 0xffff);
		put_16(message, (unsigned)sqlite3_value_int(values[EVENT_QCLASS]) & 0xffff);
	}
	count = put_records(message, values[EVENT_RECORDS]);
	if (rcode > 15) {
		uint8_t *opt = room(message, 1 + RECORD_FIXED);

		if (opt != NULL)
			memcpy(opt, (const uint8_t[1 + RECORD_FIXED]){ 0, 0, TYPE_OPT, 4, 0xd0, (uint8_t)(rcode >> 4) },
				1 + RECORD_FIXED);
	}
	if (message->failed || count > UINT16_MAX)
		return false;
	message->octets[6] = (uint8_t)(count >> 8);
	message->octets[7] = (uint8_t)count;
	return true;
}

void kept_message_fini(struct kept_message *message)
{
	free(message->octets);
}
