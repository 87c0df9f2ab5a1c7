/*
 * own_threads.h: which threads this process has. One that was joined is still listed for a moment, so a number of
 * threads is worth something only once it was waited for.
 */
#ifndef TESTS_UNIT_OWN_THREADS_H
#define TESTS_UNIT_OWN_THREADS_H

#include <stdbool.h>

/* Those whose names begin so. */
unsigned own_threads(const char *prefix);

/* Waits until there is none of them. False: some go on. */
bool own_threads_end(const char *prefix);

#endif
