/*
 * list_names.h: the names that override others inside one AdBlock list. For policy/list*.c alone.
 *
 * Only keyed 64-bit fingerprints of the names are kept: no file can crowd the table, and a chance hit comes once in
 * 1e13 look-ups even with a million names.
 *
 * Threads: belongs to one reader.
 */
#ifndef POLICY_LIST_NAMES_H
#define POLICY_LIST_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hash.h"
#include "policy/name.h"

struct names {
	struct hash_key key;
	uint64_t *tags;        /* owned, as is `flags`; 0: free */
	uint8_t *flags;
	size_t room;           /* a power of two */
	size_t used;
};

/* False: no random key. An empty table owns nothing. */
bool names_init(struct names *names);
void names_fini(struct names *names);

/* Adds flags to those of the name. False: no memory. */
bool names_add(struct names *names, const struct name *name, uint8_t flags);

/* The flags of the suffix of `name` without its first `cut` labels; 0: not there. */
uint8_t names_find(const struct names *names, const struct name *name, unsigned cut);

#endif
