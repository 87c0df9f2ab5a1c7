/*
 * set_memory.h: memory for sets and their builders, mapped and not from the heap. For policy/set*.c alone.
 *
 * Threads: any.
 */
#ifndef POLICY_SET_MEMORY_H
#define POLICY_SET_MEMORY_H

#include <stddef.h>

/* So many octets up to whole pages. 0: too many. */
size_t memory_pages(size_t octets);

/* Zeroed, on huge pages when it is large. `octets` are whole pages. NULL: no memory. */
void *memory_map(size_t octets);

/* The same, on small pages. */
void *memory_map_small(size_t octets);

/* Gives pages back that lie in such memory; they read as zeros. */
void memory_forget(void *at, size_t octets);

#endif
