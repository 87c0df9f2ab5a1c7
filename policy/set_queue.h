/*
 * set_queue.h: what waits to be put into a set, sorted by part. For policy/set*.c alone.
 *
 * 12 octets an entry. The entries of a part are read in the order in which they came and their memory goes back to
 * the system right behind the reader.
 *
 * Threads: belongs to one thread.
 */
#ifndef POLICY_SET_QUEUE_H
#define POLICY_SET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/set_parts.h"

struct entry {
	struct key key;
	uint16_t class;
};

struct queue_part {
	uint32_t first;        /* page number; 0: none */
	uint32_t last;
	size_t count;          /* entries */
};

struct queue {
	struct page *pages;    /* mapped; number 0 is not used */
	size_t used;
	size_t cap;
	struct queue_part parts[SET_PARTS];
};

/* False: no memory, nothing to free. */
bool queue_init(struct queue *queue);
void queue_fini(struct queue *queue);

/* False: no memory, nothing added. */
bool queue_add(struct queue *queue, const struct entry *entry);

/* Reads the entries of one part into `to`, which has room for its count, and forgets them. */
void queue_take(struct queue *queue, unsigned part, struct entry *to);

#endif
