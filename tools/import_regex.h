/*
 * import_regex.h: the regular expressions about names that say no more than a name or everything below one.
 *
 * Read are, around a literal name: `^name$` (the name alone), `(^|\.)name$` and `^(.+\.)?name$` (the name and all
 * below it) and `\.name$` (all below it), each in its common spellings. What is left is no rule of a list:
 * `ad[0-9]+`, `name$` (which fits badname, too), options behind `;`.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_IMPORT_REGEX_H
#define TOOLS_IMPORT_REGEX_H

#include <stdbool.h>

#include "policy/name.h"

#define FILTER_MAX (NAME_TEXT_MAX + 8)

enum cover { COVER_NAME, COVER_BELOW, COVER_BOTH };

/* Writes a name as an AdBlock filter. False: it is no name. */
bool filter_of_name(const char *text, enum cover cover, char to[static FILTER_MAX]);

/* The same of a POSIX extended regular expression. False: no filter says the same. */
bool filter_of_regex(const char *regex, char to[static FILTER_MAX]);

#endif
