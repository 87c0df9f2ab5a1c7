/* named_lex.c: named.conf of BIND as a row of tokens, with what it includes. */
#include "tools/named_lex.h"

#include <stdlib.h>
#include <string.h>

#include "policy/file.h"
#include "tools/import.h"

#define DEPTH_MAX 16
#define FILES_MAX 256
#define OCTETS_MAX ((size_t)16 << 20)

struct source {
	unsigned file;            /* in lex->paths */
	struct file_text text;
	const char *at, *end;
	unsigned line;
};

struct named_lex {
	char *paths[FILES_MAX];   /* owned; tokens point to them */
	unsigned path_count;
	struct source stack[DEPTH_MAX];
	unsigned depth;
};

static struct source *top(struct named_lex *lex)
{
	return &lex->stack[lex->depth - 1];
}

static int push(struct named_lex *lex, char *path, struct diag *diag)
{
	struct source *source = &lex->stack[lex->depth];
	const char *wrong;

	wrong = file_load(&source->text, path, OCTETS_MAX);
	if (wrong != NULL) {
		diag_set(diag, path, 0, 0, "%s", wrong);
		free(path);
		return -1;
	}
	source->file = lex->path_count;
	lex->paths[lex->path_count++] = path;
	source->at = source->text.octets;
	source->end = source->at + source->text.length;
	source->line = 1;
	lex->depth++;
	return 0;
}

struct named_lex *named_lex_open(const char *path, struct diag *diag)
{
	struct named_lex *lex = calloc(1, sizeof(*lex));
	char *copy = strdup(path);

	if (lex == NULL || copy == NULL) {
		free(lex);
		free(copy);
		diag_set(diag, path, 0, 0, "out of memory");
		return NULL;
	}
	if (push(lex, copy, diag) != 0)
		named_lex_close(&lex);
	return lex;
}

void named_lex_close(struct named_lex **lex)
{
	if (*lex == NULL)
		return;
	while ((*lex)->depth > 0)
		file_release(&(*lex)->stack[--(*lex)->depth].text);
	for (unsigned i = 0; i < (*lex)->path_count; i++)
		free((*lex)->paths[i]);
	free(*lex);
	*lex = NULL;
}

int named_lex_include(struct named_lex *lex, const char *path, struct diag *diag)
{
	const char *from = lex->paths[top(lex)->file];
	char *whole;

	if (lex->depth == DEPTH_MAX || lex->path_count == FILES_MAX)
		return diag_set(diag, from, top(lex)->line, 0, "too many includes");
	whole = import_path(from, path);
	return whole != NULL ? push(lex, whole, diag) : diag_set(diag, from, top(lex)->line, 0, "out of memory");
}

static bool begins(const struct source *source, const char *with)
{
	return (size_t)(source->end - source->at) >= strlen(with) && memcmp(source->at, with, strlen(with)) == 0;
}

static void skip_line(struct source *source)
{
	while (source->at < source->end && *source->at != '\n')
		source->at++;
}

static bool skip_block_comment(struct source *source)
{
	for (source->at += 2; source->at < source->end; source->at++) {
		if (begins(source, "*/")) {
			source->at += 2;
			return true;
		}
		source->line += *source->at == '\n';
	}
	return false;
}

/* False: a comment that does not end. */
static bool skip_space(struct source *source)
{
	while (source->at < source->end) {
		if (*source->at == '#' || begins(source, "//"))
			skip_line(source);
		else if (begins(source, "/*")) {
			if (!skip_block_comment(source))
				return false;
		} else if (strchr(" \t\r\n\f\v", *source->at) != NULL && *source->at != '\0') {
			source->line += *source->at == '\n';
			source->at++;
		} else
			break;
	}
	return true;
}

static const char *read_quoted(struct source *source, struct named_token *token)
{
	size_t length = 0;

	token->quoted = true;
	for (source->at++; source->at < source->end && *source->at != '"'; source->at++) {
		if (*source->at == '\n' || *source->at == '\0')
			return "a quote does not end on its line";
		if (*source->at == '\\' && source->end - source->at > 1)
			source->at++;
		if (length == sizeof(token->text) - 1)
			return "a word is too long";
		token->text[length++] = *source->at;
	}
	if (source->at == source->end)
		return "a quote does not end";
	source->at++;
	token->text[length] = '\0';
	return NULL;
}

static const char *read_word(struct source *source, struct named_token *token)
{
	size_t length = 0;

	for (; source->at < source->end && (*source->at == '\0' || strchr(" \t\r\n\f\v{};\"", *source->at) == NULL) &&
	    !begins(source, "/*") && !begins(source, "//"); source->at++) {
		if (*source->at == '\0')
			return "is no text";
		if (length == sizeof(token->text) - 1)
			return "a word is too long";
		token->text[length++] = *source->at;
	}
	token->text[length] = '\0';
	return NULL;
}

static const char *read_token(struct source *source, struct named_token *token)
{
	static const char marks[] = "{};";
	static const enum named_kind kinds[] = { NAMED_OPEN, NAMED_CLOSE, NAMED_SEMICOLON };
	const char *mark = *source->at != '\0' ? strchr(marks, *source->at) : NULL;

	token->kind = NAMED_WORD;
	if (mark != NULL) {
		token->kind = kinds[mark - marks];
		source->at++;
		return NULL;
	}
	return *source->at == '"' ? read_quoted(source, token) : read_word(source, token);
}

int named_lex_next(struct named_lex *lex, struct named_token *token, struct diag *diag)
{
	struct source *source;
	const char *wrong = NULL;

	token->text[0] = '\0';
	token->quoted = false;
	for (;;) {
		source = top(lex);
		token->file = lex->paths[source->file];
		token->line = source->line;
		if (!skip_space(source))
			return diag_set(diag, token->file, token->line, 0, "a comment does not end");
		if (source->at < source->end)
			break;
		if (lex->depth == 1) {
			token->kind = NAMED_END;
			return 0;
		}
		file_release(&source->text);
		lex->depth--;
	}
	token->line = source->line;
	wrong = read_token(source, token);
	return wrong == NULL ? 0 : diag_set(diag, token->file, token->line, 0, "%s", wrong);
}
