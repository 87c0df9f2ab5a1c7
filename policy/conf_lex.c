/* conf_lex.c: the words of one configuration file. */
#include "policy/conf_lex.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/file.h"

#define FILE_OCTETS_MAX ((size_t)16 << 20)
#define LINE_OCTETS_MAX 65535

struct conf_lex {
	char *path;
	struct file_text text;
	const char *at;          /* what is not read yet of the line */
	const char *line_start;
	const char *line_end;    /* LF or the end of the file; CR not included */
	const char *next_line;
	unsigned line;           /* 0: before the first */
	char word[LINE_OCTETS_MAX + 1];
};

static bool is_blank(char octet)
{
	return octet == ' ' || octet == '\t';
}

static int fail(const struct conf_lex *lex, const char *at, struct diag *diag, const char *wrong)
{
	return diag_set(diag, lex->path, lex->line, (unsigned)(at - lex->line_start) + 1, "%s", wrong);
}

/* Octets of the UTF-8 sequence at `text` (RFC 3629), 0 when it is none. */
static size_t utf8_octets(const uint8_t *text, size_t left)
{
	size_t octets, i;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	octets = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (left < octets)
		return 0;
	for (i = 1; i < octets; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates and what lies past U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return octets;
}

static int check_line(const struct conf_lex *lex, struct diag *diag)
{
	const char *at = lex->line_start;

	if (lex->line_end - at > LINE_OCTETS_MAX)
		return diag_set(diag, lex->path, lex->line, 0, "a line over %d octets: this is no configuration",
			LINE_OCTETS_MAX);
	while (at < lex->line_end) {
		size_t octets = utf8_octets((const uint8_t *)at, (size_t)(lex->line_end - at));

		if (*at == '\0')
			return fail(lex, at, diag, "a NUL octet: the configuration is a text file");
		if (octets == 0)
			return fail(lex, at, diag, "an octet that is not UTF-8: save the file as UTF-8");
		if (((uint8_t)*at < 0x20 && *at != '\t') || *at == 0x7f)
			return fail(lex, at, diag, "a control character: remove it");
		at += octets;
	}
	return 0;
}

/* 1, 0 at the end of the file, -1. */
static int next_line(struct conf_lex *lex, struct diag *diag)
{
	const char *end = lex->text.octets + lex->text.length;
	const char *newline;

	if (lex->next_line >= end)
		return 0;
	newline = memchr(lex->next_line, '\n', (size_t)(end - lex->next_line));
	lex->line++;
	lex->line_start = lex->at = lex->next_line;
	lex->line_end = newline != NULL ? newline : end;
	lex->next_line = newline != NULL ? newline + 1 : end;
	if (newline != NULL && newline > lex->line_start && newline[-1] == '\r')
		lex->line_end--;
	return check_line(lex, diag) == 0 ? 1 : -1;
}

static void set_word(struct conf_lex *lex, struct conf_word *word, const char *from, const char *to)
{
	word->length = (size_t)(to - from);
	memcpy(lex->word, from, word->length);
	lex->word[word->length] = '\0';
	word->text = lex->word;
}

static int read_quoted(struct conf_lex *lex, struct conf_word *word, struct diag *diag)
{
	const char *start = lex->at + 1;
	const char *close = memchr(start, *lex->at, (size_t)(lex->line_end - start));

	if (close == NULL)
		return fail(lex, lex->at, diag, "a quote that is not closed on its line: close it");
	if (close + 1 < lex->line_end && !is_blank(close[1]))
		return fail(lex, close + 1, diag, "text directly behind a quote: put a blank between them");
	set_word(lex, word, start, close);
	word->quoted = true;
	lex->at = close + 1;
	return 1;
}

int conf_lex_next_on_line(struct conf_lex *lex, struct conf_word *word, struct diag *diag)
{
	const char *start;

	while (lex->at < lex->line_end && is_blank(*lex->at))
		lex->at++;
	if (lex->at == lex->line_end || *lex->at == '#')
		return 0;
	word->line = lex->line;
	word->column = (unsigned)(lex->at - lex->line_start) + 1;
	if (*lex->at == '"' || *lex->at == '\'')
		return read_quoted(lex, word, diag);
	for (start = lex->at; lex->at < lex->line_end && !is_blank(*lex->at); lex->at++)
		if (*lex->at == '"' || *lex->at == '\'')
			return fail(lex, lex->at, diag,
				"a quote inside a word: put a blank before it, or quote the whole word");
	set_word(lex, word, start, lex->at);
	word->quoted = false;
	return 1;
}

int conf_lex_next(struct conf_lex *lex, struct conf_word *word, struct diag *diag)
{
	int result;

	do {
		result = conf_lex_next_on_line(lex, word, diag);
		if (result != 0)
			return result;
		result = next_line(lex, diag);
	} while (result == 1);
	return result;
}

struct conf_lex *conf_lex_open(const char *path, const char **why)
{
	struct conf_lex *lex = calloc(1, sizeof(*lex));

	*why = "cannot be read: out of memory";
	if (lex == NULL)
		return NULL;
	lex->path = strdup(path);
	if (lex->path != NULL)
		*why = file_load(&lex->text, path, FILE_OCTETS_MAX);
	if (*why != NULL) {
		conf_lex_close(&lex);
		return NULL;
	}
	lex->at = lex->line_start = lex->line_end = lex->next_line = lex->text.octets;
	if (lex->text.length >= 3 && memcmp(lex->text.octets, "\xef\xbb\xbf", 3) == 0)
		lex->next_line += 3;
	return lex;
}

void conf_lex_close(struct conf_lex **lex)
{
	if (*lex == NULL)
		return;
	file_release(&(*lex)->text);
	free((*lex)->path);
	free(*lex);
	*lex = NULL;
}

const char *conf_lex_path(const struct conf_lex *lex)
{
	return lex->path;
}
