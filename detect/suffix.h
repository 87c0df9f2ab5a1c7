/*
 * suffix.h: the registrable domain of a name, on wire form.
 *
 * The rules are those of the Public Suffix List's ICANN section (publicsuffix.org, "Format" and "Algorithm"), compiled
 * once; tests hold them against libpsl, which knows text only and costs four times as much. Of its private section
 * nothing is used: tenants of a content network look like generated names, and its inner names belong to the network
 * itself. Dynamic DNS is the exception, since whoever has a name there answers for it: those zones are in a table of
 * our own.
 *
 * Threads: immutable once loaded.
 */
#ifndef DETECT_SUFFIX_H
#define DETECT_SUFFIX_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/diag.h"
#include "policy/hash.h"
#include "policy/name.h"

struct suffix_set;

/* Reads the list's text form. `key` is that of the hashes that suffix_zone gives. Owned; NULL with *diag set: file,
 * line and what is wrong. */
struct suffix_set *suffix_load(const char *path, const struct hash_key *key, struct diag *diag);
void suffix_destroy(struct suffix_set **set);

/* How many labels the registrable domain of `name` has, and its hash; 0: it has none (a public suffix, or no known
 * top-level domain). */
unsigned suffix_zone(const struct suffix_set *set, const struct name *name, uint64_t *hash);

/* Is its top-level domain one that there is? */
bool suffix_has_tld(const struct suffix_set *set, const struct name *name);

size_t suffix_octets(const struct suffix_set *set);

#endif
