/*
 * hash_walk.h: the hash of policy/hash.h, growing by one label at a time from the top-level domain leftwards.
 *
 * Inline: whoever walks keeps the state in registers.
 *
 * Threads: values only, no shared state.
 */
#ifndef POLICY_HASH_WALK_H
#define POLICY_HASH_WALK_H

#include <stdbool.h>

#include "policy/name.h"
#include "policy/sip.h"

/* A hash whose `high` is made when it is wanted: most look-ups end without. */
struct hash_half {
	uint64_t low;
	struct sip state;    /* for hash_other_half alone */
};

/* Where the labels of a name begin. */
struct hash_starts {
	uint8_t at[NAME_LABELS_MAX];
};

struct hash_walk {
	const uint8_t *octets;             /* borrowed from the name */
	const uint8_t *starts;             /* borrowed, too */
	unsigned cut;                      /* labels left out still */
	struct sip state;
};

/* `at` is the length octet of the label, `readable` what may be read from there on. */
static inline void hash_absorb_label(struct sip *s, const uint8_t *at, size_t readable)
{
	size_t octets = 1 + (size_t)*at;

	/* Most labels end far from the end of the buffer: one load and a shift instead of a copy of odd length. */
	while (octets >= SIP_WORD_OCTETS) {
		sip_absorb(s, sip_word_at(at, SIP_WORD_OCTETS));
		at += SIP_WORD_OCTETS;
		octets -= SIP_WORD_OCTETS;
		readable -= SIP_WORD_OCTETS;
	}
	if (octets == 0)
		return;
	if (__builtin_expect(readable >= SIP_WORD_OCTETS, true))
		sip_absorb(s, sip_word_at(at, SIP_WORD_OCTETS) << (SIP_WORD_OCTETS - octets) * 8 >> (SIP_WORD_OCTETS - octets) * 8);
	else
		sip_absorb(s, sip_word_at(at, octets));
}

/* Where each label begins, the leftmost first. */
static inline void hash_find_labels(const struct name *name, uint8_t *starts)
{
	unsigned at = 0;
	unsigned i;

	for (i = 0; i < name->labels; i++) {
		starts[i] = (uint8_t)at;
		at += 1u + name->octets[at];
	}
}

/* Fills *starts, and borrows it and the name for as long as the walk lasts. */
static inline void hash_walk_begin(struct hash_walk *walk, const struct hash_key *key, const struct name *name,
				   struct hash_starts *starts)
{
	hash_find_labels(name, starts->at);
	walk->octets = name->octets;
	walk->starts = starts->at;
	walk->cut = name->labels;
	walk->state = sip_begin(key);
}

/* Takes in the next label. Needs walk->cut > 0, and counts it down. */
static inline void hash_walk_label(struct hash_walk *walk)
{
	unsigned start = walk->starts[--walk->cut];

	hash_absorb_label(&walk->state, walk->octets + start, NAME_OCTETS_MAX - (size_t)start);
}

/* The hash of what was taken in so far. */
static inline void hash_walk_half(const struct hash_walk *walk, struct hash_half *half)
{
	half->state = walk->state;
	half->low = sip_finish_low(&half->state);
}

/* The `high` that belongs to it. */
static inline uint64_t hash_other_half(const struct hash_half *half)
{
	return sip_finish_high(half->state);
}

#endif
