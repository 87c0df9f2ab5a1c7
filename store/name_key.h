/*
 * name_key.h: a name as the store keeps it: labels reversed, so that what is below a name is one range (store.h).
 *
 * Threads: values only.
 */
#ifndef STORE_NAME_KEY_H
#define STORE_NAME_KEY_H

#include <stddef.h>
#include <stdint.h>

#define NAME_KEY_MAX 1024            /* with NUL */

/* Writes the key of a name in canonical wire form. `to` holds NAME_KEY_MAX. Returns its octets. */
size_t name_key_write(const uint8_t *name, size_t octets, char *to);

/* Writes the name of a key as people write it ("." for the root), still escaped; a key is safe on a terminal. `to`
 * holds NAME_KEY_MAX. Returns its octets. */
size_t name_key_to_text(const char *key, char *to);

#endif
