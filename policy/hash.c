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

static inline struct hash finish(struct state s)
{
	struct hash hash;

	s.v2 ^= 0xee;
	mix(&s);
	mix(&s);
	mix(&s);
	hash.low = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	s.v1 ^= 0xdd;
	mix(&s);
	mix(&s);
	mix(&s);
	hash.high = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
	return hash;
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

struct hash hash_name(const struct hash_key *key, const struct name *name)
{
	uint8_t starts[NAME_LABELS_MAX];
	struct state s = begin(key);
	unsigned i;

	find_labels(name, starts);
	for (i = name->labels; i-- > 0;)
		absorb_label(&s, name->octets + starts[i], NAME_OCTETS_MAX - (size_t)starts[i]);
	return finish(s);
}

void hash_suffixes(const struct hash_key *key, const struct name *name, const struct hash_depths *depths,
		   struct hash *hashes)
{
	uint8_t starts[NAME_LABELS_MAX];
	struct state s = begin(key);
	unsigned depth = 0;
	unsigned i;

	find_labels(name, starts);
	for (i = name->labels; i-- > 0;) {
		absorb_label(&s, name->octets + starts[i], NAME_OCTETS_MAX - (size_t)starts[i]);
		if (hash_depths_has(depths, ++depth))
			hashes[i] = finish(s);
	}
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
	return finish(s).low;
}
