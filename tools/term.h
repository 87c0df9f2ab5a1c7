/*
 * term.h: text for a person's terminal, made safe first.
 *
 * Everything that came from outside (names, records, list and client texts, what a collector's peer sent) passes
 * term_escape before it is printed: only printable ASCII gets through, so no control or escape octet, no C1 code, no
 * bidirectional mark and no broken UTF-8 can reach a terminal. Colour is used only on a terminal, and never where
 * NO_COLOR is set (https://no-color.org).
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stddef.h>

enum term_style { STYLE_PLAIN, STYLE_GOOD, STYLE_WARN, STYLE_BAD, STYLE_FAINT, STYLE_STRONG, STYLE_COUNT };

struct term {
	bool colour;
	unsigned columns;   /* 0: not a terminal, lines may be as long as they like */
};

/* Looks at the descriptor and the environment. */
void term_init(struct term *term, int fd);

/* What switches the style on and off; empty strings without colour. */
const char *term_on(const struct term *term, enum term_style style);
const char *term_off(const struct term *term, enum term_style style);

/* Copies, with every octet outside 0x20 to 0x7e as \DDD. What does not fit in `cap` (NUL included) is cut, never
 * inside an escape, and ends in "...". Returns the length of the result. Always NUL-terminated; `cap` is not 0. */
size_t term_escape(char *to, size_t cap, const void *from, size_t octets);

/* Would term_escape leave it as it is? */
bool term_is_clean(const void *from, size_t octets);

#endif
