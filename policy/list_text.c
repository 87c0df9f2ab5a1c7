/* list_text.c: the formats with one entry on a line: domains, hosts, wildcard. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "policy/list_reader.h"

#define LABEL_OCTETS_MAX 63
#define ADDRESS_TEXT_MAX 64    /* an IPv6 address with a zone, and the NUL */

/* What a format's lines look like: all that the formats differ in. */
struct text_format {
	bool address_first;     /* ADDRESS name [name...] */
	bool stars;             /* *.name is known */
	bool below;             /* a plain name covers what is below it, unless the configuration says otherwise */
};

static const struct text_format text_formats[FORMAT_COUNT] = {
	[FORMAT_DOMAINS] = { .below = true },
	[FORMAT_HOSTS] = { .address_first = true },
	[FORMAT_WILDCARD] = { .stars = true },
};

/* What stands in every hosts file and is no rule. */
static const char *const usual_hosts[] = {
	"localhost", "localhost.localdomain", "localhost4", "localhost6", "local", "broadcasthost", "0.0.0.0",
	"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters",
	"ip6-allhosts",
};

enum kind { OTHER, LOWER, UPPER, DOT };

static const uint8_t kinds[256] = {
	['a' ... 'z'] = LOWER, ['0' ... '9'] = LOWER, ['-'] = LOWER, ['_'] = LOWER,
	['A' ... 'Z'] = UPPER, ['.'] = DOT,
};

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\f' || octet == '\r';
}

/* Ends the label whose length octet is at `label`; false when it is empty or too long. */
static bool end_label(struct name *name, size_t label, size_t used, enum skip_reason *reason)
{
	size_t octets = used - label - 1;

	if (octets == 0 || octets > LABEL_OCTETS_MAX) {
		*reason = octets == 0 ? SKIP_NAME : SKIP_NAME_LONG;
		return false;
	}
	name->octets[label] = (uint8_t)octets;
	return true;
}

static void end_name(struct name *name, size_t used, unsigned labels)
{
	name->octets[used] = 0;
	name->length = (uint8_t)(used + 1);
	name->labels = (uint8_t)labels;
}

const char *list_scan_name(struct name *name, const char *text, const char *end, enum skip_reason *reason)
{
	size_t label = 0, used = 1;
	unsigned labels = 0;
	const char *at;

	*reason = SKIP_COUNT;
	for (at = text; at < end; at++) {
		enum kind kind = kinds[(uint8_t)*at];

		if (kind == OTHER)
			break;
		if (*reason != SKIP_COUNT)
			continue;
		/* The last octet is the root's. */
		if (used >= NAME_OCTETS_MAX - 1 && !(kind == DOT && used == NAME_OCTETS_MAX - 1)) {
			*reason = SKIP_NAME_LONG;
		} else if (kind == DOT) {
			if (at == text && (at + 1 == end || kinds[(uint8_t)at[1]] == OTHER)) {
				end_name(name, 0, 0);
				return at + 1;
			}
			if (!end_label(name, label, used, reason))
				continue;
			labels++;
			label = used++;
		} else {
			name->octets[used++] = (uint8_t)(*at | (kind == UPPER) << 5);
		}
	}
	if (*reason != SKIP_COUNT)
		return at;
	if (at == text) {
		*reason = SKIP_NAME;
	} else if (used == label + 1 && labels > 0) {   /* a trailing dot */
		end_name(name, label, labels);
	} else if (end_label(name, label, used, reason)) {
		end_name(name, used, labels + 1);
	}
	return at;
}

/* 192.0.2.1 in the place of a name: no top-level domain is a number (RFC 3696 section 2). */
static bool is_numeric(const struct name *name)
{
	const uint8_t *label = name->octets;
	unsigned i;

	if (name->octets[name->length - 2] > '9')
		return false;
	for (i = 1; i < name->labels; i++)
		label += 1 + *label;
	for (i = 1; i <= *label; i++)
		if (label[i] < '0' || label[i] > '9')
			return false;
	return true;
}

static const char *token_end(const char *text, const char *end)
{
	while (text < end && !is_blank(*text))
		text++;
	return text;
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && is_blank(*text))
		text++;
	return text;
}

