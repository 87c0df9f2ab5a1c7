/*
 * list_detect.c: which format a text is in: chosen by content when the configuration leaves it out, and guessed for
 * the error when it was set wrong.
 */
#include <string.h>
#include <strings.h>

#include "policy/list_entry.h"
#include "policy/list_token.h"

#define GUESS_OCTETS 4096      /* of a line that an error is about */
#define LINES_MAX 2000         /* looked at */
#define SHARE_LEAST 80         /* percent of the lines that say something, and half of all */
#define HEAD_TOKENS_MAX 4      /* of a record up to its type: owner, TTL, class, type */

/* --- guessing for an error -------------------------------------------------------------------------------------- */

/* How a line gives itself away; tried in order. */
struct guess {
	const char *start;     /* the line begins with this */
	const char *inside;    /* and holds this */
	const char *name;
	const char *remedy;
	bool vague;
};

static const char set_it[] = "set `format:` to what it is";
static const char unread_urls[] = "which is not read: a resolver can refuse names alone";

static const struct guess guesses[] = {
	{ "||", "", "an AdBlock list", "set `format: adblock`", false },
	{ "@@", "", "an AdBlock list", "set `format: adblock`", false },
	{ "[Adblock", "", "an AdBlock list", "set `format: adblock`", false },
	{ "!", "", "an AdBlock list", "set `format: adblock`", false },
	{ "address=/", "", "a dnsmasq list", "set `format: dnsmasq`", false },
	{ "server=/", "", "a dnsmasq list", "set `format: dnsmasq`", false },
	{ "local=/", "", "a dnsmasq list", "set `format: dnsmasq`", false },
	{ "server:", "", "an unbound.conf", "set `format: unbound-local-zone`", false },
	{ "local-zone:", "", "an unbound.conf", "set `format: unbound-local-zone`", false },
	{ "local-data:", "", "an unbound.conf", "set `format: unbound-local-zone`", false },
	{ "http://", "", "a list of URLs", unread_urls, false },
	{ "https://", "", "a list of URLs", unread_urls, false },
	{ "{", "", "JSON", "which is not read", false },
	{ "$", "", "an RPZ zone", "set `format: rpz`", false },
	{ "0.0.0.0", "", "a hosts file", "set `format: hosts`", false },
	{ "127.0.0.1", "", "a hosts file", "set `format: hosts`", false },
	{ "::", "", "a hosts file", "set `format: hosts`", false },
	{ "", " CNAME ", "an RPZ zone", "set `format: rpz`", false },
	{ "", "\tCNAME\t", "an RPZ zone", "set `format: rpz`", false },
	{ "", " SOA ", "an RPZ zone", "set `format: rpz`", false },
	{ "*.", "", "a wildcard list", "set `format: wildcard`", false },
	{ "", ",", "a table", "set `format: csv`", false },
	{ "", " ", "another format", set_it, true },
	{ "", "\t", "another format", set_it, true },
	{ "", ".", "a list of names", "set `format: domains`", false },
	{ "", "", "another format", set_it, true },
};

/* Is `what` near the front of the line that begins at `text`? What is behind may have been given back. */
static bool line_holds(const char *text, const char *end, const char *what)
{
	size_t octets = (size_t)(end - text) < GUESS_OCTETS ? (size_t)(end - text) : GUESS_OCTETS;
	const char *newline = memchr(text, '\n', octets);

	if (newline != NULL)
		octets = (size_t)(newline - text);
	return memmem(text, octets, what, strlen(what)) != NULL;
}

static bool begins_with(const char *text, const char *end, const char *what)
{
	size_t octets = strlen(what);

	return (size_t)(end - text) >= octets && strncasecmp(text, what, octets) == 0;
}

const char *list_guess(const char *text, const char *end, const char **remedy, bool *known)
{
	const struct guess *guess = guesses;

	/* The last row takes everything. */
	while (!begins_with(text, end, guess->start) || !line_holds(text, end, guess->inside))
		guess++;
	*remedy = guess->remedy;
	*known = !guess->vague;
	return guess->name;
}

/* --- what one line is ------------------------------------------------------------------------------------------- */

