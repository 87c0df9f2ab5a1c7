/* bloom.c: two generations of bits in one cache line, eight of them for each key. */
#include "detect/bloom.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "detect/pages.h"
#include "policy/hot.h"

#define WORDS 8u                     /* of a block: one cache line */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define HALF_BITS 32u                /* of a word: one generation's, the second one's are the upper ones */
#define HALF UINT64_C(0xffffffff)

struct bloom {
	_Atomic uint64_t *words;
	size_t blocks;               /* a power of two */
	uint32_t period_s;
	_Atomic int64_t turned_s;    /* 0: not yet; of the thread that turns, others look */
	_Atomic unsigned current;
};

struct bloom *bloom_create(size_t octets, uint32_t period_s)
{
	struct bloom *bloom = calloc(1, sizeof(*bloom));

	if (bloom == NULL)
		return NULL;
	bloom->blocks = 2;
	while (bloom->blocks * PAGES_LINE <= octets)
		bloom->blocks *= 2;
	bloom->period_s = period_s;
	bloom->words = pages_create(bloom->blocks * PAGES_LINE);
	if (bloom->words == NULL)
		bloom_destroy(&bloom);
	return bloom;
}

void bloom_destroy(struct bloom **bloom)
{
	if (*bloom == NULL)
		return;
	free((*bloom)->words);
	free(*bloom);
	*bloom = NULL;
}

static _Atomic uint64_t *block_of(const struct bloom *bloom, uint64_t hash)
{
	return bloom->words + ((hash >> 32) & (bloom->blocks - 1)) * WORDS;
}

/* Which bit of each word, out of the half of the hash that does not choose the block: of the first a product, of each
 * other one that of the one before and a step. */
static inline uint64_t product_of(uint64_t hash)
{
	return (hash & UINT32_MAX) * FACTOR;
}

static inline uint64_t step_of(uint64_t hash)
{
	return 2 * (hash & UINT32_MAX);
}

static inline unsigned bit_of(uint64_t product, unsigned word)
{
	return product >> (8 + 4 * word) & (HALF_BITS - 1);
}

/* Bit 0: the first generation has it; bit 32: the second one. All eight words without a branch. */
static inline uint64_t who_has(const _Atomic uint64_t *words, uint64_t hash)
{
	uint64_t product = product_of(hash), all = HALF << HALF_BITS | HALF;

#pragma GCC unroll 8
	for (unsigned i = 0; i < WORDS; i++, product += step_of(hash))
		all &= atomic_load_explicit(&words[i], memory_order_relaxed) >> bit_of(product, i);
	return all & (UINT64_C(1) << HALF_BITS | 1);
}

HOT bool bloom_has(const struct bloom *bloom, uint64_t hash)
{
	return who_has(block_of(bloom, hash), hash) != 0;
}

static void add(_Atomic uint64_t *words, uint64_t hash, unsigned shift)
{
	uint64_t product = product_of(hash);

	for (unsigned i = 0; i < WORDS; i++, product += step_of(hash)) {
		const uint64_t bit = UINT64_C(1) << (bit_of(product, i) + shift);

		if ((atomic_load_explicit(&words[i], memory_order_relaxed) & bit) == 0)
			atomic_fetch_or_explicit(&words[i], bit, memory_order_relaxed);
	}
}

HOT bool bloom_add(struct bloom *bloom, uint64_t hash)
{
	/* pairs with bloom_turn */
	const unsigned shift = atomic_load_explicit(&bloom->current, memory_order_acquire) * HALF_BITS;
	_Atomic uint64_t *words = block_of(bloom, hash);
	const uint64_t has = who_has(words, hash);

	if ((has >> shift & 1) == 0)
		add(words, hash, shift);
	return has == 0;
}

HOT void bloom_fetch(const struct bloom *bloom, uint64_t hash)
{
	__builtin_prefetch(block_of(bloom, hash), 1);
}

void bloom_turn(struct bloom *bloom, int64_t now_s)
{
	const unsigned current = atomic_load_explicit(&bloom->current, memory_order_relaxed);
	const int64_t turned_s = atomic_load_explicit(&bloom->turned_s, memory_order_relaxed);
	const uint64_t kept = HALF << current * HALF_BITS;

	/* Turned in what is the future since the clock was put back, it would wait for that. */
	if (turned_s == 0 || turned_s > now_s)
		atomic_store_explicit(&bloom->turned_s, now_s, memory_order_relaxed);
	if (turned_s == 0 || now_s - turned_s < (int64_t)bloom->period_s)
		return;
	/* What is wiped while others look is what they are about to forget anyway; what they add meanwhile stays. */
	for (size_t i = 0; i < bloom->blocks * WORDS; i++)
		if ((atomic_load_explicit(&bloom->words[i], memory_order_relaxed) & ~kept) != 0)
			atomic_fetch_and_explicit(&bloom->words[i], kept, memory_order_relaxed);
	atomic_store_explicit(&bloom->turned_s, now_s, memory_order_relaxed);
	atomic_store_explicit(&bloom->current, 1 - current, memory_order_release);   /* read by bloom_add */
}

void bloom_shift(struct bloom *bloom, int64_t by_s)
{
	if (atomic_load_explicit(&bloom->turned_s, memory_order_relaxed) != 0)
		atomic_fetch_add_explicit(&bloom->turned_s, by_s, memory_order_relaxed);
}

unsigned bloom_filling(const struct bloom *bloom)
{
	const size_t words = bloom->blocks * WORDS;
	const size_t step = words > 4096 ? words / 4096 : 1;
	uint64_t bits[2] = { 0, 0 }, looked = 0;

	for (size_t i = 0; i < words; i += step, looked += HALF_BITS) {
		const uint64_t word = atomic_load_explicit(&bloom->words[i], memory_order_relaxed);

		bits[0] += (uint64_t)__builtin_popcountll(word & HALF);
		bits[1] += (uint64_t)__builtin_popcountll(word >> HALF_BITS);
	}
	return (unsigned)((bits[0] > bits[1] ? bits[0] : bits[1]) * 1000 / looked);
}

size_t bloom_octets(const struct bloom *bloom)
{
	return bloom->blocks * PAGES_LINE + sizeof(*bloom);
}

struct bloom_image bloom_image(struct bloom *bloom)
{
	return (struct bloom_image){
		.words = bloom->words,
		.octets = bloom->blocks * PAGES_LINE,
		.turned_s = atomic_load_explicit(&bloom->turned_s, memory_order_relaxed),
		.current = atomic_load_explicit(&bloom->current, memory_order_relaxed),
	};
}

void bloom_restore(struct bloom *bloom, int64_t turned_s, unsigned current)
{
	atomic_store_explicit(&bloom->turned_s, turned_s, memory_order_relaxed);
	atomic_store_explicit(&bloom->current, current & 1, memory_order_release);
}
