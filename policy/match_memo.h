/*
 * match_memo.h: what one worker found for its last few thousand names that are listed.
 *
 * Most denied questions are about names that were denied a moment before. The set of a large policy is spread over so
 * much memory that each look there waits for it; here the names that are asked for lie close together.
 *
 * A memo is about one snapshot, and forgets all when it is asked for another one. Names are told by 64 bits of the
 * snapshot's keyed hash, which nobody outside can aim at.
 *
 * Threads: a memo belongs to one worker.
 */
#ifndef POLICY_MATCH_MEMO_H
#define POLICY_MATCH_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MATCH_MEMO_LINES 1024   /* a power of two */
#define MATCH_MEMO_SLOTS 4

/* What the suffixes of a name have, the longest first: for each its class and, above that, the labels cut off to get
 * it. 0: nothing. */
#define MATCH_FINDS_MAX 3u
#define MATCH_FIND_BITS 21u
#define MATCH_CUT_MAX 31u

/* A cache line. */
struct match_memo_line {
	_Alignas(64) uint64_t lows[MATCH_MEMO_SLOTS];
	uint64_t finds[MATCH_MEMO_SLOTS];               /* 0: the slot is free */
};

struct match_memo {
	struct match_memo_line lines[MATCH_MEMO_LINES];
	uint64_t number;                 /* of the snapshot; 0: none yet */
	unsigned kept;                   /* in full lines, so far: anybody makes room for the next */
};

/* Empty. NULL: no memory. Returns owned: free(). */
struct match_memo *match_memo_create(void);

/* From here on it is about the snapshot of that number. */
void match_memo_turn(struct match_memo *memo, uint64_t number);

/* 0: not known. */
static inline uint64_t match_memo_get(const struct match_memo *memo, uint64_t low)
{
	const struct match_memo_line *line = &memo->lines[low % MATCH_MEMO_LINES];

	for (unsigned i = 0; i < MATCH_MEMO_SLOTS; i++)
		if (line->lows[i] == low)
			return line->finds[i];
	return 0;
}

/* Keeps `finds`, not 0, of a name. One that was looked up twice before it was known keeps its slot. */
static inline void match_memo_put(struct match_memo *memo, uint64_t low, uint64_t finds)
{
	struct match_memo_line *line = &memo->lines[low % MATCH_MEMO_LINES];
	unsigned slot = 0;

	while (slot < MATCH_MEMO_SLOTS && line->finds[slot] != 0 && line->lows[slot] != low)
		slot++;
	/* Whoever asks for one name too many in turn would else find none of them. */
	if (slot == MATCH_MEMO_SLOTS)
		slot = memo->kept++ % MATCH_MEMO_SLOTS;
	line->lows[slot] = low;
	line->finds[slot] = finds;
}

static inline uint64_t match_find(uint16_t class, unsigned cut)
{
	return (uint64_t)cut << 16 | class;
}

#endif
