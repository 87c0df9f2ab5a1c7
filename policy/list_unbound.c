/*
 * list_unbound.c: local-zone and local-data of unbound.conf(5) as a list.
 *
 * A zone's type is the action of its name and of all below. Address records of local-data answer for their owner, and
 * below it when the owner is a zone of type redirect. Other options, and records of other types, are counted.
 */
#include <string.h>
#include <strings.h>

#include "policy/list_entry.h"
#include "policy/list_token.h"

#define TYPE_A 1
#define TYPE_AAAA 28

struct zone_type {
	const char *word;
	enum action action;     /* ACTION_ALLOW: the list's own; ACTION_COUNT: no rule */
	bool redirect;          /* its data answers for all below it; without data: no data */
};

/* always_null answers 0.0.0.0, which is how lists say "blocked". What changes nothing for a name, or depends on data
 * that may follow anywhere (transparent and its kin), is no rule; an observe rule reports what `inform` logs. */
static const struct zone_type zone_types[] = {
	{ "always_null", ACTION_ALLOW, false },
	{ "always_nxdomain", ACTION_NXDOMAIN, false },
	{ "always_nodata", ACTION_NODATA, false },
	{ "always_refuse", ACTION_REFUSE, false },
	{ "always_deny", ACTION_DROP, false },
	{ "static", ACTION_NXDOMAIN, false },
	{ "refuse", ACTION_REFUSE, false },
	{ "deny", ACTION_DROP, false },
	{ "inform_deny", ACTION_DROP, false },
	{ "inform", ACTION_OBSERVE, false },
	{ "redirect", ACTION_NODATA, true },
	{ "inform_redirect", ACTION_NODATA, true },
	{ "always_transparent", ACTION_PASS, false },
	{ "transparent", ACTION_COUNT, false },
	{ "typetransparent", ACTION_COUNT, false },
	{ "nodefault", ACTION_COUNT, false },
	{ "noview", ACTION_COUNT, false },
	{ "block_a", ACTION_COUNT, false },
	{ "ipset", ACTION_COUNT, false },
};

struct unbound {
	struct list_reader *reader;
	struct rule rule;
	struct name redirect;       /* the last zone of that type; its rule waits for data */
	bool waits;
	bool answered;              /* data of that zone were seen */
	unsigned redirect_line;
};

/* A value: quoted or up to a blank. */
struct value {
	const char *text;
	const char *end;
	const char *next;   /* behind it */
};

static bool read_value(struct value *value, const char *text, const char *end)
{
	text = token_skip_blanks(text, end);
	if (text < end && (*text == '"' || *text == '\'')) {
		const char *quote = memchr(text + 1, *text, (size_t)(end - text - 1));

		if (quote == NULL)
			return false;
		*value = (struct value){ text + 1, quote, quote + 1 };
		return true;
	}
	*value = (struct value){ text, token_end(text, end), token_end(text, end) };
	return value->text < value->end;
}

static const struct zone_type *find_type(const char *text, const char *end)
{
	size_t i;

	for (i = 0; i < sizeof(zone_types) / sizeof(zone_types[0]); i++)
		if (strlen(zone_types[i].word) == (size_t)(end - text) &&
		    strncasecmp(zone_types[i].word, text, (size_t)(end - text)) == 0)
			return &zone_types[i];
	return NULL;
}

static void skip(struct unbound *unbound, enum skip_reason reason, const struct list_line *line)
{
	list_skip(unbound->reader, reason, line->number, line->text);
}

static int emit(struct unbound *unbound, enum action action, bool below, unsigned line)
{
	unbound->rule.exact = true;
	unbound->rule.below = below;
	unbound->rule.action = action;
	/* always_transparent: an exception from the zones around it. */
	unbound->rule.keeps_action = action == ACTION_PASS;
	unbound->rule.line = line;
	return list_emit(unbound->reader, &unbound->rule);
}

/* A redirect zone that got no data. */
static int flush_redirect(struct unbound *unbound)
{
	if (!unbound->waits || unbound->answered)
		return 0;
	unbound->waits = false;
	unbound->rule.name = unbound->redirect;
	unbound->rule.rdata = NULL;
	return emit(unbound, ACTION_NODATA, unbound->reader->below, unbound->redirect_line);
}

