/*
 * held_load.h: a load that stands still until the test lets it go, so that "in the middle of a load" is a state and no
 * guess about how long one takes.
 *
 * For tests linked with -Wl,--wrap=edition_load. Threads: the test's calls these; the loader's and its helpers meet
 * them in edition_load.
 */
#ifndef TESTS_UNIT_HELD_LOAD_H
#define TESTS_UNIT_HELD_LOAD_H

#include <stdbool.h>

/* From now on a load stands still before it reads anything. */
void held_load_shut(void);

/* Waits until one stands there. False: none came. */
bool held_load_stands(void);

/* Lets it go, and those to come. False: none stood there any more, since somebody waited for its end until it lost
 * patience (a test that has a fault to show ends, too). */
bool held_load_open(void);

#endif
