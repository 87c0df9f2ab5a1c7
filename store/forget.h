/*
 * forget.h: a client out of one day file.
 *
 * Threads: no shared state.
 */
#ifndef STORE_FORGET_H
#define STORE_FORGET_H

#include <stdint.h>

#include "policy/diag.h"
#include "policy/facts.h"

/* See store_forget; adds to *events. Nobody else may write to the file. What is deleted is overwritten. */
int forget_in(const char *path, const struct address *client, unsigned bits, uint64_t *events, struct diag *diag);

#endif
