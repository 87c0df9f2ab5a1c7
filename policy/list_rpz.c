/* list_rpz.c: a response policy zone (draft-vixie-dnsop-dns-rpz-00) as rules. */
#include "policy/list_rpz.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the last stated owner is; records that begin with a blank inherit it. */
enum owner_kind { OWNER_NONE, OWNER_RULE, OWNER_APEX, OWNER_UNUSABLE };

struct rpz {
	struct list_reader *reader;
	struct name apex;           /* the root: the zone has no name, owners are rules as they stand */
	bool apex_set;              /* by the SOA, or by the first record of a zone without */
	bool apex_lost;             /* the SOA is at `@` and nothing says what that is */
	struct name origin;         /* of relative names */
	bool has_origin;
	struct name tail;           /* the origin without the apex: what relative owners get appended */
	bool tail_outside;          /* the origin is not in the zone */
	uint32_t ttl;
	enum owner_kind kind;
	enum skip_reason reason;    /* of OWNER_UNUSABLE */
	struct rule rule;           /* name, exact and below are the owner's */
	struct record_text text;
	uint8_t *rdata;             /* owned; 65535 octets */
	ldns_rdf *ldns_origin;      /* owned; made when first needed */
};

/* An owner or target as it stands in the file. */
struct stated_name {
	struct name name;           /* without `*.` */
	bool relative;
	bool wildcard;
};

struct special_target {
	const char *label;
	enum action action;
};

static const struct special_target special_targets[] = {
	{ "rpz-passthru", ACTION_PASS },
	{ "rpz-drop", ACTION_DROP },
	{ "rpz-tcp-only", ACTION_TRUNCATE },
};

/* What local data cannot be: the zone's own, DNSSEC's (an answer that we make is not signed) and questions. */
static bool is_local_data(ldns_rr_type type)
{
	switch ((unsigned)type) {
	case LDNS_RR_TYPE_NS: case LDNS_RR_TYPE_MD: case LDNS_RR_TYPE_MF: case LDNS_RR_TYPE_SOA:
	case LDNS_RR_TYPE_NULL: case LDNS_RR_TYPE_SIG: case LDNS_RR_TYPE_KEY: case LDNS_RR_TYPE_NXT:
	case LDNS_RR_TYPE_DNAME: case LDNS_RR_TYPE_OPT: case LDNS_RR_TYPE_DS: case LDNS_RR_TYPE_RRSIG:
	case LDNS_RR_TYPE_NSEC: case LDNS_RR_TYPE_DNSKEY: case LDNS_RR_TYPE_NSEC3: case LDNS_RR_TYPE_NSEC3PARAM:
	case LDNS_RR_TYPE_CDS: case LDNS_RR_TYPE_CDNSKEY: case LDNS_RR_TYPE_CSYNC: case 63: /* ZONEMD */
	case LDNS_RR_TYPE_DLV: case 0: case 65535:
		return false;
	default:
		return type < 128 || type > 255;   /* RFC 6895 section 3.1: QTYPEs and meta types */
	}
}

static const uint8_t *last_label(const struct name *name)
{
	const uint8_t *label = name->octets;
	unsigned i;

	for (i = 1; i < name->labels; i++)
		label += 1 + *label;
	return label;
}

/* Names below a top-level label `rpz-...` are reserved for RPZ's own signs. */
static bool is_reserved(const struct name *name)
{
	const uint8_t *label = last_label(name);

	return name->labels > 0 && *label >= 4 && memcmp(label + 1, "rpz-", 4) == 0;
}

/* name.tail; false when that is too long. */
static bool name_append(struct name *name, const struct name *tail)
{
	if (tail->length > NAME_OCTETS_MAX - (name->length - 1))
		return false;
	memcpy(name->octets + name->length - 1, tail->octets, tail->length);
	name->length = (uint8_t)(name->length - 1 + tail->length);
	name->labels = (uint8_t)(name->labels + tail->labels);
	return true;
}

/* Takes `parent`, which it is below, off the end of the name. */
static void name_cut(struct name *name, const struct name *parent)
{
	name->length = (uint8_t)(name->length - parent->length + 1);
	name->labels = (uint8_t)(name->labels - parent->labels);
	name->octets[name->length - 1] = 0;
}

