/*
 * conf_lex.h: one configuration file as a row of words.
 *
 * A word is what stands between blanks, or between two quotes (' or ") on one line; `#` at the start of a word begins
 * a comment. Which words are keys is for the caller. A file that is no text (NUL, control octets, not UTF-8) or has a
 * line over 65535 octets is an error with its place.
 *
 * Threads: one lexer is used by one thread.
 */
#ifndef POLICY_CONF_LEX_H
#define POLICY_CONF_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"

struct conf_lex;

struct conf_word {
	const char *text;      /* NUL-terminated, without quotes; borrowed until the next call */
	size_t length;
	bool quoted;
	unsigned line, column; /* of the first octet; a quote counts */
};

/* Opens a file. Returns the owned lexer. NULL: *why says what is wrong with the file, for people, a constant text. */
struct conf_lex *conf_lex_open(const char *path, const char **why);

void conf_lex_close(struct conf_lex **lex);

/* The next word: 1; 0 at the end; -1 with the diag set. */
int conf_lex_next(struct conf_lex *lex, struct conf_word *word, struct diag *diag);

/* The next word on the same line: 1; 0: there is none; -1 with the diag set. */
int conf_lex_next_on_line(struct conf_lex *lex, struct conf_word *word, struct diag *diag);

const char *conf_lex_path(const struct conf_lex *lex);

#endif
