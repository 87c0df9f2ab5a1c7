/*
 * snippet.h: a small configuration file of Unbound that is switched off and on again as a whole.
 *
 * Off means that each of its lines is a comment that begins with a mark, below a line that says why; on takes the marks
 * away. What people wrote stays as it is, their own comments too: a line that was commented out without the mark never
 * comes back by itself. The file is replaced by rename, so that no reader ever sees half of it, with mode and owner
 * kept. A link is refused, for the caller is root and the folder may be somebody else's.
 *
 * Threads: no shared state; one caller for a file.
 */
#ifndef TOOLS_SNIPPET_H
#define TOOLS_SNIPPET_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"

#define SNIPPET_OCTETS_MAX ((size_t)64 << 10)
#define SNIPPET_PATH_MAX 1024
#define SNIPPET_MARK "#verdict-off# "
#define SNIPPET_WHY "#verdict-off: "

/* The path behind `dynlib-file:`, on or off. False: none is there, or it does not fit into `to`. *diag is set only when
 * the file cannot be read. */
bool snippet_library(const char *path, char to[static SNIPPET_PATH_MAX], struct diag *diag);

/* Switches it on (`why` NULL) or off, and says whether that changed anything. 0, or -1 with *diag set and the file as
 * it was. Control octets in `why` become blanks. */
int snippet_switch(const char *path, const char *why, bool *changed, struct diag *diag);

#endif
