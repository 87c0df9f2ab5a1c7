/*
 * aside.h: files that can not be read are set aside for whoever wants to look: they get the suffix `.damaged`, and the
 * oldest go when there are too many, since they may tell what clients asked.
 *
 * Threads: one at a time for each directory.
 */
#ifndef DNSTAP_ASIDE_H
#define DNSTAP_ASIDE_H

#include <stdbool.h>

#define ASIDE_SUFFIX ".damaged"
#define ASIDE_KEEP 8u
#define ASIDE_NAME_MAX 128

/* Renames `name` in `directory`, a descriptor; one of that name that was set aside before is replaced. A name that is too
 * long is removed. */
void aside_put(int directory, const char *name);

/* Does the name end with the suffix? */
bool aside_is_one(const char *name);

#endif
