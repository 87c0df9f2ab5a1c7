/*
 * live_print.h: what the resolver answered, for people.
 *
 * Threads: none.
 */
#ifndef TOOLS_LIVE_PRINT_H
#define TOOLS_LIVE_PRINT_H

#include <stdio.h>

#include <jansson.h>

#include "tools/term.h"

#define LIVE_SAFE_MAX 1280   /* a text, made safe */

/* One line about a load, and what it was refused for. */
void live_print_load(const json_t *load, const struct term *term, FILE *to);

/* Each phase with its time, the sweep, and the blast radius. */
void live_print_phases(const json_t *load, const struct term *term, FILE *to);

/* `swept N of M in T`. */
void live_print_sweep(const json_t *sweep, FILE *to);

#endif
