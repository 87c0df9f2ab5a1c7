/*
 * set_parts.h: how a set lies in memory, for policy/set*.c, and for policy/match.c, which asks its filter for each question.
 *
 * Threads: values only.
 */
#ifndef POLICY_SET_PARTS_H
#define POLICY_SET_PARTS_H

#include <endian.h>
#include <string.h>

#include "policy/set.h"
#include "policy/set_memory.h"

#define SET_PARTS 256
#define SET_SLOTS 7
#define SET_NO_CLASS 0
#define REST_OCTETS 5
#define REST_MASK UINT64_C(0xffffffffff)
#define BLOCK_WORDS 8

struct line {
	uint16_t tags[SET_SLOTS];
	uint16_t classes[SET_SLOTS];   /* SET_NO_CLASS: the slot is free */
	uint8_t rests[SET_SLOTS * REST_OCTETS];
	uint8_t passed;
};

_Static_assert(sizeof(struct line) == 64, "a line of the table is a cache line");

/* Lines that stand for themselves: an entry never leaves its part. */
struct part {
	struct line *lines;
	uint32_t count;            /* 0: nothing was put in */
};

struct set {
	struct line *lines;        /* mapped */
	size_t mapped;             /* octets */
	uint32_t first[SET_PARTS + 1];   /* line of each part */
	uint64_t *filter;          /* mapped; blocks of BLOCK_WORDS */
	size_t blocks;             /* below 2^32 */
	size_t entries;
	struct hash_depths depths;
};

/* What of a hash counts. */
struct key {
	uint32_t place;
	uint16_t tag;
	uint64_t rest;
};

static inline uint32_t place_of(uint64_t low)
{
	return (uint32_t)(low >> 32);
}

static inline uint16_t tag_of(uint64_t low)
{
	return (uint16_t)(low >> 16);
}

static inline struct part part_of(const struct set *set, uint32_t place)
{
	uint32_t number = place >> 24;
	uint32_t first = set->first[number];

	return (struct part){ .lines = set->lines + first, .count = set->first[number + 1] - first };
}

static inline uint32_t home(const struct part *part, uint32_t place)
{
	return (uint32_t)((uint64_t)(place & 0xffffff) * part->count >> 24);
}

static inline uint32_t next_line(const struct part *part, uint32_t index)
{
	return index + 1 == part->count ? 0 : index + 1;
}

static inline uint8_t passed_bit(uint16_t tag)
{
	return (uint8_t)(1u << (tag & 7));
}

/* The eight octets that end with the slot's rest: no rest begins a line, so all of them lie in it. */
static inline uint64_t rest_at(const struct line *line, unsigned slot)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)line + offsetof(struct line, rests) + (slot + 1) * REST_OCTETS - sizeof(word),
	       sizeof(word));
	return le64toh(word) >> 24;
}

/* One bit for each slot with that short tag, at twice its number; free slots too. */
static inline unsigned slots_with(const struct line *line, uint16_t tag)
{
#ifdef __SSE2__
	typedef uint16_t tags __attribute__((vector_size(16)));
	typedef char octets __attribute__((vector_size(16)));
	tags wanted = { tag, tag, tag, tag, tag, tag, tag, tag };
	tags have;

	/* Tags are the front of the line: the eighth is the first class, and is masked out. */
	memcpy(&have, line, sizeof(have));
	return (unsigned)__builtin_ia32_pmovmskb128((octets)(have == wanted)) & 0x1555;
#else
	unsigned found = 0;
	unsigned slot;

	for (slot = 0; slot < SET_SLOTS; slot++)
		found |= (unsigned)(line->tags[slot] == tag) << 2 * slot;
	return found;
#endif
}

/* Parents are told from rules by other bits of the same block. */
#define FILTER_RULE UINT64_C(0x9e3779b97f4a7c15)
#define FILTER_ABOVE UINT64_C(0xd6e8feb86659fd93)
#define FILTER_BITS_EACH 4

static inline size_t set_filter_octets(const struct set *set)
{
	return memory_pages(set->blocks * BLOCK_WORDS * sizeof(*set->filter));
}

static inline uint64_t *block_of(const struct set *set, uint32_t place)
{
	return set->filter + ((uint64_t)place * set->blocks >> 32) * BLOCK_WORDS;
}

static inline uint64_t bit_at(const uint64_t *block, uint64_t bits)
{
	return block[bits >> 61] >> (bits >> 55 & 63);
}

/* Whether all bits that `factor` gives are in the block. */
static inline bool has_bits(const uint64_t *block, uint32_t place, uint64_t factor)
{
	const uint64_t bits = place * factor;

	_Static_assert(FILTER_BITS_EACH == 4, "each has its term here");
	return bit_at(block, bits) & bit_at(block, bits << 9) & bit_at(block, bits << 18) & bit_at(block, bits << 27) & 1;
}

/* As set_hint, set_prefetch and set_prefetch_hint. Each answer from the cache asks once, too: a call would cost it more
 * than the few places need. */
static inline __attribute__((always_inline)) struct set_hint hint_of(const struct set *set, uint64_t low)
{
	uint32_t place = place_of(low);
	const uint64_t *block = block_of(set, place);

	return (struct set_hint){
		.here = has_bits(block, place, FILTER_RULE),
		.below = has_bits(block, place, FILTER_ABOVE),
	};
}

static inline void prefetch_line(const struct set *set, uint64_t low)
{
	struct part part = part_of(set, place_of(low));

	__builtin_prefetch(&part.lines[home(&part, place_of(low))]);
}

static inline void prefetch_block(const struct set *set, uint64_t low)
{
	__builtin_prefetch(block_of(set, place_of(low)));
}

#endif
