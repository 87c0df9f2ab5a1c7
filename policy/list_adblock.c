/*
 * list_adblock.c: AdBlock filters as far as they are about names: AdGuard's DNS filtering syntax.
 *
 *     ||name^    blocks the name and all below     |name^    the name alone     *.name^    all below
 *     @@||name^  an exception: a pass rule, whatever the list's own action
 *     0.0.0.0 name    name    as in hosts files
 *
 * Inside the list an $important exception outdoes $important blocks, those outdo exceptions, and those outdo blocks,
 * whichever name is longer. In a policy the longest name decides; so when the file has any of these it is read twice:
 * first for what overrides, then leaving out of each rule what is overridden.
 */
#include <string.h>
#include <strings.h>

#include "policy/list_entry.h"
#include "policy/list_names.h"
#include "policy/list_token.h"

/* What AdGuard's modifiers come to in a resolver. Those that narrow a rule to certain requests would make it block
 * more than was meant when left out; exceptions go out to all lists behind this one, so they keep to the strict. */
struct modifier {
	const char *word;
	bool in_block;          /* the rule can be taken as if it were not there */
	bool in_exception;
	bool important;
};

static const struct modifier modifiers[] = {
	{ "important", true, true, true },
	{ "all", true, false, false },            /* the page and all it loads: what a denied name is */
	{ "document", true, false, false },       /* the page itself: its name does not resolve */
	{ "doc", true, false, false },
	{ "popup", true, false, false },
	{ "third-party", true, false, false },    /* a resolver does not see the page; trackers are meant */
	{ "3p", true, false, false },
	{ "network", true, false, false },
	/* Everything else (client, ctag, denyallow, dnstype, dnsrewrite, domain=, script ...) is counted. */
};

/* Ranks in the order in which they outdo each other, as bits for the name and for what is below it. */
enum rank { RANK_BLOCK, RANK_EXCEPT, RANK_BLOCK_IMPORTANT, RANK_EXCEPT_IMPORTANT };

#define FLAG_EXACT(rank) (uint8_t)(1u << (rank))
#define FLAG_BELOW(rank) (uint8_t)(16u << (rank))

struct adblock {
	struct list_reader *reader;
	struct names overrides;     /* all rules of the ranks above RANK_BLOCK */
	bool collecting;            /* the first reading: nothing is emitted or counted */
	struct rule rule;
};

struct filter {
	const char *text;       /* the pattern */
	const char *end;
	bool exception;
	bool important;
};

/* --- one filter ------------------------------------------------------------------------------------------------- */

static bool take_modifier(struct filter *filter, const char *text, const char *end)
{
	size_t i;

	for (i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		const struct modifier *modifier = &modifiers[i];

		if (strlen(modifier->word) != (size_t)(end - text) ||
		    strncasecmp(modifier->word, text, (size_t)(end - text)) != 0)
			continue;
		filter->important |= modifier->important;
		return filter->exception ? modifier->in_exception : modifier->in_block;
	}
	return false;
}

/* Splits off `@@` and the modifiers. */
static enum skip_reason split_filter(struct filter *filter, const char *text, const char *end)
{
	const char *dollar, *comma;

	*filter = (struct filter){ .exception = end - text >= 2 && memcmp(text, "@@", 2) == 0 };
	text += filter->exception ? 2 : 0;
	filter->text = text;
	/* A regular expression may hold a dollar, and is no name whatever follows. */
	if (text < end && *text == '/')
		return SKIP_PATTERN;
	dollar = memchr(text, '$', (size_t)(end - text));
	filter->end = dollar != NULL ? dollar : end;
	for (text = dollar; text != NULL; text = comma) {
		text++;
		comma = memchr(text, ',', (size_t)(end - text));
		if (!take_modifier(filter, text, comma != NULL ? comma : end))
			return SKIP_MODIFIER;
	}
	return SKIP_COUNT;
}

/* The pattern without what surrounds the name. `||x` without its caret is a prefix of names in AdBlock; here it is
 * read as the name itself, the less of the two, when it looks like a whole one. */
static enum skip_reason read_filter(struct rule *rule, const struct filter *filter, bool below)
{
	const char *text = filter->text, *end = filter->end;
	const bool anchored = end - text >= 2 && text[0] == '|' && text[1] == '|';
	const bool exact = !anchored && end > text && *text == '|';
	enum skip_reason reason;

	text += anchored ? 2 : exact;
	if (end > text && end[-1] == '|')
		end--;
	if (end > text && end[-1] == '^')
		end--;
	else if (end == text || end[-1] == '.')
		return SKIP_PATTERN;
	/* Signs of a pattern: it is no name, and no mistake either. */
	for (const char *at = text; at < end; at++)
		if (strchr("/*^|=?&:", *at) != NULL && !(at == text && *at == '*' && end - text > 2 && at[1] == '.'))
			return SKIP_PATTERN;
	reason = list_read_pattern(rule, text, end, anchored || (!exact && below));
	rule->exact = *text != '*';
	if (reason == SKIP_COUNT && filter->end == end && rule->name.labels == 1)
		return SKIP_PATTERN;
	return reason;
}

/* --- what overrides what ---------------------------------------------------------------------------------------- */

static enum rank rank_of(const struct filter *filter)
{
	return filter->important ? (filter->exception ? RANK_EXCEPT_IMPORTANT : RANK_BLOCK_IMPORTANT) :
		filter->exception ? RANK_EXCEPT : RANK_BLOCK;
}

