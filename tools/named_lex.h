/*
 * named_lex.h: named.conf of BIND as a row of tokens, with what it includes.
 *
 * Comments are C's, C++'s and the shell's. Files, their sizes and the depth of includes are bounded.
 *
 * Threads: one lexer is used by one thread.
 */
#ifndef TOOLS_NAMED_LEX_H
#define TOOLS_NAMED_LEX_H

#include <stdbool.h>

#include "policy/diag.h"

#define NAMED_WORD_MAX 1024

enum named_kind { NAMED_END, NAMED_WORD, NAMED_OPEN, NAMED_CLOSE, NAMED_SEMICOLON };

struct named_token {
	enum named_kind kind;
	char text[NAMED_WORD_MAX];   /* of a word, without quotes */
	bool quoted;
	const char *file;            /* borrowed until the lexer is closed */
	unsigned line;
};

struct named_lex;

/* Owned; NULL with *diag. */
struct named_lex *named_lex_open(const char *path, struct diag *diag);
void named_lex_close(struct named_lex **lex);

/* The next token; NAMED_END at the end of the first file. 0, or -1 with *diag. */
int named_lex_next(struct named_lex *lex, struct named_token *token, struct diag *diag);

/* Goes on with another file, relative to the one at hand, and comes back at its end. 0, or -1 with *diag. */
int named_lex_include(struct named_lex *lex, const char *path, struct diag *diag);

#endif
