/* list_record.c: from the text of one master file record to its wire form, by libldns. */
#include "policy/list_record.h"

#include <string.h>
#include <strings.h>

#define TTL_MAX 2147483647u   /* RFC 2181 section 8 */
#define RDATA_OCTETS_MAX 65535
#define TYPE_NAME_MAX 32

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\f';
}

/* Where the copying of a record stands. */
struct joining {
	char *to;
	char *limit;
	unsigned depth;      /* open parentheses */
};

enum joined { JOINED, JOIN_SYNTAX, JOIN_LONG };

/* Appends one physical line. Quoted strings end on the line they begin on (as BIND has it), so that a stray quote
 * costs a line and not the file. */
static enum joined join_line(struct joining *joining, const struct list_line *line)
{
	const char *at = line->text;
	bool quoted = false;

	if (joining->limit - joining->to < line->end - line->text + 2)
		return JOIN_LONG;
	for (; at < line->end; at++) {
		char octet = *at;

		if (octet == '\0' || (octet == '\\' && at + 1 == line->end))
			return JOIN_SYNTAX;
		if (octet == '\\') {
			*joining->to++ = octet;
			octet = *++at;
			if (octet == '\0')
				return JOIN_SYNTAX;
		} else if (octet == '"') {
			quoted = !quoted;
		} else if (!quoted && octet == ';') {
			break;
		} else if (!quoted && octet == '(') {
			joining->depth++;
			octet = ' ';
		} else if (!quoted && octet == ')') {
			if (joining->depth-- == 0)
				return JOIN_SYNTAX;
			octet = ' ';
		} else if (is_blank(octet)) {
			octet = ' ';
		}
		*joining->to++ = octet;
	}
	*joining->to++ = ' ';
	return quoted ? JOIN_SYNTAX : JOINED;
}

static enum collected refuse_open(struct list_reader *reader, const struct list_line *first)
{
	diag_set(reader->diag, reader->conf->file, first->number, 0,
		"the parenthesis opened here is not closed (a record may have %d lines and %d octets): "
		"close it, or fetch the file again if its end is missing", LIST_RECORD_LINES_MAX, LIST_LINE_MAX);
	return RECORD_ERROR;
}

enum collected record_collect(struct list_reader *reader, const struct list_line *first, struct record_text *text)
{
	struct joining joining = { .to = text->buffer + RECORD_PREFIX_OCTETS,
		.limit = text->buffer + RECORD_BUFFER_OCTETS - 1 };
	struct list_line line = *first;
	unsigned lines = 1;

	for (;; lines++) {
		enum joined joined = join_line(&joining, &line);

		if (joined == JOIN_LONG && joining.depth > 0)
			return refuse_open(reader, first);
		if (joined != JOINED) {
			list_skip(reader, joined == JOIN_LONG ? SKIP_LINE_LONG : SKIP_SYNTAX, line.number, line.text);
			return RECORD_SKIPPED;
		}
		if (joining.depth == 0)
			break;
		if (lines == LIST_RECORD_LINES_MAX || !list_next_line(reader, &line))
			return refuse_open(reader, first);
	}
	*joining.to = '\0';
	text->text = text->buffer + RECORD_PREFIX_OCTETS;
	text->length = (size_t)(joining.to - text->text);
	return strspn(text->text, " ") == text->length ? RECORD_BLANK : RECORD_READ;
}

static uint32_t unit_seconds(char unit)
{
	switch (unit) {
	case 's': case 'S': return 1;
	case 'm': case 'M': return 60;
	case 'h': case 'H': return 3600;
	case 'd': case 'D': return 86400;
	case 'w': case 'W': return 604800;
	default: return 0;
	}
}

bool record_read_ttl(uint32_t *ttl, const char *text, const char *end)
{
	uint64_t total = 0, number = 0;
	bool digits = false;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (*text >= '0' && *text <= '9') {
			number = number * 10 + (uint64_t)(*text - '0');
			digits = true;
		} else {
			if (!digits || unit_seconds(*text) == 0)
				return false;
			total += number * unit_seconds(*text);
			number = 0;
			digits = false;
		}
		if (number > TTL_MAX || total > TTL_MAX)
			return false;
	}
	if (total + number > TTL_MAX)
		return false;
	*ttl = (uint32_t)(total + number);
	return true;
}

static bool is_word(const char *text, const char *end, const char *word)
{
	return (size_t)(end - text) == strlen(word) && strncasecmp(text, word, strlen(word)) == 0;
}

