/* list_text.c: the formats with one entry on a line: domains, hosts, wildcard. */
#include <string.h>

#include "policy/list_entry.h"
#include "policy/list_token.h"

#define LABEL_OCTETS_MAX 63
#define TEXT_OCTETS_MAX 253     /* of the longest name, without a last dot */

/* What a format's lines look like: all that the formats differ in. */
struct text_format {
	bool address_first;     /* ADDRESS name [name...] */
	bool stars;             /* *.name is known */
};

static const struct text_format text_formats[FORMAT_COUNT] = {
	[FORMAT_HOSTS] = { .address_first = true },
	[FORMAT_WILDCARD] = { .stars = true },
};

/* Anything above DOT is part of a label. */
enum kind { OTHER, DOT, LOWER, UPPER };

static const uint8_t kinds[256] = {
	['a' ... 'z'] = LOWER, ['0' ... '9'] = LOWER, ['-'] = LOWER, ['_'] = LOWER,
	['A' ... 'Z'] = UPPER, ['.'] = DOT,
};

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

/* The names that lists are full of: no label is empty or too long, no dot at the end, and all of it is short enough.
 * Where it ends; NULL: look closely. */
static const char *scan_usual(struct name *name, const char *text, const char *end)
{
	const char *at = text, *stop = end - text > TEXT_OCTETS_MAX ? text + TEXT_OCTETS_MAX : end;
	uint8_t *label = name->octets, *to = label + 1;
	unsigned labels = 0;

	for (;;) {
		size_t octets;
		uint8_t kind = OTHER;

		while (at < stop && (kind = kinds[(uint8_t)*at]) > DOT)
			*to++ = (uint8_t)(*at++ | (kind == UPPER) << 5);
		octets = (size_t)(to - label) - 1;
		if (octets == 0 || octets > LABEL_OCTETS_MAX || (at == stop && stop != end))
			return NULL;
		*label = (uint8_t)octets;
		label = to++;
		labels++;
		if (at == stop || kind == OTHER)
			break;
		at++;
	}
	end_name(name, (size_t)(label - name->octets), labels);
	return at;
}

static const char *scan_any(struct name *name, const char *text, const char *end, enum skip_reason *reason)
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

const char *list_scan_name(struct name *name, const char *text, const char *end, enum skip_reason *reason)
{
	const char *at = scan_usual(name, text, end);

	if (at == NULL)
		return scan_any(name, text, end, reason);
	*reason = SKIP_COUNT;
	return at;
}

/* The end of an entry. A comment may follow it without a blank, as no name holds a '#'; but name##.class hides parts
 * of pages in AdBlock lists, and says nothing against the name. */
static const char *entry_end(const char *text, const char *end)
{
	for (; text < end && !token_is_blank(*text); text++)
		if (*text == '#' && (text + 1 == end || strchr("#@?$%", text[1]) == NULL))
			break;
	return text;
}

/* The start of the first entry; NULL when the line is none of this format. */
static const char *find_entries(const struct list_line *line, const char *text, const struct text_format *format)
{
	const char *end = entry_end(text, line->end);
	struct address address;

	if (format->address_first) {
		if (!list_read_address(&address, text, end))
			return NULL;
		text = token_skip_blanks(end, line->end);
		return token_is_comment(text, line->end) ? NULL : text;
	}
	return token_is_comment(token_skip_blanks(end, line->end), line->end) ? text : NULL;
}

static int read_entry(struct list_reader *reader, const struct list_line *line, struct rule *rule, const char *text,
	const char *end, const struct text_format *format)
{
	enum skip_reason reason;

	if (format->stars) {
		reason = list_read_pattern(rule, text, end, reader->below);
	} else {
		rule->exact = true;
		rule->below = reader->below;
		reason = list_read_name(&rule->name, text, end);
	}
	if (reason == SKIP_COUNT)
		return list_emit(reader, rule);
	list_skip(reader, reason, line->number, line->text);
	return 0;
}

int list_read_text_line(struct list_reader *reader, const struct list_line *line, struct rule *rule,
	enum list_format as)
{
	const struct text_format *format = &text_formats[as];
	const char *text = token_skip_blanks(line->text, line->end);

	if (token_is_comment(text, line->end))
		return 0;
	text = find_entries(line, text, format);
	if (text == NULL) {
		list_skip(reader, SKIP_SYNTAX, line->number, line->text);
		return 0;
	}
	rule->line = line->number;
	while (!token_is_comment(text, line->end)) {
		const char *end = entry_end(text, line->end);

		if ((!format->address_first || !list_is_usual_host(text, end)) &&
		    read_entry(reader, line, rule, text, end, format) != 0)
			return -1;
		text = token_skip_blanks(end, line->end);
	}
	return 0;
}

/* 1: done; 0: the line is more than one plain name; -1: error. */
static int read_fast(struct list_reader *reader, const struct list_line *line, struct rule *rule)
{
	enum skip_reason reason;
	const char *stop = list_scan_name(&rule->name, line->text, line->end, &reason);
	uint8_t last;

	if (stop != line->end || reason != SKIP_COUNT || rule->name.labels == 0)
		return 0;
	/* A name that ends with a letter is no address. */
	last = rule->name.octets[rule->name.length - 2];
	if (last < 'a' || last > 'z')
		return 0;
	rule->exact = true;
	rule->below = reader->below;
	rule->line = line->number;
	return list_emit(reader, rule) == 0 ? 1 : -1;
}

int list_read_text(struct list_reader *reader)
{
	const enum list_format format = reader->stats.format;
	struct rule rule = { .trigger = reader->trigger, .action = ACTION_ALLOW };
	struct list_line line;

	while (list_next_entry(reader, &line)) {
		int done = text_formats[format].address_first ? 0 : read_fast(reader, &line, &rule);

		if (done == 0)
			done = list_read_text_line(reader, &line, &rule, format);
		if (done < 0)
			return -1;
	}
	return 0;
}
