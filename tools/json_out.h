/*
 * json_out.h: JSON lines that are always valid and safe on a terminal.
 *
 * Everything outside printable ASCII leaves as \uXXXX, and octets that are no UTF-8 leave as the text \DDD
 * (control/json.h).
 */
#ifndef TOOLS_JSON_OUT_H
#define TOOLS_JSON_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "control/json.h"

/* Prints one object and a newline, and flushes it when `live`. Drops the caller's reference. False: no memory, or it
 * could not be written. */
bool json_print_line(json_t *object, FILE *to, bool live);

#endif
