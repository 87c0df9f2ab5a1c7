/*
 * hash.h: keyed hashes of a name and of its suffixes, in one pass.
 *
 * SipHash-1-3 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit
 * finalisation of the reference code) over 64-bit words of our own making: the labels from the root leftwards, each
 * as its wire form (length octet first), zero padded to whole little-endian words. The length octet says how many
 * words a label takes, so no two names give the same words. The state after a label is copied and finalised for the
 * suffix that begins there: all suffixes of a name cost one pass over it. Of the two output words the first costs
 * three rounds, the second three more; a search that the first one ends never pays for the second (struct hash_half).
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

/* A hash whose `high` is made when it is wanted: most look-ups end without. */
struct hash_half {
	uint64_t low;
	uint64_t state[4];   /* for hash_other_half alone */
};

/* Which numbers of labels are of interest: bit d for suffixes of d labels, 1 to 127. */
struct hash_depths {
	uint64_t bits[2];
};

void hash_depths_add(struct hash_depths *depths, unsigned labels);
bool hash_depths_has(const struct hash_depths *depths, unsigned labels);

/* The whole name; the root too. */
struct hash hash_name(const struct hash_key *key, const struct name *name);

/* The same, and on the way the `low` of each shorter suffix of `from` to `to` labels: above[0] is of `from` labels.
 * */
struct hash hash_name_above(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
			    uint64_t *above);

/* A hash that grows by one label at a time, from the top-level domain leftwards. */
struct hash_walk {
	const uint8_t *octets;             /* borrowed from the name */
	unsigned cut;                      /* labels left out still */
	uint64_t state[4];
	uint8_t starts[NAME_LABELS_MAX];   /* of the labels */
};

/* Borrows the name for as long as the walk lasts. */
void hash_walk_begin(struct hash_walk *walk, const struct hash_key *key, const struct name *name);

/* Takes in the next label. Needs walk->cut > 0, and counts it down. */
void hash_walk_label(struct hash_walk *walk);

/* The hash of what was taken in so far. */
void hash_walk_half(const struct hash_walk *walk, struct hash_half *half);

/* The `high` that belongs to it. */
uint64_t hash_other_half(const struct hash_half *half);

/* Any octets, for tables that hostile input could crowd; 64 bits. */
uint64_t hash_octets(const struct hash_key *key, const void *octets, size_t length);

#endif
