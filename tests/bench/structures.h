/*
 * structures.h: small implementations of what the literature offers for "is this hash in the set, and what is its
 * class?", to be measured side by side. Each takes 64 or more keyed bits of a name (policy/hash.h) and keeps a class
 * of 16 bits for each; filters keep none.
 *
 * Threads: read-only once built.
 */
#ifndef TESTS_BENCH_STRUCTURES_H
#define TESTS_BENCH_STRUCTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/hash.h"

/* Cache lines of 7 slots; a full one leaves a bit of each entry that went past it. */
struct lines {
	uint8_t *octets;     /* mapped, 64 for each line */
	size_t count;
};

/* Blocks of one cache line, six bits a name (Putze, Sanders, Singler 2007: "Cache-, hash- and space-efficient Bloom
 * filters"). */
struct bloom {
	uint64_t *words;
	size_t blocks;
};

/* Graf and Lemire 2022: "Binary fuse filters: fast and smaller than xor filters"; 8-bit fingerprints, three places.
 * */
struct fuse {
	uint8_t *prints;
	size_t octets;
	uint32_t segment;    /* a power of two */
	uint32_t segments;   /* in which the first place may be */
	uint64_t seed;
};

/* 64-bit fingerprints, linear probing; classes beside them. */
struct prints {
	uint64_t *prints;    /* 0: free */
	uint16_t *classes;
	size_t slots;
};

/* Zeroed, on huge pages where there are any; never given back before the process ends. NULL: none. */
void *structures_map(size_t octets);

/* `fill`: slots taken of a hundred. False: no memory. The hashes are all different. */
bool lines_build_scalar(struct lines *lines, const struct hash *hashes, size_t count, unsigned fill);
bool lines_build_vector(struct lines *lines, const struct hash *hashes, size_t count, unsigned fill);
bool bloom_build(struct bloom *bloom, const struct hash *hashes, size_t count, unsigned bits_each);
bool fuse_build(struct fuse *fuse, const struct hash *hashes, size_t count);
bool prints_build(struct prints *prints, const struct hash *hashes, size_t count, unsigned fill);

/* The class, or 0. */
uint16_t lines_find_scalar(const struct lines *lines, const struct hash_half *half);
uint16_t lines_find_vector(const struct lines *lines, const struct hash_half *half);
uint16_t prints_find(const struct prints *prints, const struct hash_half *half);
bool bloom_may_have(const struct bloom *bloom, uint64_t low);
bool fuse_may_have(const struct fuse *fuse, uint64_t low);

void lines_prefetch(const struct lines *lines, uint64_t low);
void bloom_prefetch(const struct bloom *bloom, uint64_t low);
void fuse_prefetch(const struct fuse *fuse, uint64_t low);
void prints_prefetch(const struct prints *prints, uint64_t low);

#endif
