/* structures.c: lines of tags, a blocked Bloom filter, a binary fuse filter, open addressing. */
#include "tests/bench/structures.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "policy/set_memory.h"

#define LINE 64
#define SLOTS 7
#define PASSED 63
#define FUSE_TRIES 100

void *structures_map(size_t octets)
{
	size_t pages = memory_pages(octets);
	void *start = memory_map(pages);

	if (start == NULL)
		return NULL;
	memset(start, 0, pages);
	memory_settle(start, pages);
	return start;
}

/* Spreads the upper half of `low` over `count` places. */
static inline size_t place(uint64_t low, size_t count)
{
	return (size_t)((low >> 32) * count >> 32);
}

static uint16_t class_of(size_t index)
{
	return (uint16_t)(1 + index % 1000);
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* scalar: 7 tags of 7 octets, then `passed` (here at 49), then 7 classes;
 * vector: 7 tags of 2 octets, 7 classes, 7 rests of 5 octets, `passed`. */
#define SCALAR_PASSED 49
#define SCALAR_CLASSES 50
#define VECTOR_CLASSES 14
#define VECTOR_RESTS 28

static inline uint16_t load16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

static void put_scalar(uint8_t *line, unsigned slot, const struct hash *hash, uint16_t class)
{
	uint64_t tag = htole64(hash->high >> 8);

	memcpy(line + slot * 7u, &tag, 7);
	memcpy(line + SCALAR_CLASSES + slot * 2u, &class, 2);
}

static void put_vector(uint8_t *line, unsigned slot, const struct hash *hash, uint16_t class)
{
	uint16_t tag = (uint16_t)(hash->low >> 16);
	uint64_t rest = htole64(hash->high);

	memcpy(line + slot * 2u, &tag, 2);
	memcpy(line + VECTOR_CLASSES + slot * 2u, &class, 2);
	memcpy(line + VECTOR_RESTS + slot * 5u, &rest, 5);
}

static bool build_lines(struct lines *lines, const struct hash *hashes, size_t count, unsigned fill, unsigned classes,
			unsigned passed, void (*put)(uint8_t *, unsigned, const struct hash *, uint16_t))
{
	size_t i;

	lines->count = count * 100 / fill / SLOTS + 2;
	lines->octets = structures_map(lines->count * LINE);
	if (lines->octets == NULL)
		return false;
	for (i = 0; i < count; i++) {
		size_t at = place(hashes[i].low, lines->count);
		unsigned slot = 0;

		while (load16(lines->octets + at * LINE + classes + slot * 2u) != 0) {
			if (++slot < SLOTS)
				continue;
			lines->octets[at * LINE + passed] |= (uint8_t)(1u << (hashes[i].low & 7));
			at = at + 1 == lines->count ? 0 : at + 1;
			slot = 0;
		}
		put(lines->octets + at * LINE, slot, &hashes[i], class_of(i));
	}
	return true;
}

bool lines_build_scalar(struct lines *lines, const struct hash *hashes, size_t count, unsigned fill)
{
	return build_lines(lines, hashes, count, fill, SCALAR_CLASSES, SCALAR_PASSED, put_scalar);
}

bool lines_build_vector(struct lines *lines, const struct hash *hashes, size_t count, unsigned fill)
{
	return build_lines(lines, hashes, count, fill, VECTOR_CLASSES, PASSED, put_vector);
}

void lines_prefetch(const struct lines *lines, uint64_t low)
{
	__builtin_prefetch(lines->octets + place(low, lines->count) * LINE);
}

uint16_t lines_find_scalar(const struct lines *lines, const struct hash_half *half)
{
	uint64_t tag = hash_other_half(half) >> 8;
	size_t at = place(half->low, lines->count);

	for (;;) {
		const uint8_t *line = lines->octets + at * LINE;
		unsigned found = 0;
		unsigned slot;

		for (slot = 0; slot < SLOTS; slot++)
			found |= (unsigned)((load64(line + slot * 7u) ^ tag) << 8 == 0) << slot;
		if (found != 0)
			return load16(line + SCALAR_CLASSES + (unsigned)__builtin_ctz(found) * 2u);
		if ((line[SCALAR_PASSED] >> (half->low & 7) & 1) == 0)
			return 0;
		at = at + 1 == lines->count ? 0 : at + 1;
	}
}

typedef uint16_t tags __attribute__((vector_size(16)));
typedef int16_t equal __attribute__((vector_size(16)));

static inline unsigned slots_with(const uint8_t *line, uint16_t tag)
{
#ifdef __SSE2__
	typedef char octets __attribute__((vector_size(16)));
	tags have;
	equal same;

	memcpy(&have, line, sizeof(have));
	same = (equal)(have == (tags){ tag, tag, tag, tag, tag, tag, tag, tag });
	return (unsigned)__builtin_ia32_pmovmskb128((octets)same) & 0x1555;
#else
	unsigned found = 0;
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		found |= (unsigned)(load16(line + slot * 2u) == tag) << 2 * slot;
	return found;
#endif
}

uint16_t lines_find_vector(const struct lines *lines, const struct hash_half *half)
{
	size_t at = place(half->low, lines->count);

	for (;;) {
		const uint8_t *line = lines->octets + at * LINE;
		unsigned found;

		for (found = slots_with(line, (uint16_t)(half->low >> 16)); found != 0; found &= found - 1) {
			unsigned slot = (unsigned)__builtin_ctz(found) / 2;
			uint64_t rest = load64(line + VECTOR_RESTS + slot * 5u - 3) >> 24;

			if (rest == (hash_other_half(half) & UINT64_C(0xffffffffff)))
				return load16(line + VECTOR_CLASSES + slot * 2u);
		}
		if ((line[PASSED] >> (half->low & 7) & 1) == 0)
			return 0;
		at = at + 1 == lines->count ? 0 : at + 1;
	}
}

/* --- Bloom ------------------------------------------------------------------------------------------------------ */

static inline uint64_t spread(uint64_t low)
{
	return (low & UINT32_MAX) * UINT64_C(0x9e3779b97f4a7c15);
}

bool bloom_build(struct bloom *bloom, const struct hash *hashes, size_t count, unsigned bits_each)
{
	size_t i;
	unsigned bit;

	bloom->blocks = count * bits_each / 512 + 1;
	bloom->words = structures_map(bloom->blocks * LINE);
	if (bloom->words == NULL)
		return false;
	for (i = 0; i < count; i++) {
		uint64_t *block = bloom->words + place(hashes[i].low, bloom->blocks) * 8;
		uint64_t bits = spread(hashes[i].low);

		for (bit = 0; bit < 6; bit++, bits <<= 9)
			block[bits >> 61] |= UINT64_C(1) << (bits >> 55 & 63);
	}
	return true;
}

void bloom_prefetch(const struct bloom *bloom, uint64_t low)
{
	__builtin_prefetch(bloom->words + place(low, bloom->blocks) * 8);
}

bool bloom_may_have(const struct bloom *bloom, uint64_t low)
{
	const uint64_t *block = bloom->words + place(low, bloom->blocks) * 8;
	uint64_t bits = spread(low);
	uint64_t all = 1;
	unsigned bit;

	for (bit = 0; bit < 6; bit++, bits <<= 9)
		all &= block[bits >> 61] >> (bits >> 55 & 63);
	return all & 1;
}

/* --- binary fuse ------------------------------------------------------------------------------------------------ */

static inline uint64_t fuse_mix(const struct fuse *fuse, uint64_t low)
{
	uint64_t z = low + fuse->seed;

	z = (z ^ z >> 33) * UINT64_C(0xff51afd7ed558ccd);
	z = (z ^ z >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return z ^ z >> 33;
}

static inline uint32_t fuse_place(const struct fuse *fuse, uint64_t mixed, unsigned which)
{
	uint32_t first = (uint32_t)((mixed >> 32) * ((uint64_t)fuse->segments * fuse->segment) >> 32);
	uint32_t place = first + which * fuse->segment;

	return which == 0 ? place : place ^ (uint32_t)(mixed >> (which == 1 ? 18 : 0) & (fuse->segment - 1));
}

static inline uint8_t fuse_print(uint64_t mixed)
{
	return (uint8_t)(mixed ^ mixed >> 32);
}

struct peeling {
	uint64_t *xors;      /* of the mixed keys at a place */
	uint32_t *counts;
	uint32_t *alone;     /* places with one key */
	uint64_t *keys;      /* peeled, in that order */
	uint32_t *where;
};

/* Takes away one key after the other that is alone at some place. Returns how many. */
static size_t peel(const struct fuse *fuse, struct peeling *p)
{
	size_t waiting = 0;
	size_t peeled = 0;
	uint32_t i;
	unsigned which;

	for (i = 0; i < fuse->octets; i++)
		if (p->counts[i] == 1)
			p->alone[waiting++] = i;
	while (waiting > 0) {
		uint32_t at = p->alone[--waiting];
		uint64_t key = p->xors[at];

		if (p->counts[at] != 1)
			continue;
		p->keys[peeled] = key;
		p->where[peeled++] = at;
		for (which = 0; which < 3; which++) {
			uint32_t other = fuse_place(fuse, key, which);

			p->xors[other] ^= key;
			if (--p->counts[other] == 1)
				p->alone[waiting++] = other;
		}
	}
	return peeled;
}

static bool fuse_try(struct fuse *fuse, struct peeling *p, const struct hash *hashes, size_t count)
{
	size_t i;
	unsigned which;

	memset(p->xors, 0, fuse->octets * sizeof(*p->xors));
	memset(p->counts, 0, fuse->octets * sizeof(*p->counts));
	for (i = 0; i < count; i++) {
		uint64_t mixed = fuse_mix(fuse, hashes[i].low);

		for (which = 0; which < 3; which++) {
			p->xors[fuse_place(fuse, mixed, which)] ^= mixed;
			p->counts[fuse_place(fuse, mixed, which)]++;
		}
	}
	if (peel(fuse, p) != count)
		return false;
	for (i = count; i-- > 0;) {
		uint8_t print = fuse_print(p->keys[i]);

		for (which = 0; which < 3; which++) {
			uint32_t at = fuse_place(fuse, p->keys[i], which);

			if (at != p->where[i])
				print ^= fuse->prints[at];
		}
		fuse->prints[p->where[i]] = print;
	}
	return true;
}

bool fuse_build(struct fuse *fuse, const struct hash *hashes, size_t count)
{
	double larger = 0.875 + 0.25 * log(1e6) / log((double)count);
	struct peeling p;
	bool built = false;
	unsigned i;

	fuse->segment = UINT32_C(1) << (unsigned)(log((double)count) / log(3.33) + 2.25);
	fuse->segment = fuse->segment > 1 << 18 ? 1 << 18 : fuse->segment;
	fuse->segments = (uint32_t)((double)count * (larger < 1.125 ? 1.125 : larger) / fuse->segment) + 1;
	fuse->octets = (size_t)(fuse->segments + 2) * fuse->segment;
	fuse->prints = structures_map(fuse->octets);
	p.xors = structures_map(fuse->octets * sizeof(*p.xors));
	p.counts = structures_map(fuse->octets * sizeof(*p.counts));
	p.alone = structures_map(fuse->octets * 2 * sizeof(*p.alone));
	p.keys = structures_map(count * sizeof(*p.keys));
	p.where = structures_map(count * sizeof(*p.where));
	if (fuse->prints != NULL && p.xors != NULL && p.counts != NULL && p.alone != NULL && p.keys != NULL &&
	    p.where != NULL)
		for (i = 0; i < FUSE_TRIES && !built; i++) {
			fuse->seed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
			built = fuse_try(fuse, &p, hashes, count);
		}
	return built;
}

void fuse_prefetch(const struct fuse *fuse, uint64_t low)
{
	uint64_t mixed = fuse_mix(fuse, low);

	__builtin_prefetch(fuse->prints + fuse_place(fuse, mixed, 0));
	__builtin_prefetch(fuse->prints + fuse_place(fuse, mixed, 1));
	__builtin_prefetch(fuse->prints + fuse_place(fuse, mixed, 2));
}

bool fuse_may_have(const struct fuse *fuse, uint64_t low)
{
	uint64_t mixed = fuse_mix(fuse, low);

	return (fuse->prints[fuse_place(fuse, mixed, 0)] ^ fuse->prints[fuse_place(fuse, mixed, 1)] ^
		fuse->prints[fuse_place(fuse, mixed, 2)]) == fuse_print(mixed);
}

/* --- open addressing -------------------------------------------------------------------------------------------- */

bool prints_build(struct prints *prints, const struct hash *hashes, size_t count, unsigned fill)
{
	size_t i;

	prints->slots = count * 100 / fill + 1;
	prints->prints = structures_map(prints->slots * sizeof(*prints->prints));
	prints->classes = structures_map(prints->slots * sizeof(*prints->classes));
	if (prints->prints == NULL || prints->classes == NULL)
		return false;
	for (i = 0; i < count; i++) {
		size_t at = place(hashes[i].low, prints->slots);

		while (prints->prints[at] != 0)
			at = at + 1 == prints->slots ? 0 : at + 1;
		prints->prints[at] = hashes[i].low | 1;
		prints->classes[at] = class_of(i);
	}
	return true;
}

void prints_prefetch(const struct prints *prints, uint64_t low)
{
	__builtin_prefetch(prints->prints + place(low, prints->slots));
}

uint16_t prints_find(const struct prints *prints, const struct hash_half *half)
{
	size_t at = place(half->low, prints->slots);

	while (prints->prints[at] != 0) {
		if (prints->prints[at] == (half->low | 1))
			return prints->classes[at];
		at = at + 1 == prints->slots ? 0 : at + 1;
	}
	return 0;
}