/* What each line that is neither blank nor a comment speaks for; FORMAT_DETECT: for nothing. */
struct tally {
	size_t lines;
	size_t counts[FORMAT_COUNT];
	bool adblock_header;
	bool adblock_comment;   /* `!`: which other lists use too, and the Public Suffix List for exceptions */
	bool zone_sign;         /* a SOA or $TTL */
	const char *odd;        /* the first line that speaks for nothing */
	unsigned odd_line;
};

static const char *const dnsmasq_starts[] = { "address=/", "server=/", "local=/", NULL };
static const char *const unbound_starts[] = { "local-zone:", "local-data:", "server:", NULL };
static const char *const adblock_starts[] = { "||", "@@|", "|http", NULL };
static const char *const zone_starts[] = { "$TTL", "$ORIGIN", "$INCLUDE", "$GENERATE", NULL };
static const char *const record_types[] = { "CNAME", "A", "AAAA", "TXT", "NS", "SOA", "DNAME", "HTTPS", NULL };

static bool begins_with_one(const char *text, const char *end, const char *const *starts)
{
	for (; *starts != NULL; starts++)
		if (begins_with(text, end, *starts))
			return true;
	return false;
}

/* Is there a record type where a master file has one? Not at the front: a name may be called so; nor in a comment,
 * where an `a` is an article. */
static bool has_record_type(struct tally *tally, const char *text, const char *end)
{
	unsigned i;

	for (i = 0; i < HEAD_TOKENS_MAX && !token_is_comment(text, end); i++) {
		const char *stop = token_end(text, end);
		const char *const *type;

		for (type = record_types; i > 0 && *type != NULL; type++) {
			if (strlen(*type) != (size_t)(stop - text) ||
			    strncasecmp(*type, text, (size_t)(stop - text)) != 0)
				continue;
			tally->zone_sign |= strcmp(*type, "SOA") == 0;
			return token_skip_blanks(stop, end) < end;
		}
		text = token_skip_blanks(stop, end);
	}
	return false;
}

/* A name of two labels and more: one word alone is anything. */
static bool is_dotted_name(const char *text, const char *end)
{
	struct name name;

	return list_read_name(&name, text, end) == SKIP_COUNT && name.labels > 1;
}

static bool has_separator(const char *text, const char *end)
{
	for (; text < end; text++)
		if (strchr(",;\t|", *text) != NULL && *text != '\0')
			return true;
	return false;
}

static enum list_format judge_tokens(const char *text, const char *end)
{
	const char *stop = token_end(text, end), *next = token_skip_blanks(stop, end);
	struct rule rule;
	enum skip_reason network = list_read_network(&rule, text, stop);

	if (token_is_comment(next, end)) {
		if (network != SKIP_NETWORK)
			return FORMAT_CIDR;
		if (stop - text > 2 && text[0] == '*' && text[1] == '.' && is_dotted_name(text + 2, stop))
			return FORMAT_WILDCARD;
		if (is_dotted_name(text, stop))
			return FORMAT_DOMAINS;
	} else if (network != SKIP_NETWORK) {
		const char *host_end = token_end(next, end);

		if (is_dotted_name(next, host_end) || list_is_usual_host(next, host_end))
			return FORMAT_HOSTS;
	}
	return has_separator(text, end) ? FORMAT_CSV : FORMAT_DETECT;
}

static enum list_format judge_line(struct tally *tally, const char *text, const char *end)
{
	if (begins_with_one(text, end, adblock_starts))
		return FORMAT_ADBLOCK;
	if (begins_with_one(text, end, dnsmasq_starts))
		return FORMAT_DNSMASQ;
	if (begins_with_one(text, end, unbound_starts))
		return FORMAT_UNBOUND;
	if (begins_with_one(text, end, zone_starts)) {
		tally->zone_sign = true;
		return FORMAT_RPZ;
	}
	return has_record_type(tally, text, end) ? FORMAT_RPZ : judge_tokens(text, end);
}

