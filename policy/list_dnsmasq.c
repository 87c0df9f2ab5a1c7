/*
 * list_dnsmasq.c: dnsmasq's configuration (dnsmasq(8)) as a list: what it says about names.
 *
 *     address=/x/          address=/x/#        address=/x/0.0.0.0     the list's action for x and below
 *     server=/x/           local=/x/                                  the same: never asked upstream
 *     address=/x/192.0.2.1                                            that address as local data
 *     server=/x/#                                                     pass: asked upstream as usual
 *
 * Several names may stand between the slashes. Everything else configures dnsmasq, and is counted.
 */
#include <string.h>

#include "policy/list_entry.h"
#include "policy/list_token.h"

#define TYPE_A 1
#define TYPE_AAAA 28

/* An option that says something about names. */
struct keyword {
	const char *start;
	bool answers;        /* its value is what clients get; else the server that is asked */
};

static const struct keyword keywords[] = { { "address=/", true }, { "server=/", false }, { "local=/", false } };

/* What stands behind the last slash. */
struct meaning {
	enum action action;
	bool fixed;
	struct address address;
};

static enum skip_reason read_meaning(struct meaning *meaning, const char *text, const char *end, bool answers)
{
	*meaning = (struct meaning){ .action = ACTION_ALLOW };
	if (text == end)
		return SKIP_COUNT;
	if (end - text == 1 && *text == '#') {
		meaning->fixed = !answers;
		meaning->action = answers ? ACTION_ALLOW : ACTION_PASS;
		return SKIP_COUNT;
	}
	if (!answers)
		return SKIP_OPTION;
	if (!list_read_address(&meaning->address, text, end))
		return SKIP_NETWORK;
	if (!list_is_null_address(&meaning->address))
		meaning->action = ACTION_LOCAL_DATA;
	return SKIP_COUNT;
}

static void set_action(struct rule *rule, const struct meaning *meaning)
{
	const bool inet = meaning->address.family == ADDRESS_INET;

	rule->action = meaning->action;
	rule->keeps_action = meaning->fixed;
	rule->rdata = NULL;
	if (meaning->action != ACTION_LOCAL_DATA)
		return;
	rule->type = inet ? TYPE_A : TYPE_AAAA;
	rule->rdata = meaning->address.octets;
	rule->rdata_length = inet ? 4 : 16;
}

/* The names from `text` to the last slash before `end`. */
static int emit_names(struct list_reader *reader, const struct list_line *line, struct rule *rule, const char *text,
	const char *end)
{
	while (text < end) {
		const char *slash = memchr(text, '/', (size_t)(end - text));
		enum skip_reason reason;

		if (slash == NULL)
			break;
		/* dnsmasq takes `.x` for `x`. */
		text += slash - text > 1 && *text == '.';
		reason = slash - text == 1 && *text == '#' ? SKIP_ROOT :
			list_read_pattern(rule, text, slash, reader->below);
		/* There `*.x` is below x alone. */
		rule->exact = *text != '*';
		rule->below |= !rule->exact;
		if (reason != SKIP_COUNT)
			list_skip(reader, reason, line->number, line->text);
		else if (list_emit(reader, rule) != 0)
			return -1;
		text = slash + 1;
	}
	return 0;
}

static int read_line(struct list_reader *reader, const struct list_line *line, struct rule *rule)
{
	const char *text = token_skip_blanks(line->text, line->end), *end = token_end(text, line->end), *slash;
	const struct keyword *keyword = keywords, *last = keywords + sizeof(keywords) / sizeof(keywords[0]);
	struct meaning meaning;
	enum skip_reason reason = SKIP_OPTION;

	if (token_is_comment(text, line->end))
		return 0;
	while (keyword < last && ((size_t)(end - text) < strlen(keyword->start) ||
				  memcmp(text, keyword->start, strlen(keyword->start)) != 0))
		keyword++;
	if (keyword == last) {
		list_skip(reader, memchr(text, '=', (size_t)(end - text)) != NULL ? SKIP_OPTION : SKIP_SYNTAX,
			line->number, line->text);
		return 0;
	}
	text += strlen(keyword->start);
	slash = memrchr(text, '/', (size_t)(end - text));
	reason = slash == NULL || !token_is_comment(token_skip_blanks(end, line->end), line->end) ? SKIP_SYNTAX :
		read_meaning(&meaning, slash + 1, end, keyword->answers);
	if (reason != SKIP_COUNT) {
		list_skip(reader, reason, line->number, line->text);
		return 0;
	}
	set_action(rule, &meaning);
	rule->line = line->number;
	return emit_names(reader, line, rule, text, slash + 1);
}

int list_read_dnsmasq(struct list_reader *reader)
{
	struct rule rule = { .trigger = reader->trigger, .ttl = reader->conf->ttl };
	struct list_line line;

	while (list_next_entry(reader, &line))
		if (read_line(reader, &line, &rule) != 0)
			return -1;
	return 0;
}
