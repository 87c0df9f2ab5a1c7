/*
 * hash.h: keyed hashes of a name and of its suffixes, in one pass.
 *
 * SipHash-1-3 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit
 * finalisation of the reference code) over 64-bit words of our own making: the labels from the root leftwards, each
 * as its wire form (length octet first), zero padded to whole little-endian words. The length octet says how many
 * words a label takes, so no two names give the same words. The state after a label is copied and finalised for the
 * suffix that begins there: all suffixes of a name cost one pass over it. Of the two output words the first costs
 * three rounds, the second three more; a search that the first one ends never pays for the second (policy/hash_walk.h).
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
#include "policy/sip.h"

struct hash {
	uint64_t low;
	uint64_t high;
};

/* Which numbers of labels are of interest: bit d for suffixes of d labels, 1 to 127. */
struct hash_depths {
	uint64_t bits[2];
};

void hash_depths_add(struct hash_depths *depths, unsigned labels);

static inline bool hash_depths_has(const struct hash_depths *depths, unsigned labels)
{
	return (depths->bits[labels / 64 % 2] >> labels % 64 & 1) != 0;
}

/* The whole name; the root too. */
struct hash hash_name(const struct hash_key *key, const struct name *name);

/* The same, and on the way the `low` of each shorter suffix of `from` to `to` labels: above[0] is of `from` labels.
 * */
struct hash hash_name_above(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
			    uint64_t *above);

/* The same without the `high`. */
uint64_t hash_name_lows(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
	uint64_t *above);

/* Any octets, for tables that hostile input could crowd; 64 bits. */
uint64_t hash_octets(const struct hash_key *key, const void *octets, size_t length);

#endif
