/* set_memory.c: memory from the system. */
#include "policy/set_memory.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* Headers before Linux 6.1 lack it. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

size_t memory_pages(size_t octets)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return octets > SIZE_MAX - page ? 0 : (octets + page - 1) / page * page;
}

static void *map(size_t octets)
{
	void *start = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return NULL;
	(void)madvise(start, octets, MADV_NOHUGEPAGE);
	return start;
}

void *memory_map(size_t octets)
{
	uint8_t *start;
	size_t skip;

	if (octets < HUGE_PAGE)
		return map(octets);
	if (octets > SIZE_MAX - HUGE_PAGE)
		return NULL;
	start = map(octets + HUGE_PAGE);
	if (start == NULL)
		return NULL;
	skip = (size_t)(-(uintptr_t)start & (HUGE_PAGE - 1));
	if (skip != 0)
		munmap(start, skip);
	if (skip != HUGE_PAGE)
		munmap(start + skip + octets, HUGE_PAGE - skip);
	return start + skip;
}

void *memory_map_whole(size_t octets)
{
	void *start = memory_map(octets);

	if (start != NULL && octets >= HUGE_PAGE)
		(void)madvise(start, octets, MADV_HUGEPAGE);
	return start;
}

void memory_settle(void *at, size_t octets)
{
	if (octets < HUGE_PAGE)
		return;
	(void)madvise(at, octets, MADV_HUGEPAGE);
	/* From Linux 6.1 on at once; before, the system does it by and by. */
	(void)madvise(at, octets / HUGE_PAGE * HUGE_PAGE, MADV_COLLAPSE);
}

void memory_forget(void *at, size_t octets)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)at + page - 1) / page * page;
	uintptr_t end = ((uintptr_t)at + octets) / page * page;

	if (begin < end)
		(void)madvise((uint8_t *)at + (begin - (uintptr_t)at), end - begin, MADV_DONTNEED);
}
