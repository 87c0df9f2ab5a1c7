/*
 * hunt_coverage.h: between gathering and counting of `hunt coverage`: the tables of hunt_coverage.c.
 *
 * Threads: as the hunt.
 */
#ifndef TOOLS_HUNT_COVERAGE_H
#define TOOLS_HUNT_COVERAGE_H

#include "store/store.h"
#include "tools/hunt.h"

#define HUNT_BLOCK_OCTETS (STORE_BLOCK_NUMBERS / 8)

/* Fills `covered` and `gap` from `block`, `source`, `told`, `beat`, `past` and `up_to`. 0 or -1 with hunt->diag. */
int hunt_coverage_count(struct hunt *hunt);

#endif
