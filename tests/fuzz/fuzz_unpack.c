/*
 * fuzz_unpack.c: any octets as a compressed file: a text within the limit that ends with a NUL, or an error and the
 * file as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "policy/unpack.h"

#define OCTETS_MAX ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* file_release, without the rest of file.c. */
static void release(const struct file_text *text)
{
	munmap(text->octets, text->length + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file_text text = { .length = size };
	const char *wrong;

	text.octets = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (text.octets == MAP_FAILED)
		return 0;
	if (size > 0)
		memcpy(text.octets, data, size);
	wrong = unpack(&text, OCTETS_MAX);
	if (wrong != NULL && (*wrong == '\0' || text.length != size || memcmp(text.octets, data, size) != 0))
		abort();
	if (wrong == NULL && ((text.length > OCTETS_MAX && text.length != size) || text.octets[text.length] != '\0'))
		abort();
	release(&text);
	return 0;
}
