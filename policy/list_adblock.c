/*
 * list_adblock.c: AdBlock filters as far as they are about names: AdGuard's DNS filtering syntax.
 *
 *     ||name^    blocks the name and all below     |name^    the name alone     *.name^    all below
 *     @@||name^  an exception: a pass rule, whatever the list's own action
 *     0.0.0.0 name    name    as in hosts files
 *
 * Inside the list an $important exception outdoes $important blocks, those outdo exceptions, and those outdo blocks,
 * whichever name is longer. In a policy the longest name decides; so when the file has any of these it is read once
 * more before: for what overrides, to leave out of each rule what is overridden. A $badfilter takes back a rule that
 * says the same but for it, wherever that stands, so those are looked for first of all.
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
	bool widens;            /* left out, it makes the rule that it stands in another */
};

static const struct modifier modifiers[] = {
	{ "important", true, true, true, false },
	{ "all", true, false, false, true },            /* the page and all it loads: what a denied name is */
	{ "document", true, false, false, true },       /* the page itself: its name does not resolve */
	{ "doc", true, false, false, true },
	{ "popup", true, false, false, true },
	{ "third-party", true, false, false, true },    /* a resolver does not see the page; trackers are meant */
	{ "3p", true, false, false, true },
	{ "network", true, false, false, true },
	/* badfilter has no row; everything else (client, ctag, denyallow, dnstype, dnsrewrite, domain=, script ...) is counted. */
};

/* Ranks in the order in which they outdo each other, as bits for the name and for what is below it. */
enum rank { RANK_BLOCK, RANK_EXCEPT, RANK_BLOCK_IMPORTANT, RANK_EXCEPT_IMPORTANT };

#define FLAG_EXACT(rank) (uint8_t)(1u << (rank))
#define FLAG_BELOW(rank) (uint8_t)(16u << (rank))

/* What a reading of the file is for. */
enum reading { READING_BAD, READING_OVERRIDES, READING_RULES };

struct adblock {
	struct list_reader *reader;
	struct names overrides;     /* all rules of the ranks above RANK_BLOCK */
	struct names bad;           /* what a $badfilter takes back; flags as below, by taken_back */
	enum reading reading;       /* the last one emits and counts */
	struct rule rule;
};

struct filter {
	const char *text;       /* the pattern */
	const char *end;
	bool exception;
	bool important;
	bool bad;               /* $badfilter */
	bool widened;           /* it has a modifier that is left out */
};

/* --- one filter ------------------------------------------------------------------------------------------------- */

static bool is_word(const char *text, const char *end, const char *word)
{
	return strlen(word) == (size_t)(end - text) && strncasecmp(word, text, (size_t)(end - text)) == 0;
}

static bool take_modifier(struct filter *filter, const char *text, const char *end)
{
	size_t i;

	if (is_word(text, end, "badfilter")) {
		filter->bad = true;
		return true;
	}
	for (i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
		const struct modifier *modifier = &modifiers[i];

		if (!is_word(text, end, modifier->word))
			continue;
		filter->important |= modifier->important;
		filter->widened |= modifier->widens;
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
	/* It takes back a rule with the same modifiers, and which one that is was forgotten with them. */
	return filter->bad && filter->widened ? SKIP_MODIFIER : SKIP_COUNT;
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

/* One bit for each rank of `|name^` and of `||name^`; 0 for `*.name^`, which nothing takes back. */
static uint8_t taken_back(const struct rule *rule, enum rank rank)
{
	return !rule->exact ? 0 : rule->below ? FLAG_BELOW(rank) : FLAG_EXACT(rank);
}

static bool is_taken_back(const struct adblock *adblock, const struct filter *filter)
{
	const struct rule *rule = &adblock->rule;

	return adblock->bad.used > 0 && !filter->widened &&
		(names_find(&adblock->bad, &rule->name, 0) & taken_back(rule, rank_of(filter))) != 0;
}

/* Remembers the rule as one that overrides others, or as one that is taken back. */
static int collect(struct adblock *adblock, const struct filter *filter, const struct list_line *line)
{
	const struct list_reader *reader = adblock->reader;
	const struct rule *rule = &adblock->rule;
	const enum rank rank = rank_of(filter);
	bool fine = true;

	if (adblock->reading == READING_BAD)
		fine = !filter->bad || names_add(&adblock->bad, &rule->name, taken_back(rule, rank));
	else if (!filter->bad && rank != RANK_BLOCK && !is_taken_back(adblock, filter))
		fine = names_add(&adblock->overrides, &rule->name, (uint8_t)((rule->exact ? FLAG_EXACT(rank) : 0) |
			(rule->below ? FLAG_BELOW(rank) : 0)));
	return fine ? 0 : diag_set(reader->diag, reader->conf->file, line->number, 0, "out of memory");
}

static int take_rule(struct adblock *adblock, const struct filter *filter, const struct list_line *line)
{
	struct rule *rule = &adblock->rule;
	const enum rank rank = rank_of(filter);
	struct list_reader *reader = adblock->reader;

	if (adblock->reading != READING_RULES)
		return collect(adblock, filter, line);
	if (filter->bad) {
		if (taken_back(rule, rank) == 0)
			list_skip(reader, SKIP_MODIFIER, line->number, line->text);
		return 0;
	}
	if (is_taken_back(adblock, filter))
		rule->exact = rule->below = false;
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
	if (adblock->reading == READING_RULES)
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

/* Lines that are too long are skipped here and counted in the last reading. */
static int read_all(struct adblock *adblock, enum reading reading)
{
	struct list_reader ahead = list_reader_ahead(adblock->reader);
	struct list_reader *reader = reading == READING_RULES ? adblock->reader : &ahead;
	struct list_line line;

	adblock->reading = reading;
	while (list_next_entry(reader, &line))
		if (read_line(adblock, &line) != 0)
			return -1;
	return 0;
}

static bool file_holds(const struct list_reader *reader, const char *word)
{
	return memmem(reader->at, (size_t)(reader->end - reader->at), word, strlen(word)) != NULL;
}

int list_read_adblock(struct list_reader *reader)
{
	struct adblock adblock = { .reader = reader, .rule = { .trigger = reader->trigger } };
	int result = 0;

	if (!names_init(&adblock.overrides) || !names_init(&adblock.bad))
		return diag_set(reader->diag, reader->conf->file, 0, 0, "no random key from the system");
	if (file_holds(reader, "badfilter"))
		result = read_all(&adblock, READING_BAD);
	if (result == 0 && (file_holds(reader, "@@") || file_holds(reader, "important")))
		result = read_all(&adblock, READING_OVERRIDES);
	if (result == 0)
		result = read_all(&adblock, READING_RULES);
	names_fini(&adblock.bad);
	names_fini(&adblock.overrides);
	return result;
}
