/*
 * html_out.h: texts and numbers into an HTML page.
 *
 * html_text lets nothing through that could end a text or an attribute's value, change the direction or the look of
 * what follows, or hide: of & < > " ' it makes references; control characters, marks of direction, other characters
 * without a shape, and private and unassigned ones at the ends of planes are shown as \u{202e}; octets that are no
 * UTF-8 as \xHH.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_HTML_OUT_H
#define TOOLS_HTML_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

void html_text(FILE *to, const void *text, size_t octets);

/* The same for a text that ends in NUL; NULL: nothing. */
void html_put(FILE *to, const char *text);

/* 1234567 as 1,234,567. */
void html_count(FILE *to, int64_t count);

#define HTML_TIME_MAX 32

/* 2026-11-21 10:00, UTC. `text` holds HTML_TIME_MAX. Returns it. */
char *html_time_text(int64_t seconds, char *text);
void html_time(FILE *to, int64_t seconds);

#endif