static int read_zone(struct unbound *unbound, const struct list_line *line, const char *text)
{
	struct value name, word;
	const struct zone_type *type;
	enum skip_reason reason;

	if (flush_redirect(unbound) != 0)
		return -1;
	if (!read_value(&name, text, line->end) || !read_value(&word, name.next, line->end) ||
	    !token_is_comment(token_skip_blanks(word.next, line->end), line->end)) {
		skip(unbound, SKIP_SYNTAX, line);
		return 0;
	}
	type = find_type(word.text, word.end);
	reason = type == NULL ? SKIP_SYNTAX : type->action == ACTION_COUNT ? SKIP_OPTION :
		list_read_name(&unbound->rule.name, name.text, name.end);
	if (reason != SKIP_COUNT) {
		skip(unbound, reason, line);
		return 0;
	}
	unbound->waits = type->redirect;
	unbound->answered = false;
	unbound->rule.rdata = NULL;
	if (!type->redirect)
		return emit(unbound, type->action, unbound->reader->below, line->number);
	unbound->redirect = unbound->rule.name;
	unbound->redirect_line = line->number;
	return 0;
}

/* Splits `owner [ttl] [IN] A address`. False: it is something else. */
static bool split_record(const struct value *record, struct value *owner, unsigned *type, struct address *address)
{
	const char *end = record->end;
	struct value word;

	if (!read_value(owner, record->text, end))
		return false;
	word.next = owner->next;
	do {
		if (!read_value(&word, word.next, end))
			return false;
	} while ((*word.text >= '0' && *word.text <= '9') ||
		 (word.end - word.text == 2 && strncasecmp(word.text, "IN", 2) == 0));
	if (word.end - word.text == 1 && (*word.text | 0x20) == 'a')
		*type = TYPE_A;
	else if (word.end - word.text == 4 && strncasecmp(word.text, "AAAA", 4) == 0)
		*type = TYPE_AAAA;
	else
		return false;
	return read_value(&word, word.next, end) && list_read_address(address, word.text, word.end) &&
		(address->family == ADDRESS_INET) == (*type == TYPE_A);
}

static int read_data(struct unbound *unbound, const struct list_line *line, const char *text)
{
	struct rule *rule = &unbound->rule;
	struct value record, owner;
	struct address address;
	enum skip_reason reason = SKIP_RECORD;
	unsigned type = 0;
	bool below;

	if (!read_value(&record, text, line->end))
		reason = SKIP_SYNTAX;
	else if (split_record(&record, &owner, &type, &address))
		reason = list_read_name(&rule->name, owner.text, owner.end);
	if (reason != SKIP_COUNT) {
		skip(unbound, reason, line);
		return 0;
	}
	below = unbound->waits && name_equal(&rule->name, &unbound->redirect);
	unbound->answered |= below;
	below &= unbound->reader->below;
	rule->rdata = NULL;
	if (list_is_null_address(&address))
		return emit(unbound, ACTION_ALLOW, below, line->number);
	rule->type = (uint16_t)type;
	rule->rdata = address.octets;
	rule->rdata_length = type == TYPE_A ? 4 : 16;
	return emit(unbound, ACTION_LOCAL_DATA, below, line->number);
}

static int read_line(struct unbound *unbound, const struct list_line *line)
{
	const char *text = token_skip_blanks(line->text, line->end);
	const char *colon = memchr(text, ':', (size_t)(line->end - text));
	size_t octets;

	if (text == line->end || *text == '#')
		return 0;
	if (colon == NULL) {
		skip(unbound, SKIP_SYNTAX, line);
		return 0;
	}
	octets = (size_t)(colon - text);
	if (octets == 10 && strncasecmp(text, "local-zone", octets) == 0)
		return read_zone(unbound, line, colon + 1);
	if (octets == 10 && strncasecmp(text, "local-data", octets) == 0)
		return read_data(unbound, line, colon + 1);
	if (octets != 6 || strncasecmp(text, "server", octets) != 0)
		skip(unbound, SKIP_OPTION, line);
	return 0;
}

int list_read_unbound(struct list_reader *reader)
{
	struct unbound unbound = {
		.reader = reader,
		.rule = { .trigger = reader->trigger, .ttl = reader->conf->ttl },
	};
	struct list_line line;

	while (list_next_entry(reader, &line))
		if (read_line(&unbound, &line) != 0)
			return -1;
	return flush_redirect(&unbound);
}
