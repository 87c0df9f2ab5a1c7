/*
 * hash.h: keyed hashes of a name and of every suffix of it, in one pass.
 *
 * SipHash-1-3 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit
 * finalisation of the reference code) over 64-bit words of our own making: the labels from the root leftwards, each
 * as its wire form (length octet first), zero padded to whole little-endian words. The length octet says how many
 * words a label takes, so no two names give the same words. The state after a label is copied and finalised for the
 * suffix that begins there: all suffixes of a name cost one pass over it.
 *
 * The key is random for each compiled policy: without it nobody can craft two names that collide.
 *
 * Threads: values only, no shared state.
 */
#ifndef POLICY_HASH_H
#define POLICY_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/name.h"

struct hash_key {
	uint64_t k0;
	uint64_t k1;
};

struct hash {
	uint64_t low;
	uint64_t high;
};

/* Which numbers of labels are of interest: bit d for suffixes of d labels, 1 to 127. */
struct hash_depths {
	uint64_t bits[2];
};

void hash_depths_add(struct hash_depths *depths, unsigned labels);
bool hash_depths_has(const struct hash_depths *depths, unsigned labels);

/* The whole name; the root too. */
struct hash hash_name(const struct hash_key *key, const struct name *name);

/* Every suffix of `name` whose number of labels is in `depths`, the root never: hashes[i] is of the suffix that is
 * left when i labels are cut off. The others are not written. `hashes` holds name->labels. */
void hash_suffixes(const struct hash_key *key, const struct name *name, const struct hash_depths *depths,
		   struct hash *hashes);

/* Any octets, for tables that hostile input could crowd; 64 bits. */
uint64_t hash_octets(const struct hash_key *key, const void *octets, size_t length);

#endif