static void count_line(struct tally *tally, const struct list_line *line)
{
	const char *text = token_skip_blanks(line->text, line->end);
	enum list_format format;

	if (text < line->end && (*text == '!' || *text == '[')) {
		tally->adblock_comment |= *text == '!';
		tally->adblock_header |= begins_with(text, line->end, "[Adblock");
		return;
	}
	if (token_is_comment(text, line->end))
		return;
	format = judge_line(tally, text, token_trim(text, line->end));
	tally->counts[format]++;
	tally->lines++;
	if (format == FORMAT_DETECT && tally->odd == NULL) {
		tally->odd = text;
		tally->odd_line = line->number;
	}
}

/* --- what the whole is ------------------------------------------------------------------------------------------ */

/* Lines of one format that another holds too. */
static void join_kin(struct tally *tally)
{
	size_t *counts = tally->counts;

	if (tally->adblock_header || (tally->adblock_comment && counts[FORMAT_ADBLOCK] > 0) ||
	    counts[FORMAT_ADBLOCK] * 10 >= tally->lines) {
		counts[FORMAT_ADBLOCK] += counts[FORMAT_DOMAINS] + counts[FORMAT_HOSTS] + counts[FORMAT_WILDCARD];
		counts[FORMAT_DOMAINS] = counts[FORMAT_HOSTS] = counts[FORMAT_WILDCARD] = 0;
	}
	/* There a plain name covers itself alone, so a stray star must not turn a list of names into one. */
	if (counts[FORMAT_WILDCARD] * 10 >= counts[FORMAT_DOMAINS] && counts[FORMAT_WILDCARD] > 0) {
		counts[FORMAT_WILDCARD] += counts[FORMAT_DOMAINS];
		counts[FORMAT_DOMAINS] = 0;
	}
	if (tally->zone_sign) {   /* a SOA over several lines */
		counts[FORMAT_RPZ] += counts[FORMAT_DETECT];
		counts[FORMAT_DETECT] = 0;
	}
}

/* The format with the largest count but `not`. */
static enum list_format largest(const struct tally *tally, enum list_format not)
{
	unsigned i, best = FORMAT_DETECT;
	size_t most = 0;

	for (i = 0; i < FORMAT_DETECT; i++) {
		if (i == (unsigned)not || tally->counts[i] <= most)
			continue;
		most = tally->counts[i];
		best = i;
	}
	return (enum list_format)best;
}

static int refuse_unknown(const struct list_reader *reader, const struct tally *tally)
{
	const char *remedy, *guess;
	bool known;

	guess = list_guess(tally->odd, reader->end, &remedy, &known);
	if (known && strncmp(remedy, "set ", 4) != 0)
		return diag_set(reader->diag, reader->conf->file, tally->odd_line, 0, "looks like %s, %s", guess,
			remedy);
	return diag_set(reader->diag, reader->conf->file, tally->odd_line, 0,
		"its format cannot be told, first here (%zu of %zu lines say nothing): "
		"is it the file that was meant? Then set `format:`", tally->counts[FORMAT_DETECT], tally->lines);
}

int list_detect(const struct list_reader *reader, enum list_format *format)
{
	struct list_reader copy = list_reader_ahead(reader);
	struct tally tally = { .lines = 0 };
	struct list_line line;
	enum list_format first, second;
	size_t telling;

	while (tally.lines < LINES_MAX && list_next_line(&copy, &line))
		if (line.end - line.text <= LIST_LINE_MAX)
			count_line(&tally, &line);
	if (tally.lines == 0) {   /* no rules: every format says so */
		*format = FORMAT_DOMAINS;
		return 0;
	}
	join_kin(&tally);
	first = largest(&tally, FORMAT_DETECT);
	telling = tally.lines - tally.counts[FORMAT_DETECT];
	if (telling * 2 < tally.lines)
		return refuse_unknown(reader, &tally);
	if (tally.counts[first] * 100 >= telling * SHARE_LEAST) {
		*format = first;
		return 0;
	}
	second = largest(&tally, first);
	return diag_set(reader->diag, reader->conf->file, 0, 0,
		"could be `format: %s` (%zu of %zu lines) or `format: %s` (%zu): set the one that it is",
		format_names[first], tally.counts[first], tally.lines, format_names[second], tally.counts[second]);
}
