/* suffix_list.h: a public suffix list for the length of one test. */
#ifndef TESTS_UNIT_SUFFIX_LIST_H
#define TESTS_UNIT_SUFFIX_LIST_H

#include <stdio.h>

#include "tests/unit/temp_file.h"

/* Of `domains`, each with its line end, and as many more as a list is believed with. As temp_file. */
static inline char *suffix_list(char *path, const char *domains)
{
	char text[8192];
	size_t used = (size_t)snprintf(text, sizeof(text), "// ===BEGIN ICANN DOMAINS===\n%s", domains);

	for (unsigned i = 0; i < 100; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "tld%u\n", i);
	return temp_file(path, text, used);
}

#endif
