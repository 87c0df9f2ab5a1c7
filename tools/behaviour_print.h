/*
 * behaviour_print.h: what the detectors of the running resolver know and have found, for people.
 *
 * Every text that came from outside is made safe for a terminal.
 *
 * Threads: none.
 */
#ifndef TOOLS_BEHAVIOUR_PRINT_H
#define TOOLS_BEHAVIOUR_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "tools/term.h"

/* One flag (control/flag_json.h), three lines. `now`: Unix seconds at the resolver. */
void flag_print(const json_t *flag, int64_t now, const struct term *term, FILE *to);

/* A zone, perhaps with a client, as control/view_json.h has it. */
void behaviour_print(const json_t *behaviour, const struct term *term, FILE *to);

#endif
