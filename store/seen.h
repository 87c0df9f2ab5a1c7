/*
 * seen.h: which numbers of a worker came, 8192 in a block of 1 KiB (table `seen` of store.h).
 *
 * Blocks that are being written to are at hand, SEEN_BLOCKS of them; others lie in the file. A block that events of
 * the waiting batch belong to is not let go.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define SEEN_BLOCKS 1024u
#define SEEN_OCTETS 1024u
#define SEEN_NUMBERS (SEEN_OCTETS * 8)

struct seen_block {
	uint64_t block;
	uint32_t source;                 /* 0: free */
	uint32_t count;
	int64_t first_ms, last_ms;
	uint64_t first, last;            /* event ids; last 0: none yet */
	bool dirty;
	uint64_t used;
	uint8_t bits[SEEN_OCTETS];
};

struct seen {
	uint64_t clock;
	struct seen_block blocks[SEEN_BLOCKS];
};

/* The block of that number, if it is at hand. */
struct seen_block *seen_find(struct seen *seen, uint32_t source, uint64_t number);

/* A place for it: free, or one that is clean and has not been used for longest. NULL: all that it could have are
 * dirty. The block is empty. */
struct seen_block *seen_take(struct seen *seen, uint32_t source, uint64_t number);

bool seen_has(const struct seen_block *block, uint64_t number);
void seen_add(struct seen_block *block, uint64_t number, int64_t ms);

#endif
