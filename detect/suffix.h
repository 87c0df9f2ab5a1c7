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

/* Reads the list's text form. `key` is that of the hashes that suffix_find gives. Owned; NULL with *diag set: file,
 * line and what is wrong. */
struct suffix_set *suffix_load(const char *path, const struct hash_key *key, struct diag *diag);
void suffix_destroy(struct suffix_set **set);

struct suffix_found {
	unsigned labels;             /* of the registrable domain; 0: it has none (a public suffix, or no known TLD) */
	bool has_tld;                /* its top-level domain is one that there is */
	uint64_t zone;               /* hash of the registrable domain, where there is one */
	uint64_t name;               /* hash of the whole name */
};

struct suffix_found suffix_find(const struct suffix_set *set, const struct name *name);

size_t suffix_octets(const struct suffix_set *set);

#endif