static void set_tail(struct rpz *rpz)
{
	static const struct name root = { .length = 1 };

	rpz->tail = rpz->has_origin ? rpz->origin : root;
	rpz->tail_outside = rpz->has_origin && (rpz->apex_lost || !name_is_below(&rpz->origin, &rpz->apex));
	if (rpz->has_origin && !rpz->tail_outside)
		name_cut(&rpz->tail, &rpz->apex);
}

static void set_origin(struct rpz *rpz, const struct name *origin)
{
	rpz->origin = *origin;
	rpz->has_origin = true;
	ldns_rdf_deep_free(rpz->ldns_origin);
	rpz->ldns_origin = NULL;
	set_tail(rpz);
}

static void set_apex(struct rpz *rpz, const struct name *apex)
{
	rpz->apex = *apex;
	rpz->apex_set = true;
	set_tail(rpz);
}

/* A zone without SOA: its name is the origin, if there is one. */
static void settle_apex(struct rpz *rpz)
{
	if (!rpz->apex_set)
		set_apex(rpz, rpz->has_origin ? &rpz->origin : &rpz->apex);
}

/* Makes rpz->rule.name, which holds the owner as stated, the name that the rule is about. */
static enum skip_reason relate_owner(struct rpz *rpz, bool relative)
{
	struct name *name = &rpz->rule.name;

	if (relative) {
		if (rpz->tail_outside)
			return SKIP_OUT_OF_ZONE;
		if (rpz->tail.labels > 0 && !name_append(name, &rpz->tail))
			return SKIP_NAME_LONG;
		return SKIP_COUNT;
	}
	if (rpz->apex_lost || !name_is_below(name, &rpz->apex))
		return SKIP_OUT_OF_ZONE;
	name_cut(name, &rpz->apex);
	return SKIP_COUNT;
}

static void set_owner(struct rpz *rpz, bool relative, bool wildcard)
{
	rpz->reason = relate_owner(rpz, relative);
	rpz->rule.exact = !wildcard;
	rpz->rule.below = wildcard || rpz->reader->conf->subdomains == CHOICE_YES;
	rpz->kind = OWNER_UNUSABLE;
	if (rpz->reason != SKIP_COUNT)
		return;
	if (rpz->rule.name.labels == 0 && wildcard)
		rpz->reason = SKIP_ROOT;
	else if (rpz->rule.name.labels == 0)
		rpz->kind = OWNER_APEX;
	else if (is_reserved(&rpz->rule.name))
		rpz->reason = SKIP_TRIGGER;
	else
		rpz->kind = OWNER_RULE;
}

/* The owner cannot take rules: counts why. */
static void skip_owner(struct rpz *rpz, const struct list_line *line)
{
	enum skip_reason reason = SKIP_SYNTAX;

	if (rpz->kind == OWNER_UNUSABLE)
		reason = rpz->reason;
	else if (rpz->kind == OWNER_APEX)
		reason = rpz->apex.labels == 0 && !rpz->apex_lost ? SKIP_ROOT : SKIP_APEX;
	list_skip(rpz->reader, reason, line->number, line->text);
}

/* What a CNAME to `target` asks for; ACTION_COUNT when that is not read. */
static enum action target_action(const struct rpz *rpz, const struct name *target, bool wildcard)
{
	size_t i;

	if (wildcard)
		return target->labels == 0 ? ACTION_NODATA : ACTION_COUNT;
	if (target->labels == 0)
		return ACTION_NXDOMAIN;
	if (is_reserved(target)) {
		for (i = 0; i < sizeof(special_targets) / sizeof(special_targets[0]); i++) {
			const char *label = special_targets[i].label;

			if (target->labels == 1 && target->octets[0] == strlen(label) &&
			    memcmp(target->octets + 1, label, strlen(label)) == 0)
				return special_targets[i].action;
		}
		return ACTION_COUNT;
	}
	/* The first way of saying PASSTHRU: a CNAME to the name itself. */
	if (rpz->rule.exact && name_equal(target, &rpz->rule.name))
		return ACTION_PASS;
	return ACTION_LOCAL_DATA;
}

static int emit(struct rpz *rpz, enum action action, uint16_t type, const uint8_t *rdata, size_t octets)
{
	rpz->rule.action = action;
	rpz->rule.type = type;
	rpz->rule.rdata = rdata;
	rpz->rule.rdata_length = (uint16_t)octets;
	return list_emit(rpz->reader, &rpz->rule);
}

