/* bloom.c: two generations of bits, eight to a cache line for each key. */
#include "detect/bloom.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 8u                     /* of a block: one cache line */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define LINE_OCTETS (WORDS * sizeof(uint64_t))

struct bloom {
	void *generations[2];        /* blocks of words, all of them atomic */
	size_t blocks;               /* of each; a power of two */
	uint32_t period_s;
	_Atomic int64_t turned_s;    /* 0: not yet; of the thread that turns, others look */
	_Atomic unsigned current;
};

struct bloom *bloom_create(size_t octets, uint32_t period_s)
{
	struct bloom *bloom = calloc(1, sizeof(*bloom));

	if (bloom == NULL)
		return NULL;
	bloom->blocks = 1;
	while (bloom->blocks * 2 * LINE_OCTETS <= octets)
		bloom->blocks *= 2;
	bloom->period_s = period_s;
	for (unsigned i = 0; i < 2; i++) {
		bloom->generations[i] = aligned_alloc(LINE_OCTETS, bloom->blocks * LINE_OCTETS);
		if (bloom->generations[i] == NULL) {
			bloom_destroy(&bloom);
			return NULL;
		}
		memset(bloom->generations[i], 0, bloom->blocks * LINE_OCTETS);
	}
	return bloom;
}

void bloom_destroy(struct bloom **bloom)
{
	if (*bloom == NULL)
		return;
	free((*bloom)->generations[0]);
	free((*bloom)->generations[1]);
	free(*bloom);
	*bloom = NULL;
}

/* Which bit of that word, out of the half of the hash that does not choose the block. */
static inline unsigned bit_of(uint64_t hash, unsigned word)
{
	return ((hash & UINT32_MAX) * (FACTOR + 2 * word) >> (8 + 4 * word)) & 63;
}

static _Atomic uint64_t *block_of(const struct bloom *bloom, unsigned generation, uint64_t hash)
{
	return (_Atomic uint64_t *)bloom->generations[generation] + ((hash >> 32) & (bloom->blocks - 1)) * WORDS;
}

/* All eight without a branch, each product of bit_of out of the one before. */
static inline bool has(const struct bloom *bloom, unsigned generation, uint64_t hash)
{
	const _Atomic uint64_t *words = block_of(bloom, generation, hash);
	uint64_t product = (hash & UINT32_MAX) * FACTOR, all = 1;

#pragma GCC unroll 8
	for (unsigned i = 0; i < WORDS; i++, product += 2 * (hash & UINT32_MAX))
		all &= atomic_load_explicit(&words[i], memory_order_relaxed) >> (product >> (8 + 4 * i) & 63);
	return (all & 1) != 0;
}

bool bloom_has(const struct bloom *bloom, uint64_t hash)
{
	return has(bloom, 0, hash) || has(bloom, 1, hash);
}

bool bloom_add(struct bloom *bloom, uint64_t hash)
{
	/* pairs with bloom_turn */
	const unsigned current = atomic_load_explicit(&bloom->current, memory_order_acquire);
	_Atomic uint64_t *words = block_of(bloom, current, hash);

	if (has(bloom, current, hash))
		return false;
	for (unsigned i = 0; i < WORDS; i++) {
		const uint64_t bit = UINT64_C(1) << bit_of(hash, i);

		if ((atomic_load_explicit(&words[i], memory_order_relaxed) & bit) == 0)
			atomic_fetch_or_explicit(&words[i], bit, memory_order_relaxed);
	}
	return !has(bloom, 1 - current, hash);
}

void bloom_fetch(const struct bloom *bloom, uint64_t hash)
{
	const unsigned current = atomic_load_explicit(&bloom->current, memory_order_relaxed);

	__builtin_prefetch(block_of(bloom, current, hash), 1);
	__builtin_prefetch(block_of(bloom, 1 - current, hash), 0);
}

void bloom_turn(struct bloom *bloom, int64_t now_s)
{
	const unsigned current = atomic_load_explicit(&bloom->current, memory_order_relaxed);
	const int64_t turned_s = atomic_load_explicit(&bloom->turned_s, memory_order_relaxed);
	_Atomic uint64_t *old = bloom->generations[1 - current];

	/* Turned in what is the future since the clock was put back, it would wait for that. */
	if (turned_s == 0 || turned_s > now_s)
		atomic_store_explicit(&bloom->turned_s, now_s, memory_order_relaxed);
	if (turned_s == 0 || now_s - turned_s < (int64_t)bloom->period_s)
		return;
	/* What is wiped while others look is what they are about to forget anyway. */
	for (size_t i = 0; i < bloom->blocks * WORDS; i++)
		atomic_store_explicit(&old[i], 0, memory_order_relaxed);
	atomic_store_explicit(&bloom->turned_s, now_s, memory_order_relaxed);
	atomic_store_explicit(&bloom->current, 1 - current, memory_order_release);   /* read by bloom_add */
}

unsigned bloom_filling(const struct bloom *bloom)
{
	const size_t words = bloom->blocks * WORDS;
	const size_t step = words > 4096 ? words / 4096 : 1;
	unsigned most = 0;

	for (unsigned generation = 0; generation < 2; generation++) {
		uint64_t bits = 0, looked = 0;

		for (size_t i = 0; i < words; i += step, looked += 64)
			bits += (uint64_t)__builtin_popcountll(
				atomic_load_explicit(
					(_Atomic uint64_t *)bloom->generations[generation] + i, memory_order_relaxed));
		if (bits * 1000 / looked > most)
			most = (unsigned)(bits * 1000 / looked);
	}
	return most;
}

size_t bloom_octets(const struct bloom *bloom)
{
	return 2 * bloom->blocks * LINE_OCTETS + sizeof(*bloom);
}

struct bloom_image bloom_image(struct bloom *bloom)
{
	return (struct bloom_image){
		.generations = { bloom->generations[0], bloom->generations[1] },
		.octets = bloom->blocks * LINE_OCTETS,
		.turned_s = atomic_load_explicit(&bloom->turned_s, memory_order_relaxed),
		.current = atomic_load_explicit(&bloom->current, memory_order_relaxed),
	};
}

void bloom_restore(struct bloom *bloom, int64_t turned_s, unsigned current)
{
	atomic_store_explicit(&bloom->turned_s, turned_s, memory_order_relaxed);
	atomic_store_explicit(&bloom->current, current & 1, memory_order_release);
}
