/*
 * quote.h: values of `key=value` lines, for files that people and programs read.
 *
 * Whatever the octets are, the result is printable ASCII on one line, and reads back in one way only.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_QUOTE_H
#define CONTROL_QUOTE_H

#include <stddef.h>

#define QUOTE_OCTETS 4u    /* that one octet can take */

/* Copies with every octet outside 0x20 to 0x7e, and every quote and backslash, as \DDD; cut between octets at `cap`,
 * NUL included. Returns the length. */
size_t quote_escape(char *to, size_t cap, const void *from, size_t octets);

/* A value: as it is when it has letters, digits and .:/_*-+@()\ only and is not empty (so names stand in their usual
 * form); else in double quotes, and only there \DDD is an escape of ours. Cut so that the closing quote is always
 * there; `cap` is 3 at least. Returns the length. */
size_t quote_value(char *to, size_t cap, const char *text);

#endif