static int emit_cname(struct rpz *rpz, const struct name *target, bool wildcard, const struct list_line *line)
{
	enum action action = target_action(rpz, target, wildcard);

	if (action == ACTION_LOCAL_DATA)
		return emit(rpz, action, LDNS_RR_TYPE_CNAME, target->octets, target->length);
	if (action != ACTION_COUNT)
		return emit(rpz, action, 0, NULL, 0);
	list_skip(rpz->reader, SKIP_ACTION, line->number, line->text);
	return 0;
}

/* --- the fast path: `owner [TTL] [IN] CNAME target` in plain octets, one line ---------------------------------- */

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	return text;
}

/* Reads a plain name with or without `*.`; NULL when it is not plain, or not followed by a blank or the end. */
static const char *scan_stated(struct stated_name *stated, const char *text, const char *end)
{
	enum skip_reason reason;
	const char *stop;

	stated->wildcard = end - text > 1 && text[0] == '*' && text[1] == '.';
	if (stated->wildcard)
		text += 2;
	if (stated->wildcard && (text == end || *text == ' ' || *text == '\t')) {
		stated->name.length = 1;
		stated->name.labels = 0;
		stated->name.octets[0] = 0;
		stated->relative = false;
		return text;
	}
	stop = list_scan_name(&stated->name, text, end, &reason);
	if (reason != SKIP_COUNT || (stop < end && *stop != ' ' && *stop != '\t'))
		return NULL;
	/* `*..` is no name; the full grammar says so. */
	if (stated->wildcard && stated->name.labels == 0)
		return NULL;
	stated->relative = stop[-1] != '.';
	return stop;
}

/* 1: done; 0: the full grammar has to read it; -1: error. */
static int read_fast(struct rpz *rpz, const struct list_line *line)
{
	struct stated_name owner, target;
	struct record_head head;
	const char *text = scan_stated(&owner, line->text, line->end), *end = line->end;

	if (text == NULL || text == end)
		return 0;
	text = record_read_head(&head, skip_blanks(text, end), end);
	if (end - text < 7 || strncasecmp(text, "CNAME", 5) != 0 || (text[5] != ' ' && text[5] != '\t') || !head.in)
		return 0;
	text = scan_stated(&target, skip_blanks(text + 5, end), end);
	if (text == NULL)
		return 0;
	text = skip_blanks(text, end);
	if (text < end && *text != ';')
		return 0;
	if (target.relative && rpz->has_origin && !name_append(&target.name, &rpz->origin))
		return 0;
	settle_apex(rpz);
	rpz->rule.line = line->number;
	rpz->rule.ttl = head.has_ttl ? head.ttl : rpz->ttl;
	memcpy(&rpz->rule.name, &owner.name, offsetof(struct name, octets) + owner.name.length);
	set_owner(rpz, owner.relative, owner.wildcard);
	if (rpz->kind != OWNER_RULE)
		skip_owner(rpz, line);
	else if (emit_cname(rpz, &target.name, target.wildcard, line) != 0)
		return -1;
	return 1;
}

/* --- the full grammar ------------------------------------------------------------------------------------------ */

static const char *token_end(const char *text)
{
	while (*text != '\0' && *text != ' ')
		text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
	return text;
}

static enum skip_reason why_no_name(const char *text, const char *end, const char *wrong)
{
	/* policy/name.h: both limits say so by "over". */
	enum skip_reason reason = strstr(wrong, "over") != NULL ? SKIP_NAME_LONG : SKIP_NAME;

	for (; text < end; text++)
		if ((uint8_t)*text >= 0x80)
			reason = SKIP_NON_ASCII;
	return reason;
}

/* Takes a leading `*` label off. */
static bool cut_wildcard(struct name *name)
{
	if (name->labels == 0 || name->octets[0] != 1 || name->octets[1] != '*')
		return false;
	memmove(name->octets, name->octets + 2, (size_t)name->length - 2);
	name->length = (uint8_t)(name->length - 2);
	name->labels--;
	return true;
}

static bool has_star_label(const struct name *name)
{
	const uint8_t *label = name->octets;

	for (; *label != 0; label += 1 + *label)
		if (*label == 1 && label[1] == '*')
			return true;
	return false;
}

static enum skip_reason read_stated(struct stated_name *stated, const char *text, const char *end)
{
	const char *wrong;

