/*
 * nearest.h: the word that was probably meant.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_NEAREST_H
#define CONTROL_NEAREST_H

#include <stdbool.h>

#define NEAREST_WORD_MAX 32
#define NEAREST_FAR NEAREST_WORD_MAX   /* where *best starts */

/* Is `candidate` near `word` (at most a third of it is wrong, or it begins the candidate) and nearer than *best? Then
 * *best is set. */
bool nearest_is(const char *word, const char *candidate, unsigned *best);

#endif
