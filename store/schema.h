/*
 * schema.h: the tables of a day file; store.h explains them.
 *
 * Threads: constant data.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include "store/event.h"

extern const char store_schema[];
/* What a file of version 3 has besides. */
extern const char store_schema_slice[];
/* What a file of that class has besides; "": nothing. */
extern const char *const store_schema_more[STORE_CLASSES];

#endif
