/* fuzz_elf.c: programs and libraries that `verdictctl check --unbound` reads: nothing of them is trusted. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const char *start, *end;
	size_t octets;
};

/* A text lies inside what was given, with its NUL, and holds what was looked for. */
static bool judge(void *arg, const char *text, size_t length)
{
	struct seen *seen = arg;

	if (text < seen->start || length >= (size_t)(seen->end - text) || text[length] != '\0' ||
	    length >= ELF_TEXT_MAX || strstr(text, "unbound") == NULL)
		abort();
	seen->octets += length;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly that size, so that a sanitizer sees the first octet too many. */
	char *octets = malloc(size + (size == 0));
	struct file_text text = { .octets = octets, .length = size };
	struct seen seen = { octets, octets + size, 0 };
	struct elf_file file;
	struct elf_symbol symbol;

	if (octets == NULL)
		return 0;
	if (size > 0)
		memcpy(octets, data, size);
	if (elf_parse(&file, &text) == NULL) {
		elf_texts(&file, "unbound", judge, &seen);
		for (size_t i = 0; i < file.symbol_count; i++)
			if (elf_symbol(&file, i, &symbol))
				seen.octets += strlen(symbol.name);
	}
	free(octets);
	return 0;
}
