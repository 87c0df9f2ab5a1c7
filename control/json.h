/*
 * json.h: JSON values of texts that may hold anything.
 *
 * Octets that are no UTF-8 become the text \DDD. A value that there is no memory for is left out of its object.
 *
 * Threads: no shared state.
 */
#ifndef CONTROL_JSON_H
#define CONTROL_JSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* A JSON string of any octets. Owned by the caller; NULL: no memory. */
json_t *json_text(const void *from, size_t octets);

/* Set a member; nothing happens when `text` is NULL. */
void json_set_text(json_t *object, const char *key, const char *text);
void json_set_number(json_t *object, const char *key, uint64_t value);
void json_set_flag(json_t *object, const char *key, int value);

/* A member of an object: "", 0 or false where it is not there or of another type. */
const char *json_get_text(const json_t *object, const char *key);
int64_t json_get_number(const json_t *object, const char *key);
int json_get_flag(const json_t *object, const char *key);

#endif
