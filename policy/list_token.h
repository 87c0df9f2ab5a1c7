/*
 * list_token.h: the blanks and comments of line formats. For policy/list*.c alone.
 *
 * Inline: these run for every octet of lists that have millions of lines.
 */
#ifndef POLICY_LIST_TOKEN_H
#define POLICY_LIST_TOKEN_H

#include <stdbool.h>

static inline bool token_is_blank(char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\f' || octet == '\r';
}

/* Where the blanks that `text` begins with end. */
static inline const char *token_skip_blanks(const char *text, const char *end)
{
	while (text < end && token_is_blank(*text))
		text++;
	return text;
}

static inline const char *token_end(const char *text, const char *end)
{
	while (text < end && !token_is_blank(*text))
		text++;
	return text;
}

/* The end of the text without the blanks behind it. */
static inline const char *token_trim(const char *text, const char *end)
{
	while (end > text && token_is_blank(end[-1]))
		end--;
	return end;
}

/* The end of the line, or a comment? */
static inline bool token_is_comment(const char *text, const char *end)
{
	return text == end || *text == '#' || *text == ';';
}

#endif
