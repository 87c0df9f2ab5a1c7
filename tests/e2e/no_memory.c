/*
 * no_memory.c: an LD_PRELOAD with which an Unbound has no memory for one thing: while the file NO_MEMORY names is there,
 * malloc(8192) fails, which is a further chunk of a region (util/regional.c). So an answer from the cache whose names do
 * not fit in the worker's scratch region can not be encoded.
 */
#include <stdlib.h>
#include <unistd.h>

#define CHUNK 8192

/* glibc's own, below what is replaced here. */
extern void *__libc_malloc(size_t octets);

__attribute__((visibility("default"))) void *malloc(size_t octets)
{
	const char *name = octets == CHUNK ? getenv("NO_MEMORY") : NULL;

	return name && access(name, F_OK) == 0 ? NULL : __libc_malloc(octets);
}