static bool is_comment(const char *text, const char *end)
{
	return text == end || *text == '#' || *text == ';';
}

static bool is_usual_host(const char *text, const char *end)
{
	size_t i, octets = (size_t)(end - text);

	for (i = 0; i < sizeof(usual_hosts) / sizeof(usual_hosts[0]); i++)
		if (strlen(usual_hosts[i]) == octets && strncasecmp(usual_hosts[i], text, octets) == 0)
			return true;
	return false;
}

/* An address as hosts files have it, a zone (fe80::1%lo0) included. */
static bool is_address(const char *text, const char *end)
{
	char copy[ADDRESS_TEXT_MAX];
	uint8_t octets[sizeof(struct in6_addr)];
	size_t length = (size_t)(end - text);
	char *zone;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	zone = strchr(copy, '%');
	if (zone != NULL)
		*zone = '\0';
	return inet_pton(AF_INET, copy, octets) == 1 || inet_pton(AF_INET6, copy, octets) == 1;
}

static enum skip_reason why_no_name(const char *text, const char *end)
{
	for (; text < end; text++)
		if ((uint8_t)*text >= 0x80)
			return SKIP_NON_ASCII;
	return SKIP_NAME;
}

/* Reads the entry text..end, one token, into `rule`. SKIP_COUNT, or why it is none. */
static enum skip_reason read_entry(struct rule *rule, const char *text, const char *end,
	const struct text_format *format, bool below)
{
	const char *stop;
	enum skip_reason reason;

	rule->exact = true;
	rule->below = below;
	if (format->stars && end - text <= 2 && strncmp(text, "*.", (size_t)(end - text)) == 0)
		return SKIP_ROOT;
	if (format->stars && end - text > 1 && text[0] == '*' && text[1] == '.') {
		text += 2;
		rule->below = true;
	}
	stop = list_scan_name(&rule->name, text, end, &reason);
	if (stop != end)
		return why_no_name(text, end);
	if (reason != SKIP_COUNT)
		return reason;
	if (rule->name.labels == 0)
		return SKIP_ROOT;
	return is_numeric(&rule->name) ? SKIP_NAME : SKIP_COUNT;
}

/* The start of the first entry; NULL when the line is none of this format. */
static const char *find_entries(const struct list_line *line, const char *text, const struct text_format *format)
{
	const char *end = token_end(text, line->end);

	if (format->address_first) {
		if (!is_address(text, end))
			return NULL;
		text = skip_blanks(end, line->end);
		return is_comment(text, line->end) ? NULL : text;
	}
	return is_comment(skip_blanks(end, line->end), line->end) ? text : NULL;
}

static int read_line(struct list_reader *reader, const struct list_line *line, struct rule *rule, bool below)
{
	const struct text_format *format = &text_formats[reader->conf->format];
	const char *text = skip_blanks(line->text, line->end);

	if (is_comment(text, line->end))
		return 0;
	if (line->end - line->text > LIST_LINE_MAX) {
		list_skip(reader, SKIP_LINE_LONG, line->number, text);
		return 0;
	}
	text = find_entries(line, text, format);
	if (text == NULL) {
		list_skip(reader, SKIP_SYNTAX, line->number, line->text);
		return 0;
	}
	rule->line = line->number;
	while (!is_comment(text, line->end)) {
		const char *end = token_end(text, line->end);
		enum skip_reason reason = SKIP_COUNT;

		if (!format->address_first || !is_usual_host(text, end)) {
			reason = read_entry(rule, text, end, format, below);
			if (reason == SKIP_COUNT && list_emit(reader, rule) != 0)
				return -1;
		}
		if (reason != SKIP_COUNT)
			list_skip(reader, reason, line->number, line->text);
		text = skip_blanks(end, line->end);
	}
	return 0;
}

int list_read_text(struct list_reader *reader)
{
	enum choice subdomains = reader->conf->subdomains;
	bool below = subdomains == CHOICE_DEFAULT ? text_formats[reader->conf->format].below :
		subdomains == CHOICE_YES;
	struct rule rule = { .trigger = TRIGGER_QNAME, .action = ACTION_ALLOW };
	struct list_line line;

	while (list_next_line(reader, &line))
		if (read_line(reader, &line, &rule, below) != 0)
			return -1;
	return 0;
}
