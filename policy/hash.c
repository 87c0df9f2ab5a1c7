/* hash.c: SipHash-1-3-128 over the labels of a name. */
#include "policy/hash.h"

#include <endian.h>
#include <string.h>

#define WORD_OCTETS 8

struct state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void mix(struct state *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline struct state begin(const struct hash_key *key)
{
	/* 0xee is what sets the 128-bit variant apart. */
	return (struct state){
		.v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		.v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->k1 ^ UINT64_C(0x7465646279746573),
	};
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s);
	s->v0 ^= word;
}

/* Leaves the state from which the second word comes. */
static inline uint64_t finish_low(struct state *s)
{
	s->v2 ^= 0xee;
	mix(s);
	mix(s);
	mix(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t finish_high(struct state s)
{
	s.v1 ^= 0xdd;
	mix(&s);
	mix(&s);
	mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Up to 8 octets as a little-endian word, zero padded. */
static inline uint64_t word_at(const uint8_t *at, size_t octets)
{
	uint64_t word = 0;

	memcpy(&word, at, octets < WORD_OCTETS ? octets : WORD_OCTETS);
	return le64toh(word);
}

/* `at` is the length octet of the label, `readable` what may be read from there on. */
static inline void absorb_label(struct state *s, const uint8_t *at, size_t readable)
{
	size_t octets = 1 + (size_t)*at;

	/* Most labels end far from the end of the buffer: one load and a shift instead of a copy of odd length. */
	while (octets >= WORD_OCTETS) {
		absorb(s, word_at(at, WORD_OCTETS));
		at += WORD_OCTETS;
		octets -= WORD_OCTETS;
		readable -= WORD_OCTETS;
	}
	if (octets == 0)
		return;
	if (readable >= WORD_OCTETS)
		absorb(s, word_at(at, WORD_OCTETS) << (WORD_OCTETS - octets) * 8 >> (WORD_OCTETS - octets) * 8);
	else
		absorb(s, word_at(at, octets));
}

void hash_depths_add(struct hash_depths *depths, unsigned labels)
{
	depths->bits[labels / 64 % 2] |= UINT64_C(1) << labels % 64;
}

bool hash_depths_has(const struct hash_depths *depths, unsigned labels)
{
	return (depths->bits[labels / 64 % 2] >> labels % 64 & 1) != 0;
}

/* Where each label begins, the leftmost first. */
static inline void find_labels(const struct name *name, uint8_t *starts)
{
	unsigned at = 0;
	unsigned i;

	for (i = 0; i < name->labels; i++) {
		starts[i] = (uint8_t)at;
		at += 1u + name->octets[at];
	}
}

static inline void save(uint64_t *to, const struct state *s)
{
	to[0] = s->v0;
	to[1] = s->v1;
	to[2] = s->v2;
	to[3] = s->v3;
}

static inline struct state restore(const uint64_t *from)
{
	return (struct state){ from[0], from[1], from[2], from[3] };
}

struct hash hash_name_above(const struct hash_key *key, const struct name *name, unsigned from, unsigned to,
			    uint64_t *above)
{
	uint8_t starts[NAME_LABELS_MAX];
	struct state s = begin(key);
	struct hash hash;
	unsigned i;

	find_labels(name, starts);
	for (i = name->labels; i-- > 0;) {
		unsigned depth = name->labels - i;

		absorb_label(&s, name->octets + starts[i], NAME_OCTETS_MAX - (size_t)starts[i]);
		if (i != 0 && depth >= from && depth <= to) {
			struct state copy = s;

			above[depth - from] = finish_low(&copy);
		}
	}
	hash.low = finish_low(&s);
	hash.high = finish_high(s);
	return hash;
}

struct hash hash_name(const struct hash_key *key, const struct name *name)
{
	return hash_name_above(key, name, 1, 0, NULL);
}

void hash_walk_begin(struct hash_walk *walk, const struct hash_key *key, const struct name *name)
{
	struct state s = begin(key);

	walk->octets = name->octets;
	walk->cut = name->labels;
	find_labels(name, walk->starts);
	save(walk->state, &s);
}

void hash_walk_label(struct hash_walk *walk)
{
	struct state s = restore(walk->state);
	unsigned start = walk->starts[--walk->cut];

	absorb_label(&s, walk->octets + start, NAME_OCTETS_MAX - (size_t)start);
	save(walk->state, &s);
}

void hash_walk_half(const struct hash_walk *walk, struct hash_half *half)
{
	struct state s = restore(walk->state);

	half->low = finish_low(&s);
	save(half->state, &s);
}

uint64_t hash_other_half(const struct hash_half *half)
{
	return finish_high(restore(half->state));
}

uint64_t hash_octets(const struct hash_key *key, const void *octets, size_t length)
{
	const uint8_t *at = octets;
	size_t left = length;
	struct state s = begin(key);

	for (; left > 0; at += WORD_OCTETS) {
		absorb(&s, word_at(at, left));
		left -= left < WORD_OCTETS ? left : WORD_OCTETS;
	}
	absorb(&s, length);
	return finish_low(&s);
}
