/* list_rpz.c: the records of a response policy zone (draft-vixie-dnsop-dns-rpz-00) as rules. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy/list_record.h"
#include "policy/list_zone.h"

#define RDATA_OCTETS_MAX 65535
#define HOLE_BLOCKS 6
#define HOLE_BLOCK_OCTETS ((size_t)96 << 10)   /* under glibc's M_MMAP_THRESHOLD: from the heap */

struct rpz {
	struct zone zone;
	struct list_reader *reader;
	uint32_t ttl;               /* of records that have none */
	struct record_text text;
	uint8_t *rdata;             /* owned; RDATA_OCTETS_MAX */
};

static void set_record(struct rpz *rpz, const struct record_head *head, const struct list_line *line)
{
	rpz->zone.rule.line = line->number;
	rpz->zone.rule.ttl = head->has_ttl ? head->ttl : rpz->ttl;
}

/* --- the fast path: `owner [TTL] [IN] CNAME|A|AAAA ...` in plain octets, on one line ---------------------------- */

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	return text;
}

static bool is_token_end(const char *text, const char *end)
{
	return text == end || *text == ' ' || *text == '\t';
}

/* Reads a plain name with or without `*.`; NULL when it is not plain. */
static const char *scan_stated(struct stated_name *stated, const char *text, const char *end)
{
	enum skip_reason reason;
	const char *stop;

	stated->wildcard = end - text > 1 && text[0] == '*' && text[1] == '.';
	if (stated->wildcard)
		text += 2;
	if (stated->wildcard && is_token_end(text, end)) {
		stated->name = (struct name){ .length = 1 };
		stated->relative = false;
		return text;
	}
	stop = list_scan_name(&stated->name, text, end, &reason);
	/* `*..` is no name; the full grammar says so. */
	if (reason != SKIP_COUNT || !is_token_end(stop, end) || (stated->wildcard && stated->name.labels == 0))
		return NULL;
	stated->relative = stop[-1] != '.';
	return stop;
}

/* What the fast path reads of one record. */
struct plain_record {
	unsigned type;
	struct stated_name target;              /* of a CNAME, absolute */
	uint8_t rdata[sizeof(struct in6_addr)]; /* of A and AAAA */
	uint16_t octets;
};

static const struct {
	const char *word;
	unsigned type;
} plain_types[] = {
	{ "CNAME", LDNS_RR_TYPE_CNAME },
	{ "A", LDNS_RR_TYPE_A },
	{ "AAAA", LDNS_RR_TYPE_AAAA },
};

/* The octet behind the type's name; NULL when it is none of the three. */
static const char *scan_type(struct plain_record *record, const char *text, const char *end)
{
	size_t i;

	for (i = 0; i < sizeof(plain_types) / sizeof(plain_types[0]); i++) {
		size_t octets = strlen(plain_types[i].word);

		if ((size_t)(end - text) <= octets || strncasecmp(text, plain_types[i].word, octets) != 0 ||
		    !is_token_end(text + octets, end))
			continue;
		record->type = plain_types[i].type;
		return text + octets;
	}
	return NULL;
}

/* An address by inet_pton, as libldns reads it; NULL when it is none. */
static const char *scan_address(struct plain_record *record, const char *text, const char *end)
{
	const bool inet = record->type == LDNS_RR_TYPE_A;
	char copy[INET6_ADDRSTRLEN];
	size_t octets = 0;

	while (!is_token_end(text + octets, end) && text[octets] != ';') {
		if (octets == sizeof(copy) - 1 || text[octets] == '\0')
			return NULL;
		copy[octets] = text[octets];
		octets++;
	}
	copy[octets] = '\0';
	record->octets = inet ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	if (inet_pton(inet ? AF_INET : AF_INET6, copy, record->rdata) != 1)
		return NULL;
	return text + octets;
}

static const char *scan_rdata(const struct rpz *rpz, struct plain_record *record, const char *text, const char *end)
{
	if (record->type != LDNS_RR_TYPE_CNAME)
		return scan_address(record, text, end);
	text = scan_stated(&record->target, text, end);
	return text != NULL && zone_complete(&rpz->zone, &record->target) ? text : NULL;
}

/* 1: done; 0: the full grammar has to read it; -1: error. */
static int read_fast(struct rpz *rpz, const struct list_line *line)
{
	struct stated_name owner;
	struct plain_record record;
	struct record_head head;
	struct zone *zone = &rpz->zone;
	const char *end = line->end, *text = scan_stated(&owner, line->text, end);

	if (text == NULL || text == end)
		return 0;
	text = record_read_head(&head, skip_blanks(text, end), end);
	text = head.in ? scan_type(&record, text, end) : NULL;
	if (text == NULL)
		return 0;
	text = scan_rdata(rpz, &record, skip_blanks(text, end), end);
	if (text == NULL)
		return 0;
	text = skip_blanks(text, end);
	if (text < end && *text != ';')
		return 0;
	zone_settle_apex(zone);
	set_record(rpz, &head, line);
	zone_set_owner(zone, &owner);
	if (zone->kind != OWNER_RULE) {
		zone_skip_owner(zone, line);
		return 1;
	}
	if (record.type != LDNS_RR_TYPE_CNAME)
		return zone_emit_data(zone, (uint16_t)record.type, record.rdata, record.octets) == 0 ? 1 : -1;
	return zone_emit_cname(zone, &record.target.name, record.target.wildcard, line) == 0 ? 1 : -1;
}

