/*
 * sip.h: SipHash-1-3 with 128 bits of output, a word at a time, for policy/hash*.
 *
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 128-bit finalisation of the reference code. Inline,
 * for every question goes through it.
 *
 * Threads: values only.
 */
#ifndef POLICY_SIP_H
#define POLICY_SIP_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct hash_key {
	uint64_t k0;
	uint64_t k1;
};

#define SIP_WORD_OCTETS 8

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t sip_rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip_mix(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = sip_rotate(s->v1, 13) ^ s->v0;
	s->v3 = sip_rotate(s->v3, 16) ^ s->v2;
	s->v0 = sip_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = sip_rotate(s->v1, 17) ^ s->v2;
	s->v3 = sip_rotate(s->v3, 21) ^ s->v0;
	s->v2 = sip_rotate(s->v2, 32);
}

static inline struct sip sip_begin(const struct hash_key *key)
{
	/* 0xee is what sets the 128-bit variant apart. */
	return (struct sip){
		.v0 = key->k0 ^ UINT64_C(0x736f6d6570736575),
		.v1 = key->k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		.v2 = key->k0 ^ UINT64_C(0x6c7967656e657261),
		.v3 = key->k1 ^ UINT64_C(0x7465646279746573),
	};
}

static inline void sip_absorb(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_mix(s);
	s->v0 ^= word;
}

/* Leaves the state from which the second word comes. */
static inline uint64_t sip_finish_low(struct sip *s)
{
	s->v2 ^= 0xee;
	sip_mix(s);
	sip_mix(s);
	sip_mix(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t sip_finish_high(struct sip s)
{
	s.v1 ^= 0xdd;
	sip_mix(&s);
	sip_mix(&s);
	sip_mix(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Up to 8 octets as a little-endian word, zero padded. */
static inline uint64_t sip_word_at(const uint8_t *at, size_t octets)
{
	uint64_t word = 0;
	uint32_t low, high;

	if (octets >= SIP_WORD_OCTETS) {
		memcpy(&word, at, SIP_WORD_OCTETS);
		return le64toh(word);
	}
	/* Of known lengths, perhaps overlapping: a copy of any other is a call. */
	if (octets >= sizeof(low)) {
		memcpy(&low, at, sizeof(low));
		memcpy(&high, at + octets - sizeof(high), sizeof(high));
		return le32toh(low) | (uint64_t)le32toh(high) << (octets - sizeof(high)) * 8;
	}
	while (octets-- > 0)
		word = word << 8 | at[octets];
	return word;
}

#endif