	stated->wildcard = false;
	stated->relative = true;
	if (end - text == 1 && *text == '@') {
		stated->name.length = 1;
		stated->name.labels = 0;
		stated->name.octets[0] = 0;
		return SKIP_COUNT;
	}
	wrong = name_from_text(&stated->name, text, (size_t)(end - text));
	if (wrong != NULL)
		return why_no_name(text, end, wrong);
	stated->relative = end[-1] != '.' || (end - text > 1 && end[-2] == '\\');
	stated->wildcard = cut_wildcard(&stated->name);
	return has_star_label(&stated->name) ? SKIP_NAME : SKIP_COUNT;
}

static int read_soa(struct rpz *rpz, const struct stated_name *owner, const ldns_rr *rr, const struct list_line *line)
{
	struct name apex = owner->name;
	bool unnamed = owner->relative && !rpz->has_origin && apex.labels == 0;

	if (owner->relative && rpz->has_origin && !name_append(&apex, &rpz->origin)) {
		list_skip(rpz->reader, SKIP_NAME_LONG, line->number, line->text);
		return 0;
	}
	if (rpz->apex_set && !name_equal(&apex, &rpz->apex)) {
		if (rpz->apex.labels > 0 || rpz->apex_lost) {
			list_skip(rpz->reader, SKIP_OUT_OF_ZONE, line->number, line->text);
			return 0;
		}
		return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number, 0,
			"the SOA stands behind other records: put it first, they cannot be read without the zone's name");
	}
	if (!rpz->apex_set) {
		rpz->apex_lost = unnamed;
		set_apex(rpz, &apex);
		if (!unnamed && !rpz->has_origin)
			set_origin(rpz, &apex);
	}
	if (ldns_rr_rd_count(rr) > 2)
		rpz->reader->stats.serial = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
	return 0;
}

/* Hands the record on as a rule about the owner that is set. */
static int apply_record(struct rpz *rpz, const ldns_rr *rr, const struct list_line *line)
{
	ldns_rr_type type = ldns_rr_get_type(rr);
	struct name target;
	int octets;

	if (type == LDNS_RR_TYPE_SOA || (type == LDNS_RR_TYPE_NS && rpz->kind == OWNER_APEX))
		return 0;
	if (rpz->kind != OWNER_RULE) {
		skip_owner(rpz, line);
		return 0;
	}
	octets = is_local_data(type) ? record_rdata(rr, rpz->rdata) : -1;
	if (octets < 0 || (type == LDNS_RR_TYPE_CNAME && !name_from_wire(&target, rpz->rdata, (size_t)octets))) {
		list_skip(rpz->reader, SKIP_RECORD, line->number, line->text);
		return 0;
	}
	if (type == LDNS_RR_TYPE_CNAME) {
		bool wildcard = cut_wildcard(&target);

		return emit_cname(rpz, &target, wildcard, line);
	}
	return emit(rpz, ACTION_LOCAL_DATA, (uint16_t)type, rpz->rdata, (size_t)octets);
}

static const ldns_rdf *origin_for_ldns(struct rpz *rpz)
{
	if (rpz->ldns_origin == NULL && rpz->has_origin)
		rpz->ldns_origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, rpz->origin.length, rpz->origin.octets);
	return rpz->ldns_origin;
}

/* `owner` is NULL for a record that inherits it. */
static int read_record(struct rpz *rpz, const struct stated_name *owner, const char *rest, const struct list_line *line)
{
	struct record_text *text = &rpz->text;
	struct record_head head;
	char *type = text->text + (record_read_head(&head, rest, text->text + text->length) - text->text);
	enum skip_reason reason = SKIP_CLASS;
	ldns_rr *rr = NULL;
	int result = 0;

	rpz->rule.line = line->number;
	rpz->rule.ttl = head.has_ttl ? head.ttl : rpz->ttl;
	if (head.in)
		reason = record_parse(&rr, text, type, origin_for_ldns(rpz));
	if (reason == SKIP_COUNT && owner != NULL && ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA)
		result = read_soa(rpz, owner, rr, line);
	else if (reason == SKIP_COUNT)
		settle_apex(rpz);
	if (owner != NULL) {
		rpz->rule.name = owner->name;
		set_owner(rpz, owner->relative, owner->wildcard);
	}
	if (reason != SKIP_COUNT)
		list_skip(rpz->reader, reason, line->number, line->text);
	else if (result == 0)
		result = apply_record(rpz, rr, line);
	ldns_rr_free(rr);
	return result;
}

