/*
 * https_mode.h: what is taken out of the SVCB and HTTPS records of one name: what a list says about it, else what
 * `https:` of verdict: says.
 *
 * Threads: reads the snapshot only.
 */
#ifndef POLICY_HTTPS_MODE_H
#define POLICY_HTTPS_MODE_H

#include <stdint.h>

#include "policy/conf.h"
#include "policy/name.h"
#include "policy/snapshot.h"

/* Of records of that owner and type, for every client. The first list that has the name and says `https:` counts. */
enum https_mode https_mode_of(const struct snapshot *snapshot, const struct name *owner, uint16_t type);

#endif
