/*
 * pages.h: memory that is looked at all over, a line here and a line there.
 *
 * In pages of 4 kB each look would cost a walk through the page tables before it costs the line itself; pages of 2 MiB
 * of a few tables are all remembered by the processor. It is all touched at once, so that no answer waits for a page.
 *
 * Threads: no shared state.
 */
#ifndef DETECT_PAGES_H
#define DETECT_PAGES_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGES_LINE ((size_t)64)              /* of the processor's cache */
#define PAGES_HUGE ((size_t)2 << 20)

/* So many octets of zeros that begin a line, and a huge page where they are as large as one. Owned, for free(); NULL: out
 * of memory. */
static inline void *pages_create(size_t octets)
{
	const size_t unit = octets < PAGES_HUGE ? PAGES_LINE : PAGES_HUGE;
	void *pages = aligned_alloc(unit, (octets + unit - 1) / unit * unit);

	if (pages == NULL)
		return NULL;
#ifdef MADV_HUGEPAGE
	/* A wish: a system without them gives small ones. */
	if (unit == PAGES_HUGE)
		madvise(pages, (octets + unit - 1) / unit * unit, MADV_HUGEPAGE);
#endif
	return memset(pages, 0, octets);
}

#endif
