/*
 * json_out.h: JSON lines that are always valid and safe on a terminal.
 *
 * Everything outside printable ASCII leaves as \uXXXX, and octets that are no UTF-8 leave as the text \DDD.
 */
#ifndef TOOLS_JSON_OUT_H
#define TOOLS_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/* A JSON string of any octets. Owned by the caller; NULL: no memory. */
json_t *json_text(const void *from, size_t octets);

/* Set a member; nothing happens when `text` is NULL. */
void json_set_text(json_t *object, const char *key, const char *text);
void json_set_number(json_t *object, const char *key, size_t value);

/* Prints one object and a newline, and flushes it when `live`. Drops the caller's reference. False: no memory, or it
 * could not be written. */
bool json_print_line(json_t *object, FILE *to, bool live);

#endif
