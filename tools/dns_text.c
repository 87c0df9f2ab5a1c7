/* dns_text.c: record data and codes as text. */
#include "tools/dns_view.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ldns/ldns.h>

#define TXT_OCTETS 5   /* of text for each octet at most, with quotes and blanks shared among them */

static char *put_decimal(char *to, unsigned octet)
{
	if (octet >= 100)
		*to++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

static size_t put_ipv4(const uint8_t *address, char *to)
{
	char *at = to;

	for (int i = 0; i < 4; i++) {
		at = put_decimal(at, address[i]);
		*at++ = i < 3 ? '.' : '\0';
	}
	return (size_t)(at - to) - 1;
}

/* RFC 1035 section 5.1; each character-string of n octets becomes at most 4n + 3. */
static char *txt_data(const uint8_t *data, size_t left, size_t *octets)
{
	char *text = malloc(TXT_OCTETS * left + 4), *to = text;

	while (text != NULL && left > 0) {
		size_t count = *data++;

		if (count > --left) {
			free(text);
			return NULL;
		}
		if (to > text)
			*to++ = ' ';
		*to++ = '"';
		for (size_t i = 0; i < count; i++) {
			if (data[i] == '"' || data[i] == '\\')
				*to++ = '\\';
			if (data[i] >= 0x20 && data[i] < 0x7f)
				*to++ = (char)data[i];
			else
				to += sprintf(to, "\\%03u", data[i]);
		}
		*to++ = '"';
		data += count;
		left -= count;
	}
	if (text != NULL) {
		*to = '\0';
		*octets = (size_t)(to - text);
	}
	return text;
}

/* RFC 4034 section 4.1.2: windows rise, each has 1 to 32 octets, and nothing is behind them. libldns prints what it can. */
static bool is_bitmap(const ldns_rdf *field)
{
	const uint8_t *at = ldns_rdf_data(field);
	size_t left = ldns_rdf_size(field);
	int window = -1;

	while (left >= 2) {
		size_t count = at[1];

		if (at[0] <= window || count == 0 || count > 32 || count > left - 2)
			return false;
		window = at[0];
		at += 2 + count;
		left -= 2 + count;
	}
	return left == 0;
}

static bool can_print(ldns_buffer *buffer, const ldns_rdf *field)
{
	return (ldns_rdf_get_type(field) != LDNS_RDF_TYPE_NSEC || is_bitmap(field)) &&
		ldns_rdf2buffer_str(buffer, field) == LDNS_STATUS_OK;
}

/* Whole, or not at all. */
static char *print_fields(const ldns_rr *record, size_t *octets)
{
	ldns_buffer *buffer = ldns_buffer_new(LDNS_MIN_BUFLEN);
	bool fine = true;
	char *text;

	if (buffer == NULL)
		return NULL;
	for (size_t i = 0; fine && i < ldns_rr_rd_count(record); i++)
		fine = (i == 0 || ldns_buffer_printf(buffer, " ") >= 0) && can_print(buffer, ldns_rr_rdf(record, i));
	text = fine ? ldns_buffer_export2str(buffer) : NULL;
	*octets = text == NULL ? 0 : strlen(text);
	ldns_buffer_free(buffer);
	return text;
}

static char *other_data(const struct dns_view *view, const struct dns_record *record, size_t *octets)
{
	size_t at = record->at;
	ldns_rr *parsed = NULL;
	char *text = NULL;

	if (ldns_wire2rr(&parsed, view->octets, view->length, &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK)
		return NULL;
	text = print_fields(parsed, octets);
	ldns_rr_free(parsed);
	return text;
}

static char *name_data(const struct dns_view *view, size_t at, bool dots, char *to, size_t *octets)
{
	*octets = dns_name(view, at, to);
	if (*octets == 0)
		return NULL;
	if (dots && strcmp(to, ".") != 0) {
		to[(*octets)++] = '.';
		to[*octets] = '\0';
	}
	return to;
}

char *dns_data(const struct dns_view *view, const struct dns_record *record, bool dots, char *small, size_t *octets)
{
	const uint8_t *data = view->octets + record->data_at;

	switch (record->type) {
	case LDNS_RR_TYPE_A:
		if (record->octets != 4)
			return NULL;
		*octets = put_ipv4(data, small);
		return small;
	case LDNS_RR_TYPE_AAAA:
		if (record->octets != 16 || inet_ntop(AF_INET6, data, small, DNS_NAME_MAX) == NULL)
			return NULL;
		*octets = strlen(small);
		return small;
	case LDNS_RR_TYPE_NS:
	case LDNS_RR_TYPE_CNAME:
	case LDNS_RR_TYPE_PTR:
	case LDNS_RR_TYPE_DNAME:
		return name_data(view, record->data_at, dots, small, octets);
	case LDNS_RR_TYPE_TXT:
		return txt_data(data, record->octets, octets);
	default:
		return other_data(view, record, octets);
	}
}

const char *dns_type_name(unsigned type, char *to)
{
	const ldns_rr_descriptor *row = ldns_rr_descript((uint16_t)type);
	char *text;

	if (row != NULL && row->_name != NULL && row->_type == type)
		return row->_name;
	text = ldns_rr_type2str((ldns_rr_type)type);
	snprintf(to, DNS_TYPE_MAX, "%s", text != NULL ? text : "?");
	free(text);
	return to;
}

static const char *look_up(ldns_lookup_table *table, unsigned value, const char *prefix, char *to)
{
	const ldns_lookup_table *row = ldns_lookup_by_id(table, (int)value);

	if (row != NULL)
		return row->name;
	snprintf(to, DNS_TYPE_MAX, "%s%u", prefix, value);
	return to;
}

const char *dns_class_name(unsigned class, char *to)
{
	return look_up(ldns_rr_classes, class, "CLASS", to);
}

const char *dns_rcode_name(unsigned rcode, char *to)
{
	return look_up(ldns_rcodes, rcode, "RCODE", to);
}

const char *dns_opcode_name(const struct dns_view *view, char *to)
{
	return look_up(ldns_opcodes, view->flags >> 11 & 15, "OPCODE", to);
}
