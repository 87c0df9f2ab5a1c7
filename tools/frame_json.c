/* frame_json.c: members that several formats have. */
#include "tools/frame_json.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX (FRAME_BOOT_MAX + 48)
#define TYPE_A 1
#define TYPE_CNAME 5
#define TYPE_AAAA 28

struct json_line *frame_json_begin(struct frame_printer *printer)
{
	json_line_reset(&printer->line);
	json_line_open(&printer->line, '{');
	return &printer->line;
}

bool frame_json_end(struct frame_printer *printer)
{
	struct json_line *line = &printer->line;

	json_line_put(line, "}\n", 2);
	return !line->failed && fwrite(line->octets, 1, line->used, printer->to) == line->used;
}

void frame_put_octets(struct json_line *line, const char *key, const ProtobufCBinaryData *octets, bool present)
{
	if (!present)
		return;
	json_line_key(line, key);
	json_line_string(line, octets->data, octets->len);
}

void frame_put_time(struct json_line *line, const char *key, uint64_t seconds, uint32_t ns, bool present)
{
	char text[FRAME_TIME_MAX];
	size_t octets = present ? frame_time_text(seconds, ns, text) : 0;

	if (octets == 0)
		return;
	json_line_key(line, key);
	json_line_string(line, text, octets);
}

void frame_put_address(struct json_line *line, const char *key, const ProtobufCBinaryData *address, bool present)
{
	char text[INET6_ADDRSTRLEN];

	if (frame_has_address(address, present))
		json_line_text(line, key, frame_address(address, present, text));
}

/* Unknown values stay visible as numbers. */
void frame_put_enum(struct json_line *line, const char *key, const ProtobufCMessage *message, const char *field,
	int value)
{
	const char *name = frame_enum_name(message, field, value);

	json_line_key(line, key);
	if (name != NULL)
		json_line_string(line, name, strlen(name));
	else
		json_line_integer(line, value);
}

void frame_put_value(struct json_line *line, const char *key, struct json_value value)
{
	if (value.at == NULL)
		return;
	json_line_key(line, key);
	json_line_raw(line, value.at, value.octets);
}

void frame_put_value_text(struct json_line *line, const char *key, struct json_value value)
{
	if (value.at == NULL)
		return;
	json_line_key(line, key);
	if (value.at[0] == '"')
		json_line_raw(line, value.at, value.octets);
	else
		json_line_string(line, value.at, value.octets);
}

void frame_put_number(struct json_line *line, const char *key, const struct frame_fields *fields)
{
	char number[NUMBER_TEXT_MAX];

	if (frame_number(fields, number, sizeof(number)))
		json_line_text(line, key, number);
}

/* Two strings of JSON without the quotes between them are one. */
void frame_put_rule(struct json_line *line, const char *key, const struct frame_decision *decision)
{
	bool list = decision->list.at != NULL && decision->list.at[0] == '"';
	bool rule = decision->rule.at != NULL && decision->rule.at[0] == '"';

	if (!list || !rule) {
		frame_put_value(line, key, list ? decision->list : decision->rule);
		return;
	}
	json_line_key(line, key);
	json_line_raw(line, decision->list.at, decision->list.octets);
	if (line->failed)
		return;
	line->used--;
	json_line_put(line, ":", 1);
	json_line_raw(line, decision->rule.at + 1, decision->rule.octets - 1);
}

void frame_put_flags(struct json_line *line, const char *key, const struct dns_view *dns, bool capitals)
{
	static const struct {
		unsigned bit;
		const char *small, *large;
	} rows[] = {
		{ DNS_QR, "qr", NULL }, { DNS_AA, "aa", "AA" }, { DNS_TC, "tc", "TC" }, { DNS_RD, "rd", "RD" },
		{ DNS_RA, "ra", "RA" }, { DNS_AD, "ad", "AD" }, { DNS_CD, "cd", "CD" },
	};

	json_line_key(line, key);
	json_line_open(line, '[');
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((dns->flags & rows[i].bit) != 0 && (!capitals || rows[i].large != NULL))
			json_line_string(line, capitals ? rows[i].large : rows[i].small, 2);
	json_line_close(line, ']');
}

static void put_data(struct json_line *line, const struct dns_view *dns, const struct dns_record *record, bool dots)
{
	char small[DNS_NAME_MAX + 8];
	size_t octets;
	char *data = dns_data(dns, record, dots, small, &octets);

	json_line_string(line, data != NULL ? data : "", data != NULL ? octets : 0);
	if (data != small)
		free(data);
}

void frame_put_rdata(struct json_line *line, const char *key, const struct dns_view *dns,
	const struct dns_record *record)
{
	json_line_key(line, key);
	put_data(line, dns, record, false);
}

void frame_put_record(struct json_line *line, const struct dns_view *dns, const struct dns_record *record, bool dots,
	bool class, const char *data_key)
{
	char text[DNS_TYPE_MAX], name[DNS_NAME_MAX];

	if (dns_name(dns, record->at, name) > 0)
		json_line_text(line, "name", name);
	json_line_text(line, "type", dns_type_name(record->type, text));
	if (class)
		json_line_text(line, "class", dns_class_name(record->class, text));
	json_line_count(line, "ttl", record->ttl);
	json_line_key(line, data_key);
	put_data(line, dns, record, dots);
}

static bool is_kind(const struct dns_record *record, enum frame_data kind)
{
	switch (kind) {
	case DATA_ALL:
		return true;
	case DATA_ADDRESSES:
		return (record->type == TYPE_A && record->octets == 4) || (record->type == TYPE_AAAA && record->octets == 16);
	case DATA_NAMES:
		return record->type == TYPE_CNAME;
	}
	return false;
}

void frame_put_data(struct json_line *line, const struct dns_view *dns, enum frame_data kind)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct dns_record record;

	while (dns_next(dns, &cursor, &record))
		if (is_kind(&record, kind))
			put_data(line, dns, &record, false);
}

bool frame_has_data(const struct dns_view *dns, enum frame_data kind)
{
	struct dns_cursor cursor = dns_answers(dns);
	struct dns_record record;

	while (dns_next(dns, &cursor, &record))
		if (is_kind(&record, kind))
			return true;
	return false;
}