/* Is it a class? *in says whether it is IN. */
static bool is_class(bool *in, const char *text, const char *end)
{
	*in = is_word(text, end, "IN") || is_word(text, end, "CLASS1");
	return *in || is_word(text, end, "CH") || is_word(text, end, "HS") || is_word(text, end, "CS") ||
		(end - text > 5 && strncasecmp(text, "CLASS", 5) == 0);
}

const char *record_read_head(struct record_head *head, const char *text, const char *end)
{
	bool has_class = false;

	head->has_ttl = false;
	head->in = true;
	for (;;) {
		const char *stop = text;

		while (stop < end && !is_blank(*stop))
			stop++;
		if (!head->has_ttl && record_read_ttl(&head->ttl, text, stop))
			head->has_ttl = true;
		else if (!has_class && is_class(&head->in, text, stop))
			has_class = true;
		else {
			if (!has_class)
				head->in = true;
			return text;
		}
		while (stop < end && is_blank(*stop))
			stop++;
		text = stop;
	}
}

unsigned record_type(const char *text)
{
	char word[TYPE_NAME_MAX];
	size_t octets = strcspn(text, " ");

	if (octets >= sizeof(word))
		return 0;
	memcpy(word, text, octets);
	word[octets] = '\0';
	return (unsigned)ldns_get_rr_type_by_name(word);
}

/* What local data cannot be: the zone's own, DNSSEC's (an answer that we make is not signed), questions, WKS, for
 * which libldns looks into files of the system, and CERT, of which it leaks memory at every algorithm 0. */
bool record_is_local_data(unsigned type)
{
	switch (type) {
	case 0: case LDNS_RR_TYPE_NS: case LDNS_RR_TYPE_MD: case LDNS_RR_TYPE_MF: case LDNS_RR_TYPE_SOA:
	case LDNS_RR_TYPE_NULL: case LDNS_RR_TYPE_WKS: case LDNS_RR_TYPE_SIG:
	case LDNS_RR_TYPE_KEY: case LDNS_RR_TYPE_NXT: case LDNS_RR_TYPE_CERT:
	case LDNS_RR_TYPE_DNAME: case LDNS_RR_TYPE_OPT: case LDNS_RR_TYPE_DS: case LDNS_RR_TYPE_RRSIG:
	case LDNS_RR_TYPE_NSEC: case LDNS_RR_TYPE_DNSKEY: case LDNS_RR_TYPE_NSEC3: case LDNS_RR_TYPE_NSEC3PARAM:
	case LDNS_RR_TYPE_CDS: case LDNS_RR_TYPE_CDNSKEY: case LDNS_RR_TYPE_CSYNC: case 63: /* ZONEMD */
	case LDNS_RR_TYPE_DLV: case 65535:
		return false;
	default:
		return type < 128 || type > 255;   /* RFC 6895 section 3.1: QTYPEs and meta types */
	}
}

enum skip_reason record_parse(ldns_rr **rr, struct record_text *text, const char *type, const struct name *origin)
{
	static const char prefix[] = "x. 0 IN ";
	const size_t room = sizeof(prefix) - 1;
	size_t at = (size_t)(type - text->buffer);
	ldns_rdf *suffix = NULL;
	ldns_status status;

	if (*type == '\0' || at < room)
		return SKIP_SYNTAX;
	if (origin != NULL) {
		suffix = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, origin->length, origin->octets);
		if (suffix == NULL)
			return SKIP_RECORD;
	}
	/* Owner, TTL and class are read already, and libldns knows fewer ways to write them. */
	memcpy(text->buffer + at - room, prefix, room);
	status = ldns_rr_new_frm_str(rr, text->buffer + at - room, 0, suffix, NULL);
	ldns_rdf_deep_free(suffix);
	return status == LDNS_STATUS_OK ? SKIP_COUNT : SKIP_RECORD;
}

int record_rdata(const ldns_rr *rr, uint8_t *to)
{
	size_t i, used = 0, count = ldns_rr_rd_count(rr);

	for (i = 0; i < count; i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		struct name name;
		size_t octets;

		if (rdf == NULL || ldns_rdf_data(rdf) == NULL)
			return -1;
		octets = ldns_rdf_size(rdf);
		/* A relative name and its origin can be too long together, and libldns does not look. */
		if (ldns_rdf_get_type(rdf) == LDNS_RDF_TYPE_DNAME &&
		    (!name_from_wire(&name, ldns_rdf_data(rdf), octets) || name.length != octets))
			return -1;
		if (octets > RDATA_OCTETS_MAX - used)
			return -1;
		memcpy(to + used, ldns_rdf_data(rdf), octets);
		used += octets;
	}
	return (int)used;
}
