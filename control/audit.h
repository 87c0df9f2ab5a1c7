/*
 * audit.h: lines that are only ever added to a file: who changed what, when and why.
 *
 *     2026-11-21T00:40:44Z allow id=5 name=a.example client=everybody until=2026-11-21T01:40:44Z who=root why="x y"
 *
 * The file is opened for each line, so it can be rotated by moving it.
 *
 * Threads: any: a line is one write to its end.
 */
#ifndef CONTROL_AUDIT_H
#define CONTROL_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/diag.h"
#include "policy/override.h"

#define AUDIT_LINE_MAX 4096
#define AUDIT_TIME_MAX 32

/* `2026-11-21T00:40:44Z`. `to` holds AUDIT_TIME_MAX. Returns `to`. */
char *audit_time(int64_t seconds, char *to);

/* ` key=value`, escaped (control/quote.h), behind the `used` octets of a line of AUDIT_LINE_MAX. Returns the new
 * length. */
size_t audit_add(char *line, size_t used, const char *key, const char *value);

/* What is said of an override: `verb id=5 name=... client=...` and so on. `to` holds AUDIT_LINE_MAX. Returns `to`. */
char *audit_override(const char *verb, const struct override *override, const char *who, const char *why, char *to);

/* Appends the time, `line` and a newline, at once. 0, or -1 with *diag set. */
int audit_append(const char *path, int64_t now, const char *line, struct diag *diag);

#endif
