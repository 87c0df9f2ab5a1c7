/*
 * diag.h: one error, told so that a person can mend it.
 *
 * Every function that can fail for reasons outside the program takes a caller-owned `struct diag *` as its
 * last argument, returns -1 and fills it; on success it is not touched. A NULL diag is allowed everywhere.
 * The text reads `file:line:column: what is wrong, and what would be right`; line and column are left out
 * where they are 0.
 *
 * Threads: a struct diag belongs to its caller; no function here keeps it.
 */
#ifndef POLICY_DIAG_H
#define POLICY_DIAG_H

#include <stddef.h>

struct diag {
	char file[256];   /* cut at the front ("...") when longer */
	unsigned line;    /* from 1; 0: not known */
	unsigned column;  /* from 1, in octets; 0: not known */
	char text[512];   /* printable ASCII only: whatever came from outside is escaped */
};

/* Sets the error. Octets outside printable ASCII that the arguments bring in are written as \DDD. Returns -1, so that
 * `return diag_set(...)` reads well. */
int diag_set(struct diag *diag, const char *file, unsigned line, unsigned column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Writes `file:line:column: text`, always NUL-terminated, and returns `to`. */
char *diag_format(const struct diag *diag, char *to, size_t cap);

#endif