static uint8_t flags_above(enum rank rank, bool below)
{
	uint8_t flags = 0;
	unsigned i;

	for (i = rank + 1u; i <= RANK_EXCEPT_IMPORTANT; i++)
		flags |= below ? FLAG_BELOW(i) : FLAG_EXACT(i);
	return flags;
}

/* Leaves in the rule what nothing of a higher rank covers. */
static void leave_out(const struct names *overrides, struct rule *rule, enum rank rank)
{
	const uint8_t exact = flags_above(rank, false), below = flags_above(rank, true);
	uint8_t found;
	unsigned cut;

	if (overrides->used == 0 || rank == RANK_EXCEPT_IMPORTANT)
		return;
	found = names_find(overrides, &rule->name, 0);
	if (found & exact)
		rule->exact = false;
	if (found & below)
		rule->below = false;
	for (cut = 1; cut < rule->name.labels && (rule->exact || rule->below); cut++)
		if (names_find(overrides, &rule->name, cut) & below)
			rule->exact = rule->below = false;
}

static int take_rule(struct adblock *adblock, const struct filter *filter, const struct list_line *line)
{
	struct rule *rule = &adblock->rule;
	const enum rank rank = rank_of(filter);
	struct list_reader *reader = adblock->reader;

	if (adblock->collecting) {
		uint8_t flags = (rule->exact ? FLAG_EXACT(rank) : 0) | (rule->below ? FLAG_BELOW(rank) : 0);

		if (rank != RANK_BLOCK && !names_add(&adblock->overrides, &rule->name, flags))
			return diag_set(reader->diag, reader->conf->file, line->number, 0, "out of memory");
		return 0;
	}
	leave_out(&adblock->overrides, rule, rank);
	if (!rule->exact && !rule->below) {
		list_skip(reader, SKIP_EXCEPTED, line->number, line->text);
		return 0;
	}
	rule->action = filter->exception ? ACTION_PASS : ACTION_ALLOW;
	rule->keeps_action = filter->exception;
	rule->line = line->number;
	return list_emit(reader, rule);
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

static void skip(struct adblock *adblock, enum skip_reason reason, const struct list_line *line)
{
	if (!adblock->collecting)
		list_skip(adblock->reader, reason, line->number, line->text);
}

/* `##.class`, `name##.class`, `#@#`, `#?#`, `#$#`, `#%#`: parts of pages. */
static bool is_cosmetic(const char *text, const char *end)
{
	const char *hash = memchr(text, '#', (size_t)(end - text));

	if (hash == NULL || end - hash < 2)
		return false;
	return hash[1] == '#' || (end - hash > 2 && strchr("@?$%", hash[1]) != NULL && hash[2] == '#');
}

static bool is_comment(const char *text, const char *end)
{
	return text == end || *text == '!' || *text == '[' || (*text == '#' && !is_cosmetic(text, end));
}

/* ADDRESS name [name ...] */
static int read_hosts(struct adblock *adblock, const struct list_line *line, const char *text)
{
	const struct filter plain = { .exception = false };

	for (text = token_skip_blanks(text, line->end); !token_is_comment(text, line->end);) {
		const char *end = token_end(text, line->end);
		enum skip_reason reason = list_read_name(&adblock->rule.name, text, end);

		adblock->rule.exact = true;
		adblock->rule.below = adblock->reader->below;
		if (list_is_usual_host(text, end))
			;
		else if (reason != SKIP_COUNT)
			skip(adblock, reason, line);
		else if (take_rule(adblock, &plain, line) != 0)
			return -1;
		text = token_skip_blanks(end, line->end);
	}
	return 0;
}

static int read_line(struct adblock *adblock, const struct list_line *line)
{
	const char *text = token_skip_blanks(line->text, line->end), *end = token_end(text, line->end);
	struct address address;
	struct filter filter;
	enum skip_reason reason;

	if (is_comment(text, line->end))
		return 0;
	if (is_cosmetic(text, line->end)) {
		skip(adblock, SKIP_PATTERN, line);
		return 0;
	}
	if (end < line->end && list_read_address(&address, text, end))
		return read_hosts(adblock, line, end);
	if (!token_is_comment(token_skip_blanks(end, line->end), line->end)) {
		skip(adblock, SKIP_SYNTAX, line);
		return 0;
	}
	reason = split_filter(&filter, text, end);
	if (reason == SKIP_COUNT)
		reason = read_filter(&adblock->rule, &filter, adblock->reader->below);
	if (reason == SKIP_COUNT)
		return take_rule(adblock, &filter, line);
	skip(adblock, reason, line);
	return 0;
}

/* Lines that are too long are skipped here and counted in the second reading. */
static int collect_overrides(struct adblock *adblock)
{
	struct list_reader *reader = adblock->reader, copy = list_reader_ahead(reader);
	const size_t octets = (size_t)(reader->end - reader->at);
	struct list_line line;

	if (memmem(reader->at, octets, "@@", 2) == NULL && memmem(reader->at, octets, "important", 9) == NULL)
		return 0;
	adblock->collecting = true;
	while (list_next_entry(&copy, &line))
		if (read_line(adblock, &line) != 0)
			return -1;
	adblock->collecting = false;
	return 0;
}

int list_read_adblock(struct list_reader *reader)
{
	struct adblock adblock = { .reader = reader, .rule = { .trigger = reader->trigger } };
	struct list_line line;
	int result;

	if (!names_init(&adblock.overrides))
		return diag_set(reader->diag, reader->conf->file, 0, 0, "no random key from the system");
	result = collect_overrides(&adblock);
	while (result == 0 && list_next_entry(reader, &line))
		result = read_line(&adblock, &line);
	names_fini(&adblock.overrides);
	return result;
}
