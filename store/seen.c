/* seen.c: blocks at hand, eight places for each. */
#include "store/seen.h"

#include <string.h>

#define PLACES 8u

static struct seen_block *place(struct seen *seen, uint32_t source, uint64_t block, unsigned step)
{
	uint64_t hash = (source * 0x9e3779b97f4a7c15u ^ block) * 0xd6e8feb86659fd93u;

	return &seen->blocks[((hash >> 32) + step) % SEEN_BLOCKS];
}

struct seen_block *seen_find(struct seen *seen, uint32_t source, uint64_t number)
{
	uint64_t block = number / SEEN_NUMBERS;

	for (unsigned i = 0; i < PLACES; i++) {
		struct seen_block *found = place(seen, source, block, i);

		if (found->source != source || found->block != block)
			continue;
		found->used = ++seen->clock;
		return found;
	}
	return NULL;
}

struct seen_block *seen_take(struct seen *seen, uint32_t source, uint64_t number)
{
	uint64_t block = number / SEEN_NUMBERS;
	struct seen_block *best = NULL;

	for (unsigned i = 0; i < PLACES; i++) {
		struct seen_block *candidate = place(seen, source, block, i);

		if (!candidate->dirty && (best == NULL || candidate->used < best->used))
			best = candidate;
	}
	if (best == NULL)
		return NULL;
	memset(best, 0, sizeof(*best));
	best->source = source;
	best->block = block;
	best->used = ++seen->clock;
	return best;
}

bool seen_has(const struct seen_block *block, uint64_t number)
{
	unsigned bit = (unsigned)(number % SEEN_NUMBERS);

	return (block->bits[bit / 8] >> bit % 8 & 1) != 0;
}

void seen_add(struct seen_block *block, uint64_t number, int64_t ms)
{
	unsigned bit = (unsigned)(number % SEEN_NUMBERS);

	block->bits[bit / 8] |= (uint8_t)(1u << bit % 8);
	block->first_ms = block->count == 0 || ms < block->first_ms ? ms : block->first_ms;
	block->last_ms = block->count == 0 || ms > block->last_ms ? ms : block->last_ms;
	block->count++;
	block->dirty = true;
}
