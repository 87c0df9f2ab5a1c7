/*
 * askers.h: which clients ask for some names in a window, a few of each, by the slices of a day file.
 *
 * A name that ASKERS_MAX clients ask for is not rare; more of them are not kept. Client 0 is nobody.
 *
 * Errors are SQLite's codes.
 *
 * Threads: belongs to its caller.
 */
#ifndef STORE_ASKERS_H
#define STORE_ASKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/slice_scan.h"

#define ASKERS_MAX 5

struct askers;

/* Owned; NULL: no memory. */
struct askers *askers_create(void);
void askers_destroy(struct askers **askers);

/* False: no memory, or no id of a name. */
bool askers_want(struct askers *askers, uint32_t name);

/* Of the file attached as `day`. */
int askers_scan(struct askers *askers, sqlite3 *db, const struct slice_window *window);

/* How many clients ask for a name that was wanted, and which; at most ASKERS_MAX. */
unsigned askers_of(const struct askers *askers, uint32_t name, const uint32_t **clients);

#endif