/* --- the full grammar ------------------------------------------------------------------------------------------ */

static const char *token_end(const char *text)
{
	while (*text != '\0' && *text != ' ')
		text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
	return text;
}

/* Hands the record on as a rule about the owner that is set. */
static int apply_record(struct rpz *rpz, const ldns_rr *rr, const struct list_line *line)
{
	unsigned type = ldns_rr_get_type(rr);
	struct name target;
	int octets;

	if (rpz->zone.kind == OWNER_APEX && (type == LDNS_RR_TYPE_SOA || type == LDNS_RR_TYPE_NS)) {
		if (type == LDNS_RR_TYPE_SOA && ldns_rr_rd_count(rr) > 5)
			return list_take_soa(rpz->reader, ldns_rdf2native_int32(ldns_rr_rdf(rr, 2)),
				ldns_rdf2native_int32(ldns_rr_rdf(rr, 5)), line->number);
		return 0;
	}
	if (rpz->zone.kind != OWNER_RULE) {
		zone_skip_owner(&rpz->zone, line);
		return 0;
	}
	octets = record_is_local_data(type) ? record_rdata(rr, rpz->rdata) : -1;
	if (octets < 0 || (type == LDNS_RR_TYPE_CNAME && !name_from_wire(&target, rpz->rdata, (size_t)octets))) {
		list_skip(rpz->reader, SKIP_RECORD, line->number, line->text);
		return 0;
	}
	if (type == LDNS_RR_TYPE_CNAME) {
		bool wildcard = name_cut_wildcard(&target);

		return zone_emit_cname(&rpz->zone, &target, wildcard, line);
	}
	return zone_emit_data(&rpz->zone, (uint16_t)type, rpz->rdata, (uint16_t)octets);
}

/* Why libldns need not see the record; SKIP_COUNT: it has to. The fewer of its parsers a list reaches the better. */
static enum skip_reason why_not_read(const struct record_head *head, unsigned type)
{
	if (!head->in)
		return SKIP_CLASS;
	if (type == 0)
		return SKIP_SYNTAX;
	return record_is_local_data(type) || type == LDNS_RR_TYPE_SOA || type == LDNS_RR_TYPE_NS ? SKIP_COUNT : SKIP_RECORD;
}

/* `owner` is NULL for a record that inherits it. */
static int read_record(struct rpz *rpz, const struct stated_name *owner, const char *rest,
	const struct list_line *line)
{
	struct record_head head;
	const char *type = record_read_head(&head, rest, rpz->text.text + rpz->text.length);
	enum skip_reason reason = why_not_read(&head, record_type(type));
	ldns_rr *rr = NULL;
	int result = 0;

	set_record(rpz, &head, line);
	if (reason == SKIP_COUNT)
		reason = record_parse(&rr, &rpz->text, type, rpz->zone.has_origin ? &rpz->zone.origin : NULL);
	if (reason == SKIP_COUNT && owner != NULL && ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA)
		result = zone_set_apex(&rpz->zone, owner, line);
	else if (reason == SKIP_COUNT)
		zone_settle_apex(&rpz->zone);
	if (owner != NULL)
		zone_set_owner(&rpz->zone, owner);
	if (reason != SKIP_COUNT)
		list_skip(rpz->reader, reason, line->number, line->text);
	else if (result == 0)
		result = apply_record(rpz, rr, line);
	ldns_rr_free(rr);
	return result;
}

/* Records that inherit an owner which could not be read must not land on the one before it. */
static int lose_owner(struct rpz *rpz, enum skip_reason reason)
{
	rpz->zone.kind = OWNER_UNUSABLE;
	rpz->zone.reason = reason;
	return 0;
}

static int read_full(struct rpz *rpz, const struct list_line *line)
{
	struct stated_name owner;
	enum skip_reason reason;
	const char *text, *end;

	switch (record_collect(rpz->reader, line, &rpz->text)) {
	case RECORD_READ: break;
	case RECORD_BLANK: return 0;
	case RECORD_SKIPPED: return lose_owner(rpz, SKIP_SYNTAX);
	case RECORD_ERROR: return -1;
	}
	text = rpz->text.text;
	end = token_end(text);
	if (end == text)
		return read_record(rpz, NULL, text + strspn(text, " "), line);
	reason = stated_name_read(&owner, text, end);
	if (reason == SKIP_COUNT)
		return read_record(rpz, &owner, end + strspn(end, " "), line);
	list_skip(rpz->reader, reason, line->number, line->text);
	return lose_owner(rpz, reason);
}

