/* import_bind_read.c: response-policy and zones of named.conf (BIND 9's ARM), with its includes. */
#include "tools/import_bind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZONES_MAX 65536u

const struct option_row bind_options[BIND_OPTIONS] = {
	{ "qname-wait-recurse", "qname-wait-recurse", "yes", VALUE_FLAG },
	{ "nsip-wait-recurse", "nsip-wait-recurse", "yes", VALUE_FLAG },
	{ "nsdname-wait-recurse", "nsdname-wait-recurse", "yes", VALUE_FLAG },
	{ "min-ns-dots", "min-ns-dots", "1", VALUE_NUMBER },
	{ "recursive-only", "recursive-only", "yes", VALUE_FLAG },
	{ "break-dnssec", "break-dnssec", "no", VALUE_FLAG },
	{ "max-policy-ttl", "max-policy-ttl", "5", VALUE_SECONDS },
};

static int next(struct bind *bind)
{
	return named_lex_next(bind->lex, &bind->token, bind->diag);
}

static int wrong(struct bind *bind, const char *what)
{
	return diag_set(bind->diag, bind->token.file, bind->token.line, 0, "%s", what);
}

static bool is_word(const struct bind *bind, const char *word)
{
	return bind->token.kind == NAMED_WORD && strcasecmp(bind->token.text, word) == 0;
}

/* To the semicolon that ends the statement whose first token is at hand. */
static int skip_statement(struct bind *bind)
{
	unsigned depth = 0;

	for (;;) {
		if (bind->token.kind == NAMED_SEMICOLON && depth == 0)
			return 0;
		if (bind->token.kind == NAMED_END || (bind->token.kind == NAMED_CLOSE && depth == 0))
			return wrong(bind, "a statement does not end in a semicolon");
		depth += bind->token.kind == NAMED_OPEN;
		depth -= bind->token.kind == NAMED_CLOSE;
		if (next(bind) != 0)
			return -1;
	}
}

/* A word behind the one at hand, copied; what was there before goes. */
static int take_word(struct bind *bind, char **to)
{
	if (next(bind) != 0)
		return -1;
	if (bind->token.kind != NAMED_WORD)
		return wrong(bind, "a value is missing");
	free(*to);
	*to = strdup(bind->token.text);
	return *to != NULL ? 0 : wrong(bind, "out of memory");
}

/* To the brace behind a statement's head. 1: there; 0: the statement has none and is over; -1. */
static int find_block(struct bind *bind)
{
	while (bind->token.kind != NAMED_OPEN) {
		if (bind->token.kind == NAMED_SEMICOLON)
			return 0;
		if (bind->token.kind != NAMED_WORD)
			return wrong(bind, "a block is missing");
		if (next(bind) != 0)
			return -1;
	}
	return 1;
}

/* Each statement of a block, from its brace to the semicolon behind it. `row` ends on a statement's semicolon. */
static int each_statement(struct bind *bind, int (*row)(struct bind *bind, void *arg), void *arg)
{
	for (;;) {
		char *path = NULL;

		if (next(bind) != 0)
			return -1;
		if (bind->token.kind == NAMED_CLOSE)
			break;
		if (bind->token.kind == NAMED_SEMICOLON)
			continue;
		if (bind->token.kind != NAMED_WORD)
			return wrong(bind, "a statement is missing");
		if (!is_word(bind, "include")) {
			if (row(bind, arg) != 0)
				return -1;
			continue;
		}
		if (take_word(bind, &path) != 0 || next(bind) != 0 || named_lex_include(bind->lex, path, bind->diag) != 0) {
			free(path);
			return -1;
		}
		free(path);
	}
	return next(bind) == 0 && bind->token.kind == NAMED_SEMICOLON ? 0 : wrong(bind, "a semicolon is missing");
}

/* --- response-policy */

