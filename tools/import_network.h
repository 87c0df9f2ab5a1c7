/*
 * import_network.h: networks of clients, as other systems write them.
 *
 * Threads: values only.
 */
#ifndef TOOLS_IMPORT_NETWORK_H
#define TOOLS_IMPORT_NETWORK_H

#include <stdbool.h>

#include "policy/conf.h"

/* ADDRESS or ADDRESS/BITS. False, and *network untouched: it is none. */
bool import_read_network(const char *text, struct network *network);

/* Is the one in the other, or the same? */
bool import_is_inside(const struct network *inner, const struct network *outer);

#endif