/* --- directives and the whole file ----------------------------------------------------------------------------- */

struct directive {
	const char *word;
	int (*read)(struct rpz *rpz, const char *value, const char *end, const struct list_line *line);
};

static int read_origin(struct rpz *rpz, const char *value, const char *end, const struct list_line *line)
{
	struct stated_name origin;

	if (value == end || stated_name_read(&origin, value, end) != SKIP_COUNT || origin.wildcard ||
	    !zone_complete(&rpz->zone, &origin))
		return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number,
			(unsigned)(value - line->text) + 1,
				"$ORIGIN: not a domain name: write it as `$ORIGIN rpz.example.`");
	zone_set_origin(&rpz->zone, &origin.name);
	return 0;
}

static int read_default_ttl(struct rpz *rpz, const char *value, const char *end, const struct list_line *line)
{
	if (!record_read_ttl(&rpz->ttl, value, end))
		list_skip(rpz->reader, SKIP_SYNTAX, line->number, line->text);
	return 0;
}

static int refuse_include(struct rpz *rpz, const char *value, const char *end, const struct list_line *line)
{
	(void)value, (void)end;
	return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number, 1,
		"$INCLUDE: refused, a list could read any file by it: put the records into this file");
}

static int refuse_generate(struct rpz *rpz, const char *value, const char *end, const struct list_line *line)
{
	(void)value, (void)end;
	return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number, 1,
		"$GENERATE: refused, a few octets of it make millions of rules: write the records out");
}

static const struct directive directives[] = {
	{ "$ORIGIN", read_origin },
	{ "$TTL", read_default_ttl },
	{ "$INCLUDE", refuse_include },
	{ "$GENERATE", refuse_generate },
};

static int read_directive(struct rpz *rpz, const struct list_line *line)
{
	const char *end = line->text, *value, *value_end;
	size_t i;

	while (!is_token_end(end, line->end))
		end++;
	value = skip_blanks(end, line->end);
	for (value_end = value; !is_token_end(value_end, line->end) && *value_end != ';'; value_end++)
		;
	for (i = 0; i < sizeof(directives) / sizeof(directives[0]); i++) {
		const char *word = directives[i].word;

		if (strlen(word) == (size_t)(end - line->text) && strncasecmp(word, line->text, strlen(word)) == 0)
			return directives[i].read(rpz, value, value_end, line);
	}
	list_skip(rpz->reader, SKIP_SYNTAX, line->number, line->text);
	return 0;
}

static int read_line(struct rpz *rpz, const struct list_line *line)
{
	int done = 0;

	if (line->text == line->end || *line->text == ';')
		return 0;
	if (line->end - line->text > LIST_LINE_MAX) {
		list_skip(rpz->reader, SKIP_LINE_LONG, line->number, line->text);
		return lose_owner(rpz, SKIP_LINE_LONG);
	}
	if (*line->text == '$')
		return read_directive(rpz, line);
	if (!rpz->reader->no_fast_path)
		done = read_fast(rpz, line);
	return done == 0 ? read_full(rpz, line) : done < 0 ? -1 : 0;
}

/* libldns takes several buffers of 64 KiB for every record and gives them back. At the top of the heap glibc returns
 * them to the system each time (M_TRIM_THRESHOLD), which is nine tenths of the time of a long list of TXT records.
 * So the buffers of this reader are put above a hole that libldns then works in. */
static bool allocate_buffers(struct rpz *rpz)
{
	void *volatile hole[HOLE_BLOCKS];   /* volatile: or a compiler leaves it out */
	size_t i;

	for (i = 0; i < HOLE_BLOCKS; i++)
		hole[i] = malloc(HOLE_BLOCK_OCTETS);
	rpz->text.buffer = malloc(RECORD_BUFFER_OCTETS);
	rpz->rdata = malloc(RDATA_OCTETS_MAX);
	for (i = 0; i < HOLE_BLOCKS; i++)
		free(hole[i]);
	return rpz->text.buffer != NULL && rpz->rdata != NULL;
}

int list_read_rpz(struct list_reader *reader)
{
	struct rpz rpz = { .zone = ZONE_INITIALIZER(reader), .reader = reader, .ttl = reader->conf->ttl };
	struct list_line line;
	int result = 0;

	if (!allocate_buffers(&rpz))
		result = diag_set(reader->diag, reader->conf->file, 0, 0, "out of memory");
	else if (reader->conf->zone.length > 0)
		zone_set_origin(&rpz.zone, &reader->conf->zone);
	while (result == 0 && list_next_line(reader, &line))
		result = read_line(&rpz, &line);
	free(rpz.text.buffer);
	free(rpz.rdata);
	return result;
}