static bool read_flag(const char *text, const char **value)
{
	const bool yes = strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;

	*value = yes ? "yes" : "no";
	return yes || strcasecmp(text, "no") == 0 || strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

/* "1h30m"; at most what max-policy-ttl may be. */
static bool read_seconds(const char *text, unsigned long *seconds)
{
	static const char units[] = "smhdw";
	static const unsigned long worth[] = { 1, 60, 3600, 86400, 604800 };

	for (*seconds = 0; *text != '\0';) {
		char *end;
		const unsigned long number = strtoul(text, &end, 10);
		const char *unit = *end != '\0' ? strchr(units, *end | 0x20) : units;

		if (*text < '0' || *text > '9' || number > 86400 || unit == NULL)
			return false;
		*seconds += number * worth[unit - units];
		text = *end != '\0' ? end + 1 : end;
	}
	return true;
}

static bool read_value(const struct option_row *row, const char *text, char to[static 16])
{
	const char *flag;
	unsigned long number;

	if (row->kind == VALUE_FLAG) {
		if (!read_flag(text, &flag))
			return false;
		strcpy(to, flag);
		return true;
	}
	if (!read_seconds(text, &number) || number > (row->kind == VALUE_SECONDS ? 86400 : 126) ||
	    (row->kind == VALUE_SECONDS && number == 0))
		return false;
	snprintf(to, 16, "%lu", number);
	return true;
}

static const struct option_row *find_option(const char *word, size_t *at)
{
	for (*at = 0; *at < BIND_OPTIONS; ++*at)
		if (strcasecmp(bind_options[*at].bind, word) == 0)
			return &bind_options[*at];
	return NULL;
}

/* An option with its value, of the whole (`zone` NULL) or of a zone. */
static int read_option(struct bind *bind, struct policy_zone *zone)
{
	char *word = strdup(bind->token.text), value[16], *given = NULL;
	const char *flag = "no";
	size_t at;
	const struct option_row *row;
	int code = -1;

	if (word == NULL || take_word(bind, &given) != 0)
		goto out;
	code = 0;
	row = find_option(word, &at);
	if (row != NULL && read_value(row, given, value)) {
		strcpy(zone == NULL ? bind->values[at] : zone->values[at], value);
	} else if (row != NULL) {
		import_lost(bind->import, bind->token.file, bind->token.line, "%s %s", word, given);
	} else if (strcasecmp(word, "ede") == 0 && zone != NULL) {
		zone->ede = given;
		given = NULL;
	} else if (strcasecmp(word, "log") == 0 && zone != NULL && read_flag(given, &flag)) {
		zone->quiet = strcmp(flag, "no") == 0;
	} else if ((strcasecmp(word, "add-soa") != 0 && strcasecmp(word, "nsip-enable") != 0 &&
	    strcasecmp(word, "nsdname-enable") != 0) || !read_flag(given, &flag) || strcmp(flag, "yes") != 0) {
		import_lost(bind->import, bind->token.file, bind->token.line, "%s %s", word, given);
	}
out:
	free(word);
	free(given);
	return code;
}

static int read_policy(struct bind *bind, struct policy_zone *zone)
{
	if (take_word(bind, &zone->policy) != 0)
		return -1;
	return strcasecmp(zone->policy, "cname") == 0 ? take_word(bind, &zone->cname) : 0;
}

static int read_policy_zone(struct bind *bind)
{
	struct policy_zone *zone = &bind->policies[bind->policy_count];

	if (!is_word(bind, "zone"))
		return wrong(bind, "response-policy: a zone is missing");
	if (bind->policy_count == POLICIES_MAX)
		return wrong(bind, "response-policy: too many zones");
	bind->policy_count++;
	*zone = (struct policy_zone){ .path = bind->token.file, .line = bind->token.line, .view = bind->view };
	if (take_word(bind, &zone->name) != 0 || next(bind) != 0)
		return -1;
	while (bind->token.kind == NAMED_WORD) {
		if ((is_word(bind, "policy") ? read_policy(bind, zone) : read_option(bind, zone)) != 0 || next(bind) != 0)
			return -1;
	}
	return bind->token.kind == NAMED_SEMICOLON ? 0 : wrong(bind, "response-policy: a semicolon is missing");
}

static void use_fallbacks(struct bind *bind)
{
	for (size_t i = 0; i < BIND_OPTIONS; i++)
		strcpy(bind->values[i], bind_options[i].fallback);
}

/* The zones, and behind their block what holds for all of them. */
static int read_response_policy(struct bind *bind)
{
	const int block = find_block(bind);

	if (block <= 0)
		return block;
	/* A view's own replaces that of options. */
	use_fallbacks(bind);
	for (;;) {
		if (next(bind) != 0)
			return -1;
		if (bind->token.kind == NAMED_CLOSE)
			break;
		if (bind->token.kind != NAMED_SEMICOLON && read_policy_zone(bind) != 0)
			return -1;
	}
	while (next(bind) == 0) {
		if (bind->token.kind == NAMED_SEMICOLON)
			return 0;
		if (bind->token.kind != NAMED_WORD)
			return wrong(bind, "response-policy: an option is missing");
		if (read_option(bind, NULL) != 0)
			return -1;
	}
	return -1;
}

/* --- zones, options, views */

static int read_zone_row(struct bind *bind, void *arg)
{
	struct zone *zone = arg;
	char *format = NULL;
	int code = 0;

	if (is_word(bind, "file"))
		code = take_word(bind, &zone->file);
	else if (is_word(bind, "masterfile-format")) {
		code = take_word(bind, &format);
		zone->format = code == 0 && strcasecmp(format, "text") == 0 ? FORMAT_TEXT : FORMAT_OTHER;
	} else if (is_word(bind, "type")) {
		code = take_word(bind, &format);
		zone->copied = code == 0 && (strcasecmp(format, "slave") == 0 || strcasecmp(format, "secondary") == 0 ||
			strcasecmp(format, "mirror") == 0);
	}
	free(format);
	return code == 0 ? skip_statement(bind) : -1;
}

static int read_zone(struct bind *bind)
{
	struct zone *grown, *zone;
	int block;

	if (bind->zone_count == ZONES_MAX)
		return wrong(bind, "too many zones");
	grown = reallocarray(bind->zones, bind->zone_count + 1, sizeof(*grown));
	if (grown == NULL)
		return wrong(bind, "out of memory");
	bind->zones = grown;
	zone = &grown[bind->zone_count++];
	*zone = (struct zone){ .view = bind->view };
	if (take_word(bind, &zone->name) != 0)
		return -1;
	block = find_block(bind);
	return block <= 0 ? block : each_statement(bind, read_zone_row, zone);
}

static int read_row(struct bind *bind, void *arg);

static int read_view(struct bind *bind)
{
	int block, code;

	bind->view = ++bind->view_count;
	if (bind->view_count > 1)
		import_lost(bind->import, bind->token.file, bind->token.line,
			"a further view: all clients get all lists; a client-group says who gets which");
	block = find_block(bind);
	code = block <= 0 ? block : each_statement(bind, read_row, NULL);
	bind->view = 0;
	return code;
}

static int read_row(struct bind *bind, void *arg)
{
	char *format = NULL;

	(void)arg;
	if (is_word(bind, "response-policy"))
		return read_response_policy(bind);
	if (is_word(bind, "masterfile-format")) {
		if (take_word(bind, &format) != 0)
			return -1;
		bind->format = strcasecmp(format, "text") == 0 ? FORMAT_TEXT : FORMAT_OTHER;
		free(format);
		return skip_statement(bind);
	}
	if (is_word(bind, "zone"))
		return read_zone(bind);
	if (is_word(bind, "directory") && bind->view == 0)
		return take_word(bind, &bind->directory) == 0 ? skip_statement(bind) : -1;
	return skip_statement(bind);
}

static int read_top(struct bind *bind)
{
	for (;;) {
		char *path = NULL;
		int code = 0, block;

		if (next(bind) != 0)
			return -1;
		if (bind->token.kind == NAMED_END)
			return 0;
		if (is_word(bind, "include")) {
			code = take_word(bind, &path) != 0 || next(bind) != 0 ||
				named_lex_include(bind->lex, path, bind->diag) != 0 ? -1 : 0;
			free(path);
		} else if (is_word(bind, "options")) {
			block = find_block(bind);
			code = block <= 0 ? block : each_statement(bind, read_row, NULL);
		} else if (is_word(bind, "view"))
			code = read_view(bind);
		else if (is_word(bind, "zone"))
			code = read_zone(bind);
		else
			code = skip_statement(bind);
		if (code != 0)
			return -1;
	}
}

int bind_read(struct bind *bind, const char *path)
{
	use_fallbacks(bind);
	bind->lex = named_lex_open(path, bind->diag);
	return bind->lex != NULL ? read_top(bind) : -1;
}
