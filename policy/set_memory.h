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

/* Zeroed, on small pages; what is large begins where a huge page may. `octets` are whole pages. NULL: no memory. */
void *memory_map(size_t octets);

/* The same for what is written from end to end at once: on huge pages from the start, where the system has any. */
void *memory_map_whole(size_t octets);

/* Moves what memory_map gave to huge pages where the system has any, since every search goes to another page. Only
 * when all of it is written: a huge page takes all of its memory at once. */
void memory_settle(void *at, size_t octets);

/* Gives back the pages of such memory that lie in that range whole; they read as zeros. */
void memory_forget(void *at, size_t octets);

#endif