static int read_full(struct rpz *rpz, const struct list_line *line)
{
	struct stated_name owner;
	enum skip_reason reason;
	const char *text, *end;

	switch (record_collect(rpz->reader, line, &rpz->text)) {
	case RECORD_READ: break;
	case RECORD_BLANK: case RECORD_SKIPPED: return 0;
	case RECORD_ERROR: return -1;
	}
	text = rpz->text.text;
	end = token_end(text);
	if (end == text)
		return read_record(rpz, NULL, text + strspn(text, " "), line);
	reason = read_stated(&owner, text, end);
	if (reason != SKIP_COUNT) {
		rpz->kind = OWNER_UNUSABLE;
		rpz->reason = reason;
		list_skip(rpz->reader, reason, line->number, line->text);
		return 0;
	}
	return read_record(rpz, &owner, end + strspn(end, " "), line);
}

/* --- directives and the whole file ----------------------------------------------------------------------------- */

static int read_origin(struct rpz *rpz, const char *text, const char *end, const struct list_line *line)
{
	struct stated_name origin;

	if (text == end || read_stated(&origin, text, end) != SKIP_COUNT || origin.wildcard ||
	    (origin.relative && rpz->has_origin && !name_append(&origin.name, &rpz->origin)))
		return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number,
			(unsigned)(text - line->text) + 1, "$ORIGIN: not a domain name: it should be like `$ORIGIN rpz.example.`");
	set_origin(rpz, &origin.name);
	return 0;
}

static int refuse_directive(struct rpz *rpz, const struct list_line *line, const char *what)
{
	return diag_set(rpz->reader->diag, rpz->reader->conf->file, line->number, 1, "%s", what);
}

static int read_directive(struct rpz *rpz, const struct list_line *line)
{
	const char *word = line->text, *end = word, *value, *value_end;

	while (end < line->end && *end != ' ' && *end != '\t')
		end++;
	value = skip_blanks(end, line->end);
	for (value_end = value; value_end < line->end && strchr(" \t;", *value_end) == NULL; value_end++)
		;
	if (end - word == 7 && strncasecmp(word, "$ORIGIN", 7) == 0)
		return read_origin(rpz, value, value_end, line);
	if (end - word == 8 && strncasecmp(word, "$INCLUDE", 8) == 0)
		return refuse_directive(rpz, line, "$INCLUDE is refused, a list could read any file by it: "
			"put the records into this file");
	if (end - word == 9 && strncasecmp(word, "$GENERATE", 9) == 0)
		return refuse_directive(rpz, line, "$GENERATE is refused, a few octets of it make millions of rules: "
			"write the records out");
	if (end - word != 4 || strncasecmp(word, "$TTL", 4) != 0 || !record_read_ttl(&rpz->ttl, value, value_end))
		list_skip(rpz->reader, SKIP_SYNTAX, line->number, line->text);
	return 0;
}

static int read_zone(struct rpz *rpz)
{
	struct list_line line;

	while (list_next_line(rpz->reader, &line)) {
		int done = 0;

		if (line.text == line.end || *line.text == ';')
			continue;
		if (*line.text == '$')
			done = read_directive(rpz, &line) == 0 ? 1 : -1;
		else if (line.end - line.text > LIST_LINE_MAX)
			list_skip(rpz->reader, SKIP_LINE_LONG, line.number, line.text), done = 1;
		else if (!rpz->reader->no_fast_path)
			done = read_fast(rpz, &line);
		if (done < 0 || (done == 0 && read_full(rpz, &line) != 0))
			return -1;
	}
	return 0;
}

int list_read_rpz(struct list_reader *reader)
{
	struct rpz rpz = { .reader = reader, .apex = { .length = 1 }, .tail = { .length = 1 },
		.ttl = reader->conf->ttl };
	int result = -1;

	rpz.text.buffer = malloc(RECORD_BUFFER_OCTETS);
	rpz.rdata = malloc(65535);
	if (rpz.text.buffer == NULL || rpz.rdata == NULL) {
		diag_set(reader->diag, reader->conf->file, 0, 0, "out of memory");
	} else {
		if (reader->conf->zone.length > 0)
			set_origin(&rpz, &reader->conf->zone);
		result = read_zone(&rpz);
	}
	ldns_rdf_deep_free(rpz.ldns_origin);
	free(rpz.text.buffer);
	free(rpz.rdata);
	return result;
}
