/*
 * explanation_print.h: an explanation (control/explanation.h) for people, from its JSON, which may have come from the
 * running resolver: what is missing or of another type prints as nothing.
 *
 * Threads: no shared state.
 */
#ifndef TOOLS_EXPLANATION_PRINT_H
#define TOOLS_EXPLANATION_PRINT_H

#include <stdio.h>

#include <jansson.h>

#include "tools/term.h"

void explanation_print(const json_t *explanation, const struct term *term, FILE *to);

#endif
