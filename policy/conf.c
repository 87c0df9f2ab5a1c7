/* conf.c: the configuration, read by the table of options. */
#include "policy/conf.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/conf_lex.h"
#include "policy/conf_parse.h"
#include "policy/conf_table.h"
#include "policy/conf_value.h"

#define INCLUDE_DEPTH_MAX 8
#define INCLUDE_FILES_MAX 1000     /* eight levels of wildcards could be any number of files */

static int parse_file(struct parsing *parsing, struct conf_lex *lex, unsigned depth);

static int refuse_key(const struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	const char *key)
{
	size_t elsewhere = option_find(CLAUSE_COUNT, key);
	const char *nearest = option_nearest(parsing->clause, key);
	const char *inside = parsing->clause == CLAUSE_COUNT ? "" : clause_names[parsing->clause];

	if (elsewhere < OPTION_COUNT)
		return fail_at(parsing, lex, word, "%s: belongs into the clause `%s:`", key,
			clause_names[option_table[elsewhere].clause]);
	if (nearest != NULL && parsing->clause != CLAUSE_COUNT)
		return fail_at(parsing, lex, word, "%s: not a key of `%s:`; did you mean `%s:`?", key,
			inside, nearest);
	if (nearest != NULL)
		return fail_at(parsing, lex, word, "%s: not a clause; did you mean `%s:`?", key, nearest);
	if (parsing->clause == CLAUSE_COUNT)
		return fail_at(parsing, lex, word,
			"%s: not a clause; there are `verdict:`, `client-group:`, `policy-list:`, `dnstap:`, "
			"`dnstap-target:`, `detection:`, `detector:` and `approved-name-server:`", key);
	return fail_at(parsing, lex, word, "%s: not a key of `%s:`; verdict.conf(5) lists them", key, inside);
}

/* --- keys and values ------------------------------------------------------------------------------------------- */

/* The folder of the file, with its last '/'. Owned; NULL: out of memory. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strndup(path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
}

/* Reads the value of `key`. The word's `text` is NULL when it is missing. */
static int read_value(struct parsing *parsing, struct conf_lex *lex, const struct conf_word *at, const char *key,
	struct conf_word *value)
{
	int found = conf_lex_next_on_line(lex, value, parsing->diag);

	if (found < 0)
		return -1;
	/* `file: action: drop`: the value of the first was forgotten. An address may end with a colon, though. */
	if (found == 1 && !value->quoted && value->length > 1 && value->text[value->length - 1] == ':') {
		char *other = strndup(value->text, value->length - 1);
		bool known = other != NULL && option_find(CLAUSE_COUNT, other) < OPTION_COUNT;

		free(other);
		found = known ? 0 : 1;
	}
	if (found == 0)
		return fail_at(parsing, lex, at, "%s: has no value: write it behind the colon, on the same line",
			key);
	return 0;
}

static int store(struct parsing *parsing, struct conf_lex *lex, const struct option *option,
	const struct conf_word *value, const char *folder)
{
	char *base = clause_base(parsing->conf, option->clause);
	char wrong[CONF_WRONG_MAX];

	if (strlen(value->text) != value->length)
		return fail_at(parsing, lex, value, "%s: has a NUL octet", option->key);
	if (option_store(option, base, value->text, folder, wrong) != 0)
		return fail_at(parsing, lex, value, "%s: %s", option->key, wrong);
	if (option->type == TYPE_GROUP)
		return clause_note_group(parsing, lex, value, option->key);
	return 0;
}

static int read_option(struct parsing *parsing, struct conf_lex *lex, const struct conf_word *word, const char *key)
{
	size_t index = parsing->clause == CLAUSE_COUNT ? OPTION_COUNT : option_find(parsing->clause, key);
	struct conf_word value;
	char *folder;
	int result;

	if (parsing->clause == CLAUSE_DETECTOR)
		return read_value(parsing, lex, word, key, &value) != 0 ? -1 :
			clause_detector_key(parsing, lex, word, key, &value);
	if (index == OPTION_COUNT)
		return refuse_key(parsing, lex, word, key);
	if (parsing->seen[index] && option_table[index].repeat == NULL)
		return fail_at(parsing, lex, word, "%s: is there already in this `%s:`: remove one of the two", key,
			clause_names[parsing->clause]);
	parsing->seen[index] = true;
	if (read_value(parsing, lex, word, key, &value) != 0)
		return -1;
	folder = folder_of(conf_lex_path(lex));
	if (folder == NULL)
		return fail_at(parsing, lex, word, "%s: out of memory", key);
	result = store(parsing, lex, &option_table[index], &value, folder);
	free(folder);
	return result;
}

/* False: out of memory. */
static bool note_source(struct conf *conf, const char *name)
{
	char **sources = realloc(conf->sources, (conf->source_count + 1) * sizeof(*sources));

	if (sources == NULL)
		return false;
	conf->sources = sources;
	sources[conf->source_count] = strdup(name);
	return sources[conf->source_count] != NULL && ++conf->source_count > 0;
}

/* --- include --------------------------------------------------------------------------------------------------- */

static int include_file(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	const char *path, unsigned depth)
{
	const char *why;
	struct conf_lex *inner;
	int result;

	if (depth == INCLUDE_DEPTH_MAX)
		return fail_at(parsing, lex, word, "include: %d files inside each other: does one include itself?",
			INCLUDE_DEPTH_MAX);
	if (parsing->files == INCLUDE_FILES_MAX)
		return fail_at(parsing, lex, word, "include: more than %d files: does one include itself?",
			INCLUDE_FILES_MAX);
	parsing->files++;
	inner = conf_lex_open(path, &why);
	if (inner == NULL)
		return fail_at(parsing, lex, word, "include: %s %s", path, why);
	result = parse_file(parsing, inner, depth + 1);
	conf_lex_close(&inner);
	return result;
}

