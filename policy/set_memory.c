/* set_memory.c: memory from the system. */
#include "policy/set_memory.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

size_t memory_pages(size_t octets)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return octets > SIZE_MAX - page ? 0 : (octets + page - 1) / page * page;
}

static void *map(size_t octets)
{
	void *start = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return start == MAP_FAILED ? NULL : start;
}

/* Begins where a huge page may, since every search goes to another page. */
void *memory_map(size_t octets)
{
	uint8_t *start;
	size_t skip;

	if (octets < 2 * HUGE_PAGE)
		return memory_map_small(octets);
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
	(void)madvise(start + skip, octets, MADV_HUGEPAGE);
	return start + skip;
}

void *memory_map_small(size_t octets)
{
	void *start = map(octets);

	if (start != NULL)
		(void)madvise(start, octets, MADV_NOHUGEPAGE);
	return start;
}

void memory_forget(void *at, size_t octets)
{
	(void)madvise(at, octets, MADV_DONTNEED);
}
