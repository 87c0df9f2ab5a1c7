/*
 * frame_cof.c: the Passive DNS Common Output Format (draft-dulaunoy-dnsop-passive-dns-cof-13): one line for each
 * name, type and data, with first and last time in seconds and a count.
 *
 * What a resolver made up is no passive DNS: denied, sinkholed and local answers are left out, and so are answers
 * without a question of class IN. No client appears.
 *
 * Memory: COF_OCTETS_MAX of texts and COF_ENTRIES_MAX entries; when either is full everything is printed and
 * gathering begins anew, so a (name, type, data) can come more than once: first is the least, last the greatest,
 * counts add up.
 */
#include "tools/frame_json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COF_ENTRIES_MAX (1u << 17)
#define COF_SLOTS (COF_ENTRIES_MAX * 2)
#define COF_OCTETS_MAX ((size_t)32 * 1024 * 1024)
#define CLASS_IN 1
#define TYPE_OPT 41

struct cof_entry {
	uint64_t hash;
	uint64_t first, last, count;
	uint32_t at;                 /* in texts: name, NUL, data */
	uint32_t name_octets, data_octets;
	uint16_t type;
};

struct cof {
	uint32_t slots[COF_SLOTS];   /* number of an entry and 1; 0: free */
	struct cof_entry entries[COF_ENTRIES_MAX];
	uint32_t count;
	uint64_t seed;               /* of hashes: names come from outside */
	size_t used;
	char texts[COF_OCTETS_MAX];
};

void frame_cof_destroy(struct cof **cof)
{
	free(*cof);
	*cof = NULL;
}

static uint64_t hash_octets(uint64_t hash, const char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ (unsigned char)octets[i]) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static struct cof *ready(struct frame_printer *printer)
{
	if (printer->cof == NULL) {
		printer->cof = calloc(1, sizeof(*printer->cof));   /* pages come as they are used */
		if (printer->cof != NULL)
			printer->cof->seed = (uint64_t)(uintptr_t)printer->cof * 0x9e3779b97f4a7c15u;
	}
	return printer->cof;
}

static bool is_same(const struct cof *cof, const struct cof_entry *entry, const struct cof_entry *wanted,
	const char *name, const char *data)
{
	return entry->hash == wanted->hash && entry->type == wanted->type && entry->name_octets == wanted->name_octets &&
		entry->data_octets == wanted->data_octets &&
		memcmp(cof->texts + entry->at, name, wanted->name_octets) == 0 &&
		memcmp(cof->texts + entry->at + entry->name_octets, data, wanted->data_octets) == 0;
}

static bool is_full(const struct cof *cof, const struct cof_entry *wanted)
{
	return cof->count == COF_ENTRIES_MAX ||
		(size_t)wanted->name_octets + wanted->data_octets > COF_OCTETS_MAX - cof->used;
}

static bool count(struct frame_printer *printer, const struct cof_entry *wanted, const char *name, const char *data)
{
	struct cof *cof = printer->cof;
	struct cof_entry *entry;
	uint32_t slot = (uint32_t)wanted->hash & (COF_SLOTS - 1);

	for (; cof->slots[slot] != 0; slot = (slot + 1) & (COF_SLOTS - 1)) {
		entry = &cof->entries[cof->slots[slot] - 1];
		if (!is_same(cof, entry, wanted, name, data))
			continue;
		entry->first = wanted->first < entry->first ? wanted->first : entry->first;
		entry->last = wanted->last > entry->last ? wanted->last : entry->last;
		entry->count++;
		return true;
	}
	if (is_full(cof, wanted))
		return frame_flush_cof(printer) && count(printer, wanted, name, data);
	entry = &cof->entries[cof->count++];
	*entry = *wanted;
	entry->at = (uint32_t)cof->used;
	memcpy(cof->texts + cof->used, name, wanted->name_octets);
	memcpy(cof->texts + cof->used + wanted->name_octets, data, wanted->data_octets);
	cof->used += wanted->name_octets + wanted->data_octets;
	cof->slots[slot] = cof->count;
	return true;
}

static bool take_record(struct frame_printer *printer, const struct dns_view *dns, const struct dns_record *record,
	uint64_t seconds)
{
	struct cof_entry wanted = { .first = seconds, .last = seconds, .count = 1, .type = record->type };
	char name[DNS_NAME_MAX], small[DNS_NAME_MAX + 8], *data;
	size_t octets;
	bool done;

	if (record->class != CLASS_IN || record->type == TYPE_OPT)
		return true;
	wanted.name_octets = (uint32_t)dns_name(dns, record->at, name);
	data = dns_data(dns, record, false, small, &octets);
	if (wanted.name_octets == 0 || data == NULL)
		return true;
	for (uint32_t i = 0; i < wanted.name_octets; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	wanted.data_octets = (uint32_t)octets;
	wanted.hash = hash_octets(hash_octets(printer->cof->seed ^ record->type, name, wanted.name_octets), data, octets);
	done = count(printer, &wanted, name, data);
	if (data != small)
		free(data);
	return done;
}

/* Answers of the resolver's own, and what it denied, say nothing of the Internet. */
static bool is_passive(const struct frame_fields *fields)
{
	struct json_value path = json_find(&fields->extra, "path");
	struct frame_decision decision;

	if (fields->dns.octets == NULL || fields->dns.error != NULL || (fields->dns.flags & DNS_QR) == 0)
		return false;
	frame_decide(fields, &decision);
	return decision.outcome <= OUTCOME_OBSERVED && !json_is_text(&path, "local") && !json_is_text(&path, "chaos");
}

bool frame_print_cof(struct frame_printer *printer, const struct frame_fields *fields)
{
	struct dns_cursor cursor = dns_answers(&fields->dns);
	struct dns_record record;
	uint64_t seconds;
	uint32_t ns;

	if (!is_passive(fields) || !frame_time(fields->message, &seconds, &ns))
		return true;
	if (ready(printer) == NULL)
		return false;
	while (dns_next(&fields->dns, &cursor, &record))
		if (!take_record(printer, &fields->dns, &record, seconds))
			return false;
	return true;
}

bool frame_flush_cof(struct frame_printer *printer)
{
	struct cof *cof = printer->cof;
	char text[DNS_TYPE_MAX];
	bool done = true;

	if (cof == NULL)
		return true;
	for (uint32_t i = 0; done && i < cof->count; i++) {
		const struct cof_entry *entry = &cof->entries[i];
		struct json_line *line = frame_json_begin(printer);

		json_line_key(line, "rrname");
		json_line_string(line, cof->texts + entry->at, entry->name_octets);
		if (strncmp(dns_type_name(entry->type, text), "TYPE", 4) == 0)   /* a type without a name is its number */
			json_line_count(line, "rrtype", entry->type);
		else
			json_line_text(line, "rrtype", dns_type_name(entry->type, text));
		json_line_key(line, "rdata");
		json_line_open(line, '[');
		json_line_string(line, cof->texts + entry->at + entry->name_octets, entry->data_octets);
		json_line_close(line, ']');
		json_line_count(line, "time_first", entry->first);
		json_line_count(line, "time_last", entry->last);
		json_line_count(line, "count", entry->count);
		done = frame_json_end(printer);
	}
	memset(cof->slots, 0, sizeof(cof->slots));
	cof->count = 0;
	cof->used = 0;
	return done;
}