/* A folder that is not there has no matches; one that may not be read might have some. */
static int glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static int include_pattern(struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word,
	const char *pattern, unsigned depth)
{
	glob_t found = { 0 };
	size_t i;
	int result = 0;

	if (!note_source(parsing->conf, pattern))
		return fail_at(parsing, lex, word, "include: out of memory");
	if (strpbrk(pattern, "*?[") == NULL)
		return include_file(parsing, lex, word, pattern, depth);
	switch (glob(pattern, 0, glob_error, &found)) {
	case 0: case GLOB_NOMATCH: break;
	case GLOB_NOSPACE: result = fail_at(parsing, lex, word, "include: out of memory"); break;
	default: result = fail_at(parsing, lex, word, "include: a folder of %s may not be read: "
		"let the user that reads it (the resolver's) read it", pattern);
	}
	for (i = 0; result == 0 && i < found.gl_pathc; i++)
		result = include_file(parsing, lex, word, found.gl_pathv[i], depth);
	globfree(&found);
	return result;
}

static int read_include(struct parsing *parsing, struct conf_lex *lex, const struct conf_word *word, unsigned depth)
{
	struct conf_limits limits = { .max = PATH_MAX - 1 };
	char *folder = folder_of(conf_lex_path(lex)), *pattern = NULL;
	char wrong[CONF_WRONG_MAX];
	struct conf_word value;
	int result = -1;

	limits.folder = folder;
	if (folder == NULL)
		fail_at(parsing, lex, word, "include: out of memory");
	else if (read_value(parsing, lex, word, "include", &value) != 0)
		result = -1;
	else if (conf_value_parse(TYPE_PATH, &limits, value.text, &pattern, wrong) != 0)
		fail_at(parsing, lex, &value, "include: %s", wrong);
	else
		result = include_pattern(parsing, lex, &value, pattern, depth);
	free(folder);
	free(pattern);
	return result;
}

/* --- the whole ------------------------------------------------------------------------------------------------- */

/* Turns `key:` into `key`; NULL with the diag set when the word is no key. */
static char *key_of(const struct parsing *parsing, const struct conf_lex *lex, const struct conf_word *word)
{
	const char *colon = strchr(word->text, ':');
	char *key;

	if (word->quoted || colon == NULL || colon == word->text) {
		fail_at(parsing, lex, word, "`%.64s` stands where a key should: "
			"keys end with a colon, and a value with blanks needs quotes", word->text);
		return NULL;
	}
	if (colon[1] != '\0') {
		fail_at(parsing, lex, word, "%.*s: put a blank behind the colon", (int)(colon - word->text > 64 ? 64 :
			colon - word->text), word->text);
		return NULL;
	}
	key = strndup(word->text, (size_t)(colon - word->text));
	if (key == NULL)
		fail_at(parsing, lex, word, "out of memory");
	return key;
}

static int read_key(struct parsing *parsing, struct conf_lex *lex, const struct conf_word *word, unsigned depth)
{
	char *key = key_of(parsing, lex, word);
	unsigned clause;
	int result;

	if (key == NULL)
		return -1;
	for (clause = 0; clause < CLAUSE_COUNT; clause++)
		if (strcmp(clause_names[clause], key) == 0)
			break;
	if (clause < CLAUSE_COUNT)
		result = clause_begin(parsing, lex, word, (enum clause)clause);
	else if (strcmp(key, "include") == 0)
		result = read_include(parsing, lex, word, depth);
	else
		result = read_option(parsing, lex, word, key);
	free(key);
	return result;
}

static int parse_file(struct parsing *parsing, struct conf_lex *lex, unsigned depth)
{
	struct conf_word word;
	int found;

	while ((found = conf_lex_next(lex, &word, parsing->diag)) == 1)
		if (read_key(parsing, lex, &word, depth) != 0)
			return -1;
	return found;
}

static int parse(struct parsing *parsing, struct conf_lex *lex)
{
	if (!clause_set_defaults(parsing->conf, CLAUSE_VERDICT) || !clause_set_defaults(parsing->conf, CLAUSE_DNSTAP) ||
	    !clause_set_defaults(parsing->conf, CLAUSE_DETECTION))
		return diag_set(parsing->diag, conf_lex_path(lex), 0, 0, "out of memory");
	if (parse_file(parsing, lex, 0) != 0 || clause_finish(parsing) != 0)
		return -1;
	return clauses_check(parsing);
}

struct conf *conf_load(const char *path, struct diag *diag)
{
	struct parsing parsing = { .diag = diag, .clause = CLAUSE_COUNT };
	const char *why;
	struct conf_lex *lex = conf_lex_open(path, &why);
	struct conf *conf = calloc(1, sizeof(*conf));
	int result;

	parsing.conf = conf;
	if (conf != NULL) {
		conf->path = strdup(path);
		detector_conf_defaults(conf->options.detectors);
	}
	if (lex == NULL)
		result = diag_set(diag, path, 0, 0, "%s", why);
	else if (conf == NULL || conf->path == NULL || !note_source(conf, path))
		result = diag_set(diag, path, 0, 0, "out of memory");
	else
		result = parse(&parsing, lex);
	parsing_fini(&parsing);
	conf_lex_close(&lex);
	if (result != 0)
		conf_destroy(&conf);
	return conf;
}
